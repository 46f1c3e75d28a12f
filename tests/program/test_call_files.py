"""Files of a call: put there by the desk, public from the issue on, and only after the malware scan."""

from __future__ import annotations

from hashlib import sha256

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from program.documents import record_scan
from program.enums import ScanState
from program.intake import examine
from program.models import AuditEvent, CallFile, Notice
from program.services import calls, scans
from program.services.call_files import MOST_FILES, add_file, release_file, remove_file
from program.transitions import NotReady, WrongStatus
from tests.factories.program import UserFactory, approved_call, drafted_call, officer
from tests.program.files import makers
from tests.program.test_pages import signed_in, text_of  # noqa: F401 (a fixture)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def pdf(name="guide.pdf"):
    return SimpleUploadedFile(name, makers.pdf(), "application/pdf")


def added(call, by=None, title="A guide"):
    file = pdf()
    return add_file(call, file, found=examine(file, file.name), title=title, by=by or officer())


def test_file_is_added_to_a_draft_and_removed_by_an_officer_who_then_does_not_approve():
    call, writer = drafted_call(), officer()
    file = added(call, writer)
    assert not writer.has_perm("program.approve_call", call)
    remove_file(file, by=writer)
    remove_file(file, by=writer)
    acts = [event.act for event in AuditEvent.objects.of(call)][-2:]
    assert acts == ["call.add_file", "call.remove_file"]
    assert not call.files.exists()
    for refused in (lambda: added(call, UserFactory()), lambda: remove_file(file, by=UserFactory())):
        with pytest.raises(PermissionDenied):
            refused()


def test_files_are_frozen_with_the_call_and_no_more_than_a_number():
    call = approved_call()
    with pytest.raises(WrongStatus):
        added(call)
    draft = drafted_call()
    document = added(draft).document
    CallFile.objects.bulk_create(
        CallFile(call=draft, document=document, title=f"Copy {n}") for n in range(MOST_FILES - 1)
    )
    with pytest.raises(NotReady, match="at most"):
        added(draft)


def test_call_with_a_file_that_is_not_handed_out_is_not_approved(settings):
    settings.CLAMAV_URL = ""
    call = drafted_call()
    file = added(call)
    with pytest.raises(NotReady) as refusal:
        calls.approve_call(call, by=officer())
    assert [problem.code for problem in refusal.value.problems] == ["call-file-withheld"]
    release_file(file, by=call.created_by)
    release_file(file, by=call.created_by)
    acts = [event.act for event in AuditEvent.objects.of(call)]
    assert acts.count("call.change_file") == 1
    calls.approve_call(call, by=officer())


def test_infected_file_is_not_let_go_and_its_officer_is_led_to_the_call():
    call, person = drafted_call(), officer()
    file = added(call, person)
    record = file.document
    type(record).objects.filter(pk=record.pk).update(scan_state=ScanState.PENDING)
    record.refresh_from_db()
    scans._settle(record, ScanState.INFECTED, "Eicar")
    with pytest.raises(NotReady, match="malware was found"):
        release_file(file, by=person)
    assert Notice.objects.get(kind="documents.infected").url == f"/desk/calls/{call.number}/"


def test_file_is_uploaded_at_the_desk_and_public_from_the_issue_on(client, signed_in):  # noqa: F811
    call = drafted_call()
    desk, client = f"/desk/calls/{call.number}/", signed_in(officer())
    bad = SimpleUploadedFile("guide.pdf", b"MZ no pdf", "application/pdf")
    refused = client.post(f"{desk}files/new/", {"file": bad, "title": "x"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["file"])
    assert client.post(f"{desk}files/new/", {"file": pdf(), "title": "How to propose"}).status_code == 302
    file = call.files.get()
    address = reverse("program:call-file", args=[call.number, file.pk])
    assert client.get(address)["Location"] == desk
    client.post(f"{desk}files/{file.pk}/release/")
    assert client.get(address).getvalue().startswith(b"%PDF-")
    client.logout()
    assert client.get(address).status_code == 404
    calls.approve_call(call, by=officer())
    calls.issue_call(call, by=call.created_by)
    assert address in text_of(client.get(f"/calls/{call.number}/"))
    answer = client.get(address)
    assert sha256(answer.getvalue()).hexdigest() == file.document.sha256
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    record_scan(file.document, ScanState.PENDING)
    record_scan(file.document, ScanState.INFECTED)
    assert client.get(address)["Location"] == f"/calls/{call.number}/"

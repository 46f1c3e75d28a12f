"""Files of a call: put there by the desk, public from the issue on, and only after the malware scan."""

from __future__ import annotations

from hashlib import sha256

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from program import clock
from program.documents import record_scan
from program.enums import ScanState
from program.intake import examine
from program.models import AuditEvent, CallFile, Document, Notice, Subscription
from program.revisions import StaleRevision
from program.services import calls, scans
from program.services.call_files import MOST_FILES, add_file, amend_files, release_file, remove_file
from program.services.subscriptions import subscribe
from program.transitions import NotReady, WrongStatus
from tests.factories.program import UserFactory, approved_call, drafted_call, officer
from tests.program.files import makers
from tests.program.pages import text_of

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


def test_file_is_uploaded_at_the_desk_and_public_from_the_issue_on(client, signed_in):
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
    Document.objects.filter(pk=file.document_id).update(released_at=None, released_by=None, **WAITS)
    page = text_of(client.get(f"/calls/{call.number}/"))
    assert "is being checked for malware" in page and "How to propose" in page and address not in page
    assert client.get(address)["Location"] == f"/calls/{call.number}/"
    record_scan(file.document, ScanState.INFECTED)
    page = text_of(client.get(f"/calls/{call.number}/"))
    assert "a malware scan found something in it" in page and address not in page
    assert client.get(address)["Location"] == f"/calls/{call.number}/"


WAITS = {"scan_state": ScanState.PENDING}
CHANGE = {"summary": "A newer guide.", "reason": "The first one had an error.", "legal_basis": "A statute."}


@pytest.fixture
def opened(settings):
    settings.CLAMAV_URL = ""
    call = drafted_call()
    release_file(added(call, call.created_by), by=call.created_by)
    calls.approve_call(call, by=officer())
    calls.issue_call(call, by=call.created_by)
    return call


def amended(call, by=None, name="", **details):
    file = pdf(name) if name else None
    found = examine(file, file.name) if file else None
    return amend_files(call, by=by or officer(), file=file, found=found, **{**CHANGE, **details})


def test_copied_call_has_the_files_that_belong_to_the_call_as_it_stands(opened):
    first = opened.files.get()
    amended(opened, name="new.pdf", withdrawn=first, title="Newer guide")
    copied = calls.copy_call(opened, by=officer(), title="The next call")
    file = copied.files.get()
    assert (file.title, file.document, file.added_by) == (
        "Newer guide", opened.files.current().get().document, None,
    )  # fmt: skip


def test_file_of_an_open_call_is_replaced_by_an_amendment_and_stays_readable(opened, client):
    first, reader = opened.files.get(), UserFactory()
    subscribe(opened, by=reader)
    revision = opened.revision
    amendment = amended(opened, name="new.pdf", withdrawn=first, title="Newer guide", revision=revision)
    second = opened.files.current().get()
    first.refresh_from_db()
    assert (first.withdrawn_by, second.added_by, amendment.number) == (amendment, amendment, 1)
    assert Notice.objects.get(kind="call-amended", recipient=reader).url.endswith("#amendment-1")
    event = AuditEvent.objects.of(opened).last()
    assert (event.act, event.said["before"]["title"], event.said["after"]["title"]) == (
        "call.amend_files", "A guide", "Newer guide",
    )  # fmt: skip
    page = client.get(f"/calls/{opened.number}/")
    assert [row["pk"] for row in page.context["files"]] == [second.pk]
    assert [(act, row["pk"]) for act, row in page.context["amendments"][0]["files"]] == [
        ("Replaced", first.pk), ("New", second.pk),
    ]  # fmt: skip
    old = reverse("program:call-file", args=[opened.number, first.pk])
    assert client.get(old).getvalue().startswith(b"%PDF-")
    with pytest.raises(StaleRevision):
        amended(opened, name="other.pdf", revision=revision)


def test_file_that_no_scan_will_come_for_is_let_go_after_the_amendment(opened, client):
    amended(opened, name="new.pdf")
    file = opened.files.last()
    address = reverse("program:call-file", args=[opened.number, file.pk])
    assert client.get(address)["Location"] == f"/calls/{opened.number}/"
    release_file(file, by=officer())
    assert client.get(address).status_code == 200
    assert AuditEvent.objects.of(opened).last().act == "call.release_file"


def test_documents_of_a_call_are_amended_by_the_office_while_it_is_open(opened):
    first = opened.files.get()
    with pytest.raises(PermissionDenied):
        amended(opened, by=UserFactory(), name="new.pdf")
    with pytest.raises(NotReady, match="No file was"):
        amended(opened)
    amended(opened, withdrawn=first)
    assert not opened.files.current().exists()
    with pytest.raises(NotReady, match="any more"):
        amended(opened, withdrawn=first)
    with clock.moved_to(opened.closes_at), pytest.raises(NotReady):
        amended(opened, name="late.pdf")
    with pytest.raises(WrongStatus):
        amended(drafted_call(), name="new.pdf")
    assert opened.amendments.count() == 1


def test_no_more_than_a_number_of_files_after_amendments(opened):
    document = opened.files.get().document
    CallFile.objects.bulk_create(
        CallFile(call=opened, document=document, title=f"Copy {n}") for n in range(MOST_FILES - 1)
    )
    with pytest.raises(NotReady, match="at most"):
        amended(opened, name="new.pdf")
    amended(opened, name="new.pdf", withdrawn=opened.files.first())


def test_desk_says_before_the_mail_that_no_file_fits_and_after_it_that_one_is_to_be_chosen_again(
    opened,
    signed_in,
):
    client, add = signed_in(officer()), reverse("program:desk-call", args=[opened.number]) + "amend/files/"
    Subscription.objects.create(email="reader@firm.example", confirmed_at=clock.now())
    form = {**CHANGE, "revision": str(opened.revision)}
    seen = client.post(add, form).context["preview"].seen
    again = client.post(add, {**form, "reason": "Another.", "seen": seen, "file": pdf(), "title": "Map"})
    assert "choose the file again" in text_of(again) and not opened.amendments.exists()
    document = opened.files.get().document
    CallFile.objects.bulk_create(
        CallFile(call=opened, document=document, title=f"Copy {n}") for n in range(MOST_FILES - 1)
    )
    full = client.post(add, form)
    assert (full.status_code, "at most 20 files" in text_of(full)) == (422, True)


def test_desk_amends_the_documents(opened, signed_in):
    client, first = signed_in(officer()), opened.files.get()
    desk = reverse("program:desk-call", args=[opened.number])
    replace, add = f"{desk}amend/files/{first.pk}/", f"{desk}amend/files/"
    page = text_of(client.get(desk))
    assert [replace in page, add in page] == [True, True]
    Subscription.objects.create(email="reader@firm.example", confirmed_at=clock.now())
    assert client.get(add).context["reach"].addresses == 1
    form = {**CHANGE, "revision": str(opened.revision)}
    assert ["file" in client.get(add).context["form"].fields, client.post(add, {}).status_code] == [
        False,
        422,
    ]
    shown = client.post(replace, form)
    assert ["file" in shown.context["form"].fields, opened.amendments.count()] == [True, 0]
    assert f'Subject: <strong class="site-breaks">Amendment 1 to call {opened.number}</strong>' in shown.text
    form["seen"] = shown.context["preview"].seen
    for wrong in ({}, {"file": pdf(), "is_withdrawn": "on"}):
        refused = client.post(replace, {**form, **wrong})
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["file"])
    assert client.post(replace, {**form, "file": pdf("two.pdf"), "title": "Two"}).status_code == 302
    stale = client.post(add, {**form, "file": pdf("three.pdf"), "title": "Three"})
    assert (stale.status_code, opened.files.count()) == (409, 2)
    assert ["Documents of the call amended" in text_of(stale), 'value="Three"' in text_of(stale)] == [
        True
    ] * 2
    again = {**form, "revision": stale.context["form"]["revision"].value(), "title": "Three"}
    assert (
        client.post(add, {**again, "file": pdf("three.pdf")})
        .context["preview"]
        .subject.startswith("Amendment 2 ")
    )
    again["seen"] = stale.context["preview"].seen
    assert client.post(add, {**again, "file": pdf("three.pdf")}).status_code == 302
    assert [file.title for file in opened.files.current()] == ["Two", "Three"]
    assert client.get(replace).status_code == 404
    opened.refresh_from_db()
    now = {**form, "revision": str(opened.revision), "title": "Late"}
    now["seen"] = client.post(add, now).context["preview"].seen
    late = client.post(replace, {**now, "file": pdf("four.pdf")})
    assert late.status_code == 422
    assert "does not belong to the call any more" in late.text and 'value="Late"' in late.text
    assert signed_in(UserFactory()).post(add, form).status_code == 404


def test_without_a_scanner_the_amendment_says_before_that_its_file_is_closed_and_leads_to_its_release(
    opened,
    signed_in,
    settings,
):
    client, desk = signed_in(officer()), reverse("program:desk-call", args=[opened.number])
    add, form = f"{desk}amend/files/", {**CHANGE, "revision": str(opened.revision), "title": "Map"}
    before = text_of(client.get(add))
    assert "No malware scanner is configured" in before and "Public at once" not in before
    form["seen"] = client.post(add, form).context["preview"].seen
    after = client.post(add, {**form, "file": pdf("map.pdf")}, follow=True)
    assert "allow the download below" in text_of(after)
    file = opened.files.get(title="Map")
    release = reverse("program:file-release", args=[opened.number, file.pk])
    assert release in text_of(after)
    public = f"/calls/{opened.number}/"
    assert "was not checked for malware" in text_of(client.get(public))
    client.post(release)
    assert "was not checked for malware" not in text_of(client.get(public))
    settings.CLAMAV_URL = "tcp://localhost:1"
    assert "No malware scanner is configured" not in text_of(client.get(add))

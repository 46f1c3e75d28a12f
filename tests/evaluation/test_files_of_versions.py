"""The files of a version open wherever they are listed, and a reading is recorded only of what was sent."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from program.enums import Mark, ScanState
from program.intake import examine
from program.models import AuditEvent, Document
from program.withheld import WITHHELD
from proposals import services
from tests.evaluation.pages import sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import ProposalFactory, representative_of, submitted

pytestmark = pytest.mark.django_db
BYTES = b"item,usd\nboard,5\n"


@pytest.fixture
def proposal(settings, tmp_path):
    """Under evaluation, with a file that proves its first component."""
    settings.MEDIA_ROOT = str(tmp_path)
    make.five_agencies()
    proposal = ProposalFactory(complete=True)
    file, by = ContentFile(BYTES, name="prices.csv"), representative_of(proposal)
    services.add_file(
        proposal, file, found=examine(file, "prices.csv"), by=by, part="hardware", mark=Mark.PUBLIC,
        row_key=proposal.components.first().key, is_released=True,
    )  # fmt: skip
    submitted(proposal)
    make.accept(proposal, officer())
    return proposal


@pytest.fixture
def file(proposal):
    return Document.objects.get(name="prices.csv")


def opened_at(proposal, file):
    return reverse("proposals:version-document", args=[proposal.pk, 1, file.sha256])


def page_of(where, proposal):
    """A page that lists the files of version 1, with a person who reads it."""
    if where == "sheet":
        assignment = make.assigned(proposal)
        return assignment.reviewer, reverse("evaluation:review", args=[make.filled_review(assignment).pk])
    if where == "desk":
        return officer(), reverse("evaluation:proposal", args=[proposal.number])
    return representative_of(proposal), reverse(f"proposals:{where}", args=[proposal.pk, 1])


@pytest.mark.parametrize(("where", "links"), [("version", 2), ("desk", 2), ("sheet", 2), ("receipt-of", 1)])
def test_files_open_from_every_page_that_lists_them(client, proposal, file, where, links):
    person, address = page_of(where, proposal)
    sign_in(client, person)
    page = client.get(address).content.decode()
    assert page.count(f'href="{opened_at(proposal, file)}"') == links
    assert "Not scanned: no scanner is configured" in page and "17\xa0bytes" in page
    assert b"".join(client.get(opened_at(proposal, file)).streaming_content) == BYTES


@pytest.mark.parametrize("where", ["version", "desk", "sheet", "receipt-of"])
def test_file_that_does_not_open_has_no_link_and_says_why(client, proposal, file, where):
    person, address = page_of(where, proposal)
    Document.objects.filter(pk=file.pk).update(scan_state=ScanState.INFECTED)
    sign_in(client, person)
    page = client.get(address).content.decode()
    assert "prices.csv" in page and opened_at(proposal, file) not in page
    assert WITHHELD["infected"] in page


def test_review_page_of_the_consortium_opens_the_files_of_the_working_copy(client, proposal):
    sign_in(client, representative_of(proposal))
    page = client.get(reverse("proposals:review", args=[proposal.pk])).content.decode()
    row = proposal.attachments.get()
    assert page.count(f'href="{reverse("proposals:document", args=[proposal.pk, row.pk])}"') == 2


# What is recorded


def readings_of_files():
    events = AuditEvent.objects.filter(act="proposal.read")
    return [event.said["after"]["document"] for event in events if "document" in event.said["after"]]


@pytest.mark.parametrize("state", [ScanState.INFECTED, ScanState.PENDING])
def test_refused_file_is_not_recorded_as_read(client, proposal, file, state):
    sign_in(client, officer())
    Document.objects.filter(pk=file.pk).update(scan_state=state)
    assert client.get(opened_at(proposal, file)).status_code == 302
    assert readings_of_files() == []
    Document.objects.filter(pk=file.pk).update(scan_state=ScanState.CLEAN)
    assert client.get(opened_at(proposal, file)).status_code == 200
    assert readings_of_files() == [file.sha256]


def test_receipt_that_is_not_made_is_not_recorded_as_read(client, proposal):
    sign_in(client, officer())
    assert client.get(reverse("proposals:receipt-pdf", args=[proposal.pk, 1])).status_code == 302
    assert not AuditEvent.objects.filter(act="proposal.read").exists()

"""Which office read a proposal is recorded once a day, whatever page or file it was read on."""

from __future__ import annotations

import json
import threading

import pytest
from django.db import connection
from django.urls import reverse

from evaluation import services
from evaluation.models import Letter
from program.acts import DoFirst
from program.enums import OfficeRole
from program.models import Agency, AuditEvent
from proposals.services import record_reading
from proposals.services.reading import readings_of
from tests.evaluation.pages import page, sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def readings():
    return AuditEvent.objects.filter(act="proposal.read").count()


def test_a_version_read_on_both_sides_is_recorded_once_and_shown_to_the_anchor(client):
    proposal, desk = make.accepted(), officer()
    sign_in(client, desk)
    for _ in range(2):
        assert client.get(reverse("proposals:version", args=[proposal.pk, 1])).status_code == 200
        assert client.get(reverse("evaluation:proposal", args=[proposal.number])).status_code == 200
    assert readings() == 1
    assert page(client, representative_of(proposal), "questions", proposal.pk).status_code == 200
    assert readings() == 1
    (line,) = readings_of(proposal, most=20)
    assert (line.agencies, line.version) == (Agency.objects.get(code="COMMERCE").display_name, 1)


@pytest.mark.parametrize(
    "address", ["evaluation:questions", "proposals:versions", "proposals:receipt", "proposals:receipt-of"]
)
def test_answers_versions_and_receipts_are_recorded_as_read(client, address):
    proposal, auditor = make.accepted(), officer(OfficeRole.AUDITOR, "OSTP")
    key = [proposal.pk, 1] if address.endswith("receipt-of") else [proposal.pk]
    sign_in(client, auditor)
    for _ in range(2):
        assert client.get(reverse(address, args=key)).status_code == 200
    (event,) = AuditEvent.objects.filter(act="proposal.read")
    assert (event.actor, event.said["after"]) == (auditor, {"version": 1, "agencies": "OSTP"})


def test_who_read_is_shown_to_the_consortium_and_to_no_agency(client):
    proposal, desk = make.accepted(), officer()
    record_reading(make.version_of(proposal), by=desk)
    shown = b"Who read the proposal"
    assert shown in page(client, representative_of(proposal), "questions", proposal.pk).content
    for person in (make.lead("STATE"), desk, make.assigned(proposal).reviewer):
        assert shown not in page(client, person, "questions", proposal.pk).content


def test_a_reviewer_who_is_assigned_after_reading_declares_before_reading_on(client):
    proposal = make.accepted()
    assignment = make.assigned(proposal)
    record_reading(make.version_of(proposal), by=assignment.reviewer)
    services.end_assignment(assignment, by=officer(), reason="Away.")
    owed = make.assigned(proposal, person=assignment.reviewer, declared=False)
    with pytest.raises(DoFirst) as first:
        record_reading(make.version_of(proposal), by=assignment.reviewer)
    assert first.value.url == reverse("evaluation:assignment", args=[owed.pk])


@pytest.mark.parametrize("name", ["packet", "letter"])
def test_packet_and_letter_are_recorded(client, name):
    designation, auditor = make.designated(), officer(OfficeRole.AUDITOR, "OSTP")
    record = designation.determination if name == "packet" else Letter.objects.get()
    before = readings()
    assert page(client, auditor, name, record.pk).status_code == 200
    assert readings() == before + 1
    shown = Agency.objects.get(code="OSTP").display_name
    assert shown in {line.agencies for line in readings_of(designation.proposal, most=20)}


@pytest.mark.django_db(transaction=True)
def test_of_two_pages_opened_at_once_one_is_recorded(reference_data):
    version, desk = make.version_of(make.accepted()), officer()
    start = threading.Barrier(4)

    def read():
        start.wait()
        try:
            record_reading(version, by=desk)
        finally:
            connection.close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert readings() == 1


def test_who_compares_two_versions_has_read_both(client):
    proposal = make.accepted()
    make.resubmitted(proposal)
    sign_in(client, officer())
    assert client.get(reverse("proposals:compare", args=[proposal.pk, 2, 1])).status_code == 200
    assert sorted(line.version for line in readings_of(proposal, most=20)) == [1, 2]


def test_reader_shows_the_package_and_records_the_reading_once_a_day(client):
    desk, proposal = officer(), make.accepted()

    first = page(client, desk, "proposal", proposal.number)
    page(client, desk, "proposal", proposal.number)

    assert first.status_code == 200
    assert b"Accelerator board" in first.content
    assert b"Rift Builders Ltd" in first.content
    (reading,) = AuditEvent.objects.of(proposal).filter(act="proposal.read")
    assert (reading.actor, json.loads(reading.body)["after"]["agencies"]) == (desk, "COMMERCE")

"""Which office read a proposal is recorded once a day, whatever page or file it was read on."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.urls import reverse

from evaluation.models import Letter
from program.enums import OfficeRole
from program.models import Agency, AuditEvent
from proposals.services import record_reading
from proposals.services.reading import readings_of
from tests.evaluation.test_pages import page, sign_in
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


@pytest.mark.parametrize("name", ["packet", "letter"])
def test_packet_and_letter_are_recorded(client, name):
    designation, auditor = make.designated(), officer(OfficeRole.AUDITOR, "OSTP")
    record = designation.determination if name == "packet" else Letter.objects.get()
    before = readings()
    assert page(client, auditor, name, record.pk).status_code == 200
    assert readings() == before + 1
    assert "OSTP" in {line.agencies for line in readings_of(designation.proposal, most=20)}


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

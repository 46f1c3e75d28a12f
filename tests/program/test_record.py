"""Verifying the record in the background, at somebody's request and every day."""

from __future__ import annotations

import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from program import audit
from program.enums import OfficeRole
from program.models import AuditEvent, Seal, Verification
from program.schedule import ask_for_daily_verification, verify_record
from program.services import record
from program.services.record import ask_for_verification, verify_for_a_while
from program.tasks import seal_record
from tests.factories.program import OrganizationFactory, UserFactory, officer
from tests.tampering import alter

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor():
    return officer(OfficeRole.AUDITOR)


@pytest.fixture
def events(auditor):
    firms = OrganizationFactory.create_batch(7)
    return [audit.record(firm, "organization.change", by=auditor) for firm in firms]


def test_request_is_on_the_record_and_two_requests_are_one_walk(auditor, events):
    verification = ask_for_verification(by=auditor)
    assert ask_for_verification(by=officer(OfficeRole.AUDITOR)) == verification
    assert [event.act for event in AuditEvent.objects.of(verification)] == ["record.verify"]
    assert verification.finished_at is None
    assert verify_for_a_while() == AuditEvent.objects.count()
    verification.refresh_from_db()
    assert verification.finished_at is not None
    assert audit.Walk.from_json(verification.walk).is_sound
    assert verify_for_a_while() == 0
    assert ask_for_verification(by=auditor) != verification


def test_only_auditors_and_the_clock_ask(auditor):
    for person in (UserFactory(), officer(), officer(OfficeRole.DECISION_OFFICIAL)):
        with pytest.raises(PermissionDenied):
            ask_for_verification(by=person)
    ask_for_daily_verification()
    assert Verification.objects.get().asked_by.is_service


def test_walk_goes_on_where_the_last_tick_stopped(auditor, events, monkeypatch):
    monkeypatch.setattr(audit, "BATCH", 2)
    monkeypatch.setattr(record, "WHILE_SECONDS", 0.0)
    ask_for_verification(by=auditor)
    assert AuditEvent.objects.count() == 8
    assert [verify_record() for _ in range(6)] == [2, 4, 6, 8, 8, 0]
    assert Verification.objects.get().finished_at is not None


def test_alteration_is_found_and_logged(auditor, events, caplog):
    alter("UPDATE program_auditevent SET clause = 's.9' WHERE id = %s", events[3].pk)
    ask_for_verification(by=auditor)
    verify_for_a_while()
    (misfit,) = Verification.objects.get().walk["misfits"]
    assert misfit["event"] == events[3].pk
    assert "The record was altered." in caplog.text


def test_sealing_task_says_how_many_and_keeps_what_is_missing(events, settings, tmp_path):
    settings.RECORD_ROOTS_FILE = str(tmp_path / "roots.jsonl")
    assert seal_record() == len(events)
    assert seal_record() == 0
    assert len((tmp_path / "roots.jsonl").read_text().splitlines()) == 1


def test_much_that_was_never_sealed_is_sealed_in_parts(events, monkeypatch):
    monkeypatch.setattr(audit, "MOST_IN_SEAL", 3)
    assert seal_record() == 7
    assert list(Seal.objects.values_list("event_count", flat=True)) == [3, 3, 1]
    assert audit.verify().is_sound


def test_seal_that_is_not_full_is_the_last_though_somebody_writes_on(events, auditor, monkeypatch):
    seal = audit.seal_record

    def seal_and_write():
        made = seal()
        if Seal.objects.count() < 5:
            audit.record(auditor, "tests.act", by=auditor)
        return made

    monkeypatch.setattr(audit, "seal_record", seal_and_write)
    assert (seal_record(), Seal.objects.count()) == (7, 1)


def test_verification_that_cannot_go_on_is_closed_and_another_begins(
    auditor, events, settings, tmp_path, caplog
):
    settings.RECORD_ROOTS_FILE = str(tmp_path)
    first = ask_for_verification(by=auditor)
    assert verify_for_a_while() == 0
    first.refresh_from_db()
    walk = audit.Walk.from_json(first.walk)
    assert (first.finished_at is None, walk.failure, walk.is_sound) == (False, "IsADirectoryError", False)
    assert "A verification failed." in caplog.messages
    assert ask_for_verification(by=auditor) != first


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_walk_at_once(reference_data):
    auditor = officer(OfficeRole.AUDITOR)
    verification = ask_for_verification(by=auditor)
    walked = []

    def other_worker():
        try:
            walked.append(verify_for_a_while())
        finally:
            connection.close()

    with record.transaction.atomic():
        Verification.objects.select_for_update().get(pk=verification.pk)
        thread = threading.Thread(target=other_worker)
        thread.start()
        thread.join()
    assert walked == [0]
    assert verify_for_a_while() == 1

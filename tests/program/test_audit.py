from __future__ import annotations

import json
import threading

import pytest
from django.db import DatabaseError, connection, transaction

from program import audit
from program.models import AuditEvent, Seal
from tests.factories.program import OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db


def alter(sql, *values):
    """Change the record behind the portal's back, as the owner of the table with its trigger off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE program_auditevent DISABLE TRIGGER program_auditevent_is_kept")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE program_auditevent ENABLE TRIGGER program_auditevent_is_kept")


@pytest.fixture
def person():
    return UserFactory()


@pytest.fixture
def events(person):
    firms = [OrganizationFactory(), OrganizationFactory()]
    return [audit.record(firms[n % 2], "organization.change", by=person, after={"step": n}) for n in range(6)]


def test_record_says_who_did_what_in_canonical_json(person):
    firm = OrganizationFactory()
    event = audit.record(firm, "organization.change", by=person, before="a", after="b", clause="s.3(b)")
    said = json.loads(event.body)
    assert said == {
        "act": "organization.change",
        "actor": person.email,
        "actor_id": person.pk,
        "after": "b",
        "at": event.at.isoformat(),
        "before": "a",
        "clause": "s.3(b)",
        "delegation": "",
        "note": "",
        "request_id": "",
        "sequence": 1,
        "standing": "",
        "subject_id": str(firm.pk),
        "subject_type": "program.organization",
    }
    assert list(said) == sorted(said)


def test_each_subject_has_a_chain_of_its_own(events):
    assert [event.sequence for event in events] == [1, 1, 2, 2, 3, 3]
    assert audit.verify().is_sound


@pytest.mark.parametrize(
    "change", ["UPDATE program_auditevent SET act = 'x'", "DELETE FROM program_auditevent"]
)
def test_database_refuses_to_change_the_record(events, change):
    with pytest.raises(DatabaseError, match="refused"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert AuditEvent.objects.count() == 6


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "UPDATE program_auditevent SET body = replace(body, '\"step\":3', '\"step\":4') WHERE id = %s",
            "digest",
        ),
        ("UPDATE program_auditevent SET act = 'organization.praise' WHERE id = %s", "columns contradict"),
        ("UPDATE program_auditevent SET at = at - interval '1 day' WHERE id = %s", "columns contradict"),
        ("DELETE FROM program_auditevent WHERE id = %s", "is missing"),
    ],
)
def test_verification_names_the_first_event_that_does_not_fit(events, sql, reason):
    victim = events[3]
    alter(sql, victim.pk)
    found = audit.verify().misfits[0]
    expected = events[5] if "DELETE" in sql else victim
    assert (found.event, found.subject) == (expected.pk, f"program.organization {expected.subject_id}")
    assert reason in found.reason


def test_seal_finds_a_chain_cut_short(events):
    audit.seal_record()
    alter("DELETE FROM program_auditevent WHERE id = %s", events[5].pk)
    assert [misfit.reason for misfit in audit.verify().misfits] == ["it holds 6 events, the record has 5"]


def test_seal_finds_a_chain_written_anew(events, person):
    audit.seal_record()
    last = events[5]
    body = last.body.replace('"step":5', '"step":9')
    digest = audit.sha256_hex(events[3].digest + body)
    alter("UPDATE program_auditevent SET body = %s, digest = %s WHERE id = %s", body, digest, last.pk)
    assert ["Merkle root" in misfit.reason for misfit in audit.verify().misfits] == [True]


def test_seals_cover_the_record_without_a_gap(events, person):
    first = audit.seal_record()
    assert audit.seal_record() is None
    event = audit.record(UserFactory(), "user.change", by=person)
    second = audit.seal_record()
    assert (first.after_event, first.event_count) == (0, 6)
    assert (second.after_event, second.last_event, second.event_count) == (first.last_event, event.pk, 1)
    assert Seal.objects.count() == 2
    assert audit.verify().is_sound


def test_rollback_leaves_no_event(person):
    firm = OrganizationFactory()
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.record(firm, "organization.change", by=person)
        raise RuntimeError
    assert not AuditEvent.objects.of(firm).exists()


@pytest.mark.parametrize(("count", "same"), [(0, 0), (1, 1), (2, 2), (3, 3), (5, 5)])
def test_merkle_root_depends_on_every_digest_and_its_place(count, same):
    digests = [audit.sha256_hex(str(n)) for n in range(count)]
    root = audit.merkle_root(digests)
    assert root == audit.merkle_root([audit.sha256_hex(str(n)) for n in range(same)])
    for place in range(count):
        changed = [*digests[:place], audit.sha256_hex("other"), *digests[place + 1 :]]
        assert audit.merkle_root(changed) != root
    if count > 1:
        assert audit.merkle_root(digests[::-1]) != root


@pytest.mark.django_db(transaction=True)
def test_seal_waits_for_an_event_that_has_a_number_but_is_not_committed(person):
    firm, written, may_commit = OrganizationFactory(), threading.Event(), threading.Event()

    def write():
        try:
            with transaction.atomic():
                audit.record(firm, "organization.change", by=person)
                written.set()
                may_commit.wait(5)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(5)
    threading.Timer(0.5, may_commit.set).start()
    assert audit.seal_record().event_count == 1
    writer.join()
    assert audit.verify().is_sound

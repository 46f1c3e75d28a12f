from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from program import audit, clock, roots
from program.merkle import MerkleTree, merkle_root
from program.models import AuditEvent, Delegation, Seal, User
from tests.factories.program import AgencyFactory, OrganizationFactory, UserFactory
from tests.tampering import alter

pytestmark = pytest.mark.django_db


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
        "delegation_id": None,
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
    root = merkle_root(digests)
    assert root == merkle_root([audit.sha256_hex(str(n)) for n in range(same)])
    for place in range(count):
        changed = [*digests[:place], audit.sha256_hex("other"), *digests[place + 1 :]]
        assert merkle_root(changed) != root
    if count > 1:
        assert merkle_root(digests[::-1]) != root


def test_merkle_root_is_that_of_the_published_algorithm():
    """Level by level, as a stranger would write it down from the description."""
    for count in range(40):
        digests = [audit.sha256_hex(str(n)) for n in range(count)]
        level = [audit.sha256_hex("0" + digest) for digest in digests] or [audit.sha256_hex("")]
        while len(level) > 1:
            pairs = [audit.sha256_hex("1" + a + b) for a, b in zip(level[::2], level[1::2], strict=False)]
            level = pairs + ([level[-1]] if len(level) % 2 else [])
        assert merkle_root(digests) == level[0]
        tree = MerkleTree()
        for digest in digests:
            tree = MerkleTree(json.loads(json.dumps(tree.peaks)))
            tree.add(digest)
        assert tree.root == level[0]


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


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_chain_goes_on_from_the_event_that_was_written_meanwhile(person):
    firm, written = OrganizationFactory(), threading.Event()
    waited = []

    def write():
        try:
            written.wait(5)
            waited.append(audit.record(firm, "organization.change", by=person, after={"step": 2}))
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    with transaction.atomic():
        first = audit.record(firm, "organization.change", by=person, after={"step": 1})
        written.set()
        while not waiting_for_a_lock():
            assert writer.is_alive()
    writer.join()
    [second] = waited
    assert (first.sequence, second.sequence, second.at > first.at) == (1, 2, True)
    assert second.digest == audit.sha256_hex(first.digest + second.body)


def waiting_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return cursor.fetchone()[0]


# Kept roots


@pytest.fixture
def kept(tmp_path, settings):
    """The file outside the database, and three seals whose roots it keeps."""
    settings.RECORD_ROOTS_FILE = str(tmp_path / "roots.jsonl")
    return tmp_path / "roots.jsonl"


@pytest.fixture
def sealed(kept, person, django_capture_on_commit_callbacks):
    return [seal_of_two(person, django_capture_on_commit_callbacks) for _ in range(3)]


def seal_of_two(person, committing):
    firm = OrganizationFactory()
    for step in range(2):
        audit.record(firm, "organization.change", by=person, after={"step": step})
    with committing(execute=True):
        return audit.seal_record()


def reasons():
    return [(misfit.event, misfit.subject, misfit.reason) for misfit in audit.verify().misfits]


def test_each_seal_is_kept_outside_and_logged(kept, person, django_capture_on_commit_callbacks, caplog):
    with caplog.at_level("INFO"):
        seal = seal_of_two(person, django_capture_on_commit_callbacks)
    said = json.loads(kept.read_text())
    assert said.pop("kept_at")
    assert said == {
        "made_at": seal.made_at.isoformat(),
        "after_event": 0,
        "last_event": seal.last_event,
        "event_count": 2,
        "root": seal.root,
    }
    (line,) = [line for line in caplog.records if line.getMessage() == "The record was sealed."]
    assert (line.root, line.last_event) == (seal.root, seal.last_event)
    assert kept.stat().st_mode & 0o777 == 0o640
    found = audit.verify()
    assert (found.is_sound, found.kept_count, found.unkept_count, found.late_count) == (True, 1, 0, 0)


def test_nothing_is_kept_of_a_seal_that_was_rolled_back(kept, events):
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.seal_record()
        raise RuntimeError
    assert not kept.exists()
    assert roots.keep() == 0


def test_kept_roots_find_a_tail_deleted_with_its_seals(sealed):
    last, before = sealed[2], sealed[1]
    alter_seals("DELETE FROM program_seal WHERE id = %s", last.pk)
    alter("DELETE FROM program_auditevent WHERE id > %s", before.last_event)
    assert reasons() == [
        (None, str(last), f"its root was kept, and the record ends with event {before.last_event}"),
        (None, str(last), "its root was kept, and the seal is missing from the record"),
    ]


def test_kept_roots_find_a_record_that_was_rewritten_throughout(sealed):
    rewrite(said="rewritten")
    assert [reason for *_, reason in reasons()] == [
        f"it is not what was kept: events {seal.after_event + 1} to {seal.last_event} are not those that were"
        " sealed"
        for seal in sealed
    ]
    assert audit.verify().event_count == 6


def test_rewritten_record_passes_where_no_root_was_kept(sealed, settings):
    """What the kept roots are for: without them this alteration cannot be seen."""
    settings.RECORD_ROOTS_FILE = ""
    rewrite(said="rewritten")
    assert audit.verify().is_sound


def rewrite(said):
    """Rewrite every event and every seal so that all of them fit each other, as an owner could."""
    heads, digests = {}, {}
    for event in AuditEvent.objects.order_by("pk"):
        body = event.body.replace('"note":""', f'"note":"{said}"')
        chain = event.subject_type, event.subject_id
        digests[event.pk] = heads[chain] = audit.sha256_hex(heads.get(chain, "") + body)
        change = "UPDATE program_auditevent SET body = %s, digest = %s WHERE id = %s"
        alter(change, body, heads[chain], event.pk)
    for seal in Seal.objects.all():
        root = merkle_root(
            digest for pk, digest in digests.items() if seal.after_event < pk <= seal.last_event
        )
        alter_seals("UPDATE program_seal SET root = %s WHERE id = %s", root, seal.pk)


def alter_seals(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE program_seal DISABLE TRIGGER program_seal_is_kept")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE program_seal ENABLE TRIGGER program_seal_is_kept")


def test_next_run_keeps_what_a_crash_after_the_commit_left_out(sealed, kept, person):
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(lines[:2]))
    found = audit.verify()
    assert (found.is_sound, found.kept_count, found.unkept_count) == (True, 2, 1)
    assert roots.keep() == 1
    assert roots.keep() == 0
    assert [json.loads(line)["root"] for line in kept.read_text().splitlines()] == [s.root for s in sealed]
    assert audit.verify().kept_count == 3


def test_seal_stands_when_its_root_cannot_be_kept_and_the_next_makes_it_good(
    kept, settings, person, django_capture_on_commit_callbacks, caplog
):
    settings.RECORD_ROOTS_FILE = str(kept.parent / "not mounted" / "roots.jsonl")
    first = seal_of_two(person, django_capture_on_commit_callbacks)
    assert Seal.objects.get() == first
    assert "not kept outside the database" in caplog.text
    (kept.parent / "not mounted").mkdir()
    assert roots.keep() == 1
    assert audit.verify().kept_count == 1


@pytest.mark.parametrize("written", [1, 60, -30, -1])
def test_line_torn_by_a_crash_is_written_again_and_blames_nobody(sealed, kept, written):
    *whole, last = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(whole) + last.rstrip("\n")[:written])
    assert roots.keep() == 1
    found = audit.verify()
    assert (found.misfits, found.kept_count) == ([], 3)


def test_line_that_nobody_can_read_is_named(sealed, kept):
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text(lines[0] + "something else\n" + "".join(lines[1:]))
    assert reasons() == [(None, "Line 2 of the kept roots", "nobody can read it")]


TEXT_FOR_NUMBER = (
    b'{"made_at":"2026-01-01T00:00:00+00:00","after_event":0,"last_event":"1","event_count":1,"root":"a",'
    b'"kept_at":"2026-01-01T00:00:00+00:00"}'
)


@pytest.mark.parametrize(
    "line",
    [b"\xff\xfe", b'{"root":"\xff"', TEXT_FOR_NUMBER, b"[" * 100_000],
    ids=["bytes", "byte in a text", "text for a number", "deep"],
)
def test_line_of_any_bytes_is_named_and_stops_nothing(sealed, kept, line):
    whole = kept.read_bytes()
    kept.write_bytes(line + b"\n" + whole)
    assert reasons() == [(None, "Line 1 of the kept roots", "nobody can read it")]
    assert roots.keep() == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [("no JSON", "nobody can read its text"), ("[]", "nobody can read its text"),
     ("[" * 100_000, "nobody can read its text"),
     ("{}", "its columns contradict its text: act, actor_id, at, clause, request_id, sequence, subject_id, "
            "subject_type")],
)  # fmt: skip
def test_event_whose_text_says_nothing_is_blamed(events, body, reason):
    alter("UPDATE program_auditevent SET body = %s, digest = encode(sha256(%s::bytea), 'hex')"
          " WHERE id = (SELECT min(id) FROM program_auditevent)", body, body)  # fmt: skip
    assert audit.verify().misfits[0].reason == reason


def test_line_taken_out_of_the_kept_roots_is_named(sealed, kept):
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text(lines[0] + lines[2])
    first, second, third = sealed
    assert reasons() == [
        (
            None,
            f"Kept seal up to event {third.last_event}",
            f"it should begin after event {first.last_event}: a line is missing",
        ),
        (None, str(second), "it is not among the kept roots, and later ones are"),
    ]


def test_repair_appends_nothing_behind_a_root_that_the_seals_contradict(sealed, kept, caplog):
    """The tail and its seals were deleted, and a new seal was made over what was written since."""
    alter_seals("DELETE FROM program_seal WHERE id = %s", sealed[2].pk)
    alter("DELETE FROM program_auditevent WHERE id > %s", sealed[1].last_event)
    before = kept.read_text()
    audit.record(OrganizationFactory(), "organization.change", by=UserFactory())
    assert audit.seal_record() is not None
    assert roots.keep() == 0
    assert kept.read_text() == before
    assert "contradict the last kept root" in caplog.text
    assert (None, str(sealed[2]), "its root was kept, and the seal is missing from the record") in reasons()


def test_root_kept_long_after_its_seal_is_counted(sealed, kept):
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(lines[:2]))
    later = sealed[2].made_at + timedelta(hours=3)
    with clock.moved_to(later):
        roots.keep()
    found = audit.verify()
    assert (found.is_sound, found.late_count) == (True, 1)


def test_file_that_is_gone_is_no_new_beginning(sealed, kept, caplog):
    kept.unlink()
    assert roots.keep() == 0
    assert "gone" in caplog.text
    assert reasons() == [
        (None, "File of kept roots", "it is not there, though the record has 3 seals"),
    ]
    call_command("begin_kept_roots")
    assert audit.verify().kept_count == 3
    with pytest.raises(CommandError, match="is there already"):
        call_command("begin_kept_roots")


# In batches


@pytest.mark.parametrize("batch", [1, 2, 3, 5])
def test_walk_in_batches_finds_what_one_walk_finds(events, person, monkeypatch, batch):
    audit.seal_record()
    for firm in OrganizationFactory.create_batch(2):
        audit.record(firm, "organization.change", by=person)
    audit.seal_record()
    audit.record(person, "user.change", by=person)
    whole = audit.verify()
    monkeypatch.setattr(audit, "BATCH", batch)
    walk = audit.Walk.begin()
    while not walk.is_over:
        walk = audit.Walk.from_json(json.loads(json.dumps(walk.as_json())))
        walk.go_on()
    assert walk.is_sound
    for name in ("event_count", "subject_count", "seal_count", "unsealed_count", "position"):
        assert getattr(walk, name) == getattr(whole, name), name
    assert (walk.event_count, walk.seal_count, walk.unsealed_count) == (9, 2, 1)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_fork_in_a_chain_is_found(events, monkeypatch, batch):
    """Somebody took the constraint off and wrote a second event into a place that was taken."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE program_auditevent DROP CONSTRAINT event_chain_position_once")
    twin = AuditEvent.objects.get(pk=events[5].pk)
    twin.pk = None
    twin.save(force_insert=True)
    monkeypatch.setattr(audit, "BATCH", batch)
    assert [(misfit.event, misfit.reason) for misfit in audit.verify().misfits] == [
        (twin.pk, "event 4 of this subject is missing: the next found is 3")
    ]


def test_verification_and_seal_read_in_short_statements(events, monkeypatch):
    """However many events there are, a statement reads one batch of them: no timeout needs lifting."""
    monkeypatch.setattr(audit, "BATCH", 2)
    with CaptureQueriesContext(connection) as queries:
        audit.seal_record()
        audit.verify()
    reading = [query["sql"] for query in queries if 'FROM "program_auditevent"' in query["sql"]]
    assert len(reading) > 6
    assert [sql for sql in reading if "LIMIT" not in sql] == []


def test_delegation_of_an_event_cannot_be_changed(person):
    official, lead = UserFactory(), UserFactory()
    given = [
        Delegation.objects.create(
            agency=AgencyFactory(),
            given_by=official,
            given_to=lead,
            act=Delegation.SIGN_POSITION,
            authority=f"Order {number}",
            effective_from=clock.today(),
        )
        for number in range(2)
    ]
    event = audit.record(lead, "position.sign", by=lead, delegation=given[0])
    plain = audit.record(lead, "position.draft", by=lead)
    User.objects.filter(pk=official.pk).update(name="Another Name")
    assert audit.verify().is_sound
    sql = "UPDATE program_auditevent SET delegation_id = %s WHERE id = %s"
    for other, victim in ((given[1].pk, event.pk), (None, event.pk), (given[0].pk, plain.pk)):
        alter(sql, other, victim)
        (found,) = audit.verify().misfits
        assert (found.event, found.reason) == (victim, "its columns contradict its text: delegation_id")
        alter(sql, given[0].pk if victim == event.pk else None, victim)
    assert audit.verify().is_sound


@pytest.mark.django_db(transaction=True)
def test_writers_wait_no_longer_than_a_second_for_a_seal_that_waits(person):
    """A seal that finds somebody writing steps back, so that others can write before it tries again."""
    firm, other = OrganizationFactory(), OrganizationFactory()
    written, may_commit, sealed = threading.Event(), threading.Event(), []

    def write():
        try:
            with transaction.atomic():
                audit.record(firm, "organization.change", by=person)
                written.set()
                may_commit.wait(10)
        finally:
            connection.close()

    def seal():
        try:
            sealed.append(audit.seal_record())
        finally:
            connection.close()

    threads = [threading.Thread(target=write), threading.Thread(target=seal)]
    threads[0].start()
    written.wait(5)
    threads[1].start()
    time.sleep(0.2)
    began = time.monotonic()
    audit.record(other, "organization.change", by=person)
    waited = time.monotonic() - began
    may_commit.set()
    for thread in threads:
        thread.join()
    assert waited < 2
    assert sealed[0].event_count == 2
    assert audit.verify().is_sound

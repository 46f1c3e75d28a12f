"""Files wait for their scan, whatever happens to scanner, broker and worker (C17, R18)."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from program import clock, documents, leases
from program.documents import open_document, store_document
from program.enums import Mark, ScanState
from program.leases import LEASE
from program.models import AuditEvent, Document, Notice
from program.schedule import scan_document, sweep_scans
from program.services import scans
from program.withheld import MOST_SCANS, withheld_for
from tests.factories.program import AgencyFactory, UserFactory
from tests.program.clamd import EICAR, NAME, clamd
from tests.program.files import makers

S = ScanState


@pytest.fixture(autouse=True)
def media(settings, tmp_path, db):
    AgencyFactory(code="COMMERCE")
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def scanner(settings):
    with clamd() as found:
        settings.CLAMAV_URL = found.url
        yield found


@pytest.fixture
def away(settings, tmp_path):
    settings.CLAMAV_URL = f"unix://{tmp_path}/nobody.ctl"


def stored(content=b"a,b\n1,2\n", name="table.csv"):
    return store_document(ContentFile(content, name=name), by=UserFactory(), mark=Mark.PUBLIC)


def state_of(document):
    document.refresh_from_db()
    return document.scan_state, document.scan_attempts


def test_clean_file_is_handed_out_after_its_scan(scanner):
    document = stored()
    assert withheld_for(document) == "waiting"
    assert (scan_document(document.pk), scan_document(document.pk)) == (1, 0)
    assert state_of(document) == (S.CLEAN, 1)
    assert document.scanned_at and document.scan_claimed_at is None
    with open_document(document) as file:
        assert file.read() == b"a,b\n1,2\n" == scanner.scanned[0]


def test_scan_is_asked_for_when_the_file_is_kept(scanner, django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr("program.publish._send", lambda task, ids: sent.append((task, ids)))
    with django_capture_on_commit_callbacks(execute=True):
        document = stored()
    assert sent == [("program.schedule.scan_document", (document.pk,))]


@pytest.mark.parametrize(
    "content",
    [(EICAR, "a.csv"), (makers.office(extra={"word/media/a.png": EICAR}), "a.docx")],
    ids=["plain", "zipped"],
)
def test_infected_file_is_withheld_recorded_and_its_uploader_told(scanner, content):
    document = stored(*content)
    assert sweep_scans() == 1
    assert state_of(document) == (S.INFECTED, 1)
    assert (withheld_for(document), document.scan_note) == ("infected", NAME)
    event = AuditEvent.objects.of(document).get()
    assert (event.act, event.actor.is_service) == ("document.infected", True)
    notice = Notice.objects.get()
    assert notice.recipient == document.uploaded_by and document.name not in notice.text
    assert sweep_scans() == 0 and Notice.objects.count() == 1


def test_ten_minutes_without_scanner_cost_no_file_anything(settings, away):
    files = [stored() for _ in range(3)]
    at = clock.instant()
    for minute in range(10):
        with clock.moved_to(at + timedelta(minutes=minute)):
            assert sweep_scans() == 0
            assert scan_document(files[0].pk) == 0
    assert {state_of(document) for document in files} == {(S.PENDING, 0)}
    with clamd() as found:
        settings.CLAMAV_URL = found.url
        assert sweep_scans() == 3
    assert {state_of(document) for document in files} == {(S.CLEAN, 1)}


def test_scanner_killed_in_the_middle_leaves_the_file_waiting(scanner):
    document = stored(b"a,b\n" * 100_000)
    scanner.hangs_up_after = 70_000
    assert sweep_scans() == 0
    assert state_of(document) == (S.PENDING, 1)
    assert withheld_for(document) == "waiting"
    scanner.hangs_up_after = None
    assert sweep_scans() == 1
    assert state_of(document) == (S.CLEAN, 2)


def test_file_that_the_scanner_never_finishes_is_set_aside_as_not_scanned(scanner):
    document = stored(b"a,b\n" * 100_000)
    scanner.limit = 1000
    for attempt in range(1, MOST_SCANS):
        assert sweep_scans() == 0
        assert state_of(document) == (S.PENDING, attempt)
    assert sweep_scans() == 1
    assert state_of(document) == (S.NOT_SCANNED, MOST_SCANS)
    assert withheld_for(document) == "unscanned" and document.scan_note
    assert documents.scan_words(document) == "Not scanned: the scanner could not finish this file"
    assert sweep_scans() == 0


def test_file_that_kills_its_worker_is_set_aside(scanner, monkeypatch):
    class Killed(BaseException):
        """A worker that dies in the middle raises nothing that anybody catches."""

    def die(stream):
        raise Killed

    document, at = stored(), clock.instant()
    with monkeypatch.context() as patch:
        patch.setattr(scans.scanner, "infection_in", die)
        for attempt in range(1, MOST_SCANS + 1):
            with clock.moved_to(at), pytest.raises(Killed):
                sweep_scans()
            with clock.moved_to(at):
                assert sweep_scans() == 0  # it is in somebody's hands
            at += LEASE + timedelta(seconds=1)
            assert state_of(document) == (S.PENDING, attempt)
    with clock.moved_to(at):
        assert sweep_scans() == 1
    assert state_of(document)[0] == S.NOT_SCANNED


def at_the_scanner(scanner, monkeypatch, act):
    """Before it answers the scanner calls ``act`` twice, pulses apart; what ``act`` returned."""
    monkeypatch.setattr(leases, "PULSE_SECONDS", 0.1)
    returned = []

    def answer(content):
        for _ in range(2):
            returned.append(act())
            time.sleep(0.3)
        connection.close()
        return "stream: OK"

    monkeypatch.setattr(scanner, "answer", answer)
    return returned


def claimed_at():
    return Document.objects.get().scan_claimed_at


@pytest.mark.django_db(transaction=True)
def test_claim_is_renewed_while_the_scanner_works(scanner, monkeypatch):
    claims = at_the_scanner(scanner, monkeypatch, claimed_at)
    document = stored()
    assert scan_document(document.pk) == 1
    assert claims[0] < claims[1]
    assert state_of(document) == (S.CLEAN, 1)


@pytest.mark.django_db(transaction=True)
def test_worker_whose_claim_was_taken_over_neither_renews_it_nor_says_what_was_found(scanner, monkeypatch):
    theirs = clock.instant() + timedelta(minutes=1)
    take_over = partial(Document.objects.update, scan_claimed_at=theirs)
    at_the_scanner(scanner, monkeypatch, take_over)
    document = stored()
    assert scan_document(document.pk) == 0
    assert (state_of(document), document.scan_claimed_at) == ((S.PENDING, 1), theirs)


def test_scan_that_was_overtaken_says_nothing(scanner):
    document = stored()
    Document.objects.update(scan_claimed_at=clock.instant() + timedelta(seconds=1))
    assert not documents.record_scan(document, S.CLEAN, claimed_at=clock.instant())
    assert state_of(document)[0] == S.PENDING


def test_lost_file_is_not_clean(scanner):
    document = stored()
    document.file.storage.delete(document.file.name)
    for _ in range(MOST_SCANS):
        sweep_scans()
    assert state_of(document)[0] == S.NOT_SCANNED


def test_what_was_stored_before_there_was_a_scanner_is_scanned(settings):
    document = stored()
    assert documents.scan_words(document) == "Not scanned: no scanner is configured"
    assert documents.scan_words(document, public=True) == "Not checked for malware"
    assert sweep_scans() == 0
    assert state_of(document) == (S.NOT_SCANNED, 0)
    with clamd() as found:
        settings.CLAMAV_URL = found.url
        assert sweep_scans() == 1
    assert state_of(document) == (S.CLEAN, 1)


def test_nothing_waits_for_a_scanner_that_was_taken_away(settings, away):
    document = stored()
    assert state_of(document) == (S.PENDING, 0)
    settings.CLAMAV_URL = ""
    assert sweep_scans() == 0
    assert state_of(document) == (S.NOT_SCANNED, 0)


def test_generated_file_is_never_scanned(scanner):
    document = documents.store_generated("a.pdf", b"%PDF", by=UserFactory(), mark=Mark.PUBLIC)
    assert sweep_scans() == 0
    assert scanner.scanned == [] and withheld_for(document) == ""

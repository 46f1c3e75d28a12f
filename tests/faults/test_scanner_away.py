"""The malware scanner is away for ten minutes (R18), in real time: files wait, the draft stays editable.

Or a worker is killed while the scanner works, or the scanner takes longer than a lease.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack, contextmanager
from hashlib import sha256

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from program.documents import store_document
from program.enums import Mark, PaperState, ScanState
from program.leases import LEASE
from program.models import AuditEvent, Document
from proposals.models import ReceiptPaper
from tests.factories.program import AgencyFactory, UserFactory, issued_call
from tests.factories.proposals import ProposalFactory, representative_of, submitted
from tests.faults.test_worker_killed import BY_THE_SWEEP, TWO_SWEEPS, kill_child
from tests.faults.web import session_of, web_server
from tests.processes import celery_beat, celery_worker, children_of, kill, wait_until
from tests.program.clamd import EICAR, clamd
from tests.program.test_notice_faults import empty_broker

__all__ = ["empty_broker"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.realtime]
AWAY_SECONDS, FILES, ALL_SCANNED_SECONDS, PAPER_SECONDS = 600, 20, 300, 90


class Person:
    """Somebody who edits a draft in a browser while the page's script sends files."""

    def __init__(self, web, proposal):
        self.web, self.proposal = web, proposal
        self.session = session_of(representative_of(proposal))

    def address(self, name, *args):
        return reverse(f"proposals:{name}", args=[self.proposal.pk, *args])

    def ask(self, method, address, **more):
        answer = self.web.ask(method, address, session=self.session, **more)
        assert answer.status < 400, (address, answer.status, answer.text[:300])
        return answer

    def add_file(self, name, content):
        facts = {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()}
        begun = json.loads(self.ask("POST", self.address("upload-begin"), form=facts).text)
        self.ask("POST", begun["url"], content=content, Upload_Offset="0")
        form = {"upload": begun["id"], "part": "documents", "mark": "public", "is_released": "on"}
        self.ask("POST", self.address("document-add"), form=form)
        return Document.objects.get(name=name)

    def rename(self, title):
        page = self.ask("GET", self.address("part", "overview")).text
        token = re.search(r'name="revision"[^>]* value="([^"]*)"', page)[1]
        form = {"title": title, "revision": token}
        self.ask("POST", self.address("part", "overview"), form=form, X_Autosave="1")
        self.proposal.refresh_from_db()
        assert self.proposal.title == title


@contextmanager
def gone(stack):
    """A scanner that was ended; yields its address and how it comes back."""
    with clamd(tcp=True) as found:
        port = int(found.url.rpartition(":")[2])
    yield found.url, lambda: stack.enter_context(clamd(tcp=True, port=port))


@contextmanager
def mute(stack):
    """A scanner that takes connections and answers nothing."""
    found = stack.enter_context(clamd(tcp=True))
    found.mute = True

    def speak():
        found.mute = False

    yield found.url, speak


@pytest.mark.parametrize("leave", [gone, mute])
def test_files_wait_ten_minutes_for_the_scanner_and_the_draft_stays_editable(leave, tmp_path, settings):
    AgencyFactory(code="COMMERCE")
    call = issued_call()
    with ExitStack() as stack:
        url, come_back = stack.enter_context(leave(stack))
        stack.enter_context(celery_worker(CLAMAV_URL=url))
        stack.enter_context(celery_beat(tmp_path, CLAMAV_URL=url))
        web = stack.enter_context(web_server(workers=2, CLAMAV_URL=url))
        person = Person(web, ProposalFactory(call=call))
        left_at = time.monotonic()
        for number in range(1, FILES + 1):
            infected = EICAR if number == FILES else b""
            document = person.add_file(f"prices-{number}.csv", b"item,usd\n%d,5\n" % number + infected)
            person.rename(f"Stack with {number} files")
            if number == FILES // 2:
                paper = submitted(ProposalFactory(call=call, complete=True)).receipt.paper
                owed_at = time.monotonic()
            time.sleep(max(0, left_at + number * AWAY_SECONDS / FILES - time.monotonic()))
        assert time.monotonic() - left_at >= AWAY_SECONDS
        states = set(Document.objects.filter(is_generated=False).values_list("scan_state", "scan_attempts"))
        assert states == {(ScanState.PENDING, 0)}
        page = person.ask("GET", person.address("part", "documents")).text
        assert page.count(ScanState.PENDING.label) >= FILES

        come_back()
        back_at = time.monotonic()
        waiting = Document.objects.filter(scan_state=ScanState.PENDING)
        wait_until(lambda: not waiting.exists(), seconds=ALL_SCANNED_SECONDS, what="every scan")
        print(
            f"All {FILES} files were scanned {time.monotonic() - back_at:.0f} s after the scanner's return."
        )
        found = list(Document.objects.filter(is_generated=False).values_list("scan_state", flat=True))
        assert sorted(found) == [ScanState.CLEAN] * (FILES - 1) + [ScanState.INFECTED]
        document.refresh_from_db()
        assert document.scan_state == ScanState.INFECTED
        assert AuditEvent.objects.of(document).filter(act="document.infected").count() == 1
        paper.refresh_from_db()
        assert paper.state == PaperState.MADE
        seconds = (paper.updated_at - paper.created_at).total_seconds()
        print(
            f"A receipt that was owed meanwhile was made {seconds:.0f} s later ({owed_at - left_at:.0f} s)."
        )
        assert seconds <= PAPER_SECONDS
        assert ReceiptPaper.objects.count() == 1


def scan_under_way(stack, found, thinks_for):
    """A file that the scanner of a real worker has read and thinks about; returns it and the worker."""
    found.thinks_for = thinks_for
    worker = stack.enter_context(celery_worker(queues="documents", CLAMAV_URL=found.url))
    document = store_document(ContentFile(b"a,b\n1,2\n", name="a.csv"), by=UserFactory(), mark=Mark.PUBLIC)
    wait_until(lambda: found.scanned, seconds=60, what="the worker to send the file")
    return document, worker


def facts(document):
    document.refresh_from_db()
    return document.scan_state, document.scan_attempts


@pytest.mark.parametrize("kill_part", [kill_child, kill])
def test_scan_of_a_killed_worker_is_done_by_the_sweep(kill_part, tmp_path, settings):
    with ExitStack() as stack:
        found = stack.enter_context(clamd(tcp=True))
        settings.CLAMAV_URL = found.url
        stack.enter_context(celery_beat(tmp_path, CLAMAV_URL=found.url))
        document, worker = scan_under_way(stack, found, thinks_for=60)
        kill_part(worker)
        killed_at, found.thinks_for = time.monotonic(), 0
        assert facts(document) == (ScanState.PENDING, 1)
        if kill_part is kill:
            stack.enter_context(celery_worker(queues="documents", CLAMAV_URL=found.url))
        done = (ScanState.CLEAN, 2)
        wait_until(lambda: facts(document) == done, seconds=BY_THE_SWEEP, what="the file to be scanned")
        print(f"Scanned {time.monotonic() - killed_at:.1f} s after the kill.")
        time.sleep(TWO_SWEEPS)
        assert (facts(document), len(found.scanned)) == (done, 2)


def test_scan_that_outlives_its_lease_is_done_once(tmp_path, settings):
    with ExitStack() as stack:
        found = stack.enter_context(clamd(tcp=True))
        settings.CLAMAV_URL = found.url
        longer = LEASE.total_seconds() + 15
        document, worker = scan_under_way(stack, found, thinks_for=longer)
        stack.enter_context(celery_beat(tmp_path, CLAMAV_URL=found.url))
        stack.enter_context(celery_worker(queues="documents", CLAMAV_URL=found.url))
        time.sleep(longer - 5)
        assert facts(document) == (ScanState.PENDING, 1) and children_of(worker)
        wait_until(lambda: facts(document) == (ScanState.CLEAN, 1), seconds=30, what="the finding")
        time.sleep(TWO_SWEEPS)
        assert (facts(document), len(found.scanned)) == ((ScanState.CLEAN, 1), 1)

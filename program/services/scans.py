"""The malware scan of uploaded files: claimed by row, counted, done again by the sweep (control C17)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse

from program import audit, clock, leases, scanner
from program.clock_account import clock_account
from program.documents import Withheld, record_scan, stored_bytes
from program.enums import Mailed, PartOfPortal, ScanState
from program.models import Document
from program.notice_kinds import NoticeKind
from program.notices import owe
from program.pulse import note_parts
from program.withheld import MOST_SCANS

MOST_AT_ONCE: Final = 200
UNFINISHED: Final = "The scanner stopped each time before it had read the whole file."
INFECTED: Final = NoticeKind(
    "documents.infected",
    "A file of yours is withheld",
    "A malware scan found something in a file that you uploaded. Nobody can download it. Remove it, "
    "clean your copy and upload it again.",
    when="A malware scan finds something in a file",
    who="Who uploaded it",
    mailed=Mailed.AT_ONCE,
)


def scan(pk: int) -> bool:
    """Scan one file that waits; True when its state is settled. Repeatable, and safe to run twice at once.

    A scanner that is away costs the file nothing. What happens after the scanner answered is counted before
    it begins, so that a file which kills scanner or worker is set aside in the end.
    """
    try:
        scanner.ping()
    except scanner.ScannerAway:
        return False
    document = _claim(pk)
    if document is None:
        return False
    if document.scan_attempts > MOST_SCANS:
        return _settle(document, ScanState.NOT_SCANNED, document.scan_note or UNFINISHED)
    try:
        with stored_bytes(document) as stream, leases.meanwhile(partial(_renew, document)):
            found = scanner.infection_in(stream)
    except scanner.ScannerAway:
        _give_back(document, scan_attempts=F("scan_attempts") - 1)
        return False
    except (scanner.ScanFailed, Withheld, OSError) as failure:
        if document.scan_attempts >= MOST_SCANS:
            return _settle(document, ScanState.NOT_SCANNED, str(failure))
        _give_back(document, scan_note=str(failure)[:200])
        return False
    return _settle(document, ScanState.INFECTED if found else ScanState.CLEAN, found)


def _claim(pk: int) -> Document | None:
    """Take the row for the length of a lease, and count it."""
    at = clock.instant()
    free = leases.is_free("scan_claimed_at", at=at)
    rows = Document.objects.filter(free, pk=pk, scan_state=ScanState.PENDING, is_generated=False)
    if not rows.update(scan_claimed_at=at, scan_attempts=F("scan_attempts") + 1):
        return None
    return Document.objects.select_related("uploaded_by").get(pk=pk)


def _held(document: Document) -> QuerySet[Document]:
    """The row as long as this worker's claim on it stands."""
    return Document.objects.filter(pk=document.pk, scan_claimed_at=document.scan_claimed_at)


def _renew(document: Document) -> None:
    leases.renew(_held(document), document, "scan_claimed_at")


def _give_back(document: Document, **changes: Any) -> None:
    _held(document).update(scan_claimed_at=None, **changes)


@transaction.atomic
def _settle(document: Document, found: ScanState, note: str) -> bool:
    """Write the finding; an infected file is recorded, and its uploader told, in the same transaction."""
    claimed_at: datetime | None = document.scan_claimed_at
    if not record_scan(document, found, note=note, claimed_at=claimed_at):
        return False
    if found == ScanState.INFECTED:
        facts = {"document": document.sha256, "found": note}
        event = audit.record(document, "document.infected", by=clock_account(), after=facts)
        of_call = document.call_files.select_related("call").first()
        url = reverse("program:desk-call", args=[of_call.call.number]) if of_call else "/proposals/"
        owe(event, INFECTED, [document.uploaded_by], url=url)
    return True


def scanner_answers() -> bool:
    """Whether the scanner is there; a change is kept for the outage log, as is one of the store of files."""
    try:
        scanner.ping()
        is_there = True
    except scanner.ScannerAway:
        is_there = False
    note_parts({PartOfPortal.SCANNER: is_there})
    return is_there


def owed_scans() -> list[int]:
    """Keys of the files that wait for a scan and that nobody is scanning; none while the scanner is away.

    Where no scanner is configured any more nothing waits; where one is new, every file does.
    """
    uploaded = Document.objects.filter(is_generated=False)
    if not scanner.is_set():
        uploaded.filter(scan_state=ScanState.PENDING).update(scan_state=ScanState.NOT_SCANNED)
        note_parts({PartOfPortal.SCANNER: True})
        return []
    if not scanner_answers():
        return []
    unasked = uploaded.filter(scan_state=ScanState.NOT_SCANNED, scan_attempts__lt=MOST_SCANS)
    unasked.update(scan_state=ScanState.PENDING)
    free = leases.is_free("scan_claimed_at", at=clock.instant())
    rows = uploaded.filter(free, scan_state=ScanState.PENDING).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:MOST_AT_ONCE])

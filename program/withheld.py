"""Why an uploaded file is not handed out, and for how long a scan is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from program import scanner
from program.enums import ScanState

if TYPE_CHECKING:
    from program.models import Document

#: A file that the scanner did not finish so often is set aside: not scanned.
MOST_SCANS: Final = 4
WITHHELD: Final = {
    "infected": "A malware scan found something in this file. It is withheld; ask for a clean copy.",
    "waiting": "This file waits for its malware scan. Try again in a few minutes.",
    "unscanned": "This file was not scanned for malware. Whose file it is can allow its download anyway.",
    "missing": "The stored file cannot be found. The Program office has to restore it.",
}


def withheld_for(document: Document) -> Literal["infected", "waiting", "unscanned", ""]:
    """Why ``document`` is not handed out now, or ""."""
    if document.is_generated or document.scan_state == ScanState.CLEAN:
        return ""
    if document.scan_state == ScanState.INFECTED:
        return "infected"
    if document.scan_state == ScanState.PENDING or not is_set_aside(document):
        return "waiting"
    return "" if document.released_at else "unscanned"


def is_set_aside(document: Document) -> bool:
    """Whether no scan will come: there is no scanner, or it did not get through this file."""
    return document.scan_state == ScanState.NOT_SCANNED and (
        not scanner.is_set() or document.scan_attempts >= MOST_SCANS
    )

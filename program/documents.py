"""Files are kept, opened and handed out here and nowhere else (controls C16 to C18).

Who may read a document follows from the record that points to it: the caller asks that first, each time.
A file has no address of its own; its stored name is random and its row says what it is.
"""

from __future__ import annotations

import datetime as dt
import errno
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, BinaryIO, Final, Literal

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import transaction
from django.http import FileResponse
from django.utils import timezone

from program import scanner
from program.enums import ScanState
from program.intake import CONTENT_TYPES, Examined, Refused, clean_name, examine
from program.models import Document, User
from program.publish import after_commit
from program.withheld import WITHHELD, is_set_aside, withheld_for

ORPHAN_AGE: Final = dt.timedelta(hours=22)  # looked for every hour, so gone within a day
FOLDER: Final = "documents"
SHOWN_KIND: Final = "pdf"
#: What the browser's viewer of PDFs needs, and that only our own pages frame it
SHOWN_POLICY: Final = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)

NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

#: What a scan may find after what was known before. An infected file stays so: a new upload is a new row.
SCANS: Final[dict[ScanState, frozenset[ScanState]]] = {
    ScanState.NOT_SCANNED: frozenset({ScanState.PENDING}),
    ScanState.PENDING: frozenset({ScanState.CLEAN, ScanState.INFECTED, ScanState.NOT_SCANNED}),
    ScanState.CLEAN: frozenset({ScanState.PENDING}),
    ScanState.INFECTED: frozenset(),
}


class Withheld(Exception):
    """The file is not handed out now, for ``reason``; the text says so to the person."""

    def __init__(self, reason: Literal["infected", "waiting", "unscanned", "missing"]) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return WITHHELD[self.reason]


def store_document(
    upload: File[Any],
    *,
    by: User,
    mark: str,
    justification: str = "",
    name: str | None = None,
    quota: Callable[[int], None] | None = None,
    found: Examined | None = None,
) -> Document:
    """Keep an uploaded file that passes its examination.

    ``found`` is what `examine` said of it, for a caller that asked before its transaction began: it takes
    seconds for a large file. ``quota`` is told the size before anything is written and raises Refused where
    its owner has no room. Raises Refused. `remove_orphans` removes the file of a transaction that failed.
    """
    found = found or examine(upload, name or upload.name or "")  # type: ignore[arg-type]  # a File streams
    if quota:
        quota(found.size)
    document = Document(
        name=found.clean_name,
        kind=found.kind,
        content_type=found.content_type,
        size=found.size,
        sha256=found.sha256,
        scan_state=ScanState.PENDING if scanner.is_set() else ScanState.NOT_SCANNED,
        mark=mark,
        justification=justification,
        uploaded_by=by,
    )
    return keep(document, upload if found.content is None else ContentFile(found.content))


@transaction.atomic
def store_generated(name: str, content: bytes, *, by: User, mark: str, kind: str = "pdf") -> Document:
    """Keep a file that the portal made itself; it needs no scan."""
    document = Document(
        name=clean_name(name),
        kind=kind,
        content_type=CONTENT_TYPES[kind],
        size=len(content),
        sha256=sha256(content).hexdigest(),
        scan_state=ScanState.NOT_SCANNED,
        mark=mark,
        uploaded_by=by,
        is_generated=True,
    )
    return keep(document, ContentFile(content))


def keep(document: Document, content: File[Any]) -> Document:
    """The file first, then its row: where the row fails, the file goes again.

    Raises Refused where the disk has no room; nothing of the file is left then.
    """
    try:
        document.file.save(document.name, content, save=False)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise no_room() from error
    try:
        with transaction.atomic():
            document.save()
            if document.scan_state == ScanState.PENDING:
                after_commit("program.schedule.scan_document", document.pk)
    except BaseException:
        document.file.delete(save=False)
        raise
    return document


def no_room() -> Refused:
    return Refused(
        "no-room",
        "The portal has no room for the file at the moment. Nothing that was saved before is lost.",
        "Try again later. If it goes on, tell the Program office.",
    )


def record_scan(
    document: Document, found: ScanState, *, note: str = "", claimed_at: dt.datetime | None = None
) -> bool:
    """Write what a scan found, from a state that allows it; return whether this call did.

    With ``claimed_at`` only who claimed the file at that moment writes: a scan that was overtaken is silent.
    """
    sources = [before for before, after in SCANS.items() if found in after]
    rows = Document.objects.filter(pk=document.pk, scan_state__in=sources)
    if claimed_at is not None:
        rows = rows.filter(scan_claimed_at=claimed_at)
    at = timezone.now() if found in (ScanState.CLEAN, ScanState.INFECTED) else None
    changed = rows.update(scan_state=found, scan_note=note[:200], scanned_at=at, scan_claimed_at=None)
    document.refresh_from_db(fields=["scan_state", "scan_note", "scanned_at", "scan_claimed_at"])
    return bool(changed)


def open_document(document: Document) -> BinaryIO:
    """The bytes, for a caller who has asked whether the person may read them. Raises Withheld.

    An uploaded file is nobody's until it was scanned clean, or until its owner's side has allowed that it is
    handed out although it was not scanned. An infected one is never handed out.
    """
    if reason := withheld_for(document):
        raise Withheld(reason)
    return stored_bytes(document)


def stored_bytes(document: Document) -> BinaryIO:
    """The bytes for a scan, whatever is known of them. Raises Withheld when they are gone."""
    try:
        return document.file.storage.open(str(document.file.name), "rb")  # type: ignore[return-value]
    except FileNotFoundError as error:
        raise Withheld("missing") from error


def scan_words(document: Document, *, public: bool = False) -> str:
    """What is known of the malware scan, in words for the people who read the page, or for the ``public``."""
    if document.is_generated:
        return "Made by the portal"
    if document.scan_state != ScanState.NOT_SCANNED:
        return document.get_scan_state_display()
    if public and is_set_aside(document):
        return "Not checked for malware"
    if not scanner.is_set():
        return "Not scanned: no scanner is configured"
    if is_set_aside(document):
        return "Not scanned: the scanner could not finish this file"
    return ScanState.PENDING.label


def download_response(document: Document) -> FileResponse:
    """The answer that hands a document out as a download and lets no browser run or keep it.

    Raises Withheld.
    """
    response = _handed_out(document, as_attachment=True)
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def shows_in_page(document: Document | None) -> bool:
    """Whether a browser shows the file within a page: a PDF that was scanned clean, nothing else."""
    if document is None or document.kind != SHOWN_KIND:
        return False
    return document.is_generated or document.scan_state == ScanState.CLEAN


def shown_response(document: Document) -> FileResponse:
    """The answer that hands a PDF to the browser's own viewer, in a frame of our pages alone.

    A sandbox would keep that viewer from starting, so nothing but a PDF is handed out so, and none that was
    not scanned, whoever let it go. Raises Withheld.
    """
    if not shows_in_page(document):
        raise Withheld(withheld_for(document) or "unscanned")
    response = _handed_out(document, as_attachment=False)
    response["Content-Security-Policy"] = SHOWN_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _handed_out(document: Document, *, as_attachment: bool) -> FileResponse:
    response = FileResponse(
        open_document(document),
        as_attachment=as_attachment,
        filename=document.name,
        content_type=CONTENT_TYPES.get(document.kind, "application/octet-stream"),
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store"
    return response


def remove_orphans(*, older_than: dt.timedelta = ORPHAN_AGE) -> int:
    """Delete stored files that no row points to, left by transactions that failed; return how many."""
    storage = Document._meta.get_field("file").storage
    limit = timezone.now() - older_than
    removed = 0
    for folder in folders(storage):
        _, files = storage.listdir(folder)
        paths = {f"{folder}/{file}" for file in files}
        known = set(Document.objects.filter(file__in=paths).values_list("file", flat=True))
        for path in sorted(paths - known):
            if storage.get_modified_time(path) < limit:
                storage.delete(path)
                removed += 1
    return removed


def folders(storage: Storage) -> Iterator[str]:
    try:
        names, _ = storage.listdir(FOLDER)
    except FileNotFoundError:
        return
    for name in sorted(names):
        yield f"{FOLDER}/{name}"

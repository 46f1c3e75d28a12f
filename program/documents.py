"""Files are kept, opened and handed out here and nowhere else (controls C16 to C18).

Who may read a document follows from the record that points to it: the caller asks that first, each time.
A file has no address of its own; its stored name is random and its row says what it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, BinaryIO, Final, Literal

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import transaction
from django.http import FileResponse
from django.utils import timezone

from program.enums import ScanState
from program.intake import CONTENT_TYPES, clean_name, examine
from program.models import Document, User

ORPHAN_AGE: Final = dt.timedelta(hours=24)
FOLDER: Final = "documents"

#: What a scan may find after what was known before. An infected file stays so: a new upload is a new row.
SCANS: Final[dict[ScanState, frozenset[ScanState]]] = {
    ScanState.NOT_SCANNED: frozenset({ScanState.PENDING}),
    ScanState.PENDING: frozenset({ScanState.CLEAN, ScanState.INFECTED}),
    ScanState.CLEAN: frozenset({ScanState.PENDING}),
    ScanState.INFECTED: frozenset(),
}

WITHHELD: Final = {
    "infected": "A malware scan found something in this file. It is withheld; ask for a clean copy.",
    "waiting": "This file waits for its malware scan. Try again in a few minutes.",
    "missing": "The stored file cannot be found. The Program office has to restore it.",
}


class Withheld(Exception):
    """The file is not handed out now, for ``reason``; the text says so to the person."""

    def __init__(self, reason: Literal["infected", "waiting", "missing"]) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return WITHHELD[self.reason]


@transaction.atomic
def store_document(
    upload: File[bytes],
    *,
    by: User,
    mark: str,
    justification: str = "",
    name: str | None = None,
    quota: Callable[[int], None] | None = None,
) -> Document:
    """Keep an uploaded file that passes its examination.

    ``quota`` is told the size before anything is written and raises Refused where its owner has no room.
    Raises Refused. A file whose transaction fails later is removed by `remove_orphans`.
    """
    found = examine(upload, name or upload.name or "")  # type: ignore[arg-type]  # a File reads like a stream
    if quota:
        quota(found.size)
    document = Document(
        name=found.clean_name,
        kind=found.kind,
        content_type=found.content_type,
        size=found.size,
        sha256=found.sha256,
        scan_state=ScanState.PENDING if scanner_is_set() else ScanState.NOT_SCANNED,
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
    """The file first, then its row: where the row fails, the file goes again."""
    document.file.save(document.name, content, save=False)
    try:
        with transaction.atomic():
            document.save()
    except BaseException:
        document.file.delete(save=False)
        raise
    return document


def scanner_is_set() -> bool:
    return bool(getattr(settings, "DOCUMENT_SCANNER", ""))


def record_scan(document: Document, found: ScanState) -> bool:
    """Write what a scan found, from a state that allows it; return whether this call did."""
    sources = [before for before, after in SCANS.items() if found in after]
    changed = Document.objects.filter(pk=document.pk, scan_state__in=sources).update(scan_state=found)
    document.refresh_from_db(fields=["scan_state"])
    return bool(changed)


def open_document(document: Document) -> BinaryIO:
    """The bytes, for a caller who has asked whether the person may read them. Raises Withheld.

    With a scanner, an uploaded file is nobody's until it was scanned clean; without one it is handed out
    and its row says that it was not scanned.
    """
    if document.scan_state == ScanState.INFECTED:
        raise Withheld("infected")
    if not is_released(document):
        raise Withheld("waiting")
    try:
        return document.file.storage.open(str(document.file.name), "rb")  # type: ignore[return-value]
    except FileNotFoundError as error:
        raise Withheld("missing") from error


def is_released(document: Document) -> bool:
    if document.is_generated or document.scan_state == ScanState.CLEAN:
        return True
    return document.scan_state == ScanState.NOT_SCANNED and not scanner_is_set()


def download_response(document: Document) -> FileResponse:
    """The answer that hands a document out as a download and lets no browser run or keep it.

    Raises Withheld.
    """
    response = FileResponse(
        open_document(document),
        as_attachment=True,
        filename=document.name,
        content_type=CONTENT_TYPES.get(document.kind, "application/octet-stream"),
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
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

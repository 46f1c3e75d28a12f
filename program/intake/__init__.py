"""What an uploaded file must be before the portal keeps it (control C16).

Checks of structure only, no database. The name and the type that a browser states prove nothing, and neither
do the first bytes alone: the file is opened as what its extension claims, under limits, and refused with a
reason that a person can act on. Whether it carries known malware is another question, for a scanner, later.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from django.conf import settings

from program.intake.names import clean_name
from program.intake.office import check_office
from program.intake.pdf import check_pdf
from program.intake.pictures import check_image
from program.intake.refusals import ALLOWED, CONTENT_TYPES, Refused, lying
from program.intake.tables import check_csv

__all__ = ["ALLOWED", "CONTENT_TYPES", "Examined", "Refused", "announced", "clean_name", "examine"]

MAX_BYTES: Final = 100 * 1024 * 1024
CHUNK: Final = 1 << 16
KINDS: Final = {kind: kind for kind in CONTENT_TYPES} | {"jpg": "jpeg"}
NO_ENDING: Final = "The name has no ending that says what the file is, such as .pdf."
CHECKS: Final = {
    "pdf": check_pdf,
    "docx": check_office,
    "xlsx": check_office,
    "csv": check_csv,
    "png": check_image,
    "jpeg": check_image,
}


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A file that may be kept. ``size`` and ``sha256`` are of the bytes to keep.

    ``content`` holds those bytes where they are not the uploaded ones: images are encoded anew.
    """

    kind: str
    content_type: str
    size: int
    sha256: str
    clean_name: str
    content: bytes | None = None


def announced(name: str, size: int) -> str:
    """The clean name of a file that is about to be sent, or Refused before a byte of it is.

    Only what name and size can tell; the file itself is examined when it is there.
    """
    kept_name = clean_name(name)
    require_kind(kept_name)
    if size <= 0:
        raise empty()
    if size > most_bytes():
        raise too_large()
    return kept_name


def require_kind(kept_name: str) -> str:
    """The kind of file that a clean name claims. Raises Refused for a kind that is not accepted."""
    extension = PurePosixPath(kept_name).suffix.lstrip(".").lower()
    if kind := KINDS.get(extension):
        return kind
    raise Refused(
        "type-not-allowed",
        f"Files that end in .{extension} are not accepted." if extension else NO_ENDING,
        f"Upload {ALLOWED} files.",
    )


def examine(file: BinaryIO, name: str) -> Examined:
    """Say what ``file`` is and that it may be kept, or raise Refused. Leaves ``file`` at its start."""
    stream: BinaryIO = getattr(file, "file", None) or file  # Django's File wraps the real one
    kept_name = clean_name(name)
    extension = PurePosixPath(kept_name).suffix.lstrip(".").lower()
    size, digest = measure(stream)
    head = read_head(stream)
    kind = require_kind(kept_name)
    found = resemblance(head)
    if found != (family := {"docx": "zip", "xlsx": "zip"}.get(kind, kind)):
        raise lying(extension, found, family)
    content = CHECKS[kind](stream, kind)
    if content is not None:
        size, digest = len(content), sha256(content).hexdigest()
    stream.seek(0)
    return Examined(
        kind=kind,
        content_type=CONTENT_TYPES[kind],
        size=size,
        sha256=digest,
        clean_name=kept_name,
        content=content,
    )


def measure(stream: BinaryIO) -> tuple[int, str]:
    """Bytes and SHA-256, read in pieces and no further than the limit."""
    limit = most_bytes()
    stream.seek(0)
    size, digest = 0, sha256()
    while block := stream.read(CHUNK):
        size += len(block)
        if size > limit:
            raise too_large()
        digest.update(block)
    if not size:
        raise empty()
    return size, digest.hexdigest()


def most_bytes() -> int:
    limit: int = getattr(settings, "DOCUMENT_MAX_BYTES", MAX_BYTES)
    return limit


def too_large() -> Refused:
    return Refused(
        "too-large",
        f"The file is larger than {most_bytes() / 1048576:g} MB.",
        "Make it smaller, for instance with smaller pictures, or split it into parts.",
    )


def empty() -> Refused:
    return Refused("empty", "The file is empty.", "Check the file on your computer and upload it again.")


def read_head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(1024)


SIGNATURES: Final = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"PK", "a ZIP archive that Office did not write"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office file of the old kind, or one with a password"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF media file"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"#!", "a script"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
)


def resemblance(head: bytes) -> str:
    """The kind that the first bytes look like, ``csv`` for text, or words for what is not accepted."""
    for signature, found in SIGNATURES:
        if head.startswith(signature):
            return found
    if b"%PDF-" in head:
        return "a PDF with something else before it"
    text = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg", b"<script", b"<?php")):
        return "a web page or another file of markup"
    return "csv"

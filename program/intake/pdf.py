"""What a PDF may hold."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import Any, BinaryIO, Final

import pikepdf

from program.intake.refusals import Refused, broken, hybrid, password

MAX_OBJECTS: Final = 500_000
MAX_DEPTH: Final = 50
TAIL: Final = 1 << 16

# Process-wide, as qpdf knows no others: what one compressed stream of a PDF may unpack to in memory.
pikepdf.settings.set_qpdf_limits(
    flate_max_memory=64 << 20,
    run_length_max_memory=64 << 20,
    png_max_memory=64 << 20,
    tiff_max_memory=64 << 20,
    dct_max_memory=64 << 20,
    parser_max_container_size=1_000_000,
    doc_max_warnings=100,
)

FORBIDDEN_KEYS: Final = {
    "/JS": "script",
    "/JavaScript": "script",
    "/XFA": "form",
    "/EmbeddedFiles": "embedded",
    "/EF": "embedded",
    "/RichMediaContent": "embedded",
}
FORBIDDEN_VALUES: Final = {
    ("/S", "/JavaScript"): "script",
    ("/S", "/Launch"): "script",
    ("/S", "/ImportData"): "script",
    ("/S", "/SubmitForm"): "script",
    ("/S", "/Rendition"): "script",
    ("/S", "/RichMediaExecute"): "script",
    ("/S", "/GoToE"): "embedded",
    ("/Type", "/EmbeddedFile"): "embedded",
    ("/Subtype", "/FileAttachment"): "embedded",
    ("/Subtype", "/RichMedia"): "embedded",
    ("/Subtype", "/Movie"): "embedded",
    ("/Subtype", "/3D"): "embedded",
}
REFUSALS: Final = {
    "script": (
        "pdf-script",
        "The PDF has a script or an action that starts something.",
        "Print it to a new PDF, or export it again without scripts and buttons.",
    ),
    "form": (
        "pdf-form",
        "The PDF is a dynamic form (XFA), which most programs cannot show.",
        "Print the filled form to a new PDF and upload that.",
    ),
    "embedded": (
        "pdf-embedded",
        "The PDF has another file, a film or a sound inside it.",
        "Save it without attachments and upload the attached files on their own.",
    ),
}


def check_pdf(stream: BinaryIO, kind: str) -> None:
    """A whole, unencrypted PDF from first byte to last, without script, form program or attachment."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - TAIL))
    tail = stream.read()
    _, marker, rest = tail.rpartition(b"%%EOF")
    if (marker and rest.strip(b"\0 \t\r\n\f")) or zipfile.is_zipfile(stream):
        raise hybrid(kind)
    stream.seek(0)
    try:
        with pikepdf.open(stream, attempt_recovery=False) as pdf:
            if pdf.is_encrypted:
                raise password()
            if len(pdf.objects) > MAX_OBJECTS:
                raise Refused("too-complex", "The PDF has too many parts to check.", "Print it to a new PDF.")
            for obj in pdf.objects:
                if reason := forbidden_in(obj, 0):
                    raise Refused(*REFUSALS[reason])
            if not len(pdf.pages):
                raise broken(kind)
    except pikepdf.PasswordError as error:
        raise password() from error
    except (pikepdf.PdfError, RuntimeError, ValueError, TypeError) as error:
        raise broken(kind) from error


def forbidden_in(obj: Any, depth: int) -> str:
    """Why ``obj`` or a part of it is forbidden, or "". What it refers to is visited on its own."""
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(obj, pikepdf.Array):
        parts: Iterable[Any] = obj
    elif isinstance(obj, pikepdf.Dictionary | pikepdf.Stream):
        parts = []
        for key, value in obj.items():
            if reason := FORBIDDEN_KEYS.get(key):
                return reason
            if isinstance(value, pikepdf.Name) and (reason := FORBIDDEN_VALUES.get((key, str(value)))):
                return reason
            parts.append(value)
    else:
        return ""
    for part in parts:
        direct = isinstance(part, pikepdf.Object) and not part.is_indirect
        if direct and (reason := forbidden_in(part, depth + 1)):
            return reason
    return ""

"""Why a file is not kept, in words for the person who uploaded it."""

from __future__ import annotations

from typing import Final

CONTENT_TYPES: Final = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "png": "image/png",
    "jpeg": "image/jpeg",
}
WORDS: Final = {
    "pdf": "a PDF",
    "docx": "a Word document (DOCX)",
    "xlsx": "an Excel workbook (XLSX)",
    "csv": "a CSV table",
    "png": "a PNG image",
    "jpeg": "a JPEG image",
}
ALLOWED: Final = "PDF, DOCX, XLSX, CSV, PNG and JPEG"


class Refused(Exception):
    """The file is not kept: ``code`` for programs, ``message`` and ``what_to_do`` for the person."""

    def __init__(self, code: str, message: str, what_to_do: str) -> None:
        super().__init__(code, message, what_to_do)
        self.code = code
        self.message = message
        self.what_to_do = what_to_do

    def __str__(self) -> str:
        return self.message


def lying(extension: str, found: str, expected: str) -> Refused:
    words = {"zip": "an Office or ZIP file", "csv": "something that is no such file"} | WORDS
    if found == "csv" and expected != "csv":
        return broken(expected)
    return Refused(
        "extension-mismatch",
        f"The name ends in .{extension}, but the file is {words.get(found, found)}.",
        f"Save it again as a file of the kind its name says. {ALLOWED} are accepted.",
    )


def broken(kind: str) -> Refused:
    words = WORDS.get(kind, "an Office file")
    return Refused(
        "broken",
        f"The file cannot be opened as {words}.",
        "It may be damaged or cut short. Open it on your computer, save it again and upload the new copy.",
    )


def hybrid(kind: str) -> Refused:
    return Refused(
        "hybrid",
        f"The file is {WORDS[kind]} and something else at the same time.",
        "Open it in the program that made it and save a fresh copy.",
    )


def password() -> Refused:
    return Refused(
        "encrypted",
        "The file is protected by a password or by rights.",
        "Remove the protection and upload it again. The portal protects what you mark as confidential.",
    )

"""Mails as the file-based backend writes them: a file for each connection, dashes after each mail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

END: Final = re.compile(rb"^-{79}\n", re.MULTILINE)
LARGEST: Final = 1 << 20


@dataclass(frozen=True)
class Mail:
    """One mail: whom it went to, when, and its text part."""

    to: str
    subject: str
    at: datetime | None
    text: str


def newest_mails(most: int) -> list[Mail]:
    """The newest mails of the folder, newest first; none when mail is sent otherwise or none was written."""
    return list(islice(_mails(), most))


def _mails() -> Iterator[Mail]:
    folder = Path(settings.EMAIL_FILE_PATH)
    files = sorted(folder.glob("*.log"), key=_written_at, reverse=True) if folder.is_dir() else []
    for file in files:
        with file.open("rb") as content:
            parts = END.split(content.read(LARGEST))
        for part in reversed(parts):
            if part.strip():
                yield read_mail(part)


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def read_mail(content: bytes) -> Mail:
    """A mail from its bytes; what cannot be decoded shows as a replacement sign."""
    message: EmailMessage = BytesParser(EmailMessage, policy=policy.default).parsebytes(content)
    body = message.get_body(("plain",))
    try:
        at = parsedate_to_datetime(str(message["Date"]))
        at = at if at.tzinfo else at.replace(tzinfo=UTC)  # "-0000" is UTC without a word on the place
    except (TypeError, ValueError):
        at = None
    return Mail(
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        at=at,
        text=body.get_content().strip() if body else "",
    )

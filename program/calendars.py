"""Deadlines as calendar files (RFC 5545), for the reader's own calendar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

LINE_OCTETS = 75
#: From when the seconds are counted that number the revisions of an event
NUMBERED_FROM = datetime(2020, 1, 1, tzinfo=UTC)


def deadline_file(*, uid: str, title: str, text: str, url: str, at: datetime, stamped_at: datetime) -> bytes:
    """One event that ends at the exclusive bound ``at``, with reminders a week and a day before."""
    return calendar(event(uid=uid, title=title, text=text, url=url, at=at, stamped_at=stamped_at))


def feed_file(events: Iterable[list[str]], *, name: str) -> bytes:
    """A calendar to subscribe to, under ``name``; programs are told to ask anew every six hours."""
    head = [f"X-WR-CALNAME:{escaped(name)}", "REFRESH-INTERVAL;VALUE=DURATION:PT6H", "X-PUBLISHED-TTL:PT6H"]
    return calendar(head, *events)


def calendar(*blocks: list[str]) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//American AI Exports Program//Portal//EN",
        "METHOD:PUBLISH",
        *(line for block in blocks for line in block),
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in folded(line)).encode()


def event(*, uid: str, title: str, text: str, url: str, at: datetime, stamped_at: datetime) -> list[str]:
    """The lines of one event; its SEQUENCE grows with the moment ``stamped_at`` of its last change."""
    return [
        "BEGIN:VEVENT",
        f"UID:{escaped(uid)}",
        f"DTSTAMP:{in_utc(stamped_at)}",
        f"SEQUENCE:{int((stamped_at - NUMBERED_FROM).total_seconds())}",
        f"DTSTART:{in_utc(at - timedelta(hours=1))}",
        f"DTEND:{in_utc(at)}",
        f"SUMMARY:{escaped(title)}",
        f"DESCRIPTION:{escaped(text)}",
        f"URL:{url}",
        "TRANSP:TRANSPARENT",
        *alarm(title, "-P7D"),
        *alarm(title, "-P1D"),
        "END:VEVENT",
    ]


def alarm(title: str, trigger: str) -> list[str]:
    description = f"DESCRIPTION:{escaped(title)}"
    return ["BEGIN:VALARM", "ACTION:DISPLAY", description, f"TRIGGER:{trigger}", "END:VALARM"]


def in_utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escaped(text: str) -> str:
    """``text`` as a value: backslash, comma, semicolon and line break escaped, other controls left out."""
    kept = "".join(letter for letter in text.replace("\r\n", "\n") if letter == "\n" or letter.isprintable())
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        kept = kept.replace(plain, written)
    return kept


def folded(line: str) -> Iterator[str]:
    """``line`` cut so that no piece is longer than 75 octets; pieces after the first begin with a blank."""
    if line.isascii():
        yield line[:LINE_OCTETS]
        for at in range(LINE_OCTETS, len(line), LINE_OCTETS - 1):
            yield f" {line[at : at + LINE_OCTETS - 1]}"
        return
    piece = ""
    for letter in line:
        if len((piece + letter).encode()) > LINE_OCTETS:
            yield piece
            piece = " "
        piece += letter
    yield piece

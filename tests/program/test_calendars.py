from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from program.calendars import deadline_file, escaped, folded

AT = datetime(2026, 7, 1, 4, tzinfo=UTC)


def make(title="Due", text="Text"):
    return deadline_file(
        uid="AIX-C-2026-0001@portal", title=title, text=text, url="https://portal.test/", at=AT, stamped_at=AT
    )


def test_event_ends_at_the_exclusive_bound():
    lines = make().decode().split("\r\n")
    assert [line for line in lines if line.startswith(("DTSTART", "DTEND"))] == [
        "DTSTART:20260701T030000Z", "DTEND:20260701T040000Z",
    ]  # fmt: skip


def test_text_cannot_add_lines_of_its_own():
    assert escaped("a, b; c\\\nEND:VEVENT\x00") == "a\\, b\\; c\\\\\\nEND:VEVENT"
    assert make(text="x\r\nEND:VCALENDAR").count(b"\r\nEND:VCALENDAR") == 1


@given(st.text(min_size=1, max_size=300) | st.text(st.characters(codec="ascii"), max_size=300))
def test_folded_lines_are_short_and_unfold(text):
    line = "X:" + "".join(letter for letter in text if letter.isprintable())
    pieces = list(folded(line))
    assert all(len(piece.encode()) <= 75 for piece in pieces)
    assert pieces[0] + "".join(piece[1:] for piece in pieces[1:]) == line

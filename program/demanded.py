"""What a call demands on a day, and what its amendments have still to bring: a question of time alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from program import clock
from program.deadlines import end_of_day, local_day
from program.differences import Segment, compare_texts
from program.enums import CallStatus, EvidenceType

if TYPE_CHECKING:
    from program.models import Call, Requirement


def last_instant(day: date) -> datetime:
    """The moment at which all stands that is demanded on ``day``: an amendment may come in its course."""
    return end_of_day(day) - timedelta(microseconds=1)


def demanded(rows: Iterable[Requirement], at: datetime | None = None) -> list[Requirement]:
    """Of a call's rows those demanded at the moment ``at``, or (None) as they stand today."""
    listed = list(rows)
    if at is None and any(map(is_dated, listed)):
        at = last_instant(clock.today())
    return [row for row in listed if at is None or row.is_demanded(at)]


def is_dated(row: Requirement) -> bool:
    """Whether an amendment began or ends it."""
    return bool(row.demanded_from or row.demanded_to)


@dataclass(frozen=True)
class DemandChange:
    """A requirement before and after a change; one of both may be missing."""

    before: Requirement | None
    after: Requirement | None

    @property
    def act(self) -> str:
        return "Changed" if self.before and self.after else "New" if self.after else "Withdrawn"

    @property
    def row(self) -> Requirement:
        """The requirement as it will be; one that is withdrawn as it was."""
        found = self.after or self.before
        if found is None:
            raise ValueError("A change has a requirement before or after it.")
        return found

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What changes in its words."""
        return compare_texts(words_of(self.before), words_of(self.after))


@dataclass(frozen=True)
class Coming:
    """What changes when ``day`` begins in Washington."""

    day: date
    changes: tuple[DemandChange, ...]


def coming(rows: Iterable[Requirement], today: date | None = None) -> list[Coming]:
    """What is published and not in force yet, the earliest day first."""
    listed = list(rows)
    moments = {moment for row in listed for moment in (row.demanded_from, row.demanded_to) if moment}
    if not moments:
        return []
    today = today or clock.today()
    found = []
    for day in sorted({local_day(moment) for moment in moments}):
        if day > today:
            before, after = (demanded(listed, last_instant(each)) for each in (day - timedelta(days=1), day))
            if changes := tuple(changes_between(before, after)):
                found.append(Coming(day, changes))
    return found


def coming_under(call: Call) -> list[Coming]:
    """What amendments of a call that is not over bring on later days."""
    return coming(call.requirements.all()) if call.status == CallStatus.ISSUED else []


def to_answer(rows: Iterable[Requirement]) -> Requirement | None:
    """Of the rows of one code the one that a consortium answers: the one demanded, else the next to come."""
    listed = list(rows)
    if today := demanded(listed):
        return today[0]
    return next((change.after for each in coming(listed) for change in each.changes if change.after), None)


def answered_ahead(rows: Iterable[Requirement]) -> list[Requirement]:
    """Of what is to come the rows that will be answered in a way in which their code is not answered before.

    They have an answer of their own, beside the one of today.
    """
    listed = list(rows)
    known = {(row.code, row.evidence_type) for row in demanded(listed)}
    found = []
    for each in coming(listed):
        for row in (change.after for change in each.changes):
            if row and row.evidence_type != EvidenceType.PACKAGE:
                way = (row.code, row.evidence_type)
                found += [row] if way not in known else []
                known.add(way)
    return found


def changes_between(before: Iterable[Requirement], after: Iterable[Requirement]) -> Iterator[DemandChange]:
    """What is new, changed and withdrawn; one whose words stay is neither."""
    old, new = ({row.code: row for row in rows} for rows in (before, after))
    for code in {**new, **old}:
        change = DemandChange(old.get(code), new.get(code))
        if words_of(change.before) != words_of(change.after):
            yield change


def words_of(row: Requirement | None) -> str:
    """A requirement as a text to compare; nothing where there is none."""
    if row is None:
        return ""
    limit = f"At most {row.max_characters} characters" if row.max_characters else ""
    lines = (
        row.title,
        row.guidance,
        "Mandatory" if row.is_mandatory else "Optional",
        f"Answered by: {EvidenceType(row.evidence_type).label}",
        *row.offered,
        limit,
        row.clause,
    )
    return "\n".join(filter(None, lines))

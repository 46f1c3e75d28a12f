"""Days on which federal offices are closed, and which dates would fall otherwise by them.

A date that was stated stays as it was stated: a closure that is entered later moves what is computed from
then on. What it would have moved is shown to the officer beforehand, with the place where a person moves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from program.deadlines import is_business_day, long_date, next_business_day
from program.models import Closure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date

    from program.models import User


def counted_closures() -> frozenset[date]:
    """The days that an officer counts as holidays."""
    return frozenset(Closure.objects.standing().filter(counts_as_holiday=True).values_list("day", flat=True))


@dataclass(frozen=True)
class Effect:
    """What a closure means for one date: ``moves`` when it is computed anew, else it stays as stated."""

    what: str
    url: str
    stated: date
    would_be: date
    moves: bool = False


Source = "Callable[[User, frozenset[date], frozenset[date]], Iterable[Effect]]"
SOURCES: Final[list[Any]] = []


def met_by_closures(source: Any) -> Any:
    """Show what ``source`` answers when a closure is entered: dates that it meets, which a person may see."""
    SOURCES.append(source)
    return source


def effects_of(by: User, before: frozenset[date], after: frozenset[date]) -> list[Effect]:
    """Every date that falls otherwise with the closures ``after`` than ``before``, soonest first."""
    found = (effect for source in SOURCES for effect in source(by, before, after))
    return sorted(found, key=lambda effect: (effect.stated, effect.what))


def stated_effects(
    rows: Iterable[tuple[str, str, date]], before: Collection[date], after: Collection[date]
) -> Iterator[Effect]:
    """Of stated days (what, where, day) those on which offices would now be closed; they stay as stated."""
    for what, url, day in rows:
        if is_business_day(day, before) and not is_business_day(day, after):
            yield Effect(what, url, day, next_business_day(day, after))


def in_register(day: date) -> str:
    """Why ``day`` is not entered a second time."""
    return f"{long_date(day)} is in the register already. Correct its entry instead."

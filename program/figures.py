"""Numbers that the apps above contribute to pages below them: each is a count that leads to its list.

The home page shows those of the public record. Beside a duty of an order stand the portal's own records that
fulfil it: to everybody only numbers of what is public already, at the desk those of what the person may see.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from program.models import Duty, User


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of records, what it counts, and the page that lists them."""

    value: int
    label: str
    url: str


def figure(value: int, one: str, many: str, url: str) -> Figure:
    """A number with the words for one or for many."""
    return Figure(value, one if value == 1 else many, url)


FIGURES: Final[list[Callable[[], Figure]]] = []
PUBLIC_OF_DUTY: Final[dict[tuple[str, str], list[Callable[[], Figure]]]] = defaultdict(list)
DESK_OF_DUTY: Final[dict[tuple[str, str], list[Callable[[User], Figure]]]] = defaultdict(list)


def on_home_page(count: Callable[[], Figure]) -> Callable[[], Figure]:
    """Show what ``count`` answers on the home page; it costs the page one statement."""
    FIGURES.append(count)
    return count


def fulfils(order: str, clause: str) -> Callable[[Callable[[], Figure]], Callable[[], Figure]]:
    """Show everybody, beside a duty, what ``count`` answers: a number of records that are public already."""

    def register(count: Callable[[], Figure]) -> Callable[[], Figure]:
        PUBLIC_OF_DUTY[order, clause].append(count)
        return count

    return register


def fulfils_inside(
    order: str, *clauses: str
) -> Callable[[Callable[[User], Figure]], Callable[[User], Figure]]:
    """Show at the desk, beside duties, what ``count`` answers for the person: records that they may see."""

    def register(count: Callable[[User], Figure]) -> Callable[[User], Figure]:
        for clause in clauses:
            DESK_OF_DUTY[order, clause].append(count)
        return count

    return register


def public_figures(duties: Iterable[Duty]) -> dict[int, list[Figure]]:
    """The public numbers of each duty, by its key."""
    return {duty.pk: [count() for count in PUBLIC_OF_DUTY.get(place_of(duty), ())] for duty in duties}


def desk_figures(duties: Iterable[Duty], user: User) -> dict[int, list[Figure]]:
    """All numbers of each duty that ``user`` may see at the desk, by its key; each costs a statement."""
    found = public_figures(duties)
    for duty in duties:
        found[duty.pk] += [count(user) for count in DESK_OF_DUTY.get(place_of(duty), ())]
    return found


def place_of(duty: Duty) -> tuple[str, str]:
    return duty.directive.number, duty.clause

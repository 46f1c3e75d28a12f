"""Numbers on the home page that the apps above contribute: each is a count that leads to its list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the public record, what it counts, and the page that lists it."""

    value: int
    label: str
    url: str


FIGURES: Final[list[Callable[[], Figure]]] = []


def on_home_page(count: Callable[[], Figure]) -> Callable[[], Figure]:
    """Show what ``count`` answers on the home page; it costs the page one statement."""
    FIGURES.append(count)
    return count

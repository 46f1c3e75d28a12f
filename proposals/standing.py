"""What the apps above know of a proposal and its consortium is told: designation, questions, corrections.

A deferral too, once it was announced.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime

    from django.db.models import Model

    from proposals.models import Proposal


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question of the Government that the consortium has not answered; ``due_at`` is exclusive."""

    number: int
    due_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class Correction:
    """One item that a return for correction names, as it was sent."""

    code: str
    title: str
    clause: str
    reason: str


@dataclass(slots=True)
class Standing:
    """How one proposal stands in the apps above; empty while they know nothing of it.

    ``consulted_until`` (exclusive) is when the time of the last agency ends; while the clock of one is
    paused, that day is not known.
    """

    designation: str = ""
    designation_status: str = ""
    reason: str = ""
    is_in_catalog: bool = False
    owes_catalog_text: bool = False
    questions: list[OpenQuestion] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    note: str = ""
    deferred_until: date | None = None
    consulted_until: datetime | None = None
    is_clock_paused: bool = False
    records: list[Model] = field(default_factory=list)

    @property
    def badge(self) -> str:
        """What stands in place of the proposal's status while its designation is not active; else empty."""
        is_active = self.designation_status in ("", "active")
        return "" if is_active else f"Designation {self.designation_status}"

    @property
    def tone(self) -> str:
        return "neutral" if self.is_ended else "bad"

    @property
    def is_ended(self) -> bool:
        return self.designation_status in ("revoked", "expired")


SOURCES: Final[list[Callable[[dict[int, Standing], list[Proposal]], None]]] = []


def tells_standing(
    source: Callable[[dict[int, Standing], list[Proposal]], None],
) -> Callable[[dict[int, Standing], list[Proposal]], None]:
    """Let ``source`` write into the standings what it knows; it asks once for all proposals together."""
    if source not in SOURCES:
        SOURCES.append(source)
    return source


def standings_of(proposals: Iterable[Proposal]) -> dict[int, Standing]:
    """The standing of each of ``proposals``, by its key; a source asks only about statuses it knows of."""
    rows = list(proposals)
    found = {row.pk: Standing() for row in rows}
    for source in SOURCES:
        source(found, rows)
    return found

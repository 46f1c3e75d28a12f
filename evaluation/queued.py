"""What a row of the queue says of its proposal: read as a row, as consultations are (ADR 36)."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from proposals.enums import ProposalStatus
from proposals.models.proposals import latest_bound


class Queued(NamedTuple):
    """A proposal with what is counted of it and its ``dues``; ``designation_status`` may be None.

    ``received_at`` is when its newest version came in, which ``reviews_in`` of ``reviews_asked`` speak of.
    """

    pk: int
    number: str
    title: str
    status: str
    version_count: int
    consortium: str
    cure_due_at: datetime | None
    extended_to: datetime | None
    call_closes_at: datetime | None
    call_cancelled_at: datetime | None
    received_at: datetime
    reviews_asked: int
    reviews_in: int
    designation_status: str | None
    open_questions: list[tuple[str, int]] | None
    open_objections: list[tuple[str, str, int]] | None
    undecided_conflicts: list[tuple[str, str, str]] | None
    earlier_lapses: list[tuple[str, str, int]] | None

    @property
    def correction_due_at(self) -> datetime | None:
        """Until when the corrected version is taken, exclusive; None where none is waited for."""
        if self.status != ProposalStatus.RETURNED or self.call_cancelled_at:
            return None
        return latest_bound(self.call_closes_at, self.extended_to, self.cure_due_at)


#: Where a question finds what has another name there
PATHS: Final = {
    "title": "submitted_title",
    "consortium": "consortium__name",
    "call_closes_at": "call__closes_at",
    "call_cancelled_at": "call__cancelled_at",
}
#: What a question asks for, in the order of ``Queued``
COLUMNS: Final = tuple(PATHS.get(name, name) for name in Queued._fields)

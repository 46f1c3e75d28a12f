"""Every score, review and position with its reasons, line by line, to take away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evaluation.enums import ReviewStatus
from evaluation.insights.readers import counted_for
from evaluation.models import AgencyScore, Position, Review, Score
from program import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from program.models import Call, User


@dataclass(frozen=True)
class Listing:
    """A table with a line for each score, review or position; ``lines`` reads those of some proposals."""

    key: str
    title: str
    headings: list[str]
    lines: Callable[[User, list[int]], Iterator[list[Any]]]


def _score_lines(user: User, proposals: list[int]) -> Iterator[list[Any]]:
    rows = AgencyScore.objects.visible_to(user).filter(version__proposal__in=proposals)
    rows = rows.select_related("version__proposal", "agency", "criterion").defer("version__package")
    for row in rows.order_by("version__proposal", "version", "agency__sort_order", "criterion__sort_order"):
        yield [
            row.version.proposal.number, row.version.number, str(row.agency), row.criterion.title,
            row.criterion.lowest, row.criterion.highest, row.criterion.weight, row.criterion.is_independent,
            row.sheet_count, row.median, row.mean, row.lowest, row.highest, row.spread, row.is_disagreed,
        ]  # fmt: skip


def _review_lines(user: User, proposals: list[int]) -> Iterator[list[Any]]:
    sheets = Review.objects.visible_to(user).filter(version__proposal__in=proposals)
    rows = Score.objects.filter(review__in=sheets.filter(status=ReviewStatus.SUBMITTED))
    rows = rows.select_related("review__version__proposal", "review__agency", "review__reviewer", "criterion")
    for row in rows.defer("review__version__package").order_by("review__version__proposal", "review", "pk"):
        sheet = row.review
        yield [
            sheet.version.proposal.number, sheet.version.number, str(sheet.agency), sheet.reviewer.name,
            sheet.get_recommendation_display(), sheet.rationale, _when(sheet.submitted_at),
            row.criterion.title, "Not applicable" if row.not_applicable else row.value,
            row.strengths, row.weaknesses,
        ]  # fmt: skip


def _position_lines(user: User, proposals: list[int]) -> Iterator[list[Any]]:
    rows = Position.objects.visible_to(user).filter(referral__version__proposal__in=proposals)
    rows = rows.with_standing()
    rows = rows.select_related("referral__version__proposal", "referral__agency", "signed_by")
    for row in rows.defer("referral__version__package").order_by("referral__version__proposal", "pk"):
        version = row.referral.version
        yield [
            version.proposal.number, version.number, str(row.referral.agency), row.get_stance_display(),
            row.rationale, row.conditions, row.signed_by.name, _when(row.signed_at),
            row.stands,  # type: ignore[attr-defined]
        ]  # fmt: skip


LISTINGS: Final = {
    listing.key: listing
    for listing in (
        Listing(
            "scores", "Scores by agency and criterion",
            [
                "Proposal", "Version", "Agency", "Criterion", "Lowest of the scale", "Highest of the scale",
                "Weight, percent", "Outside the total", "Sheets", "Median", "Mean", "Lowest", "Highest",
                "Spread", "Disagreement",
            ],
            _score_lines,
        ),
        Listing(
            "reviews", "Reviews with their reasons",
            [
                "Proposal", "Version", "Agency", "Reviewer", "Recommendation", "Reasons",
                "Submitted, Washington time", "Criterion", "Score", "Strengths", "Weaknesses",
            ],
            _review_lines,
        ),
        Listing(
            "positions", "Positions with their reasons",
            [
                "Proposal", "Version", "Agency", "Position", "Reasons", "Conditions", "Signed by",
                "Signed, Washington time", "Stands today",
            ],
            _position_lines,
        ),
    )
}  # fmt: skip
AT_ONCE: Final = 200


def lines_of(listing: Listing, user: User, call: Call) -> Iterator[list[Any]]:
    """The lines of a listing, read for two hundred proposals at once."""
    keys = list(counted_for(user, call).values_list("pk", flat=True))
    for start in range(0, len(keys), AT_ONCE):
        yield from listing.lines(user, keys[start : start + AT_ONCE])


def _when(at: datetime | None) -> str:
    return at.astimezone(clock.WASHINGTON).strftime("%Y-%m-%d %H:%M") if at else ""

"""What other weights would move, before anybody decides for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from evaluation.insights.readers import left_out_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from program.models import Call, User

MOST_MOVED: Final = 25


@dataclass(frozen=True)
class Move:
    """A proposal that one agency's scores would place elsewhere; totals are in percent of the scale."""

    number: str
    title: str
    agency: str
    total: float
    place: int
    new_total: float
    new_place: int

    @property
    def steps(self) -> int:
        """How many places it rises; below zero it falls."""
        return self.place - self.new_place

    @property
    def falls(self) -> int:
        return -self.steps


@dataclass(frozen=True)
class Sensitivity:
    """What a set of weights would move; ``moved`` holds the farthest moves of each agency."""

    compared: int
    moved_count: int
    moved: list[Move]


def sensitivity(user: User, call: Call, weights: Mapping[int, int]) -> Sensitivity:
    """What ``weights`` (percent by criterion) would move in each agency's order; stores nothing.

    Independent criteria are in no total. A proposal is placed by the criteria that its sheets scored.
    """
    criteria = [criterion for criterion in call.criteria.all() if not criterion.is_independent]
    asked: dict[str, Any] = {
        "call": call.pk,
        "left_out": left_out_of(user, call),
        "criteria": [criterion.pk for criterion in criteria],
        "weights": [criterion.weight for criterion in criteria],
        "new_weights": [weights.get(criterion.pk, 0) for criterion in criteria],
        "most": MOST_MOVED,
    }
    with connection.cursor() as cursor:
        cursor.execute(PLACES, asked)
        rows = cursor.fetchall()
    compared, moved_count = rows[0][:2]
    moved = [
        Move(number, title, agency, round(total, 1), place, round(new_total, 1), new_place)
        for _, _, number, title, agency, total, place, new_total, new_place in rows
        if number is not None
    ]
    return Sensitivity(compared, moved_count, moved)


#: One row at least, with the two counts; rows of moved proposals follow in the order of the agencies.
PLACES: Final = """
WITH weighed AS (
    SELECT score.agency_id, score.version_id, weight.now, weight.new,
        100.0 * (score.median - criterion.lowest) / (criterion.highest - criterion.lowest) AS share
    FROM evaluation_agencyscore AS score
    JOIN unnest(%(criteria)s::bigint[], %(weights)s::int[], %(new_weights)s::int[])
        AS weight (criterion_id, now, new) ON weight.criterion_id = score.criterion_id
    JOIN program_criterion AS criterion ON criterion.id = score.criterion_id
    JOIN proposals_version AS version ON version.id = score.version_id
    JOIN proposals_proposal AS proposal
        ON proposal.id = version.proposal_id AND proposal.version_count = version.number
    WHERE proposal.call_id = %(call)s AND proposal.submitted_at IS NOT NULL
        AND proposal.id <> ALL (%(left_out)s::bigint[]) AND score.sheet_count > 0
), totals AS (
    SELECT agency_id, version_id, SUM(share * now) / NULLIF(SUM(now), 0) AS total,
        SUM(share * new) / NULLIF(SUM(new), 0) AS new_total
    FROM weighed GROUP BY agency_id, version_id
), placed AS (
    SELECT *, RANK() OVER (PARTITION BY agency_id ORDER BY total DESC) AS place,
        RANK() OVER (PARTITION BY agency_id ORDER BY new_total DESC) AS new_place
    FROM totals WHERE total IS NOT NULL AND new_total IS NOT NULL
), moved AS (
    SELECT *, ROW_NUMBER() OVER (
        PARTITION BY agency_id ORDER BY ABS(place - new_place) DESC, new_place, version_id
    ) AS nth
    FROM placed WHERE place <> new_place
)
SELECT (SELECT COUNT(*) FROM placed), (SELECT COUNT(*) FROM moved), proposal.number,
    proposal.submitted_title, agency.display_name, moved.total::float, moved.place,
    moved.new_total::float, moved.new_place
FROM (SELECT 1) AS always
LEFT JOIN moved ON moved.nth <= %(most)s
LEFT JOIN proposals_version AS version ON version.id = moved.version_id
LEFT JOIN proposals_proposal AS proposal ON proposal.id = version.proposal_id
LEFT JOIN program_agency AS agency ON agency.id = moved.agency_id
ORDER BY agency.sort_order, agency.code, moved.nth
"""

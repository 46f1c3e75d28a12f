"""What other weights would move, before anybody decides for them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db.models import F, FloatField, Max, Q, Value

from evaluation.insights.figures import KEPT_SECONDS
from evaluation.insights.readers import left_out_of
from evaluation.models import AgencyScore
from program import clock
from program.models import Agency
from proposals.models import Version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from program.models import Call, User

MOST_MOVED: Final = 25
#: For how many calls, and readers from whom other proposals are kept, a process keeps the medians
KEPT: Final = 4


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
    """What a set of weights would move; ``moved`` holds the farthest moves of each agency.

    ``at`` is the moment at which the medians were read.
    """

    at: datetime
    compared: int
    moved_count: int
    moved: list[Move]


@dataclass(frozen=True)
class Medians:
    """The medians of one agency's sheets: a version in each row, a criterion in each column.

    A median is a share of its scale, 0 to 1; what no sheet scored is not a number.
    """

    agency: str
    versions: NDArray[Any]
    shares: NDArray[Any]

    def totals(self, weights: Sequence[int]) -> NDArray[Any]:
        """The total of each version in percent, by the criteria that its sheets scored."""
        import numpy as np

        weight = np.array(weights, dtype=float)
        scored = ~np.isnan(self.shares)
        with np.errstate(invalid="ignore"):  # who was scored by criteria of no weight has no total
            totals = np.nan_to_num(self.shares) @ (100 * weight) / (scored @ weight)
        return np.round(totals, 9)

    def moves(self, now: Sequence[int], new: Sequence[int]) -> tuple[int, int, list[Placed]]:
        """How many versions are compared, how many would move, and the farthest moves."""
        import numpy as np

        totals, new_totals = self.totals(now), self.totals(new)
        compared = ~(np.isnan(totals) | np.isnan(new_totals))
        versions, totals, new_totals = (each[compared] for each in (self.versions, totals, new_totals))
        places, new_places = places_of(totals), places_of(new_totals)
        moved = np.flatnonzero(places != new_places)
        keys = (versions[moved], new_places[moved], -abs(places - new_places)[moved])
        farthest = moved[np.lexsort(keys)][:MOST_MOVED]
        columns = (versions, totals, places, new_totals, new_places)
        rows = zip(*(column[farthest].tolist() for column in columns), strict=True)
        return len(versions), len(moved), [Placed(self.agency, *row) for row in rows]


class Placed(NamedTuple):
    """A version that one agency's scores would place elsewhere."""

    agency: str
    version: int
    total: float
    place: int
    new_total: float
    new_place: int


def places_of(totals: NDArray[Any]) -> NDArray[Any]:
    """The place of each total, the highest first; equal totals share theirs."""
    import numpy as np

    above = len(totals) - np.searchsorted(np.sort(totals), totals, side="right")
    return above + 1


def sensitivity(user: User, call: Call, weights: Mapping[int, int]) -> Sensitivity:
    """What ``weights`` (percent by criterion) would move in each agency's order; stores nothing.

    Independent criteria are in no total. A proposal is placed by the criteria that its sheets scored. The
    medians are at most ``KEPT_SECONDS`` old; over which proposals the reader is told is asked each time.
    """
    criteria = [criterion for criterion in call.criteria.all() if not criterion.is_independent]
    scales = tuple((criterion.pk, criterion.lowest, criterion.highest) for criterion in criteria)
    at, agencies = _medians(
        call.pk, tuple(left_out_of(user, call)), scales, int(time.monotonic() // KEPT_SECONDS)
    )
    now = [criterion.weight for criterion in criteria]
    new = [weights.get(criterion.pk, 0) for criterion in criteria]
    found = [agency.moves(now, new) for agency in agencies]
    placed = [each for _, _, moves in found for each in moves]
    versions = Version.objects.filter(pk__in={each.version for each in placed}).order_by()
    names = {
        pk: (number or "", title)
        for pk, number, title in versions.values_list("pk", "proposal__number", "proposal__submitted_title")
    }
    moved = [
        Move(*names[each.version], each.agency, round(each.total, 1), each.place, round(each.new_total, 1),
             each.new_place)
        for each in placed
    ]  # fmt: skip
    return Sensitivity(at, sum(row[0] for row in found), sum(row[1] for row in found), moved)


@lru_cache(maxsize=KEPT)
def _medians(
    call_id: int, left_out: tuple[int, ...], scales: tuple[tuple[int, int, int], ...], stretch: int
) -> tuple[datetime, list[Medians]]:
    """The medians of each agency, in the agencies' order; read anew with each ``stretch`` of time."""
    import numpy as np

    # Read before the medians: what is said to stand as of a moment holds all that was there at it
    agencies = list(Agency.objects.annotate(asked_at=clock.in_query()).order_by("sort_order", "code"))
    shares = {
        f"share_{place}": Max(
            (F("median") - Value(lowest)) / Value(float(highest - lowest)),
            filter=Q(criterion=criterion),
            output_field=FloatField(),
        )
        for place, (criterion, lowest, highest) in enumerate(scales)
    }
    rows = (
        AgencyScore.objects.filter(
            version__proposal__call=call_id,
            version__proposal__submitted_at__isnull=False,
            version__number=F("version__proposal__version_count"),
            criterion__in=[criterion for criterion, *_ in scales],
            sheet_count__gt=0,
        )
        .exclude(version__proposal__in=left_out)
        .order_by()
        .values("agency", "version")
        .annotate(**shares)
        .values_list("agency", "version", *shares)
    )
    table = np.array(list(rows), dtype=float).reshape(-1, 2 + len(scales))
    medians = [
        Medians(str(agency), of_agency[:, 1].astype(np.int64), of_agency[:, 2:])
        for agency in agencies
        if len(of_agency := table[table[:, 0] == agency.pk])
    ]
    at: datetime = agencies[0].asked_at if agencies else clock.now()
    return at, medians

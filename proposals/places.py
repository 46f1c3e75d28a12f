"""What the destination rules say of each market of a package: a screening result, never a determination.

The rules are those of ``program/destinations.py`` on one day. A bloc or an own list gets the worst result of
its countries, with the countries behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from program.destinations import screen_bloc, screen_country
from program.enums import DestinationResult as Result
from proposals.enums import MarketKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from program.destinations import Rules, Screening
    from proposals.package import Package, TargetMarket

CONFIDENCES: Final[Mapping[str, str]] = {
    "S": "stated in the primary source",
    "S2": "stated in a secondary source only",
    "I": "follows from the sources, not stated in them",
    "U": "not verified yet",
}
HEADINGS: Final[Mapping[Result, str]] = {
    Result.BLOCKED: "embargo on file, needs review",
    Result.DENIAL_LIKELY: "needs review for an arms embargo",
    Result.LICENSE_LIKELY: "needs review for a license",
    Result.REVIEW: "needs review",
    Result.CLEAR: "no flag for the place alone",
}
TONES: Final[Mapping[Result, str]] = {
    Result.BLOCKED: "bad",
    Result.DENIAL_LIKELY: "bad",
    Result.LICENSE_LIKELY: "waiting",
    Result.REVIEW: "waiting",
    Result.CLEAR: "neutral",
}

SEVEREST_FIRST: Final = list(HEADINGS)


@dataclass(frozen=True, slots=True)
class Destination:
    """A market with its screening result in words; ``places`` are its countries, the flagged ones first."""

    screening: Screening

    @property
    def heading(self) -> str:
        """The result as what it is, with the rule that gives it: a person determines."""
        rule = self.screening.citations[0] if self.is_flagged and self.screening.citations else ""
        return f"Screening result: {HEADINGS[self.screening.result]}{f' ({rule})' if rule else ''}"

    @property
    def is_flagged(self) -> bool:
        return self.screening.result != Result.CLEAR

    @property
    def tone(self) -> str:
        return TONES[self.screening.result]

    @property
    def confidence(self) -> str:
        return CONFIDENCES[self.screening.confidence]

    @property
    def places(self) -> list[Destination]:
        behind = set(self.screening.behind)
        rows = sorted(
            self.screening.members,
            key=lambda row: (row.place not in behind, SEVEREST_FIRST.index(row.result), row.name),
        )
        return [Destination(row) for row in rows]


def destinations_of(package: Package, rules: Rules) -> dict[str, Destination]:
    """The result of each market by its key; a market without a country yet has none."""
    found = {}
    for market in package.markets:
        if market.countries or market.kind == MarketKind.BLOC:
            found[market.key] = Destination(_screen(market, rules))
    return found


def _screen(market: TargetMarket, rules: Rules) -> Screening:
    codes = [country.code for country in market.countries]
    if market.kind == MarketKind.COUNTRY and len(codes) == 1:
        return screen_country(codes[0], rules)
    return screen_bloc(market.code or market.key, market.name, codes, rules)

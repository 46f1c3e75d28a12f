"""Which other proposals share parties with a version, and which of them are likely the same one again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from rapidfuzz import fuzz

from evaluation.models import NamedParty, VersionProfile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from program.models import User
    from proposals.models import Proposal, Version

MOST: Final = 600
SHOWN: Final = 25
NEAR: Final = 80
SHARED_MARKETS: Final = 0.5
#: Of title, summary and markets, so many are near in a likely duplicate
SIGNS: Final = 2


class Shared(NamedTuple):
    """One party of both, as each side names it and in which role."""

    here: str
    role_here: str
    there: str
    role_there: str


@dataclass
class Overlap:
    """Another proposal, what it shares, and why it may be the same one again: empty where it is not."""

    proposal: Proposal
    version: Version
    parties: list[Shared] = field(default_factory=list)
    has_same_anchor: bool = False
    why: list[str] = field(default_factory=list)

    @property
    def is_likely_duplicate(self) -> bool:
        return bool(self.why)


class Overlaps(NamedTuple):
    """The other proposals, the likely duplicates first; ``is_cut`` where there are more."""

    rows: list[Overlap]
    is_cut: bool

    @property
    def duplicates(self) -> list[Overlap]:
        return [other for other in self.rows if other.is_likely_duplicate]


def overlaps_of(version: Version, user: User) -> Overlaps:
    """Live or designated proposals that name a party of ``version``, of those that ``user`` may read."""
    mine: dict[str, list[NamedParty]] = {}
    for party in NamedParty.objects.filter(version=version):
        mine.setdefault(party.compared, []).append(party)
    found: dict[int, Overlap] = {}
    rows = NamedParty.objects.visible_to(user).shared_with(version).for_list()[: MOST + 1]
    read = list(rows)
    for row in read[:MOST]:
        other = found.setdefault(row.version_id, Overlap(row.version.proposal, row.version))
        for party in mine.get(row.compared, []):
            other.has_same_anchor |= party.is_anchor and row.is_anchor
            shared = Shared(party.name, party.role, row.name, row.role)
            if shared not in other.parties:
                other.parties.append(shared)
    own = VersionProfile.objects.filter(version=version).first() if found else None
    for other in found.values():
        if own and other.has_same_anchor:
            other.why = likeness(version, own, other.version)
    listed = sorted(
        found.values(), key=lambda other: (not other.why, not other.has_same_anchor, other.proposal.number)
    )
    return Overlaps(listed[:SHOWN], len(read) > MOST or len(listed) > SHOWN)


def duplicates_of(versions: Sequence[Version], user: User) -> dict[int, list[Proposal]]:
    """By the key of each of ``versions`` the likely duplicates that ``user`` may read; three statements.

    Of one page of the queue: no more than ``MOST`` names of anchors are looked at for all of it.
    """
    keys = {version.pk: version for version in versions}
    mine: dict[str, set[int]] = {}
    for version, name in NamedParty.objects.filter(version__in=keys, is_anchor=True).values_list(
        "version", "compared"
    ):
        mine.setdefault(name, set()).add(version)
    anchors = NamedParty.objects.visible_to(user).compared().filter(is_anchor=True, compared__in=mine)
    profiles = {own.version_id: own for own in VersionProfile.objects.filter(version__in=keys)}
    found: dict[int, dict[int, Proposal]] = {}
    for row in anchors.for_list()[:MOST]:
        for key in mine[row.compared] & profiles.keys():
            is_other = row.version.proposal_id != keys[key].proposal_id
            if is_other and likeness(keys[key], profiles[key], row.version):
                found.setdefault(key, {})[row.version.proposal_id] = row.version.proposal
    return {key: list(others.values()) for key, others in found.items()}


def likeness(version: Version, own: VersionProfile, other: Version) -> list[str]:
    """Why two packages of one anchor are likely the same, in words; empty below two signs.

    The summaries are the longest: where they could not make it two, they are not compared.
    """
    its = other.profile
    markets = _same_markets(set(version.targets), set(other.targets))
    title = _near("title", own.title, its.title)
    if len(title) + len(markets) < SIGNS - 1:
        return []
    signs = [*title, *_near("summary", own.summary, its.summary), *markets]
    return ["the same anchor", *signs] if len(signs) >= SIGNS else []


def _near(what: str, one: str, other: str) -> list[str]:
    if not one or not other:
        return []
    if one == other:
        return [f"the same {what}"]
    score = fuzz.token_sort_ratio(one, other)
    return [f"nearly the same {what} ({score:.0f} percent alike)"] if score >= NEAR else []


def _same_markets(one: set[str], other: set[str]) -> list[str]:
    both, either = len(one & other), len(one | other)
    if not both or both / either < SHARED_MARKETS:
        return []
    if both == either:
        return ["the same target markets"]
    return [f"{both} of {either} target countries in common"]

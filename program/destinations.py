"""What the place alone says about a destination: a screening result, never a legal determination.

Pure functions over effective-dated rules: country groups of supplement no. 1 to 15 CFR part 740, embargoes,
and the places with a rule of their own. What is not known gives REVIEW, never CLEAR. The rules apply to a
destination, and as well to the headquarters and the ultimate parent of a party.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db import connection

from program.enums import DestinationResult as Result
from program.models import Country, Embargo, GroupMembership

DISCLAIMER = "Screening result, not a legal determination."
HOME = "US"
SEVERITY = [Result.BLOCKED, Result.DENIAL_LIKELY, Result.LICENSE_LIKELY, Result.REVIEW, Result.CLEAR]
CONFIDENCE = ["S", "S2", "I", "U"]
GROUPS_CITATION = "15 CFR part 740, supp. 1"

ARMS_EMBARGOED = frozenset({"D:5", "MO-D5"})
ADVANCED_COMPUTING = frozenset({"D:1", "D:4"})
FAVORED = frozenset({"A:5", "A:6"})
STILL_LICENSED = "AC"
EMBARGOED_REGIONS = "746.6"


@dataclass(frozen=True)
class Membership:
    """That a country stands in a group for a time, with the source that says so."""

    group: str
    country: str
    effective_from: date
    effective_to: date | None = None
    source: str = ""
    confidence: str = "U"

    def holds(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)


@dataclass(frozen=True)
class Stop:
    """An embargo of a whole country for a time."""

    country: str
    authority: str
    explanation: str
    effective_from: date
    effective_to: date | None = None
    confidence: str = "U"

    def holds(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)


@dataclass(frozen=True)
class Rules:
    """The rules on one day: what holds of each country then."""

    on: date
    names: Mapping[str, str]
    memberships: Mapping[str, tuple[Membership, ...]]
    stops: Mapping[str, Stop]

    @classmethod
    def of(
        cls, on: date, names: Mapping[str, str], memberships: Iterable[Membership], stops: Iterable[Stop]
    ) -> Rules:
        """Keep of all rules those that hold on the day ``on``."""
        held: dict[str, list[Membership]] = {}
        for membership in memberships:
            if membership.holds(on):
                held.setdefault(membership.country, []).append(membership)
        return cls(
            on=on,
            names=names,
            memberships={code: tuple(sorted(rows, key=lambda row: row.group)) for code, rows in held.items()},
            stops={stop.country: stop for stop in stops if stop.holds(on)},
        )


@dataclass(frozen=True)
class Screening:
    """What the rules of one day say of a place; ``behind`` are the members that gave a bloc its result."""

    place: str
    name: str
    on: date
    result: Result
    explanation: str
    citations: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    confidence: str = "U"
    behind: tuple[str, ...] = ()
    members: tuple[Screening, ...] = ()

    @property
    def disclaimer(self) -> str:
        return DISCLAIMER


def screen_country(code: str, rules: Rules) -> Screening:
    """The result for one country by the rules of one day; an unknown code gives REVIEW.

    CLEAR says that the place alone raises no flag: end-user and end-use rules apply everywhere.
    """
    held = rules.memberships.get(code, ())
    groups = {membership.group: membership for membership in held}

    def found(result: Result, explanation: str, by: Iterable[str] = (), *citations: str) -> Screening:
        deciding = [groups[group] for group in by]
        return Screening(
            place=code,
            name=rules.names.get(code, code),
            on=rules.on,
            result=result,
            explanation=explanation,
            citations=(*citations, *dict.fromkeys(cite(membership) for membership in deciding)),
            groups=tuple(groups),
            confidence=weakest(membership.confidence for membership in deciding or held),
        )

    if code == HOME:
        return found(Result.REVIEW, "The United States is not an export destination.")
    if stop := rules.stops.get(code):
        return found(Result.BLOCKED, stop.explanation, (), stop.authority)
    if embargoed := sorted(ARMS_EMBARGOED & groups.keys()):
        explanation = (
            "In Country Group D:5 (U.S. arms embargoed), or Macau, which the advanced-computing rules list"
            " beside it: a license for advanced-computing items would likely be denied."
        )
        if more := sorted({"746.8", "746.9"} & groups.keys()):
            explanation += " A rule of part 746 adds to it."
        return found(Result.DENIAL_LIKELY, explanation, [*embargoed, *more])
    if STILL_LICENSED in groups:
        explanation = (
            "Left groups D:3 and D:4, but the license requirement for advanced-computing items stays, with"
            " exceptions for named parties that a person has to check."
        )
        return found(Result.LICENSE_LIKELY, explanation, [STILL_LICENSED])
    if (reached := sorted(ADVANCED_COMPUTING & groups.keys())) and not FAVORED & groups.keys():
        explanation = (
            f"In Country Group {' and '.join(reached)} and not in A:5 or A:6: items of ECCN 3A090, 4A090 or a"
            " related .z paragraph likely need a license."
        )
        return found(Result.LICENSE_LIKELY, explanation, reached, "88 FR 73458")
    if EMBARGOED_REGIONS in groups:
        explanation = "Some regions of the country are embargoed; the country code does not say which region."
        return found(Result.REVIEW, explanation, [EMBARGOED_REGIONS])
    if watched := sorted(group for group in groups if group.startswith(("D:", "E:", "746"))):
        return found(Result.REVIEW, f"In Country Group {', '.join(watched)}: a person has to look.", watched)
    if not held:
        return found(Result.REVIEW, "No rule on file for this place: unknown means review, never clear.")
    return found(
        Result.CLEAR, "In no Country Group D or E on file: the destination alone raises no flag.", groups
    )


def screen_bloc(code: str, name: str, countries: Iterable[str], rules: Rules) -> Screening:
    """The worst result among the members of a bloc, with the members behind it.

    A bloc is a marketing target, not an authorization for each member. The United States is left out.
    """
    members = tuple(screen_country(country, rules) for country in sorted(set(countries) - {HOME}))
    if not members:
        explanation = "The members of this bloc are not on file: unknown means review, never clear."
        return Screening(code, name, rules.on, Result.REVIEW, explanation)
    worst = min((member.result for member in members), key=SEVERITY.index)
    behind = [member for member in members if member.result == worst]
    count = "All" if len(behind) == len(members) else f"{len(behind)} of {len(members)}"
    return Screening(
        place=code,
        name=name,
        on=rules.on,
        result=worst,
        explanation=f"{count} members give this result: {'; '.join(member.name for member in behind)}.",
        citations=tuple(dict.fromkeys(cite for member in behind for cite in member.citations)),
        confidence=weakest(member.confidence for member in behind),
        behind=tuple(member.place for member in behind),
        members=members,
    )


def cite(membership: Membership) -> str:
    """The source of a membership: the supplement for its groups, what the row says for the others."""
    if membership.group[:2] in {"A:", "D:", "E:"} or membership.group == "B":
        return f"{GROUPS_CITATION}, Country Group {membership.group}"
    return membership.source.partition(":")[0]


def weakest(confidences: Iterable[str]) -> str:
    """The least reliable of ``confidences``; unverified when there is none."""
    return max(confidences, key=CONFIDENCE.index, default="U")


def rules_on(on: date) -> Rules:
    """The rules that the reference data gives for the day ``on``; three queries."""
    return Rules.of(
        on,
        dict(Country.objects.values_list("code", "name")),
        [
            Membership(
                row.group.code,
                row.country_id,
                row.effective_from,
                row.effective_to,
                row.source,
                row.confidence,
            )
            for row in GroupMembership.objects.select_related("group")
        ],
        [
            Stop(
                row.country_id,
                row.authority,
                row.explanation,
                row.effective_from,
                row.effective_to,
                row.confidence,
            )
            for row in Embargo.objects.all()
        ],
    )


PLACES_ON = """
SELECT md5(coalesce(string_agg(line, ' ' ORDER BY line COLLATE "C"), ''))
FROM (
    SELECT held.country_id || '=' || grouped.code AS line
    FROM program_groupmembership held JOIN program_countrygroup grouped ON grouped.id = held.group_id
    WHERE held.effective_from <= %(on)s AND (held.effective_to IS NULL OR %(on)s < held.effective_to)
    UNION ALL
    SELECT country_id || '!' FROM program_embargo
    WHERE effective_from <= %(on)s AND (effective_to IS NULL OR %(on)s < effective_to)
) lines
"""


def mark_of_places(on: date) -> str:
    """A mark of the groups and embargoes that hold on a day: another where one of them differs."""
    with connection.cursor() as cursor:
        cursor.execute(PLACES_ON, {"on": on})
        (found,) = cursor.fetchone()
    return str(found)

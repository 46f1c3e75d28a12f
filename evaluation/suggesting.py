"""Reviewers suggested for the proposals that lack some: who, why they, and where nobody can be found.

It only suggests: a lead or a program officer confirms, takes rows out, or assigns by hand.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from django.core.cache import cache

from evaluation.balance import (
    KNOWS_LAYER,
    KNOWS_SECTOR,
    NAMED_FIRST,
    SECONDS,
    Choice,
    Gap,
    NoChoice,
    Person,
    choose,
)
from evaluation.conflicts import cleared_at, covers, hints_of_each
from evaluation.enums import AssignmentStatus, ConflictCaseStatus
from evaluation.models import Assignment, Conflict
from evaluation.models.reviewers import in_words
from evaluation.packets import in_package
from evaluation.workload import Room, rooms_of, short_of_reviewers
from program.enums import StackLayer
from proposals.models import Recusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from evaluation.models import Referral
    from evaluation.workload import Reviewer
    from program.models import Agency, User

#: Places that one page fills, in the consultations that are due first
MOST: Final = 200
#: In the shared cache while a suggestion is worked out, for all processes together
AT_WORK: Final = "suggestion-at-work"
LAYERS: Final = frozenset(map(str, StackLayer))
#: Why somebody does not read a proposal, for one person and for several
RECUSED: Final = ("is recused", "are recused")
DECLARED: Final = ("has declared a conflict", "have declared a conflict")
TAKEN_OFF: Final = ("was taken off it before", "were taken off it before")
WAITS: Final = ("waits for the ethics official", "wait for the ethics official")
READS: Final = ("reads it already", "read it already")
HINTED: Final = (
    "has to ask the ethics official of the agency first",
    "have to ask the ethics official of the agency first",
)
FULL: Final = ("has as many open reviews as can be", "have as many open reviews as can be")
FILLED: Final = ("is full with what is suggested here", "are full with what is suggested here")
FITS_LESS: Final = ("knows less of it", "know less of it")
ELSEWHERE: Final = ("is of more use elsewhere", "are of more use elsewhere")
AS_WELL: Final = (
    "fits as well, and the load is more even this way",
    "fit as well, and the load is more even this way",
)
Why = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """That a reviewer would be added to the proposal of a consultation."""

    referral: Referral
    reviewer: Reviewer
    reasons: list[str]
    others: str

    @property
    def key(self) -> str:
        return f"{self.referral.pk}-{self.reviewer.person.pk}"


@dataclass(frozen=True)
class Shortfall:
    """A consultation for which too few reviewers can be found, and why."""

    referral: Referral
    missing: int
    why: str


@dataclass(frozen=True)
class Load:
    """What lies open with a reviewer, and what would with everything that is suggested."""

    reviewer: Reviewer
    after: int

    @property
    def percent(self) -> int:
        most = max(self.reviewer.capacity, self.after)
        return round(100 * self.after / most) if most else 0


@dataclass
class Part:
    """What is suggested to one agency."""

    agency: Agency
    rows: list[Row] = field(default_factory=list)
    shortfalls: list[Shortfall] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)


@dataclass
class Suggestion:
    """By agency; ``is_cut`` where more consultations lack reviewers than one page suggests for."""

    parts: list[Part]
    is_cut: bool = False

    @property
    def rows(self) -> list[Row]:
        return [row for part in self.parts for row in part.rows]

    @property
    def shortfalls(self) -> list[Shortfall]:
        return [one for part in self.parts for one in part.shortfalls]


class AtWork(NoChoice):
    """Another suggestion is worked out at this moment."""


def choose_alone(asked: list[tuple[list[Gap], list[Person]]]) -> list[Choice]:
    """The best choice, one at a time in the whole portal; raises AtWork while another is looked for.

    The mark outlives the process that looks, so that one that dies keeps nobody out for long.
    """
    if not asked:
        return []
    if not cache.add(AT_WORK, True, timeout=SECONDS + 5):
        raise AtWork
    try:
        return choose(asked)
    finally:
        cache.delete(AT_WORK)


def suggest(user: User, number: str = "") -> Suggestion:
    """Reviewers for all that lack some in the agencies for which ``user`` assigns, or for one proposal.

    Raises NoChoice when nothing was found in time, and AtWork while another suggestion is worked out.
    """
    rows = short_of_reviewers(user).select_related("agency", "version__proposal__consortium")
    if number:
        rows = rows.filter(version__proposal__number=number)
    rows = rows.annotate(sectors=in_package("$.components[*].sector")).defer("version__package")
    found: list[Any] = list(rows.order_by("due_at", "pk")[: MOST + 1])
    places = accumulate(row.needed - row.assigned for row in found[:MOST])
    referrals = [row for row, sofar in zip(found, places, strict=False) if sofar <= MOST]
    agencies = sorted(
        {referral.agency for referral in referrals}, key=lambda agency: (agency.sort_order, agency.code)
    )
    rooms = rooms_of(agencies)
    facts = Facts(referrals, rooms)
    of_room = {room.agency.pk: [r for r in referrals if r.agency_id == room.agency.pk] for room in rooms}
    choices = choose_alone(
        [
            (
                [facts.gap(referral, room) for referral in of_room[room.agency.pk]],
                [Person(each.person.pk, each.open, each.capacity) for each in room.reviewers],
            )
            for room in rooms
        ]
    )
    chosen = [set(choice.pairs) for choice in choices]
    added = Counter(person for pairs in chosen for _, person in pairs)
    parts = [
        facts.part(room, of_room[room.agency.pk], pairs, added)
        for room, pairs in zip(rooms, chosen, strict=True)
    ]
    return Suggestion(parts, is_cut=len(found) > len(referrals))


def kept_away(
    referrals: Collection[Referral],
    people: Collection[User],
    sectors_of: Callable[[Iterable[int]], dict[int, frozenset[str]]] | None = None,
) -> dict[tuple[int, int], Why]:
    """By keys of proposal and person, why a person is assigned to a proposal by no suggestion.

    Whom the ethics official cleared is kept away by no conflict that they declared, nor by a hint of a
    version that was in by then. Names that are only alike keep nobody away: they are shown to who declares.
    """
    proposals = {referral.version.proposal_id for referral in referrals}
    persons = {person.pk for person in people}
    closed: dict[tuple[int, int], Why] = {}
    cleared = cleared_at(proposals, persons)
    versions = {referral.version_id: referral.version for referral in referrals}
    for key, hints in hints_of_each(versions, people, sectors_of, with_alike=False).items():
        for hinted in hints:
            place = versions[key].proposal_id, hinted.pk
            if not covers(cleared.get(place), versions[key]):
                closed[place] = HINTED
    assigned = Assignment.objects.filter(proposal__in=proposals, reviewer__in=persons).order_by()
    for proposal, person, status in assigned.values_list("proposal", "reviewer", "status"):
        if closed.get((proposal, person)) != READS:
            closed[proposal, person] = READS if status == AssignmentStatus.ACTIVE else TAKEN_OFF
    declared = Conflict.objects.filter(assignment__in=assigned, has_conflict=True)
    said = declared.values_list("assignment__proposal", "assignment__reviewer")
    closed |= dict.fromkeys((place for place in said if place not in cleared), DECLARED)
    recused = Recusal.objects.filter(proposal__in=proposals, user__in=persons).order_by()
    for proposal, person, case in recused.values_list("proposal", "user", "conflict_case__status"):
        closed[proposal, person] = WAITS if case == ConflictCaseStatus.OPEN else RECUSED
    return closed


class Facts:
    """What is known of the consultations and the reviewers among whom is chosen."""

    def __init__(self, referrals: list[Referral], rooms: list[Room]) -> None:
        self.reviewers = {(room.agency.pk, each.person.pk): each for room in rooms for each in room.reviewers}
        sectors = {row.version_id: frozenset(row.sectors) - {""} for row in referrals}  # type: ignore[attr-defined]
        everybody = {each.person for each in self.reviewers.values()}
        self.closed = kept_away(referrals, everybody, lambda _: sectors)
        #: By keys of proposal and agency, the layers that somebody who reads it knows
        self.known: dict[tuple[int, int], set[str]] = {}
        reading = Assignment.objects.active().filter(
            proposal__in={referral.version.proposal_id for referral in referrals}
        )
        for proposal, agency, person in reading.values_list("proposal", "agency", "reviewer"):
            if each := self.reviewers.get((agency, person)):
                self.known.setdefault((proposal, agency), set()).update(LAYERS.intersection(each.expertise))

    def why_closed(self, referral: Referral, reviewer: Reviewer) -> Why | None:
        return self.closed.get((referral.version.proposal_id, reviewer.person.pk))

    def matched(self, referral: Referral, reviewer: Reviewer) -> tuple[list[str], list[str], list[str]]:
        """For what the reviewer goes first here, the sectors they know, the layers nobody else knows."""
        sectors = set(referral.sectors)  # type: ignore[attr-defined]
        unknown = LAYERS - self.known.get((referral.version.proposal_id, referral.agency_id), set())
        return (
            in_words([code for code in reviewer.named_for if code in sectors or code in LAYERS]),
            in_words([code for code in reviewer.expertise if code in sectors]),
            in_words([code for code in reviewer.expertise if code in unknown]),
        )

    def fit(self, referral: Referral, reviewer: Reviewer) -> int:
        first, sectors, layers = self.matched(referral, reviewer)
        return NAMED_FIRST * bool(first) + KNOWS_SECTOR * bool(sectors) + KNOWS_LAYER * bool(layers)

    def gap(self, referral: Referral, room: Room) -> Gap:
        may = [each for each in room.reviewers if self.why_closed(referral, each) is None]
        return Gap(
            referral.pk,
            referral.version.proposal_id,
            referral.needed - referral.assigned,  # type: ignore[attr-defined]
            [(each.person.pk, self.fit(referral, each)) for each in may],
        )

    def part(
        self, room: Room, referrals: list[Referral], pairs: set[tuple[int, int]], added: Counter[int]
    ) -> Part:
        part = Part(room.agency)
        for referral in referrals:
            chosen = [each for each in room.reviewers if (referral.pk, each.person.pk) in pairs]
            others = [each for each in room.reviewers if each not in chosen]
            for each in chosen:
                fit = self.fit(referral, each)
                whys = Counter(self.why_not(referral, other, added, fit) for other in others)
                part.rows.append(
                    Row(referral, each, self.reasons(referral, each), told(whys, "other reviewer"))
                )
            missing = referral.needed - referral.assigned - len(chosen)  # type: ignore[attr-defined]
            if missing:
                whys = Counter(self.why_not(referral, other, added) for other in others)
                why = told(whys, "reviewer") or "Nobody else reviews for the agency."
                part.shortfalls.append(Shortfall(referral, missing, why))
        part.loads = [
            Load(each, each.open + added[each.person.pk])
            for each in room.reviewers
            if added[each.person.pk] or each.open or part.shortfalls
        ]
        return part

    def why_not(
        self, referral: Referral, reviewer: Reviewer, added: Counter[int], fit: int | None = None
    ) -> Why:
        """Why the reviewer is not suggested there, beside one who fits so well, or at all."""
        if why := self.why_closed(referral, reviewer):
            return why
        if not reviewer.room:
            return FULL
        own = self.fit(referral, reviewer)
        if fit is not None and own < fit:
            return FITS_LESS
        if reviewer.room <= added[reviewer.person.pk]:
            return FILLED
        return AS_WELL if own == fit else ELSEWHERE

    def reasons(self, referral: Referral, reviewer: Reviewer) -> list[str]:
        first, sectors, layers = self.matched(referral, reviewer)
        known = self.known.get((referral.version.proposal_id, referral.agency_id))
        said = []
        if first:
            said.append(f"Goes first for: {', '.join(first)}.")
        if sectors:
            said.append(f"Knows its sector: {', '.join(sectors)}.")
        if layers:
            which = "that nobody who reads it knows yet" if known else "of the stack"
            said.append(f"Knows layers {which}: {', '.join(layers)}.")
        return said or ["Nothing that is said of what they know fits; there is room for it."]


def told(whys: Counter[Why], noun: str) -> str:
    """Why others are not suggested, as one sentence; empty where there are none."""
    if not whys:
        return ""
    total, most = whys.total(), whys.most_common()
    if total == 1:
        return f"The only {noun} {most[0][0][0]}."
    said = [f"{number} {why[0] if number == 1 else why[1]}" for why, number in most]
    return f"Of {total} {noun}s: {'; '.join(said)}."

"""Hints of a conflict of interest between people and a package: they warn, and decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.conf import settings
from django.db.models import DateTimeField, Func, JSONField, Value
from django.db.models.functions import Cast

from evaluation.enums import ConflictCaseStatus, HintKind, InterestKind, Whose
from evaluation.matching import Listed, Matcher
from evaluation.models import ConflictCase, Interest, NamedParty
from evaluation.names import joined, normalize
from evaluation.profiles import NOBODY
from program import clock, moments
from program.models import Affiliation
from proposals.enums import Sector
from proposals.models import TeamMember, Version
from proposals.package import ApplicationComponent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from program.models import User

FORMER_EMPLOYER: Final = "5 CFR 2635.502(b)(1)(iv)"
EMPLOYER: Final = "18 U.S.C. 208(a); 5 CFR 2635.402"
EMPLOYER_OF_FAMILY: Final = "5 CFR 2635.502(b)(1)(iii)"
HOLDING: Final = "18 U.S.C. 208(a); 5 CFR 2635.402"
CATEGORY: Final = "18 U.S.C. 208; 5 CFR 2640.201"
#: What no authorization under 5 CFR 2635.502(d) allows
FINANCIAL: Final = (EMPLOYER, HOLDING, CATEGORY)
HOLDER: Final[dict[str, str]] = {
    Whose.OWN: "{name}", Whose.SPOUSE: "The spouse of {name}", Whose.CHILD: "A minor child of {name}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hint:
    """Why a person and a package may touch.

    ``text`` is for the person and the ethics official of their agency alone: it may name a holding. Who
    assigns is shown ``ask_ethics`` instead. ``is_alike`` says that the two names are spelled otherwise, so
    that they may be those of two companies.
    """

    kind: HintKind
    party: str
    role: str
    text: str
    clause: str
    is_alike: bool = False

    @property
    def is_financial(self) -> bool:
        """Whether it is a matter of 18 U.S.C. 208, which 5 CFR 2635.502(d) does not authorize.

        Of names that are only alike nobody has said so yet: that is for the person and the ethics official.
        """
        return self.clause in FINANCIAL and not self.is_alike


def ask_ethics(person: User) -> str:
    """All that a hint says to who assigns: neither what was declared nor of which kind it is."""
    return f"Ask the ethics official of the agency before {person} reviews this proposal."


def conflict_hints(version: Version, people: Iterable[User]) -> dict[User, list[Hint]]:
    """Hints for those of ``people`` who have any, by person; three statements, whatever their number.

    Compared are their declared interests, and the organizations that the portal knows them to work or to have
    worked for, with every party of the version: members, parents, their owners and the owners of these. A
    name that is only like another is hinted as such.
    """
    return hints_of_each([version.pk], people, lambda _: {version.pk: sectors_in(version)})[version.pk]


def hints_to_ask_about(version: Version, people: Iterable[User]) -> dict[User, list[Hint]]:
    """The same, but of whom the ethics official has cleared since the version came in."""
    found = conflict_hints(version, people)
    cleared = cleared_at([version.proposal_id], [person.pk for person in found]) if found else {}
    return {
        person: hints
        for person, hints in found.items()
        if not covers(cleared.get((version.proposal_id, person.pk)), version)
    }


def cleared_at(proposals: Iterable[int], people: Iterable[int]) -> dict[tuple[int, int], datetime | None]:
    """By keys of proposal and person, when an ethics official last let the person review; one statement."""
    cases = ConflictCase.objects.filter(
        proposal__in=proposals, person__in=people, status=ConflictCaseStatus.CLEARED
    )
    return {(case.proposal_id, case.person_id): case.decided_at for case in cases.order_by("decided_at")}


def covers(cleared: datetime | None, version: Version) -> bool:
    """Whether a clearance of that moment speaks of the hints of ``version``."""
    return cleared is not None and cleared >= version.received_at


def hints_of_each(
    versions: Iterable[int],
    people: Iterable[User],
    sectors_of: Callable[[Iterable[int]], dict[int, frozenset[str]]] | None = None,
    *,
    with_alike: bool = True,
) -> dict[int, dict[User, list[Hint]]]:
    """Hints for each version, by its key; four statements, whatever the number of either.

    ``with_alike`` is left out where hints by similar names change nothing: of many versions they take time.
    """
    known = {person.pk: person for person in people}
    found: dict[int, dict[User, dict[Hint, None]]] = {version: {} for version in versions}
    interests = list(Interest.objects.standing().filter(person__in=known)) if known else []
    worked = list(organizations_of(known)) if known else []
    if not interests and not worked:
        return {version: {} for version in found}
    named: dict[int, dict[str, list[NamedParty]]] = {}
    for party in NamedParty.objects.filter(version__in=found):
        by_key = named.setdefault(party.version_id, {})
        by_key.setdefault(name_key(party.compared), []).append(party)
    read = sectors_of or sectors_of_each
    sectors = read(found) if any(one.sector for one in interests) else {}
    every = (party for by_key in named.values() for each in by_key.values() for party in each)
    names = Names(party.compared for party in every if with_alike)
    since = clock.today() - timedelta(days=settings.FORMER_EMPLOYER_DAYS)
    for version, hints in found.items():
        by_name = named.get(version, {})
        for one in interests:
            person = known[one.person_id]
            parties = names.found(one.name, by_name)
            for hint in hints_of_interest(one, person, parties, sectors.get(version, frozenset()), since):
                hints.setdefault(person, {})[hint] = None
        for user, organization, name, until in worked:
            person, parties = known[user], names.found(name, by_name, by_name.get(f"#{organization}", ()))
            last = until.astimezone(clock.WASHINGTON).date() if until else None
            for same in parties:
                if last is None or last >= since:
                    hints.setdefault(person, {})[employer_hint(str(person), name, last, same)] = None
    return {
        version: {person: list(said) for person, said in hints.items()} for version, hints in found.items()
    }


class Found(NamedTuple):
    """A party that an interest may be in, and the compared name by which it is only alike, if it is."""

    party: NamedParty
    alike: str = ""

    @property
    def in_package(self) -> str:
        party, alike = self
        if not alike:
            return f"{party.name} is in the package: {party.role}."
        spelled = "" if alike == normalize(party.name) else f", also compared as “{alike}”"
        return (
            f"A similar name is in the package: {party.name}{spelled}. Role: {party.role}. Nobody has "
            "decided whether the two names are of one company."
        )


class Names:
    """The names in packages, with which a declared name is compared: as one word, and by how alike they are.

    Alike is what the screening of parties flags for a person to look at, by the same rules and from the same
    score. There the least score was measured on pairs of names; here a package has some dozens of names and
    not those of a list, so what is flagged without need stays few, and a name that is missed tells nobody.
    """

    def __init__(self, compared: Iterable[str]) -> None:
        self.compared = sorted({name for name in compared if not name.startswith("#") and name_key(name)})
        self.like = cache(self._like)

    @cached_property
    def matcher(self) -> Matcher:
        return Matcher(Listed(number, (name,)) for number, name in enumerate(self.compared))

    def _like(self, name: str) -> tuple[str, ...]:
        """Those that are like ``name`` and not the same, the most alike first."""
        if not self.compared:
            return ()
        own = name_key(normalize(name))
        flags = self.matcher.screen([name]).flags
        return tuple(hit.theirs for hit in flags if name_key(hit.theirs) != own)

    def found(
        self, name: str, by_name: Mapping[str, Sequence[NamedParty]], known: Iterable[NamedParty] = ()
    ) -> list[Found]:
        """The parties of one version that ``name`` may mean, each once; ``known`` are those it does mean."""
        parties: dict[str, Found] = {}
        own = name_key(normalize(name))
        for party in (*known, *(by_name.get(own, ()) if own else ())):
            parties.setdefault(party.party_key, Found(party))
        for alike in self.like(name) if own and by_name else ():
            for party in by_name.get(name_key(alike), ()):
                parties.setdefault(party.party_key, Found(party, alike))
        return list(parties.values())


def name_key(compared: str) -> str:
    """As one word, so that a group and its company are near enough to warn; empty for who is nobody."""
    if compared.startswith("#"):
        return compared
    return "" if compared in NOBODY else joined(compared)


def organizations_of(people: Iterable[int]) -> Iterable[tuple[int, int, str, Any]]:
    """Person, organization, its name and the end, of what the portal knows of their work; one statement."""
    affiliated = Affiliation.objects.filter(user__in=people).order_by()
    on_teams = TeamMember.objects.filter(user__in=people).order_by()
    return affiliated.values_list(
        "user", "organization", "organization__legal_name", Cast(Value(None), DateTimeField())
    ).union(
        on_teams.values_list(
            "user", "membership__organization", "membership__organization__legal_name", "removed_at"
        )
    )


class TakesPart(NamedTuple):
    """A name in a package with all its roles, as somebody who may know it reads it."""

    name: str
    role: str


def who_takes_part(version: Version) -> list[TakesPart]:
    """Each name of the package once, in its order."""
    roles: dict[str, dict[str, None]] = {}
    for party in version.value.parties():
        roles.setdefault(party.name, {})[party.role] = None
    return [TakesPart(name, "; ".join(said)) for name, said in roles.items()]


def sectors_in(version: Version) -> frozenset[str]:
    """The sectors that the package is for."""
    applications = (one for one in version.value.components if isinstance(one, ApplicationComponent))
    return frozenset(str(one.sector) for one in applications if one.sector)


def sectors_of_each(versions: Iterable[int]) -> dict[int, frozenset[str]]:
    """The same of many, by the key of the version; no package is fetched."""
    said = Func(
        Cast("package", JSONField()),
        Value("$.components[*].sector"),
        function="jsonb_path_query_array",
        output_field=JSONField(),
    )
    rows = Version.objects.filter(pk__in=versions).values_list("pk", said)
    return {version: frozenset(sectors) - {""} for version, sectors in rows}


def hints_of_interest(
    one: Interest, person: User, parties: Iterable[Found], sectors: frozenset[str], since: date
) -> Iterator[Hint]:
    who = HOLDER[one.whose].format(name=person)
    if one.kind == InterestKind.CATEGORY and one.sector in sectors:
        sector = Sector(one.sector).label
        text = f"{who} has {one.in_words[0].lower()}{one.in_words[1:]}; the package is for that sector."
        yield Hint(HintKind.CATEGORY, sector, "Sector", text, CATEGORY)
    for found in parties:
        if one.kind == InterestKind.EMPLOYER:
            if one.until is None or one.until >= since:
                yield employer_hint(who, one.name, one.until, found, is_own=one.whose == Whose.OWN)
        else:
            yield hint_about(found, HintKind.HOLDING, f"{who} has a holding in {one.name}.", HOLDING)


def employer_hint(who: str, name: str, until: date | None, found: Found, *, is_own: bool = True) -> Hint:
    if until is None or until >= clock.today():
        clause = EMPLOYER if is_own else EMPLOYER_OF_FAMILY
        return hint_about(found, HintKind.EMPLOYER, f"{who} works for {name}.", clause)
    said = f"{who} worked for {name} until {moments.day(until)}."
    return hint_about(found, HintKind.EARLIER_EMPLOYER, said, FORMER_EMPLOYER)


def hint_about(found: Found, kind: HintKind, said: str, clause: str) -> Hint:
    party = found.party
    text = f"{said} {found.in_package}"
    return Hint(kind, party.name, party.role, text, clause, is_alike=bool(found.alike))

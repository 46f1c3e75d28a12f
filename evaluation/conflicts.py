"""Hints of a conflict of interest between people and a package: they warn, and decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import DateTimeField, Func, JSONField, Value
from django.db.models.functions import Cast

from evaluation.enums import ConflictCaseStatus, HintKind, InterestKind, Whose
from evaluation.models import ConflictCase, Interest, NamedParty
from evaluation.names import joined, normalize
from evaluation.profiles import NOBODY
from program import clock, moments
from program.models import Affiliation
from proposals.enums import Sector
from proposals.models import TeamMember, Version
from proposals.package import ApplicationComponent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
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
    assigns is shown ``ask_ethics`` instead.
    """

    kind: HintKind
    party: str
    role: str
    text: str
    clause: str

    @property
    def is_financial(self) -> bool:
        """Whether it is a matter of 18 U.S.C. 208, which 5 CFR 2635.502(d) does not authorize."""
        return self.clause in FINANCIAL


def ask_ethics(person: User) -> str:
    """All that a hint says to who assigns: neither what was declared nor of which kind it is."""
    return f"Ask the ethics official of the agency before {person} reviews this proposal."


def conflict_hints(version: Version, people: Iterable[User]) -> dict[User, list[Hint]]:
    """Hints for those of ``people`` who have any, by person; three statements, whatever their number.

    Compared are their declared interests, and the organizations that the portal knows them to work or to have
    worked for, with every party of the version: members, parents, their owners and the owners of these.
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
) -> dict[int, dict[User, list[Hint]]]:
    """Hints for each version, by its key; four statements, whatever the number of either."""
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
    since = clock.today() - timedelta(days=settings.FORMER_EMPLOYER_DAYS)
    for version, hints in found.items():
        by_name = named.get(version, {})
        for one in interests:
            person = known[one.person_id]
            parties = by_name.get(name_key(normalize(one.name)), ()) if one.name else ()
            for hint in hints_of_interest(one, person, parties, sectors.get(version, frozenset()), since):
                hints.setdefault(person, {})[hint] = None
        for user, organization, name, until in worked:
            person, parties = known[user], [
                *by_name.get(f"#{organization}", ()), *by_name.get(name_key(normalize(name)), ()),
            ]  # fmt: skip
            last = until.astimezone(clock.WASHINGTON).date() if until else None
            for party in parties:
                if last is None or last >= since:
                    hints.setdefault(person, {})[employer_hint(str(person), name, last, party)] = None
    return {
        version: {person: list(said) for person, said in hints.items()} for version, hints in found.items()
    }


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
    one: Interest, person: User, parties: Iterable[NamedParty], sectors: frozenset[str], since: date
) -> Iterator[Hint]:
    who = HOLDER[one.whose].format(name=person)
    if one.kind == InterestKind.CATEGORY and one.sector in sectors:
        sector = Sector(one.sector).label
        text = f"{who} has {one.in_words[0].lower()}{one.in_words[1:]}; the package is for that sector."
        yield Hint(HintKind.CATEGORY, sector, "Sector", text, CATEGORY)
    for party in parties:
        if one.kind == InterestKind.EMPLOYER:
            if one.until is None or one.until >= since:
                yield employer_hint(who, one.name, one.until, party, is_own=one.whose == Whose.OWN)
        else:
            text = f"{who} has a holding in {one.name}. {in_package(party)}"
            yield Hint(HintKind.HOLDING, party.name, party.role, text, HOLDING)


def employer_hint(who: str, name: str, until: date | None, party: NamedParty, *, is_own: bool = True) -> Hint:
    if until is None or until >= clock.today():
        text = f"{who} works for {name}. {in_package(party)}"
        clause = EMPLOYER if is_own else EMPLOYER_OF_FAMILY
        return Hint(HintKind.EMPLOYER, party.name, party.role, text, clause)
    text = f"{who} worked for {name} until {moments.day(until)}. {in_package(party)}"
    return Hint(HintKind.EARLIER_EMPLOYER, party.name, party.role, text, FORMER_EMPLOYER)


def in_package(party: NamedParty) -> str:
    return f"{party.name} is in the package: {party.role}."

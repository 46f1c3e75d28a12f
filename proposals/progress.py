"""How far a package is, for the people who build it: layers with suppliers, checklist, parts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from program.demanded import coming_under, last_instant
from program.enums import StackLayer
from proposals.checks import REQUIREMENTS, flags, problems_by_requirement
from proposals.composition import (
    answers_of,
    compose,
    composed_with,
    markings_of,
    outlines,
    rules_of,
    with_marks_of_present_rows,
)
from proposals.enums import Part, Presumption
from proposals.models import Proposal
from proposals.us_content import us_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from program.transitions import Problem
    from proposals.checks import Rules
    from proposals.package import Answer, Marking, Member, Package
    from proposals.us_content import UsContent

LAYER_CLAUSES: Final = dict(zip(StackLayer, "ABCDE", strict=True))
OWN_PAGE: Final = re.compile(r"^((?:component|market|site|support|party|attachment|provision)-\d+)-(.+)$")
ON_PART: Final = re.compile(r"^(statement-[a-z0-9-]+)-(answer|explanation)$")
OF_ROLE: Final = re.compile(r"^(role-\d+)-(.+)$")
OF_MARK: Final = re.compile(r"^(marking-\d+)-justification$")
ON_OWN_PAGE: Final = re.compile(r"^(component|market|site|support|party)-\d+$")
OF_MEMBER: Final = re.compile(r"^member-(\d+)-(.+)$")
ANY_ROW: Final = "any-row"
SHOWN_OF_KIND: Final = 8
KEPT: Final = 8
TONES: Final = {
    Presumption.PRESUMED_MET: "good",
    Presumption.NOT_PRESUMED: "waiting",
    Presumption.NOT_COMPUTABLE: "neutral",
}


@dataclass(frozen=True, slots=True)
class LinkedProblem:
    """A problem with the address of the field where it is mended, looked for when a page prints it."""

    problem: Problem
    find: Callable[[Problem], str]

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def message(self) -> str:
        return self.problem.message

    @property
    def clause(self) -> str:
        return self.problem.clause

    @property
    def part(self) -> str:
        return self.problem.part

    @property
    def field(self) -> str:
        return self.problem.field

    @property
    def url(self) -> str:
        return self.find(self.problem)


@dataclass(frozen=True, slots=True)
class Alike:
    """Problems of one kind: the first few by name, and how many more there are."""

    shown: tuple[LinkedProblem, ...]
    more: int
    url: str
    words: str


def grouped(problems: Iterable[LinkedProblem]) -> list[Alike]:
    """Problems by their kind, in their order, so that two thousand of them fit on a page."""
    kinds: dict[tuple[str, str], list[LinkedProblem]] = {}
    for problem in problems:
        kinds.setdefault((problem.code, problem.part), []).append(problem)
    found = []
    for alike in kinds.values():
        more = max(0, len(alike) - SHOWN_OF_KIND)
        # One more is shown rather than counted
        shown = tuple(alike if more <= 1 else alike[:SHOWN_OF_KIND])
        words = shown[0].message.rpartition(": ")[2].rstrip(".")
        found.append(Alike(shown, len(alike) - len(shown), shown[0].url.partition("#")[0], words))
    return found


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer in the picture of the package."""

    layer: StackLayer
    label: str
    clause: str
    state: str
    tone: str
    detail: str
    url: str
    suppliers: tuple[Member, ...]
    component_count: int
    problem_count: int


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of the checklist."""

    code: str
    title: str
    clause: str
    is_mandatory: bool
    problems: tuple[LinkedProblem, ...]

    @property
    def groups(self) -> list[Alike]:
        return grouped(self.problems)


@dataclass(frozen=True, slots=True)
class Later:
    """What the call demands from the beginning of ``day`` on, and the answers that are there already.

    ``markings`` are all marks of the working copy: those on such answers are in no package yet.
    """

    day: date
    answers: tuple[Answer, ...]
    rules: Rules
    markings: tuple[Marking, ...] = ()

    def of(self, package: Package) -> Package:
        """What ``package`` will be on the day, if nobody changes it."""
        changes = {"answers": self.answers, "markings": self.markings}
        return with_marks_of_present_rows(package.model_copy(update=changes))


@dataclass(frozen=True, slots=True)
class ComingLines:
    """The lines of the checklist that are open from ``day`` on and not before."""

    day: date
    lines: tuple[Requirement, ...]

    @property
    def problems(self) -> list[LinkedProblem]:
        return [problem for line in self.lines for problem in line.problems]


@dataclass(frozen=True, slots=True)
class PartState:
    """One part in the side navigation."""

    part: Part
    label: str
    url: str
    state: str
    tone: str


@dataclass
class Progress:
    """Everything that pages say about the state of a package; a function of package and rules."""

    proposal_id: int
    package: Package
    rules: Rules
    later: tuple[Later, ...] = ()

    @cached_property
    def checklist(self) -> list[Requirement]:
        """Every requirement of the order and of the call, with its problems."""
        return self._lines(self.package, self.rules)

    @cached_property
    def coming(self) -> list[ComingLines]:
        """What will be missing from a later day on and is not missing before, the earliest day first."""
        known = {problem.problem for problem in self.problems}
        found = []
        for each in self.later:
            lines = []
            for line in self._lines(each.of(self.package), each.rules):
                if new := tuple(problem for problem in line.problems if problem.problem not in known):
                    known.update(problem.problem for problem in new)
                    lines.append(replace(line, problems=new))
            found.append(ComingLines(each.day, tuple(lines)))
        return found

    @cached_property
    def with_early(self) -> Package:
        """The package and the answers that wait for their day, with their marks: for pages of the draft."""
        if not self.later:
            return self.package
        answers = {row.key: row for each in reversed(self.later) for row in each.answers}
        answers |= {row.key: row for row in self.package.answers}
        found = Later(self.later[0].day, tuple(answers.values()), self.rules, self.later[0].markings)
        return found.of(self.package)

    def _lines(self, package: Package, rules: Rules) -> list[Requirement]:
        own = {rule.code: rule for rule in rules.requirements}
        lines = []
        for code, found in problems_by_requirement(package, rules).items():
            if code in REQUIREMENTS:
                title, clause, _ = REQUIREMENTS[code]
            elif code in own:
                title, clause = own[code].title, own[code].clause
            else:
                title, clause = "Confidentiality marks are justified", "5 U.S.C. 552(b)(4)"
            mandatory = own[code].is_mandatory if code in own else True
            linked = tuple(self.linked(problem) for problem in found)
            lines.append(Requirement(code, title, clause, mandatory, linked))
        return lines

    @cached_property
    def problems(self) -> list[LinkedProblem]:
        return [problem for line in self.checklist for problem in line.problems]

    @cached_property
    def flags(self) -> list[LinkedProblem]:
        """What a person will look at, without stopping a submission."""
        return [self.linked(problem) for problem in flags(self.package, self.rules)]

    @property
    def done_count(self) -> int:
        return sum(1 for line in self.checklist if not line.problems)

    @cached_property
    def us_content(self) -> UsContent:
        return us_content(self.package.hardware, threshold=self.rules.us_content_threshold)

    @property
    def us_content_tone(self) -> str:
        return TONES[self.us_content.state]

    @cached_property
    def layers(self) -> list[LayerState]:
        """The five layers: what each holds, who supplies it and what is missing."""
        counted = Counter(problem.part for problem in self.problems)
        return [self._layer(layer, counted[layer.value]) for layer in StackLayer]

    def _layer(self, layer: StackLayer, missing: int) -> LayerState:
        suppliers, components = self.package.suppliers(layer), self.package.layer(layer)
        number = len(components)
        if not number:
            state, tone = "Nothing yet", "bad"
        elif missing:
            state, tone = f"{missing} {'thing' if missing == 1 else 'things'} missing", "waiting"
        elif not all(member.consent.is_current for member in suppliers):
            state, tone = "Waits for consent", "waiting"
        else:
            state, tone = "Complete", "good"
        names = ", ".join(member.organization.legal_name for member in suppliers)
        supplied = f"supplied by {names}" if names else "no supplier yet"
        detail = f"{number} {'component' if number == 1 else 'components'}, {supplied}"
        clause = f"s.3(b)(i)({LAYER_CLAUSES[layer]})"
        url = self.part_url(Part(layer.value))
        return LayerState(layer, layer.label, clause, state, tone, detail, url, suppliers, number, missing)

    @cached_property
    def supply(self) -> list[tuple[Member, list[bool]]]:
        """Each member with the layers it supplies, in their order."""
        return [
            (member, [member in layer.suppliers for layer in self.layers])
            for member in self.package.consortium.members
        ]

    @cached_property
    def parts(self) -> list[PartState]:
        """The parts with their state in words; requirements only where the call has some of its own."""
        counted = Counter(problem.part for problem in self.problems)
        demanded = (self.rules, *(each.rules for each in self.later))
        own = any(rule.code not in REQUIREMENTS for rules in demanded for rule in rules.requirements)
        shown = [part for part in Part if part != Part.REQUIREMENTS or own]
        return [self._part(part, counted[part.value]) for part in shown]

    def _part(self, part: Part, missing: int) -> PartState:
        if missing:
            state, tone = f"{missing} to do", "waiting"
        elif part == Part.DOCUMENTS and not self.package.documents:
            state, tone = "No files", "neutral"
        else:
            state, tone = "Complete", "good"
        return PartState(part, part.label, self.part_url(part), state, tone)

    def problems_of(self, key: str) -> list[LinkedProblem]:
        """What is missing in one row."""
        return self._by_row.get(key, [])

    @cached_property
    def _by_row(self) -> dict[str, list[LinkedProblem]]:
        """Problems by every beginning of their field's name that a row's key may be."""
        found: dict[str, list[LinkedProblem]] = {}
        rows = {mark.key: mark.row for mark in self.package.markings if mark.row}
        for problem in self.problems:
            if (mark := OF_MARK.match(problem.field)) and (row := rows.get(mark[1])):
                found.setdefault(row, []).append(problem)
            parts = problem.field.split("-")
            for number in range(1, len(parts)):
                found.setdefault("-".join(parts[:number]), []).append(problem)
        return found

    def part_url(self, part: Part | str) -> str:
        if (url := self._part_urls.get(str(part))) is None:
            url = self._part_urls[str(part)] = reverse("proposals:part", args=[self.proposal_id, str(part)])
        return url

    @cached_property
    def _part_urls(self) -> dict[str, str]:
        return {}

    def linked(self, problem: Problem) -> LinkedProblem:
        return LinkedProblem(problem, self.url_of)

    def url_of(self, problem: Problem) -> str:
        """Where a problem is mended: the field itself on the page that shows it."""
        name = problem.field
        if not problem.part:
            return ""
        if found := OF_ROLE.match(name):
            site = self._site_of_role.get(found[1], "")
            return f"{self._row_url(problem.part, site)}#id_{name}" if site else self.part_url(problem.part)
        if found := OWN_PAGE.match(name):
            anchor = {"kind": "country", "layers": ""}.get(found[2], found[2])
            if found[1].startswith("site-") and found[2] in ("build", "own", "operate"):
                return f"{self._row_url(problem.part, found[1])}#{found[2]}"
            return f"{self._row_url(problem.part, found[1])}#id_{found[1]}-{anchor}"
        if found := ON_PART.match(name):
            first = "_0" if found[2] == "answer" else ""
            return f"{self.part_url(problem.part)}#id_{name}{first}"
        if found := OF_MARK.match(name):
            row = next((m.row for m in self.with_early.markings if m.key == found[1]), "")
            page = self._row_url(problem.part, row) if ON_OWN_PAGE.match(row) else self.part_url(problem.part)
            return f"{page}#id_{name}"
        if found := OF_MEMBER.match(name):
            return f"{self.part_url(Part.CONSORTIUM)}#member-{found[1]}"
        return f"{self.part_url(problem.part)}#id_{name}" if name else self.part_url(problem.part)

    def _row_url(self, part: str, key: str) -> str:
        if (url := self._row_urls.get(part)) is None:
            url = self._row_urls[part] = reverse("proposals:row-edit", args=[self.proposal_id, part, ANY_ROW])
        return url.replace(ANY_ROW, key)

    @cached_property
    def _row_urls(self) -> dict[str, str]:
        """The address of any row of a part: a package has thousands of problems and few parts."""
        return {}

    @cached_property
    def _site_of_role(self) -> dict[str, str]:
        return {role.key: site.key for site in self.package.operating_model.sites for role in site.roles}


def progress_of(proposal: Proposal) -> Progress:
    """How far the working copy is that ``for_pages`` has loaded; its components are known in outline.

    A worker keeps what it found of the last few until a row of theirs, or a rule, is another.
    """
    rest, rules, writes = composed_with(proposal, ()), rules_of(proposal.call), proposal.component_writes  # type: ignore[attr-defined]
    return _found(proposal.pk, writes, rest, rules, later_of(proposal))


def later_of(proposal: Proposal) -> tuple[Later, ...]:
    """What the call of a working copy will demand, on each day on which that changes."""
    found = []
    for each in coming_under(proposal.call):
        at = last_instant(each.day)
        answers, rules = answers_of(proposal, at=at), rules_of(proposal.call, at=at)
        found.append(Later(each.day, answers, rules, markings_of(proposal)))
    return tuple(found)


@lru_cache(maxsize=KEPT)
def _found(
    proposal_id: int, component_writes: int, rest: Package, rules: Rules, later: tuple[Later, ...]
) -> Progress:
    package = rest.model_copy(update={"components": outlines(proposal_id)})
    return Progress(proposal_id, with_marks_of_present_rows(package), rules, later)


def content_sha256_of(proposal: Proposal) -> str:
    """The hash of the working copy that ``for_pages`` has loaded, in full; kept as ``progress_of`` keeps.

    For what a page shows. An act reads every word anew.
    """
    return _hashed(proposal.pk, proposal.component_writes, composed_with(proposal, ()))  # type: ignore[attr-defined]


@lru_cache(maxsize=KEPT)
def _hashed(proposal_id: int, component_writes: int, rest: Package) -> str:
    return compose(Proposal(pk=proposal_id)).sha256

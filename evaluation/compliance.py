"""What the rules of a day say of a package: places, owners, outbound investment, end use.

Pure functions of a package, the rules and what was confirmed of its parties. They flag; a person determines.
What is not stated or not known asks for a person, and is never clear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from evaluation.checked import ORDER, Checked, found
from evaluation.classification import classification
from evaluation.enums import ComplianceKind as Kind
from evaluation.enums import ComplianceResult as Result
from evaluation.named_rules import exceptions, regions, validated
from evaluation.rulebook import Rule, rules_of
from program.destinations import CONFIDENCE, HOME, screen_country
from program.enums import DestinationResult
from proposals.checks.compliance import is_advanced
from proposals.enums import ComplianceAnswer, ComputeBand
from proposals.holdings import HALF, Tree, percent
from proposals.package import Country, ModelComponent
from proposals.questionnaire import BY_CODE, SUBJECTS, Group

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from program.destinations import Rules
    from proposals.package import (
        ComplianceStatement,
        Holder,
        Member,
        OrganizationFacts,
        OutsideParty,
        Package,
        Site,
    )

PLACES: Final = {
    DestinationResult.BLOCKED: Result.BLOCKED,
    DestinationResult.DENIAL_LIKELY: Result.DENIAL_LIKELY,
    DestinationResult.LICENSE_LIKELY: Result.LICENSE_LIKELY,
    DestinationResult.REVIEW: Result.REVIEW,
    DestinationResult.CLEAR: Result.CLEAR,
}
BY_HAND: Final = ""
OWNERS_OF_BLOCKED: Final = frozenset({"SDN", BY_HAND})
OWNERS_OF_AFFILIATES: Final = frozenset({"EL", "MEU", "SDN", BY_HAND})


class StatedElsewhere(NamedTuple):
    """The owners of an outside party as the member of another package states them, screened there."""

    proposal: int
    holders: tuple[Holder, ...]
    listed: Mapping[str, frozenset[str]]
    unsettled: frozenset[str]


class Known(NamedTuple):
    """Of parties by key: the lists on which a match was confirmed, and who may yet be a listed one.

    ``elsewhere`` are owners of outside parties that another package states.
    """

    listed: Mapping[str, frozenset[str]]
    unsettled: Collection[str]
    elsewhere: Mapping[str, StatedElsewhere] = MappingProxyType({})


NOBODY: Final = Known({}, ())


def findings(package: Package, places: Rules, known: Known = NOBODY) -> list[Checked]:
    """Every compliance check of a package by the rules of the day of ``places``."""
    rules = rules_of(places.on)
    return [
        *destinations(package, places, rules),
        *headquarters(package, places, rules),
        *parents(package, places, rules),
        *regions(package, rules),
        *classification(package, rules),
        *exceptions(package, rules, places.on),
        *validated(package, rules, places.on, _licensed_sites(package, places)),
        *of_parties(package, places.on, known),
        *end_use(package, rules),
    ]


def of_parties(package: Package, on: date, known: Known) -> list[Checked]:
    """The checks that follow from which parties are listed ones: made again once that is decided."""
    rules = rules_of(on)
    return [*ownership(package, rules, known), *outbound(package, rules, known)]


# Places


class Placed(NamedTuple):
    """What the rules say of one place, how it is connected, and since when the newest of them holds."""

    result: Result
    words: str
    citations: tuple[str, ...]
    since: date | None
    confidence: str
    code: str


def place(country: Country, connected: str, places: Rules) -> Placed:
    """A country as the rules of the day see it; the United States is no export destination."""
    name = country.name or country.code
    if country.code == HOME:
        return Placed(Result.CLEAR, f"{connected}: the United States.", (), None, "S", HOME)
    screened = screen_country(country.code, places)
    days = [row.effective_from for row in places.memberships.get(country.code, ())]
    if stop := places.stops.get(country.code):
        days = [stop.effective_from]
    return Placed(
        PLACES[screened.result],
        f"{connected}: {name}. {screened.explanation}",
        screened.citations,
        max(days, default=None),
        screened.confidence,
        country.code,
    )


def _unknown(words: str) -> Placed:
    return Placed(Result.REVIEW, words, (), None, "U", "")


def _of_places(
    rule: Rule, kind: Kind, key: str, name: str, seen: list[Placed], facts: Iterable[str] = ()
) -> Checked:
    """The worst of several places, with the words on each that is as bad or not clear."""
    worst = min((one.result for one in seen), key=ORDER.index)
    behind = [one for one in seen if one.result == worst]
    told = [one.words for one in seen if one.result != Result.CLEAR] or [one.words for one in behind]
    cites = dict.fromkeys(cite for one in behind for cite in one.citations)
    return Checked(
        kind=kind,
        subject_key=key,
        subject_name=name[:300],
        result=worst,
        explanation=" ".join(dict.fromkeys(told)),
        rule_code=rule.code,
        rule=rule.title,
        citation="; ".join(cites) or rule.citation,
        effective_from=max((one.since for one in behind if one.since), default=rule.effective_from),
        effective_to=rule.effective_to,
        confidence=max((one.confidence for one in behind), key=CONFIDENCE.index),
        facts=list(facts),
    )


def destinations(package: Package, places: Rules, rules: Mapping[str, Rule]) -> Iterator[Checked]:
    """Each country that the package goes to or is reached from."""
    reasons: dict[str, list[str]] = {}
    for market in package.markets:
        for country in market.countries:
            reasons.setdefault(country.code, []).append(f"Target market: {market.name or country.name}")
    for site in package.operating_model.sites:
        if site.country:
            reasons.setdefault(site.country.code, []).append(f"Site: {site.name or site.country.name}")
    for country in package.compliance.cloud_access_countries:
        reasons.setdefault(country.code, []).append("Access to computing as a service")
    advanced = _advanced(package)
    for country in package.destinations():
        seen = place(country, "Destination", places)
        facts = list(dict.fromkeys(reasons[country.code]))
        if seen.result not in (Result.CLEAR, Result.REVIEW):
            facts.append(advanced)
        key, name = f"country-{country.code}", country.name or country.code
        yield _of_places(rules["places"], Kind.DESTINATION, key, name, [seen], facts)


def _advanced(package: Package) -> str:
    names = [part.name or part.key for part in package.components if is_advanced(part.eccn)]
    if not names:
        return "No component states a class of advanced computing (3A090, 4A090, 4E091 or a .z paragraph)."
    return f"Components of a class of advanced computing: {'; '.join(names[:8])}."


def headquarters(package: Package, places: Rules, rules: Mapping[str, Rule]) -> Iterator[Checked]:
    """Where each member and each outside party has its headquarters and is incorporated."""
    for member in package.consortium.members:
        facts = member.organization
        seen = [
            place(where, words, places) if where else _unknown(f"{words}: not stated.")
            for words, where in (
                ("Headquarters", facts.headquartered_in),
                ("Incorporation", facts.incorporated_in),
            )
        ]
        yield _seated(package, member.key, facts.legal_name, seen, places, rules)
    for party in package.compliance.parties:
        seat = party.headquartered_in
        seen = [place(seat, "Headquarters", places) if seat else _unknown("Headquarters: not stated.")]
        if party.country:
            seen.append(place(party.country, "Address", places))
        yield _seated(package, party.key, party.legal_name, seen, places, rules)
    for site in package.operating_model.sites:
        for role in site.roles:
            if role.third_party_name:
                where = role.third_party_country
                seen = [place(where, "Country", places) if where else _unknown("Country: not stated.")]
                yield _seated(package, role.key, role.third_party_name, seen, places, rules)


def _seated(
    package: Package, key: str, name: str, seen: list[Placed], places: Rules, rules: Mapping[str, Rule]
) -> Checked:
    rule, facts = _parent_rule(package, seen, places, rules)
    return _of_places(rule, Kind.HEADQUARTERS, key, name or "A party without a name", seen, facts)


def _parent_rule(
    package: Package, seen: Iterable[Placed], places: Rules, rules: Mapping[str, Rule]
) -> tuple[Rule, list[str]]:
    """The guidance on headquarters and parents where it is in force and one is in D:5 or Macau."""
    guidance = rules.get("parent-guidance")
    if guidance is None or not any(_is_arms_embargoed(one.code, places) for one in seen):
        return rules["places"], []
    words = (
        f"{guidance.citation}: items of 3A090, 4A090 and related .z paragraphs need a license for a party"
        " that has its headquarters or ultimate parent in D:5 or Macau, wherever it is."
    )
    return guidance, [words, _advanced(package)]


def _is_arms_embargoed(code: str, places: Rules) -> bool:
    return any(row.group in ("D:5", "MO-D5") for row in places.memberships.get(code, ()))


def parents(package: Package, places: Rules, rules: Mapping[str, Rule]) -> Iterator[Checked]:
    """Where the ultimate parent is, and who owns half or more or controls; other owners ask for a look."""
    for member in package.consortium.members:
        seen = [*_parent(member.organization, places), *_holders(member, places)]
        if not seen:
            seen = [_unknown("Neither an ultimate parent nor an owner is stated.")]
        name = member.organization.legal_name or "A party without a name"
        rule, facts = _parent_rule(package, seen, places, rules)
        yield _of_places(rule, Kind.PARENTS, member.key, name, seen, facts)
    for party in package.compliance.parties:
        seen = _parent(party, places) or [_unknown("Ultimate parent: not stated.")]
        rule, facts = _parent_rule(package, seen, places, rules)
        name = party.legal_name or "A party without a name"
        yield _of_places(rule, Kind.PARENTS, party.key, name, seen, facts)


def _parent(facts: OutsideParty | OrganizationFacts, places: Rules) -> list[Placed]:
    if facts.parent_country:
        named = f"Ultimate parent {facts.ultimate_parent}".strip()
        return [place(facts.parent_country, named, places)]
    if facts.ultimate_parent:
        return [_unknown(f"Ultimate parent {facts.ultimate_parent}: its country is not stated.")]
    return []


def _holders(member: Member, places: Rules) -> Iterator[Placed]:
    for holder in member.organization.holders:
        name = holder.name or "A holder without a name"
        if holder.country is None:
            yield _unknown(f"{name}: the country of this owner is not stated.")
            continue
        seen = place(holder.country, f"Owner {name}", places)
        counts = holder.has_control or holder.is_ultimate or (holder.share or Decimal(0)) >= HALF
        if counts or seen.result in (Result.CLEAR, Result.REVIEW):
            yield seen
        else:
            share = "a share that is not known" if holder.share is None else percent(holder.share)
            where = holder.country.name or holder.country.code
            words = f"Owner {name} in {where} holds {share}, without stated control: look into it."
            yield seen._replace(result=Result.REVIEW, words=words)


def _licensed_sites(package: Package, places: Rules) -> list[Site]:
    """Sites where advanced computing likely needs a license."""
    return [
        site
        for site in package.operating_model.sites
        if site.country and place(site.country, "Site", places).result == Result.LICENSE_LIKELY
    ]


# Owners


def ownership(package: Package, rules: Mapping[str, Rule], known: Known) -> Iterator[Checked]:
    """The 50 percent rule and the Affiliates Rule over the tree of holdings, for each party with owners."""
    tree = Tree.of(package, {key: stated.holders for key, stated in known.elsewhere.items()})
    sources = _sources(tree, known)
    on_lists = {key: on for stated in known.elsewhere.values() for key, on in stated.listed.items()}
    on_lists |= known.listed
    subjects: dict[str, tuple[str, str]] = {}
    for member in package.consortium.members:
        subjects.setdefault(tree.rows[member.key], (member.key, member.organization.legal_name))
    for party in package.compliance.parties:
        if tree.owners.get(tree.rows[party.key]):
            subjects.setdefault(tree.rows[party.key], (party.key, party.legal_name))
    open_keys = {*known.unsettled, *(key for one in known.elsewhere.values() for key in one.unsettled)}
    unsettled = {tree.rows[key] for key in open_keys if key in tree.rows}
    for code, lists in (("ofac-50", OWNERS_OF_BLOCKED), ("affiliates", OWNERS_OF_AFFILIATES)):
        if code not in rules:
            continue
        listed = {tree.rows[key] for key, on in on_lists.items() if on & lists and key in tree.rows}
        for node, (key, name) in subjects.items():
            owned = Owned(tree, node, frozenset(listed - {node}), frozenset(unsettled - {node}))
            result, words = owned.under(rules[code], parent=tree.rows.get(f"{key}-parent", ""))
            above = tree.above(node)
            facts = tree.sentences(above)
            told = [one for one in above if one in sources]
            facts += (
                f"Some of what is known of {tree.name(one)} comes from another proposal." for one in told
            )
            row = found(rules[code], Kind.OWNERSHIP, key, name or tree.name(node), result, words, facts)
            yield replace(row, sources=sorted({source for one in told for source in sources[one]}))


def _sources(tree: Tree, known: Known) -> dict[str, set[int]]:
    """Of each party whose owners, or whose match with a list, another proposal states: which ones.

    An owner stated elsewhere may bear the name of a party of this package: then they are one in the tree.
    """
    sources: dict[str, set[int]] = {}
    for key, stated in known.elsewhere.items():
        below = [holder.owns or key for holder in stated.holders]
        judged = {*stated.listed, *stated.unsettled}
        for one in (*below, *judged):
            if one in tree.rows:
                sources.setdefault(tree.rows[one], set()).add(stated.proposal)
    return sources


@dataclass(frozen=True)
class Owned:
    """One party below its owners, some of whom are listed and some not settled yet."""

    tree: Tree
    node: str
    listed: frozenset[str]
    unsettled: frozenset[str]

    def under(self, rule: Rule, parent: str) -> tuple[Result, str]:
        """What the owners come to under one rule, and why; the worst that holds."""
        tree, is_ofac = self.tree, rule.code == "ofac-50"
        above = tree.above(self.node)
        near = [tree.name(one) for one in above if one in self.listed]
        reach, troubles, who = tree.reach(self.listed), tree.troubles(above), "; ".join(near)
        share, wrong = reach.share(self.node), " ".join(troubles)
        if share >= HALF:
            words = f"Listed parties own {percent(share)} together, directly or through whom they own half"
            return _reached(rule, f"{words}: {who}. {wrong}".strip())
        if troubles and is_ofac:
            return Result.INCONSISTENT, f"{wrong} No share along the chains is computed from that."
        chains = max(tree.along_chains(self.node, self.listed) or Decimal(0), reach.together(self.node))
        if chains >= HALF:
            words = (
                f"Counted along every chain, listed parties may own {percent(chains)}: {who}. Of an owner "
            )
            return Result.REVIEW, words + "between, or of the party itself, they own less than half."
        if parent in self.listed and parent not in above:
            words = f"Its ultimate parent is a listed party, {tree.name(parent)}, and has no stated share."
            return Result.REVIEW, words
        most = tree.reach(self.listed | self.unsettled, at_most=True)
        if most.share(self.node) >= HALF:
            return Result.REVIEW, self.may_be(above, who)
        if near:
            words = f"Listed parties own less than half, {percent(max(share, chains))}: {who}."
            return Result.RED_FLAG, " ".join([words, *self.controls(above)])
        stated = max(tree.total(self.node, is_ultimate=kind) for kind in (False, True))
        if is_ofac and stated <= HALF:
            words = f"Owners of {percent(stated)} are stated: who owns half or more of it is not known."
            return Result.REVIEW, words
        return Result.CLEAR, "No confirmed listed party stands among the owners that are stated."

    def may_be(self, above: list[str], who: str) -> str:
        """Why half or more may be owned by listed parties."""
        waiting = [self.tree.name(one) for one in above if one in self.unsettled]
        parts = [
            "Listed parties may own half or more: what is open decides.",
            f"Listed: {who}." if who else "",
            f"Matches that are not settled: {'; '.join(waiting)}." if waiting else "",
            *(
                self.tree.say(stake)
                for one in above
                for stake in self.tree.owners.get(one, ())
                if not stake.is_known and stake.holder in self.listed | self.unsettled
            ),
        ]
        return " ".join(filter(None, parts))

    def controls(self, above: list[str]) -> Iterator[str]:
        """Control counts as ownership under neither rule, and is told."""
        for one in above:
            for stake in self.tree.owners.get(one, ()):
                if stake.has_control and stake.holder in self.listed:
                    yield f"The rule counts ownership, not control. {self.tree.say(stake)}"


def _reached(rule: Rule, words: str) -> tuple[Result, str]:
    """What half or more means under the rule as it stands on the day."""
    if rule.code == "ofac-50":
        return Result.BLOCKED, words
    if rule.state == "in_force":
        return Result.LICENSE_LIKELY, f"{words} The license requirement of these owners reaches the party."
    if rule.state == "suspended":
        ends = f" through {rule.effective_to - timedelta(days=1)}" if rule.effective_to else ""
        words += f" The rule is suspended{ends}, and a red flag meanwhile: an act that takes effect later"
        return Result.RED_FLAG, f"{words} may fall under it again."
    return Result.REVIEW, (
        f"{words} The suspension of the rule has ended; whether it is in force again is not on file. Treat "
        "the party as reached until somebody has looked it up."
    )


# Outbound investment, 31 CFR part 850

RELATION: Final = ("outbound-relation", "outbound-24-months")
ACTIVITY: Final = "outbound-covered-activity"
NOTIFIED: Final = "outbound-notified"
WEAPONS: Final = "military-training"
ABOVE_25: Final = (ComputeBand.FROM_25, ComputeBand.ABOVE_26)
ABOVE_23: Final = (ComputeBand.FROM_23, ComputeBand.FROM_24)
CHIPS: Final = "3A090.A"


def outbound(package: Package, rules: Mapping[str, Rule], known: Known) -> Iterator[Checked]:
    """The answers on outbound investment against what the package says elsewhere; one row."""
    if rule := rules.get("outbound"):
        result, words, facts = _outbound(package, rule, known)
        awaited = rules.get("coins")
        if awaited and awaited.state == "awaited" and result != Result.NEITHER:
            facts.append(
                f"{awaited.citation}: widens the countries ({', '.join(awaited.countries)}) once the "
                "Treasury has issued its rules."
            )
        yield found(rule, Kind.OUTBOUND, "package", "Outbound investment", result, words, facts)


def _outbound(package: Package, rule: Rule, known: Known) -> tuple[Result, str, list[str]]:
    given = _answers(package)
    facts = [_said(given[code]) for code in (*RELATION, ACTIVITY, NOTIFIED) if code in given]
    missing = [BY_CODE[code].text for code in (*RELATION, ACTIVITY) if not _is_answered(given.get(code))]
    concerned = _persons_of_concern(package, rule)
    if not any(_is_yes(given.get(code)) for code in RELATION):
        if missing:
            return Result.NOT_ENOUGH, f"Not answered: {' '.join(missing)}", facts
        if concerned or _is_yes(given.get(ACTIVITY)):
            words = "No member states a relation to a person of a country of concern"
            if concerned:
                words += f", but these are from one: {'; '.join(concerned)}"
            if _is_yes(given.get(ACTIVITY)):
                words += ", but a covered activity is stated"
            return (
                Result.REVIEW,
                f"{words}. Find out whether one invests in, joins or lends to the other.",
                facts,
            )
        return Result.NEITHER, "No member states a relation to a person of a country of concern.", facts
    if not _is_answered(given.get(ACTIVITY)):
        return Result.NOT_ENOUGH, f"A relation is stated. Not answered: {BY_CODE[ACTIVITY].text}", facts
    prohibited, notifiable = _activities(package, given, known)
    if not _is_yes(given.get(ACTIVITY)):
        if signs := [*prohibited, *notifiable]:
            words = "A relation is stated and no covered activity, but the package speaks of: "
            return Result.REVIEW, f"{words}{'; '.join(signs)}.", facts
        return Result.NEITHER, "A relation is stated, and no covered activity.", facts
    if prohibited:
        words = "A relation and a covered activity are stated, and of what 31 CFR 850.224 prohibits"
        return Result.PROHIBITED, f"{words}: {'; '.join(prohibited)}.", facts
    if notifiable:
        words = f"A relation and a covered activity are stated, of 31 CFR 850.217: {'; '.join(notifiable)}. "
        if _is_yes(given.get(NOTIFIED)):
            return Result.NOTIFIABLE, f"{words}A notification is said to be filed: compare it.", facts
        return (
            Result.NOTIFIABLE,
            f"{words}No notification is stated; it is due within 30 calendar days of completion, 850.404(c).",
            facts,
        )
    words = (
        "A relation and a covered activity are stated; which activity it is cannot be told from the answers."
    )
    return Result.NOT_ENOUGH, words, facts


def _activities(
    package: Package, given: Mapping[str, ComplianceStatement], known: Known
) -> tuple[list[str], list[str]]:
    """What of the package may be a prohibited and what a notifiable activity, in words."""
    prohibited, notifiable = [], []
    for part in package.components:
        name = part.name or part.key
        if isinstance(part, ModelComponent) and part.compute_band in ABOVE_25:
            prohibited.append(f"{name}, AI trained above 10^25 operations")
        elif isinstance(part, ModelComponent) and part.compute_band in ABOVE_23:
            more = ", prohibited above 10^24 if mainly on biological sequence data"
            above = more if part.compute_band == ComputeBand.FROM_24 else ""
            notifiable.append(f"{name}, AI trained above 10^23 operations{above}")
        if part.eccn.strip().upper().startswith(CHIPS):
            prohibited.append(f"{name}, of class {part.eccn.strip()} if that person designs it")
    if _is_yes(given.get(WEAPONS)):
        prohibited.append("AI for military, intelligence or surveillance end users")
    listed = {on for lists in known.listed.values() for on in lists} & {"SDN", "EL", "MEU", "CMIC"}
    if listed:
        prohibited.append(f"a party confirmed on a list ({', '.join(sorted(listed))})")
    return prohibited, notifiable


def _persons_of_concern(package: Package, rule: Rule) -> list[str]:
    """Members, owners and outside parties that the package places in a country of concern."""
    named = {
        party.name: party.role for party in package.parties() if set(party.countries) & set(rule.countries)
    }
    return [f"{name} ({role.lower()})" for name, role in list(named.items())[:8]]


# End use, 15 CFR part 744

STATED: Final = ("end-user", "no-prohibited-use")
FLAGGED: Final = (ComplianceAnswer.YES, ComplianceAnswer.EXPLAIN, ComplianceAnswer.DOES_NOT_APPLY)


def end_use(package: Package, rules: Mapping[str, Rule]) -> Iterator[Checked]:
    """Red-flag questions and statements on end use: a row for each flag, or one that there is none."""
    rule, given = rules["end-use"], _answers(package)
    asked = [subject for subject in SUBJECTS if subject.group == Group.RED_FLAG]
    is_flagged = False
    for subject in (*asked, *(BY_CODE[code] for code in STATED)):
        statement = given.get(subject.code)
        if statement and statement.answer in FLAGGED:
            is_flagged = True
            words = f"{statement.text or subject.text} {statement.answer.label}."
            explained = [f"Explained: {statement.explanation}"] if statement.explanation.strip() else []
            flag = found(rule, Kind.END_USE, subject.code, subject.text, Result.RED_FLAG, words, explained)
            yield _cited(flag, f"{rule.citation}; {subject.citation}")
    missing = [
        subject.text
        for subject in (*asked, *(BY_CODE[code] for code in STATED))
        if not _is_answered(given.get(subject.code))
    ]
    key, name = "package", "Questions on end use"
    if missing:
        words = f"Not answered: {' '.join(missing)}"
        yield found(rule, Kind.END_USE, key, name, Result.NOT_ENOUGH, words)
    elif not is_flagged:
        yield found(rule, Kind.END_USE, key, name, Result.CLEAR, "Every question on end use is answered: no.")


def _cited(flag: Checked, citation: str) -> Checked:
    return Checked(**{**vars(flag), "citation": citation})


def _answers(package: Package) -> dict[str, ComplianceStatement]:
    return {statement.subject: statement for statement in package.compliance.statements}


def _is_answered(statement: ComplianceStatement | None) -> bool:
    return statement is not None and statement.answer is not None


def _is_yes(statement: ComplianceStatement | None) -> bool:
    return statement is not None and statement.answer == ComplianceAnswer.YES


def _said(statement: ComplianceStatement) -> str:
    answer = statement.answer.label if statement.answer else "Not answered"
    explained = f" {statement.explanation.strip()}" if statement.explanation.strip() else ""
    return f"{statement.text or statement.subject} {answer}.{explained}"

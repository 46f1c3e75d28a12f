"""Rules that name: regions of a country, parties with an exception, validated end users.

Pure functions. A name that is found asks for a person: many share it, and a text says more than its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.checked import Checked, found
from evaluation.enums import ComplianceKind as Kind
from evaluation.enums import ComplianceResult as Result
from evaluation.names import normalize, squeezed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from evaluation.rulebook import NamedByRule, Rule
    from proposals.package import Package, Site


def regions(package: Package, rules: Mapping[str, Rule]) -> Iterator[Checked]:
    """Each place whose text names an embargoed region or a town in it, whatever its country code says."""
    rule = rules.get("regions")
    if rule is None:
        return
    for key, name, texts in _places_told(package):
        words = {word for text in texts for word in normalize(text).split()}
        for region in rule.regions:
            if read := sorted(words & set(region.words)):
                told = ", ".join(f"“{word}”" for word in read)
                yield found(
                    rule,
                    Kind.DESTINATION,
                    key,
                    name,
                    Result.REVIEW,
                    f"The text names {told}: the place may lie in {region.name}, which is embargoed as a "
                    "region. The country code does not tell. Find out where it lies.",
                    [text.strip() for text in texts if text.strip()],
                )
                break


def _places_told(package: Package) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for site in package.operating_model.sites:
        yield site.key, f"Site {site.name or site.key}", (site.name, site.location)
    for party in package.compliance.parties:
        yield party.key, party.legal_name or "A party without a name", (party.legal_name, party.address)
    for market in package.markets:
        yield market.key, f"Target market {market.name or market.key}", (market.name, market.end_users)


def exceptions(package: Package, rules: Mapping[str, Rule], on: date) -> Iterator[Checked]:
    """Parties that bear a name for which a rule makes an exception, where the package goes there."""
    rule = rules.get("uae-exceptions")
    if rule is None or not {country.code for country in package.destinations()} & set(rule.countries):
        return
    is_named = False
    for party in {party.key: party for party in package.parties()}.values():
        for named in _bearing([party.name, *party.aliases], rule.parties):
            is_named = True
            until = f" until {named.until}" if named.until else ""
            words = f"Bears the name of {named.name}, {named.note}: an exception may reach it{until}."
            if named.until and named.until < on:
                words = f"Bears the name of {named.name}, {named.note}. Its exception ended {named.until}."
            words += " Compare the party, its place and the items with the text of the rule."
            yield found(rule, Kind.EXCEPTION, party.key, party.name, Result.REVIEW, words, [party.role])
    if not is_named:
        names = ", ".join(named.name for named in rule.parties)
        words = f"No party bears a name of the exceptions on file: {names}. The license requirement stays."
        yield found(rule, Kind.EXCEPTION, "package", "All parties", Result.CLEAR, words, [rule.source])


def validated(
    package: Package, rules: Mapping[str, Rule], on: date, sites: Iterable[Site]
) -> Iterator[Checked]:
    """Whether who runs a site where a license is likely needed is a validated end user on file."""
    rule = rules.get("veu")
    if rule is None:
        return
    names = {member.key: member.organization.legal_name for member in package.consortium.members}
    for site in sites:
        by = [names.get(role.member or "", role.third_party_name) for role in site.roles]
        runs = list(dict.fromkeys(filter(None, by)))
        entries = list(_bearing(runs, rule.parties))
        subject = f"Site {site.name or site.key}"
        if entries:
            words = " ".join(
                f"Who works there bears the name of the validated end user {entry.name}"
                f"{_until(entry, on)}. Compare the entry, the sites and the items that it covers."
                for entry in entries
            )
        elif rule.parties:
            words = "Nobody who works there bears the name of a validated end user on file."
        else:
            words = (
                "The entries of supplement no. 7 to 15 CFR part 748 are not on file here: whether who works "
                "there is a validated end user is looked up by hand."
            )
        result = Result.REVIEW if entries or not rule.parties else Result.CLEAR
        yield found(rule, Kind.VALIDATED, site.key, subject, result, words, runs)


def _until(entry: NamedByRule, on: date) -> str:
    if entry.until is None:
        return ""
    return f", whose entry ended {entry.until}" if entry.until < on else f", until {entry.until}"


def _bearing(names: Iterable[str], parties: Iterable[NamedByRule]) -> Iterator[NamedByRule]:
    """Those of ``parties`` whose name begins one of ``names``, as subsidiaries bear it."""
    spelled = [normalize(name).split() for name in names]
    for named in parties:
        wanted = squeezed(normalize(named.name))
        if any("".join(words[:count]) == wanted for words in spelled for count in range(1, len(words) + 1)):
            yield named

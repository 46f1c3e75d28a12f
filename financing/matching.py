"""Which federal tools fit which market of a package: advice with its reasons, never a decision (s.4(d)).

Pure functions over a ``Package``, the tools as configured, classes of countries and the screening of
destinations. Each reason carries its citation and how far it can be relied on. What is not known is asked
or warned of, never taken as favorable. The Program's U.S. content figure (hardware layer) is not EXIM's
(export contract) and is never used for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from financing.enums import Assessment, CountryStanding
from program.enums import DestinationResult
from proposals.enums import OperatingAct, PartyRole, SiteStatus

if TYPE_CHECKING:
    from program.destinations import Screening
    from proposals.package import Member, Package, Site, SupportRequest, TargetMarket

SUPPORTS: Final = "supports"
ASKS: Final = "asks"
WARNS: Final = "warns"
HOME: Final = "US"
CONTROLLED: Final = ("3A090", "4A090")
LAPSE_NOTICE: Final = timedelta(days=180)
S4D: Final = "s.4(d)"
SECTION_DFC: Final = "22 U.S.C. 9612 as amended by S. 1071 s.8712"


@dataclass(frozen=True)
class Condition:
    """A condition of a tool as configured."""

    value: Any
    text: str
    source: str = ""
    confidence: str = "U"


@dataclass(frozen=True)
class ToolFacts:
    """A tool as configured; ``as_of`` is the day on which it was checked."""

    code: str
    name: str
    agency: str
    authority: str
    as_of: date
    conditions: Mapping[str, Condition] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """The class of a country on the day of the match."""

    standing: str
    source: str
    confidence: str


@dataclass(frozen=True)
class Reason:
    """Why: something that supports the tool, a question to ask, or a warning."""

    kind: str
    text: str
    citation: str = ""
    confidence: str = "I"

    def to_data(self) -> dict[str, str]:
        return {
            "kind": self.kind,
            "text": self.text,
            "citation": self.citation,
            "confidence": self.confidence,
        }


@dataclass(frozen=True)
class Advice:
    """What is advised for one tool in one market; ``mechanism`` is empty when it was not requested."""

    tool: str
    market_key: str
    market: str
    country: str
    mechanism: str
    assessment: str
    reasons: tuple[Reason, ...]
    citation: str
    as_of: date


@dataclass(frozen=True)
class World:
    """What is known outside the package on the day of the match."""

    on: date
    screen: Callable[[str], Screening]
    standings: Mapping[str, Standing]


@dataclass(frozen=True)
class Case:
    """One tool, one market: all that a rule looks at."""

    package: Package
    market: TargetMarket
    tool: ToolFacts
    world: World

    @property
    def countries(self) -> dict[str, str]:
        """Code and name of the destinations of this market, the United States left out."""
        return {place.code: place.name or place.code for place in self.market.countries if place.code != HOME}

    @property
    def request(self) -> SupportRequest | None:
        return next((r for r in self.package.support_requests if r.mechanism == self.tool.code), None)

    @property
    def sites(self) -> list[Site]:
        """Infrastructure in this market."""
        return [
            s for s in self.package.operating_model.sites if s.country and s.country.code in self.countries
        ]

    def by_standing(self) -> dict[str, list[str]]:
        """Names of this market's countries by their class; the key of those not on file is empty."""
        found: dict[str, list[str]] = {}
        for code, name in self.countries.items():
            known = self.world.standings.get(code)
            found.setdefault(known.standing if known else "", []).append(name)
        return found

    def reason(self, kind: str, key: str, text: str = "") -> Iterator[Reason]:
        """A reason that rests on the tool's condition ``key``; none when the tool has no such condition."""
        if (condition := self.tool.conditions.get(key)) is not None:
            yield Reason(kind, text or condition.text, condition.source, condition.confidence)


def match(package: Package, tools: Iterable[ToolFacts], world: World) -> Iterator[Advice]:
    """Advice for every tool and market where the package indicates the tool or asks for it.

    A tool that is asked for without anything in the package for it gets a warning, never silence.
    """
    for tool in tools:
        for market in package.markets:
            case = Case(package, market, tool, world)
            reasons = tuple(_reasons(case))
            indicated = any(reason.kind == SUPPORTS for reason in reasons)
            if not indicated and case.request is None:
                continue
            if not indicated:
                missing = "It was requested, but nothing in the package for this market points to it."
                reasons = (Reason(WARNS, missing, "s.3(b)(iv)"), *reasons)
            worried = any(reason.kind == WARNS for reason in reasons)
            codes = list(case.countries)
            yield Advice(
                tool=tool.code,
                market_key=market.key,
                market=market.name or ", ".join(case.countries.values()) or market.key,
                country=codes[0] if len(codes) == 1 else "",
                mechanism=str(tool.code) if case.request else "",
                assessment=Assessment.WARNING if worried else Assessment.LIKELY,
                reasons=reasons,
                citation=tool.authority,
                as_of=tool.as_of,
            )


def _reasons(case: Case) -> Iterator[Reason]:
    rules = _RULES.get(case.tool.code, ())
    for rule in (*rules, _destination, _authority_in_force):
        yield from rule(case)


# Rules for every tool


def _destination(case: Case) -> Iterator[Reason]:
    """What the place alone says: a screening result, not a legal determination."""
    for code, name in case.countries.items():
        found = case.world.screen(code)
        if found.result in (DestinationResult.BLOCKED, DestinationResult.DENIAL_LIKELY):
            text = f"{name}: {DestinationResult(found.result).label.lower()}. {found.explanation}"
            yield Reason(WARNS, text, "; ".join(found.citations), found.confidence)
        elif found.result != DestinationResult.CLEAR:
            text = f"{name}: {DestinationResult(found.result).label.lower()}. {found.explanation}"
            yield Reason(ASKS, text, "; ".join(found.citations), found.confidence)


def _authority_in_force(case: Case) -> Iterator[Reason]:
    """An authority that has lapsed or soon will, on the day of the match."""
    condition = case.tool.conditions.get("authority_ends_on")
    if condition is None or not condition.value:
        return
    last = date.fromisoformat(condition.value)
    if case.world.on > last:
        yield from case.reason(
            WARNS, "authority_ends_on", f"By the date on file the authority has ended. {condition.text}"
        )
    elif last - case.world.on <= LAPSE_NOTICE:
        yield from case.reason(ASKS, "authority_ends_on", f"The authority ends soon. {condition.text}")


# EXIM


def _exported_to_named_buyer(case: Case) -> Iterator[Reason]:
    """Goods or services exported from the United States to a named buyer."""
    buyers = [
        party.legal_name
        for party in case.package.compliance.parties
        if party.role == PartyRole.END_USER and party.country and party.country.code in case.countries
    ]
    made_here = any(
        line.us_content_value_usd or (line.country_of_assembly and line.country_of_assembly.code == HOME)
        for line in case.package.hardware
    )
    if buyers and made_here:
        text = f"Goods with U.S. content go to a named buyer: {', '.join(buyers)}."
        yield Reason(SUPPORTS, text, case.tool.authority)
    elif made_here and case.market.end_users:
        text = "Goods with U.S. content go to this market. The buyer is described, not named: name it."
        yield Reason(SUPPORTS, text, case.tool.authority)


def _contract_content(case: Case) -> Iterator[Reason]:
    """EXIM measures U.S. content on the export contract; a package does not hold that figure."""
    text = "Ask for the U.S. content of the export contract: the Program's hardware figure is another."
    if condition := case.tool.conditions.get("us_content_transformational_min_pct"):
        text = f"{text} Full support starts at {condition.value} percent for transformational exports."
        yield Reason(ASKS, text, condition.source, condition.confidence)


def _license_first(case: Case) -> Iterator[Reason]:
    """License status as a precondition for items of 3A090 and 4A090."""
    waiting = [
        item.name or item.eccn
        for item in case.package.components
        if item.eccn.upper().startswith(CONTROLLED) and not item.license_number
    ]
    if waiting:
        text = f"No license number is stated for {', '.join(waiting)}: a license comes before the closing."
        yield from case.reason(WARNS, "license_signoff_first", text)


def _within_medium_term(case: Case) -> Iterator[Reason]:
    limit, request = case.tool.conditions.get("medium_term_max_usd"), case.request
    if limit and request and request.amount_usd and request.amount_usd > limit.value:
        text = "The amount requested is above medium-term support: long-term terms would apply."
        yield from case.reason(ASKS, "medium_term_max_usd", text)


def _country_open(case: Case) -> Iterator[Reason]:
    text = "Check the country in EXIM's Country Limitation Schedule: it is not on file here."
    yield Reason(ASKS, text, "12 U.S.C. 635", "U")


# DFC


def _private_infrastructure_abroad(case: Case) -> Iterator[Reason]:
    """Infrastructure owned or operated abroad by a private entity."""
    for site in case.sites:
        if holders := _who(case.package, site, OperatingAct.OWN, OperatingAct.OPERATE):
            country = site.country.name if site.country else ""
            text = f"{site.name or 'A site'} in {country} is owned or operated by {', '.join(holders)}."
            yield Reason(SUPPORTS, text, case.tool.authority)


def _ownership_private(case: Case) -> Iterator[Reason]:
    if case.sites:
        yield Reason(
            ASKS, "Confirm that no state holds a majority of the owner or operator.", "22 U.S.C. 9621", "U"
        )


def _income_class(case: Case) -> Iterator[Reason]:
    """The CEO's certification, the limits in high-income countries, and classes that are not on file."""
    found = case.by_standing()
    for standing in (CountryStanding.ADVANCING_INCOME, CountryStanding.HIGH_INCOME):
        if names := found.get(standing):
            text = (
                f"{', '.join(names)}: {standing.label.lower()}. The CEO certifies to Congress before support."
            )
            yield Reason(WARNS, text, SECTION_DFC, "U")
    if found.get(CountryStanding.HIGH_INCOME):
        yield from case.reason(ASKS, "high_income_max_project_cost_pct")
        text = "Confirm that the project counts as information and communications technology, or energy."
        yield from case.reason(ASKS, "high_income_sectors", text)
    if names := found.get(CountryStanding.LESS_DEVELOPED):
        text = f"{', '.join(names)}: less developed, priority without certification."
        yield Reason(ASKS, f"Confirm the class. {text}", SECTION_DFC, "U")
    if names := found.get(""):
        text = f"{', '.join(names)}: class not on file. Not known means review."
        yield Reason(WARNS, text, SECTION_DFC, "U")


def _foreign_assets_at_risk(case: Case) -> Iterator[Reason]:
    """A U.S. investor has assets abroad at risk."""
    for site in case.sites:
        owners = [
            member.organization.legal_name
            for member in _members(case.package, site, OperatingAct.OWN)
            if member.organization.headquartered_in and member.organization.headquartered_in.code == HOME
        ]
        if owners:
            text = f"{', '.join(owners)} of the United States owns {site.name or 'a site'} abroad."
            yield Reason(SUPPORTS, text, case.tool.authority)


def _insured_amount(case: Case) -> Iterator[Reason]:
    request = case.request
    if request is None or request.amount_usd is None:
        yield Reason(WARNS, "The amount to insure is not stated.", case.tool.authority)
    if case.sites and not any(_members(case.package, site, OperatingAct.OWN) for site in case.sites):
        yield Reason(
            WARNS, "No investor is named: no member owns a site in this market.", case.tool.authority
        )


# USTDA


def _developing_host(case: Case) -> Iterator[Reason]:
    """A developing or middle-income host with a sponsor there and a project not yet financed."""
    found = case.by_standing()
    hosts = [*found.get(CountryStanding.LESS_DEVELOPED, []), *found.get(CountryStanding.ADVANCING_INCOME, [])]
    sponsors = [
        party.legal_name
        for party in case.package.compliance.parties
        if party.country and party.country.code in case.countries and party.role != PartyRole.LENDER
    ]
    planned = [site for site in case.sites if site.status in (None, SiteStatus.PLANNED)]
    if hosts and (sponsors or planned):
        text = f"{', '.join(hosts)}: developing or middle-income host"
        text += (
            f", possible sponsor {', '.join(sponsors)}." if sponsors else ", with a project still planned."
        )
        yield from case.reason(SUPPORTS, "host_country_class", text)
    if hosts and not sponsors:
        yield from case.reason(
            WARNS, "overseas_sponsor_required", "No overseas sponsor is named in this market."
        )
    elif hosts:
        yield from case.reason(ASKS, "overseas_sponsor_required", "Ask for the sponsor's letter.")
    if rich := found.get(CountryStanding.HIGH_INCOME):
        yield from case.reason(WARNS, "host_country_class", f"{', '.join(rich)}: high-income host.")
    if unknown := found.get(""):
        text = f"{', '.join(unknown)}: class not on file. Not known means review."
        yield from case.reason(WARNS, "host_country_class", text)


# SBA


def _small_business(case: Case) -> Iterator[Reason]:
    """Only for a member that certified itself as a U.S. small business."""
    small = [
        member.organization.legal_name
        for member in case.package.consortium.members
        if member.organization.is_small_business
        and member.organization.headquartered_in
        and member.organization.headquartered_in.code == HOME
    ]
    if small:
        text = f"Self-certified U.S. small business: {', '.join(small)}."
        yield from case.reason(SUPPORTS, "small_business_only", text)
    else:
        yield from case.reason(WARNS, "small_business_only", "No member is a U.S. small business.")


def _within_loan_limit(case: Case) -> Iterator[Reason]:
    request = case.request
    for key in ("max_loan_usd", "max_single_7a_loan_usd"):
        limit = case.tool.conditions.get(key)
        if limit and request and request.amount_usd and request.amount_usd > limit.value:
            yield from case.reason(WARNS, key, f"The amount requested is above the limit. {limit.text}")


Rule = Callable[[Case], Iterator[Reason]]
_EXIM: Final[tuple[Rule, ...]] = (
    _exported_to_named_buyer,
    _contract_content,
    _license_first,
    _within_medium_term,
    _country_open,
)
_DFC: Final[tuple[Rule, ...]] = (_private_infrastructure_abroad, _ownership_private, _income_class)
_SBA: Final[tuple[Rule, ...]] = (_small_business, _within_loan_limit)
_RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "direct_loan": _EXIM,
    "loan_guarantee": _EXIM,
    "exim_insurance": _EXIM,
    "exim_working_capital": _EXIM,
    "equity": _DFC,
    "co_financing": _DFC,
    "credit_guarantee": _DFC,
    "political_risk_insurance": (_foreign_assets_at_risk, _insured_amount, _income_class),
    "technical_assistance": (_developing_host,),
    "feasibility_study": (_developing_host,),
    "sba_itl": _SBA,
    "sba_ewcp": _SBA,
}


def _members(package: Package, site: Site, *acts: OperatingAct) -> list[Member]:
    """Members that do one of ``acts`` at a site."""
    found = [package.member(role.member) for role in site.roles if role.act in acts and role.member]
    return [member for member in found if member]


def _who(package: Package, site: Site, *acts: OperatingAct) -> list[str]:
    """Names of members and third parties that do one of ``acts`` at a site, each once."""
    names = [member.organization.legal_name for member in _members(package, site, *acts)]
    names += [role.third_party_name for role in site.roles if role.act in acts and role.third_party_name]
    return list(dict.fromkeys(names))

"""What makes a package ready to submit, one function per clause: pure, complete, never raising.

Every check yields all it finds, each problem with its clause, its part and its field
(``<row key>-<field>``). Country lists, limits and requirements come from the call as ``Rules``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from program.enums import EvidenceType, Mark, StackLayer
from program.transitions import Problem
from proposals.enums import (
    ComplianceAnswer,
    HardwareType,
    MarketKind,
    MembershipStatus,
    OperatingAct,
    Part,
    SupportMechanism,
)
from proposals.package import (
    ApplicationComponent,
    Component,
    DataComponent,
    HardwareComponent,
    Member,
    ModelComponent,
    Package,
    SecurityComponent,
)
from proposals.questionnaire import BY_CODE, SUBJECTS

HARD_STOP_SHARE: Final = Decimal("0.5")
LISTED_CLAUSE: Final = "Call, eligibility of members"
NEEDS_CLASSIFICATION: Final = (HardwareType.CHIP, HardwareType.ACCELERATOR, HardwareType.SERVER)


@dataclass(frozen=True, slots=True)
class Ineligible:
    """A listed jurisdiction: for one layer, or (empty) for the whole entity."""

    country: str
    layer: str = ""
    reason: str = ""
    source: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class RequirementRule:
    """A requirement of the call, as its row says it."""

    code: str
    title: str
    clause: str
    is_mandatory: bool = True
    evidence_type: str = EvidenceType.PACKAGE
    choices: tuple[str, ...] = ()
    max_characters: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a call demands beyond the order itself; all of it is data of the call."""

    requirements: tuple[RequirementRule, ...] = ()
    ineligible: tuple[Ineligible, ...] = ()
    anchor_must_be_us: bool = False
    us_content_threshold: Decimal = field(default=Decimal(51))

    def waives(self, code: str) -> bool:
        """Whether the call has a row for ``code`` and does not make it mandatory."""
        return any(rule.code == code and not rule.is_mandatory for rule in self.requirements)

    def reason(self, countries: Iterable[str], layer: str = "") -> Ineligible | None:
        """The rule that lists one of ``countries``, if any."""
        wanted = set(countries)
        return next(
            (rule for rule in self.ineligible if rule.layer == layer and rule.country in wanted), None
        )


NO_RULES: Final = Rules()
Check = Callable[[Package, Rules], Iterator[Problem]]


def _blank(text: str) -> bool:
    return not text.strip()


# The five layers, s.3(b)(i)(A)-(E)


def describes_hardware(package: Package, rules: Rules) -> Iterator[Problem]:
    """AI-optimized hardware, data center storage, cloud services and networking, s.3(b)(i)(A)."""
    clause = "E.O. 14320 s.3(b)(i)(A)"
    yield from _has_layer(package, StackLayer.HARDWARE, clause)
    for line in package.hardware:
        yield from _names_component(package, line, clause)
        part = Part.HARDWARE
        if line.subtype is None:
            yield Problem(
                "hardware-subtype",
                f"{_called(line)}: choose its sub-type.",
                clause,
                part,
                f"{line.key}-subtype",
            )
        for name, words in (("maker", "its maker"), ("model", "its model")):
            if _blank(getattr(line, name)):
                yield Problem(
                    f"hardware-{name}", f"{_called(line)}: give {words}.", clause, part, f"{line.key}-{name}"
                )
        if not line.quantity:
            yield Problem(
                "hardware-quantity",
                f"{_called(line)}: give the quantity.",
                clause,
                part,
                f"{line.key}-quantity",
            )
        if line.total_value_usd is None:
            yield Problem(
                "hardware-value",
                f"{_called(line)}: give the total value in USD.",
                clause,
                part,
                f"{line.key}-total_value_usd",
            )
        if line.country_of_origin is None:
            yield Problem(
                "hardware-origin",
                f"{_called(line)}: name the country of origin.",
                clause,
                part,
                f"{line.key}-country_of_origin",
            )


def describes_data(package: Package, rules: Rules) -> Iterator[Problem]:
    """Data pipelines and labeling systems, s.3(b)(i)(B)."""
    clause = "E.O. 14320 s.3(b)(i)(B)"
    yield from _has_layer(package, StackLayer.DATA, clause)
    demanded = {"data_location": "where the data is kept", "provenance": "where the data comes from"}
    yield from _demands(package, DataComponent, demanded, clause)


def describes_models(package: Package, rules: Rules) -> Iterator[Problem]:
    """AI models and systems, s.3(b)(i)(C)."""
    clause = "E.O. 14320 s.3(b)(i)(C)"
    yield from _has_layer(package, StackLayer.MODELS, clause)
    demanded = {
        "developer": "the developer",
        "hosting": "how it is hosted",
        "weight_custody": "who keeps the weights",
    }
    yield from _demands(package, ModelComponent, demanded, clause)


def describes_security(package: Package, rules: Rules) -> Iterator[Problem]:
    """Measures to ensure the security and cybersecurity of AI models and systems, s.3(b)(i)(D)."""
    clause = "E.O. 14320 s.3(b)(i)(D)"
    yield from _has_layer(package, StackLayer.SECURITY, clause)
    demanded = {
        "controls": "the controls in place",
        "incident_response": "the response to incidents",
        "weight_protection": "how model weights are protected",
    }
    yield from _demands(package, SecurityComponent, demanded, clause)


def describes_applications(package: Package, rules: Rules) -> Iterator[Problem]:
    """Applications for specific use cases, s.3(b)(i)(E)."""
    clause = "E.O. 14320 s.3(b)(i)(E)"
    yield from _has_layer(package, StackLayer.APPLICATIONS, clause)
    yield from _demands(
        package, ApplicationComponent, {"use_case": "the use case", "users": "its users"}, clause
    )
    for component in package.layer(StackLayer.APPLICATIONS):
        if isinstance(component, ApplicationComponent) and component.sector is None:
            yield Problem(
                "applications-sector",
                f"{_called(component)}: choose its sector.",
                clause,
                Part.APPLICATIONS,
                f"{component.key}-sector",
            )


def _has_layer(package: Package, layer: StackLayer, clause: str) -> Iterator[Problem]:
    if not package.layer(layer):
        yield Problem(f"missing-{layer}", f"Describe the layer: {layer.label}.", clause, Part(layer.value))
    elif not package.suppliers(layer):
        yield Problem(
            f"unsupplied-{layer}",
            f"Say which member supplies the layer: {layer.label}.",
            clause,
            Part(layer.value),
        )


def _names_component(package: Package, component: Component, clause: str) -> Iterator[Problem]:
    part = Part(_layer(component))
    if _blank(component.name):
        yield Problem(
            f"{part}-name",
            f"A component of the layer “{part.label}” has no name.",
            clause,
            part,
            f"{component.key}-name",
        )
    if component.supplier and package.member(component.supplier) is None:
        yield Problem(
            f"{part}-supplier",
            f"{_called(component)}: its supplier is no longer a member.",
            clause,
            part,
            f"{component.key}-supplier",
        )


def _demands(
    package: Package, kind: type[Component], demanded: dict[str, str], clause: str
) -> Iterator[Problem]:
    for component in package.components:
        if not isinstance(component, kind):
            continue
        yield from _names_component(package, component, clause)
        part = Part(_layer(component))
        for name, words in demanded.items():
            if _blank(getattr(component, name)):
                yield Problem(
                    f"{part}-{name.replace('_', '-')}",
                    f"{_called(component)}: say {words}.",
                    clause,
                    part,
                    f"{component.key}-{name}",
                )


def _layer(component: Component) -> str:
    return str(component.layer.value)  # type: ignore[attr-defined]


def _called(component: Component) -> str:
    return component.name.strip() or "A component without a name"


def says_us_manufacture(package: Package, rules: Rules) -> Iterator[Problem]:
    """Whether and to what extent the hardware is manufactured in the United States, s.3(b)(i)(A)."""
    clause = "E.O. 14320 s.3(b)(i)(A)"
    for line in package.hardware:
        if _blank(line.us_manufacture):
            yield Problem(
                "us-manufacture",
                f"{_called(line)}: say whether and to what extent it is made in the United States.",
                clause,
                Part.HARDWARE,
                f"{line.key}-us_manufacture",
            )
        total, us = line.total_value_usd, line.us_content_value_usd
        if us is None:
            yield Problem(
                "us-content",
                f"{_called(line)}: give the value of its U.S. content in USD; 0 if none.",
                clause,
                Part.HARDWARE,
                f"{line.key}-us_content_value_usd",
            )
        elif total is not None and us > total:
            yield Problem(
                "us-content-above-total",
                f"{_called(line)}: its U.S. content is worth more than the whole.",
                clause,
                Part.HARDWARE,
                f"{line.key}-us_content_value_usd",
            )


# Markets, s.3(b)(ii)


def names_target_markets(package: Package, rules: Rules) -> Iterator[Problem]:
    """At least one specific target country or regional bloc, s.3(b)(ii)."""
    clause = "E.O. 14320 s.3(b)(ii)"
    if not package.markets:
        yield Problem(
            "missing-market", "Name at least one target country or regional bloc.", clause, Part.MARKETS
        )
    for market in package.markets:
        called = market.name.strip() or "A market"
        if market.kind is None or (market.kind == MarketKind.LIST and _blank(market.name)):
            yield Problem(
                "market-unnamed",
                f"{called}: choose a country, a bloc, or name an own list.",
                clause,
                Part.MARKETS,
                f"{market.key}-kind",
            )
        elif not market.countries:
            yield Problem(
                "market-without-country",
                f"{called}: it holds no country.",
                clause,
                Part.MARKETS,
                f"{market.key}-countries",
            )
        if _blank(market.end_users):
            yield Problem(
                "market-end-users",
                f"{called}: say who the expected end users are.",
                clause,
                Part.MARKETS,
                f"{market.key}-end_users",
            )
    places = Counter((market.kind, market.code) for market in package.markets if market.code)
    for market in package.markets:
        if market.code and places[market.kind, market.code] > 1:
            yield Problem(
                "market-twice",
                f"{market.name or market.code} is named more than once.",
                clause,
                Part.MARKETS,
                f"{market.key}-kind",
            )


def explains_national_interest(package: Package, rules: Rules) -> Iterator[Problem]:
    """How U.S. national interests are advanced in each chosen market, as the Call asks."""
    for market in package.markets:
        if _blank(market.national_interest):
            yield Problem(
                "national-interest",
                f"{market.name.strip() or 'A market'}: explain how the national interest "
                "of the United States is advanced there.",
                "Call, national interest",
                Part.MARKETS,
                f"{market.key}-national_interest",
            )


# Operating model, s.3(b)(iii)


def says_who_builds_owns_operates(package: Package, rules: Rules) -> Iterator[Problem]:
    """Who will build, own and operate data centers and associated infrastructure, s.3(b)(iii)."""
    clause, part = "E.O. 14320 s.3(b)(iii)", Part.OPERATING_MODEL
    model = package.operating_model
    if _blank(model.overview):
        yield Problem(
            "missing-operating-model",
            "Describe the business and operational model.",
            clause,
            part,
            "operating_model",
        )
    if not model.sites:
        yield Problem("missing-site", "Name at least one data center or other infrastructure.", clause, part)
    for site in model.sites:
        called = site.name.strip() or "A site without a name"
        if _blank(site.name):
            yield Problem("site-name", "A site has no name.", clause, part, f"{site.key}-name")
        if site.country is None:
            yield Problem("site-country", f"{called}: name its country.", clause, part, f"{site.key}-country")
        for act in OperatingAct:
            if not any(
                role.act == act and (role.member or not _blank(role.third_party_name)) for role in site.roles
            ):
                yield Problem(
                    f"site-{act}",
                    f"{called}: say who {act.label.lower()} it.",
                    clause,
                    part,
                    f"{site.key}-{act}",
                )
        for role in site.roles:
            if role.member and package.member(role.member) is None:
                yield Problem(
                    "site-member",
                    f"{called}: who {role.act.label.lower()} it is no longer a member.",
                    clause,
                    part,
                    f"{role.key}-member",
                )
            if role.third_party_name and role.third_party_country is None:
                yield Problem(
                    "site-third-party-country",
                    f"{called}: name the country of {role.third_party_name}.",
                    clause,
                    part,
                    f"{role.key}-third_party_country",
                )


# Support, s.3(b)(iv)


def details_support_requested(package: Package, rules: Rules) -> Iterator[Problem]:
    """Requested Federal incentives and support mechanisms, in detail, s.3(b)(iv)."""
    clause, part = "E.O. 14320 s.3(b)(iv)", Part.SUPPORT
    if not package.support_requests:
        yield Problem("missing-support", "Detail the Federal support you ask for.", clause, part)
    for request in package.support_requests:
        called = request.mechanism.label if request.mechanism else "A request"
        if request.mechanism is None:
            yield Problem(
                "support-mechanism",
                "A request names no support mechanism.",
                clause,
                part,
                f"{request.key}-mechanism",
            )
        if request.mechanism == SupportMechanism.OTHER and _blank(request.other_text):
            yield Problem(
                "support-other",
                "Name the other mechanism you ask for.",
                clause,
                part,
                f"{request.key}-other_text",
            )
        if _blank(request.purpose):
            yield Problem(
                "support-purpose", f"{called}: say for what purpose.", clause, part, f"{request.key}-purpose"
            )


# Compliance, s.3(b)(v)


def states_compliance(package: Package, rules: Rules) -> Iterator[Problem]:
    """Export controls, 50 U.S.C. ch. 58, outbound investment, end-user policies, BIS guidance, s.3(b)(v)."""
    clause, part = "E.O. 14320 s.3(b)(v)", Part.COMPLIANCE
    compliance = package.compliance
    given = {statement.subject: statement for statement in compliance.statements}
    for subject in SUBJECTS:
        statement = given.get(subject.code)
        place = f"{statement.key}-answer" if statement else f"statement-{subject.code}-answer"
        if statement is None or statement.answer not in subject.answers:
            yield Problem(f"compliance-{subject.code}", f"Answer: {subject.text}", clause, part, place)
        elif statement.answer in subject.explained and _blank(statement.explanation):
            yield Problem(
                f"compliance-{subject.code}-explained",
                f"Explain your answer: {subject.text}",
                clause,
                part,
                f"{statement.key}-explanation",
            )
    for name, words in (("name", "name"), ("email", "e-mail address")):
        if _blank(getattr(compliance.officer, name)):
            yield Problem(
                f"compliance-officer-{name}",
                f"Give the {words} of the compliance officer.",
                clause,
                part,
                f"compliance_officer_{name}",
            )
    for name, words in (
        ("program_summary", "the export compliance program"),
        ("end_uses", "the end uses"),
        ("remote_access_policy", "the policy for customers with remote access"),
    ):
        if _blank(getattr(compliance, name)):
            yield Problem(f"compliance-{name.replace('_', '-')}", f"Describe {words}.", clause, part, name)
    yield from _classifications(package, clause)


def _classifications(package: Package, clause: str) -> Iterator[Problem]:
    """Chips, accelerators and servers need ECCN, TPP and data center flag; models weights and compute."""
    for component in package.components:
        part, called = Part(_layer(component)), _called(component)
        if component.jurisdiction is None:
            yield Problem(
                "jurisdiction",
                f"{called}: say which export control regime it falls under.",
                clause,
                part,
                f"{component.key}-jurisdiction",
            )
        if isinstance(component, HardwareComponent) and component.subtype in NEEDS_CLASSIFICATION:
            if _blank(component.eccn):
                yield Problem(
                    "eccn",
                    f"{called}: give its ECCN, EAR99, or “unclassified yet”.",
                    clause,
                    part,
                    f"{component.key}-eccn",
                )
            if component.tpp is None:
                yield Problem(
                    "tpp",
                    f"{called}: give its total processing performance; 0 if none.",
                    clause,
                    part,
                    f"{component.key}-tpp",
                )
            if component.is_datacenter is None:
                yield Problem(
                    "is-datacenter",
                    f"{called}: say whether it is designed or marketed for data centers.",
                    clause,
                    part,
                    f"{component.key}-is_datacenter",
                )
        if isinstance(component, ModelComponent):
            if component.weights is None:
                yield Problem(
                    "weights",
                    f"{called}: say whether its weights are open or closed.",
                    clause,
                    part,
                    f"{component.key}-weights",
                )
            if component.compute_band is None:
                yield Problem(
                    "compute-band",
                    f"{called}: choose the band of its training compute.",
                    clause,
                    part,
                    f"{component.key}-compute_band",
                )


# The consortium, s.3(b) and the Call's rules of eligibility


def identifies_consortium(package: Package, rules: Rules) -> Iterator[Problem]:
    """An industry-led consortium with one anchor and consenting, eligible members, s.3(b)."""
    clause, part = "E.O. 14320 s.3(b)", Part.CONSORTIUM
    for name, words in (("title", "title"), ("summary", "summary")):
        if _blank(getattr(package, name)):
            yield Problem(f"missing-{name}", f"Give the proposal a {words}.", clause, Part.OVERVIEW, name)
    for name, words in (("name", "name"), ("email", "e-mail address")):
        if _blank(getattr(package.contact, name)):
            yield Problem(
                f"contact-{name}",
                f"Give the {words} of the contact person.",
                clause,
                Part.OVERVIEW,
                f"contact_{name}",
            )
    if _blank(package.consortium.name):
        yield Problem("consortium-name", "Name the consortium.", clause, part, "name")
    anchors = [member for member in package.consortium.members if member.is_anchor]
    if len(anchors) != 1:
        yield Problem("anchor", "The consortium needs exactly one anchor member.", clause, part)
    for member in package.consortium.members:
        yield from _stands(member, clause)
        yield from _is_eligible(member, package, rules)
    for anchor in anchors:
        place = anchor.organization.incorporated_in
        if rules.anchor_must_be_us and (place is None or place.code != "US"):
            yield Problem(
                "anchor-us",
                "This call asks for an anchor that is a U.S. company.",
                "Call, anchor member",
                part,
                f"{anchor.key}-incorporated_in",
            )


def _stands(member: Member, clause: str) -> Iterator[Problem]:
    facts, part = member.organization, Part.CONSORTIUM
    called = facts.legal_name.strip() or "A member without a name"
    if _blank(facts.legal_name):
        yield Problem("member-name", "A member has no legal name.", clause, part, f"{member.key}-legal_name")
    if _blank(member.role):
        yield Problem(
            "member-role", f"{called}: say what it contributes.", clause, part, f"{member.key}-role_text"
        )
    if member.consent.status != MembershipStatus.CONSENTED or not member.consent.is_current:
        yield Problem(
            "member-consent",
            f"{called} has not consented to its present role and declaration.",
            clause,
            part,
            f"{member.key}-consent",
        )
    for name, words in (("incorporated_in", "incorporation"), ("headquartered_in", "headquarters")):
        if getattr(facts, name) is None:
            yield Problem(
                f"member-{words}",
                f"{called}: name its country of {words}.",
                clause,
                part,
                f"{member.key}-{name}",
            )
    if facts.ultimate_parent and facts.parent_country is None:
        yield Problem(
            "member-parent-country",
            f"{called}: name the country of its ultimate parent.",
            clause,
            part,
            f"{member.key}-parent_country",
        )
    if (
        sum((holder.share or Decimal(0) for holder in facts.holders if not holder.is_ultimate), Decimal(0))
        > 1
    ):
        yield Problem(
            "holdings-above-whole",
            f"{called}: its direct owners hold more than 100 percent.",
            clause,
            part,
            f"{member.key}-holders",
        )


def _is_eligible(member: Member, package: Package, rules: Rules) -> Iterator[Problem]:
    """The entity test, the 50 percent aggregate of owners, and the layer test of the call."""
    facts, part, called = member.organization, Part.CONSORTIUM, member.organization.legal_name
    if rule := rules.reason(facts.countries):
        yield Problem(
            "entity-listed",
            f"{called} is in a jurisdiction listed for this call: {rule.country}. {rule.reason}",
            LISTED_CLAUSE,
            part,
            f"{member.key}-incorporated_in",
        )
    if _listed_share(member, rules) >= HARD_STOP_SHARE or _listed_control(member, rules):
        yield Problem(
            "entity-owned",
            f"{called} is owned (50 percent or more together) or controlled by holders from "
            "jurisdictions listed for this call.",
            LISTED_CLAUSE,
            part,
            f"{member.key}-holders",
        )
    for layer in StackLayer:
        supplies = any(member.key == supplier.key for supplier in package.suppliers(layer))
        if supplies and (rule := rules.reason(facts.countries, layer.value)):
            yield Problem(
                "layer-listed",
                f"{called} may not supply the layer “{layer.label}”: {rule.country} is listed "
                f"for it. {rule.reason}",
                LISTED_CLAUSE,
                Part(layer.value),
                f"{member.key}-layers",
            )


def _listed_share(member: Member, rules: Rules) -> Decimal:
    """The larger of the direct and the ultimate shares that listed holders have together."""
    sums = {True: Decimal(0), False: Decimal(0)}
    for holder in member.organization.holders:
        if holder.country and rules.reason([holder.country.code]):
            sums[holder.is_ultimate] += holder.share or Decimal(0)
    return max(sums.values())


def _listed_control(member: Member, rules: Rules) -> bool:
    return any(
        holder.has_control and holder.country is not None and rules.reason([holder.country.code]) is not None
        for holder in member.organization.holders
    )


# What the order and every call demand, by the code of the requirement

REQUIREMENTS: Final[dict[str, tuple[str, str, Check]]] = {
    "layer-hardware": (
        "AI-optimized hardware and related infrastructure",
        "E.O. 14320 s.3(b)(i)(A)",
        describes_hardware,
    ),
    "layer-data": ("Data pipelines and labeling systems", "E.O. 14320 s.3(b)(i)(B)", describes_data),
    "layer-models": ("AI models and systems", "E.O. 14320 s.3(b)(i)(C)", describes_models),
    "layer-security": ("Security and cybersecurity measures", "E.O. 14320 s.3(b)(i)(D)", describes_security),
    "layer-applications": (
        "Applications for specific use cases",
        "E.O. 14320 s.3(b)(i)(E)",
        describes_applications,
    ),
    "us-manufacture": ("U.S. manufacture of the hardware", "E.O. 14320 s.3(b)(i)(A)", says_us_manufacture),
    "target-markets": ("Target countries or regional blocs", "E.O. 14320 s.3(b)(ii)", names_target_markets),
    "national-interest": (
        "National interest in each market",
        "Call, national interest",
        explains_national_interest,
    ),
    "operating-model": (
        "Who builds, owns and operates",
        "E.O. 14320 s.3(b)(iii)",
        says_who_builds_owns_operates,
    ),
    "support-requested": ("Federal support requested", "E.O. 14320 s.3(b)(iv)", details_support_requested),
    "compliance": ("Compliance with U.S. rules", "E.O. 14320 s.3(b)(v)", states_compliance),
    "consortium": ("Anchor and members", "E.O. 14320 s.3(b)", identifies_consortium),
}
WAIVABLE: Final = frozenset({"national-interest"})


def answers_call_requirements(package: Package, rules: Rules) -> Iterator[Problem]:
    """Requirements particular to the call, answered within their limits."""
    for rule in rules.requirements:
        if rule.evidence_type != EvidenceType.PACKAGE:
            yield from answers_requirement(package, rule)


def answers_requirement(package: Package, rule: RequirementRule) -> Iterator[Problem]:
    """One requirement particular to the call."""
    answer = next((answer for answer in package.answers if answer.requirement == rule.code), None)
    place = f"answer-{rule.code}" if answer is None else answer.key
    field_name = f"{place}-{ANSWER_FIELDS.get(rule.evidence_type, 'text')}"

    def problem(code: str, message: str) -> Problem:
        return Problem(f"{code}-{rule.code}", message, rule.clause, Part.REQUIREMENTS, field_name)

    if answer is None or not _is_given(
        answer_value := getattr(answer, ANSWER_FIELDS.get(rule.evidence_type, "text"))
    ):
        if rule.is_mandatory:
            yield problem("missing", f"Answer: {rule.title}.")
        return
    if (
        rule.max_characters
        and rule.evidence_type == EvidenceType.TEXT
        and len(answer_value) > rule.max_characters
    ):
        yield problem(
            "too-long", f"{rule.title}: {len(answer_value):,} characters, at most {rule.max_characters:,}."
        )
    if rule.evidence_type == EvidenceType.CHOICE and answer_value not in rule.choices:
        yield problem("not-offered", f"{rule.title}: choose one of the answers offered.")
    if rule.evidence_type == EvidenceType.FILE and all(d.sha256 != answer_value for d in package.documents):
        yield problem("file-gone", f"{rule.title}: its file is no longer among the documents.")


ANSWER_FIELDS: Final[dict[str, str]] = {
    EvidenceType.TEXT: "text",
    EvidenceType.NUMBER: "number",
    EvidenceType.CHOICE: "choice",
    EvidenceType.DATE: "day",
    EvidenceType.FILE: "document",
}


def _is_given(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and _blank(value))


def justifies_marks(package: Package, rules: Rules) -> Iterator[Problem]:
    """Business confidential matter is marked with a justification, 5 U.S.C. 552(b)(4)."""
    clause, part = "5 U.S.C. 552(b)(4)", Part.DOCUMENTS
    for document in package.documents:
        if document.mark == Mark.BUSINESS_CONFIDENTIAL and _blank(document.justification):
            yield Problem(
                "mark-justification",
                f"{document.name}: say why it is business confidential.",
                clause,
                part,
                f"{document.key}-justification",
            )
    for marking in package.markings:
        if marking.mark == Mark.BUSINESS_CONFIDENTIAL and _blank(marking.justification):
            yield Problem(
                "mark-justification",
                f"{marking.part.label}: say why it is business confidential.",
                clause,
                marking.part,
                f"{marking.key}-justification",
            )


def problems_by_requirement(package: Package, rules: Rules = NO_RULES) -> dict[str, list[Problem]]:
    """The checklist: every requirement's code with its problems, an empty list where all is given."""
    found = {
        code: [] if code in WAIVABLE and rules.waives(code) else list(check(package, rules))
        for code, (_, _, check) in REQUIREMENTS.items()
    }
    for rule in rules.requirements:
        if rule.evidence_type != EvidenceType.PACKAGE:
            found[rule.code] = list(answers_requirement(package, rule))
    return {**found, "marks": list(justifies_marks(package, rules))}


def all_problems(package: Package, rules: Rules = NO_RULES) -> list[Problem]:
    """Everything that keeps ``package`` from being submitted, all at once."""
    return [problem for problems in problems_by_requirement(package, rules).values() for problem in problems]


def flags(package: Package, rules: Rules = NO_RULES) -> list[Problem]:
    """What does not stop a submission, but a person must look at; the system flags, people determine."""
    return [*_holder_flags(package, rules), *_outside_flags(package, rules), *_answer_flags(package)]


def _holder_flags(package: Package, rules: Rules) -> Iterator[Problem]:
    for member in package.consortium.members:
        for holder in member.organization.holders:
            if holder.country and (rule := rules.reason([holder.country.code])):
                share = "an unknown share" if holder.share is None else f"{holder.share * 100:f} percent"
                yield Problem(
                    "holder-listed",
                    f"{holder.name or 'A holder'} ({rule.country}) holds {share} of "
                    f"{member.organization.legal_name}.",
                    LISTED_CLAUSE,
                    Part.CONSORTIUM,
                    f"{holder.key}-share",
                )
        if not member.organization.holders:
            yield Problem(
                "holders-unknown",
                f"{member.organization.legal_name}: no owners are given.",
                LISTED_CLAUSE,
                Part.CONSORTIUM,
                f"{member.key}-holders",
            )


def _outside_flags(package: Package, rules: Rules) -> Iterator[Problem]:
    for place in package.destinations():
        if rule := rules.reason([place.code]):
            yield Problem(
                "destination-listed",
                f"{place.name or place.code} is a destination. {rule.reason}",
                LISTED_CLAUSE,
                Part.MARKETS,
            )


def _answer_flags(package: Package) -> Iterator[Problem]:
    for statement in package.compliance.statements:
        if statement.answer in (ComplianceAnswer.YES, ComplianceAnswer.EXPLAIN):
            subject = BY_CODE.get(statement.subject)
            yield Problem(
                f"answered-{statement.answer}",
                statement.text or statement.subject,
                subject.citation if subject else statement.citation,
                Part.COMPLIANCE,
                f"{statement.key}-answer",
            )

"""The package: everything a proposal says, as one typed, immutable value (E.O. 14320 s.3(b)(i)-(v)).

``compose`` builds it from the working rows; checks, comparison, totals, pages and PDFs are functions of it.
Its canonical JSON (RFC 8785) is what a submission freezes. Amounts travel as decimal texts, days as ISO
dates, moments in UTC. A draft may leave anything empty: whether something is missing is for ``checks.py``.
Each row has a ``key`` that stays the same from version to version.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from program.canonical import canonical_json, sha256_hex
from program.enums import EvidenceType, Mark, StackLayer
from proposals.enums import (
    ComplianceAnswer,
    ComputeBand,
    EccnBasis,
    HardwareType,
    Jurisdiction,
    MarketKind,
    MembershipStatus,
    OperatingAct,
    Part,
    PartyRole,
    Sector,
    SiteStatus,
    SupportMechanism,
    Weights,
)
from proposals.questionnaire import Group

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_VERSION: Final = "1.0"
SCHEMA_ID: Final = "urn:ai-exports:package:1.0"
LARGEST_WHOLE: Final = 2**53 - 1
UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def plain(text: str) -> str:
    """``text`` as it is; raises ValueError for characters that no page, file or database can carry."""
    if UNPRINTABLE.search(text):
        raise ValueError("The text contains control characters.")
    return text


def in_utc(moment: datetime) -> datetime:
    """``moment`` in UTC; raises ValueError where the calendar ends before the zones meet."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("This moment lies beyond the calendar.") from error


def not_float(value: Any) -> Any:
    """Decimals come as decimals, whole numbers or texts; a float has already lost its value."""
    if isinstance(value, float | bool):
        raise ValueError('Give the number as a text, such as "12.50".')
    return value


def _decimal(digits: int, places: int, *, most: str | None = None) -> Any:
    """A non-negative finite decimal, written with exactly ``places`` places."""
    unit = Decimal(1).scaleb(-places)
    pattern = rf"^\d{{1,{digits - places}}}(\.\d{{1,{places}}})?$"
    return Annotated[
        Decimal,
        BeforeValidator(not_float),
        Field(
            ge=0,
            le=Decimal(most) if most else None,
            max_digits=digits,
            decimal_places=places,
            allow_inf_nan=False,
        ),
        AfterValidator(lambda number: abs(number).quantize(unit)),
        PlainSerializer(lambda number: format(number, "f"), return_type=str, when_used="json"),
        WithJsonSchema({"type": "string", "pattern": pattern}),
    ]


if TYPE_CHECKING:
    Usd: TypeAlias = Decimal
    Share: TypeAlias = Decimal
    Measure: TypeAlias = Decimal
    Number: TypeAlias = Decimal
else:
    Usd = _decimal(20, 2)
    Share = _decimal(7, 6, most="1")
    Measure = _decimal(14, 4)
    # A number that a call asks for may be negative; it is still exact.
    Number = Annotated[
        Decimal,
        BeforeValidator(not_float),
        Field(max_digits=24, decimal_places=6, allow_inf_nan=False),
        AfterValidator(lambda number: (number + 0).quantize(Decimal("0.000001"))),
        PlainSerializer(lambda number: format(number, "f"), return_type=str, when_used="json"),
        WithJsonSchema({"type": "string", "pattern": r"^-?\d{1,18}(\.\d{1,6})?$"}),
    ]

Text = Annotated[str, AfterValidator(plain)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
Whole = Annotated[int, Field(ge=0, le=LARGEST_WHOLE, strict=True)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]


class Value(BaseModel):
    """An immutable part of a package; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Country(Value):
    """A country by its ISO 3166-1 code, with the name under which it was shown."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    name: Text = ""


class Contact(Value):
    name: Text = ""
    email: Text = ""
    phone: Text = ""


class CallReference(Value):
    number: Text
    title: Text = ""


class Holder(Value):
    """An owner of an organization; ``share`` from 0 to 1, null when not known.

    ``owns`` names another owner of the same organization where it is that one whose share is held.
    """

    key: Key
    name: Text = ""
    country: Country | None = None
    share: Share | None = None
    has_control: bool = False
    is_ultimate: bool = False
    owns: Key | None = Field(default=None, exclude_if=lambda key: key is None)


class OrganizationFacts(Value):
    """A member as it stood when the package was composed."""

    legal_name: Text
    aliases: tuple[Text, ...] = ()
    uei: Text = ""
    cage: Text = ""
    incorporated_in: Country | None = None
    headquartered_in: Country | None = None
    ultimate_parent: Text = ""
    parent_country: Country | None = None
    is_small_business: bool = False
    holders: tuple[Holder, ...] = ()

    def owned_by(self, holder: Holder) -> str:
        """The name of what ``holder`` owns: the organization, or another of its owners."""
        if holder.owns is None:
            return self.legal_name
        return next((other.name for other in self.holders if other.key == holder.owns), "")

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The numbers that the federal registration of entities gave it, named."""
        given = (("UEI", self.uei), ("CAGE", self.cage))
        return tuple(f"{name} {number.strip().upper()}" for name, number in given if number.strip())

    @property
    def countries(self) -> frozenset[str]:
        """Codes of incorporation, headquarters and ultimate parent."""
        places = (self.incorporated_in, self.headquartered_in, self.parent_country)
        return frozenset(place.code for place in places if place)


class Consent(Value):
    """Whether, when and to which declaration a member has consented."""

    status: MembershipStatus = MembershipStatus.INVITED
    declaration_version: Text = ""
    given_at: Moment | None = None
    given_by: Text = ""
    is_current: bool = False


class Member(Value):
    """An organization's place in the consortium; its role is what it consented to."""

    key: Key
    is_anchor: bool = False
    role: Text = ""
    organization: OrganizationFacts
    consent: Consent = Consent()


class ConsortiumFacts(Value):
    name: Text = ""
    description: Text = ""
    members: tuple[Member, ...] = ()


class Provision(Value):
    """That a member supplies a layer."""

    key: Key
    member: Key
    layer: StackLayer
    description: Text = ""


class Component(Value):
    """What every component of any layer says."""

    key: Key
    name: Text = ""
    description: Text = ""
    supplier: Key | None = None
    standards: Text = ""
    jurisdiction: Jurisdiction | None = None
    eccn: Text = ""
    eccn_basis: EccnBasis | None = None
    eccn_reference: Text = ""
    license_basis: Text = ""
    license_number: Text = ""
    license_expires_on: date | None = None


class HardwareComponent(Component):
    """s.3(b)(i)(A): hardware, storage, cloud and networking; values are those of the whole line in USD."""

    layer: Literal[StackLayer.HARDWARE] = StackLayer.HARDWARE
    subtype: HardwareType | None = None
    maker: Text = ""
    model: Text = ""
    quantity: Whole | None = None
    total_value_usd: Usd | None = None
    us_content_value_usd: Usd | None = None
    country_of_origin: Country | None = None
    country_of_assembly: Country | None = None
    place_of_manufacture: Text = ""
    us_manufacture: Text = ""
    tpp: Measure | None = None
    performance_density: Measure | None = None
    is_datacenter: bool | None = None


class DataComponent(Component):
    """s.3(b)(i)(B): data pipelines and labeling systems."""

    layer: Literal[StackLayer.DATA] = StackLayer.DATA
    data_location: Text = ""
    provenance: Text = ""
    privacy_regime: Text = ""


class ModelComponent(Component):
    """s.3(b)(i)(C): AI models and systems."""

    layer: Literal[StackLayer.MODELS] = StackLayer.MODELS
    developer: Text = ""
    weights: Weights | None = None
    compute_band: ComputeBand | None = None
    hosting: Text = ""
    weight_custody: Text = ""


class SecurityComponent(Component):
    """s.3(b)(i)(D): measures for the security and cybersecurity of AI models and systems."""

    layer: Literal[StackLayer.SECURITY] = StackLayer.SECURITY
    frameworks: Text = ""
    controls: Text = ""
    certifications: Text = ""
    incident_response: Text = ""
    weight_protection: Text = ""


class ApplicationComponent(Component):
    """s.3(b)(i)(E): applications for specific use cases."""

    layer: Literal[StackLayer.APPLICATIONS] = StackLayer.APPLICATIONS
    sector: Sector | None = None
    use_case: Text = ""
    users: Text = ""
    languages: Text = ""
    localization: Text = ""


AnyComponent = Annotated[
    HardwareComponent | DataComponent | ModelComponent | SecurityComponent | ApplicationComponent,
    Field(discriminator="layer"),
]


class TargetMarket(Value):
    """s.3(b)(ii): a country, a bloc expanded to its members as of a day, or an own list of countries."""

    key: Key
    kind: MarketKind | None = None
    code: Text = ""
    name: Text = ""
    as_of: Text = ""
    source: Text = ""
    countries: tuple[Country, ...] = ()
    national_interest: Text = ""
    demand_evidence: Text = ""
    end_users: Text = ""


class OperatingRole(Value):
    """Who does one act at a site: a member or a third party."""

    key: Key
    act: OperatingAct
    member: Key | None = None
    third_party_name: Text = ""
    third_party_country: Country | None = None


class Site(Value):
    """A data center or associated infrastructure."""

    key: Key
    name: Text = ""
    kind: Text = ""
    country: Country | None = None
    location: Text = ""
    capacity_mw: Measure | None = None
    status: SiteStatus | None = None
    roles: tuple[OperatingRole, ...] = ()


class OperatingModel(Value):
    """s.3(b)(iii), at a high level."""

    overview: Text = ""
    sites: tuple[Site, ...] = ()


class SupportRequest(Value):
    """s.3(b)(iv): an incentive or support mechanism asked for; an amount of null is to be determined."""

    key: Key
    mechanism: SupportMechanism | None = None
    other_text: Text = ""
    amount_usd: Usd | None = None
    term_months: Whole | None = None
    purpose: Text = ""
    alternatives: Text = ""


class ComplianceStatement(Value):
    """One answer, with the question as it was asked."""

    key: Key
    subject: Text
    group: Text = ""
    text: Text = ""
    citation: Text = ""
    answer: ComplianceAnswer | None = None
    explanation: Text = ""

    @property
    def group_label(self) -> str:
        """What the group of the questionnaire is called."""
        return str(Group(self.group).label) if self.group in Group.values else "Statements"


class OutsideParty(Value):
    """A party outside the consortium that is screened: an end user, an operator, a lender."""

    key: Key
    role: PartyRole | None = None
    legal_name: Text = ""
    aliases: tuple[Text, ...] = ()
    address: Text = ""
    country: Country | None = None
    headquartered_in: Country | None = None
    ultimate_parent: Text = ""
    parent_country: Country | None = None

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Its address, which comes nearest to a number."""
        address = " ".join(self.address.casefold().split())
        return (f"at {address}",) if address else ()


class Compliance(Value):
    """s.3(b)(v): export controls, outbound investment, end users, guidance."""

    officer: Contact = Contact()
    program_summary: Text = ""
    end_uses: Text = ""
    remote_access_policy: Text = ""
    cloud_access_countries: tuple[Country, ...] = ()
    statements: tuple[ComplianceStatement, ...] = ()
    parties: tuple[OutsideParty, ...] = ()


class Answer(Value):
    """What answers a requirement particular to the call."""

    key: Key
    requirement: Text
    title: Text = ""
    evidence_type: EvidenceType
    text: Text = ""
    number: Number | None = None
    choice: Text = ""
    day: date | None = None
    document: Digest | None = None


class DocumentReference(Value):
    """A file by its SHA-256, with the part it belongs to, the component that it proves and its mark."""

    key: Key
    name: Text
    sha256: Digest
    size: Whole
    content_type: Text = ""
    part: Part | None = None
    row: Text = ""
    caption: Text = ""
    mark: Mark = Mark.BUSINESS_CONFIDENTIAL
    justification: Text = ""


class Marking(Value):
    """A mark on a part, a row or one field of a row, with its justification."""

    key: Key
    part: Part
    row: Text = ""
    field: Text = ""
    mark: Mark
    justification: Text = ""


class Party(NamedTuple):
    """A name to screen; ``countries`` are the codes known for it, ``address`` is as it was written.

    ``told_by`` is what tells it from a namesake: its identifiers, its address, or whose owner it is.
    """

    key: str
    name: str
    aliases: tuple[str, ...]
    role: str
    countries: tuple[str, ...]
    told_by: tuple[str, ...] = ()
    address: str = ""


LARGEST_SHARED: Final = 100_000


@lru_cache(maxsize=32)
def _read_last(kind: type[Package], text: str | bytes) -> Package:
    return kind.model_validate_json(text)


class Package(Value):
    """Everything a proposal says."""

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    call: CallReference
    title: Text = ""
    summary: Text = ""
    contact: Contact = Contact()
    consortium: ConsortiumFacts = ConsortiumFacts()
    provisions: tuple[Provision, ...] = ()
    components: tuple[AnyComponent, ...] = ()
    markets: tuple[TargetMarket, ...] = ()
    operating_model: OperatingModel = OperatingModel()
    support_requests: tuple[SupportRequest, ...] = ()
    compliance: Compliance = Compliance()
    answers: tuple[Answer, ...] = ()
    documents: tuple[DocumentReference, ...] = ()
    markings: tuple[Marking, ...] = ()

    # Its text and its hash

    def to_data(self) -> dict[str, Any]:
        """The package in the types of JSON."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """Canonical JSON (RFC 8785): one package has one text, whatever the machine."""
        return canonical_json(self.to_data())

    @property
    def sha256(self) -> str:
        """The content hash, hexadecimal, over the canonical JSON in UTF-8."""
        return sha256_hex(self.to_json())

    @classmethod
    def from_json(cls, text: str | bytes) -> Package:
        """Read a package back; raises pydantic's ValidationError for anything that is not one.

        A value never changes: readers of the same text share one, while it is among those read last.
        """
        return _read_last(cls, text) if len(text) <= LARGEST_SHARED else cls.model_validate_json(text)

    # What pages, checks and screening ask it

    @property
    def anchor(self) -> Member | None:
        return next((member for member in self.consortium.members if member.is_anchor), None)

    @property
    def hardware(self) -> tuple[HardwareComponent, ...]:
        return tuple(c for c in self.components if isinstance(c, HardwareComponent))

    def layer(self, layer: str) -> tuple[AnyComponent, ...]:
        """The components of one layer, in their order."""
        return tuple(component for component in self.components if component.layer == layer)

    def member(self, key: str | None) -> Member | None:
        return next((member for member in self.consortium.members if member.key == key), None)

    def suppliers(self, layer: str) -> tuple[Member, ...]:
        """Members that supply a layer, by its provisions and by its components."""
        keys = {provision.member for provision in self.provisions if provision.layer == layer}
        keys |= {component.supplier for component in self.layer(layer) if component.supplier}
        return tuple(member for member in self.consortium.members if member.key in keys)

    def destinations(self) -> tuple[Country, ...]:
        """Every country it goes to or is reached from, once each: markets, sites, cloud access."""
        places: dict[str, Country] = {}
        for place in self._places():
            places.setdefault(place.code, place)
        return tuple(places[code] for code in sorted(places))

    def _places(self) -> Iterator[Country]:
        for market in self.markets:
            yield from market.countries
        for site in self.operating_model.sites:
            if site.country:
                yield site.country
        yield from self.compliance.cloud_access_countries

    def parties(self) -> Iterator[Party]:
        """Every name to screen: members, parents, owners, site partners and outside parties."""
        for member in self.consortium.members:
            facts = member.organization
            role, told_by = "Anchor" if member.is_anchor else "Member", facts.identifiers
            yield Party(
                member.key, facts.legal_name, facts.aliases, role, tuple(sorted(facts.countries)), told_by
            )
            if facts.ultimate_parent:
                yield Party(
                    f"{member.key}-parent",
                    facts.ultimate_parent,
                    (),
                    f"Ultimate parent of {facts.legal_name}",
                    _codes(facts.parent_country),
                    _above(told_by),
                )
            for holder in facts.holders:
                if holder.name:
                    owned = facts.owned_by(holder) or "an owner without a name"
                    yield Party(
                        holder.key,
                        holder.name,
                        (),
                        f"Owner of {owned}",
                        _codes(holder.country),
                        _above(told_by),
                    )
        for site in self.operating_model.sites:
            for role_at_site in site.roles:
                if role_at_site.third_party_name:
                    words = f"{role_at_site.act.label} {site.name}".strip()
                    yield Party(
                        role_at_site.key,
                        role_at_site.third_party_name,
                        (),
                        words,
                        _codes(role_at_site.third_party_country),
                    )
        for party in self.compliance.parties:
            if party.legal_name:
                yield Party(
                    party.key,
                    party.legal_name,
                    party.aliases,
                    party.role.label if party.role else "Party",
                    _codes(party.country, party.headquartered_in, party.parent_country),
                    party.identifiers,
                    party.address,
                )
            if party.ultimate_parent:
                yield Party(
                    f"{party.key}-parent",
                    party.ultimate_parent,
                    (),
                    f"Ultimate parent of {party.legal_name}",
                    _codes(party.parent_country),
                    _above(party.identifiers, party.legal_name),
                )


def _above(identifiers: tuple[str, ...], name: str = "") -> tuple[str, ...]:
    """What tells an owner or a parent from a namesake: that it stands above this one party."""
    return (f"above {name.strip().casefold()}".strip(), *identifiers) if identifiers else ()


def _codes(*places: Country | None) -> tuple[str, ...]:
    return tuple(sorted({place.code for place in places if place}))


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a package file, as ``to_json`` writes it."""
    schema = Package.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}

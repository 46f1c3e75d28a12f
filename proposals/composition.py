"""From the working rows to the package value, and from a call to the rules that its checks read."""

from __future__ import annotations

from functools import cache, lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from django.db.models import BigIntegerField, Case, CharField, F, Func, TextChoices, TextField, When
from django.db.models import Value as Words
from django.db.models.lookups import Exact

from program import clock
from program.demanded import demanded
from program.enums import EvidenceType, Mark, StackLayer
from program.prepared import Given, Prepared
from proposals.answering import standing_answers
from proposals.checks import Ineligible, RequirementRule, Rules
from proposals.enums import (
    ComplianceAnswer,
    MarketKind,
    MembershipStatus,
    OperatingAct,
    Part,
    PartyRole,
    SiteStatus,
    SupportMechanism,
)
from proposals.models import Component as ComponentRow
from proposals.models import Proposal
from proposals.package import (
    Answer,
    AnyComponent,
    ApplicationComponent,
    CallReference,
    Compliance,
    ComplianceStatement,
    Component,
    Consent,
    ConsortiumFacts,
    Contact,
    Country,
    DataComponent,
    DocumentReference,
    HardwareComponent,
    Holder,
    Marking,
    Member,
    ModelComponent,
    OperatingModel,
    OperatingRole,
    OrganizationFacts,
    OutsideParty,
    Package,
    Provision,
    SecurityComponent,
    Site,
    SupportRequest,
    TargetMarket,
    Value,
)
from proposals.questionnaire import BY_CODE
from proposals.rows import entries

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from django.db.models import QuerySet

    from program import models as program
    from proposals import models as rows

C = TypeVar("C", bound=TextChoices)
COMPONENTS: dict[str, type[Component]] = {
    "hardware": HardwareComponent,
    "data": DataComponent,
    "models": ModelComponent,
    "security": SecurityComponent,
    "applications": ApplicationComponent,
}
PLACES = frozenset({"country_of_origin", "country_of_assembly"})

# A component in outline: which columns are read as they are, and of which only whether they say something
BLANKS = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())
SAID = "…"
TEXTS = [column.name for column in ComponentRow._meta.concrete_fields if isinstance(column, TextField)]
SAYS = Func(
    *(
        Case(
            When(
                Exact(Func(F(name), Words(BLANKS), function="LTRIM", output_field=TextField()), Words("")),
                then=Words("0"),
            ),
            default=Words("1"),
        )
        for name in TEXTS
    ),
    function="CONCAT",
    output_field=TextField(),
)


def _as_it_is(value: Any) -> Any:
    return value


@cache
def _outlined_place(code: str) -> Country:
    return Country(code=code)


def _readers(kind: type[Component]) -> dict[str, Callable[[Any], Any]]:
    """How each column of a kind of component is read, texts aside."""
    found: dict[str, Callable[[Any], Any]] = {}
    for name in kind.model_fields.keys() - {"key", "supplier", "layer", *TEXTS}:
        column = ComponentRow._meta.get_field(name)
        found[name] = _as_it_is
        if name in PLACES:
            found[name] = _outlined_place
        elif isinstance(column, CharField) and column.choices:
            choices = get_args(kind.model_fields[name].annotation)
            found[name] = next(each for each in choices if each is not NoneType)
    return found


READERS = {layer: _readers(kind) for layer, kind in COMPONENTS.items()}
OUTLINED = sorted(set().union(*READERS.values()))
# By layer: the empty component, the place of each of its columns, the place of each of its texts
OUTLINES: dict[str, tuple[Any, list[tuple[str, int, Callable[[Any], Any]]], list[tuple[str, int]]]] = {
    layer: (
        kind(key="component-0"),
        [(name, OUTLINED.index(name), read) for name, read in sorted(READERS[layer].items())],
        [(name, TEXTS.index(name)) for name in TEXTS if name in kind.model_fields],
    )
    for layer, kind in COMPONENTS.items()
}
NOTHING = ("", None)


def compose(proposal: Proposal) -> Package:
    """The package that the working rows say now; reads the database anew, in one statement.

    Where the call was amended one more asks which day it is.
    """
    return composed(working_copy(proposal.pk))


def working_copy(pk: int) -> Proposal:
    """The whole working copy with this key, by a question that is written once; raises DoesNotExist."""
    if not (found := _whole.rows(proposal=pk)):
        raise Proposal.DoesNotExist
    proposal: Proposal = found[0]
    return proposal


@Prepared
def _whole() -> QuerySet[Proposal]:
    return Proposal.objects.for_detail().filter(pk=Given("proposal", BigIntegerField()))


def outlines(proposal_id: int) -> tuple[AnyComponent, ...]:
    """The components of a working copy as checks and totals read them; one statement.

    Of a long text of a component it is known whether it says something, not what. Never the content of a
    submission or of a hash. Checks and totals find in it what they find in ``composed``.
    """
    rows = ComponentRow.objects.filter(proposal=proposal_id)
    return tuple(map(_outline, rows.values_list("layer", "pk", "supplier_id", SAYS, *OUTLINED)))


def composed(proposal: Proposal, *, at: datetime | None = None) -> Package:
    """The package of a proposal that ``for_detail`` has loaded.

    Its answers are those to what the call demands at the moment ``at``, or (None) today.
    """
    found = composed_with(proposal, tuple(_component(row) for row in proposal.components.all()), at=at)
    return with_marks_of_present_rows(found)


def composed_with(
    proposal: Proposal, components: tuple[AnyComponent, ...], *, at: datetime | None = None
) -> Package:
    """The package with these components; everything else is as it was loaded."""
    members: list[rows.Membership] = proposal.consortium.present_members  # type: ignore[attr-defined]
    return Package(
        call=CallReference(number=proposal.call.number, title=proposal.call.title),
        title=proposal.title,
        summary=proposal.summary,
        contact=Contact(
            name=proposal.contact_name, email=proposal.contact_email, phone=proposal.contact_phone
        ),
        consortium=ConsortiumFacts(
            name=proposal.consortium.name,
            description=proposal.consortium.description,
            members=tuple(_member(row) for row in members),
        ),
        provisions=tuple(
            Provision(
                key=row.key,
                member=f"member-{row.membership_id}",
                layer=StackLayer(row.layer),
                description=row.description,
            )
            for row in proposal.provisions.all()
        ),
        components=components,
        markets=tuple(_market(row) for row in proposal.markets.all()),
        operating_model=OperatingModel(
            overview=proposal.operating_model, sites=tuple(_site(row) for row in proposal.sites.all())
        ),
        support_requests=tuple(_support_request(row) for row in proposal.support_requests.all()),
        compliance=_compliance(proposal),
        answers=answers_of(proposal, at=at),
        documents=tuple(_document(row) for row in proposal.present_attachments),  # type: ignore[attr-defined]
        markings=markings_of(proposal),
    )


def markings_of(proposal: Proposal) -> tuple[Marking, ...]:
    """Every mark of the working copy, those on rows that are not in the package too."""
    return tuple(
        Marking(
            key=f"marking-{row.pk}",
            part=Part(row.part),
            row=row.row_key,
            field=row.field,
            mark=Mark(row.mark),
            justification=row.justification,
        )
        for row in proposal.markings.all()
    )


def answers_of(proposal: Proposal, *, at: datetime | None = None) -> tuple[Answer, ...]:
    """The answers to what the call demands at the moment ``at``, or (None) today."""
    asked = demanded(proposal.call.requirements.all(), at)
    return tuple(_answer(row, to=to) for to, row in standing_answers(asked, proposal.answers.all()))


def with_marks_of_present_rows(package: Package) -> Package:
    """The package without the marks of rows that were removed: they wait for their rows to come back.

    Those on an answer to what is demanded later wait for its day in the same way.
    """
    if not any(marking.row for marking in package.markings):
        return package
    known = {"", *(entry.key for entry in entries(package))}
    known.update(member.key for member in package.consortium.members)
    kept = tuple(marking for marking in package.markings if marking.row in known)
    return package if len(kept) == len(package.markings) else package.model_copy(update={"markings": kept})


def rules_of(call: program.Call, *, on: date | None = None, at: datetime | None = None) -> Rules:
    """What ``call`` demands beyond the order, as its rows say on a day (today in Washington).

    Of its requirements those that are demanded at the moment ``at``, or (None) today.
    """
    today = on or clock.today()
    listed = [
        row
        for row in call.ineligible_jurisdictions.all()
        if row.effective_from <= today and (row.effective_to is None or row.effective_to > today)
    ]
    return Rules(
        requirements=tuple(map(requirement_rule, demanded(call.requirements.all(), at))),
        ineligible=tuple(
            Ineligible(row.country_id, row.layer, row.reason, row.source, row.confidence) for row in listed
        ),
        anchor_must_be_us=call.anchor_must_be_us,
        us_content_threshold=call.us_content_presumption,
    )


def requirement_rule(row: program.Requirement) -> RequirementRule:
    """One requirement of a call as checks read it."""
    return RequirementRule(
        code=row.code,
        title=row.title,
        clause=row.clause,
        is_mandatory=row.is_mandatory,
        evidence_type=row.evidence_type,
        choices=tuple(row.offered),
        max_characters=row.max_characters,
    )


def _one(kind: type[C], value: str) -> C | None:
    """The choice that a column holds; an empty column is no choice."""
    return kind(value) if value else None


def _place(row: program.Country | None) -> Country | None:
    return Country(code=row.code, name=row.name) if row else None


def _places(countries: Any) -> tuple[Country, ...]:
    """Countries in the order of their codes, so that the order of loading changes no hash."""
    return tuple(Country(code=row.code, name=row.name) for row in sorted(countries, key=lambda row: row.code))


def _member_key(pk: int | None) -> str | None:
    return f"member-{pk}" if pk else None


def _member(row: rows.Membership) -> Member:
    return Member(
        key=f"member-{row.pk}",
        is_anchor=row.is_anchor,
        role=row.role_text,
        organization=_organization(row.organization),
        consent=Consent(
            status=MembershipStatus(row.status),
            declaration_version=row.declaration_version,
            given_at=row.consented_at,
            given_by=str(row.consented_by or ""),
            is_current=row.is_consent_current,
        ),
    )


def _organization(row: program.Organization) -> OrganizationFacts:
    return OrganizationFacts(
        legal_name=row.legal_name,
        aliases=tuple(row.names)[1:],
        uei=row.uei,
        cage=row.cage,
        incorporated_in=_place(row.incorporated_in),
        headquartered_in=_place(row.headquartered_in),
        ultimate_parent=row.ultimate_parent,
        parent_country=_place(row.parent_country),
        is_small_business=row.is_small_business,
        holders=tuple(
            Holder(
                key=f"holding-{holding.pk}",
                name=holding.holder_name,
                country=_place(holding.holder_country),
                share=holding.share,
                has_control=holding.has_control,
                is_ultimate=holding.is_ultimate,
                owns=f"holding-{holding.owned_id}" if holding.owned_id else None,
            )
            for holding in row.holdings.all()
        ),
    )


def _component(row: rows.Component) -> AnyComponent:
    kind = COMPONENTS[row.layer]
    return kind(key=row.key, supplier=_member_key(row.supplier_id), **_columns(row, kind))  # type: ignore[return-value]


@lru_cache(maxsize=4096)
def _outline(values: tuple[Any, ...]) -> AnyComponent:
    """A component as its columns say it; they were checked when they were saved."""
    layer, pk, supplier, says, *columns = values
    empty, takes, texts = OUTLINES[layer]
    said = {name: read(columns[place]) for name, place, read in takes if columns[place] not in NOTHING}
    said |= {name: SAID for name, place in texts if says[place] == "1"}
    said["key"], said["supplier"] = f"{ComponentRow.prefix}-{pk}", _member_key(supplier)
    made: AnyComponent = empty.model_copy(update=said)
    return made


def _columns(row: Any, kind: type[Value]) -> dict[str, Any]:
    """The columns of ``row`` that ``kind`` has a field for; an empty choice is no choice."""
    values: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        if name in ("key", "supplier"):
            continue
        value = getattr(row, name)
        if name in PLACES:
            value = _place(value)
        values[name] = None if value == "" and field.default is None else value
    return values


def market_facts(bloc: program.Bloc) -> dict[str, Any]:
    """A bloc as a market, with its members as of the day they were checked."""
    # The United States is a member of some blocs, but no destination of an export.
    members = [country for country in bloc.countries.all() if country.code != "US"]
    return {
        "kind": MarketKind.BLOC,
        "code": bloc.code,
        "name": bloc.name,
        "as_of": bloc.checked_on.isoformat() if bloc.checked_on else "",
        "source": bloc.source,
        "countries": _places(members),
    }


def _market(row: rows.TargetMarket) -> TargetMarket:
    facts: dict[str, Any] = {}
    if row.country:
        facts = {
            "kind": MarketKind.COUNTRY,
            "code": row.country.code,
            "name": row.country.name,
            "countries": _places([row.country]),
        }
    elif row.bloc:
        facts = market_facts(row.bloc)
    elif row.list_name or row.countries.all():
        facts = {"kind": MarketKind.LIST, "name": row.list_name, "countries": _places(row.countries.all())}
    return TargetMarket(
        key=row.key,
        national_interest=row.national_interest,
        demand_evidence=row.demand_evidence,
        end_users=row.end_users,
        **facts,
    )


def _site(row: rows.Site) -> Site:
    return Site(
        key=row.key,
        name=row.name,
        kind=row.kind,
        country=_place(row.country),
        location=row.location,
        capacity_mw=row.capacity_mw,
        status=_one(SiteStatus, row.status),
        roles=tuple(
            OperatingRole(
                key=role.key,
                act=OperatingAct(role.act),
                member=_member_key(role.membership_id),
                third_party_name=role.third_party_name,
                third_party_country=_place(role.third_party_country),
            )
            for role in row.roles.all()
        ),
    )


def _support_request(row: rows.SupportRequest) -> SupportRequest:
    return SupportRequest(
        key=row.key,
        mechanism=_one(SupportMechanism, row.mechanism),
        other_text=row.other_text,
        amount_usd=row.amount_usd,
        term_months=row.term_months,
        purpose=row.purpose,
        alternatives=row.alternatives,
    )


def _compliance(proposal: Proposal) -> Compliance:
    return Compliance(
        officer=Contact(
            name=proposal.compliance_officer_name,
            email=proposal.compliance_officer_email,
            phone=proposal.compliance_officer_phone,
        ),
        program_summary=proposal.program_summary,
        end_uses=proposal.end_uses,
        remote_access_policy=proposal.remote_access_policy,
        cloud_access_countries=_places(proposal.cloud_access_countries.all()),
        statements=tuple(_statement(row) for row in proposal.compliance_statements.all()),
        parties=tuple(_party(row) for row in proposal.outside_parties.all()),
    )


def _statement(row: rows.ComplianceStatement) -> ComplianceStatement:
    subject = BY_CODE.get(row.subject)
    return ComplianceStatement(
        key=row.key,
        subject=row.subject,
        group=subject.group.value if subject else "",
        text=subject.text if subject else "",
        citation=subject.citation if subject else "",
        answer=_one(ComplianceAnswer, row.answer),
        explanation=row.explanation,
    )


def _party(row: rows.OutsideParty) -> OutsideParty:
    return OutsideParty(
        key=row.key,
        role=_one(PartyRole, row.role),
        legal_name=row.legal_name,
        aliases=tuple(filter(None, map(str.strip, row.aliases.splitlines()))),
        address=row.address,
        country=_place(row.country),
        headquartered_in=_place(row.headquartered_in),
        ultimate_parent=row.ultimate_parent,
        parent_country=_place(row.parent_country),
    )


def _answer(row: rows.Answer, *, to: program.Requirement) -> Answer:
    return Answer(
        key=row.key,
        requirement=to.code,
        title=to.title,
        evidence_type=EvidenceType(to.evidence_type),
        text=row.text,
        number=row.number,
        choice=row.choice,
        day=row.day,
        document=row.document.sha256 if row.document else None,
    )


def _document(row: rows.Attachment) -> DocumentReference:
    return DocumentReference(
        key=f"attachment-{row.pk}",
        name=row.document.name,
        sha256=row.document.sha256,
        size=row.document.size,
        content_type=row.document.content_type,
        part=Part(row.part),
        row=row.row_key,
        caption=row.caption,
        mark=Mark(row.mark),
        justification=row.justification,
    )

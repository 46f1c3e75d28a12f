"""Packages as values: one complete, and strategies that make any package a draft could be."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from hypothesis import strategies as st

from program.enums import EvidenceType, Mark, StackLayer
from proposals import enums, package
from proposals.package import (
    ApplicationComponent,
    CallReference,
    Compliance,
    ComplianceStatement,
    Consent,
    ConsortiumFacts,
    Contact,
    Country,
    DataComponent,
    HardwareComponent,
    Holder,
    Member,
    ModelComponent,
    OperatingModel,
    OperatingRole,
    OrganizationFacts,
    Package,
    Provision,
    SecurityComponent,
    Site,
    SupportRequest,
    TargetMarket,
)
from proposals.questionnaire import SUBJECTS

US, KE = Country(code="US", name="United States"), Country(code="KE", name="Kenya")


def member(key="member-1", *, is_anchor=True, home=US, holders=None, **facts):
    """A consenting member; the anchor unless told otherwise."""
    owners = (Holder(key=f"{key}-h", name="Public", country=US, share=Decimal("0.8")),)
    organization = {
        "legal_name": f"Fictional {key}, Inc.", "incorporated_in": home, "headquartered_in": home,
        "holders": owners if holders is None else tuple(holders), **facts,
    }  # fmt: skip
    return Member(
        key=key,
        is_anchor=is_anchor,
        role="Leads and integrates.",
        organization=OrganizationFacts(**organization),
        consent=Consent(
            status=enums.MembershipStatus.CONSENTED, declaration_version="1", is_current=True,
            given_at=datetime(2026, 10, 1, tzinfo=UTC), given_by="Ada Anchor",
        ),
    )  # fmt: skip


def hardware(key="component-1", total="100.00", us="60.00", subtype="accelerator", **changes):
    values = {
        "name": "Accelerator board", "supplier": "member-1", "subtype": subtype, "maker": "Fictional Silicon",
        "model": "X1", "quantity": 100, "country_of_origin": US, "us_manufacture": "Assembled in Arizona.",
        "jurisdiction": "ear", "eccn": "4A090.a", "tpp": Decimal("4000"), "is_datacenter": True,
        "license_basis": "License AC-2026-0042",
    }  # fmt: skip
    amounts = {"total_value_usd": total and Decimal(total), "us_content_value_usd": us and Decimal(us)}
    return HardwareComponent(key=key, **(values | amounts | changes))


def complete_package(**changes):
    """A package that has everything the order and every call demand."""
    common = {"supplier": "member-1", "jurisdiction": "ear"}
    values = {
        "call": CallReference(number="AIX-C-2026-0001", title="Call for proposals"),
        "title": "Full AI stack for district hospitals",
        "summary": "From accelerators to triage.",
        "contact": Contact(name="Ada Contact", email="ada@firm.example"),
        "consortium": ConsortiumFacts(name="Fictional Stack Consortium", members=(member(),)),
        "provisions": tuple(
            Provision(key=f"provision-{n}", member="member-1", layer=layer)
            for n, layer in enumerate(StackLayer)
        ),
        "components": (
            hardware(),
            DataComponent(
                key="component-2", name="Labeling", data_location="Nairobi", provenance="Hospitals", **common
            ),
            ModelComponent(
                key="component-3", name="Triage model", developer="Fictional Models", weights="closed",
                compute_band="1e24_1e25", hosting="Nairobi", weight_custody="The anchor", **common,
            ),
            SecurityComponent(
                key="component-4", name="Operations center", controls="Zero trust",
                incident_response="15 minutes", weight_protection="Encrypted", **common,
            ),
            ApplicationComponent(
                key="component-5", name="Triage", sector="healthcare", use_case="Triage", users="Nurses",
                **common,
            ),
        ),
        "markets": (
            TargetMarket(
                key="market-1", kind="country", code="KE", name="Kenya", countries=(KE,),
                national_interest="Hospitals on an American stack.", end_users="District hospitals.",
            ),
        ),
        "operating_model": OperatingModel(
            overview="The anchor owns and runs it.",
            sites=(
                Site(
                    key="site-1", name="Nairobi data center", country=KE,
                    roles=tuple(
                        OperatingRole(key=f"role-{n}", act=act, member="member-1")
                        for n, act in enumerate(enums.OperatingAct)
                    ),
                ),
            ),
        ),
        "support_requests": (
            SupportRequest(key="support-1", mechanism="direct_loan", purpose="To finance the data center."),
        ),
        "compliance": Compliance(
            officer=Contact(name="Cy Officer", email="cy@firm.example"),
            program_summary="Every delivery is reviewed.",
            end_uses="Triage.",
            remote_access_policy="Identified hospitals only.",
            statements=tuple(
                ComplianceStatement(
                    key=f"statement-{subject.code}", subject=subject.code, text=subject.text,
                    citation=subject.citation, answer=subject.answers[0],
                )
                for subject in SUBJECTS
            ),
        ),
    }  # fmt: skip
    return Package(**(values | changes))


# Any package: mostly short texts, some hostile ones, numbers at their limits, everything optional

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=12),
    st.sampled_from(["", " ", "<script>", "אב‮x", "🛰️", "=1+1", "\n\t"]),
)
keys = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
codes = st.from_regex(r"[A-Z]{2}", fullmatch=True)
countries = st.builds(Country, code=codes, name=texts)
amounts = st.decimals(0, Decimal("999999999999999999.99"), places=2)
shares = st.decimals(0, 1, places=6)
measures = st.decimals(0, Decimal("9999999999.9999"), places=4)
numbers = st.decimals(Decimal("-999999999999999"), Decimal("999999999999999"), places=6)
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
wholes = st.integers(0, package.LARGEST_WHOLE)
few = {"max_size": 3}


def some(strategy):
    return st.lists(strategy, **few).map(tuple)


def maybe(strategy):
    return st.none() | strategy


def choice(enum):
    return st.sampled_from(list(enum))


def built(model, /, **known):
    """Any instance of ``model``: each field from what its name says, ``known`` first."""
    by_name = {
        "key": keys, "country": maybe(countries), "quantity": maybe(wholes), "size": wholes, "layer": None,
        "is_anchor": st.booleans(), "is_small_business": st.booleans(), "has_control": st.booleans(),
        "is_ultimate": st.booleans(), "is_current": st.booleans(), "is_datacenter": maybe(st.booleans()),
        "share": maybe(shares), "aliases": some(texts), "supplier": maybe(keys), "member": maybe(keys),
        "owns": maybe(keys),
        "total_value_usd": maybe(amounts), "us_content_value_usd": maybe(amounts),
        "amount_usd": maybe(amounts),
        "tpp": maybe(measures), "performance_density": maybe(measures), "capacity_mw": maybe(measures),
        "term_months": maybe(wholes), "number": maybe(numbers), "sha256": digests, "document": maybe(digests),
        "day": maybe(st.dates()), "license_expires_on": maybe(st.dates()),
        "given_at": maybe(st.datetimes(timezones=st.just(UTC))), "incorporated_in": maybe(countries),
        "headquartered_in": maybe(countries), "parent_country": maybe(countries),
        "third_party_country": maybe(countries), "country_of_origin": maybe(countries),
        "country_of_assembly": maybe(countries), "countries": some(countries),
        "cloud_access_countries": some(countries), "subtype": maybe(choice(enums.HardwareType)),
        "jurisdiction": maybe(choice(enums.Jurisdiction)), "eccn_basis": maybe(choice(enums.EccnBasis)),
        "weights": maybe(choice(enums.Weights)), "compute_band": maybe(choice(enums.ComputeBand)),
        "sector": maybe(choice(enums.Sector)), "act": choice(enums.OperatingAct),
        "mechanism": maybe(choice(enums.SupportMechanism)), "answer": maybe(choice(enums.ComplianceAnswer)),
        "evidence_type": choice(EvidenceType), "mark": choice(Mark), "part": choice(enums.Part),
    }  # fmt: skip
    fields = {name: known.get(name, by_name.get(name, texts)) for name in model.model_fields}
    return st.builds(model, **{name: strategy for name, strategy in fields.items() if strategy is not None})


@st.composite
def packages(draw):
    """Any package that a draft, a member's file or a hostile import could be."""
    return draw(any_package())


@cache
def any_package():
    organization = built(OrganizationFacts, holders=some(built(Holder)))
    consent = built(Consent, status=choice(enums.MembershipStatus))
    members = some(built(Member, organization=organization, consent=consent))
    component = st.one_of(
        *(
            built(kind)
            for kind in (
                HardwareComponent, DataComponent, ModelComponent, SecurityComponent, ApplicationComponent,
            )
        )
    )  # fmt: skip
    site = built(Site, roles=some(built(OperatingRole)), status=maybe(choice(enums.SiteStatus)))
    subjects = st.sampled_from([*(subject.code for subject in SUBJECTS), "unheard-of"])
    return st.builds(
        Package,
        call=built(CallReference, number=texts),
        title=texts,
        summary=texts,
        contact=built(Contact),
        consortium=built(ConsortiumFacts, members=members),
        provisions=some(built(Provision, member=keys, layer=choice(StackLayer))),
        components=some(component),
        markets=some(built(TargetMarket, kind=maybe(choice(enums.MarketKind)))),
        operating_model=built(OperatingModel, sites=some(site)),
        support_requests=some(built(SupportRequest)),
        compliance=built(
            Compliance,
            officer=built(Contact),
            statements=some(built(ComplianceStatement, subject=subjects)),
            parties=some(built(package.OutsideParty, role=maybe(choice(enums.PartyRole)))),
        ),
        answers=some(built(package.Answer)),
        documents=some(built(package.DocumentReference, part=maybe(choice(enums.Part)))),
        markings=some(built(package.Marking)),
    )

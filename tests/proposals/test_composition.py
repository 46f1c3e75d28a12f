"""One statement loads the working copy; Django's own prefetching says what must come out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db.models import Prefetch, prefetch_related_objects

from program.models import Bloc, IneligibleJurisdiction
from proposals.composition import compose, composed, rules_of
from proposals.enums import ProposalStatus
from proposals.models import (
    Answer,
    Attachment,
    Component,
    Holding,
    Marking,
    Membership,
    OutsideParty,
    Proposal,
    Site,
    TargetMarket,
)
from tests.factories.program import CountryFactory, OrganizationFactory, RequirementFactory
from tests.factories.proposals import (
    DocumentFactory,
    MembershipFactory,
    ProposalFactory,
    certified,
    submitted,
)

pytestmark = pytest.mark.django_db

HOSTILE = "<script>'é'</script> \"\\\" ‮אב 🛰️ {{ 7*7 }} null [1.50]\n\t\u2028"


def prefetched(proposal):
    """The same rows by ``prefetch_related``, one statement for each kind."""
    proposal = Proposal.objects.select_related("call", "consortium", "created_by").get(pk=proposal.pk)
    members = Membership.objects.present().prefetch_related("organization__holdings")
    prefetch_related_objects(
        [proposal],
        Prefetch("consortium__memberships", queryset=members, to_attr="present_members"),
        Prefetch(
            "attachments", queryset=Attachment.objects.filter(removed_at=None), to_attr="present_attachments"
        ),
    )
    return proposal


def rich(proposal):
    """A proposal whose rows touch every relation, with empty, hostile and extreme values."""
    kenya, japan = CountryFactory(code="KE"), CountryFactory(code="JP")
    partner = OrganizationFactory(aliases="One\nTwo", parent_country=japan, uei="")
    MembershipFactory(
        consortium=proposal.consortium, organization=partner, status="invited", role_text=HOSTILE,
        consented_role="", consented_at=None, consented_by=None,
    )  # fmt: skip
    MembershipFactory(consortium=proposal.consortium, status="left")
    Holding.objects.create(organization=partner, holder_name=HOSTILE, share=Decimal("0.000001"))
    Component.objects.create(
        proposal=proposal, layer="hardware", name=HOSTILE, quantity=2**53 - 1, tpp=Decimal("0.0001"),
        total_value_usd=Decimal("999999999999999999.99"), license_expires_on=date(2027, 2, 28),
    )  # fmt: skip
    Component.objects.create(proposal=proposal, layer="data", country_of_origin=japan)
    bloc = Bloc.objects.create(
        code="HOSTILE", name="East African Community", source=HOSTILE, checked_on=date(2026, 1, 1)
    )
    bloc.countries.set([kenya, CountryFactory(code="US")])
    TargetMarket.objects.create(proposal=proposal, bloc=bloc)
    TargetMarket.objects.create(proposal=proposal)
    TargetMarket.objects.create(proposal=proposal, list_name="Own").countries.set([kenya, japan])
    Site.objects.create(proposal=proposal, capacity_mw=Decimal("0.5000"))
    OutsideParty.objects.create(proposal=proposal, aliases="A\n\n B ", parent_country=japan)
    proposal.cloud_access_countries.set([japan, kenya])
    requirement = RequirementFactory(call=proposal.call, evidence_type="number")
    Answer.objects.create(
        proposal=proposal, requirement=requirement, number=Decimal("-1.500000"), day=date(2026, 12, 31),
        document=DocumentFactory(),
    )  # fmt: skip
    Attachment.objects.create(proposal=proposal, document=DocumentFactory(), caption=HOSTILE)
    Attachment.objects.create(proposal=proposal, document=DocumentFactory(), removed_at=proposal.created_at)
    Marking.objects.create(proposal=proposal, part="hardware", field="name", justification=HOSTILE)
    return proposal


MADE = {
    "empty": lambda: ProposalFactory(),
    "complete": lambda: ProposalFactory(complete=True),
    "rich": lambda: rich(ProposalFactory(complete=True)),
    "rich-draft": lambda: rich(ProposalFactory()),
}


@pytest.mark.parametrize("made", MADE)
def test_package_is_the_same_to_the_byte_as_by_prefetching(made):
    proposal = MADE[made]()
    assert compose(proposal).to_json() == composed(prefetched(proposal)).to_json()


def test_composition_asks_nothing_more_than_its_one_statement(django_assert_num_queries):
    proposal = rich(ProposalFactory(complete=True))
    with django_assert_num_queries(1):
        working = Proposal.objects.for_detail().get(pk=proposal.pk)
        composed(working)
        rules_of(working.call, on=date(2026, 10, 1))


def fields(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_every_column_of_every_kind_of_row_comes_back_as_it_is():
    proposal = ProposalFactory(complete=True)
    certified(proposal)
    rich(proposal)
    IneligibleJurisdiction.objects.create(
        call=proposal.call,
        country=CountryFactory(code="CN"),
        reason="Listed.",
        effective_from=date(2026, 1, 1),
    )
    working, plain = Proposal.objects.for_detail().get(pk=proposal.pk), Proposal.objects.get(pk=proposal.pk)
    for name in (
        "provisions", "components", "markets", "sites", "support_requests", "compliance_statements",
        "outside_parties", "answers", "cloud_access_countries", "markings",
    ):  # fmt: skip
        loaded, stored = getattr(working, name).all(), getattr(plain, name).all()
        assert [fields(row) for row in loaded] == [fields(row) for row in stored] != []
    for name in ("requirements", "ineligible_jurisdictions"):
        loaded, stored = getattr(working.call, name).all(), getattr(plain.call, name).all()
        assert sorted(map(repr, map(fields, loaded))) == sorted(map(repr, map(fields, stored))) != []
    roles = [fields(role) for site in working.sites.all() for role in site.roles.all()]
    assert roles == [fields(role) for site in plain.sites.all() for role in site.roles.all()] != []
    assert fields(working.unused_certifications[0]) == fields(plain.certifications.get())


def test_rows_lead_back_to_their_proposal_without_asking(django_assert_num_queries):
    working = Proposal.objects.for_detail().get(pk=ProposalFactory(complete=True).pk)
    with django_assert_num_queries(0):
        assert {row.proposal for row in working.components.all()} == {working}
        assert {role.site.proposal for site in working.sites.all() for role in site.roles.all()} == {working}


def test_certification_counts_once():
    proposal = ProposalFactory(complete=True)
    submitted(proposal)
    assert Proposal.objects.for_detail().get(pk=proposal.pk).unused_certifications == []


def test_jurisdiction_counts_on_its_days_only():
    proposal = ProposalFactory()
    values = {"call": proposal.call, "country": CountryFactory(code="KE"), "reason": "For a while."}
    IneligibleJurisdiction.objects.create(
        effective_from=date(2026, 3, 1), effective_to=date(2026, 4, 1), **values
    )
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1)]
    named = ["KE" in {row.country for row in rules_of(proposal.call, on=day).ineligible} for day in days]
    assert named == [False, True, True, False]


def test_version_says_what_prefetching_said():
    proposal = ProposalFactory(complete=True)
    expected = composed(prefetched(proposal)).to_json()
    assert submitted(proposal).package == expected and proposal.status == ProposalStatus.SUBMITTED

"""Consortia and proposals with their defaults written down: see ``ProposalFactory`` first.

``ProposalFactory()`` is an empty draft of a consortium with an anchor, under an issued call;
``ProposalFactory(complete=True)`` has every part that submission demands; ``status=`` takes it by the real
services as far as a submission goes, and beyond it by setting the columns that the upper apps would set.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import factory

from program import clock
from program.models import Affiliation, Document
from proposals import declaration, services
from proposals.composition import compose
from proposals.enums import AuthorityBasis, MembershipStatus, OperatingAct, ProposalStatus, TeamRole
from proposals.models import (
    ComplianceStatement,
    Component,
    Consortium,
    Holding,
    Membership,
    OperatingRole,
    OutsideParty,
    Proposal,
    Provision,
    Recusal,
    Site,
    SupportRequest,
    TargetMarket,
    TeamMember,
)
from proposals.questionnaire import BY_CODE, SUBJECTS
from tests.factories.program import CountryFactory, OrganizationFactory, UserFactory, issued_call
from tests.factories.remembered import RememberedFactory, remembered

SUBMITTED_ONWARD = (
    ProposalStatus.SUBMITTED, ProposalStatus.RETURNED, ProposalStatus.UNDER_EVALUATION,
    ProposalStatus.DESIGNATED, ProposalStatus.NOT_SELECTED,
)  # fmt: skip


class MembershipFactory(RememberedFactory):
    """A member that has consented."""

    class Meta:
        model = Membership

    organization = factory.SubFactory(OrganizationFactory)
    status = MembershipStatus.CONSENTED
    role_text = "Supplies accelerators and operates them."
    consented_role = factory.LazyAttribute(
        lambda row: row.role_text if row.status == MembershipStatus.CONSENTED else ""
    )
    declaration_version = declaration.VERSION
    invited_by = factory.SubFactory(UserFactory)
    consented_by = factory.SelfAttribute("invited_by")
    consented_at = factory.LazyFunction(clock.instant)


class TeamMemberFactory(RememberedFactory):
    """A contributor; affiliated with the organization, as the services demand."""

    class Meta:
        model = TeamMember
        skip_postgeneration_save = True

    membership = factory.SubFactory(MembershipFactory)
    user = factory.SubFactory(UserFactory)
    role = TeamRole.CONTRIBUTOR
    added_by = factory.SelfAttribute("user")

    @factory.post_generation
    def affiliated(self, create, extracted, **kwargs):
        if create:
            Affiliation.objects.get_or_create(user=self.user, organization=self.membership.organization)


class ConsortiumFactory(RememberedFactory):
    """A consortium whose anchor has one administrator, who is its authorized representative too."""

    class Meta:
        model = Consortium
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Fictional Stack Consortium {n}")
    description = "Seven companies that supply a full AI stack to hospitals and farms."
    created_by = factory.SubFactory(UserFactory, title="Vice President")

    @factory.post_generation
    def anchored(self, create, extracted, **kwargs):
        if create and extracted is not False:
            anchor = MembershipFactory(
                consortium=self, is_anchor=True, role_text="Leads and integrates.", invited_by=self.created_by
            )
            for role in (TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE):
                TeamMemberFactory(membership=anchor, user=self.created_by, role=role)


class ProposalFactory(RememberedFactory):
    """A draft, or with ``status=`` a proposal as far as that; ``complete=True`` fills every part."""

    class Meta:
        model = Proposal
        skip_postgeneration_save = True

    call = factory.LazyFunction(issued_call)
    consortium = factory.SubFactory(ConsortiumFactory)
    title = "Full AI stack for district hospitals"
    created_by = factory.SelfAttribute("consortium.created_by")

    @classmethod
    def _create(cls, model_class, *args, complete=False, status=ProposalStatus.DRAFT, **kwargs):
        proposal = super()._create(model_class, *args, **kwargs)
        if complete or status in SUBMITTED_ONWARD:
            fill(proposal)
        bring_to(proposal, ProposalStatus(status))
        return proposal


def representative_of(proposal):
    """A fresh copy of the person who may certify and submit."""
    place = TeamMember.objects.filter(
        membership__consortium=proposal.consortium, membership__is_anchor=True,
        role=TeamRole.AUTHORIZED_REPRESENTATIVE,
    ).first()  # fmt: skip
    return place.user


@remembered
def certified(proposal, by=None):
    """Certify the working copy as it stands."""
    return services.certify_proposal(
        proposal, by=by or representative_of(proposal), content_sha256=compose(proposal).sha256,
        typed_signature=(by or representative_of(proposal)).name, authority_basis=AuthorityBasis.OFFICER,
    )  # fmt: skip


@remembered
def submitted(proposal, by=None):
    """Certify and submit by the real services; returns the version."""
    by = by or representative_of(proposal)
    certified(proposal, by)
    return services.submit_proposal(proposal, by=by)


def bring_to(proposal, status):
    """Take a draft to ``status``: to SUBMITTED by the services, beyond it as the upper apps' acts would."""
    if status in SUBMITTED_ONWARD:
        submitted(proposal)
    elif status == ProposalStatus.WITHDRAWN:
        services.withdraw_proposal(proposal, by=representative_of(proposal), note="We found another way.")
    if status == ProposalStatus.LAPSED:
        Proposal.objects.filter(pk=proposal.pk).update(status=status)
    elif status == ProposalStatus.RETURNED:
        due = proposal.call.closes_at + timedelta(days=10)
        Proposal.objects.filter(pk=proposal.pk).update(status=status, cure_due_at=due)
    elif status in SUBMITTED_ONWARD[2:]:
        Proposal.objects.filter(pk=proposal.pk).update(status=status, accepted_at=clock.instant())
    proposal.refresh_from_db()


@remembered
def fill(proposal):
    """Everything that a submission demands: seven components of five layers and all statements."""
    anchor = proposal.consortium.anchor
    home, kenya = CountryFactory(code="US"), CountryFactory(code="KE")
    Holding.objects.get_or_create(
        organization=anchor.organization, holder_name="Public shareholders", holder_country=home,
        share=Decimal("0.80"),
    )  # fmt: skip
    components(proposal, anchor, home)
    TargetMarket.objects.create(
        proposal=proposal,
        country=kenya,
        national_interest="Hospitals that run on an American stack keep patient data under rules we share.",
        demand_evidence="The ministry of health has asked for offers for 47 district hospitals.",
        end_users="District hospitals and their nursing schools.",
    )
    site = Site.objects.create(
        proposal=proposal, name="Nairobi data center", kind="Data center", country=kenya, location="Nairobi",
        capacity_mw=Decimal("12.5"), status="planned",
    )  # fmt: skip
    OperatingRole.objects.create(
        site=site, act=OperatingAct.BUILD, third_party_name="Rift Builders Ltd", third_party_country=kenya
    )
    for act in (OperatingAct.OWN, OperatingAct.OPERATE):
        OperatingRole.objects.create(site=site, act=act, membership=anchor)
    SupportRequest.objects.create(
        proposal=proposal,
        mechanism="direct_loan",
        amount_usd=Decimal("120000000.00"),
        term_months=120,
        purpose="To finance the data center and its first accelerators.",
        alternatives="Commercial lenders offer at most five years.",
    )
    state_compliance(proposal)
    OutsideParty.objects.create(
        proposal=proposal, role="end_user", legal_name="Kenya District Hospitals Authority", country=kenya
    )
    proposal.summary = "A full AI stack, from accelerators to triage, for 47 district hospitals."
    proposal.contact_name, proposal.contact_email = "Ada Contact", "contact@firm.example"
    proposal.operating_model = "The anchor owns and runs the data center; hospitals pay by use."
    proposal.compliance_officer_name, proposal.compliance_officer_email = "Cy Officer", "cy@firm.example"
    proposal.program_summary = "A compliance officer reviews every delivery; records are kept ten years."
    proposal.end_uses = "Triage, imaging and training of nurses."
    proposal.remote_access_policy = "Only identified hospitals get remote access; logs are kept."
    proposal.save()


def components(proposal, supplier, home):
    """One component of each layer, three of hardware: 60 percent U.S. content by value."""
    common = {"proposal": proposal, "supplier": supplier, "jurisdiction": "ear"}
    lines = [
        ("Accelerator board", "accelerator", "3000000.00", "2000000.00"),
        ("Storage array", "storage", "1000000.00", "300000.00"),
        ("Switch", "network", "1000000.00", "700000.00"),
    ]
    for name, subtype, total, us in lines:
        Component.objects.create(
            **common, layer="hardware", subtype=subtype, name=name, maker="Fictional Silicon", model="X1",
            quantity=100, total_value_usd=Decimal(total), us_content_value_usd=Decimal(us),
            country_of_origin=home, country_of_assembly=home, place_of_manufacture="Phoenix, Arizona",
            us_manufacture="Designed and assembled in Arizona; memory comes from abroad.",
            eccn="4A090.a" if subtype == "accelerator" else "5A992.c", eccn_basis="self",
            tpp=Decimal("4000") if subtype == "accelerator" else None,
            license_basis="License AC-2026-0042" if subtype == "accelerator" else "",
            is_datacenter=True,
        )  # fmt: skip
    Component.objects.create(
        **common, layer="data", name="Clinical labeling", data_location="Nairobi",
        provenance="Hospital records with consent.", privacy_regime="Kenya Data Protection Act 2019",
    )  # fmt: skip
    Component.objects.create(
        **common, layer="models", name="Triage model", developer="Fictional Models", weights="closed",
        compute_band="1e24_1e25", hosting="In the Nairobi data center.", weight_custody="The anchor alone.",
    )  # fmt: skip
    Component.objects.create(
        **common, layer="security", name="Operations center", frameworks="NIST CSF 2.0",
        controls="Zero trust access, key management in hardware.", certifications="ISO/IEC 27001",
        incident_response="Around the clock, first answer within 15 minutes.",
        weight_protection="Weights are encrypted and leave the hardware module never.",
    )  # fmt: skip
    Component.objects.create(
        **common, layer="applications", name="Hospital triage", sector="healthcare",
        use_case="Nurses sort arriving patients.", users="Nurses", languages="English, Swahili",
        localization="Wards and forms as the ministry names them.",
    )  # fmt: skip
    for layer in ("hardware", "data", "models", "security", "applications"):
        Provision.objects.create(proposal=proposal, membership=supplier, layer=layer)


def state_compliance(proposal):
    """Every statement answered with what needs no explanation."""
    given = list(proposal.compliance_statements.all())
    for statement in given:
        statement.answer = BY_CODE[statement.subject].answers[0]
    ComplianceStatement.objects.bulk_update(given, ["answer"])
    subjects = {statement.subject for statement in given}
    ComplianceStatement.objects.bulk_create(
        ComplianceStatement(proposal=proposal, subject=subject.code, answer=subject.answers[0])
        for subject in SUBJECTS
        if subject.code not in subjects
    )


class DocumentFactory(RememberedFactory):
    """The row of a stored file, without bytes behind it."""

    class Meta:
        model = Document

    name = factory.Sequence(lambda n: f"evidence-{n}.pdf")
    kind = "pdf"
    content_type = "application/pdf"
    size = 1024
    sha256 = factory.Sequence(lambda n: f"{n:064x}")
    justification = "It holds prices."
    uploaded_by = factory.SubFactory(UserFactory)


class RecusalFactory(RememberedFactory):
    class Meta:
        model = Recusal

    proposal = factory.SubFactory(ProposalFactory)
    user = factory.SubFactory(UserFactory)
    reason = "A former employer is a member."
    recused_by = factory.SelfAttribute("user")
    recused_at = factory.LazyFunction(clock.instant)

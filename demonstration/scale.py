"""Many proposals for measuring: rows in bulk, no services, no notices. Nobody should read them as a story.

What a proposal is like follows from its running number, so that two runs of one size make the same data. Each
chunk of proposals is one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.db import models, transaction

from demonstration.calls import closing, opened_on
from demonstration.people import hashed_password, official
from demonstration.timeline import at_work, monday_before
from evaluation.enums import Recommendation, ReferralStatus, ReviewStatus, Stance
from evaluation.folding import folded_words
from evaluation.models import (
    AgencyScore,
    Assignment,
    CatalogEntry,
    Conflict,
    Designation,
    Determination,
    Position,
    Referral,
    Review,
    Score,
)
from financing.enums import ReferralStatus as ToolStatus
from financing.models import Tool, ToolReferral
from program import clock
from program.canonical import canonical_json, sha256_hex
from program.enums import OfficeRole, StackLayer
from program.models import (
    Affiliation,
    Agency,
    AuditEvent,
    Call,
    Country,
    Criterion,
    Office,
    Organization,
    User,
)
from program.services import calls
from proposals import declaration
from proposals.enums import (
    ComputeBand,
    HardwareType,
    MembershipStatus,
    ProposalStatus,
    Sector,
    TeamRole,
    Weights,
)
from proposals.models import (
    Certification,
    Component,
    Consortium,
    Membership,
    Proposal,
    ProposalGrant,
    Provision,
    SupportRequest,
    TargetMarket,
    TeamMember,
    Version,
)

TITLE: Final = "Scale data (measuring only)"
NAMED: Final = "Scale consortium "
CHUNK: Final = 250
BATCH: Final = 1000
REVIEWERS_PER_AGENCY: Final = 12
ORGANIZATIONS: Final = 400
MARKETS: Final = ("KE", "GH", "PL", "IN", "PH", "VN", "CL", "BR", "JP", "FJ")
LAYERS: Final = [layer for layer in StackLayer for _ in range(3)]  # fifteen components
TOOLS: Final = ("direct_loan", "political_risk_insurance", "feasibility_study")
TOOL_STAGES: Final = (ToolStatus.PROPOSED, ToolStatus.REFERRED, ToolStatus.ACCEPTED)
SUBJECT: Final = "proposals.proposal"


def status_of(number: int) -> ProposalStatus:
    """Of a hundred: 2 designated, 8 not selected, 4 drafts, 10 submitted, 76 under evaluation."""
    place = number % 100
    if place < 2:
        return ProposalStatus.DESIGNATED
    if place < 10:
        return ProposalStatus.NOT_SELECTED
    if place < 14:
        return ProposalStatus.DRAFT
    return ProposalStatus.SUBMITTED if place < 24 else ProposalStatus.UNDER_EVALUATION


def count() -> int:
    """How many proposals for measuring there are."""
    return Proposal.objects.filter(call__title=TITLE).count()


def add(total: int) -> Iterator[int]:
    """Add ``total`` proposals after those there are; yields how many were made so far."""
    world, first = World.read(), count() + 1
    for start in range(first, first + total, CHUNK):
        numbers = range(start, min(start + CHUNK, first + total))
        with transaction.atomic():
            Chunk(world, numbers).write()
        yield numbers.stop - first


@dataclass(frozen=True)
class World:
    """What all proposals share, read or made once."""

    call: Call
    agencies: list[Agency]
    reviewers: dict[int, list[User]]
    criteria: list[Criterion]
    countries: dict[str, Country]
    organizations: list[Organization]
    tools: list[Tool]
    edag: dict[str, User]
    evaluate: Permission
    template: str
    template_title: str

    @classmethod
    @transaction.atomic
    def read(cls) -> World:
        """The smallest package of the demonstration is the pattern. Raises Version.DoesNotExist."""
        versions = Version.objects.exclude(proposal__call__title=TITLE)
        pattern = versions.annotate(length=models.functions.Length("package")).order_by("length").first()
        if pattern is None:
            raise Version.DoesNotExist("Load the demonstration first.")
        agencies = list(Agency.objects.filter(is_evaluating=True))
        call = Call.objects.filter(title=TITLE).first() or issue_call()
        return cls(
            call=call,
            agencies=agencies,
            reviewers={agency.pk: reviewers_of(agency) for agency in agencies},
            criteria=list(call.criteria.all()),
            countries=Country.objects.in_bulk(MARKETS),
            organizations=organizations(),
            tools=list(Tool.objects.filter(code__in=TOOLS).select_related("agency").order_by("code")),
            edag={code: official(f"edag-{code}") for code in ("STATE", "EXIM", "DFC", "USTDA")},
            evaluate=Permission.objects.get(
                codename="evaluate_proposal", content_type__app_label="proposals"
            ),
            template=pattern.package,
            template_title=pattern.value.title,
        )

    @cached_property
    def opened(self) -> datetime:
        return at_work(opened_on(self.call), 9).astimezone(UTC)


def issue_call() -> Call:
    """A call of its own, by the real services, so that nothing of the story is mixed with it."""
    issue = at_work(monday_before(clock.today() - timedelta(days=60)), 9)
    with clock.moved_to(issue):
        call = calls.draft_call(by=official("officer"), title=TITLE)
        changes = {
            "summary": "Holds proposals that only measure the portal.",
            "text": "Holds proposals that only measure the portal. Nobody proposes here.",
            "no_fr_reason": "Measuring publishes nothing.",
            "no_control_reason": "Measuring collects nothing.",
        }
        calls.update_call(call, by=official("officer"), revision=call.revision, changes=changes)
        calls.approve_call(call, by=official("second-officer"))
        calls.issue_call(call, by=official("officer"))
    return call


def reviewers_of(agency: Agency) -> list[User]:
    """Twelve reviewers of an agency, sixty in all."""
    emails = [f"scale{number}@{agency.code.lower()}.example" for number in range(REVIEWERS_PER_AGENCY)]
    if not User.objects.filter(email=emails[0]).exists():
        people = User.objects.bulk_create(
            User(email=email, name=f"Reviewer {number}", password=hashed_password())
            for number, email in enumerate(emails)
        )
        since = date(2025, 11, 3)
        Office.objects.bulk_create(
            Office(user=one, agency=agency, role=OfficeRole.REVIEWER, effective_from=since) for one in people
        )
        verify(people)
    return list(User.objects.filter(email__in=emails).order_by("pk"))


def verify(people: Sequence[User]) -> None:
    EmailAddress.objects.bulk_create(
        EmailAddress(user=one, email=one.email, verified=True, primary=True) for one in people
    )


def organizations() -> list[Organization]:
    stem = "Scale organization "
    if not Organization.objects.filter(legal_name__startswith=stem).exists():
        Organization.objects.bulk_create(
            Organization(legal_name=f"{stem}{number:04}", incorporated_in_id="US", headquartered_in_id="US")
            for number in range(ORGANIZATIONS)
        )
    return list(Organization.objects.filter(legal_name__startswith=stem).order_by("pk"))


class Chunk:
    """Some proposals with all that hangs on them; each method writes the rows of one kind."""

    def __init__(self, world: World, numbers: range) -> None:
        self.world, self.numbers = world, numbers

    def write(self) -> None:
        self.write_consortia()
        self.write_proposals()
        self.write_parts()
        self.write_versions()
        self.write_referrals()
        self.write_reviews()
        self.write_decisions()
        self.write_record()

    @staticmethod
    def keep(rows: Iterator[Any] | list[Any], model: type[models.Model]) -> list[Any]:
        return model._default_manager.bulk_create(list(rows), batch_size=BATCH)

    def write_consortia(self) -> None:
        """Each with a person of its own, an anchor and two members out of a pool."""
        world, pool = self.world, self.world.organizations
        self.people = self.keep(
            (
                User(
                    email=f"scale{n}@consortium.example",
                    name=f"Person {n}",
                    title="President",
                    password=hashed_password(),
                )
                for n in self.numbers
            ),
            User,
        )
        verify(self.people)
        consortia = self.keep(
            (
                Consortium(name=f"{NAMED}{n:06}", created_by=who)
                for n, who in zip(self.numbers, self.people, strict=True)
            ),
            Consortium,
        )
        self.consortia = consortia
        members = [
            Membership(
                consortium=consortium,
                organization=pool[(n * 3 + place) % len(pool)],
                is_anchor=place == 0,
                status=MembershipStatus.CONSENTED,
                role_text="Takes part.",
                consented_role="Takes part.",
                declaration_version=declaration.VERSION,
                invited_by=who,
                consented_by=who,
                consented_at=world.opened,
            )
            for n, consortium, who in zip(self.numbers, consortia, self.people, strict=True)
            for place in range(3)
        ]
        self.anchors = self.keep(members, Membership)[::3]
        self.keep(
            (
                TeamMember(membership=anchor, user=who, role=role, added_by=who)
                for anchor, who in zip(self.anchors, self.people, strict=True)
                for role in (TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE)
            ),
            TeamMember,
        )
        self.keep(
            (
                Affiliation(user=who, organization=anchor.organization, added_by=who)
                for anchor, who in zip(self.anchors, self.people, strict=True)
            ),
            Affiliation,
        )

    def write_proposals(self) -> None:
        world = self.world
        rows = []
        for n, consortium, who in zip(self.numbers, self.consortia, self.people, strict=True):
            status = status_of(n)
            is_out, is_in = status != ProposalStatus.DRAFT, self.is_accepted(status)
            rows.append(
                Proposal(
                    call=world.call,
                    consortium=consortium,
                    number=f"AIX-S-{n:06}" if is_out else None,
                    title=f"Package for measuring {n:06}",
                    submitted_title=f"Package for measuring {n:06}" if is_out else "",
                    summary="Measures how long a page takes.",
                    status=status,
                    submitted_at=self.at(n, 10) if is_out else None,
                    accepted_at=self.at(n, 12) if is_in else None,
                    version_count=int(is_out),
                    contact_name=who.name,
                    contact_email=who.email,
                    operating_model="The anchor builds, owns and operates.",
                    created_by=who,
                )
            )
        self.proposals = self.keep(rows, Proposal)
        self.submitted = [one for one in self.proposals if one.submitted_at]
        self.accepted = [one for one in self.proposals if one.accepted_at]

    @staticmethod
    def is_accepted(status: ProposalStatus) -> bool:
        return status not in (ProposalStatus.DRAFT, ProposalStatus.SUBMITTED)

    def at(self, number: int, days: int) -> datetime:
        """So many days after the call opened, spread over the hours."""
        return self.world.opened + timedelta(days=days, minutes=number % 600)

    def write_parts(self) -> None:
        pairs = list(zip(self.proposals, self.anchors, self.numbers, strict=True))
        self.keep((self.component(*pair, place) for pair in pairs for place in range(len(LAYERS))), Component)
        self.keep(
            (
                Provision(proposal=one, membership=anchor, layer=layer)
                for one, anchor, _ in pairs
                for layer in StackLayer
            ),
            Provision,
        )
        self.keep(
            (
                TargetMarket(
                    proposal=one,
                    country=self.country(n),
                    national_interest="Measured.",
                    end_users="Measured.",
                )
                for one, _, n in pairs
            ),
            TargetMarket,
        )
        self.keep(
            (
                SupportRequest(
                    proposal=one,
                    mechanism=TOOLS[n % len(TOOLS)],
                    amount_usd=Decimal(1_000_000 + n),
                    purpose="Measured.",
                )
                for one, _, n in pairs
            ),
            SupportRequest,
        )

    def country(self, number: int) -> Country:
        return self.world.countries[MARKETS[number % len(MARKETS)]]

    def component(self, proposal: Proposal, anchor: Membership, number: int, place: int) -> Component:
        layer = LAYERS[place]
        facts: dict[str, Any] = {}
        if layer == StackLayer.HARDWARE:
            value = Decimal(100_000 + number)
            facts = {
                "subtype": HardwareType.SERVER,
                "maker": "Maker",
                "model": "M1",
                "quantity": 10,
                "total_value_usd": value,
                "us_content_value_usd": value / 2,
                "country_of_origin_id": "US",
                "us_manufacture": "Half.",
            }
        elif layer == StackLayer.MODELS:
            facts = {"developer": "Developer", "weights": Weights.OPEN, "compute_band": ComputeBand.BELOW_23}
        elif layer == StackLayer.APPLICATIONS:
            facts = {
                "sector": Sector.values[number % len(Sector.values)],
                "use_case": "Measured.",
                "users": "Measured.",
            }
        name = f"{layer.label} {place + 1}"
        return Component(
            proposal=proposal,
            supplier=anchor,
            layer=layer,
            name=name,
            sort_order=place,
            jurisdiction="ear",
            **facts,
        )

    def write_versions(self) -> None:
        """A real, small package each: that of the demonstration under another title."""
        world = self.world
        packages = [
            world.template.replace(canonical_json(world.template_title), canonical_json(one.title))
            for one in self.submitted
        ]
        digests = [sha256_hex(package) for package in packages]
        certifications = self.keep(
            (
                Certification(
                    proposal=one,
                    content_sha256=digest,
                    signer_id=one.created_by_id,
                    signer_name=one.contact_name,
                    signer_title="President",
                    organization_name="Scale organization",
                    authority_basis="ceo",
                    statement_version="1",
                    statement_text=world.call.certification_text,
                    typed_signature=one.contact_name,
                    signed_at=one.submitted_at,
                )
                for one, digest in zip(self.submitted, digests, strict=True)
            ),
            Certification,
        )
        self.versions = self.keep(
            (
                Version(
                    proposal=one,
                    number=1,
                    package=package,
                    sha256=digest,
                    certification=certification,
                    submitted_by_id=one.created_by_id,
                    received_at=one.submitted_at,
                    closes_at=closing(world.call),
                    on_time=True,
                    on_time_rule=world.call.rule_text,
                )
                for one, package, digest, certification in zip(
                    self.submitted, packages, digests, certifications, strict=True
                )
            ),
            Version,
        )
        self.evaluated = [version for version in self.versions if version.proposal.accepted_at]

    def write_referrals(self) -> None:
        """Five consultations each; three of five answered, or all of them once it is decided."""
        world = self.world
        rows = []
        for version in self.evaluated:
            decided = version.proposal.status != ProposalStatus.UNDER_EVALUATION
            for place, agency in enumerate(world.agencies):
                at = version.proposal.accepted_at
                is_answered = decided or (version.proposal.pk + place) % 5 < 3
                rows.append(
                    Referral(
                        version=version,
                        agency=agency,
                        opened_at=at,
                        due_at=at + timedelta(days=30),
                        due_rule="30 days",
                        status=ReferralStatus.ANSWERED if is_answered else ReferralStatus.OPEN,
                        answered_at=at + timedelta(days=9) if is_answered else None,
                    )
                )
        self.referrals = self.keep(rows, Referral)
        stances = (
            Stance.SUPPORT,
            Stance.SUPPORT,
            Stance.SUPPORT_WITH_CONDITIONS,
            Stance.OBJECT,
            Stance.NO_POSITION,
        )
        lead = {agency.pk: official(f"lead-{agency.code}") for agency in world.agencies}
        answered = [referral for referral in self.referrals if referral.answered_at]
        positions = self.keep(
            (
                Position(
                    referral=referral,
                    stance=stances[referral.pk % 5],
                    rationale="Measured.",
                    conditions="Measured.",
                    signed_by=lead[referral.agency_id],
                    signed_at=referral.answered_at,
                )
                for referral in answered
            ),
            Position,
        )
        for referral, position in zip(answered, positions, strict=True):
            referral.position = position
        Referral.objects.bulk_update(answered, ["position"], batch_size=BATCH)

    def write_reviews(self) -> None:
        """One reviewer for each agency, with a grant; nine sheets of ten are in, and their sums are kept."""
        world = self.world
        assignments = self.keep(
            (
                Assignment(
                    proposal=version.proposal,
                    agency=agency,
                    assigned_by=self.officer,
                    assigned_at=version.proposal.accepted_at,
                    reviewer=world.reviewers[agency.pk][version.proposal.pk % REVIEWERS_PER_AGENCY],
                )
                for version in self.evaluated
                for agency in world.agencies
            ),
            Assignment,
        )
        self.keep(
            (
                ProposalGrant(user=one.reviewer, permission=world.evaluate, content_object=one.proposal)
                for one in assignments
            ),
            ProposalGrant,
        )
        self.keep(
            (
                Conflict(assignment=one, has_conflict=False, declared_at=one.assigned_at)
                for one in assignments
            ),
            Conflict,
        )
        version_of = {version.proposal_id: version for version in self.evaluated}
        reviews = self.keep((self.review(one, version_of[one.proposal_id]) for one in assignments), Review)
        self.keep(
            (
                Score(
                    review=review, criterion=criterion, value=self.value(review, place), strengths="Measured."
                )
                for review in reviews
                for place, criterion in enumerate(world.criteria)
            ),
            Score,
        )
        self.keep(
            (
                AgencyScore(
                    version=review.version,
                    agency=review.agency,
                    criterion=criterion,
                    sheet_count=1,
                    mean=value,
                    median=value,
                    lowest=value,
                    highest=value,
                )
                for review in reviews
                if review.submitted_at
                for place, criterion in enumerate(world.criteria)
                for value in [self.value(review, place)]
            ),
            AgencyScore,
        )

    @cached_property
    def officer(self) -> User:
        return official("officer")

    def review(self, assignment: Assignment, version: Version) -> Review:
        is_in = assignment.pk % 10 != 0
        return Review(
            assignment=assignment,
            version=version,
            reviewer=assignment.reviewer,
            agency=assignment.agency,
            status=ReviewStatus.SUBMITTED if is_in else ReviewStatus.DRAFT,
            submitted_at=assignment.assigned_at + timedelta(days=5) if is_in else None,
            recommendation=Recommendation.SUPPORT,
            rationale="Measured.",
        )

    @staticmethod
    def value(review: Review, place: int) -> int:
        return 1 + (review.version_id + review.agency_id + place) % 5

    def write_decisions(self) -> None:
        """Determinations of what was decided; a designation with its catalog entry and a tool referral."""
        decider = official("decision")
        decided = [one for one in self.evaluated if one.proposal.status != ProposalStatus.UNDER_EVALUATION]
        determinations = self.keep(
            (
                Determination(
                    proposal=version.proposal,
                    version=version,
                    status="announced",
                    rationale="Measured.",
                    outcome="designate"
                    if version.proposal.status == ProposalStatus.DESIGNATED
                    else "not_select",
                    prepared_by=self.officer,
                    signed_by=decider,
                    signed_at=self.at(version.pk, 30),
                    announced_at=self.at(version.pk, 32),
                )
                for version in decided
            ),
            Determination,
        )
        designations = self.keep(
            (
                Designation(
                    number=f"AIX-D-2026-9{one.proposal_id:07}",
                    proposal=one.proposal,
                    version=one.version,
                    determination=one,
                    designated_at=one.announced_at,
                )
                for one in determinations
                if one.outcome == "designate"
            ),
            Designation,
        )
        self.keep((self.catalog_entry(one) for one in designations), CatalogEntry)
        self.keep((self.tool_referral(one) for one in designations), ToolReferral)

    def catalog_entry(self, designation: Designation) -> CatalogEntry:
        country = self.country(designation.proposal_id)
        entry = CatalogEntry(
            designation=designation,
            title=designation.proposal.submitted_title,
            summary="Measured.",
            layers={layer.value: "Measured." for layer in StackLayer},
            shows_markets=True,
            shows_sectors=True,
            markets=[{"code": country.code, "name": country.name}],
            countries=[{"code": country.code, "name": country.name}],
            sectors=[Sector.values[designation.proposal_id % len(Sector.values)]],
            released_by_id=designation.proposal.created_by_id,
            released_at=designation.designated_at,
        )
        entry.folded = folded_words(entry)
        return entry

    def tool_referral(self, designation: Designation) -> ToolReferral:
        world, place = self.world, designation.proposal_id
        tool, stage = world.tools[place % len(world.tools)], TOOL_STAGES[place % len(TOOL_STAGES)]
        country, at = self.country(place), designation.designated_at
        return ToolReferral(
            number=f"{designation.number}-R1",
            designation=designation,
            tool=tool,
            agency=tool.agency,
            market=country.name,
            country=country,
            purpose="Measured.",
            amount_usd=Decimal(1_000_000 + place),
            lead_officer=world.edag[tool.agency.code],
            citation=tool.authority,
            status=stage,
            proposed_by=world.edag["STATE"],
            proposed_at=at,
            referred_at=at if stage != ToolStatus.PROPOSED else None,
            accepted_at=at if stage == ToolStatus.ACCEPTED else None,
        )

    def write_record(self) -> None:
        """Two chained events for each submitted proposal: begun and submitted."""
        person = {one.pk: one for one in self.people}
        rows = []
        for proposal in self.submitted:
            digest = ""
            for sequence, act in enumerate(("proposal.create", "proposal.submit"), start=1):
                event = self.event(proposal, person[proposal.created_by_id], act, sequence)
                event.digest = digest = sha256_hex(digest + event.body)
                rows.append(event)
        self.keep(rows, AuditEvent)

    def event(self, proposal: Proposal, by: User, act: str, sequence: int) -> AuditEvent:
        """One event as ``audit.record`` writes it, without its digest."""
        at = self.at(self.numbers.start, 10) - timedelta(days=2 - sequence)
        said = {
            "act": act,
            "actor": by.email,
            "actor_id": by.pk,
            "after": "",
            "at": at.isoformat(),
            "before": "",
            "clause": "",
            "delegation": "",
            "note": "",
            "request_id": "",
            "sequence": sequence,
            "standing": "",
            "subject_id": str(proposal.pk),
            "subject_type": SUBJECT,
        }
        return AuditEvent(
            subject_type=SUBJECT,
            subject_id=str(proposal.pk),
            sequence=sequence,
            at=at,
            act=act,
            actor=by,
            body=canonical_json(said),
        )

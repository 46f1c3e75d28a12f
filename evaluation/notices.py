"""What each side is told about the evaluation; decisions and their reasons stay behind the link."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse

from evaluation.enums import AssignmentStatus, ReviewStatus
from evaluation.querysets.people import SIGN_FOR_AGENCY, delegations_that_hold
from program import clock, moments
from program.enums import OfficeRole
from program.models import Delegation, Office, User

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from evaluation.models import Designation, Escalation, Referral
    from program.models import Agency
    from proposals.models import Proposal


def holders(proposal: Proposal, *roles: str, agency: Agency | None = None) -> QuerySet[User]:
    """People who hold one of ``roles`` today (in ``agency``) and are not recused from ``proposal``."""
    offices = Office.objects.in_force().filter(role__in=roles)
    if agency is not None:
        offices = offices.filter(agency=agency)
    people = User.objects.filter(pk__in=offices.values("user"), is_active=True)
    return people.exclude(pk__in=proposal.recusals.values("user"))


def program_officers(proposal: Proposal) -> QuerySet[User]:
    return holders(proposal, OfficeRole.PROGRAM_OFFICER)


def leads_of(agency: Agency, proposal: Proposal) -> QuerySet[User]:
    return holders(proposal, OfficeRole.LEAD, agency=agency)


def ethics_officials(agency: Agency, proposal: Proposal) -> QuerySet[User]:
    return holders(proposal, OfficeRole.ETHICS_OFFICIAL, agency=agency)


def delegates(proposal: Proposal, act: str, agency: Agency | None = None) -> QuerySet[User]:
    """People in office who may do ``act`` under a delegation today.

    Neither they nor who gave it is recused from ``proposal``.
    """
    given, offices = delegations_that_hold(act), Office.objects.in_force()
    given = given.exclude(given_by__in=proposal.recusals.values("user"))
    if agency is not None:
        given, offices = given.filter(agency=agency), offices.filter(agency=agency, role__in=SIGN_FOR_AGENCY)
    people = User.objects.filter(pk__in=given.values("given_to"), is_active=True)
    return people.filter(pk__in=offices.values("user")).exclude(pk__in=proposal.recusals.values("user"))


def signers_for(agency: Agency, proposal: Proposal) -> QuerySet[User]:
    """Who may sign the position of the agency: its leads, and those to whom they have delegated it."""
    leads, others = leads_of(agency, proposal), delegates(proposal, Delegation.SIGN_POSITION, agency)
    return User.objects.filter(Q(pk__in=leads.values("pk")) | Q(pk__in=others.values("pk")))


def signers_of_decision(proposal: Proposal) -> QuerySet[User]:
    """Who may sign the determination: decision officials, and those to whom they have delegated it."""
    officials = holders(proposal, OfficeRole.DECISION_OFFICIAL)
    others = delegates(proposal, Delegation.SIGN_DETERMINATION)
    return User.objects.filter(Q(pk__in=officials.values("pk")) | Q(pk__in=others.values("pk")))


def sides_of(escalation: Escalation) -> list[User]:
    """Who settles an objection: the Program office, who signs for the agency, and who signs the decision."""
    proposal = escalation.proposal
    return [
        *program_officers(proposal),
        *signers_for(escalation.agency, proposal),
        *signers_of_decision(proposal),
    ]


def workers_on(referral: Referral) -> QuerySet[User]:
    """Who answers for the agency: who may sign for it, and its reviewers whose sheet is not in."""
    proposal = referral.version.proposal
    assigned = proposal.assignments.filter(agency=referral.agency, status=AssignmentStatus.ACTIVE)
    done = referral.version.reviews.filter(status=ReviewStatus.SUBMITTED).values("assignment")
    reviewers = holders(proposal, OfficeRole.REVIEWER, agency=referral.agency)
    signers = signers_for(referral.agency, proposal).values("pk")
    asked = reviewers.filter(pk__in=assigned.exclude(pk__in=done).values("reviewer")).values("pk")
    return User.objects.filter(Q(pk__in=signers) | Q(pk__in=asked))


def in_words(bound: datetime) -> str:
    """An exclusive bound as notices say it: midnight is the end of the day before."""
    last = bound.astimezone(clock.WASHINGTON) - timedelta(seconds=1)
    return f"the end of {last:%A, %B} {last.day}, {last.year}, {moments.ZONE}"


def desk_page(proposal: Proposal) -> str:
    return reverse("evaluation:proposal", args=[proposal.number])


def escalation_page(escalation: Escalation) -> str:
    return reverse("evaluation:escalation", args=[escalation.pk])


def discussion_page(proposal: Proposal, *, thread: int | None = None, comment: int | None = None) -> str:
    """The discussion, or the one thread of it where a comment stands."""
    path = reverse("evaluation:discussion", args=[proposal.number])
    return f"{path}?thread={thread}#comment-{comment or thread}" if thread else path


def questions_page(proposal: Proposal) -> str:
    """The consortium's page about what the Government asks and has written."""
    return reverse("evaluation:questions", args=[proposal.pk])


def catalog_review_page(designation: Designation) -> str:
    """What the anchor released, beside what is public, for the Program office."""
    return reverse("evaluation:catalog-review", args=[designation.number])


def catalog_page(proposal: Proposal) -> str:
    """The anchor's page of its entry in the public catalog."""
    return reverse("evaluation:catalog-release", args=[proposal.pk])

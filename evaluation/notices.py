"""What each side is told about the evaluation; decisions and their reasons stay behind the link."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Q
from django.urls import reverse

from evaluation.enums import AssignmentStatus, ReviewStatus
from program import clock, moments
from program.enums import OfficeRole
from program.models import Office, User
from program.notices import NoticeKind

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from evaluation.models import Referral
    from program.models import Agency
    from proposals.models import Proposal

ORDER: Final = "E.O. 14320 s.3(d)"

REFERRED: Final = NoticeKind(
    "evaluation.referred",
    "Proposal {number} is referred to {agency}",
    "Version {version} of proposal {number} is referred to {agency}. File the agency's position by {due}.",
    ORDER,
)
REOPENED: Final = NoticeKind(
    "evaluation.reopened",
    "The consultation of {agency} on {number} is open again",
    "The program office gave {agency} until {due} to file its position on proposal {number}.",
    ORDER,
)
LAPSED: Final = NoticeKind(
    "evaluation.lapsed",
    "No response of {agency} on {number}",
    "The time of {agency} for proposal {number} has ended without a position. It is shown as no response.",
    ORDER,
)
POSITION_DUE: Final = NoticeKind(
    "evaluation.position_due",
    "{left} left for the position of {agency} on {number}",
    "The position of {agency} on proposal {number} is not filed. File it by {due}; after that it is shown as "
    "no response.",
    ORDER,
)
CONSULTATION_ENDED: Final = NoticeKind(
    "evaluation.consultation_ended",
    "Proposal {number} was withdrawn",
    "The consortium has withdrawn proposal {number}. Its consultation has ended: no position and no review "
    "is asked of your agency any more.",
    ORDER,
    tells_outsiders=True,
)
VERSION_REPLACED: Final = NoticeKind(
    "evaluation.version_replaced",
    "Proposal {number}: version {version} was replaced",
    "The consortium has submitted a new version of proposal {number} before the call closed. Your agency's "
    "consultation on version {version} has ended. You are consulted on the new version once the Program "
    "office has accepted it, with a new date; what you wrote is kept.",
    ORDER,
    tells_outsiders=True,
)
ASSIGNED: Final = NoticeKind(
    "evaluation.assigned",
    "You are asked to review {number}",
    "You are assigned to review proposal {number} for {agency}. Declare first whether a conflict of interest "
    "stands against it.",
    ORDER,
)
UNASSIGNED: Final = NoticeKind(
    "evaluation.unassigned",
    "Your assignment to {number} has ended",
    "You no longer review proposal {number}; it is closed to you.",
    ORDER,
    tells_outsiders=True,
)
REVIEWER_RECUSED: Final = NoticeKind(
    "evaluation.reviewer_recused",
    "A reviewer of {agency} is recused from {number}",
    "A reviewer of {agency} is recused from proposal {number}. Name another where nobody was named instead.",
    ORDER,
)
REVIEW_SUBMITTED: Final = NoticeKind(
    "evaluation.review_submitted",
    "A review of {number} is in",
    "A reviewer of {agency} has submitted a review of proposal {number}.",
    ORDER,
)
REVIEW_REOPENED: Final = NoticeKind(
    "evaluation.review_reopened",
    "Your review of {number} is open again",
    "The lead of {agency} gave your review of proposal {number} back to you.",
    ORDER,
)
POSITION_FILED: Final = NoticeKind(
    "evaluation.position_filed",
    "{agency} has filed its position on {number}",
    "The position of {agency} on proposal {number} is in. {answered} of 5 agencies have answered.",
    ORDER,
)
ASKED: Final = NoticeKind(
    "evaluation.asked",
    "Question {question} on proposal {number}",
    "The Government asks a question about proposal {number}. Answer it by {due}.",
    ORDER,
)
ANSWERED: Final = NoticeKind(
    "evaluation.answered",
    "Question {question} on {number} is answered",
    "The consortium of proposal {number} has answered question {question}.",
    ORDER,
)
ANSWER_DUE: Final = NoticeKind(
    "evaluation.answer_due",
    "{left} left to answer question {question} on {number}",
    "Question {question} on proposal {number} is not answered. Answer it by {due}.",
    ORDER,
)
QUESTION_WITHDRAWN: Final = NoticeKind(
    "evaluation.question_withdrawn",
    "Question {question} on {number} is withdrawn",
    "You need not answer question {question} on proposal {number} any more.",
    ORDER,
)
TO_SIGN: Final = NoticeKind(
    "evaluation.to_sign",
    "A determination on {number} was prepared",
    "A determination on proposal {number} lies ready to be read and signed.",
    ORDER,
)
SIGNED: Final = NoticeKind(
    "evaluation.signed",
    "The determination on {number} is signed",
    "The determination on proposal {number} is signed and not yet announced. Nothing is visible outside.",
    ORDER,
)
OVERTAKEN: Final = NoticeKind(
    "evaluation.overtaken",
    "Recall the determination on {number}: {what}",
    "The determination on proposal {number} is signed and cannot be announced: {what}. Recall it.",
    ORDER,
)
RECALLED: Final = NoticeKind(
    "evaluation.recalled",
    "The determination on {number} was recalled",
    "The signed determination on proposal {number} was recalled before it was announced.",
    ORDER,
)
ANNOUNCED: Final = NoticeKind(
    "evaluation.announced",
    "The determination on proposal {number}",
    "The Department of Commerce has announced its determination on proposal {number}. Read the letter.",
    ORDER,
)
DESIGNATION_CHANGED: Final = NoticeKind(
    "evaluation.designation_changed",
    "Designation {number}: {status}",
    "The status of designation {number} is now: {status}. Read the letter.",
    ORDER,
)
CONDITION_DUE: Final = NoticeKind(
    "evaluation.condition_due",
    "{left} left for condition {condition} of {number}",
    "Condition {condition} of designation {number} is not recorded as met. It is due by {due}.",
    ORDER,
)
CONDITION_OVERDUE: Final = NoticeKind(
    "evaluation.condition_overdue",
    "Condition {condition} of {number} is overdue",
    "Condition {condition} of designation {number} was due by {due} and is not recorded as met.",
    ORDER,
)
CONDITION_MET: Final = NoticeKind(
    "evaluation.condition_met",
    "Condition {condition} of {number} is met",
    "The program office recorded that condition {condition} of designation {number} is met.",
    ORDER,
)
CATALOG_RELEASED: Final = NoticeKind(
    "evaluation.catalog_released",
    "{number} is in the public catalog",
    "The anchor released the catalog entry of designation {number}.",
    ORDER,
)
KINDS: Final = (
    REFERRED, REOPENED, POSITION_DUE, LAPSED, CONSULTATION_ENDED, VERSION_REPLACED, ASSIGNED, UNASSIGNED,
    REVIEWER_RECUSED, REVIEW_SUBMITTED, REVIEW_REOPENED, POSITION_FILED, ASKED, ANSWERED, ANSWER_DUE,
    QUESTION_WITHDRAWN,
    TO_SIGN, SIGNED, OVERTAKEN, RECALLED, ANNOUNCED, DESIGNATION_CHANGED, CONDITION_DUE,
    CONDITION_OVERDUE, CONDITION_MET, CATALOG_RELEASED,
)  # fmt: skip


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


def workers_on(referral: Referral) -> QuerySet[User]:
    """Who answers for the agency: its leads, and its reviewers whose sheet is not in."""
    proposal = referral.version.proposal
    assigned = proposal.assignments.filter(agency=referral.agency, status=AssignmentStatus.ACTIVE)
    done = referral.version.reviews.filter(status=ReviewStatus.SUBMITTED).values("assignment")
    reviewers = holders(proposal, OfficeRole.REVIEWER, agency=referral.agency)
    leads = leads_of(referral.agency, proposal).values("pk")
    asked = reviewers.filter(pk__in=assigned.exclude(pk__in=done).values("reviewer")).values("pk")
    return User.objects.filter(Q(pk__in=leads) | Q(pk__in=asked))


def in_words(bound: datetime) -> str:
    """An exclusive bound as notices say it: midnight is the end of the day before."""
    last = bound.astimezone(clock.WASHINGTON) - timedelta(seconds=1)
    return f"the end of {last:%A, %B} {last.day}, {last.year}, {moments.ZONE}"


def desk_page(proposal: Proposal) -> str:
    return reverse("evaluation:proposal", args=[proposal.number])


def questions_page(proposal: Proposal) -> str:
    """The consortium's page about what the Government asks and has written."""
    return reverse("evaluation:questions", args=[proposal.pk])

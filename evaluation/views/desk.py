"""The desk: what waits for this person, and the queue of proposals with their clocks."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField, Count, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from evaluation.columns import columns, summary
from evaluation.enums import (
    AmendmentStatus,
    AssignmentStatus,
    DesignationStatus,
    DeterminationStatus,
    ReviewStatus,
)
from evaluation.lateness import first_due, late, overdue_questions, reasons_of
from evaluation.models import (
    Assignment,
    Designation,
    DesignationAmendment,
    Determination,
    Referral,
    Review,
)
from evaluation.querysets import (
    DELEGATED_BY,
    RUNNING,
    SIGN_FOR_AGENCY,
    delegations_that_hold,
    is_official,
)
from evaluation.waiting_for_officers import waiting_for_officers
from program import clock
from program.deadlines import end_of_day
from program.enums import DELEGATORS, OfficeRole
from program.models import Delegation, User
from program.order import implements
from program.prepared import Given, Prepared
from program.requests import number_said
from program.tallies import tallied, tally_words
from program.waiting import SOURCES
from proposals.enums import ProposalStatus
from proposals.models import Proposal

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpResponse

    from program.requests import SignedInRequest

PAGE = 25
#: Sorts what has no clock behind everything that has one
NEVER = Value(datetime.max.replace(tzinfo=UTC, year=9998))
NEXT_ACT: dict[str, str] = {DeterminationStatus.DRAFT: "Sign", DeterminationStatus.SIGNED: "Announce"}
DESK_ROLES = (
    OfficeRole.PROGRAM_OFFICER, OfficeRole.REVIEWER, OfficeRole.LEAD, OfficeRole.DECISION_OFFICIAL,
    OfficeRole.AUDITOR, OfficeRole.ETHICS_OFFICIAL,
)  # fmt: skip
STATUSES = {
    "submitted": (ProposalStatus.SUBMITTED,),
    "returned": (ProposalStatus.RETURNED,),
    "under_evaluation": (ProposalStatus.UNDER_EVALUATION,),
    "decided": (ProposalStatus.DESIGNATED, ProposalStatus.NOT_SELECTED),
}
#: Beside the statuses: what is late, whatever its status
LATE = "late"


def require_desk(user: User, *roles: str) -> None:
    """Raise PermissionDenied for who holds no office that works here."""
    if not user.holds(*(roles or DESK_ROLES)):
        raise PermissionDenied("This page is for the offices that evaluate proposals.")


@implements("s.3(a)", "s.3(d)")
@require_safe
def desk(request: SignedInRequest) -> HttpResponse:
    """My tasks, counts that lead to their lists, and the queue: ten statements whatever its length."""
    require_desk(request.user)
    status = request.GET.get("status", "")
    rows = Proposal.objects.read_by_office(request.user).filter(submitted_at__isnull=False)
    is_late = late(request.user, now := clock.now())
    if status == LATE:
        shown = rows.filter(is_late)
    else:
        shown = rows.filter(status__in=STATUSES[status]) if status in STATUSES else rows
    facts = {
        "tasks": tasks_of(request.user),
        "tally": tally(request.user, rows, is_late),
        "rooms": rooms_of(request.user),
        "has_queue": request.user.holds(*(set(DESK_ROLES) - {OfficeRole.ETHICS_OFFICIAL})),
        "status": status if status in (*STATUSES, LATE) else "",
        **queue(request, shown, now, by_due=status == LATE or "due" in request.GET.getlist("order")),
    }
    return render(request, "evaluation/desk.html", facts)


def tally(user: User, rows: QuerySet[Proposal], is_late: Q) -> dict[str, int]:
    """How many of ``rows`` are late and in each status, each up to ``MOST``; one statement."""
    kinds = {LATE: is_late} | {status: Q(status__in=them) for status, them in STATUSES.items()}
    numbers = {name: tallied(rows.filter(kind)) for name, kind in kinds.items()}
    return dict(zip(numbers, User.objects.values_list(*numbers.values()).get(pk=user.pk), strict=True))


def queue(request: SignedInRequest, rows: Any, now: datetime, *, by_due: bool) -> dict[str, Any]:
    """One keyset page of proposals, each with its five columns and what is late; the newest first.

    ``by_due`` puts first what was or is due first, and what has no clock last.
    """
    after = number_said(request.GET.get("after", ""))
    if by_due:
        rows = rows.annotate(first_due=Coalesce(first_due(request.user), NEVER))
    if after is not None and by_due:
        since = Subquery(rows.filter(pk=after).values("first_due"))
        rows = rows.filter(Q(first_due__gt=since) | Q(first_due=since, pk__lt=after))
    elif after is not None:
        rows = rows.filter(pk__lt=after)
    asked = Assignment.objects.active().filter(proposal=OuterRef("pk")).order_by()
    sheets = Review.objects.filter(
        version__proposal=OuterRef("pk"),
        version__number=OuterRef("version_count"),
        status=ReviewStatus.SUBMITTED,
        assignment__status=AssignmentStatus.ACTIVE,
    ).order_by()
    found = list(
        rows.select_related("consortium", "call")
        .annotate(
            reviews_asked=Coalesce(Subquery(asked.values("proposal").values(number=Count("pk"))), 0),
            reviews_in=Coalesce(Subquery(sheets.values("version__proposal").values(number=Count("pk"))), 0),
            overdue=overdue_questions(now),
        )
        .order_by(*(["first_due"] if by_due else []), "-pk")[: PAGE + 1]
    )
    page = found[:PAGE]
    referrals: dict[int, list[Referral]] = {}
    for referral in (
        Referral.objects.visible_to(request.user)
        .filter(version__proposal__in=[p.pk for p in page])
        .current()
        .select_related("agency", "version", "position")
        .defer("version__package")
    ):
        referrals.setdefault(referral.version.proposal_id, []).append(referral)
    agencies = sorted(
        {r.agency for rows_of_one in referrals.values() for r in rows_of_one},
        key=lambda agency: (agency.sort_order, agency.code),
    )
    lines = []
    for proposal in page:
        five = columns(referrals.get(proposal.pk, ()), request.user, now)
        running = [r for r in referrals.get(proposal.pk, ()) if r.status in RUNNING]
        due = [r.due_at for r in running if r.paused_at is None]
        if proposal.status == ProposalStatus.RETURNED:
            due = [] if proposal.call.cancelled_at else [at for at in [proposal.closes_at] if at]
        elif proposal.status != ProposalStatus.UNDER_EVALUATION:
            due = []
        by_agency = {column.agency: column for column in five}
        lines.append(
            {
                "proposal": proposal,
                "cells": [(str(agency), by_agency.get(str(agency))) for agency in agencies],
                "summary": summary(five),
                "is_paused": bool(running) and not due,
                "reviews": reviews_in_words(proposal.reviews_in, proposal.reviews_asked),
                "reasons": reasons_of(proposal, referrals.get(proposal.pk, ()), proposal.overdue, now),
                "next_due": min(due, default=None),
            }
        )
    following = request.GET.copy()
    if len(found) > PAGE:
        following["after"] = str(page[-1].pk)
    return {
        "lines": lines,
        "agencies": agencies,
        "next": f"?{following.urlencode()}" if len(found) > PAGE else "",
        "now": now,
        "by_due": by_due,
    }


def reviews_in_words(received: int, asked: int) -> str:
    """How many of the reviews asked for are in; "Reviews are in" only when none is out."""
    if not asked:
        return ""
    return "Reviews are in" if received >= asked else f"{received} of {asked} reviews in"


def rooms_of(user: User) -> list[tuple[str, str]]:
    """The pages of the desk that this person may enter."""
    is_lead = user.holds(OfficeRole.LEAD)
    is_officer = user.holds(OfficeRole.PROGRAM_OFFICER)
    is_auditor = user.holds(OfficeRole.AUDITOR)
    rooms = [
        ("Calls", "program:desk-calls", is_officer),
        ("Questions", "program:desk-questions", is_officer),
        ("Intake", "evaluation:intake", is_official(user)),
        ("More time", "evaluation:more-time", is_officer or is_auditor),
        ("Screening", "evaluation:screening", is_official(user)),
        ("Compliance", "evaluation:compliance-list", is_official(user)),
        ("Reviewers", "evaluation:reviewers", is_officer or is_lead or is_auditor),
        ("Determinations", "evaluation:determinations", is_official(user) or is_lead),
        ("Conflicts of interest", "evaluation:conflict-cases", user.holds(OfficeRole.ETHICS_OFFICIAL)),
        ("Designations", "evaluation:designations", True),
        ("Insights", "evaluation:insights", is_official(user)),
        ("Directives", "program:desk-directives", is_official(user)),
        ("Public catalog", "evaluation:catalog", True),
        ("Offices", "program:offices", is_officer or is_auditor or user.holds(*DELEGATORS)),
        ("Mail", "program:deliveries", is_officer or is_auditor),
        ("PDFs set aside", "evaluation:papers", is_officer),
        ("Record", "evaluation:record", is_auditor),
    ]
    return [(label, reverse(name)) for label, name, is_open in rooms if is_open]


def tasks_of(user: User) -> list[dict[str, Any]]:
    """What waits for this person by the offices they hold, in order of due date."""
    tasks: list[dict[str, Any]] = []
    if user.holds(OfficeRole.REVIEWER):
        tasks += [
            {
                "what": f"Review {row.proposal.number}",
                "who": row.proposal.consortium.name,
                "url": reverse("evaluation:assignment", args=[row.pk]),
                "due_at": None,
            }
            for row in Assignment.objects.visible_to(user).owed_by(user)[:20]
        ]
    delegated = delegated_to(user)
    if agencies := agencies_to_sign_for(user, delegated):
        due = Referral.objects.visible_to(user).awaited().filter(agency__code__in=agencies)
        tasks += [
            {
                "what": f"File the position of {row.agency} on {row.version.proposal.number}",
                "who": row.version.proposal.consortium.name,
                "url": reverse("evaluation:position", args=[row.pk]),
                "due_at": None if row.paused_at else row.due_at,
                "instead": "Clock paused" if row.paused_at else "",
            }
            for row in due.for_list().defer("version__package").order_by("due_at")[:20]
        ]
    announces = user.holds(OfficeRole.DECISION_OFFICIAL)
    own_drafts = Determination.objects.filter(status=DeterminationStatus.DRAFT, written_by=user.pk)
    if announces or any(act == Delegation.SIGN_DETERMINATION for act, _ in delegated):
        tasks += [
            {
                "what": what_next(row),
                "who": row.proposal.consortium.name,
                "url": reverse("evaluation:determination", args=[row.pk]),
                "due_at": None,
            }
            for row in Determination.objects.visible_to(user)
            .live()
            .exclude(pk__in=own_drafts)
            .exclude(Q(cleared_at=None) | Q(cleared_by=user.pk), status=DeterminationStatus.DRAFT)
            .for_list()
            .defer("version__package", "packet")[:20]
            if is_signers_turn(row, announces=announces)
        ]
        tasks += amendments_to_sign(user, announces=announces)
    if user.holds(OfficeRole.PROGRAM_OFFICER):
        tasks += tasks_of_officers(user)
    return tasks + [asdict(task) for source in SOURCES for task in source(user)]


def amendments_to_sign(user: User, *, announces: bool) -> list[dict[str, Any]]:
    """Cleared amendments that the person may sign, and for the decision official those to announce."""
    written = DesignationAmendment.objects.filter(written_by=user.pk)
    rows = DesignationAmendment.objects.visible_to(user).live().exclude(pk__in=written)
    rows = rows.exclude(Q(cleared_at=None) | Q(cleared_by=user.pk), status=AmendmentStatus.DRAFT)
    if not announces:
        rows = rows.filter(status=AmendmentStatus.DRAFT)
    return [
        {
            "what": f"{NEXT_ACT[row.status]} the amendment of {row.designation.number}",
            "who": row.designation.proposal.consortium.name,
            "url": reverse("evaluation:amendment", args=[row.pk]),
            "due_at": None,
        }
        for row in rows.for_list().defer("designation__version__package", "body")[:20]
    ]


def is_signers_turn(row: Determination, *, announces: bool) -> bool:
    """Whether a live determination waits for who signs; only the decision official announces."""
    if row.status == DeterminationStatus.DRAFT:
        return not row.overtaken_by
    return announces or bool(row.overtaken_by)


def delegated_to(user: User) -> list[tuple[str, str]]:
    """What the person may sign under a delegation today, each with its agency; nothing outside office."""
    if not user.is_government:
        return []
    return [(act, agency) for act, agency in signed_for_others.ask_all(person=user.pk, **clock.given())]


@Prepared
def signed_for_others() -> QuerySet[Delegation, tuple[Any, ...]]:
    """Act and agency of each delegation of a person that holds today."""
    held = delegations_that_hold(*DELEGATED_BY, on=clock.today_in_prepared())
    return held.filter(given_to=Given("person", BigIntegerField())).values_list("act", "agency__code")


def agencies_to_sign_for(user: User, delegated: list[tuple[str, str]]) -> set[str]:
    """Codes of the agencies whose position the person may sign: leading them, or for who leads them."""
    given = {agency for act, agency in delegated if act == Delegation.SIGN_POSITION}
    return user.agencies_as(OfficeRole.LEAD) | (given & user.agencies_as(*SIGN_FOR_AGENCY))


def what_next(row: Determination) -> str:
    """What a live determination waits for: a signature, its announcement, or its recall."""
    name = f"the determination on {row.proposal.number}"
    if row.status == DeterminationStatus.SIGNED and row.overtaken_by:
        return f"Recall {name}: {row.overtaken_by}"
    return f"{NEXT_ACT[row.status]} {name}"


def tasks_of_officers(user: User) -> list[dict[str, Any]]:
    """What waits for the Program office, in one statement: calls, conditions, deferrals, texts, intake."""
    matched, flagged, asked, for_time, *rest = waiting_for_officers.ask(person=user.pk, **clock.given()) or ()
    *set_aside, to_approve, to_revise, to_issue, to_meet, to_decide, to_settle = rest[:-6]
    to_publish, to_clear, to_mend, amendments_to_clear, amendments_to_mend, to_take_in = rest[-6:]
    lines = (
        (matched, "match of a party to settle", "matches of parties to settle", "evaluation:screening"),
        (flagged, "compliance flag to decide", "compliance flags to decide", "evaluation:compliance-list"),
        (asked, "question without an answer", "questions without an answer", "program:desk-questions"),
        (for_time, "request for more time", "requests for more time", "evaluation:more-time"),
        (sum(set_aside), "PDF that could not be made", "PDFs that could not be made", "evaluation:papers"),
    )
    waiting = [
        {
            "what": f"{act} {number}",
            "who": title or "A call without a title",
            "url": reverse("program:desk-call", args=[number]),
            "due_at": None,
        }
        for act, rows in (
            ("Approve the draft of call", to_approve),
            ("Revise the draft that was sent back of call", to_revise),
            ("Issue call", to_issue),
        )
        for number, title in rows
    ]
    waiting += [
        {
            "what": f"Condition {condition} of {number}",
            "who": owner,
            "url": f"{reverse('evaluation:designation', args=[number])}#conditions",
            "due_at": end_of_day(date.fromisoformat(due_on)) if due_on else None,
        }
        for number, condition, owner, due_on in to_meet
    ]
    waiting += [
        {
            "what": f"Go on with the decision on {number}, deferred until this day",
            "who": consortium,
            "url": reverse("evaluation:proposal", args=[number]),
            "due_at": end_of_day(date.fromisoformat(defer_until)),
        }
        for number, consortium, defer_until in to_decide
    ]
    waiting += [
        {
            "what": f"Escalation of the objection of {agency} on {number}",
            "who": consortium,
            "url": reverse("evaluation:escalation", args=[pk]),
            "due_at": datetime.fromisoformat(due_at),
        }
        for pk, agency, number, consortium, due_at in to_settle
    ]
    waiting += [
        {
            "what": f"Publish or return the catalog text of {number}",
            "who": title,
            "url": reverse("evaluation:catalog-review", args=[number]),
            "due_at": None,
        }
        for number, title in to_publish
    ]
    waiting += [
        {
            "what": f"{act} the determination on {number}",
            "who": consortium,
            "url": reverse("evaluation:determination", args=[pk]),
            "due_at": None,
        }
        for act, rows in (("Clear", to_clear), ("Go on with what was sent back of", to_mend))
        for pk, number, consortium in rows
    ]
    waiting += [
        {
            "what": f"{act} the amendment of {number}",
            "who": consortium,
            "url": reverse("evaluation:amendment", args=[pk]),
            "due_at": None,
        }
        for act, rows in (
            ("Clear", amendments_to_clear),
            ("Go on with what was sent back of", amendments_to_mend),
        )
        for pk, number, consortium in rows
    ]
    counts = [
        {
            "what": f"{tally_words(number)} {one if number == 1 else many}",
            "who": "Every call" if name == "program:desk-questions" else "Every proposal",
            "url": reverse(name),
            "due_at": None,
        }
        for number, one, many, name in lines
        if number
    ]
    return (
        waiting
        + counts
        + [
            {
                "what": f"Take {number} in",
                "who": consortium,
                "url": reverse("evaluation:intake-proposal", args=[number]),
                "due_at": None,
            }
            for number, consortium in to_take_in
        ]
    )


@require_safe
def designation_list(request: SignedInRequest) -> HttpResponse:
    """Every designation that the person may see, with its open conditions."""
    require_desk(request.user, *DESK_ROLES, OfficeRole.EDAG_CHAIR, OfficeRole.EDAG_OFFICER)
    rows = Designation.objects.of_office(request.user).for_list().defer("version__package")
    status = request.GET.get("status", "")
    if status in DesignationStatus:
        rows = rows.filter(status=status)
    after = number_said(request.GET.get("after", ""))
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    page = found[:PAGE]
    facts = {
        "designations": page,
        "next": f"?after={page[-1].pk}" if len(found) > PAGE else "",
        "statuses": DesignationStatus.choices,
        "status": status,
        "today": clock.today(),
        "is_official": is_official(request.user),
    }
    return render(request, "evaluation/designations.html", facts)

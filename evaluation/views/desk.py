"""The desk: what waits for this person, and the queue of proposals with their clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from evaluation.columns import columns, summary
from evaluation.enums import (
    AssignmentStatus,
    DesignationStatus,
    ReviewStatus,
)
from evaluation.lateness import first_due, late, overdue_questions, reasons_of, tallied_late
from evaluation.models import (
    Assignment,
    Designation,
    Referral,
    Review,
)
from evaluation.querysets.consultation import RUNNING
from evaluation.querysets.people import is_official
from program import clock
from program.enums import DELEGATORS, OfficeRole
from program.models import User
from program.order import implements
from program.requests import number_said
from program.tallies import tallied
from program.waiting import desk_tasks
from proposals.enums import ProposalStatus
from proposals.models import Proposal

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpResponse

    from program.requests import SignedInRequest

PAGE = 25
#: Sorts what has no clock behind everything that has one
NEVER = Value(datetime.max.replace(tzinfo=UTC, year=9998))
SEES_DESIGNATIONS = (
    OfficeRole.PROGRAM_OFFICER, OfficeRole.REVIEWER, OfficeRole.LEAD, OfficeRole.DECISION_OFFICIAL,
    OfficeRole.AUDITOR,
)  # fmt: skip
DESK_ROLES = (*SEES_DESIGNATIONS, OfficeRole.ETHICS_OFFICIAL)
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
    now = clock.now()
    if status == LATE:
        shown = rows.filter(late(request.user, now))
    else:
        shown = rows.filter(status__in=STATUSES[status]) if status in STATUSES else rows
    facts = {
        "tasks": desk_tasks(request.user),
        "tally": tally(request.user, rows, now),
        "rooms": rooms_of(request.user),
        "has_queue": request.user.holds(*(set(DESK_ROLES) - {OfficeRole.ETHICS_OFFICIAL})),
        "status": status if status in (*STATUSES, LATE) else "",
        **queue(request, shown, now, by_due=status == LATE or "due" in request.GET.getlist("order")),
    }
    return render(request, "evaluation/desk.html", facts)


def tally(user: User, rows: QuerySet[Proposal], now: datetime) -> dict[str, int]:
    """How many of ``rows`` are in each status, and how many are late, each up to ``MOST``; one statement."""
    numbers = {status: tallied(rows.filter(status__in=them)) for status, them in STATUSES.items()}
    numbers[LATE] = tallied_late(user, now)
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
        ("Designations", "evaluation:designations", user.holds(*SEES_DESIGNATIONS)),
        ("Insights", "evaluation:insights", is_official(user)),
        ("Directives", "program:desk-directives", is_official(user)),
        ("Public catalog", "evaluation:catalog", True),
        ("Offices", "program:offices", is_officer or is_auditor or user.holds(*DELEGATORS)),
        ("Mail", "program:deliveries", is_officer or is_auditor),
        ("PDFs set aside", "evaluation:papers", is_officer),
        ("Record", "evaluation:record", is_auditor),
    ]
    return [(label, reverse(name)) for label, name, is_open in rooms if is_open]


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

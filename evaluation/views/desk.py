"""The desk: what waits for this person, and the queue of proposals with their clocks."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField, Count, DateTimeField, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evaluation.columns import columns, summary
from evaluation.consultations import COLUMNS as CONSULTED
from evaluation.consultations import Consultation
from evaluation.enums import (
    AssignmentStatus,
    DesignationStatus,
    ReviewStatus,
)
from evaluation.lateness import (
    MOST_LATE,
    dues,
    first_due,
    late,
    next_due,
    reasons_of,
    running_on,
    tallied_late,
)
from evaluation.models import (
    Assignment,
    Designation,
    Referral,
    Review,
)
from evaluation.querysets.people import is_official
from evaluation.queued import COLUMNS as QUEUED
from evaluation.queued import Queued
from program import clock, moments
from program.enums import DELEGATORS, OfficeRole
from program.links import page_of
from program.models import Office, User
from program.order import implements
from program.prepared import AnyOf, Constant, Given, PreparedByOffices
from program.requests import number_said
from program.tallies import tallied
from program.waiting import desk_tasks
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Version
from proposals.querysets import offices_that_read
from proposals.standing import Standing
from proposals.templatetags.packages import badge_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpResponse

    from program.requests import SignedInRequest

PAGE = 25
NOW = Given("now", DateTimeField())
ZERO = Constant(0)
#: Sorts what has no clock behind everything that has one
NEVER = Cast(Value("9998-12-31"), DateTimeField())
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
    """Raise PermissionDenied for who holds no office that works here; it says which do, and what to do."""
    open_to = roles or DESK_ROLES
    if not user.holds(*open_to):
        raise PermissionDenied(closed_because(user, open_to))


def closed_because(user: User, open_to: Iterable[str]) -> str:
    """Whose page it is, what the reader is, and whom to ask."""
    *most, last = dict.fromkeys(f"{OfficeRole(role).label.lower()}s" for role in open_to)
    whose = f"{', '.join(most)} and {last}" if most else last
    held = Office.objects.in_force().filter(user=user).exclude(role=OfficeRole.CLOCK).select_related("agency")
    mine = "; ".join(str(office) for office in held.order_by("pk"))
    you = f"You hold: {mine}." if mine else "You hold no government office at present."
    what = "Ask one of them for what you need from it, or the Program office to appoint you."
    return f"This page is for {whose}. {you} {what}".replace("edag", "EDAG")


@implements("s.3(a)", "s.3(d)")
@require_safe
def desk(request: SignedInRequest) -> HttpResponse:
    """My tasks, counts that lead to their lists, and the queue: ten statements whatever its length."""
    require_desk(request.user)
    status = request.GET.get("status", "")
    if status not in (*STATUSES, LATE):
        status = ""
    now = clock.now()
    facts = {
        "tasks": desk_tasks(request.user),
        "tally": tally(request.user, now),
        "most_late": MOST_LATE,
        "rooms": rooms_of(request.user),
        "has_queue": request.user.holds(*(set(DESK_ROLES) - {OfficeRole.ETHICS_OFFICIAL})),
        "status": status,
        **queue(request, status, now, by_due=status == LATE or "due" in request.GET.getlist("order")),
    }
    return render(request, "evaluation/desk.html", facts)


def tally(user: User, now: datetime) -> dict[str, int]:
    """How many proposals are in each status, and how many are late, each up to its bound; one statement."""
    asked = tallies.of(offices_that_read(user))
    kinds = (*STATUSES, LATE)
    numbers = asked.ask(person=user.pk, now=now, **clock.given()) or (0,) * len(kinds)
    return dict(zip(kinds, numbers, strict=True))


@PreparedByOffices
def tallies(reader: Any) -> QuerySet[User, tuple[Any, ...]]:
    rows = proposals_of(reader)
    numbers = [tallied(rows.filter(status__in=them)) for them in STATUSES.values()]
    return User.objects.filter(pk=reader.pk).values_list(*numbers, tallied_late(reader, NOW))


def proposals_of(reader: Any) -> QuerySet[Proposal]:
    return Proposal.objects.read_by_office(reader).filter(submitted_at__isnull=False)


@PreparedByOffices
def queued(reader: Any, status: str, by_due: bool, goes_on: bool) -> QuerySet[Proposal, tuple[Any, ...]]:
    """A page of the queue and one more; ``goes_on`` behind the proposal ``Given("after")``."""
    rows: Any = proposals_of(reader)
    if status:
        rows = rows.filter(late(reader, NOW)) if status == LATE else rows.filter(status__in=STATUSES[status])
    if by_due:
        rows = rows.annotate(first_due=Coalesce(first_due(reader), NEVER))
    after = Given("after", BigIntegerField())
    if goes_on and by_due:
        since = Subquery(rows.filter(pk=after).values("first_due"))
        rows = rows.filter(Q(first_due__gt=since) | Q(first_due=since, pk__lt=after))
    elif goes_on:
        rows = rows.filter(pk__lt=after)
    asked = Assignment.objects.active().filter(proposal=OuterRef("pk")).order_by()
    sheets = Review.objects.filter(
        version__proposal=OuterRef("pk"),
        version__number=OuterRef("version_count"),
        status=ReviewStatus.SUBMITTED,
        assignment__status=AssignmentStatus.ACTIVE,
    ).order_by()
    newest = Version.objects.filter(proposal=OuterRef("pk"), number=OuterRef("version_count")).order_by()
    designations = Designation.objects.filter(proposal=OuterRef("pk"))
    newest_designation = designations.order_by("-designated_at", "-pk")
    rows = rows.annotate(
        received_at=Subquery(newest.values("received_at")),
        reviews_asked=Coalesce(Subquery(asked.values("proposal").values(number=Count("pk"))), ZERO),
        reviews_in=Coalesce(Subquery(sheets.values("version__proposal").values(number=Count("pk"))), ZERO),
        designation_status=Subquery(newest_designation.values("status")[:1]),
        **dues(reader),
    )
    return rows.order_by(*(["first_due"] if by_due else []), "-pk").values_list(*QUEUED)[: PAGE + 1]


@PreparedByOffices
def consulted(reader: Any) -> QuerySet[Referral, tuple[Any, ...]]:
    """The consultations on proposals of a page that the reader sees, of the newest version referred."""
    page = AnyOf(F("version__proposal"), Given("page", ArrayField(BigIntegerField())))
    return Referral.objects.visible_to(reader).filter(page).current().values_list(*CONSULTED)


def queue(request: SignedInRequest, status: str, now: datetime, *, by_due: bool) -> dict[str, Any]:
    """One keyset page of proposals, each with its five columns and what is late; the newest first.

    ``by_due`` puts first what was or is due first, and what has no clock last.
    """
    after = number_said(request.GET.get("after", ""))
    offices, given = offices_that_read(request.user), {"person": request.user.pk, **clock.given()}
    asked = queued.of(offices, status, by_due, after is not None).ask_all(after=after, now=now, **given)
    found = list(map(Queued._make, asked))
    page = found[:PAGE]
    referred = consulted.of(offices).ask_all(page=[proposal.pk for proposal in page], **given)
    consultations: dict[int, list[Consultation]] = {}
    for row in map(Consultation._make, referred):
        consultations.setdefault(row.proposal, []).append(row)
    agencies = agencies_of(chain.from_iterable(consultations.values()))
    lines = [
        line(proposal, consultations.get(proposal.pk, []), agencies, request.user, now) for proposal in page
    ]
    following = request.GET.copy()
    if len(found) > PAGE:
        following["after"] = str(page[-1].pk)
    return {
        "lines": lines,
        "agencies": agencies,
        "width": len(agencies) + 4,
        "next": f"?{following.urlencode()}" if len(found) > PAGE else "",
        "now": now,
        "by_due": by_due,
    }


def agencies_of(consultations: Iterable[Consultation]) -> list[str]:
    """The names of the agencies that a page shows, in their order."""
    return [name for *_, name in sorted({(row.sort_order, row.code, row.agency) for row in consultations})]


def line(
    proposal: Queued, consultations: list[Consultation], agencies: list[str], user: User, now: datetime
) -> dict[str, Any]:
    """A row of the queue, with a cell for each of ``agencies``."""
    five = columns(consultations, user, now)
    first = next_due(proposal, consultations)
    by_agency = {column.agency: column for column in five}
    return {
        "number": proposal.number,
        "what": f"{proposal.title}, {proposal.consortium}",
        "proposal": proposal,
        "url": page_of("evaluation:proposal", proposal.number),
        "badge": badge_of(proposal.status, Standing(designation_status=proposal.designation_status or "")),
        "received": f"Version {proposal.version_count}, submitted {moments.day(proposal.received_at)}",
        "cells": [(agency, by_agency.get(agency)) for agency in agencies],
        "summary": summary(five),
        "is_paused": first is None and bool(running_on(proposal, consultations)),
        "reviews": reviews_in_words(proposal.reviews_in, proposal.reviews_asked),
        "reasons": reasons_of(proposal, consultations, now),
        "next_due": first,
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
        ("Insights", "evaluation:insights", is_official(user) or is_lead),
        ("Directives", "program:desk-directives", is_official(user)),
        ("Public catalog", "evaluation:catalog", True),
        ("Offices", "program:offices", is_officer or is_auditor or user.holds(*DELEGATORS)),
        ("Mail", "program:deliveries", is_officer or is_auditor),
        ("PDFs set aside", "evaluation:papers", is_officer),
        ("Record", "evaluation:record", is_auditor),
    ]
    return [(label, page_of(name)) for label, name, is_open in rooms if is_open]


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

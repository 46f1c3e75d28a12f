"""Which stated dates of the evaluation a closure of federal offices meets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.urls import reverse

from evaluation.enums import InformationRequestStatus
from evaluation.models import InformationRequest, Referral
from program import clock
from program.closures import Effect, met_by_closures, stated_effects
from program.deadlines import end_of_day, local_day, start_of_day
from program.enums import DayUnit
from proposals.enums import ProposalStatus
from proposals.models import Extension, Proposal
from proposals.querysets import CORRECTION_CLOSES_AT, LIVE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date, datetime

    from program.models import User


def last_day(bound: datetime) -> date:
    return local_day(bound - timedelta(microseconds=1))


@met_by_closures
def dates_met(by: User, before: frozenset[date], after: frozenset[date]) -> Iterator[Effect]:
    """Positions, answers, corrections and time given that end on a day on which offices would be closed."""
    days = after - before
    if not days:
        return
    ends, now = ends_on("due_at", days), clock.now()
    referrals = Referral.objects.visible_to(by).running().filter(ends, due_at__gt=now)
    questions = InformationRequest.objects.visible_to(by).filter(
        ends, status=InformationRequestStatus.OPEN, due_at__gt=now
    )
    rows = [
        (f"Position of {row.agency} on {row.version.proposal.number}", row.version.proposal, row.due_at)
        for row in referrals.select_related("agency", "version__proposal").defer("version__package")
    ]
    rows += [
        (f"Answer to question {row.number} on {row.proposal.number}", row.proposal, row.due_at)
        for row in questions.select_related("proposal")
    ]
    returned = Proposal.objects.read_by_office(by).filter(
        Q(call__rolls_forward=True) | Q(call__cure_unit=DayUnit.BUSINESS),
        status=ProposalStatus.RETURNED,
        call__cancelled_at=None,
    )
    returned = returned.annotate(due_at=CORRECTION_CLOSES_AT).filter(ends, due_at__gt=now)
    rows += [(f"Correction of {row.number}", row, row.due_at) for row in returned]
    given = Extension.objects.read_by_office(by).filter(
        ends_on("closes_at", days), closes_at__gt=now, closes_at=F("proposal__extended_to"),
        proposal__status__in=set(LIVE) - {ProposalStatus.RETURNED}, proposal__call__rolls_forward=True,
        proposal__call__cancelled_at=None,
    )  # fmt: skip
    rows += [
        (f"More time of {one.proposal.number or one.proposal.consortium}", one.proposal, one.closes_at)
        for one in given.select_related("proposal__consortium")
    ]
    stated = [(what, page_of(proposal), last_day(bound)) for what, proposal, bound in rows]
    yield from stated_effects(stated, before, after)


def ends_on(column: str, days: Collection[date]) -> Q:
    """Whether the exclusive bound ``column`` ends one of ``days``."""
    found = Q(pk__in=[])
    for day in days:
        found |= Q(**{f"{column}__gt": start_of_day(day), f"{column}__lte": end_of_day(day)})
    return found


def page_of(proposal: Proposal) -> str:
    """Where an officer reads on; a draft has no page at the desk."""
    if not proposal.number:
        return reverse("evaluation:more-time")
    return reverse("evaluation:proposal", args=[proposal.number])

"""Which stated dates of the evaluation a closure of federal offices meets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.urls import reverse

from evaluation.enums import InformationRequestStatus
from evaluation.models import InformationRequest, Referral
from program import clock
from program.closures import Effect, met_by_closures, stated_effects
from program.deadlines import local_day
from proposals.enums import ProposalStatus
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from program.models import User


def last_day(bound: datetime) -> date:
    return local_day(bound - timedelta(microseconds=1))


@met_by_closures
def dates_met(by: User, before: frozenset[date], after: frozenset[date]) -> Iterator[Effect]:
    """Positions, answers and corrections that are due on a day on which offices would now be closed."""
    now = clock.now()
    referrals = Referral.objects.visible_to(by).running().filter(due_at__gt=now)
    questions = InformationRequest.objects.visible_to(by).filter(
        status=InformationRequestStatus.OPEN, due_at__gt=now
    )
    returned = Proposal.objects.read_by_office(by).filter(
        status=ProposalStatus.RETURNED, cure_due_at__gt=now, call__rolls_forward=True
    )
    rows = [
        (f"Position of {row.agency} on {row.version.proposal.number}", row.version.proposal, row.due_at)
        for row in referrals.select_related("agency", "version__proposal").defer("version__package")
    ]
    rows += [
        (f"Answer to question {row.number} on {row.proposal.number}", row.proposal, row.due_at)
        for row in questions.select_related("proposal")
    ]
    rows += [(f"Correction of {row.number}", row, row.cure_due_at) for row in returned if row.cure_due_at]
    yield from stated_effects(
        [
            (what, reverse("evaluation:proposal", args=[proposal.number]), last_day(due_at))
            for what, proposal, due_at in rows
        ],
        before,
        after,
    )

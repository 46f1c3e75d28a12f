"""What beat runs for proposals; what is due or owed are rows, a tick finds them."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings

from program import clock
from program.services.people import clock_account
from program.transitions import WrongStatus
from proposals.models import Proposal
from proposals.services import lapse_proposal

logger = logging.getLogger(__name__)
MOST_AT_ONCE = 500

SCHEDULE = {
    "lapse-drafts": {"task": "proposals.schedule.lapse_drafts", "schedule": 60.0},
    "sweep-receipts": {"task": "proposals.tasks.sweep_documents", "schedule": 60.0},
    "sweep-invitations": {"task": "proposals.tasks.sweep_invitations", "schedule": 60.0},
}


@shared_task
def lapse_drafts() -> int:
    """Let the drafts of closed calls lapse, as the clock's account.

    The grace is longer than any transaction may run: a submission that began before the close has ended
    before its draft could lapse.
    """
    account, lapsed = clock_account(), 0
    limit = clock.instant() - timedelta(seconds=settings.LAPSE_GRACE_SECONDS)
    for proposal in Proposal.objects.due_to_lapse(limit).select_related("call").order_by("pk")[:MOST_AT_ONCE]:
        try:
            lapse_proposal(proposal, by=account)
        except WrongStatus:
            logger.info("A draft moved on before it could lapse.", extra={"proposal": proposal.pk})
        else:
            lapsed += 1
    return lapsed

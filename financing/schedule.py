"""What beat runs for federal financing: referrals rest and go on with their designation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import shared_task
from celery.schedules import crontab
from django.core.exceptions import PermissionDenied

from financing.models import ToolReferral
from financing.services.referrals import resume_referral, suspend_referral
from program.services.people import clock_account
from program.transitions import NotReady, WrongStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from program.models import AuditEvent

logger = logging.getLogger(__name__)
MOST = 500


@shared_task
def follow_designations() -> int:
    """Suspend open referrals without an active designation and resume those that have one again.

    Returns how many changed. Repeatable: each is a transaction of its own, of two beats one changes it.
    """
    suspended = _each(ToolReferral.objects.to_suspend(), suspend_referral)
    return suspended + _each(ToolReferral.objects.to_resume(), resume_referral)


def _each(referrals: QuerySet[ToolReferral], act: Callable[..., AuditEvent]) -> int:
    clock, changed = clock_account(), 0
    for referral in referrals.order_by("pk")[:MOST]:
        try:
            act(referral, by=clock)
        except (WrongStatus, NotReady, PermissionDenied) as refusal:
            logger.info("The referral was left.", extra={"referral": referral.number, "reason": str(refusal)})
        else:
            changed += 1
    return changed


SCHEDULE = {
    "follow-designations": {"task": "financing.schedule.follow_designations", "schedule": crontab()},
}

"""What the clock does in the evaluation; due times are rows, a tick finds them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery import shared_task
from celery.schedules import crontab
from django.core.exceptions import PermissionDenied

from evaluation.models import Designation, Referral
from evaluation.services import expire_designation, lapse_referral
from program import clock
from program.services.people import clock_account
from program.transitions import NotReady, WrongStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)

SCHEDULE = {
    "lapse-referrals": {"task": "evaluation.schedule.lapse_due_referrals", "schedule": 60.0},
    "expire-designations": {
        "task": "evaluation.schedule.expire_due_designations",
        "schedule": crontab(minute="5"),
    },
    "sweep-letters": {"task": "evaluation.tasks.sweep_documents", "schedule": 60.0},
}


@shared_task
def lapse_due_referrals() -> int:
    """End the consultations whose time is over; each in its own transaction."""
    return _each(
        lapse_referral,
        Referral.objects.due_to_lapse(clock.instant()).select_related("agency", "version__proposal"),
    )


@shared_task
def expire_due_designations() -> int:
    """End the designations whose last day has passed in Washington."""
    return _each(expire_designation, Designation.objects.due_to_expire(clock.today()))


def _each(act: Callable[..., Any], records: Iterable[Any]) -> int:
    """Do ``act`` to each record as the clock; what another act overtook is left alone."""
    account, done = clock_account(), 0
    for record in records:
        try:
            act(record, by=account)
        except (WrongStatus, NotReady, PermissionDenied) as refusal:
            logger.info(
                "The clock left a record alone.", extra={"record": str(record.pk), "reason": str(refusal)}
            )
        else:
            done += 1
    return done

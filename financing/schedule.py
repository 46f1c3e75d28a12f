"""What beat runs for federal financing: referrals rest and go on with their designation."""

from __future__ import annotations

from celery import shared_task
from celery.schedules import crontab

from financing.models import ToolReferral
from financing.services.referrals import resume_referral, suspend_referral
from program.services.clockwork import do_each

MOST = 500


@shared_task
def follow_designations() -> int:
    """Suspend open referrals without an active designation and resume those that have one again.

    Returns how many changed. Repeatable: each is a transaction of its own, of two beats one changes it.
    """
    suspended = do_each(suspend_referral, ToolReferral.objects.to_suspend().order_by("pk")[:MOST])
    return suspended + do_each(resume_referral, ToolReferral.objects.to_resume().order_by("pk")[:MOST])


SCHEDULE = {
    "follow-designations": {"task": "financing.schedule.follow_designations", "schedule": crontab()},
}

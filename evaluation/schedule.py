"""What the clock does in the evaluation; due times are rows, a tick finds them."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from celery.schedules import crontab
from django.conf import settings

from evaluation.decided import sha256_to_clear
from evaluation.models import (
    CatalogEntry,
    Condition,
    ConflictCase,
    Designation,
    DesignationAmendment,
    Determination,
    Escalation,
    InformationRequest,
    InterestConfirmation,
    Position,
    Referral,
)
from evaluation.services import (
    ask_again,
    end_referral,
    expire_designation,
    lapse_referral,
    offer_countries,
    open_left_escalation,
    release_overdue,
    remind_of_condition,
    remind_of_conflict,
    remind_of_deferral,
    remind_of_escalation,
    remind_of_expiry,
    remind_of_interests,
    remind_of_position,
    remind_of_question,
    settle_amendment,
    tell_overtaken,
    to_screen_again,
    undo_overtaken_clearance,
    waiting_imports,
    work_off,
    work_off_each,
    work_off_import,
)
from program import clock
from program.services.clockwork import do_each

MOST_AT_ONCE = 500
# A list of 200,000 entries takes longer to import, and to make ready, than other tasks may
LONG = {"time_limit": 900, "soft_time_limit": 840}
SCHEDULE = {
    "lapse-referrals": {"task": "evaluation.schedule.lapse_due_referrals", "schedule": 60.0},
    "release-clocks": {"task": "evaluation.schedule.release_clocks", "schedule": 60.0},
    "remind": {"task": "evaluation.schedule.remind", "schedule": crontab()},
    "end-referrals": {"task": "evaluation.schedule.end_left_referrals", "schedule": 60.0},
    "open-escalations": {
        "task": "evaluation.schedule.open_left_escalations",
        "schedule": crontab(minute="35"),
    },
    "tell-overtaken": {"task": "evaluation.schedule.tell_overtaken_determinations", "schedule": 60.0},
    "expire-designations": {
        "task": "evaluation.schedule.expire_due_designations",
        "schedule": crontab(minute="5"),
    },
    "offer-countries": {
        "task": "evaluation.schedule.offer_countries_again",
        "schedule": crontab(minute="15"),
    },
    "amend-designations": {"task": "evaluation.schedule.amend_designations", "schedule": 60.0},
    "screen-again": {"task": "evaluation.schedule.screen_again", "schedule": 60.0},
    "sweep-screenings": {"task": "evaluation.schedule.sweep_screenings", "schedule": 20.0},
    "sweep-imports": {"task": "evaluation.schedule.sweep_imports", "schedule": 20.0},
    "sweep-letters": {"task": "evaluation.tasks.sweep_documents", "schedule": 20.0},
}


@shared_task
def lapse_due_referrals() -> int:
    """End the consultations whose time is over; each in its own transaction.

    The grace is that of drafts: a position that began in time has been filed before its consultation lapses.
    """
    limit = clock.instant() - timedelta(seconds=settings.LAPSE_GRACE_SECONDS)
    return do_each(
        lapse_referral, Referral.objects.due_to_lapse(limit).select_related("agency", "version__proposal")
    )


@shared_task
def release_clocks() -> int:
    """Let the clocks go on that wait for an answer whose time is over; each question by itself."""
    overdue = InformationRequest.objects.holding_clocks(clock.instant()).select_related("proposal")
    return do_each(release_overdue, overdue)


@shared_task
def remind() -> int:
    """Warn of all that comes due, each in its own transaction."""
    at = clock.instant()
    positions = Referral.objects.to_remind(at).only("pk")
    questions = InformationRequest.objects.to_remind(at).only("pk")
    conditions = Condition.objects.to_remind(at).only("pk")
    deferrals = Determination.objects.to_remind(at).only("pk")
    designations = Designation.objects.to_remind(at).only("pk")
    escalations = Escalation.objects.to_remind(at).only("pk")
    conflicts = ConflictCase.objects.to_remind(at).only("pk")
    statements = InterestConfirmation.objects.to_remind(at)
    return (
        do_each(remind_of_position, positions[:MOST_AT_ONCE])
        + do_each(remind_of_question, questions[:MOST_AT_ONCE])
        + do_each(remind_of_condition, conditions[:MOST_AT_ONCE])
        + do_each(remind_of_deferral, deferrals[:MOST_AT_ONCE])
        + do_each(remind_of_expiry, designations[:MOST_AT_ONCE])
        + do_each(remind_of_escalation, escalations[:MOST_AT_ONCE])
        + do_each(remind_of_conflict, conflicts[:MOST_AT_ONCE])
        + do_each(remind_of_interests, statements[:MOST_AT_ONCE])
    )


@shared_task
def end_left_referrals() -> int:
    """End the consultations that a withdrawal, a decision or a new version left open; each by itself."""
    return do_each(end_referral, Referral.objects.left_open().select_related("agency", "version__proposal"))


@shared_task
def open_left_escalations() -> int:
    """Open a record for each objection that code of before filed without one; it may run beside this code."""
    return do_each(
        open_left_escalation, Position.objects.left_unescalated().select_related("referral__version")
    )


@shared_task
def offer_countries_again() -> int:
    """Leave out of each public entry the countries that a finding names, where no act has done so."""
    return do_each(offer_countries, CatalogEntry.objects.public().filter(shows_markets=True).only("pk"))


@shared_task
def tell_overtaken_determinations() -> int:
    """Tell of signed determinations left behind, once each, and undo clearances that do not hold any more."""
    told = do_each(tell_overtaken, Determination.objects.overtaken().not_told())
    cleared = Determination.objects.cleared().for_list()
    changed = (row for row in cleared if row.cleared_sha256 != sha256_to_clear(row))
    return told + do_each(undo_overtaken_clearance, changed)


@shared_task
def amend_designations() -> int:
    """Let announced amendments take effect whose day has come in Washington, in the order of their days."""
    rows = DesignationAmendment.objects.due(clock.today()).order_by("designation", "effective_on", "number")
    return do_each(settle_amendment, rows)


@shared_task
def expire_due_designations() -> int:
    """End the designations whose last day has passed in Washington."""
    return do_each(expire_designation, Designation.objects.due_to_expire(clock.today()))


@shared_task
def screen_again() -> int:
    """Ask for the screening of what a newer list, ruleset or version has overtaken, the oldest first."""
    return do_each(ask_again, to_screen_again()[:MOST_AT_ONCE])


@shared_task(**LONG)
def screen_parties(job_id: int) -> int:
    """Screen the parties of one version; running it again screens nothing twice."""
    return work_off(job_id)


@shared_task(**LONG)
def sweep_screenings() -> int:
    """Work off the screenings that still wait: of a new list, or where the broker or a worker died."""
    return work_off_each()


@shared_task(**LONG)
def import_list(import_id: int) -> int:
    """Import one file; running it again imports nothing twice."""
    return work_off_import(import_id)


@shared_task(**LONG)
def sweep_imports() -> int:
    """Import what still waits: the broker was away, a worker died."""
    return sum(work_off_import(pk) for pk in waiting_imports().values_list("pk", flat=True))

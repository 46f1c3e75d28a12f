"""What beat runs for the Program itself; due times are rows, a tick finds them."""

from __future__ import annotations

from datetime import timedelta

from allauth.usersessions.models import UserSession
from celery import shared_task
from celery.schedules import crontab
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction

from program import clock
from program.clock_account import clock_account
from program.documents import remove_orphans
from program.enums import PartOfPortal
from program.models import AuditEvent, Call, Office, User
from program.notices import close_out_of_sight
from program.publish import in_seconds
from program.pulse import note_parts, note_pulse, storage_answers
from program.services import preferences, subscriptions
from program.services.calls import close_call
from program.services.clockwork import InHand, do_each
from program.services.record import ask_for_verification, verify_for_a_while
from program.services.scans import owed_scans, scan
from program.ticks import timely

# Longer than any request may take: what was received in time has committed before its call is closed
SETTLING = timedelta(seconds=45)
TICK = timedelta(seconds=5)
#: How far back the clock looks for offices that have ended: it may have stood still meanwhile
DEPARTED = timedelta(days=7)


@shared_task
def close_due_calls() -> int:
    """Close every call whose deadline has passed, each in its own transaction; returns how many.

    One that another beat has in hand, that is held or that fails is left for the next tick, and keeps no
    other open. What is due before that tick is closed at its instant, by ``close_settled_calls``.
    """
    settled = clock.instant() - SETTLING
    soon = Call.objects.due_to_close(settled + TICK).filter(closes_at__gt=settled)
    for instant in filter(None, soon.values_list("closes_at", flat=True)):
        in_seconds((instant - settled).total_seconds(), "program.schedule.close_settled_calls")
    return close_settled_calls()


@shared_task
def close_settled_calls() -> int:
    """As ``close_due_calls``, with no look ahead."""
    due = Call.objects.due_to_close(clock.instant() - SETTLING).order_by("closes_at")
    return do_each(close_alone, due)


@transaction.atomic
def close_alone(call: Call, *, by: User) -> AuditEvent:
    """Close one call; raises InHand, without waiting, while another worker does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('close-call'), %s)", [call.pk])
        if not cursor.fetchone()[0]:
            raise InHand
    return close_call(call, by=by)


@shared_task
def keep_pulse() -> int:
    """Note that the clock works; returns 1 where a silence ended with that."""
    return int(note_pulse() is not None)


@shared_task
def verify_record() -> int:
    """Go on with the verification that is under way; returns how many events it has checked so far."""
    return verify_for_a_while()


@shared_task
def ask_for_daily_verification() -> None:
    """Let the record be verified every day, whether somebody asks or not."""
    ask_for_verification(by=clock_account())


@shared_task
def scan_document(document_id: int) -> int:
    """Scan one file that waits for it; running it again scans nothing twice."""
    return int(scan(document_id))


@shared_task
def sweep_scans() -> int:
    """Scan what waits: the scanner was away, the broker was, a worker died. Returns how many are settled."""
    note_parts({PartOfPortal.STORAGE: storage_answers()})
    return sum(scan(pk) for pk in timely(owed_scans()))


@shared_task
def remove_orphaned_files() -> int:
    """Delete stored files that no record points to: their transaction failed more than a day ago."""
    return remove_orphans()


@shared_task
def close_notices_of_the_departed() -> int:
    """Take back the notices of people whose office has ended in the last days; returns how many."""
    since = clock.today() - DEPARTED
    ended = Office.objects.filter(effective_to__gte=since, effective_to__lte=clock.today())
    people = User.objects.filter(pk__in=ended.values("user")).order_by("pk")
    return sum(close_out_of_sight(person) for person in timely(people))


@shared_task
def forget_unconfirmed_addresses() -> int:
    """Forget the e-mail addresses that were given a week ago and never confirmed; returns how many."""
    return subscriptions.forget_unconfirmed()


@shared_task
def make_digests() -> int:
    """Make the daily digests that are due; returns how many. Made once a day, however often it runs."""
    return preferences.make_digests()


SCHEDULE = {
    "make-digests": {"task": "program.schedule.make_digests", "schedule": crontab(minute="*/5")},
    "forget-addresses": {
        "task": "program.schedule.forget_unconfirmed_addresses",
        "schedule": crontab(hour="4", minute="50"),
    },
    "sweep-scans": {"task": "program.schedule.sweep_scans", "schedule": 20.0},
    "remove-orphaned-files": {
        "task": "program.schedule.remove_orphaned_files",
        "schedule": crontab(minute="40"),
    },
    "sweep-deliveries": {"task": "program.tasks.sweep_deliveries", "schedule": 20.0},
    "seal-record": {"task": "program.tasks.seal_record", "schedule": crontab(minute="10")},
    "verify-record": {"task": "program.schedule.verify_record", "schedule": 20.0},
    "verify-record-daily": {
        "task": "program.schedule.ask_for_daily_verification",
        "schedule": crontab(hour="5", minute="25"),
    },
    "purge-sessions": {"task": "program.schedule.purge_sessions", "schedule": crontab(hour="4", minute="20")},
    "close-notices": {
        "task": "program.schedule.close_notices_of_the_departed",
        "schedule": crontab(hour="6", minute="15"),
    },
    "keep-pulse": {"task": "program.schedule.keep_pulse", "schedule": 20.0},
    "close-due-calls": {"task": "program.schedule.close_due_calls", "schedule": TICK},
}


@shared_task
def purge_sessions() -> int:
    """Forget sessions that are over and from where they were used; the record keeps each sign-in."""
    call_command("clearsessions")
    going_on = Session.objects.values("session_key")
    return UserSession.objects.exclude(session_key__in=going_on).delete()[0]

"""Closing in real time: within seconds of what has settled, and once, though a worker dies half-way (R05)."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import connection, transaction

from program import clock
from program.clock_account import clock_account
from program.models import AuditEvent, Call, Notice
from program.publish import in_seconds
from program.schedule import SETTLING, close_due_calls
from tests.factories import evaluation as make
from tests.factories.program import issued_call
from tests.factories.proposals import ProposalFactory
from tests.faults.test_worker_killed import kill_child, kill_parent
from tests.processes import celery_beat, celery_worker, wait_until
from tests.program.test_notice_faults import empty_broker

__all__ = ["empty_broker"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.realtime]
TICK = 5


@pytest.fixture(autouse=True)
def account(empty_broker):
    make.five_agencies()
    return clock_account()


def due_in(seconds, call=None):
    """A call whose time is over, and that has settled, in so many seconds."""
    call = call or issued_call()
    closes_at = clock.instant() - SETTLING + timedelta(seconds=seconds)
    Call.objects.filter(pk=call.pk).update(closes_at=closes_at)
    return call


def status(call):
    return Call.objects.values_list("status", flat=True).get(pk=call.pk)


def is_waiting():
    """Whether a session of the database waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return cursor.fetchone()[0] > 0


def test_call_is_closed_within_seconds_of_what_has_settled(tmp_path):
    with ExitStack() as stack:
        stack.enter_context(celery_worker(queues="clock"))
        stack.enter_context(celery_beat(tmp_path))
        first = due_in(0)
        wait_until(lambda: status(first) == "closed", seconds=60, what="beat and worker to be up")
        call = due_in(TICK)
        wait_until(lambda: status(call) == "closed", seconds=4 * TICK, what="the call to be closed")
        call.refresh_from_db()
        late = call.closed_at - (call.closes_at + SETTLING)
        print(f"Closed {late.total_seconds():.1f} s after it had settled.")
        assert timedelta(0) <= late <= timedelta(seconds=2 * TICK)


def test_tick_before_the_instant_has_the_call_closed_at_the_instant():
    """No beat runs here: without the look ahead nothing would close the call."""
    with celery_worker(queues="clock"):
        first = due_in(0)
        in_seconds(0, "program.schedule.close_settled_calls")
        wait_until(lambda: status(first) == "closed", seconds=60, what="the worker to be up")
        soon, later = due_in(TICK - 1), due_in(3 * TICK)
        assert close_due_calls() == 0
        wait_until(lambda: status(soon) == "closed", seconds=4 * TICK, what="the call to be closed")
        soon.refresh_from_db()
        late = soon.closed_at - (soon.closes_at + SETTLING)
        print(f"Closed {late.total_seconds():.2f} s after it had settled.")
        assert timedelta(0) <= late <= timedelta(seconds=TICK)
        assert status(later) == "issued"


@pytest.mark.parametrize("kill_part", [kill_child, kill_parent])
def test_worker_killed_half_way_through_closing_leaves_each_call_closed_once(kill_part, tmp_path):
    done, held, last = calls = [due_in(seconds) for seconds in (-30, -20, -10)]
    teams = [ProposalFactory(call=call).created_by_id for call in calls]
    with ExitStack() as stack:
        worker = stack.enter_context(celery_worker(queues="clock", LOCK_TIMEOUT_MS="60000"))
        stack.enter_context(celery_beat(tmp_path))
        with transaction.atomic():
            Call.objects.select_for_update().get(pk=held.pk)
            wait_until(lambda: status(done) == "closed" and is_waiting(), seconds=60, what="half of it")
            kill_part(worker)
        assert [status(call) for call in (held, last)] == ["issued", "issued"]
        killed_at = time.monotonic()
        if kill_part is kill_parent:
            stack.enter_context(celery_worker(queues="clock"))
        wait_until(
            lambda: {status(call) for call in calls} == {"closed"}, seconds=90, what="the rest to be closed"
        )
        print(f"All closed {time.monotonic() - killed_at:.1f} s after the kill.")
        time.sleep(2 * TICK)
    events = AuditEvent.objects.filter(act="call.close")
    assert sorted(events.values_list("subject_id", flat=True)) == sorted(str(call.pk) for call in calls)
    told = Notice.objects.filter(kind="call-closed", recipient__in=teams)
    assert sorted(told.values_list("recipient", flat=True)) == sorted(teams)

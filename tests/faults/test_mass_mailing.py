"""An event of which thousands are told: over few lines, resumed after ``kill -9``, behind single notices."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import pytest
from celery import current_app
from django.db import connection
from django.db.models import F

from program import audit, notices
from program.enums import DeliveryState
from program.models import Delivery, Mailing, Notice, Subscription, User
from tests.factories.program import AgencyFactory, UserFactory, issued_call, officer
from tests.processes import celery_worker, kill, mail_server, wait_until
from tests.program.test_notice_faults import empty_broker, owe_one, state
from tests.program.test_notices import KIND
from tests.program.test_subscriptions import amend

__all__ = ["empty_broker"]
pytestmark = pytest.mark.django_db(transaction=True)
RECIPIENTS = 2000
PATIENCE = 10


def owe_to_many(count=RECIPIENTS):
    people = User.objects.bulk_create(
        User(email=f"subscriber{number}@firm.example", name=f"Subscriber {number}") for number in range(count)
    )
    event = audit.record(people[0], "tests.act", by=UserFactory())
    notices.owe(event, KIND, people, url="/calls/", number="1")
    return Mailing.objects.get(event=event)


def sweep_until(condition, what):
    """As beat does, only more often."""

    def swept():
        current_app.send_task("program.tasks.sweep_deliveries")
        time.sleep(1)
        return condition()

    wait_until(swept, seconds=300, what=what)


@contextmanager
def closed_to_writers(table):
    """Another session that keeps everybody from writing to a table."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # a worker takes its time
            cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield
    finally:
        other.close()


def waiting_sessions():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
            "WHERE NOT granted AND datname = current_database()"
        )
        return cursor.fetchone()[0]


def test_worker_that_dies_while_it_writes_leaves_the_slice_to_the_next():
    row = owe_to_many().spreads.get()
    notices.write_out([row.pk], seconds=0)
    assert Notice.objects.count() == notices.MOST_AT_ONCE
    with mail_server() as mail:
        with closed_to_writers("program_notice"), celery_worker(mail=mail, LOCK_TIMEOUT_MS="60000") as worker:
            sweep_until(waiting_sessions, "the worker to wait for the table")
            kill(worker)
        row.refresh_from_db()
        assert (row.told, Notice.objects.count()) == (notices.MOST_AT_ONCE, notices.MOST_AT_ONCE)
        with celery_worker(mail=mail):
            unsent = Delivery.objects.exclude(state=DeliveryState.SENT)
            sweep_until(lambda: len(mail.messages) >= RECIPIENTS and not unsent.exists(), "all to be sent")
        row.refresh_from_db()
        assert (row.told, row.recipients, Notice.objects.count()) == (RECIPIENTS, [], RECIPIENTS)
        arrived = Counter(envelope.rcpt_tos[0] for envelope in mail.messages)
        assert (set(arrived.values()), len(arrived)) == ({1}, RECIPIENTS)


def test_thousands_are_told_once_each_though_a_worker_dies_and_single_notices_go_first():
    with mail_server() as mail:
        with celery_worker(mail=mail) as worker:
            mailing = owe_to_many()
            wait_until(lambda: len(mail.messages) > 300, seconds=60, what="the mailing to be under way")
            began, single = time.monotonic(), owe_one()
            wait_until(lambda: state(single) == DeliveryState.SENT, what="the single notice to be sent")
            waited, sent = time.monotonic() - began, len(mail.messages)
            assert waited < PATIENCE and sent < RECIPIENTS, (waited, sent)
            kill(worker)
        left = mailing.deliveries.exclude(state=DeliveryState.SENT)
        assert left.filter(state=DeliveryState.OWED).count() > 100
        Delivery.objects.update(claimed_at=F("claimed_at") - timedelta(minutes=5))
        with celery_worker(mail=mail):
            unsettled = left.exclude(state=DeliveryState.UNKNOWN)
            sweep_until(lambda: not unsettled.exists(), "the rest to be sent")
        arrived = Counter(envelope.rcpt_tos[0] for envelope in mail.messages)
        assert set(arrived.values()) == {1}
        assert len(arrived) in (RECIPIENTS + 1, RECIPIENTS)
        assert left.count() <= 1
        assert mail.lines < len(arrived) / 20


FOLLOWERS = 20_000
#: How long an act may hold the call: a submission waits for it three seconds at most
MOST_HELD = 2


@contextmanager
def timed_statements():
    """Each statement of this session with when it began and how many seconds it took."""
    statements = []

    def timed(execute, sql, params, many, context):
        began = time.monotonic()
        try:
            return execute(sql, params, many, context)
        finally:
            statements.append((sql, began, time.monotonic() - began))

    with connection.execute_wrapper(timed):
        yield statements


def test_amendment_that_twenty_thousand_addresses_are_told_of_holds_its_call_for_a_moment():
    AgencyFactory(code="COMMERCE")
    call, by, waited = issued_call(), officer(), []
    amend(call, by)  # a web worker has done such a thing before
    follow_by_address(call, FOLLOWERS)

    def submit_meanwhile():
        try:
            with connection.cursor() as cursor:
                wait_until(lambda: is_held(cursor, call), what="the amendment to hold the call")
                began = time.monotonic()
                cursor.execute("SET lock_timeout = 3000")
                cursor.execute("SELECT 1 FROM program_call WHERE id = %s FOR SHARE", [call.pk])
                waited.append(time.monotonic() - began)
        finally:
            connection.close()

    submission = Thread(target=submit_meanwhile)
    submission.start()
    with timed_statements() as statements:
        amend(call, by)
        done = time.monotonic()
    submission.join()
    held = done - next(began for sql, began, _ in statements if "FOR UPDATE" in sql)
    slowest = max(seconds for *_, seconds in statements)
    print(f"slowest statement {slowest:.2f} s, call held {held:.2f} s, submission waited {waited}")
    assert slowest < 1 and held < MOST_HELD, (slowest, held)
    assert len(waited) == 1 and waited[0] < MOST_HELD
    mailing = Mailing.objects.get()
    assert sum(row.total for row in mailing.spreads.all()) == FOLLOWERS


def follow_by_address(call, count):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO program_subscription (email, call_id, confirmed_at, created_at, updated_at)"
            " SELECT 'reader' || number || '@firm.example', %s, now(), now(), now()"
            " FROM generate_series(1, %s) AS number",
            [call.pk, count],
        )
    assert Subscription.objects.standing().filter(call=call).count() == count


def is_held(cursor, call):
    cursor.execute("SELECT 1 FROM program_call WHERE id = %s FOR SHARE SKIP LOCKED", [call.pk])
    return cursor.fetchone() is None

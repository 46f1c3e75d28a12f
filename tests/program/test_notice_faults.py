"""Real workers and a real broker: what happens to what is owed when one of them dies."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from celery import current_app
from django.db.models import F

from program import audit, notices, publish
from program.enums import DeliveryState
from program.models import Delivery
from tests.factories.program import UserFactory
from tests.processes import celery_worker, kill, mail_server, wait_until
from tests.program.test_notices import KIND

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_broker():
    current_app.control.purge()
    publish._silent_until = 0.0
    yield
    current_app.control.purge()


def owe_one():
    person = UserFactory()
    event = audit.record(person, "tests.act", by=person)
    notices.owe(event, KIND, [person], url="/", number="1")
    return Delivery.objects.get(notice__event=event)


def state(delivery):
    delivery.refresh_from_db()
    return delivery.state


def test_worker_killed_in_the_middle_of_delivery_sends_exactly_one_message():
    with mail_server() as mail:
        mail.hangs_at = "MAIL"
        with celery_worker(mail=mail) as worker:
            delivery = owe_one()
            wait_until(lambda: "MAIL" in mail.seen, what="the worker to speak to the mail server")
            kill(worker)
        assert state(delivery) == DeliveryState.CLAIMED
        mail.hangs_at = ""
        Delivery.objects.update(claimed_at=F("claimed_at") - timedelta(minutes=2))
        with celery_worker(mail=mail):
            current_app.send_task("program.tasks.sweep_deliveries")
            current_app.send_task("program.tasks.sweep_deliveries")
            wait_until(lambda: state(delivery) == DeliveryState.SENT, what="the delivery to be sent")
            current_app.send_task("program.tasks.deliver_notices", [delivery.notice.event_id])
            time.sleep(1)
        assert len(mail.messages) == 1


def test_broker_away_leaves_the_notice_owed_and_the_sweep_finds_it(settings, monkeypatch):
    address = current_app.conf.broker_write_url
    with mail_server() as mail:
        current_app.conf.broker_write_url = "redis://127.0.0.1:1/0"
        current_app.pool.force_close_all()
        try:
            started = time.monotonic()
            delivery = owe_one()
            assert time.monotonic() - started < 2
        finally:
            current_app.conf.broker_write_url = address
            current_app.pool.force_close_all()
        assert state(delivery) == DeliveryState.OWED
        with celery_worker(mail=mail):
            current_app.send_task("program.tasks.sweep_deliveries")
            wait_until(lambda: state(delivery) == DeliveryState.SENT, what="the delivery to be sent")
        assert len(mail.messages) == 1


def test_broker_emptied_loses_and_doubles_nothing():
    with mail_server() as mail:
        deliveries = [owe_one() for _ in range(5)]
        current_app.control.purge()
        with celery_worker(mail=mail):
            for _ in range(3):
                current_app.send_task("program.tasks.sweep_deliveries")
            wait_until(
                lambda: not Delivery.objects.exclude(state=DeliveryState.SENT).exists(), what="all to be sent"
            )
        assert sorted(envelope.rcpt_tos[0] for envelope in mail.messages) == sorted(
            delivery.notice.recipient.email for delivery in deliveries
        )

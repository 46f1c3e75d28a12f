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
from tests.processes import Broker, broker, celery_worker, kill, mail_server, run_in_process, wait_until
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


@pytest.mark.parametrize(
    ("leave", "come_back"), [(Broker.stop, Broker.start), (Broker.freeze, Broker.thaw)], ids=["gone", "mute"]
)
def test_broker_away_leaves_the_notice_owed_and_the_sweep_finds_it(leave, come_back):
    act = (
        "import time\nfrom tests.program.test_notice_faults import owe_one\n"
        "started = time.monotonic()\nprint(owe_one().pk, time.monotonic() - started)"
    )
    with mail_server() as mail, broker() as own:
        leave(own)
        key, seconds = run_in_process(act, REDIS_URL=own.url).split()
        assert float(seconds) < 2
        delivery = Delivery.objects.get(pk=key)
        assert delivery.state == DeliveryState.OWED
        come_back(own)
        with celery_worker(mail=mail, REDIS_URL=own.url):
            run_in_process(
                "from celery import current_app\ncurrent_app.send_task('program.tasks.sweep_deliveries')",
                REDIS_URL=own.url,
            )
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

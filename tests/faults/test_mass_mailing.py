"""An event of which thousands are told: over few lines, resumed after ``kill -9``, behind single notices."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta

import pytest
from celery import current_app
from django.db.models import F

from program import audit, notices
from program.enums import DeliveryState
from program.models import Delivery, Mailing, User
from tests.factories.program import UserFactory
from tests.processes import celery_worker, kill, mail_server, wait_until
from tests.program.test_notice_faults import empty_broker, owe_one, state
from tests.program.test_notices import KIND

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

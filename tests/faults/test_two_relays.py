"""Two relays on one row at once (R13): what is owed is sent once, by one of them."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
from celery import current_app

from program.enums import DeliveryState
from program.models import Delivery
from tests.processes import celery_worker, children_of, mail_server, wait_until
from tests.program.test_notice_faults import empty_broker, owe_one

__all__ = ["empty_broker"]
pytestmark = pytest.mark.django_db(transaction=True)
OWED, TIMES = 8, 6


def test_two_workers_that_are_told_of_each_row_many_times_send_it_once():
    with ExitStack() as stack:
        mail = stack.enter_context(mail_server())
        workers = [stack.enter_context(celery_worker(mail=mail)) for _ in range(2)]
        wait_until(lambda: all(map(children_of, workers)), seconds=60, what="both workers")
        for _ in range(OWED):
            delivery = owe_one()
            for _ in range(TIMES):
                current_app.send_task("program.tasks.deliver_notices", [delivery.notice.event_id])
        rows = Delivery.objects.filter(state=DeliveryState.SENT)
        wait_until(lambda: rows.count() == OWED, seconds=60, what="every delivery to be sent")
        time.sleep(2)
        assert len(mail.messages) == OWED
        assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}

"""``kill -9`` of a worker in the middle of a delivery (R05), in real time: resumed, one message."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack

import pytest

from program.enums import DeliveryState
from tests.processes import celery_beat, celery_worker, children_of, kill, mail_server, wait_until
from tests.program.test_notice_faults import empty_broker, owe_one, state

__all__ = ["empty_broker"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.realtime]
BY_THE_SWEEP, BY_REDELIVERY = 90, 190
TWO_SWEEPS = 45


def kill_parent(worker):
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(10)


def kill_child(worker):
    (child,) = children_of(worker)
    os.kill(child, signal.SIGKILL)


def die_while_delivering(stack, mail, kill_part):
    """A worker killed while the mail server lets it wait; returns it, the delivery and the moment."""
    mail.hangs_at = "MAIL"
    worker = stack.enter_context(celery_worker(mail=mail))
    delivery = owe_one()
    wait_until(lambda: "MAIL" in mail.seen, seconds=60, what="the worker to speak to the mail server")
    kill_part(worker)
    mail.hangs_at = ""
    assert state(delivery) == DeliveryState.CLAIMED
    return worker, delivery, time.monotonic()


def seconds_until_sent(delivery, killed_at, *, most):
    wait_until(lambda: state(delivery) == DeliveryState.SENT, seconds=most, what="the delivery to be sent")
    seconds = time.monotonic() - killed_at
    print(f"Sent {seconds:.1f} s after the kill.")
    return seconds


@pytest.mark.parametrize("kill_part", [kill_parent, kill_child, kill])
def test_delivery_of_a_killed_worker_is_resumed_by_the_sweep(kill_part, tmp_path):
    with ExitStack() as stack:
        mail = stack.enter_context(mail_server())
        stack.enter_context(celery_beat(tmp_path))
        worker, delivery, killed_at = die_while_delivering(stack, mail, kill_part)
        if kill_part is kill_child:
            wait_until(lambda: children_of(worker), what="the parent to start another child")
        else:
            worker = stack.enter_context(celery_worker(mail=mail))
        assert seconds_until_sent(delivery, killed_at, most=BY_THE_SWEEP) <= BY_THE_SWEEP
        time.sleep(TWO_SWEEPS)
        assert worker.poll() is None
        assert len(mail.messages) == 1


def test_delivery_of_a_killed_worker_is_resumed_by_redelivery_where_no_sweep_runs():
    with ExitStack() as stack:
        mail = stack.enter_context(mail_server())
        _, delivery, killed_at = die_while_delivering(stack, mail, kill)
        stack.enter_context(celery_worker(mail=mail))
        assert seconds_until_sent(delivery, killed_at, most=BY_REDELIVERY) <= BY_REDELIVERY
        time.sleep(10)
        assert len(mail.messages) == 1

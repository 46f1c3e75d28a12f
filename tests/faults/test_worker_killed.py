"""``kill -9`` of a worker in the middle of a delivery or a PDF (R05), in real time: resumed, made once.

And a PDF that takes longer than its lease (R06): made once, by who began it.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import pytest

from program.enums import DeliveryState, PaperState
from program.leases import LEASE
from program.models import Document
from proposals.models import ReceiptPaper, VersionPaper
from proposals.services import ask_package_pdf
from tests.factories.proposals import ProposalFactory, submitted
from tests.processes import (
    celery_beat,
    celery_worker,
    children_of,
    children_of_pid,
    kill,
    mail_server,
    wait_until,
)
from tests.program.test_notice_faults import empty_broker, owe_one, state

__all__ = ["empty_broker"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.realtime]
BY_THE_SWEEP, BY_REDELIVERY = 90, 190
TWO_SWEEPS = 45
PDFS = {ReceiptPaper: "-R", VersionPaper: "-version-"}


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


def facts(paper):
    paper.refresh_from_db()
    return paper.state, paper.attempts


def pdfs_of(paper):
    return Document.objects.filter(is_generated=True, name__contains=PDFS[type(paper)]).count()


@pytest.mark.parametrize("kill_part", [kill_child, kill])
def test_receipt_of_a_killed_worker_is_made_by_the_sweep(kill_part, tmp_path):
    with ExitStack() as stack:
        stack.enter_context(celery_beat(tmp_path))
        worker = stack.enter_context(celery_worker(queues="documents"))
        paper = submitted(ProposalFactory(complete=True)).receipt.paper
        wait_until(lambda: facts(paper)[1], seconds=60, what="the worker to claim the paper")
        kill_part(worker)
        killed_at = time.monotonic()
        assert facts(paper) == (PaperState.OWED, 1)
        if kill_part is kill:
            stack.enter_context(celery_worker(queues="documents"))
        made = (PaperState.MADE, 2)
        wait_until(lambda: facts(paper) == made, seconds=BY_THE_SWEEP, what="the receipt to be made")
        print(f"Made {time.monotonic() - killed_at:.1f} s after the kill.")
        time.sleep(TWO_SWEEPS)
        assert (facts(paper), pdfs_of(paper)) == (made, 1)


def test_package_that_outlives_its_lease_is_made_once(tmp_path):
    with ExitStack() as stack:
        worker = stack.enter_context(celery_worker(queues="documents"))
        version = submitted(ProposalFactory(complete=True))
        receipt = version.receipt.paper
        wait_until(lambda: facts(receipt)[0] == PaperState.MADE, seconds=60, what="the press to start")
        thaw = stack.enter_context(frozen_press(worker))
        paper = ask_package_pdf(version, by=version.submitted_by)
        wait_until(lambda: facts(paper)[1], seconds=60, what="the worker to claim the paper")
        stack.enter_context(celery_beat(tmp_path))
        stack.enter_context(celery_worker(queues="documents"))
        time.sleep(LEASE.total_seconds() + TWO_SWEEPS)
        assert facts(paper) == (PaperState.OWED, 1)
        thaw()
        wait_until(lambda: facts(paper) == (PaperState.MADE, 1), seconds=60, what="the package to be made")
        assert pdfs_of(paper) == 1


@contextmanager
def frozen_press(worker):
    """The press of the worker's child, which says nothing until it is thawed."""
    (child,) = children_of(worker)
    (press,) = children_of_pid(child)
    os.kill(press, signal.SIGSTOP)
    try:
        yield partial(os.kill, press, signal.SIGCONT)
    finally:
        with suppress(ProcessLookupError):
            os.kill(press, signal.SIGCONT)

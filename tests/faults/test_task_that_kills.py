"""A PDF that kills its worker each time (R07), in real time: set aside after three; no other waits for it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack, suppress

import pytest

from program.enums import PaperState
from tests.factories.program import issued_call
from tests.factories.proposals import ProposalFactory, submitted
from tests.faults.test_worker_killed import facts, kill_child, pdfs_of
from tests.processes import celery_beat, celery_worker, children_of, children_of_pid, wait_until
from tests.program.test_notice_faults import empty_broker

__all__ = ["empty_broker"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.realtime]
ATTEMPTS, BY_THE_SWEEP, OTHERS = 3, 90, 10
MADE = (PaperState.MADE, 1)


def freeze_press(worker, stack):
    """Let the press of the worker's child say nothing more; a child that has none yet starts one."""
    for child in children_of(worker):
        for press in children_of_pid(child):
            os.kill(press, signal.SIGSTOP)
            stack.callback(end, press)


def end(press):
    with suppress(ProcessLookupError):
        os.kill(press, signal.SIGKILL)


def receipt_of(call):
    return submitted(ProposalFactory(call=call, complete=True)).receipt.paper


def test_paper_that_kills_its_worker_is_set_aside_and_holds_up_no_other(tmp_path):
    call = issued_call()
    with ExitStack() as stack:
        worker = stack.enter_context(celery_worker(queues="documents"))
        wait_until(lambda: children_of(worker), seconds=60, what="the worker to start")
        stack.enter_context(celery_beat(tmp_path))
        deadly, waits = receipt_of(call), []
        for attempt in range(1, ATTEMPTS + 1):
            wait_until(lambda n=attempt: facts(deadly)[1] == n, seconds=BY_THE_SWEEP, what="it to be claimed")
            kill_child(worker)
            assert facts(deadly) == (PaperState.OWED, attempt)
            other, began = receipt_of(call), time.monotonic()
            wait_until(lambda p=other: facts(p) == MADE, seconds=60, what="another receipt to be made")
            waits.append(time.monotonic() - began)
            freeze_press(worker, stack)
        aside = (PaperState.QUARANTINED, ATTEMPTS)
        wait_until(lambda: facts(deadly) == aside, seconds=BY_THE_SWEEP, what="it to be set aside")
        print(f"Others were made {', '.join(f'{wait:.1f} s' for wait in waits)} after they were owed.")
        assert max(waits) <= OTHERS
        assert (worker.poll(), pdfs_of(deadly)) == (None, ATTEMPTS)

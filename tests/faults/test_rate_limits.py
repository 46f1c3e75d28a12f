"""C24: a burst through two real workers is counted as one."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.factories.program import UserFactory, issued_call
from tests.faults.web import session_of, web_server
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
BURST = 40


def test_burst_through_two_workers_passes_as_often_as_one_person_may():
    call = issued_call()
    first, second = session_of(UserFactory()), session_of(UserFactory())
    search, listing = f"/calls/{call.number}/?q=cloud", "/api/v1/calls/"
    with web_server(workers=2, RATE_LIMIT_FACTOR="0.1") as web, ThreadPoolExecutor(BURST) as presses:
        wait_until(lambda: len(web.workers()) == 2, seconds=20, what="both workers")

        def burst(path, session):
            time.sleep(max(0, time.time() % 60 - 40) and 60 - time.time() % 60)  # within one minute
            asked = [presses.submit(web.ask, "GET", path, session=session) for _ in range(BURST)]
            return [each.result() for each in asked]

        for path, allowed in ((search, 6), (listing, 30)):
            answers = burst(path, first)
            assert Counter(answer.status for answer in answers) == {200: allowed, 429: BURST - allowed}
            waits = {int(answer.retry_after) for answer in answers if answer.status == 429}
            assert 0 < min(waits) <= max(waits) <= 61
            assert web.ask("GET", path, session=second).status == 200

"""Beat away for a while: the first tick afterwards keeps how long the portal's clock did not work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from program import clock
from program.models import Pulse, Silence
from tests.processes import celery_beat, celery_worker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.realtime]
SOON = 90


def last_tick():
    return Pulse.objects.values_list("at", flat=True).first()


def test_beat_that_was_stopped_and_started_keeps_its_silence_once(tmp_path):
    with celery_worker(queues="clock"):
        with celery_beat(tmp_path):
            wait_until(last_tick, seconds=SOON, what="the first tick")
        # The quarter of an hour in which beat is away is not waited for: its last tick lies so far back.
        Pulse.objects.update(at=F("at") - timedelta(minutes=15))
        began_at = last_tick()
        with celery_beat(tmp_path):
            wait_until(Silence.objects.exists, seconds=SOON, what="the tick after the silence")
            silence = Silence.objects.get()
            wait_until(lambda: last_tick() > silence.ended_at, seconds=SOON, what="one more tick")
    assert silence.began_at == began_at
    assert clock.instant() - silence.ended_at < timedelta(seconds=2 * SOON)
    assert Silence.objects.count() == 1

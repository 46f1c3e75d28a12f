from __future__ import annotations

import pytest
from celery import current_app

from program.schedule import SCHEDULE
from program.services.clockwork import do_each
from tests.factories.program import UserFactory


def test_beat_runs_only_tasks_that_exist():
    current_app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(current_app.tasks)


@pytest.mark.django_db
def test_what_fails_at_one_record_leaves_the_later_ones_their_turn(reference_data, caplog):
    records = [UserFactory() for _ in range(3)]

    def act(record, *, by):
        if record == records[0]:
            raise ValueError("of the first")

    assert do_each(act, records) == 2
    assert "The clock failed at a record." in caplog.messages

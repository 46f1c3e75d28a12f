from __future__ import annotations

from celery import current_app

from program.schedule import SCHEDULE


def test_beat_runs_only_tasks_that_exist():
    current_app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(current_app.tasks)

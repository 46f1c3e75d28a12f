"""The Celery application: tasks from each app's ``tasks.py``, what beat runs from its ``schedule.py``."""

from __future__ import annotations

import importlib
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**kwargs: Any) -> None:
    """Worker and beat log as the settings say: who listens here keeps Celery from its own way."""


@app.on_after_finalize.connect
def add_schedules(sender: Celery, **kwargs: Any) -> None:
    """Give beat the static schedule of each app: ``SCHEDULE`` in its ``schedule.py``."""
    for name in ("program", "proposals", "evaluation", "financing"):
        module = importlib.import_module(f"{name}.schedule")
        sender.conf.beat_schedule |= module.SCHEDULE

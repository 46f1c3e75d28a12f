"""What beat runs for the Program itself; due times are rows, a tick finds them."""

from __future__ import annotations

from celery.schedules import crontab

SCHEDULE = {
    "sweep-deliveries": {"task": "program.tasks.sweep_deliveries", "schedule": 20.0},
    "seal-record": {"task": "program.tasks.seal_record", "schedule": crontab(hour="5", minute="10")},
}

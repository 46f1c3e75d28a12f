"""What wires the apps together: settings, addresses, the Celery application, the starter."""

from __future__ import annotations

from config.celery import app as celery_app

__all__ = ["celery_app"]

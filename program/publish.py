"""How work reaches the background: after commit, by name, and never as a reason to fail a request.

What is owed stands in the database; a message only makes it quick. When the broker is away the sweep of
beat finds the row.
"""

from __future__ import annotations

import logging
import time

from celery import current_app
from django.db import transaction
from kombu.pools import producers

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 10.0
#: How long who publishes waits for a broker that says nothing; workers wait longer, see the settings.
PATIENCE = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
#: How far ahead a task is handed to the broker: far less than its lease
MOST_SECONDS = 30.0
_silent_until = 0.0


def after_commit(task: str, *ids: int) -> None:
    """Send ``task`` the ``ids`` once the running transaction has committed."""

    def send() -> None:
        _send(task, ids)

    transaction.on_commit(send, robust=True)


def in_seconds(delay: float, task: str) -> None:
    """Send ``task``, to be done after ``delay`` seconds; nothing rests on it, beat does the same later.

    Raises ValueError for a wait that the broker's lease might not outlast.
    """
    if delay > MOST_SECONDS:
        raise ValueError(f"In the broker a task waits {MOST_SECONDS:.0f} seconds at most; let it be a row.")
    _send(task, (), countdown=delay)


def _send(task: str, ids: tuple[int, ...], countdown: float | None = None) -> None:
    """Hand the message over; after a failure let the broker be for a while, so that nobody waits for it."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        connection = current_app.connection_for_write(transport_options=PATIENCE)
        with producers[connection].acquire(block=True, timeout=1) as producer:
            current_app.send_task(
                task, list(ids), countdown=countdown, ignore_result=True, retry=False, producer=producer
            )
    except Exception as error:  # the broker's libraries raise many kinds; the row stays owed
        _silent_until = time.monotonic() + PAUSE_SECONDS
        logger.warning(
            "Broker not reached; the sweep will do it.", extra={"task": task, "error": repr(error)}
        )

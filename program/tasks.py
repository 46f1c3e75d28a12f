"""Thin, repeatable wrappers that Celery runs; ids in, counts out."""

from __future__ import annotations

from celery import shared_task

from program import audit, notices, roots
from program.ticks import timely


@shared_task
def deliver_notices(event_id: int) -> int:
    """Send the notices still owed for one event; running it again sends nothing twice."""
    return sum(notices.deliver(pk) for pk in timely(notices.owed(event_id)))


@shared_task
def sweep_deliveries() -> int:
    """Send what is owed and was not sent: the broker was away, a worker died, a server refused."""
    return sum(notices.deliver(pk) for pk in timely(notices.sweep()))


@shared_task
def seal_record() -> int:
    """Seal the record and keep outside what is not kept there yet; returns the number of events sealed.

    A seal that is not full took all that was settled: what is written meanwhile is left to the next hour.
    """
    count = 0
    while seal := audit.seal_record():
        count += seal.event_count
        if seal.event_count < audit.MOST_IN_SEAL:
            break
    roots.keep()
    return count

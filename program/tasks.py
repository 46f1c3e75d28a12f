"""Thin, repeatable wrappers that Celery runs; ids in, counts out."""

from __future__ import annotations

from celery import shared_task

from program import audit, notices, roots
from program.models import User
from program.publish import after_commit


@shared_task
def deliver_notices(event_id: int) -> int:
    """Send the notices still owed for one event; running it again sends nothing twice.

    A mass mailing writes and sends a slice and queues up again behind what came meanwhile.
    """
    written = notices.write_out(notices.spreads_of(event_id))
    keys = notices.owed(event_id)
    if not notices.is_mass(event_id):
        return notices.deliver_each(keys)
    sent = notices.deliver_each(keys, seconds=notices.SLICE_SECONDS)
    if sent or written:
        after_commit("program.tasks.deliver_notices", event_id)
    return sent


@shared_task
def sweep_deliveries() -> int:
    """Send what is owed and was not sent: the broker was away, a worker died, a server refused."""
    single, mass = notices.sweep()
    sent = notices.deliver_each(single)
    notices.write_out(notices.spreads_of())
    return sent + notices.deliver_each(mass, seconds=notices.SLICE_SECONDS)


@shared_task
def close_notices(person_id: int) -> int:
    """Take back what a person was told of what is closed to them now; running it again takes nothing."""
    person = User.objects.filter(pk=person_id).first()
    return notices.close_out_of_sight(person) if person else 0


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

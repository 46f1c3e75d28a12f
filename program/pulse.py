"""Whether the portal's own clock works: each tick says so, the first after a silence keeps its span."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from program import clock
from program.models import Outage, Pulse, Silence
from program.revisions import one_at_a_time

if TYPE_CHECKING:
    from datetime import datetime

#: Longer than this the clock may not rest without leaving a row
SILENT: Final = timedelta(minutes=5)
#: What the form of the log does not say: the seconds
MINUTE: Final = timedelta(minutes=1)
#: How long, and how many, silences are proposed for the outage log
PROPOSED: Final = timedelta(days=60)
MOST_PROPOSED: Final = 20


@transaction.atomic
def note_pulse() -> Silence | None:
    """Note that the clock works; returns the silence that ends with this tick, if one does.

    Of two ticks at once the second waits and finds what the first has noted.
    """
    one_at_a_time("pulse")
    at, last = clock.instant(), Pulse.objects.first()
    if last is None:
        Pulse.objects.create(at=at)
        return None
    silence = None
    if at - last.at > SILENT:
        silence = Silence.objects.create(began_at=last.at, ended_at=at)
    last.at = at
    last.save(update_fields=["at"])
    return silence


def silences_to_log(at: datetime) -> list[Silence]:
    """The latest silences that no standing entry of the outage log covers, to a minute at both ends."""
    entries = Outage.objects.standing().filter(
        Q(ended_at=None) | Q(ended_at__gte=OuterRef("ended_at") - MINUTE),
        began_at__lte=OuterRef("began_at") + MINUTE,
    )
    recent = Silence.objects.filter(~Exists(entries), ended_at__gt=at - PROPOSED)
    return list(recent[:MOST_PROPOSED])

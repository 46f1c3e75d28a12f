"""Whether the portal's own clock and its parts work: the spans in which they did not are kept."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.core.files.storage import FileSystemStorage, storages
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from program import clock
from program.enums import CallStatus
from program.models import Absence, Call, Document, Outage, Pulse, Silence
from program.revisions import one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from program.enums import PartOfPortal

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


def note_parts(found: Mapping[PartOfPortal, bool]) -> list[Silence]:
    """Note which parts of the portal answer, as whoever asked them found; in the database alone.

    A span longer than the clock's own is kept once the part answers again. While nothing changes it reads
    one row and writes none.
    """
    if not _changes(found):
        return []
    with transaction.atomic():
        one_at_a_time("parts")
        at, kept = clock.instant(), []
        for part, absence in _changes(found).items():
            if absence is None:
                Absence.objects.create(part=part, since=at)
                continue
            if at - absence.since > SILENT:
                kept.append(Silence.objects.create(part=part, began_at=absence.since, ended_at=at))
            absence.delete()
    return kept


def _changes(found: Mapping[PartOfPortal, bool]) -> dict[PartOfPortal, Absence | None]:
    """Of ``found`` the parts that are not as they were noted, each with its row of absence, if it has one."""
    rows = {row.part: row for row in Absence.objects.filter(part__in=list(found))}
    return {part: rows.get(part) for part, answers in found.items() if answers == (part in rows)}


def storage_answers() -> bool:
    """Whether the store of files can be asked; a folder in which nothing was kept yet need not be there."""
    store = storages["default"]
    if isinstance(store, FileSystemStorage):
        return os.access(store.location, os.R_OK | os.W_OK) or not Document.objects.exists()
    try:
        store.exists("readiness")
    except Exception:  # whatever the store's own library raises
        return False
    return True


def silences_to_log(at: datetime) -> list[Silence]:
    """The latest silences that no standing entry of the outage log covers, and nobody dismissed."""
    return list(uncovered(at).filter(dismissal=None)[:MOST_PROPOSED])


def silences_dismissed(at: datetime) -> list[Silence]:
    """The latest that were dismissed, and that the log does not cover after all."""
    rows = uncovered(at).exclude(dismissal=None).select_related("dismissal__dismissed_by")
    return list(rows[:MOST_PROPOSED])


def uncovered(at: datetime) -> QuerySet[Silence]:
    """Silences of the last weeks that met an open call, and that no standing entry covers to a minute."""
    open_then = Call.objects.public().exclude(status=CallStatus.CANCELLED)
    met = open_then.filter(issued_at__lt=OuterRef("ended_at"), closes_at__gt=OuterRef("began_at"))
    entries = Outage.objects.standing().filter(
        Q(ended_at=None) | Q(ended_at__gte=OuterRef("ended_at") - MINUTE),
        began_at__lte=OuterRef("began_at") + MINUTE,
    )
    return Silence.objects.filter(Exists(met), ~Exists(entries), ended_at__gt=at - PROPOSED)


def away_now(at: datetime) -> list[Absence]:
    """The parts that do not answer for longer than the clock may rest."""
    return list(Absence.objects.filter(since__lt=at - SILENT))

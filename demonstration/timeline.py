"""On which day each act of the demonstration happened, counted from the issue of its call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from program import clock


@dataclass(frozen=True)
class Timeline:
    """Days after the issue of the call; None for what did not happen."""

    begun: int
    submitted: int | None = None
    submitted_again: int | None = None
    accepted: int | None = None
    returned: int | None = None
    withdrawn: int | None = None
    decided: int | None = None
    announced: int | None = None


#: The first call was issued on a Wednesday, the open one is issued on a Monday: no act falls on a weekend.
TIMELINES: Final = {
    "harbor": Timeline(begun=5, submitted=41, submitted_again=78, accepted=98, decided=133, announced=135),
    "granary": Timeline(begun=12, submitted=76, accepted=99, decided=147, announced=149),
    "lantern": Timeline(begun=13, submitted=83, accepted=100, decided=148, announced=149),
    "meridian": Timeline(begun=6, submitted=55, accepted=98, decided=134, announced=135),
    "quarry": Timeline(begun=50, submitted=89, accepted=103, decided=154, announced=156),
    "drift": Timeline(begun=47),
    "cinder": Timeline(begun=20, submitted=62, accepted=99, withdrawn=118),
    "signal": Timeline(begun=-7, submitted=1, accepted=2, decided=17),
    "orchard": Timeline(begun=-6, submitted=1, accepted=2),
    "beacon": Timeline(begun=1, submitted=9, accepted=14),
    "tallgrass": Timeline(begun=7, submitted=18),
    "wicker": Timeline(begun=2, submitted=10, returned=14),
    "saltmarsh": Timeline(begun=14),
    "foxglove": Timeline(begun=11),
}


def at_work(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of a working day in Washington: a weekend's day becomes the Friday before it."""
    weekend = max(day.weekday() - 4, 0)
    return datetime.combine(day - timedelta(days=weekend), time(hour, minute), clock.WASHINGTON)


def monday_before(day: date) -> date:
    """The last Monday not after ``day``."""
    return day - timedelta(days=day.weekday())

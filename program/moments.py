"""How a day and a moment are written wherever people read them: on pages, in mails, in notices, on paper.

A day is "June 30, 2026"; a moment adds the time and the zone in words, "2:05 p.m. Washington time". Days and
times are those of Washington. An exclusive bound is shown as the last minute before it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django.utils.formats import date_format

from program.clock import WASHINGTON

ZONE = "Washington time"


def day(at: date | datetime) -> str:
    """A day as it is in Washington: "June 30, 2026"."""
    return _day(at.astimezone(WASHINGTON).date() if isinstance(at, datetime) else at)


@lru_cache(maxsize=4096)
def _day(day: date) -> str:
    """Kept: a list writes the same few days again and again, and the portal has one language."""
    return date_format(day, "F j, Y")


def moment(at: datetime) -> str:
    """A moment to the minute: "June 30, 2026, 2:05 p.m. Washington time".

    In the hour that comes twice the offset says which of the two is meant.
    """
    local = at.astimezone(WASHINGTON)
    return f"{date_format(local, 'F j, Y, g:i a')} {zone_with_offset(local) if comes_twice(local) else ZONE}"


def comes_twice(local: datetime) -> bool:
    """Whether clocks in Washington show this time two times, because they go back an hour."""
    first, second = offsets(local)
    return first > second


def is_skipped(local: datetime) -> bool:
    """Whether no clock in Washington shows this time, because they go forward an hour."""
    first, second = offsets(local)
    return first < second


def offsets(local: datetime) -> tuple[timedelta, timedelta]:
    """By how much a time in Washington is ahead of UTC: as the first and as the second of two like it."""
    first, second = (local.replace(tzinfo=WASHINGTON, fold=fold).utcoffset() for fold in (0, 1))
    return first or timedelta(), second or timedelta()


def moment_to_the_second(at: datetime) -> str:
    """A moment as proof: "June 30, 2026, 2:05:09 p.m. Washington time (2026-06-30 18:05:09 UTC)"."""
    local = date_format(at.astimezone(WASHINGTON), "F j, Y, g:i:s a")
    return f"{local} {ZONE} ({at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)"


def last_minute(bound: datetime) -> datetime:
    """The last minute before an exclusive bound: midnight belongs to the day before."""
    local = bound.astimezone(WASHINGTON)
    at_midnight = local.hour == local.minute == local.second == local.microsecond == 0
    return local - timedelta(minutes=1) if at_midnight else local


def zone_with_offset(local: datetime) -> str:
    """The zone in words, with the offset that a reader elsewhere needs: "Washington time (UTC-04)"."""
    return f"{ZONE} (UTC{local:%z}"[:-2] + ")"


def time_of_day(at: datetime) -> str:
    """A time of today: "2:05 p.m. Washington time"."""
    return f"{date_format(at.astimezone(WASHINGTON), 'g:i a')} {ZONE}"


def left(time: timedelta) -> str:
    """The time left, in days from one day on; a change of clocks in between makes no day less."""
    hours = max(1, round(time.total_seconds() / 3600))
    number, unit = (hours, "hour") if hours < 23 else (round(hours / 24), "day")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"

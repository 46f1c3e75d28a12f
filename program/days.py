"""The days that people may type: one bound for every form, service and address that takes one.

A browser's date field offers every year up to 9999, and a slip of a finger adds a digit. A day outside the
bounds is refused where it is typed, with the bounds in words, and nothing is saved.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date, parse_datetime

from program import clock, moments
from program.clock import WASHINGTON

EARLIEST: Final = date(1990, 1, 1)
LATEST: Final = date(2100, 1, 1)


def refusal(day: date) -> str:
    """Why nobody may mean ``day``, in words for the person who typed it; nothing when it may stand."""
    if EARLIEST <= day <= LATEST:
        return ""
    return f"Give a day from {moments.day(EARLIEST)} to {moments.day(LATEST)}. Check the year."


def within_bounds(value: date | datetime) -> None:
    """Refuse a day, or a moment by the day it has in Washington, that lies outside the bounds."""
    if message := refusal(washington_day(value) if isinstance(value, datetime) else value):
        raise ValidationError(message, code="out_of_bounds")


def not_to_come(day: date) -> None:
    """Refuse a day after today in Washington, of what has happened."""
    if day > clock.today():
        raise ValidationError("This day is still to come. Give the day on which it was done.", code="to_come")


def washington_day(moment: datetime) -> date:
    """The day of ``moment`` in Washington; its own date where the calendar ends before the zones meet."""
    try:
        return moment.astimezone(WASHINGTON).date()
    except (OverflowError, ValueError):
        return moment.date()


def read(text: str) -> date | None:
    """The day in an address, as the browser writes it, or nothing. A search may ask for any day."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def day_input() -> forms.DateInput:
    """The browser's own date field, which offers only days within the bounds."""
    bounds = {"type": "date", "min": EARLIEST.isoformat(), "max": LATEST.isoformat()}
    return forms.DateInput(attrs=bounds, format="%Y-%m-%d")


def moment_input() -> forms.DateTimeInput:
    """As ``day_input``, with the time of day."""
    bounds = {"type": "datetime-local", "min": f"{EARLIEST}T00:00", "max": f"{LATEST}T23:59"}
    return forms.DateTimeInput(attrs=bounds, format="%Y-%m-%dT%H:%M")


class DayField(forms.DateField):
    """A day that somebody types."""

    default_validators = [within_bounds]

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"widget": day_input(), **options})


class MomentField(forms.DateTimeField):
    """A moment that somebody types, in Washington time.

    In the hour that comes twice, ``fold`` says which is meant: 0 the first, 1 the second, None neither.
    """

    default_validators = [within_bounds]
    fold: int | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"widget": moment_input(), **options})

    def to_python(self, value: Any) -> datetime | None:
        try:
            return super().to_python(value)
        except ValidationError as error:
            local = local_time(value) if error.code == "ambiguous_timezone" else None
            if local is None:
                raise
            if moments.is_skipped(local):
                raise ValidationError(NO_SUCH_TIME, code="no_such_time") from error
            if self.fold is None:
                raise ValidationError(WHICH_HOUR, code="which_hour") from error
            return local.replace(tzinfo=WASHINGTON, fold=self.fold).astimezone(UTC)


NO_SUCH_TIME: Final = (
    "No clock in Washington showed this time: clocks went forward from 2 to 3 a.m. that night."
)
WHICH_HOUR: Final = (
    "Clocks in Washington went back that night, and this time came twice. Choose below which one is meant."
)


def local_time(value: Any) -> datetime | None:
    """What the browser's own field says, without a zone."""
    try:
        return parse_datetime(str(value).strip())
    except ValueError:
        return None

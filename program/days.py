"""The days that people may type: one bound for every form, service and address that takes one.

A browser's date field offers every year up to 9999, and a slip of a finger adds a digit. A day outside the
bounds is refused where it is typed, with the bounds in words, and nothing is saved.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date

from program import moments
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
    """A moment that somebody types, in Washington time."""

    default_validators = [within_bounds]

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"widget": moment_input(), **options})

"""Due dates: calendar and federal business days, holidays, closures, and the 90 days of E.O. 14320 s.3(c).

Pure arithmetic on dates. A day is a day in Washington; a bound is the instant at which the next day starts,
so 11:59:59 p.m. is in time and midnight is late. Nothing here raises for any day: what lies beyond the
calendar counts as its last day. Method of counting: 1 CFR 18.17(b), by analogy, because the
order itself gives no rule.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from program import moments

WASHINGTON = "America/New_York"
SATURDAY = 5
CALL_DAYS = 90
CALL_CITATION = "E.O. 14320 s.3(c); 1 CFR 18.17(b)"
NO_CLOSURES: frozenset[date] = frozenset()
FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)


class Unit(StrEnum):
    CALENDAR = "calendar"
    BUSINESS = "business"


@lru_cache(maxsize=64)
def federal_holidays(year: int) -> dict[date, str]:
    """Legal public holidays as observed in the calendar year ``year``, 5 U.S.C. 6103(a).

    One that falls on a Saturday is observed the Friday before, even in the year before; on a Sunday, the
    Monday after. Inauguration Day, a holiday of the Washington area only, is not among them.
    """
    stated = holidays.country_holidays("US", years=[year, min(year + 1, MAXYEAR)])
    observed = sorted(day for day in stated if day.year == year and day.weekday() < SATURDAY)
    return {day: stated[day].replace(" (observed)", ", observed") for day in observed}


def holiday_name(day: date) -> str:
    """The name of the legal public holiday observed on ``day``, or nothing."""
    return federal_holidays(day.year).get(day, "")


def is_business_day(day: date, closures: Collection[date] = NO_CLOSURES) -> bool:
    """Whether ``day`` is a federal business day; ``closures`` are days that an officer counts as holidays."""
    return day.weekday() < SATURDAY and not holiday_name(day) and day not in closures


def next_business_day(day: date, closures: Collection[date] = NO_CLOSURES) -> date:
    """The first federal business day on or after ``day``."""
    while not is_business_day(day, closures) and day < date.max:
        day = later(day, 1)
    return day


def add_business_days(
    start: date, days: int, *, include_start_day: bool = False, closures: Collection[date] = NO_CLOSURES
) -> date:
    """The last of ``days`` federal business days after ``start`` (or from it, as in 12 CFR 404.9(f)(1))."""
    if days < 1:
        raise ValueError("A period has at least one business day.")
    day = next_business_day(start if include_start_day else later(start, 1), closures)
    for _ in range(days - 1):
        day = next_business_day(later(day, 1), closures)
    return day


def later(day: date, count: int) -> date:
    """The day ``count`` days after ``day``, or the last day that the calendar has."""
    return day + timedelta(days=min(count, (date.max - day).days))


def start_of_day(day: date, zone: str = WASHINGTON) -> datetime:
    """The instant at which ``day`` starts in ``zone``, in UTC; that of the calendar's own end beyond it."""
    try:
        return datetime.combine(day, time.min, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except OverflowError:
        return FIRST_INSTANT if day == date.min else LAST_INSTANT


def end_of_day(day: date, zone: str = WASHINGTON) -> datetime:
    """The exclusive bound of ``day``: the instant at which the next day starts in ``zone``, in UTC."""
    return start_of_day(later(day, 1), zone) if day < date.max else LAST_INSTANT


def local_day(at: datetime, zone: str = WASHINGTON) -> date:
    """The day in ``zone`` to which the instant ``at`` belongs."""
    try:
        return at.astimezone(ZoneInfo(zone)).date()
    except OverflowError:
        return at.date()


@dataclass(frozen=True)
class Period:
    """A time limit as its rule states it: how many days, of which kind, from when, in which zone."""

    days: int
    unit: Unit = Unit.CALENDAR
    include_start_day: bool = False
    rolls_forward: bool = True
    zone: str = WASHINGTON
    citation: str = "program policy"

    def counted_to(self, start: date, closures: Collection[date] = NO_CLOSURES) -> date:
        """The last day counted from ``start``, before any move off a weekend or holiday."""
        if self.unit is Unit.BUSINESS:
            return add_business_days(
                start, self.days, include_start_day=self.include_start_day, closures=closures
            )
        return later(start, self.days - (1 if self.include_start_day else 0))

    def due_from(self, start: date, closures: Collection[date] = NO_CLOSURES) -> Due:
        """When the period that starts on ``start`` ends; ``closures`` are days counted as holidays."""
        counted_to = self.counted_to(start, closures)
        due_on = next_business_day(counted_to, closures) if self.rolls_forward else counted_to
        return Due(self, start, counted_to, due_on)

    def due_after(self, at: datetime, closures: Collection[date] = NO_CLOSURES) -> Due:
        """As ``due_from``, from the day in the period's zone to which the instant ``at`` belongs."""
        return self.due_from(local_day(at, self.zone), closures)

    @property
    def words(self) -> str:
        """How long it is, such as "10 federal business days"."""
        kind = "federal business" if self.unit is Unit.BUSINESS else "calendar"
        return f"{self.days} {kind} {'day' if self.days == 1 else 'days'}"

    @property
    def rule_text(self) -> str:
        kind = "federal business days" if self.unit is Unit.BUSINESS else "calendar days"
        first = "is day 1" if self.include_start_day else "is day 0"
        sentences = [f"Counted in {kind}. The day it starts {first}. Day {self.days} is the last day."]
        if self.unit is Unit.CALENDAR and self.rolls_forward:
            sentences.append(
                f"If day {self.days} is a Saturday, Sunday or federal holiday, the deadline moves to the next"
                " federal business day."
            )
        sentences.append(f"It ends at 11:59:59 p.m. {zone_words(self.zone)}.")
        return " ".join(sentences)


@dataclass(frozen=True)
class Due:
    """The end of one period: the day counted, the day due, and the exclusive instant ``bound``."""

    period: Period
    start: date
    counted_to: date
    due_on: date

    @property
    def bound(self) -> datetime:
        return end_of_day(self.due_on, self.period.zone)

    @property
    def has_rolled(self) -> bool:
        return self.due_on != self.counted_to


@dataclass(frozen=True)
class Standstill:
    """The days on which a clock stood, each whole, however short the pause; none if ``last`` is before."""

    first: date
    last: date

    def counted(self, unit: Unit = Unit.CALENDAR, closures: Collection[date] = NO_CLOSURES) -> int:
        """How many of its days a clock that counts in ``unit`` would have counted."""
        days = range(max((self.last - self.first).days + 1, 0))
        if unit is Unit.CALENDAR:
            return len(days)
        return sum(is_business_day(later(self.first, day), closures) for day in days)


def put_off(
    counted_to: date,
    days: int,
    *,
    unit: Unit = Unit.CALENDAR,
    rolls_forward: bool = True,
    closures: Collection[date] = NO_CLOSURES,
) -> tuple[date, date]:
    """The last day counted, and the day due, of a period that ended on ``counted_to`` had it not stood.

    ``days``, of the period's own kind, are added to the day counted and not to one that was moved already.
    """
    if days and unit is Unit.BUSINESS:
        counted_to = add_business_days(counted_to, days, closures=closures)
    else:
        counted_to = later(counted_to, days)
    return counted_to, next_business_day(counted_to, closures) if rolls_forward else counted_to


@dataclass(frozen=True)
class DutyClock:
    """The days that an order gives for a duty; the clock stands still once it is fulfilled."""

    due: Due
    is_fulfilled: bool = False
    fulfilled_on: date | None = None

    def days_left(self, today: date) -> int | None:
        """Days from ``today`` to the last day, below 0 when that has passed; None once it is fulfilled."""
        return None if self.is_fulfilled else (self.due.due_on - today).days

    def words(self, today: date) -> str:
        """Where the clock stands on ``today``: how many days are left, or for how long the day has passed."""
        left, days = self.days_left(today), self.due.period.days
        if left is None:
            if self.fulfilled_on is None:
                return "Fulfilled; the day is not on file"
            late = (self.fulfilled_on - self.due.due_on).days
            return f"Fulfilled {counted(late)} late" if late > 0 else "Fulfilled in time"
        if left > 0:
            return f"Day {days - left} of {days}, {counted(left)} left"
        return "Today is the last day" if left == 0 else f"The day passed {counted(-left)} ago"


def counted(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


@dataclass(frozen=True)
class CallClock:
    """The clock of one call: what the order gives, what was set, and the rule in words, s.3(c)."""

    issued_on: date
    day_90: date
    rolled_day_90: date
    due_on: date
    closes_at: datetime
    rule_text: str
    rule_citation: str

    @property
    def is_later_than_order(self) -> bool:
        """Whether the last day lies after the 90th day, itself moved forward where the call says so."""
        return self.due_on > self.rolled_day_90

    @property
    def days_given(self) -> int:
        """How many days there are from the day of issue to the last day."""
        return (self.due_on - self.issued_on).days


def call_clock(
    issued_on: date,
    *,
    rolls_forward: bool = True,
    set_due_on: date | None = None,
    closures: Collection[date] = NO_CLOSURES,
) -> CallClock:
    """When a call issued on ``issued_on`` closes, s.3(c): on the 90th day or on ``set_due_on``."""
    period = Period(CALL_DAYS, rolls_forward=rolls_forward, citation=CALL_CITATION)
    due = period.due_from(issued_on, closures)
    due_on = set_due_on or due.due_on
    return CallClock(
        issued_on=issued_on,
        day_90=due.counted_to,
        rolled_day_90=due.due_on,
        due_on=due_on,
        closes_at=end_of_day(due_on),
        rule_text=call_rule(due, set_due_on, closures),
        rule_citation=CALL_CITATION,
    )


def call_rule(due: Due, set_due_on: date | None, closures: Collection[date] = NO_CLOSURES) -> str:
    """How a call's last day was found, in words that stand beside it on every page."""
    sentences = [
        "Counted in calendar days. The day the call is issued is day 0."
        f" Day {due.period.days} is {long_date(due.counted_to)}."
    ]
    if set_due_on and set_due_on != due.due_on:
        order = "before" if set_due_on < due.due_on else "after"
        last = "" if not due.has_rolled else f", or {long_date(due.due_on)} by the next federal business day"
        sentences.append(
            f"The Department set {long_date(set_due_on)} as the last day, which is {order} day"
            f" {due.period.days}{last}."
        )
    elif due.has_rolled:
        sentences.append(
            f"Because that is {why_not_business(due.counted_to, closures)}, the deadline moves"
            f" to the next federal business day, {long_date(due.due_on)} (method of 1 CFR 18.17(b))."
        )
    elif due.period.rolls_forward:
        sentences.append(
            "It is the last day. A deadline on a Saturday, Sunday or federal holiday would move to the next"
            " federal business day (method of 1 CFR 18.17(b))."
        )
    else:
        sentences.append("It is the last day, also on a Saturday, Sunday or federal holiday.")
    sentences.append(f"The deadline is 11:59:59 p.m. {zone_words(due.period.zone)}.")
    return " ".join(sentences)


def why_not_business(day: date, closures: Collection[date] = NO_CLOSURES) -> str:
    """Why ``day`` is no federal business day: a weekday's name, a holiday's, or a closure."""
    if name := holiday_name(day):
        return f"a federal holiday ({name})"
    if day.weekday() >= SATURDAY:
        return f"a {day:%A}"
    return "a day on which federal offices are closed" if day in closures else "a business day"


def long_date(day: date) -> str:
    return f"{day:%A, %B} {day.day}, {day.year}"


def zone_words(zone: str) -> str:
    return moments.ZONE if zone == WASHINGTON else zone

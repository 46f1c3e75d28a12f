from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.deadlines import (
    Period,
    Unit,
    add_business_days,
    call_clock,
    end_of_day,
    federal_holidays,
    is_business_day,
    local_day,
    next_business_day,
    start_of_day,
)


def day(text):
    return date.fromisoformat(text)


WORKED_CASES = [
    ("2026-04-01", "2026-06-30", "2026-06-30", "the real call"),
    ("2026-04-10", "2026-07-09", "2026-07-09", "counted from publication"),
    ("2025-07-23", "2025-10-21", "2025-10-21", "E.O. 14320 s.3(a)"),
    ("2026-01-05", "2026-04-05", "2026-04-06", "Sunday"),
    ("2026-04-04", "2026-07-03", "2026-07-06", "Independence Day observed on Friday"),
    ("2026-02-23", "2026-05-24", "2026-05-26", "Sunday before Memorial Day"),
    ("2026-09-12", "2026-12-11", "2026-12-11", "issued on a Saturday"),
    ("2027-10-02", "2027-12-31", "2028-01-03", "New Year's Day observed in the year before"),
]
worked_cases = pytest.mark.parametrize(
    ("issued", "day_90", "due"), [row[:3] for row in WORKED_CASES], ids=[row[3] for row in WORKED_CASES]
)


@worked_cases
def test_call_clock_gives_the_worked_case(issued, day_90, due):
    clock = call_clock(day(issued))
    assert (clock.day_90, clock.rolled_day_90, clock.due_on) == (day(day_90), day(due), day(due))
    assert not clock.is_later_than_order


@worked_cases
def test_call_clock_stays_on_day_90_when_it_does_not_roll(issued, day_90, due):
    clock = call_clock(day(issued), rolls_forward=False)
    assert (clock.day_90, clock.due_on) == (day(day_90), day(day_90))


def test_call_clock_from_a_leap_day():
    assert call_clock(day("2028-02-29")).day_90 == day("2028-05-29")
    assert call_clock(day("2028-02-29")).due_on == day("2028-05-30")  # day 90 is Memorial Day


def test_clock_closes_at_midnight_in_washington():
    assert call_clock(day("2026-04-01")).closes_at == datetime(2026, 7, 1, 4, tzinfo=UTC)


def test_day_on_which_daylight_time_ends_has_25_hours():
    assert start_of_day(day("2026-11-01")) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert end_of_day(day("2026-11-01")) == datetime(2026, 11, 2, 5, tzinfo=UTC)


def test_day_on_which_daylight_time_starts_has_23_hours():
    assert end_of_day(day("2026-03-08")) - start_of_day(day("2026-03-08")) == timedelta(hours=23)


def test_local_day_is_the_day_in_washington():
    assert local_day(datetime(2026, 7, 1, 3, 59, 59, 999999, tzinfo=UTC)) == day("2026-06-30")
    assert local_day(datetime(2026, 7, 1, 4, tzinfo=UTC)) == day("2026-07-01")


def test_last_microsecond_is_in_time_and_midnight_is_late():
    closes_at = call_clock(day("2026-04-01")).closes_at
    assert datetime(2026, 7, 1, 3, 59, 59, 999999, tzinfo=UTC) < closes_at
    assert not datetime(2026, 7, 1, 4, tzinfo=UTC) < closes_at


OBSERVED = {
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
}


@pytest.mark.parametrize("year", OBSERVED)
def test_library_gives_the_listed_holidays(year):
    assert [f"{held:%m-%d}" for held in federal_holidays(year)] == OBSERVED[year].split()


def test_inauguration_day_is_an_ordinary_day():
    assert is_business_day(day("2037-01-20")) is True


def test_closure_counts_only_when_an_officer_says_so():
    eve = day("2026-12-24")
    assert next_business_day(eve) == eve
    assert next_business_day(eve, {eve}) == day("2026-12-28")
    assert call_clock(day("2026-09-25"), closures={eve}).due_on == day("2026-12-28")
    assert call_clock(day("2026-09-25")).due_on == eve


def test_business_days_leave_out_weekends_and_holidays():
    assert add_business_days(day("2026-07-01"), 2) == day("2026-07-06")
    assert add_business_days(day("2026-06-30"), 10) == day("2026-07-15")


def test_business_days_from_and_including_the_start_day():
    assert add_business_days(day("2026-06-30"), 10, include_start_day=True) == day("2026-07-14")
    assert add_business_days(day("2026-07-04"), 1, include_start_day=True) == day("2026-07-06")


def test_business_days_need_at_least_one():
    with pytest.raises(ValueError):
        add_business_days(day("2026-07-01"), 0)


def test_period_of_calendar_days_including_its_start():
    period = Period(30, include_start_day=True, rolls_forward=False)
    assert period.due_from(day("2026-03-01")).due_on == day("2026-03-30")
    assert period.rule_text.startswith("Counted in calendar days. The day it starts is day 1.")


def test_period_says_when_it_rolled():
    due = Period(90).due_from(day("2026-01-05"))
    assert (due.counted_to, due.due_on, due.has_rolled) == (day("2026-04-05"), day("2026-04-06"), True)
    assert due.bound == datetime(2026, 4, 7, 4, tzinfo=UTC)


def test_period_starts_on_the_day_in_washington():
    due = Period(30, rolls_forward=False).due_after(datetime(2026, 7, 1, 3, tzinfo=UTC))
    assert (due.start, due.due_on) == (day("2026-06-30"), day("2026-07-30"))


def test_period_of_business_days_in_words():
    assert Period(20, unit=Unit.BUSINESS).rule_text == (
        "Counted in federal business days. The day it starts is day 0. Day 20 is the last day."
        " It ends at 11:59:59 p.m. Washington time."
    )


def test_rule_names_the_90th_day_and_the_hour():
    assert call_clock(day("2026-04-01")).rule_text == (
        "Counted in calendar days. The day the call is issued is day 0. Day 90 is Tuesday, June 30, 2026."
        " It is the last day. A deadline on a Saturday, Sunday or federal holiday would move to the next"
        " federal business day (method of 1 CFR 18.17(b)). The deadline is 11:59:59 p.m. Washington time."
    )


def test_rule_names_the_holiday_that_moves_the_deadline():
    rule = call_clock(day("2026-04-04")).rule_text
    assert "a federal holiday (Independence Day, observed)" in rule
    assert "Monday, July 6, 2026" in rule


def test_earlier_date_certain_is_kept_and_said():
    clock = call_clock(day("2026-04-01"), set_due_on=day("2026-06-15"))
    assert (clock.due_on, clock.is_later_than_order) == (day("2026-06-15"), False)
    assert "set Monday, June 15, 2026 as the last day, which is before day 90" in clock.rule_text


def test_date_certain_after_day_90_is_later_than_the_order():
    assert call_clock(day("2026-04-01"), set_due_on=day("2026-07-01")).is_later_than_order is True


def test_rolled_day_is_not_later_than_the_order_but_unrolled_call_may_not_pass_day_90():
    assert call_clock(day("2026-01-05"), set_due_on=day("2026-04-06")).is_later_than_order is False
    late = call_clock(day("2026-01-05"), rolls_forward=False, set_due_on=day("2026-04-06"))
    assert late.is_later_than_order is True


ISSUE_DAYS = st.dates(date(2025, 1, 1), date(2035, 12, 31))


@given(ISSUE_DAYS)
def test_due_day_is_the_first_business_day_by_an_independent_count(issued_on):
    clock = call_clock(issued_on)
    assert clock.day_90.toordinal() == issued_on.toordinal() + 90
    between = [date.fromordinal(n) for n in range(clock.day_90.toordinal(), clock.due_on.toordinal())]
    assert not any(map(independent_business_day, between))
    assert independent_business_day(clock.due_on)


@given(ISSUE_DAYS, st.integers(1, 60), st.booleans())
def test_business_days_by_an_independent_count(start, days, include_start_day):
    last = add_business_days(start, days, include_start_day=include_start_day)
    first = start.toordinal() + (0 if include_start_day else 1)
    counted = sum(independent_business_day(date.fromordinal(n)) for n in range(first, last.toordinal() + 1))
    assert counted == days
    assert independent_business_day(last)


@given(ISSUE_DAYS)
def test_bound_is_midnight_on_the_wall_in_washington(issued_on):
    clock = call_clock(issued_on)
    assert local_day(clock.closes_at) == clock.due_on + timedelta(days=1)
    assert local_day(clock.closes_at - timedelta(microseconds=1)) == clock.due_on


def independent_business_day(it):
    """5 U.S.C. 6103(a) written out a second time, without the library."""
    if it.weekday() > 4:
        return False
    fixed = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
    held = []
    for year in (it.year, it.year + 1):
        for month, dom in fixed:
            on = date(year, month, dom)
            held.append(on + timedelta(days={5: -1, 6: 1}.get(on.weekday(), 0)))
    nth_monday = {(1, 3), (2, 3), (9, 1), (10, 2)}
    if it.weekday() == 0 and (it.month, (it.day + 6) // 7) in nth_monday:
        return False
    if it.weekday() == 0 and it.month == 5 and it.day > 24:
        return False
    if it.weekday() == 3 and it.month == 11 and (it.day + 6) // 7 == 4:
        return False
    return it not in held


@given(st.dates(), st.sampled_from(["America/New_York", "Asia/Tokyo", "UTC"]))
def test_no_day_of_the_calendar_is_too_much(day, zone):
    start, end = start_of_day(day, zone), end_of_day(day, zone)
    assert start < end
    assert local_day(start, zone) == day


@pytest.mark.parametrize("day", [date.min, date.max, date.max - timedelta(days=1)])
def test_clocks_stand_at_both_ends_of_the_calendar(day):
    assert start_of_day(day) < end_of_day(day)
    assert call_clock(day).closes_at >= start_of_day(day)
    assert call_clock(date(2026, 4, 1), set_due_on=day).due_on == day
    assert Period(5, Unit.BUSINESS).due_from(day).due_on >= day

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from program.templatetags import portal

MIDNIGHT = datetime(2026, 7, 1, 4, tzinfo=UTC)


def test_exclusive_midnight_belongs_to_the_day_before():
    assert portal.deadline(MIDNIGHT) == "Tuesday, June 30, 2026, 11:59 p.m. Washington time"
    assert portal.deadline_date(MIDNIGHT) == "June 30, 2026"
    assert (
        portal.deadline(MIDNIGHT + timedelta(hours=17))
        == "Wednesday, July 1, 2026, 5:00 p.m. Washington time"
    )


def test_zone_follows_the_season():
    assert portal.deadline_time(MIDNIGHT) == "11:59 p.m. Washington time (UTC-04)"
    assert portal.deadline_time(datetime(2027, 1, 15, 5, tzinfo=UTC)) == "11:59 p.m. Washington time (UTC-05)"


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(days=12, hours=4, minutes=59), "12 days 4 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=5, minutes=1), "5 hours 1 minute"),
        (timedelta(days=2, minutes=3), "2 days"),
        (timedelta(seconds=119), "1 minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(0), "over"),
        (timedelta(seconds=-1), "over"),
    ],
)
def test_remaining_time_is_never_rounded_up(before, words):
    assert portal.remaining(MIDNIGHT, MIDNIGHT - before) == words


@pytest.mark.parametrize("name", ["deadline", "deadline_date", "deadline_time", "remaining"])
def test_deadline_that_is_not_known_is_called_not_set(name):
    assert getattr(portal, name)(None) == "not set"


def test_days_are_those_of_washington():
    assert portal.eastern_date(datetime(2026, 7, 1, 3, 59, tzinfo=UTC)) == "June 30, 2026"
    assert portal.eastern_date(date(2026, 7, 1)) == "July 1, 2026"
    assert (
        portal.eastern(datetime(2026, 7, 1, 18, 5, tzinfo=UTC)) == "July 1, 2026, 2:05 p.m. Washington time"
    )


@pytest.mark.parametrize(
    ("amount", "full", "short"),
    [
        (1_250_000, "$1,250,000", "$1.2 million"),
        (Decimal("999999.99"), "$999,999.99", "$999,999.99"),
        (1_999_999_999, "$1,999,999,999", "$1.9 billion"),
        (2_000_000_000_000, "$2,000,000,000,000", "$2 trillion"),
        (-1_290_000, "-$1,290,000", "-$1.2 million"),
        (0, "$0", "$0"),
        (None, "to be determined", "to be determined"),
    ],
)
def test_money_is_written_in_full_and_short_towards_zero(amount, full, short):
    assert (portal.money(amount), portal.money_short(amount)) == (full, short)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Decimal("0.5099"), "50.99%"),
        (Decimal("0.499999"), "49.9999%"),
        (0.51, "51.0%"),
        (Decimal("0.509999999"), "50.9999%"),
        (1, "100.0%"),
        (0, "0.0%"),
        (None, "not computable"),
    ],
)
def test_share_is_rounded_down_so_that_it_never_meets_a_threshold_it_does_not(value, words):
    assert portal.share(value) == words

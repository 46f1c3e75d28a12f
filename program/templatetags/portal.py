"""How dates, money and shares are written on every page."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html

from program import moments, tallies
from program.clock import WASHINGTON
from program.enums import EvidenceType
from program.intake import ALLOWED, most_bytes

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from program.models import Requirement

register = template.Library()

LARGE_AMOUNTS = [(10**12, "trillion"), (10**9, "billion"), (10**6, "million")]


@register.filter(expects_localtime=False)
def deadline(at: datetime | None) -> str:
    """``at``, an exclusive bound: "Tuesday, June 30, 2026, 11:59 p.m. Washington time"."""
    if at is None:
        return "not set"
    return f"{date_format(moments.last_minute(at), 'l, F j, Y, g:i a')} {moments.ZONE}"


@register.filter
def deadline_date(at: datetime | None) -> str:
    """The day an exclusive bound belongs to: "June 30, 2026"."""
    return "not set" if at is None else moments.day(moments.last_minute(at))


@register.filter
def time_left(at: datetime, now: datetime) -> str:
    """As ``remaining``, in a sentence: "12 days 4 hours left"; "over" once it has passed."""
    words = remaining(at, now)
    return f"{words} left" if at > now else words


@register.filter
def deadline_day(at: datetime | None) -> SafeString:
    """As ``deadline_date``, in a ``<time>`` that says it to programs; kept, for lists have the same."""
    return _deadline_day(at)


@lru_cache(maxsize=2048)
def _deadline_day(at: datetime | None) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', machine(at), deadline_date(at))


@register.filter
def deadline_time(at: datetime | None) -> str:
    """The time of an exclusive bound with its zone: "11:59 p.m. Washington time (UTC-04)"."""
    if at is None:
        return "not set"
    local = moments.last_minute(at)
    return f"{date_format(local, 'g:i a')} {moments.zone_with_offset(local)}"


@register.filter
def remaining(at: datetime | None, now: datetime | None = None) -> str:
    """The time left in two units, never rounded up: "12 days 4 hours"; "over" once it has passed."""
    if at is None:
        return "not set"
    seconds = int((at - (now or timezone.now())).total_seconds())
    if seconds <= 0:
        return "over"
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes = rest // 60
    units = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    while len(units) > 1 and not units[0][0]:
        units.pop(0)
    shown = [(number, unit) for number, unit in units[:2] if number]
    return (
        " ".join(f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in shown)
        or "less than a minute"
    )


@register.filter(expects_localtime=False)
def eastern(at: datetime | None) -> str:
    """A moment in Washington: "June 30, 2026, 2:05 p.m. Washington time"."""
    return "" if at is None else moments.moment(at)


@register.filter(expects_localtime=False)
def eastern_seconds(at: datetime | None) -> str:
    """A moment as proof: "June 30, 2026, 2:05:09 p.m. Washington time (2026-06-30 18:05:09 UTC)"."""
    return "" if at is None else moments.moment_to_the_second(at)


@register.filter
def eastern_date(at: date | datetime | None) -> str:
    """A day as it is in Washington: "June 30, 2026"."""
    return "" if at is None else moments.day(at)


@register.filter(expects_localtime=False)
def machine(at: date | datetime | None) -> str:
    """What the ``datetime`` of a ``<time>`` says to programs: ISO 8601, never shown."""
    if isinstance(at, datetime):
        return at.astimezone(WASHINGTON).isoformat(timespec="seconds")
    return "" if at is None else at.isoformat()


@register.filter
def tally_words(number: int, most: int | None = None) -> str:
    """A number on a desk: "12", or "over 1,000" where no more were counted."""
    return tallies.tally_words(number, most)


@register.filter
def money(amount: Any) -> str:
    """U.S. dollars in full: "$1,250,000", cents only where there are some."""
    if amount in (None, ""):
        return "to be determined"
    value = Decimal(amount)
    digits = f"{abs(value):,.0f}" if value == value.to_integral_value() else f"{abs(value):,.2f}"
    return f"{'-' if value < 0 else ''}${digits}"


@register.filter
def money_short(amount: Any) -> str:
    """U.S. dollars in words, rounded towards zero so that nothing looks larger than it is: "$1.2 million"."""
    if amount in (None, ""):
        return "to be determined"
    value = Decimal(amount)
    for size, word in LARGE_AMOUNTS:
        if abs(value) >= size:
            scaled = (value / size).quantize(Decimal("0.1"), ROUND_DOWN)
            return f"{'-' if value < 0 else ''}${abs(scaled):,f} {word}".replace(".0 ", " ")
    return money(value)


@register.filter
def share(value: Any) -> str:
    """A share from 0 to 1 in percent, to the four places that are kept: 0.5 is "50.0%", 0.509999 "50.9999%".

    What lies beyond is cut: a share never reads as the threshold that it does not reach.
    """
    if value in (None, ""):
        return "not computable"
    whole, _, places = f"{(Decimal(str(value)) * 100).quantize(Decimal('0.0001'), ROUND_DOWN):f}".partition(
        "."
    )
    return f"{whole}.{places[0]}{places[1:].rstrip('0')}%"


@register.inclusion_tag("components/_demonstration.html")
def demonstration_notice() -> dict[str, bool]:
    """Says on every page, error pages included, that a demonstration is no government website."""
    return {"is_demonstration": settings.DEMONSTRATION}


@register.filter
def way_to_answer(requirement: Requirement) -> str:
    """How a requirement particular to the call is answered; nothing where parts of the package answer it."""
    limit = f", at most {requirement.max_characters:,} characters" if requirement.max_characters else ""
    ways = {
        EvidenceType.TEXT: f"Answered in words{limit}.",
        EvidenceType.NUMBER: "Answered with a number; up to six digits may follow its point.",
        EvidenceType.CHOICE: "Answered with one of:",
        EvidenceType.DATE: "Answered with a date.",
        EvidenceType.FILE: f"Answered with a file: {ALLOWED} are taken, up to {most_bytes() / 1048576:g} MB.",
    }
    return ways.get(EvidenceType(requirement.evidence_type), "")

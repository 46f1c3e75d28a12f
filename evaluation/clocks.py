"""The clock of one consultation: how many days have gone, on how many it stood, how many are left.

Days are calendar days in Washington. Every day on which a clock stood, from that of the pause to that on
which it goes on, is whole and is added to the time; the day on which a consultation opens is day 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from evaluation.enums import ReferralStatus
from evaluation.querysets.consultation import RUNNING
from program.deadlines import Standstill, counted, local_day

if TYPE_CHECKING:
    from datetime import date, datetime

    from evaluation.consultations import Consultation
    from evaluation.models import Referral


@dataclass(frozen=True)
class Days:
    """``left`` is None once the clock has ended; while it stands, what will be left when it goes on."""

    elapsed: int
    paused: int
    left: int | None = None

    def __str__(self) -> str:
        words = [f"{counted(self.elapsed)} elapsed"]
        if self.paused:
            words.append(f"{self.paused} paused")
        if self.left is not None:
            words.append(f"{self.left} left")
        return ", ".join(words)


def last_day(bound: datetime) -> date:
    """The day that the exclusive ``bound`` ends."""
    return local_day(bound - timedelta(microseconds=1))


def first_not_settled(referral: Referral | Consultation) -> date:
    """The first day of which it is not settled whether it counts; the day of the opening never does."""
    return (referral.settled_on or local_day(referral.opened_at)) + timedelta(days=1)


def standstill(referral: Referral | Consultation, until: date) -> Standstill:
    """The days on which the clock of a paused consultation stands up to ``until``, none counted twice."""
    since = local_day(referral.paused_at) if referral.paused_at else until + timedelta(days=1)
    return Standstill(max(since, first_not_settled(referral)), until)


def days_of(referral: Referral | Consultation, now: datetime) -> Days:
    """The days of a consultation up to ``now``, or up to its end."""
    is_running = referral.status in RUNNING
    if referral.status == ReferralStatus.LAPSED:
        today = last_day(referral.due_at)
    else:
        until = now if is_running else referral.ended_at or referral.answered_at
        today = local_day(until or now)
    still = standstill(referral, today)
    stood = referral.stood_days + still.counted()
    elapsed = max((today - local_day(referral.opened_at)).days - stood, 0)
    if not is_running:
        return Days(elapsed, stood)
    left_after = still.first - timedelta(days=1) if referral.paused_at else today
    return Days(elapsed, stood, max((last_day(referral.due_at) - left_after).days, 0))

"""Five consultations as columns of a page: agency, state in words, tone, due date. Colour is never alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.urls import reverse

from evaluation.clocks import days_of
from evaluation.enums import Carry, ReferralStatus, Stance
from evaluation.querysets.consultation import RUNNING
from evaluation.querysets.people import is_official
from program import moments
from program.enums import OfficeRole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from evaluation.models import Referral
    from program.models import User

TONES = {
    Stance.SUPPORT: "good",
    Stance.SUPPORT_WITH_CONDITIONS: "waiting",
    Stance.OBJECT: "bad",
    Stance.NO_POSITION: "neutral",
}


PAUSED = "Paused"


@dataclass(frozen=True, slots=True)
class Column:
    """One agency's consultation as a page shows it."""

    agency: str
    state: str
    tone: str
    due_at: datetime | None = None
    note: str = ""
    clock: str = ""
    referral: int = 0

    @property
    def url(self) -> str:
        """The page of the consultation."""
        return reverse("evaluation:position", args=[self.referral])


def columns(referrals: Iterable[Referral], user: User, now: datetime) -> list[Column]:
    """The columns that ``user`` may read, each with the way to the agency's room.

    To a lead, another agency's stance shows once their own agency has answered; to a reviewer, none does.
    """
    rows = list(referrals)
    mine = user.agencies_as(OfficeRole.LEAD)
    why_hidden = "Shown once your agency has answered" if mine else "Read by the agencies' leads"
    has_answered = any(r.agency.code in mine and r.status == ReferralStatus.ANSWERED for r in rows)
    return [
        replace(
            _column(
                row,
                now,
                hidden="" if is_official(user) or has_answered or row.agency.code in mine else why_hidden,
            ),
            referral=row.pk,
            clock="" if row.carry == Carry.KEEP or _is_replaced(row) else str(days_of(row, now)),
        )
        for row in rows
    ]


def _column(referral: Referral, now: datetime, *, hidden: str) -> Column:
    """``hidden`` says why the stance is not shown; empty where it is."""
    name, position = str(referral.agency), referral.position
    if referral.status == ReferralStatus.ANSWERED and position is not None:
        if hidden:
            return Column(name, "Answered", "info", note=hidden)
        note = "Kept from an earlier version" if referral.carry == Carry.KEEP else ""
        return Column(name, position.get_stance_display(), TONES[Stance(position.stance)], note=note)
    if referral.status == ReferralStatus.LAPSED:
        return Column(name, "No response", "bad", referral.due_at)
    if referral.status == ReferralStatus.ENDED:
        return Column(name, referral.get_status_display(), "neutral")
    if _is_replaced(referral):
        return Column(name, referral.replaced_by, "neutral")
    if referral.paused_at is not None:
        note = f"Since {moments.day(referral.paused_at)}; the last day moves"
        return Column(name, PAUSED, "neutral", note=note)
    if referral.due_at <= now:
        return Column(name, "Overdue", "bad", referral.due_at)
    note = referral.get_carry_display() if referral.carry in (Carry.RECONFIRM, Carry.REOPEN) else ""
    state = "Awaited" if referral.status == ReferralStatus.OPEN else referral.get_status_display()
    return Column(name, state, "waiting", referral.due_at, note)


def _is_replaced(referral: Referral) -> bool:
    """Whether nobody is asked any more: a newer version came, and the clock will say that it ended."""
    return referral.status in RUNNING and referral.version.number < referral.version.proposal.version_count


def summary(found: list[Column]) -> str:
    """ "3 of 5 in, 1 objects, Department of Energy paused": computed, never a status of the proposal."""
    if not found:
        return "Not referred"
    answered = sum(c.tone == "info" or c.state in Stance.labels for c in found)
    parts = [f"{answered} of {len(found)} in"]
    for words, one, many in (
        ("Object", "objects", "object"),
        ("No response", "did not respond", "did not respond"),
    ):
        if number := sum(c.state == words for c in found):
            parts.append(f"{number} {one if number == 1 else many}")
    if late := sum(c.state == "Overdue" for c in found):
        parts.append(f"{late} overdue")
    if paused := [c.agency for c in found if c.state == PAUSED]:
        parts.append(f"{paused[0] if len(paused) == 1 else len(paused)} paused")
    return ", ".join(parts)

"""Five consultations as columns of a page: agency, state in words, tone, due date. Colour is never alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from django.urls import reverse

from evaluation.clocks import days_of
from evaluation.consultations import Consultation
from evaluation.enums import Carry, ReferralStatus, Stance
from evaluation.querysets.people import is_official
from program import moments
from program.enums import OfficeRole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from program.models import User

TONES = {
    Stance.SUPPORT: "good",
    Stance.SUPPORT_WITH_CONDITIONS: "waiting",
    Stance.OBJECT: "bad",
    Stance.NO_POSITION: "neutral",
}


PAUSED = "Paused"
OVERDUE = "Overdue"
KEPT = "Kept from an earlier version"


class Column(NamedTuple):
    """One agency's consultation as a page shows it."""

    consultation: Consultation
    state: str
    tone: str
    due_at: datetime | None
    note: str
    now: datetime

    @property
    def agency(self) -> str:
        return self.consultation.agency

    @property
    def clock(self) -> str:
        """The days that have gone; empty where the agency was not asked anew, or is asked no more."""
        row = self.consultation
        return "" if row.carry == Carry.KEEP or row.is_replaced else str(days_of(row, self.now))

    @property
    def url(self) -> str:
        """The page of the consultation."""
        return reverse("evaluation:position", args=[self.consultation.pk])


def columns(consultations: Iterable[Consultation], user: User, now: datetime) -> list[Column]:
    """The columns that ``user`` may read, each with the way to the agency's room.

    To a lead, another agency's stance shows once their own agency has answered on that version; to a
    reviewer, none does.
    """
    rows = list(consultations)
    mine = user.agencies_as(OfficeRole.LEAD)
    why_hidden = "Shown once your agency has answered" if mine else "Read by the agencies' leads"
    my_answers = (row for row in rows if row.code in mine and row.status == ReferralStatus.ANSWERED)
    answered, reads_all = {row.version for row in my_answers}, is_official(user)
    return [
        Column(row, *_said(row, now), now)
        if reads_all or row.code in mine or row.version in answered
        else Column(row._replace(stance=None), *_said(row, now, hidden=why_hidden), now)
        for row in rows
    ]


def _said(row: Consultation, now: datetime, *, hidden: str = "") -> tuple[str, str, datetime | None, str]:
    """State, tone, until when the time runs or ran, and note; ``hidden`` says why no stance is shown."""
    if stance := row.answer:
        if hidden:
            return "Answered", "info", None, hidden
        return stance.label, TONES[stance], None, KEPT if row.carry == Carry.KEEP else ""
    if row.status == ReferralStatus.LAPSED:
        return "No response", "bad", row.due_at, ""
    if row.status == ReferralStatus.ENDED:
        return row.status_words, "neutral", None, ""
    if row.is_replaced:
        return row.replaced_by, "neutral", None, ""
    if row.paused_at is not None:
        return PAUSED, "neutral", None, f"Since {moments.day(row.paused_at)}; the last day moves"
    if row.due_at <= now:
        return OVERDUE, "bad", row.due_at, ""
    note = Carry(row.carry).label if row.carry in (Carry.RECONFIRM, Carry.REOPEN) else ""
    state = "Awaited" if row.status == ReferralStatus.OPEN else row.status_words
    return state, "waiting", row.due_at, note


def summary(found: list[Column]) -> str:
    """ "3 of 5 in, 1 objects, Department of Energy paused": computed, never a status of the proposal."""
    if not found:
        return "Not referred"
    answered = sum(c.consultation.status == ReferralStatus.ANSWERED for c in found)
    parts = [f"{answered} of {len(found)} in"]
    if number := sum(c.consultation.answer == Stance.OBJECT for c in found):
        parts.append(f"{number} {'objects' if number == 1 else 'object'}")
    if number := sum(c.consultation.status == ReferralStatus.LAPSED for c in found):
        parts.append(f"{number} did not respond")
    if late := sum(c.state == OVERDUE for c in found):
        parts.append(f"{late} overdue")
    if paused := [c.agency for c in found if c.state == PAUSED]:
        parts.append(f"{paused[0] if len(paused) == 1 else len(paused)} paused")
    return ", ".join(parts)

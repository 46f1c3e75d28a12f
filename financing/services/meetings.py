"""Meetings of the EDAG: plan, put on the agenda, hold, decide, give actions and follow them up."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.urls import reverse

from financing import notice_kinds, notices
from financing.enums import AgendaDecision, MeetingStatus, ReferralStatus
from financing.lifecycle import HOLD
from financing.models import Action, AgendaItem, Meeting, ToolReferral
from financing.services.referrals import refer_tool, set_aside_referral
from program import audit, clock, days
from program.deadlines import local_day, long_date
from program.notices import owe
from program.transitions import NotReady, Problem, perform

if TYPE_CHECKING:
    from program.models import AuditEvent, User

S4A = "s.4(a)"


@transaction.atomic
def plan_meeting(*, title: str, starts_at: datetime, place: str, chair: User, by: User) -> Meeting:
    """Plan a meeting of the EDAG and tell its members."""
    if not by.has_perm("financing.plan_meeting"):
        raise PermissionDenied("You may not plan a meeting of the EDAG.")
    if not chair.has_perm("financing.hold_meeting"):
        raise NotReady(
            [Problem("chair-not-in-office", "The chair must chair the EDAG for State.", S4A, field="chair")]
        )
    meeting = Meeting(title=title, starts_at=starts_at, place=place, chair=chair, planned_by=by)
    meeting.full_clean()
    meeting.save()
    event = audit.record(
        meeting, "meeting.plan", by=by, after={"title": title, "starts_at": starts_at.isoformat()}, clause=S4A
    )
    owe(
        event,
        notice_kinds.MEETING_PLANNED,
        notices.members(),
        url=_page(meeting),
        meeting=title,
        day=long_date(local_day(starts_at)),
    )
    return meeting


@transaction.atomic
def put_on_agenda(
    meeting: Meeting, *, title: str, by: User, referral: ToolReferral | None = None
) -> AgendaItem:
    """Add an item to the agenda of a planned or held meeting, about a proposed referral if any."""
    meeting.refresh_from_db(from_queryset=Meeting._base_manager.select_for_update())
    if not by.has_perm("financing.change_meeting", meeting):
        raise PermissionDenied("You may not change this agenda.")
    if referral and not by.has_perm("financing.view_toolreferral", referral):
        raise PermissionDenied("You may not put this referral on an agenda.")
    if referral and referral.status != ReferralStatus.PROPOSED:
        problem = f"Referral {referral.number} is not waiting for a decision."
        raise NotReady([Problem("referral-not-proposed", problem, "s.4(d)", field="referral")])
    if referral and AgendaItem.objects.filter(meeting=meeting, referral=referral).exists():
        problem = f"Referral {referral.number} is on this agenda already."
        raise NotReady([Problem("already-on-agenda", problem, S4A, field="referral")])
    last = meeting.items.aggregate(last=Max("number"))["last"] or 0
    item = AgendaItem(meeting=meeting, number=last + 1, title=title, referral=referral)
    item.full_clean()
    item.save()
    about = referral.number if referral else ""
    audit.record(item, "agendaitem.add", by=by, after={"title": title, "referral": about}, clause=S4A)
    return item


@transaction.atomic
def hold_meeting(meeting: Meeting, *, by: User, attendance: str = "") -> AuditEvent:
    """Record that a meeting took place, and who was there; from then on its items can be decided."""
    event = perform(HOLD, meeting, by=by, note=attendance)
    meeting.attendance = attendance
    meeting.full_clean()
    meeting.save(update_fields=["attendance", "updated_at"])
    return event


@transaction.atomic
def decide_item(item: AgendaItem, *, decision: str, text: str, by: User) -> AuditEvent:
    """Record what the meeting decided on an item, once; "refer" and "set aside" carry the referral along.

    Raises PermissionDenied, NotReady, or whatever the referral's own act raises; then nothing was decided.
    """
    item.refresh_from_db(from_queryset=AgendaItem._base_manager.select_for_update())
    if not by.has_perm("financing.decide_agendaitem", item):
        raise PermissionDenied("You may not decide this item.")
    if problems := _not_decidable(item, decision):
        raise NotReady(problems)
    item.decision, item.decision_text, item.decided_by = decision, text, by
    event = audit.record(item, "agendaitem.decide", by=by, after=decision, note=text, clause=S4A)
    item.decided_at = event.at
    item.full_clean()
    item.save()
    if item.referral and decision == AgendaDecision.REFER:
        refer_tool(item.referral, by=by, note=f"{item.meeting}, item {item.number}. {text}".strip())
    if item.referral and decision == AgendaDecision.SET_ASIDE:
        set_aside_referral(item.referral, by=by, reason=text)
    return event


def _not_decidable(item: AgendaItem, decision: str) -> list[Problem]:
    problems = []
    if item.meeting.status != MeetingStatus.HELD:
        problems.append(Problem("meeting-not-held", "Record first that the meeting was held.", S4A))
    if item.decision:
        problems.append(
            Problem("decided-already", "This item was decided. A new decision is a new item.", S4A)
        )
    if decision not in AgendaDecision.values:
        problems.append(Problem("decision-missing", "Choose a decision.", S4A, field="decision"))
    if decision in (AgendaDecision.REFER, AgendaDecision.SET_ASIDE) and item.referral is None:
        problems.append(
            Problem("no-referral", "This item is not about a tool referral.", S4A, field="decision")
        )
    return problems


@transaction.atomic
def give_action(item: AgendaItem, *, text: str, owner: User, due_on: date, by: User) -> Action:
    """Record an action of the meeting: what, who, until when. The owner must work in the EDAG."""
    if not by.has_perm("financing.add_action", item):
        raise PermissionDenied("You may not record an action for this item.")
    if not owner.has_perm("financing.add_action", item):
        problem = Problem("owner-not-in-edag", "The owner must work in the EDAG and may not be recused.", S4A,
                          field="owner")  # fmt: skip
        raise NotReady([problem])
    if due_on < clock.today():
        message = "This day is over. Give a day on which it can still be done."
        raise NotReady([Problem("due-in-past", message, S4A, field="due_on")])
    if refused := days.refusal(due_on):
        raise NotReady([Problem("due-out-of-bounds", refused, S4A, field="due_on")])
    action = Action(item=item, text=text, owner=owner, due_on=due_on)
    action.full_clean()
    action.save()
    event = audit.record(
        action,
        "action.give",
        by=by,
        after={"owner": owner.email, "due_on": due_on.isoformat()},
        note=text,
        clause=S4A,
    )
    own_page = reverse("financing:action_finish", args=[action.pk])
    owe(event, notice_kinds.ACTION_GIVEN, [owner], url=own_page, meeting=item.meeting.title,
        due=long_date(due_on))  # fmt: skip
    return action


@transaction.atomic
def finish_action(action: Action, *, outcome: str, by: User) -> AuditEvent:
    """Report an action done, with what came of it; by its owner or the chair, once."""
    action.refresh_from_db(from_queryset=Action._base_manager.select_for_update())
    if not by.has_perm("financing.finish_action", action):
        raise PermissionDenied("You may not report this action done.")
    problems = []
    if action.done_at:
        problems.append(Problem("done-already", "This action was reported done.", S4A))
    if not outcome.strip():
        problems.append(Problem("outcome-missing", "Say what came of it.", S4A, field="outcome"))
    if problems:
        raise NotReady(problems)
    event = audit.record(action, "action.finish", by=by, note=outcome, clause=S4A)
    action.outcome, action.done_at, action.done_by = outcome, event.at, by
    action.full_clean()
    action.save()
    meeting = action.item.meeting
    owe(event, notice_kinds.ACTION_DONE, [meeting.chair], url=_page(meeting), meeting=meeting.title)
    return event


def _page(meeting: Meeting) -> str:
    return reverse("financing:meeting", args=[meeting.pk])

"""Escalation of an objection, s.3(d): opened with it, added to over time, ended by an outcome.

It decides nothing: the determination answers the objection, however the escalation stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import transaction

from evaluation.due import due_from_now, rule_in_words
from evaluation.enums import LONGEST_TEXT, EscalationLevel, EscalationOutcome, Stance
from evaluation.models import Escalation, EscalationEntry, Position
from evaluation.notice_kinds import ESCALATION_CHANGED, ESCALATION_OPENED
from evaluation.notices import escalation_page, in_words, sides_of
from program import audit, clock, days, notices
from program.closures import counted_closures
from program.deadlines import Period, end_of_day, local_day, long_date
from program.texts import too_long
from program.transitions import NotReady, Problem, require
from proposals.models import Proposal

if TYPE_CHECKING:
    from datetime import date, datetime

    from evaluation.models import Determination
    from program.models import AuditEvent, User
    from program.notice_kinds import NoticeKind

ORDER = "E.O. 14320 s.3(d)"
LEVELS = list(EscalationLevel)
#: What people write; that an agency objects no more is said by its position
BY_HAND = (EscalationOutcome.SETTLED, EscalationOutcome.MAINTAINED)


def follow_position(position: Position, *, by: User) -> Escalation | None:
    """Open the escalation of an objection, or end that of one that is withdrawn; part of the filing.

    A proposal has one escalation for each agency, whatever version it speaks of.
    """
    proposal, agency = position.referral.version.proposal, position.referral.agency
    rows = Escalation.objects.select_for_update(of=("self",)).filter(proposal=proposal, agency=agency)
    found, objects = rows.first(), position.stance == Stance.OBJECT
    if found is None:
        return _open(position, proposal, by, at=position.signed_at) if objects else None
    if objects:
        return _go_on(found, position, by)
    if found.is_open:
        words = f"The agency filed another position: {position.get_stance_display()}."
        _write(found, by, minutes=words, outcome=EscalationOutcome.WITHDRAWN)
        audit.record(
            found, "escalation.close", by=by, after=str(EscalationOutcome.WITHDRAWN), note=words, clause=ORDER
        )
    return found


@transaction.atomic
def open_left_escalation(position: Position, *, by: User) -> Escalation | None:
    """Open the escalation of an objection that was filed without one, and tell both sides; the clock's act.

    Code that knew no escalations filed it. Its time is counted from now: nobody was told of another day.
    """
    require("evaluation.escalate_position", by, position)
    Proposal.objects.select_for_update(of=("self",)).get(pk=position.referral.version.proposal_id)
    rows = Position.objects.left_unescalated().filter(pk=position.pk)
    found = rows.select_related("referral__agency", "referral__version__proposal__call").first()
    if found is None:
        return None
    filed = long_date(local_day(found.signed_at))
    why = (
        f"Opened afterwards: the objection was filed on {filed}, before objections had a record. Its time is "
        "counted from the day on which this record was opened."
    )
    escalation = _open(found, found.referral.version.proposal, by, at=clock.now(), why=why)
    _write(escalation, by, minutes=why)
    return escalation


def _open(position: Position, proposal: Proposal, by: User, *, at: datetime, why: str = "") -> Escalation:
    """Counted from ``at``; ``why`` is said before the rule."""
    due_at, rule = _due(proposal, at)
    due_rule = f"{why} {rule}".strip()
    escalation = Escalation.objects.create(
        proposal=proposal, agency=position.referral.agency, position=position, opened_at=at, due_at=due_at,
        due_rule=due_rule,
    )  # fmt: skip
    event = audit.record(
        escalation, "escalation.open", by=by, after=str(escalation.level), note=due_rule, clause=ORDER
    )
    _tell_both_sides(ESCALATION_OPENED, escalation, event)
    return escalation


def _go_on(escalation: Escalation, position: Position, by: User) -> Escalation:
    """The agency objects anew: what was over begins again, at the level where it was."""
    escalation.position = position
    if escalation.is_open:
        escalation.save(update_fields=["position", "updated_at"])
        return escalation
    escalation.due_at, escalation.due_rule = _due(escalation.proposal, position.signed_at)
    escalation.closed_at, escalation.outcome = None, ""
    escalation.save()
    event = audit.record(
        escalation, "escalation.reopen", by=by, after=str(escalation.level), note=escalation.due_rule,
        clause=ORDER,
    )  # fmt: skip
    _tell_both_sides(ESCALATION_OPENED, escalation, event)
    return escalation


def _due(proposal: Proposal, at: datetime) -> tuple[datetime, str]:
    period = Period(proposal.call.escalation_days, citation="program policy, stated in the call")
    due = period.due_after(at, counted_closures())
    return due.bound, period.rule_text


@transaction.atomic
def add_to_escalation(
    escalation: Escalation,
    *,
    by: User,
    level: str,
    participants: str,
    minutes: str,
    met_on: date | None = None,
    outcome: str = "",
    due_on: date | None = None,
    period: Period | None = None,
    sent_as: UUID | None = None,
) -> EscalationEntry:
    """Add what was said and done; an ``outcome`` ends the escalation, else a new last day may be set.

    A form that is sent again, ``sent_as`` the same, brings the entry that it added before. Raises NotReady
    with all that is missing, also where it is over.
    """
    escalation.refresh_from_db(from_queryset=Escalation.objects.select_for_update(of=("self",)))
    require("evaluation.change_escalation", by, escalation)
    if sent_as and (added := escalation.entries.filter(sent_as=sent_as, by=by).first()):
        return added
    counted = due_from_now(period) if period else None
    due_on = counted.due_on if counted else due_on
    problems = [
        *_state_problems(escalation),
        *_entry_problems(escalation, level, participants, minutes, outcome),
        *_day_problems(met_on, due_on, outcome),
    ]
    if problems:
        raise NotReady(problems)
    before = escalation.level
    if due_on is not None:
        escalation.due_at = end_of_day(due_on)
        escalation.due_rule = rule_in_words(counted) if counted else "Day set by the Program office."
    escalation.level = level
    entry = _write(
        escalation, by, minutes=minutes.strip(), participants=participants.strip(), met_on=met_on,
        outcome=outcome, sent_as=sent_as,
    )  # fmt: skip
    act = "escalation.close" if outcome else "escalation.add"
    event = audit.record(
        escalation, act, by=by, before=str(before), after=str(outcome or level), note=entry.minutes,
        clause=ORDER,
    )  # fmt: skip
    _tell_both_sides(ESCALATION_CHANGED, escalation, event)
    return entry


def close_on_decision(determination: Determination, *, by: User) -> None:
    """End what is open on a proposal whose decision is announced: the objection stands and was answered.

    Part of the announcing transaction, which tells both sides. The answer is what the determination gives.
    """
    rows = Escalation.objects.select_for_update(of=("self",)).filter(proposal=determination.proposal_id)
    for escalation in rows.filter(closed_at=None).select_related("agency"):
        answers = determination.objection_answers.filter(position=escalation.position_id)
        answer = answers.values_list("answer", flat=True).first()
        given = f" It answers the objection: {answer}" if answer else ""
        words = f"The determination was announced: {determination.get_outcome_display()}.{given}"
        _write(escalation, by, minutes=shortened(words), outcome=EscalationOutcome.MAINTAINED)
        audit.record(
            escalation, "escalation.close", by=by, before=str(escalation.level),
            after=str(EscalationOutcome.MAINTAINED), note=shortened(words), clause=ORDER,
        )  # fmt: skip


def shortened(words: str) -> str:
    """No longer than minutes may be; the whole answer stands in the determination."""
    return words if len(words) <= LONGEST_TEXT else f"{words[: LONGEST_TEXT - 1]}…"


def _state_problems(escalation: Escalation) -> list[Problem]:
    if not escalation.is_open:
        return [Problem("over", f"This escalation is over: {escalation.get_outcome_display()}.", ORDER)]
    if escalation.over_because:
        return [Problem("over", f"Nothing is settled here any more. {escalation.over_because}.", ORDER)]
    return []


def _entry_problems(
    escalation: Escalation, level: str, participants: str, minutes: str, outcome: str
) -> list[Problem]:
    problems = []
    if level not in EscalationLevel:
        problems.append(Problem("level", "Choose the level.", ORDER, field="level"))
    elif LEVELS.index(EscalationLevel(level)) < LEVELS.index(EscalationLevel(escalation.level)):
        message = f"It was raised to “{escalation.get_level_display()}” already and does not go back."
        problems.append(Problem("level", message, ORDER, field="level"))
    if not participants.strip():
        problems.append(Problem("participants", "Name who took part.", ORDER, field="participants"))
    if not minutes.strip():
        problems.append(Problem("minutes", "Write what was said.", ORDER, field="minutes"))
    for field, text in (("participants", participants), ("minutes", minutes)):
        if message := too_long(text, LONGEST_TEXT):
            problems.append(Problem(f"{field}-long", message, ORDER, field=field))
    if outcome and outcome not in BY_HAND:
        message = "Choose an outcome. That an agency objects no more is said by its own position."
        problems.append(Problem("outcome", message, ORDER, field="outcome"))
    return problems


def _day_problems(met_on: date | None, due_on: date | None, outcome: str) -> list[Problem]:
    problems = []
    if met_on is not None and met_on > clock.today():
        problems.append(Problem("met-on", "The day of the meeting lies ahead.", ORDER, field="met_on"))
    elif met_on is not None and (refused := days.refusal(met_on)):
        problems.append(Problem("met-on", refused, ORDER, field="met_on"))
    if due_on is not None and outcome:
        problems.append(Problem("due", "What is over has no last day.", ORDER, field="due_on"))
    elif due_on is not None and due_on <= clock.today():
        problems.append(Problem("due", "The new last day must lie ahead.", ORDER, field="due_on"))
    elif due_on is not None and (refused := days.refusal(due_on)):
        problems.append(Problem("due", refused, ORDER, field="due_on"))
    return problems


def _write(
    escalation: Escalation,
    by: User,
    *,
    minutes: str,
    participants: str = "",
    met_on: date | None = None,
    outcome: str = "",
    sent_as: UUID | None = None,
) -> EscalationEntry:
    """Keep an entry with the level and the last day that stand with it; an outcome ends the escalation."""
    now = clock.now()
    if outcome:
        escalation.closed_at, escalation.outcome = now, outcome
    escalation.save()
    entry = EscalationEntry(
        escalation=escalation, level=escalation.level, met_on=met_on, participants=participants,
        minutes=minutes, outcome=outcome, due_at=escalation.due_at, by=by, at=now,
        sent_as=sent_as or uuid4(),
    )  # fmt: skip
    entry.full_clean(exclude=["escalation", "by"])
    entry.save()
    return entry


def _tell_both_sides(kind: NoticeKind, escalation: Escalation, event: AuditEvent) -> None:
    notices.owe(
        event, kind, sides_of(escalation), url=escalation_page(escalation),
        number=escalation.proposal.number, agency=str(escalation.agency),
        due=in_words(escalation.due_at), level=escalation.get_level_display(),
    )  # fmt: skip

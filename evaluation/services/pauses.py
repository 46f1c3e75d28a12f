"""Pauses of a consultation's clock, s.3(d): for a listed reason, each an event, until somebody ends it.

Of what is locked the proposal comes first, then a question, then consultations by their keys.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from evaluation.clocks import standstill
from evaluation.enums import LONGEST_PAUSE_NOTE, ClockAct, InformationRequestStatus, PauseReason
from evaluation.models import ClockEvent, InformationRequest, Referral
from evaluation.notice_kinds import CLOCK_PAUSED, CLOCK_RESUMED
from evaluation.notices import desk_page, in_words, workers_on
from evaluation.querysets.consultation import RUNNING
from program import audit, clock, notices
from program.clock_account import clock_account
from program.closures import counted_closures
from program.deadlines import Unit, end_of_day, long_date, put_off
from program.moments import moment_to_the_second
from program.texts import too_long
from program.transitions import NotReady, Problem, require
from proposals.enums import ProposalStatus
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import QuerySet

    from program.models import AuditEvent, User

ORDER = "E.O. 14320 s.3(d)"
ONE_DAY = timedelta(days=1)


@transaction.atomic
def pause_clocks(
    proposal: Proposal,
    *,
    by: User,
    referrals: Iterable[Referral],
    reason: str,
    note: str = "",
    question: InformationRequest | None = None,
) -> list[ClockEvent]:
    """Let the clocks of these consultations stand for one reason; their positions may be filed all the same.

    ``question`` is the question to the consortium, where its answer is waited for. Raises NotReady with all
    that keeps a clock from being paused; none is paused then.
    """
    hold_proposal(proposal)
    if question is not None:
        question = InformationRequest.objects.select_for_update(of=("self",)).get(pk=question.pk)
    held = list(_held([row.pk for row in referrals]).filter(version__proposal=proposal))
    if not held:
        require("evaluation.add_referral", by, proposal)
    problems = list(_reason_problems(proposal, reason, note, question))
    if not held:
        problems.append(Problem("clocks", "Choose whose clock is paused.", ORDER, field="referrals"))
    for referral in held:
        require("evaluation.pause_referral", by, referral)
        problems += _pause_problems(referral, proposal, reason, question)
    if problems:
        raise NotReady(problems)
    return [_pause(referral, by, PauseReason(reason), note.strip(), question) for referral in held]


def hold_proposal(proposal: Proposal) -> None:
    """Let no other act on the consultations of ``proposal`` come between, and read it again."""
    proposal.refresh_from_db(from_queryset=Proposal.objects.select_for_update(of=("self",)))


def _held(keys: Iterable[int]) -> QuerySet[Referral]:
    rows = Referral.objects.select_for_update(of=("self",)).filter(pk__in=list(keys)).order_by("pk")
    return rows.select_related("agency", "version__proposal")


def _reason_problems(
    proposal: Proposal, reason: str, note: str, question: InformationRequest | None
) -> Iterator[Problem]:
    yield from _note_problems(note)
    if reason not in PauseReason:
        yield Problem("reason", "Choose the reason: a clock stands for no other.", ORDER, field="reason")
    elif reason != PauseReason.INFORMATION:
        if question is not None:
            message = "Name a question only where the clock waits for its answer."
            yield Problem("question", message, ORDER, field="question")
        if not note.strip():
            yield Problem("note", "Say why the clock is paused.", ORDER, field="note")
    elif question is None or question.proposal_id != proposal.pk:
        yield Problem("question", "Name the question that is waited for.", ORDER, field="question")
    elif question.status != InformationRequestStatus.OPEN or question.due_at <= clock.now():
        words = "is not open any more" if question.status != InformationRequestStatus.OPEN else "is overdue"
        message = f"Question {question.number} {words}: no clock waits for it."
        yield Problem("question", message, ORDER, field="question")


def _note_problems(note: str) -> Iterator[Problem]:
    if message := too_long(note, LONGEST_PAUSE_NOTE):
        yield Problem("note-long", message, ORDER, field="note")


def _pause_problems(
    referral: Referral, proposal: Proposal, reason: str, question: InformationRequest | None
) -> Iterator[Problem]:
    name, field = referral.agency, "referrals"
    if proposal.status != ProposalStatus.UNDER_EVALUATION or referral.version.number < proposal.version_count:
        yield Problem("over", f"{name} is not consulted on this version any more.", ORDER, field=field)
    elif referral.status not in RUNNING:
        message = f"The consultation of {name} is over: “{referral.get_status_display()}”."
        yield Problem("over", f"{message} Its clock cannot be paused.", ORDER, field=field)
    elif referral.paused_at is None and referral.due_at <= clock.now():
        yield Problem(
            "late",
            f"The time of {name} ended: {moment_to_the_second(referral.due_at)}. Its clock cannot be paused.",
            ORDER,
            field=field,
        )
    elif referral.clock_events.standing().filter(reason=reason, request=question).exists():
        yield Problem("paused", f"The clock of {name} stands for this reason already.", ORDER, field=field)


def _pause(
    referral: Referral, by: User, reason: PauseReason, note: str, question: InformationRequest | None
) -> ClockEvent:
    now = clock.now()
    pause = ClockEvent(
        referral=referral, act=ClockAct.PAUSED, reason=reason, request=question, note=note, by=by, at=now,
        due_at=referral.due_at,
    )  # fmt: skip
    pause.full_clean(exclude=["request", "ends"])
    pause.save()
    after = {"reason": str(reason), "question": question.number if question else None}
    words = ". ".join(filter(None, [pause.why, note]))
    event = audit.record(referral, "referral.pause", by=by, after=after, note=words, clause=ORDER)
    if referral.paused_at is None:
        referral.paused_at = now
        referral.save(update_fields=["paused_at", "updated_at"])
    proposal = referral.version.proposal
    notices.owe(
        event,
        CLOCK_PAUSED,
        workers_on(referral),
        url=desk_page(proposal),
        number=proposal.number,
        agency=str(referral.agency),
        reason=pause.why,
    )
    return pause


@transaction.atomic
def resume_referral(referral: Referral, *, by: User, note: str = "") -> AuditEvent:
    """Let the clock of a consultation go on, whatever it waits for; the last day moves by the days it stood.

    Raises NotReady where the clock runs.
    """
    hold_proposal(referral.version.proposal)
    referral = _held([referral.pk]).get()
    require("evaluation.resume_referral", by, referral)
    pauses = list(referral.clock_events.standing())
    problems = list(_note_problems(note))
    if not pauses:
        problems.append(Problem("runs", f"The clock of {referral.agency} runs already.", ORDER))
    if problems:
        raise NotReady(problems)
    return _end(referral, pauses, by, note.strip())


def end_pauses(referral: Referral, *, by: User, why: str) -> None:
    """End what keeps the clock of a consultation that ends; part of the act that ends it, and tells of it."""
    if referral.clock_events.standing().exists():
        held = _held([referral.pk]).get()
        _end(held, list(held.clock_events.standing()), by, why, tells=False)


def release_clocks(request: InformationRequest, *, why: str) -> int:
    """Let the clocks go on that wait for this question alone; part of the act by which it is closed."""
    keys = list(request.pauses.standing().values_list("referral_id", flat=True))
    account = clock_account() if keys else None
    for referral in _held(keys):
        pauses = list(referral.clock_events.standing().filter(request=request))
        if pauses and account:
            _end(referral, pauses, account, why)
    return len(keys)


@transaction.atomic
def release_overdue(request: InformationRequest, *, by: User) -> int:
    """Let the clocks go on that wait for a question which was not answered in time; the clock's act."""
    hold_proposal(request.proposal)
    request.refresh_from_db(from_queryset=InformationRequest.objects.select_for_update(of=("self",)))
    for pause in request.pauses.standing().select_related("referral__agency", "referral__version__proposal"):
        require("evaluation.resume_referral", by, pause.referral)
    is_open = request.status == InformationRequestStatus.OPEN
    if not is_open or request.due_at > clock.now() or not request.pauses.standing().exists():
        raise NotReady([Problem("not-due", "No clock waits for this question past its time.", ORDER)])
    return release_clocks(request, why=f"Question {request.number} was not answered in time.")


def _end(
    referral: Referral, pauses: list[ClockEvent], by: User, why: str, *, tells: bool = True
) -> AuditEvent:
    """End these pauses; the clock goes on when none is left, with its last day moved."""
    ended = [pause.pk for pause in pauses]
    before, rest = referral.due_at, referral.clock_events.standing().exclude(pk__in=ended)
    is_over = not rest.exists()
    words = _move(referral) if is_over else ""
    ClockEvent.objects.bulk_create(
        ClockEvent(
            referral=referral, act=ClockAct.RESUMED, ends=pause, note=why, by=by, at=clock.now(),
            due_at=referral.due_at,
        )
        for pause in pauses
    )  # fmt: skip
    event = audit.record(
        referral,
        "referral.resume" if is_over else "referral.end_reason",
        by=by,
        before={"due_at": before.isoformat()},
        after={"due_at": referral.due_at.isoformat()},
        note=" ".join(filter(None, [why, words])),
        clause=ORDER,
    )
    if is_over and tells:
        proposal = referral.version.proposal
        notices.owe(
            event,
            CLOCK_RESUMED,
            workers_on(referral),
            url=desk_page(proposal),
            number=proposal.number,
            agency=str(referral.agency),
            due=in_words(referral.due_at),
        )
    return event


def _move(referral: Referral) -> str:
    """Move the last day of a paused consultation by the days on which its clock stood; say so in words."""
    now, today, closures = clock.now(), clock.today(), counted_closures()
    still, unit = standstill(referral, today), Unit(referral.unit)
    words = "The last day stays as it was."
    if days := still.counted(unit, closures):
        counted_to, due_on = put_off(referral.counted_on, days, unit=unit, closures=closures)
        referral.counted_to, referral.due_at = counted_to, max(end_of_day(due_on), referral.due_at)
        kind = "federal business" if unit is Unit.BUSINESS else "calendar"
        span = long_date(still.first)
        span = f"on {span}" if still.first == still.last else f"from {span} to {long_date(still.last)}"
        one = f"1 {kind} day does" if days == 1 else f"{days} {kind} days do"
        words = f"{one} not count: the clock stood {span}."
        referral.due_rule = f"{referral.due_rule} {words}".strip()
    if referral.paused_at is not None:
        referral.stood_for += max(now - referral.paused_at, timedelta())
    referral.stood_days += still.counted()
    referral.settled_on, referral.paused_at = max(today, still.first - ONE_DAY), None
    referral.save(
        update_fields=[
            "counted_to", "due_at", "due_rule", "stood_for", "stood_days", "settled_on", "paused_at",
            "updated_at",
        ]
    )  # fmt: skip
    return words

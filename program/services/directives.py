"""What officers keep of the directives: each duty, and the review of agency actions, E.O. 14179 s.5(a)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from django.core.files import File
from django.db import models, transaction
from django.db.models import Max, Min
from django.utils import timezone

from program import audit, clock, moments
from program.documents import store_document
from program.enums import ActionStatus, DutyState, Mark
from program.intake import Examined, Refused, examine
from program.lifecycle import CARRY_OUT, FINALIZE, PROPOSE, REVIEW
from program.models import (
    ActionStep,
    AgencyAction,
    AuditEvent,
    Document,
    Duty,
    InterimExemption,
    User,
)
from program.models.directives import UNDER_CHANGE
from program.revisions import StaleRevision, hold, one_at_a_time
from program.transitions import NotReady, Problem, Transition, WrongStatus, perform, require

DUTY_FIELDS: Final = (
    "responsible", "consulted", "state", "fulfilled_on", "evidence", "evidence_url", "evidence_file",
)  # fmt: skip
ACTION_FIELDS: Final = ("agency", "title", "citation", "url", "taken_on", "effect")
STEP_FIELDS: Final = ("decided_by", "decided_on", "reason", "evidence", "evidence_url")
EXEMPTION_FIELDS: Final = ("text", "basis", "granted_by", "granted_on", "until")
REVOKED_ON: Final = date(2025, 1, 23)  # E.O. 14179: nothing was decided under it before it was signed
ORDERED_ON: Final = date(2023, 10, 30)  # E.O. 14110: nothing was done under it before
WITH_MEASURE: Final = (PROPOSE.name, CARRY_OUT.name)
CHANGE = Transition(
    "change",
    set(ActionStatus) - {ActionStatus.FINAL, ActionStatus.DROPPED},
    ActionStatus.IDENTIFIED,
    label="Correct the details",
)
EXEMPT = Transition(
    "exempt",
    UNDER_CHANGE,
    ActionStatus.INCONSISTENT,
    label="Enter an interim exemption",
)


def keep_duty(
    duty: Duty,
    *,
    by: User,
    revision: int,
    values: dict[str, Any],
    reason: str,
    upload: File[Any] | None = None,
    remove_file: bool = False,
) -> Duty:
    """Keep the officials, state and evidence of a duty; the record says what stood before, and why.

    A file is examined before the transaction begins. Raises PermissionDenied, StaleRevision, NotReady or
    ValidationError, having changed nothing.
    """
    require("program.change_duty", by)
    return _keep_duty(duty, by, revision, values, reason, examined(upload), remove_file)


@transaction.atomic
def _keep_duty(
    duty: Duty,
    by: User,
    revision: int,
    values: dict[str, Any],
    reason: str,
    found: tuple[File[Any], Examined] | None,
    remove_file: bool,
) -> Duty:
    hold(duty, revision=revision, with_related=("directive",))
    before = words_of(duty, DUTY_FIELDS)
    if found or remove_file:
        duty.evidence_file = stored(found, by) if found else None
    for name, value in values.items():
        setattr(duty, name, value)
    after = words_of(duty, DUTY_FIELDS)
    if problems := list(duty_problems(duty, reason, is_changed=before != after)):
        raise NotReady(problems)
    duty.kept_by, duty.kept_at = by, clock.now()
    duty.revision += 1
    duty.full_clean()
    duty.save(update_fields=[*DUTY_FIELDS, "kept_by", "kept_at", "revision"])
    was, now_is = changed(before, after)
    clause = duty.citation
    audit.record(duty, "duty.keep", by=by, before=was, after=now_is, note=reason.strip(), clause=clause)
    return duty


def duty_problems(duty: Duty, reason: str, *, is_changed: bool) -> Iterator[Problem]:
    """What keeps a duty from being kept as it is stated."""
    citation, done_on = duty.citation, duty.fulfilled_on
    if not is_changed:
        yield Problem(
            "duty-unchanged", "Nothing is changed: state, officials and evidence stand so.", citation
        )
    if not reason.strip():
        yield Problem("duty-reason", "Say why it changes; the record keeps it.", citation, field="reason")
    if duty.state == DutyState.FULFILLED and not duty.has_evidence:
        message = "A duty is fulfilled once something shows it: give words, a link or a file."
        yield Problem("duty-evidence", message, citation, field="evidence")
    if done_on and duty.state != DutyState.FULFILLED:
        message = "Leave the day empty, or say that the duty is fulfilled."
        yield Problem("duty-day-without-state", message, citation, field="fulfilled_on")
    if done_on and not duty.directive.signed_on <= done_on <= clock.today():
        signed = moments.day(duty.directive.signed_on)
        message = f"Give a day from {signed}, when the order was signed, to today."
        yield Problem("duty-day", message, citation, field="fulfilled_on")


@transaction.atomic
def enter_action(*, by: User, values: dict[str, Any]) -> AgencyAction:
    """Enter an action taken under E.O. 14110 for review; nobody outside sees it yet."""
    require("program.add_agencyaction", by)
    one_at_a_time("agency-action")
    action = AgencyAction(entered_by=by, **values)
    refuse(action_problems(action))
    action.full_clean()
    action.save()
    audit.record(action, "agencyaction.enter", by=by, after=words_of(action, ACTION_FIELDS), clause=REVIEW)
    return action


@transaction.atomic
def change_action(
    action: AgencyAction, *, by: User, revision: int, values: dict[str, Any], reason: str
) -> AgencyAction:
    """Correct the facts of an action, until its change is final."""
    require("program.change_agencyaction", by, action)
    hold(action, revision=revision)
    if action.status not in CHANGE.sources:
        raise WrongStatus(CHANGE, action)
    before = words_of(action, ACTION_FIELDS)
    for name, value in values.items():
        setattr(action, name, value)
    after = words_of(action, ACTION_FIELDS)
    refuse([*action_problems(action), *reason_problems(reason, is_changed=before != after)])
    action.full_clean()
    saved(action, *ACTION_FIELDS)
    was, now_is = changed(before, after)
    audit.record(
        action, "agencyaction.change", by=by, before=was, after=now_is, note=reason.strip(), clause=REVIEW
    )
    return action


def action_problems(action: AgencyAction) -> Iterator[Problem]:
    if action.taken_on and not ORDERED_ON <= action.taken_on <= clock.today():
        message = f"Give a day from {moments.day(ORDERED_ON)}, when E.O. 14110 was signed, to today."
        yield Problem("action-day", message, REVIEW, field="taken_on")
    elif action.taken_on and action.pk:
        decided = action.steps.aggregate(day=Min("decided_on"))["day"]
        exempted = action.exemptions.aggregate(day=Min("granted_on"))["day"]
        first = min(filter(None, (decided, exempted)), default=action.taken_on)
        if first < action.taken_on:
            message = f"It was decided about on {moments.day(first)}: it was taken on that day or before."
            yield Problem("action-after-decision", message, REVIEW, field="taken_on")


def reason_problems(reason: str, *, is_changed: bool) -> Iterator[Problem]:
    if not is_changed:
        yield Problem("action-unchanged", "Nothing is changed.", REVIEW)
    if not reason.strip():
        yield Problem("action-reason", "Say why it changes; the record keeps it.", REVIEW, field="reason")


def take_step(
    action: AgencyAction,
    step: Transition,
    *,
    by: User,
    revision: int,
    values: dict[str, Any],
    measure: str = "",
    upload: File[Any] | None = None,
) -> AuditEvent:
    """Record one decision of the review: the action moves, and its step says who decided what, when and why.

    Raises PermissionDenied, StaleRevision, WrongStatus, NotReady or ValidationError, having changed nothing.
    """
    require(step.permission(action), by, action)
    return _take_step(action, step, by, revision, values, measure, examined(upload))


@transaction.atomic
def _take_step(
    action: AgencyAction,
    step: Transition,
    by: User,
    revision: int,
    values: dict[str, Any],
    measure: str,
    found: tuple[File[Any], Examined] | None,
) -> AuditEvent:
    hold(action)
    if action.status not in step.sources:
        raise WrongStatus(step, action)
    if action.revision != revision:
        raise StaleRevision(action, revision)
    if step == FINALIZE:
        measure = action.measure
    elif step.name not in WITH_MEASURE:
        measure = ""
    taken = ActionStep(
        action=action, step=step.name, measure=measure, recorded_by=by, recorded_at=clock.now(), **values
    )
    refuse(step_problems(taken, has_file=found is not None))
    taken.evidence_file = stored(found, by) if found else None
    taken.full_clean()
    event = perform(
        step,
        action,
        by=by,
        note=taken.reason,
        changes=lambda: {"measure": measure, "revision": action.revision + 1},
    )
    taken.recorded_at = event.at
    taken.save()
    return event


def step_problems(taken: ActionStep, *, has_file: bool) -> Iterator[Problem]:
    """What keeps a decision from being recorded."""
    if taken.step in WITH_MEASURE and not taken.measure:
        yield Problem("step-measure", "Say what it is: suspend, revise or rescind.", REVIEW, field="measure")
    for name, words in (("decided_by", "Name who decided."), ("reason", "Say why.")):
        if not getattr(taken, name).strip():
            yield Problem(f"step-{name}", words, REVIEW, field=name)
    if not (taken.evidence or taken.evidence_url or has_file):
        message = "Give the evidence: words, a link or a file."
        yield Problem("step-evidence", message, REVIEW, field="evidence")
    decided = taken.action.steps.aggregate(last=Max("decided_on"))["last"]
    first, since = earliest(taken.action, (decided, "the day of an earlier decision"))
    if not taken.decided_on or not first <= taken.decided_on <= clock.today():
        message = f"Give a day from {moments.day(first)}, {since}, to today."
        yield Problem("step-day", message, REVIEW, field="decided_on")


def earliest(action: AgencyAction, *more: tuple[date | None, str]) -> tuple[date, str]:
    """The first day on which anything about ``action`` can have been decided, and what day that is."""
    said = [
        (REVOKED_ON, "when E.O. 14179 was signed"), (action.taken_on, "when the action was taken"), *more,
    ]  # fmt: skip
    return max(((day, words) for day, words in said if day), key=lambda each: each[0])


@transaction.atomic
def give_exemption(
    action: AgencyAction, *, by: User, revision: int, values: dict[str, Any]
) -> InterimExemption:
    """Enter an exemption that holds until the change of the action is final."""
    require("program.add_interimexemption", by, action)
    hold(action)
    if action.status not in EXEMPT.sources:
        raise WrongStatus(EXEMPT, action)
    if action.revision != revision:
        raise StaleRevision(action, revision)
    exemption = InterimExemption(action=action, entered_by=by, **values)
    refuse(exemption_problems(exemption))
    exemption.full_clean()
    exemption.save()
    saved(action)
    after = {"action": str(action.pk), **words_of(exemption, EXEMPTION_FIELDS)}
    audit.record(exemption, "interimexemption.give", by=by, after=after, clause=REVIEW)
    return exemption


def exemption_problems(exemption: InterimExemption) -> Iterator[Problem]:
    given, until = exemption.granted_on, exemption.until
    first, since = earliest(exemption.action)
    if given and not first <= given <= clock.today():
        message = f"Give a day from {moments.day(first)}, {since}, to today."
        yield Problem("exemption-given", message, REVIEW, field="granted_on")
    elif given and until and until < given:
        message = "The last day must not lie before the day it was given."
        yield Problem("exemption-until", message, REVIEW, field="until")


@transaction.atomic
def end_exemption(exemption: InterimExemption, *, by: User, reason: str) -> InterimExemption:
    """End an exemption as of today, before its last day or before the change is final."""
    require("program.end_interimexemption", by, exemption)
    hold(exemption, with_related=("action",))
    if not exemption.holds_on(clock.today()):
        raise NotReady([Problem("exemption-ended", "This exemption holds no longer.", REVIEW)])
    if not reason.strip():
        raise NotReady([Problem("exemption-reason", "Say why it ends.", REVIEW, field="reason")])
    exemption.ended_on, exemption.ended_because = clock.today(), reason.strip()
    exemption.full_clean()
    saved(exemption, "ended_on", "ended_because")
    audit.record(
        exemption, "interimexemption.end", by=by, after={"ended_on": exemption.ended_on.isoformat()},
        note=reason.strip(), clause=REVIEW,
    )  # fmt: skip
    return exemption


def refuse(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        raise NotReady(found)


def saved(record: AgencyAction | InterimExemption, *names: str) -> None:
    record.revision += 1
    record.save(update_fields=[*names, "revision", "updated_at"])


def examined(upload: File[Any] | None) -> tuple[File[Any], Examined] | None:
    """The file of an evidence, if it may be kept; raises NotReady. It takes seconds for a large one."""
    if upload is None:
        return None
    try:
        return upload, examine(upload, upload.name or "")  # type: ignore[arg-type]  # a File streams
    except Refused as refusal:
        raise NotReady([refused(refusal)]) from refusal


def stored(found: tuple[File[Any], Examined], by: User) -> Document:
    """Keep a file for everybody to read; who puts it on record lets it be opened, scanned or not."""
    upload, examination = found
    try:
        document = store_document(upload, by=by, mark=Mark.PUBLIC, found=examination)
    except Refused as refusal:
        raise NotReady([refused(refusal)]) from refusal
    document.released_by, document.released_at = by, timezone.now()
    document.save(update_fields=["released_by", "released_at", "updated_at"])
    return document


def refused(refusal: Refused) -> Problem:
    words = f"{refusal.message} {refusal.what_to_do}".strip()
    return Problem("evidence-file", words, field="upload")


def words_of(record: models.Model, names: Iterable[str]) -> dict[str, str]:
    """The facts of a record as words, for the record of what changed; a file by its name and hash."""
    values = {name: getattr(record, name) for name in names}
    return {
        name: f"{value.name}, SHA-256 {value.sha256}" if isinstance(value, Document) else str(value)
        for name, value in values.items()
        if value not in ("", None)
    }


def changed(before: dict[str, str], after: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What differs, as it was and as it is."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return {name: before.get(name, "") for name in names}, {name: after.get(name, "") for name in names}

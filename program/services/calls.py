"""Everything that is done to a call: draft, approve, issue, amend, extend, close, cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.forms.models import model_to_dict
from django.urls import reverse

from program import audit, clock, days, library, moments, notices
from program.checks import PAST_THE_ORDER, expected_clock, is_before_its_deadline
from program.closures import counted_closures
from program.deadlines import end_of_day, is_business_day, local_day, long_date, next_business_day
from program.demanded import demanded
from program.enums import AmendmentKind, CallStatus, OfficeRole
from program.lifecycle import APPROVE, CANCEL, CLOSE, DISCARD, ISSUE, REOPEN
from program.models import (
    Agency,
    Amendment,
    AuditEvent,
    Call,
    CallFile,
    Country,
    Criterion,
    IneligibleJurisdiction,
    Office,
    Outage,
    Requirement,
    User,
)
from program.notice_kinds import (
    CALL_AMENDED,
    CALL_APPROVED,
    CALL_CANCELLED,
    CALL_CLOSED,
    CALL_CLOSED_AT_DESK,
    CALL_DISCARDED,
    CALL_EXTENDED,
    CALL_ISSUED,
    CALL_SENT_BACK,
    CALL_TO_APPROVE,
    NoticeKind,
)
from program.revisions import StaleRevision, hold
from program.services.subscriptions import Telling, tell
from program.transitions import NotReady, Problem, Transition, WrongStatus, perform, require

EDITABLE = (
    "title", "call_type", "summary", "text", "fr_citation", "fr_published_on", "no_fr_reason",
    "rolls_forward", "set_due_on", "set_due_reason", "cure_days", "cure_unit", "consultation_days",
    "consultation_unit", "escalation_days", "question_rounds",
    "check_max_age_days",
    "us_content_presumption", "anchor_must_be_us", "control_number", "control_expires_on",
    "no_control_reason", "burden_hours", "certification_text", "certification_version", "privacy_text",
    "confidentiality_text",
)  # fmt: skip
#: People of apps above for whom the time to submit goes on although a call closes, as their rows
GO_ON: Final[list[Callable[[Call], QuerySet[User]]]] = []
EDIT = Transition("edit", {CallStatus.DRAFT}, CallStatus.DRAFT, clause="s.3(b)")
AMEND = Transition(
    "amend",
    {CallStatus.ISSUED},
    CallStatus.ISSUED,
    clause="s.3(b)",
    checks=[is_before_its_deadline],
    label="Amend the call",
)
EXTEND = Transition(
    "extend",
    {CallStatus.ISSUED},
    CallStatus.ISSUED,
    clause="s.3(c)",
    checks=[is_before_its_deadline],
    label="Extend the deadline",
)
Part = Requirement | Criterion | IneligibleJurisdiction
NOUNS = {Requirement: "requirement", Criterion: "criterion", IneligibleJurisdiction: "place"}


@transaction.atomic
def draft_call(*, by: User, title: str, summary: str = "") -> Call:
    """A new draft with the requirements, rubric and texts of the library, s.3(b)."""
    require("program.add_call", by)
    call = Call(
        number=next_number(), title=title, summary=summary, created_by=by,
        certification_text=library.CERTIFICATION, privacy_text=library.PRIVACY,
        confidentiality_text=library.CONFIDENTIALITY,
    )  # fmt: skip
    call.full_clean(exclude=["summary"])
    call.save()
    seed_from_library(call)
    audit.record(call, "call.draft", by=by, after=facts_of(call), clause="s.3(b)")
    return call


@transaction.atomic
def copy_call(call: Call, *, by: User, title: str) -> Call:
    """A new draft with the texts, requirements, rubric, listed places and files of ``call``; never its clock.

    The OMB number is not copied: each collection shows its own.
    """
    require("program.add_call", by)
    kept = {name: getattr(call, name) for name in EDITABLE if name not in NEVER_COPIED}
    copied = Call.objects.create(**kept | {"number": next_number(), "title": title, "created_by": by})
    models: tuple[Any, ...] = (Requirement, Criterion, IneligibleJurisdiction)
    for model in models:
        rows = list(model.objects.filter(call=call))
        if model is Requirement:
            rows = demanded(rows)
        asked = [list(row.agencies.all()) if model is Criterion else [] for row in rows]
        for row in rows:
            row.pk, row._state.adding, row.call = None, True, copied
            if model is Requirement:
                row.added_by = row.demanded_from = row.withdrawn_by = row.demanded_to = None
        for row, agencies in zip(model.objects.bulk_create(rows), asked, strict=True):
            if agencies:
                row.agencies.set(agencies)
    CallFile.objects.bulk_create(
        CallFile(call=copied, document_id=file.document_id, title=file.title) for file in call.files.current()
    )
    audit.record(
        copied, "call.draft", by=by, after={**facts_of(copied), "copied_from": call.number}, clause="s.3(b)"
    )
    return copied


NEVER_COPIED = {
    "fr_citation", "fr_published_on", "no_fr_reason", "set_due_on", "set_due_reason", "control_number",
    "control_expires_on", "no_control_reason",
}  # fmt: skip


def next_number() -> str:
    """The next number of the year, such as ``AIX-C-2026-0002``; one draft waits for the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('call-number'))")
    stem = f"AIX-C-{clock.today().year}-"
    last = (
        Call.objects.filter(number__startswith=stem)
        .order_by("number")
        .values_list("number", flat=True)
        .last()
    )
    return f"{stem}{int(last.removeprefix(stem)) + 1 if last else 1:04}"


def seed_from_library(call: Call) -> None:
    for order, entry in enumerate(library.REQUIREMENTS, start=1):
        call.requirements.create(**vars(entry), sort_order=order * 10, checked_on=clock.today())
    for order, criterion in enumerate(library.RUBRIC, start=1):
        call.criteria.create(**vars(criterion), sort_order=order * 10)
    known = set(Country.objects.values_list("code", flat=True))
    IneligibleJurisdiction.objects.bulk_create(
        IneligibleJurisdiction(
            call=call, layer=place.layer, country_id=place.country, reason=place.reason, source=place.source,
            confidence=place.confidence, checked_on=clock.today(), effective_from=clock.today(),
        )
        for place in library.INELIGIBLE
        if place.country in known
    )  # fmt: skip


def hold_draft(call: Call, *, by: User, revision: int | None = None, tried: str = "") -> None:
    """Lock a draft that ``by`` may edit; raises WrongStatus once approved, StaleRevision when it moved on.

    ``tried`` names an act that is no edit.
    """
    require("program.change_call", by, call)
    hold(call, revision=revision)
    if call.status != CallStatus.DRAFT:
        raise WrongStatus(EDIT, call, tried=tried)


def facts_of(record: Call | Part) -> dict[str, str]:
    """The editable facts of a record as words, for the record of what changed."""
    names = (
        EDITABLE if isinstance(record, Call) else [field.name for field in record._meta.concrete_fields][1:]
    )
    facts = {
        name: str(value)
        for name, value in model_to_dict(record, fields=names).items()
        if value not in ("", None)
    }
    if isinstance(record, Criterion) and (asked := record.agencies.values_list("code", flat=True)):
        facts["agencies"] = ", ".join(asked)
    return facts


@transaction.atomic
def update_call(call: Call, *, by: User, revision: int, changes: dict[str, Any]) -> Call:
    """Save what a person changed in a draft, read at ``revision``; saving never asks for completeness."""
    hold_draft(call, by=by, revision=revision)
    before = facts_of(call)
    for name in EDITABLE:
        if name in changes:
            setattr(call, name, changes[name])
    call.full_clean(exclude=["title", "summary"])
    after = facts_of(call)
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if names:
        was, now_is = ({name: facts.get(name, "") for name in names} for facts in (before, after))
        save_draft(call)
        call.written_by.add(by)
        audit.record(call, "call.change", by=by, before=was, after=now_is, clause="s.3(b)")
    return call


def save_draft(call: Call) -> None:
    call.revision += 1
    call.save(update_fields=[*EDITABLE, "revision", "updated_at"])


@transaction.atomic
def save_part(
    part: Part, *, by: User, revision: int | None = None, agencies: Iterable[Agency] | None = None
) -> Part:
    """Add a row to a draft call, or change one that was read at ``revision``.

    ``agencies`` are those whose reviewers alone score a criterion; None leaves them as they are.
    """
    call = part.call
    hold_draft(call, by=by)
    noun = NOUNS[type(part)]
    old = hold_part(part, revision=revision) if part.pk else None
    part.full_clean()
    part.revision = old.revision + 1 if old else 1
    before = facts_of(old) if old else ""
    part.save()
    if agencies is not None and isinstance(part, Criterion):
        part.agencies.set(agencies)
    save_draft(call)
    call.written_by.add(by)
    act = f"call.change_{noun}" if old else f"call.add_{noun}"
    audit.record(call, act, by=by, before=before, after=facts_of(part), clause="s.3(b)")
    return part


def hold_part(part: Part, *, revision: int | None) -> Part:
    """The part as saved, of a call that is locked; raises StaleRevision, or NotReady when it is gone."""
    saved = type(part)._default_manager.filter(pk=part.pk, call=part.call).first()
    if saved is None:
        message = f"Somebody removed this {part._meta.verbose_name} meanwhile. Add it again if it is needed."
        raise NotReady([Problem("part-removed", message, "s.3(b)")])
    if revision is not None and saved.revision != revision:
        raise StaleRevision(saved, revision)
    return saved


@transaction.atomic
def remove_part(part: Part, *, by: User, revision: int | None = None) -> None:
    """Take a part that was read at ``revision`` out of a draft call; the record keeps what it said."""
    call = part.call
    hold_draft(call, by=by)
    before = facts_of(hold_part(part, revision=revision))
    part.delete()
    save_draft(call)
    call.written_by.add(by)
    audit.record(call, f"call.remove_{NOUNS[type(part)]}", by=by, before=before, clause="s.3(b)")


Entry = library.LibraryRequirement | library.LibraryCriterion
LIBRARY: dict[type[Requirement | Criterion], tuple[Entry, ...]] = {
    Requirement: library.REQUIREMENTS,
    Criterion: library.RUBRIC,
}


def absent_entries(call: Call, model: type[Requirement | Criterion]) -> list[Entry]:
    """What the library holds and the draft does not."""
    present = set(model._default_manager.filter(call=call).values_list("code", flat=True))
    return [entry for entry in LIBRARY[model] if entry.code not in present]


@transaction.atomic
def add_from_library(call: Call, *, by: User, model: type[Requirement | Criterion], code: str) -> Part:
    """Put an entry of the library back into a draft, at its place; raises NotReady when it is there."""
    hold_draft(call, by=by)
    entry = next((entry for entry in absent_entries(call, model) if entry.code == code), None)
    if entry is None:
        message = "This entry of the library stands in the draft already, or the library has no such entry."
        raise NotReady([Problem("library-entry", message, "s.3(b)")])
    place = (LIBRARY[model].index(entry) + 1) * 10
    part = model(call=call, **vars(entry), sort_order=place)
    if isinstance(part, Requirement):
        part.checked_on = clock.today()
    return save_part(part, by=by)


@transaction.atomic
def ask_for_approval(call: Call, *, by: User) -> AuditEvent:
    """Tell the other program officers that a draft is ready; once, until somebody does something to it.

    Raises NotReady with all that is missing.
    """
    hold_draft(call, by=by, tried="Ask for approval")
    if problems := APPROVE.problems(call):
        raise NotReady(problems)
    if last_act(call) == "call.ask_approval":
        message = "The other program officers were asked already, and the draft was not changed since."
        raise NotReady([Problem("asked-already", message, "s.3(b)")])
    others = list(approvers_of(call))
    if not others:
        raise NotReady([Problem("nobody-approves", NOBODY_APPROVES, "s.3(b)")])
    event = audit.record(call, "call.ask_approval", by=by, clause="s.3(b)")
    notices.owe(event, CALL_TO_APPROVE, others, url=desk_url(call), number=call.number, title=call.title)
    return event


NOBODY_APPROVES = (
    "Nobody is left who could approve this draft: every program officer has written on it. Let another"
    " officer be appointed, or copy the draft into a new one, of which its copier alone is a writer."
)


def approvers_of(call: Call) -> QuerySet[User]:
    """The program officers who wrote nothing of a draft."""
    writers = call.written_by.values("pk")
    return program_officers().exclude(pk=call.created_by_id).exclude(pk__in=writers)


def is_published_already(call: Call, details: Mapping[str, Any], *, by: User) -> bool:
    """Whether the newest amendment is the one of ``details``, by the same person: pressed twice."""
    last = call.amendments.order_by("number").last()
    said = (details.get("summary"), details.get("reason"))
    return last is not None and last.made_by_id == by.pk and (last.summary, last.reason) == said


def last_act(call: Call) -> str:
    return getattr(AuditEvent.objects.of(call).last(), "act", "")


def desk_url(call: Call) -> str:
    return reverse("program:desk-call", args=[call.number])


def tell_drafters(event: AuditEvent, kind: NoticeKind, call: Call, *also: User, reason: str = "") -> None:
    """Tell who wrote the draft, and ``also`` others, what somebody else did to it."""
    people = {call.created_by, *call.written_by.all(), *also} - {event.actor}
    notices.owe(
        event, kind, people, url=desk_url(call), number=call.number, title=call.title, by=event.actor,
        reason=reason,
    )  # fmt: skip


def program_officers() -> QuerySet[User]:
    """Everyone who holds the office today."""
    offices = Office.objects.in_force(on=clock.today()).filter(role=OfficeRole.PROGRAM_OFFICER)
    return User.objects.filter(pk__in=offices.values("user"))


@transaction.atomic
def approve_call(call: Call, *, by: User, revision: int | None = None) -> AuditEvent:
    """A program officer who wrote nothing of the draft finds it complete; raises NotReady if it is not.

    What is approved is what was read: raises StaleRevision when the draft is not at ``revision``.
    """
    require(APPROVE.permission(call), by, call)
    hold(call, revision=revision)
    event = perform(APPROVE, call, by=by)
    call.approved_by = by
    call.save(update_fields=["approved_by", "updated_at"])
    tell_drafters(event, CALL_APPROVED, call)
    return event


@transaction.atomic
def send_back_call(call: Call, *, by: User, note: str) -> AuditEvent:
    """Tell the drafters why the draft is not approved; once, until they change it or ask again."""
    require(APPROVE.permission(call), by, call)
    hold(call)
    if call.status != CallStatus.DRAFT:
        raise WrongStatus(APPROVE, call, tried="Send back")
    demand_reason(note, "send-back-reason", "note", "Say what the drafters have to change.")
    if last_act(call) == "call.send_back":
        message = "The draft was sent back already and has not been changed since."
        raise NotReady([Problem("sent-back-already", message, "s.3(b)")])
    event = audit.record(call, "call.send_back", by=by, note=note, clause="s.3(b)")
    tell_drafters(event, CALL_SENT_BACK, call, reason=note)
    return event


@transaction.atomic
def reopen_call(call: Call, *, by: User, note: str = "") -> AuditEvent:
    """Take an approved call back to its draft; the approval is void, drafters and approver are told."""
    event = perform(REOPEN, call, by=by, note=note)
    approver = [call.approved_by] if call.approved_by else []
    call.approved_by = None
    call.revision += 1
    call.save(update_fields=["approved_by", "revision", "updated_at"])
    tell_drafters(event, CALL_SENT_BACK, call, *approver, reason=note or "none")
    return event


@transaction.atomic
def discard_call(call: Call, *, by: User, reason: str, revision: int | None = None) -> AuditEvent:
    """Give up a draft that was read at ``revision``, for a reason; its other drafters are told."""
    require(DISCARD.permission(call), by, call)
    hold(call, revision=revision)
    demand_reason(reason, "discard-reason", "reason", "Say why the draft is given up; the record keeps it.")
    event = perform(DISCARD, call, by=by, note=reason)
    call.cancel_reason = reason.strip()
    call.save(update_fields=["cancel_reason"])
    tell_drafters(event, CALL_DISCARDED, call, reason=reason)
    return event


def demand_reason(reason: str, code: str, field: str, message: str) -> None:
    """Raise NotReady where no reason is given."""
    if not reason.strip():
        raise NotReady([Problem(code, message, "s.3(b)", field=field)])


def changes_since(call: Call, revision: int) -> list[AuditEvent]:
    """The events that took the draft from ``revision`` to where it stands, the newest first."""
    changes = AuditEvent.objects.of(call).filter(Q(act__in=RAISING) | Q(act__regex=PART_ACTS))
    return list(changes.select_related("actor").reverse()[: max(call.revision - revision, 1)])


#: The acts that raise the revision of a call before it is issued, each by one.
RAISING = ("call.change", "call.reopen")
PART_ACTS = r"^call\.(add|change|remove)_"


@transaction.atomic
def issue_call(call: Call, *, by: User, revision: int | None = None) -> AuditEvent:
    """Issue the call, s.3(b): from this moment its 90 days run, s.3(c); subscribers of the Program are told.

    The clock is computed once, from the day in Washington on which the issuing transaction began. Raises
    StaleRevision when the call is not at ``revision``: it was taken back, changed and approved again.
    """
    require(ISSUE.permission(call), by, call)
    hold(call, revision=revision)
    if call.status in ISSUE.sources:
        state_clock(call)
    event = perform(ISSUE, call, by=by)
    tell(event, telling_of_issue(call, last_day_of(call)), call)
    return event


def telling_of_issue(call: Call, due_on: date) -> Telling:
    facts = {"number": call.number, "title": call.title, "due": long_date(due_on)}
    return Telling(CALL_ISSUED, public_url(call), facts)


def state_clock(call: Call) -> None:
    """Write the day of issue and everything that follows from it onto the locked row of an approved call."""
    call.issued_at = clock.now()
    call.issued_on = local_day(call.issued_at)
    stated = expected_clock(call, call.issued_on)
    for name in CLOCK_FIELDS:
        setattr(call, name, getattr(stated, name))
    call.save(update_fields=["issued_at", "issued_on", *CLOCK_FIELDS, "updated_at"])


CLOCK_FIELDS = ("day_90", "due_on", "closes_at", "rule_text", "rule_citation")


def last_day_of(call: Call) -> date:
    """The last day of a call that was issued."""
    if call.due_on is None:
        raise ValueError(f"{call.number} was not issued: it has no last day.")
    return call.due_on


def deadline_of(call: Call) -> datetime:
    """The exclusive bound of a call that was issued."""
    if call.closes_at is None:
        raise ValueError(f"{call.number} was not issued: it has no deadline.")
    return call.closes_at


def public_url(call: Call) -> str:
    return reverse("program:call-detail", args=[call.number])


def hold_open(call: Call, act: Transition, *, by: User, revision: int | None = None) -> None:
    """Lock a call that is issued and not past its deadline; raise WrongStatus or NotReady otherwise.

    Raises StaleRevision when it is not at ``revision``.
    """
    require(act.permission(call), by, call)
    hold(call, revision=revision)
    if call.status not in act.sources:
        raise WrongStatus(act, call)
    if problems := act.problems(call):
        raise NotReady(problems)


def next_amendment(call: Call) -> int:
    return (call.amendments.order_by("-number").values_list("number", flat=True).first() or 0) + 1


@transaction.atomic
def amend_call(
    call: Call,
    *,
    by: User,
    text: str,
    summary: str,
    reason: str,
    legal_basis: str = "",
    effective_on: date | None = None,
    revision: int | None = None,
) -> Amendment:
    """Change the text of an open call in public: numbered, with the text before and after, and the reason.

    It is published now and in force from ``effective_on``, today where no day is given.
    """
    hold_open(call, AMEND, by=by, revision=revision)
    if text.strip() == call.text.strip():
        raise NotReady(
            [Problem("amendment-empty", "The text is the same as before.", "s.3(b)", field="text")]
        )
    effective_on = effective_on or clock.today()
    refuse_day_of_effect(call, effective_on)
    amendment = Amendment(
        call=call, number=next_amendment(call), summary=summary, reason=reason, legal_basis=legal_basis,
        published_on=clock.today(), effective_on=effective_on,
        text_before=call.text, text_after=text, due_on_before=call.due_on,
        due_on_after=call.due_on, made_by=by,
    )  # fmt: skip
    amendment.full_clean()
    amendment.save()
    call.text = text
    call.revision += 1
    call.save(update_fields=["text", "revision", "updated_at"])
    event = audit.record(
        call, "call.amend", by=by, before={"text": amendment.text_before}, after={"text": text}, note=reason,
        clause="s.3(b)",
    )  # fmt: skip
    tell(event, telling_of_amendment(amendment), call)
    return amendment


def telling_of_amendment(amendment: Amendment) -> Telling:
    """What is told of an amendment, or of one that is only written."""
    facts = {
        "number": amendment.call.number,
        "amendment": amendment.number,
        "summary": amendment.summary,
        "effective": long_date(amendment.effective_on),
    }
    return Telling(CALL_AMENDED, amendment_url(amendment), facts)


def amendment_url(amendment: Amendment) -> str:
    return f"{public_url(amendment.call)}#amendment-{amendment.number}"


def refuse_day_of_effect(call: Call, day: date) -> None:
    """Raise NotReady for a day on which an amendment cannot begin to be in force."""
    message = ""
    if day < clock.today():
        message = "An amendment is in force from today at the earliest: nobody could have known of it before."
    elif day > last_day_of(call):
        message = f"Choose a day by {long_date(last_day_of(call))}, the last day of the call."
    if message:
        raise NotReady([Problem("amendment-day", message, "s.3(b)", field="effective_on")])


@transaction.atomic
def extend_call(
    call: Call,
    *,
    by: User,
    due_on: date,
    summary: str,
    reason: str,
    legal_basis: str,
    revision: int | None = None,
    outage: Outage | None = None,
) -> Amendment:
    """Move the deadline of an open call to a later day in public, with the reason and the legal basis.

    The order knows no extension: one past the 90th day carries the warning that cites s.3(c). ``outage`` is
    the entry of the log from which it was proposed.
    """
    hold_open(call, EXTEND, by=by, revision=revision)
    former, bound = last_day_of(call), deadline_of(call)
    if problem := problem_of_last_day(call, due_on, after=former):
        raise NotReady([problem])
    amendment = Amendment(
        call=call, number=next_amendment(call), kind=AmendmentKind.EXTENSION, summary=summary, reason=reason,
        legal_basis=legal_basis, published_on=clock.today(), effective_on=clock.today(),
        due_on_before=former, due_on_after=due_on,
        warning=warning_of_extension(call, due_on), outage=outage, made_by=by,
    )  # fmt: skip
    amendment.full_clean()
    if not legal_basis.strip():
        raise ValidationError({"legal_basis": "Name the legal basis of the extension."})
    amendment.save()
    before = {"due_on": former.isoformat(), "closes_at": bound.isoformat()}
    call.due_on, call.closes_at = due_on, end_of_day(due_on)
    call.rule_text = (
        f"{call.rule_text} Extension {amendment.number} moved the last day from {long_date(former)}"
        f" to {long_date(due_on)}."
    )
    call.revision += 1
    call.save(update_fields=["due_on", "closes_at", "rule_text", "revision", "updated_at"])
    after = {"due_on": due_on.isoformat(), "closes_at": call.closes_at.isoformat()}
    event = audit.record(call, "call.extend", by=by, before=before, after=after, note=reason, clause="s.3(c)")
    tell(event, telling_of_extension(amendment, before=former, due_on=due_on), call)
    return amendment


def telling_of_extension(amendment: Amendment, *, before: date, due_on: date) -> Telling:
    """What is told of an extension, or of one that is only written."""
    facts = {"number": amendment.call.number, "before": long_date(before), "due": long_date(due_on)}
    return Telling(CALL_EXTENDED, amendment_url(amendment), facts)


#: A last day moves by no more at once: a slip in the year could not be taken back
MOST_AT_ONCE: Final = timedelta(days=366)


def problem_of_last_day(call: Call, due_on: date, *, after: date) -> Problem | None:
    """Why ``due_on`` cannot be a later last day under ``call`` than ``after``, or None."""
    if due_on <= after:
        message = f"Choose a day after {long_date(after)}, the last day as it stands."
        return Problem("extension-earlier", message, "s.3(c)", field="due_on")
    if refused := days.refusal(due_on):
        return Problem("extension-out-of-bounds", refused, "s.3(c)", field="due_on")
    if due_on > max(after, clock.today()) + MOST_AT_ONCE:
        message = (
            f"{long_date(due_on)} is more than a year after {long_date(after)}, the last day as it stands,"
            " and no extension is taken back. Check the year."
        )
        return Problem("extension-far", message, "s.3(c)", field="due_on")
    if call.rolls_forward and not is_business_day(due_on, counted_closures()):
        next_day = next_business_day(due_on, counted_closures())
        message = (
            f"{long_date(due_on)} is no federal business day, and no deadline of this call falls on such a "
            f"day. Choose {long_date(next_day)} or another one."
        )
        return Problem("extension-day", message, call.rule_citation, field="due_on")
    return None


def warning_of_extension(call: Call, due_on: date) -> str:
    """The warning that an extension to ``due_on`` carries in public, citing s.3(c), or nothing."""
    return PAST_THE_ORDER if due_on > last_day_in_order(call) else ""


def last_day_in_order(call: Call) -> date:
    """The 90th day after issue, itself moved off a weekend or holiday where the call says so, s.3(c)."""
    return expected_clock(call, call.issued_on or clock.today()).rolled_day_90


def goes_on(people: Callable[[Call], QuerySet[User]]) -> Callable[[Call], QuerySet[User]]:
    """Do not tell ``people`` of a call that closes that their time is over."""
    GO_ON.append(people)
    return people


@transaction.atomic
def close_call(call: Call, *, by: User) -> AuditEvent:
    """Close a call whose deadline has passed; the clock's act, nobody else's, s.3(c).

    Who follows it is told, but for those whose own time goes on; and so are the officers who wrote and
    approved it.
    """
    event = perform(CLOSE, call, by=by)
    officers = {call.created_by, *call.written_by.all(), *filter(None, [call.approved_by])}
    facts = {"number": call.number, "due": moments.moment(moments.last_minute(deadline_of(call)))}
    notices.owe(event, CALL_CLOSED_AT_DESK, officers, url=desk_url(call), **facts)
    going_on = {person for people in GO_ON for person in people(call)}
    tell(event, Telling(CALL_CLOSED, public_url(call), facts), call, but=officers | going_on)
    return event


@transaction.atomic
def cancel_call(call: Call, *, by: User, reason: str) -> AuditEvent:
    """End an issued call before its deadline with a public reason; subscribers are told."""
    require(CANCEL.permission(call), by, call)
    demand_reason(reason, "cancel-reason", "reason", "Give the reason; it is published.")
    event = perform(CANCEL, call, by=by, note=reason)
    call.cancel_reason = reason.strip()
    call.save(update_fields=["cancel_reason"])
    tell(event, telling_of_cancellation(call, reason), call)
    return event


def telling_of_cancellation(call: Call, reason: str) -> Telling:
    return Telling(CALL_CANCELLED, public_url(call), {"number": call.number, "reason": reason})

"""Amendments of a designation: write them, have them cleared and signed by others, recall or give them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import transaction

from evaluation.due import due_from_now, rule_in_words
from evaluation.enums import AmendmentStatus, TermChange
from evaluation.lifecycle import DROP_AMENDMENT
from evaluation.models import Condition, ConditionChange, Designation, DesignationAmendment
from evaluation.notice_kinds import AMENDMENT_DROPPED
from evaluation.querysets.designations import LIVE
from evaluation.services.amending import SAID, hold_designation
from evaluation.services.decisions import (
    clear,
    hold_draft,
    keep_clearance,
    people_of,
    put_up,
    recall,
    send_back,
    sign,
)
from program import audit, clock, notices
from program.revisions import StaleRevision
from program.transitions import NotReady, Problem, perform, require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from program.deadlines import Period
    from program.models import AuditEvent, User

ORDER = "E.O. 14320 s.3(d)"
TYPED = ("effective_on", "clause", "reason", "changes_last_day", "expires_on")
REMOVALS = ("removed_markets", "removed_components")


@transaction.atomic
def prepare_amendment(designation: Designation, *, by: User) -> DesignationAmendment:
    """Begin an amendment of a designation that is active or suspended; pressed twice, it is begun once."""
    hold_designation(designation.pk)
    designation.refresh_from_db()
    require("evaluation.add_designationamendment", by, designation)
    if designation.status not in LIVE:
        status = designation.get_status_display().lower()
        message = f"The designation is {status}; it cannot be amended any more."
        raise NotReady([Problem("designation-ended", message, ORDER)])
    untouched = designation.amendments.filter(
        status=AmendmentStatus.DRAFT, prepared_by=by, revision=1
    ).first()
    if untouched is not None:
        return untouched
    amendment = DesignationAmendment.objects.create(designation=designation, prepared_by=by, saved_by=by)
    amendment.written_by.add(by)
    audit.record(
        amendment, "designationamendment.prepare", by=by, clause=ORDER, after={"number": designation.number}
    )
    return amendment


@transaction.atomic
def save_amendment(
    amendment: DesignationAmendment, *, by: User, values: Mapping[str, Any], revision: int | None
) -> DesignationAmendment:
    """Save the draft; saving never refuses what a draft can hold."""
    _hold_draft(amendment, by, revision=revision)
    typed = [name for name in TYPED if name in values]
    named = [*typed, *(name for name in REMOVALS if name in values)]
    for name in named:
        setattr(amendment, name, values[name])
    fields: list[Any] = list(amendment._meta.fields)
    amendment.clean_fields(exclude=[field.name for field in fields if field.name not in typed])
    _note_save(amendment, by, *named)
    return amendment


@transaction.atomic
def save_condition_change(
    amendment: DesignationAmendment,
    *,
    by: User,
    kind: str,
    condition: Condition | None = None,
    values: Mapping[str, Any] | None = None,
    period: Period | None = None,
    sent_as: UUID | None = None,
    revision: int | None = None,
) -> ConditionChange:
    """Put into the draft what it adds, changes (whole) or lifts; what was said of a condition is replaced.

    ``sent_as`` names an added condition, by the key of the form that put it in; ``revision`` is 0 where
    nothing was read. What stands already, by a second press, changes nothing. Raises StaleRevision when
    somebody said something else meanwhile.
    """
    _hold_draft(amendment, by)
    facts = {name: value for name, value in (values or {}).items() if name in SAID}
    row = _change_that_stands(amendment, condition, sent_as)
    if period is not None:
        counted = due_from_now(period)
        facts |= {"due_on": counted.due_on, "due_rule": rule_in_words(counted)}
    elif row is not None and row.due_on and row.due_on == facts.get("due_on"):
        facts["due_rule"] = row.due_rule
    if (due_on := facts.get("due_on")) is not None and due_on < clock.today():
        message = "This day is over. Give a day on which it can still be met."
        raise NotReady([Problem("due", message, ORDER, field="due_on")])
    if kind != TermChange.ADD and not _is_open(amendment, condition):
        raise NotReady([Problem("not-open", "This condition is not open.", ORDER)])
    said = dict.fromkeys(SAID, "") | {"due_on": None} | ({} if kind == TermChange.LIFT else facts)
    if row is not None and row.kind == kind and all(getattr(row, name) == said[name] for name in SAID):
        return row
    if row is None and revision:
        message = "Somebody took this out of the draft meanwhile. Press again if it is to stand."
        raise NotReady([Problem("taken-out", message, ORDER)])
    if row is not None and revision is not None and row.revision != revision:
        raise StaleRevision(row, revision)
    row = row or ConditionChange(amendment=amendment, condition=condition, sent_as=sent_as or uuid4())
    for name, value in said.items():
        setattr(row, name, value)
    row.kind = kind
    row.revision += 1 if row.pk else 0
    row.clean_fields()
    row.save()
    _note_save(amendment, by)
    return row


def _change_that_stands(
    amendment: DesignationAmendment, condition: Condition | None, sent_as: UUID | None
) -> ConditionChange | None:
    rows = ConditionChange.objects.filter(amendment=amendment)
    if condition is not None:
        return rows.filter(condition=condition).first()
    return rows.filter(condition=None, sent_as=sent_as).first() if sent_as else None


def _is_open(amendment: DesignationAmendment, condition: Condition | None) -> bool:
    return (
        condition is not None and condition.designation_id == amendment.designation_id and condition.is_open
    )


@transaction.atomic
def remove_condition_change(row: ConditionChange, *, by: User) -> None:
    """Take what the draft does to a condition out of it."""
    amendment = row.amendment
    _hold_draft(amendment, by)
    audit.record(
        amendment, "designationamendment.remove_change", by=by, before=str(row), note=row.text, clause=ORDER
    )
    row.delete()
    _note_save(amendment, by)


def _hold_draft(amendment: DesignationAmendment, by: User, *, revision: int | None = None) -> None:
    hold_designation(amendment.designation_id)
    hold_draft(amendment, by, revision=revision)


def _note_save(amendment: DesignationAmendment, by: User, *named: str) -> None:
    """Save the row, and undo a clearance of what it says no more or that who writes now has given."""
    amendment.saved_by = by
    amendment.revision += 1
    amendment.save(update_fields=[*named, "saved_by", "revision", "updated_at"])
    keep_clearance(amendment, by)


@transaction.atomic
def drop_amendment(amendment: DesignationAmendment, *, by: User, reason: str = "") -> AuditEvent:
    """Give a draft up; it is kept as it was, and who wrote or cleared it is told."""
    hold_designation(amendment.designation_id)
    event = perform(DROP_AMENDMENT, amendment, by=by, note=reason)
    others = people_of(amendment).exclude(pk=by.pk)
    number = amendment.designation.number
    notices.owe(event, AMENDMENT_DROPPED, others, url=amendment.page, number=number, person=str(by))
    return event


@transaction.atomic
def ask_to_clear_amendment(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """Put the draft up for clearance by an officer who has not worked on it; raises NotReady too early."""
    hold_designation(amendment.designation_id)
    return put_up(amendment, by=by)


@transaction.atomic
def clear_amendment(amendment: DesignationAmendment, *, by: User, body_sha256: str = "") -> AuditEvent:
    """Clear exactly what was read; who wrote the draft or signs it does not."""
    hold_designation(amendment.designation_id)
    return clear(amendment, by=by, read=body_sha256)


@transaction.atomic
def send_amendment_back(amendment: DesignationAmendment, *, by: User, reason: str) -> AuditEvent:
    """Give a draft back to who wrote it, with a reason, instead of clearing or signing it."""
    hold_designation(amendment.designation_id)
    return send_back(amendment, by=by, reason=reason)


@transaction.atomic
def sign_amendment(amendment: DesignationAmendment, *, by: User, body_sha256: str = "") -> AuditEvent:
    """Decide on the text that the signer read; it is frozen with the signature."""
    hold_designation(amendment.designation_id)
    return sign(amendment, by=by, read=body_sha256)


@transaction.atomic
def recall_amendment(amendment: DesignationAmendment, *, by: User, reason: str) -> AuditEvent:
    """Take a signed amendment back before it is announced, with the reason; another can be prepared."""
    hold_designation(amendment.designation_id)
    return recall(amendment, by=by, reason=reason)

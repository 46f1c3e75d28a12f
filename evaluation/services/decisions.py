"""How what three officials decide goes from draft to signature: put up, clear, send back, sign, recall.

Written once for determinations and for amendments of designations, which differ in ``Course`` alone. All of
it is part of the transaction of the act that calls it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from evaluation.decided import sha256_to_clear, text_to_sign
from evaluation.lifecycle import (
    CLEAR,
    CLEAR_AMENDMENT,
    RECALL,
    RECALL_AMENDMENT,
    SEND_AMENDMENT_BACK,
    SEND_BACK,
    SIGN,
    SIGN_AMENDMENT,
)
from evaluation.models import DesignationAmendment, Determination
from evaluation.notice_kinds import CLEARANCE_UNDONE, CLEARED, RECALLED, SENT_BACK, SIGNED, TO_CLEAR, TO_SIGN
from evaluation.notices import program_officers, signers_of_decision
from evaluation.officials import answer_first
from evaluation.querysets.people import delegations_reaching
from evaluation.services.delegations import refusal_to_decide
from program import audit, notices
from program.canonical import sha256_hex
from program.enums import OfficeRole
from program.models import Delegation, User
from program.revisions import hold
from program.transitions import NotReady, Problem, WrongStatus, perform, require

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from evaluation.models import Decision
    from program.models import AuditEvent
    from program.transitions import Transition

ORDER = "E.O. 14320 s.3(d)"
Record = Determination | DesignationAmendment


@dataclass(frozen=True)
class Course:
    """The transitions of one kind, and what is said when what was read stands no more."""

    clear: Transition
    send_back: Transition
    sign: Transition
    recall: Transition
    moved_on: Problem


COURSES: Final[dict[type[Decision], Course]] = {
    Determination: Course(
        CLEAR, SEND_BACK, SIGN, RECALL,
        Problem(
            "packet-changed", "The record has changed since you read the packet. Read it again.", ORDER,
            "packet",
        ),
    ),
    DesignationAmendment: Course(
        CLEAR_AMENDMENT, SEND_AMENDMENT_BACK, SIGN_AMENDMENT, RECALL_AMENDMENT,
        Problem(
            "amendment-changed",
            "The amendment, or the designation, has changed since you read it. Read it again.", ORDER,
            "terms",
        ),
    ),
}  # fmt: skip


def course_of(record: Record) -> Course:
    return COURSES[type(record)]


def act_of(record: Record, verb: str) -> str:
    return f"{record._meta.model_name}.{verb}"


def hold_draft(record: Record, by: User, *, revision: int | None = None) -> None:
    """Lock the draft before any row of it, as the signature does; its status is read under the lock.

    What is saved beside a signature is either in the text that is frozen, or refused. Who works on a draft is
    kept with it: they neither clear nor sign it.
    """
    require(f"evaluation.change_{record._meta.model_name}", by, record)
    hold(record, revision=revision)
    if not record.is_draft:
        raise WrongStatus(course_of(record).sign, record, tried="Save the draft")
    if not record.written_by.filter(pk=by.pk).exists():
        record.written_by.add(by)
        audit.record(record, act_of(record, "change"), by=by, clause=ORDER)


def keep_clearance(record: Record, by: User) -> None:
    """A clearance is of what was cleared: it is undone with any change, and where its giver writes."""
    if record.cleared_at is None:
        return
    if record.cleared_by_id == by.pk or record.cleared_sha256 != sha256_to_clear(record):
        record.clearance_asked_at = None
        undo_clearance(record, by, f"{by} has changed the draft.")


def undo_clearance(record: Record, by: User, what: str) -> AuditEvent:
    """Take the clearance off a draft, and say so to who gave it, who wrote and who may sign."""
    before = {"cleared_by": str(record.cleared_by), "sha256": record.cleared_sha256}
    event = audit.record(
        record, act_of(record, "undo_clearance"), by=by, before=before, note=what, clause=ORDER
    )
    giver = take_clearance_off(record, what)
    signers = signers_of_decision(record.proposal).values("pk")
    told = User.objects.filter(Q(pk__in=people_of(record, giver).values("pk")) | Q(pk__in=signers))
    notices.owe(event, CLEARANCE_UNDONE, told, url=record.page, decision=record.in_words, what=what)
    return event


def take_clearance_off(record: Record, what: str) -> User | None:
    """Leave the draft without its clearance and with ``what`` undid it; returns who had given it."""
    giver = record.cleared_by
    record.cleared_by, record.cleared_at, record.cleared_sha256 = None, None, ""
    record.clearance_note = f"{giver} had cleared it. {what}"
    record.save(
        update_fields=[
            "cleared_by", "cleared_at", "cleared_sha256", "clearance_note", "clearance_asked_at",
            "updated_at",
        ]
    )  # fmt: skip
    return giver


def people_of(record: Record, *others: User | None) -> QuerySet[User]:
    """Who has written, cleared or signed it, and ``others``: those who hold an office for it today."""
    keys = {*record.written_by.values_list("pk", flat=True), *(one.pk for one in others if one)}
    keys |= {pk for pk in (record.cleared_by_id, record.signed_by_id) if pk}
    officers, signers = program_officers(record.proposal), signers_of_decision(record.proposal)
    known = Q(pk__in=officers.values("pk")) | Q(pk__in=signers.values("pk"))
    return User.objects.filter(known, pk__in=keys)


def writers_of(record: Record) -> QuerySet[User]:
    """Those of its writers who hold an office for it today."""
    return people_of(record).filter(pk__in=record.written_by.values("pk"))


def put_up(record: Record, *, by: User) -> AuditEvent:
    """Put a draft up for clearance by an officer who has not worked on it; raises NotReady too early."""
    hold_draft(record, by)
    problems = course_of(record).clear.problems(record)
    if record.clearance_asked_at is not None:
        problems.append(Problem("asked", "The draft is put up for clearance already.", ORDER, "clearance"))
    if problems:
        raise NotReady(problems)
    event = audit.record(record, act_of(record, "ask_to_clear"), by=by, clause=ORDER)
    record.clearance_asked_at, record.clearance_note = event.at, ""
    record.save(update_fields=["clearance_asked_at", "clearance_note", "updated_at"])
    people = program_officers(record.proposal).exclude(pk__in=record.written_by.values("pk"))
    notices.owe(event, TO_CLEAR, people, url=record.page, decision=record.in_words)
    return event


def clear(record: Record, *, by: User, read: str = "") -> AuditEvent:
    """Clear exactly what was read, the text with the hash ``read``; who wrote or signs it does not."""
    course = course_of(record)

    def changes() -> dict[str, Any]:
        answer_first(record.proposal, by)
        digest = sha256_to_clear(record)
        if record.clearance_asked_at is None:
            raise NotReady([_not_asked()])
        if record.cleared_sha256 == digest:
            raise NotReady([Problem("cleared", "This is cleared already.", ORDER, "clearance")])
        if read and read != digest:
            raise NotReady([course.moved_on])
        return {"cleared_by": by, "cleared_sha256": digest, "clearance_note": ""}

    event = perform(course.clear, record, by=by, changes=changes)
    notices.owe(event, CLEARED, writers_of(record), url=record.page, decision=record.in_words)
    signers = signers_of_decision(record.proposal).exclude(pk__in=record.written_by.values("pk"))
    notices.owe(event, TO_SIGN, signers.exclude(pk=by.pk), url=record.page, decision=record.in_words)
    return event


def _not_asked() -> Problem:
    return Problem("not-asked", "The draft is not put up for clearance.", ORDER)


def send_back(record: Record, *, by: User, reason: str) -> AuditEvent:
    """Give a draft back to who wrote it, with a reason, instead of clearing or signing it."""
    course = course_of(record)
    require(course.send_back.permission(record), by, record)
    if not reason.strip():
        raise NotReady([Problem("reason", "Say what is to be changed.", ORDER, field="reason")])

    def changes() -> dict[str, Any]:
        if record.clearance_asked_at is None:
            raise NotReady([_not_asked()])
        return {
            "clearance_asked_at": None, "cleared_by": None, "cleared_at": None, "cleared_sha256": "",
            "clearance_note": f"{by} sent it back: {reason.strip()}",
        }  # fmt: skip

    event = perform(course.send_back, record, by=by, note=reason, changes=changes)
    facts = {"decision": record.in_words, "reason": reason.strip()}
    notices.owe(event, SENT_BACK, writers_of(record), url=record.page, **facts)
    return event


def sign(record: Record, *, by: User, read: str = "", note: str = "") -> AuditEvent:
    """Decide; nothing is visible outside until it is announced. Who wrote or cleared it does not sign it.

    ``read`` is the hash of what the signer read: when draft or record has moved on since, the signature is
    refused. What was read is frozen with the signature.
    """
    course, delegation = course_of(record), delegation_to_decide(record, by=by)

    def changes() -> dict[str, Any]:
        answer_first(record.proposal, by)
        text = text_to_sign(record)
        if read and read != sha256_hex(text):
            raise NotReady([course.moved_on])
        kept = {record.keeps: text, f"{record.keeps}_sha256": sha256_hex(text)}
        return {"signed_by": by, "delegation": delegation, **kept}

    try:
        event = perform(course.sign, record, by=by, note=note, delegation=delegation, changes=changes)
    except PermissionDenied as refusal:
        raise PermissionDenied(refusal_to_decide(record, by=by) or str(refusal)) from refusal
    officers = program_officers(record.proposal)
    notices.owe(event, SIGNED, officers, url=record.page, decision=record.in_words)
    return event


def delegation_to_decide(record: Record, *, by: User) -> Delegation | None:
    """The delegation that ``by`` signs under; none for who holds the decision."""
    if by.holds(OfficeRole.DECISION_OFFICIAL):
        return None
    return delegations_reaching(by, Delegation.SIGN_DETERMINATION, record.proposal).first()


def recall(record: Record, *, by: User, reason: str) -> AuditEvent:
    """Take a signed one back before it is announced, with the reason; another can be prepared."""
    course = course_of(record)
    require(course.recall.permission(record), by, record)
    if not reason.strip():
        message = f"Say why you recall the {record.in_words}."
        raise NotReady([Problem("reason", message, ORDER, field="reason")])
    event = perform(
        course.recall, record, by=by, note=reason, changes=lambda: {"recall_reason": reason.strip()}
    )
    officers = program_officers(record.proposal)
    notices.owe(event, RECALLED, officers, url=record.page, decision=record.in_words)
    return event

"""Amendments of a designation: write, clear and sign by others, announce, and take effect on their day."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Max
from django.urls import reverse

from evaluation.documents import issue_letter
from evaluation.due import due_from_now, rule_in_words
from evaluation.enums import AmendmentStatus, LetterKind, TermChange
from evaluation.hearers import tell_hearers, told_of_change
from evaluation.lifecycle import (
    ANNOUNCE_AMENDMENT,
    CLEAR_AMENDMENT,
    DROP_AMENDMENT,
    LAPSE_AMENDMENT,
    RECALL_AMENDMENT,
    SEND_AMENDMENT_BACK,
    SIGN_AMENDMENT,
    TAKE_EFFECT,
)
from evaluation.models import Condition, ConditionChange, Designation, DesignationAmendment
from evaluation.notice_kinds import (
    AMENDED,
    AMENDMENT_CLEARANCE_UNDONE,
    AMENDMENT_DROPPED,
    AMENDMENT_IN_FORCE,
    AMENDMENT_LAPSED,
    AMENDMENT_OVERTAKEN,
    AMENDMENT_RECALLED,
    AMENDMENT_SENT_BACK,
    AMENDMENT_SIGNED,
    AMENDMENT_TO_CLEAR,
    AMENDMENT_TO_SIGN,
)
from evaluation.notices import program_officers, questions_page, signers_of_decision
from evaluation.officials import answer_first
from evaluation.querysets.designations import LIVE
from evaluation.services.catalog import narrow_entry
from evaluation.services.determinations import delegation_to_decide, told_of_decision
from evaluation.terms import MARKET, body_of, difference, lines_of, sha256_to_clear_of
from program import audit, clock, moments, notices
from program.canonical import canonical_json, sha256_hex
from program.deadlines import local_day
from program.models import User
from program.revisions import StaleRevision, hold
from program.transitions import NotReady, Problem, WrongStatus, perform, require
from proposals.notices import team_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db.models import QuerySet

    from program.deadlines import Period
    from program.models import AuditEvent

ORDER = "E.O. 14320 s.3(d)"
TYPED = ("effective_on", "clause", "reason", "changes_last_day", "expires_on")
REMOVALS = ("removed_markets", "removed_components")
SAID = ("text", "owner", "due_on", "due_rule", "evidence", "effect")


@transaction.atomic
def prepare_amendment(designation: Designation, *, by: User) -> DesignationAmendment:
    """Begin an amendment of a designation that is active or suspended; pressed twice, it is begun once."""
    _hold_designation(designation.pk)
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


def _hold_designation(pk: int) -> None:
    """One act at a time on a designation: its row is locked before those of its amendments and conditions."""
    Designation.objects.select_for_update().get(pk=pk)


def _hold_draft(amendment: DesignationAmendment, by: User, *, revision: int | None = None) -> None:
    """Lock designation and draft; who works on a draft is kept with it: they neither clear nor sign it."""
    require("evaluation.change_designationamendment", by, amendment)
    _hold_designation(amendment.designation_id)
    hold(amendment, revision=revision)
    if not amendment.is_draft:
        raise WrongStatus(SIGN_AMENDMENT, amendment, tried="Save the draft")
    if not amendment.written_by.filter(pk=by.pk).exists():
        amendment.written_by.add(by)
        audit.record(amendment, "designationamendment.change", by=by, clause=ORDER)


def _note_save(amendment: DesignationAmendment, by: User, *named: str) -> None:
    """Save the row, and undo a clearance of what it says no more or that who writes now has given."""
    amendment.saved_by = by
    amendment.revision += 1
    amendment.save(update_fields=[*named, "saved_by", "revision", "updated_at"])
    if amendment.cleared_at is None:
        return
    if amendment.cleared_by_id == by.pk or amendment.cleared_sha256 != sha256_to_clear_of(amendment):
        amendment.clearance_asked_at = None
        what = f"{by} has changed the draft."
        giver = _undo_clearance(amendment, what)
        event = audit.record(
            amendment,
            "designationamendment.undo_clearance",
            by=by,
            before=str(giver),
            note=what,
            clause=ORDER,
        )
        _tell_who_works_on_it(
            event, AMENDMENT_CLEARANCE_UNDONE, amendment, _people_of(amendment, giver), what=what
        )


def _undo_clearance(amendment: DesignationAmendment, what: str) -> User | None:
    """Take the clearance off a draft; returns who had given it."""
    giver = amendment.cleared_by
    amendment.cleared_by, amendment.cleared_at, amendment.cleared_sha256 = None, None, ""
    amendment.clearance_note = f"{giver} had cleared it. {what}"
    amendment.save(
        update_fields=[
            "cleared_by", "cleared_at", "cleared_sha256", "clearance_note", "clearance_asked_at",
            "updated_at",
        ]
    )  # fmt: skip
    return giver


def _people_of(amendment: DesignationAmendment, *others: User | None) -> QuerySet[User]:
    """Who has written, cleared or signed it, and ``others``: those who hold an office for it today."""
    keys = {*amendment.written_by.values_list("pk", flat=True), *(one.pk for one in others if one)}
    keys |= {pk for pk in (amendment.cleared_by_id, amendment.signed_by_id) if pk}
    proposal = amendment.proposal
    known = set(program_officers(proposal).filter(pk__in=keys).values_list("pk", flat=True))
    known |= set(signers_of_decision(proposal).filter(pk__in=keys).values_list("pk", flat=True))
    return User.objects.filter(pk__in=known)


def _tell_who_works_on_it(
    event: AuditEvent, kind: Any, amendment: DesignationAmendment, people: Iterable[User], **facts: Any
) -> None:
    notices.owe(
        event, kind, people, url=amendment_page(amendment), number=amendment.designation.number, **facts
    )


def amendment_page(amendment: DesignationAmendment) -> str:
    return reverse("evaluation:amendment", args=[amendment.pk])


@transaction.atomic
def drop_amendment(amendment: DesignationAmendment, *, by: User, reason: str = "") -> AuditEvent:
    """Give a draft up; it is kept as it was, and who wrote or cleared it is told."""
    _hold_designation(amendment.designation_id)
    event = perform(DROP_AMENDMENT, amendment, by=by, note=reason)
    _tell_who_works_on_it(
        event, AMENDMENT_DROPPED, amendment, _people_of(amendment).exclude(pk=by.pk), person=str(by)
    )
    return event


@transaction.atomic
def ask_to_clear_amendment(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """Put the draft up for clearance by an officer who has not worked on it; raises NotReady too early."""
    _hold_draft(amendment, by)
    problems = CLEAR_AMENDMENT.problems(amendment)
    if amendment.clearance_asked_at is not None:
        problems.append(Problem("asked", "The draft is put up for clearance already.", ORDER, "clearance"))
    if problems:
        raise NotReady(problems)
    event = audit.record(amendment, "designationamendment.ask_to_clear", by=by, clause=ORDER)
    amendment.clearance_asked_at, amendment.clearance_note = event.at, ""
    amendment.save(update_fields=["clearance_asked_at", "clearance_note", "updated_at"])
    people = program_officers(amendment.proposal).exclude(pk__in=amendment.written_by.values("pk"))
    _tell_who_works_on_it(event, AMENDMENT_TO_CLEAR, amendment, people)
    return event


@transaction.atomic
def clear_amendment(amendment: DesignationAmendment, *, by: User, body_sha256: str = "") -> AuditEvent:
    """Clear exactly what was read; who wrote the draft or signs it does not."""
    _hold_designation(amendment.designation_id)

    def changes() -> dict[str, Any]:
        answer_first(amendment.proposal, by)
        digest = sha256_to_clear_of(amendment)
        if amendment.clearance_asked_at is None:
            raise NotReady([_not_asked()])
        if amendment.cleared_sha256 == digest:
            raise NotReady([Problem("cleared", "The amendment is cleared already.", ORDER, "clearance")])
        if body_sha256 and body_sha256 != sha256_hex(canonical_json(body_of(amendment))):
            raise NotReady([_has_changed()])
        return {"cleared_by": by, "cleared_sha256": digest, "clearance_note": ""}

    event = perform(CLEAR_AMENDMENT, amendment, by=by, changes=changes)
    writers = amendment.written_by.values("pk")
    signers = signers_of_decision(amendment.proposal).exclude(pk__in=writers).exclude(pk=by.pk)
    _tell_who_works_on_it(event, AMENDMENT_TO_SIGN, amendment, signers)
    return event


def _not_asked() -> Problem:
    return Problem("not-asked", "The draft is not put up for clearance.", ORDER)


def _has_changed() -> Problem:
    message = "The amendment, or the designation, has changed since you read it. Read it again."
    return Problem("amendment-changed", message, ORDER, "terms")


@transaction.atomic
def send_amendment_back(amendment: DesignationAmendment, *, by: User, reason: str) -> AuditEvent:
    """Give a draft back to who wrote it, with a reason, instead of clearing or signing it."""
    _hold_designation(amendment.designation_id)
    require(SEND_AMENDMENT_BACK.permission(amendment), by, amendment)
    if not reason.strip():
        raise NotReady([Problem("reason", "Say what is to be changed.", ORDER, field="reason")])

    def changes() -> dict[str, Any]:
        if amendment.clearance_asked_at is None:
            raise NotReady([_not_asked()])
        return {
            "clearance_asked_at": None, "cleared_by": None, "cleared_at": None, "cleared_sha256": "",
            "clearance_note": f"{by} sent it back: {reason.strip()}",
        }  # fmt: skip

    event = perform(SEND_AMENDMENT_BACK, amendment, by=by, note=reason, changes=changes)
    _tell_who_works_on_it(event, AMENDMENT_SENT_BACK, amendment, _people_of(amendment), reason=reason.strip())
    return event


@transaction.atomic
def sign_amendment(amendment: DesignationAmendment, *, by: User, body_sha256: str = "") -> AuditEvent:
    """Decide; nothing is visible outside until it is announced. Who wrote or cleared it does not sign it.

    ``body_sha256`` is that of what the signer read: when draft or designation has moved on since, the
    signature is refused. What was read is frozen with the signature.
    """
    _hold_designation(amendment.designation_id)
    delegation = delegation_to_decide(by)

    def changes() -> dict[str, Any]:
        answer_first(amendment.proposal, by)
        body = canonical_json(body_of(amendment))
        if body_sha256 and body_sha256 != sha256_hex(body):
            raise NotReady([_has_changed()])
        return {"signed_by": by, "delegation": delegation, "body": body, "body_sha256": sha256_hex(body)}

    event = perform(SIGN_AMENDMENT, amendment, by=by, delegation=delegation, changes=changes)
    _tell_who_works_on_it(event, AMENDMENT_SIGNED, amendment, program_officers(amendment.proposal))
    return event


@transaction.atomic
def recall_amendment(amendment: DesignationAmendment, *, by: User, reason: str) -> AuditEvent:
    """Take a signed amendment back before it is announced, with the reason; another can be prepared."""
    _hold_designation(amendment.designation_id)
    require(RECALL_AMENDMENT.permission(amendment), by, amendment)
    if not reason.strip():
        raise NotReady([Problem("reason", "Say why you recall the amendment.", ORDER, field="reason")])
    event = perform(
        RECALL_AMENDMENT, amendment, by=by, note=reason, changes=lambda: {"recall_reason": reason.strip()}
    )
    _tell_who_works_on_it(event, AMENDMENT_RECALLED, amendment, program_officers(amendment.proposal))
    return event


def amendment_recipients(amendment: DesignationAmendment) -> list[User]:
    """Everybody whom the announcement owes a notice."""
    people = told_of_decision(amendment.proposal)
    removed = {line["before"] for line in lines_of(amendment) if line["kind"] == MARKET}
    people |= {person.pk: person for person in told_of_change(amendment.designation, removed)}
    told = (person for person in people.values() if person.is_active and not person.is_service)
    return sorted(told, key=lambda person: person.name)


@transaction.atomic
def announce_amendment(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """Tell the consortium, with a letter; it is in force at once, or from its day on by the clock.

    It gets its number, counted within the designation. Other amendments that are being written are overtaken.
    """
    _hold_designation(amendment.designation_id)

    def changes() -> dict[str, Any]:
        numbers = DesignationAmendment.objects.filter(designation=amendment.designation_id)
        last = numbers.aggregate(last=Max("number"))["last"] or 0
        return {"number": last + 1, "effective_on": amendment.effective_on or clock.today()}

    event = perform(ANNOUNCE_AMENDMENT, amendment, by=by, changes=changes)
    designation, proposal, on = amendment.designation, amendment.proposal, amendment.effective_on
    said = json.loads(amendment.body)
    facts = {"number": designation.number, "amendment": amendment.number, "day": moments.day(_day(on))}
    after = {"amendment": amendment.number, "effective_on": _day(on).isoformat()}
    told = audit.record(
        designation,
        "designation.amend",
        by=by,
        after={**after, "changes": difference(said["before"], said["after"])},
        note=amendment.reason,
        clause=amendment.clause,
        delegation=amendment.delegation,
    )
    signer = amendment.signed_by
    issue_letter(
        LetterKind.AMENDMENT,
        proposal=proposal,
        at=event.at,
        designation=designation,
        amendment=amendment,
        reason=amendment.reason,
        signer=signer.name if signer else "",
        signer_title=signer.title if signer else "",
        delegation=str(amendment.delegation) if amendment.delegation else "",
    )
    team = {person.pk for person in team_of(proposal.consortium_id)}
    for person in told_of_decision(proposal).values():
        url = f"{questions_page(proposal)}#amendments" if person.pk in team else amendment_page(amendment)
        notices.owe(told, AMENDED, [person], url=url, **facts)
    tell_hearers(told, designation)
    overtake_amendments(designation, by=by, what=f"{amendment} was announced.", besides=amendment)
    if _day(on) <= clock.today():
        take_effect(amendment, by=by)
    return event


def _day(on: date | None) -> date:
    return on or clock.today()


@transaction.atomic
def settle_amendment(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """On its day an announced amendment takes effect, or lapses with its designation; the clock's act."""
    _hold_designation(amendment.designation_id)
    amendment.refresh_from_db()
    if amendment.designation.status in LIVE:
        return take_effect(amendment, by=by)
    return lapse_amendment(amendment, by=by)


@transaction.atomic
def take_effect(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """Change the terms of the designation, and what the catalog shows of it, as announced.

    A condition that was met since stays as it was met.
    """
    _hold_designation(amendment.designation_id)
    event = perform(TAKE_EFFECT, amendment, by=by)
    designation, changes = amendment.designation, json.loads(amendment.body)["changes"]
    _change_conditions(amendment, designation, event)
    before = _targets(designation)
    designation.removed_markets = sorted({*designation.removed_markets, *changes["markets"]})
    designation.removed_components = sorted({*designation.removed_components, *changes["components"]})
    designation.removed_targets = sorted({*designation.removed_targets, *(before - _targets(designation))})
    if changes["last_day"] is not None:
        said = changes["last_day"]["to"]
        designation.expires_on = date.fromisoformat(said) if said else None
    designation.revision += 1
    designation.save(
        update_fields=[
            "removed_markets", "removed_components", "removed_targets", "expires_on", "revision",
            "updated_at",
        ]
    )  # fmt: skip
    amendment.public_markets = narrow_entry(designation, at=event.at)
    amendment.save(update_fields=["public_markets", "updated_at"])
    began = audit.record(
        designation, "designation.amendment_in_force", by=by, after={"amendment": amendment.number},
        clause=amendment.clause,
    )  # fmt: skip
    tell_hearers(began, designation)
    announced = amendment.announced_at
    if announced is not None and local_day(announced) < _day(amendment.effective_on):
        _tell_who_is_bound(began, AMENDMENT_IN_FORCE, amendment)
    return event


def _targets(designation: Designation) -> set[str]:
    return {place.code for market in designation.package.markets for place in market.countries}


def _change_conditions(amendment: DesignationAmendment, designation: Designation, event: AuditEvent) -> None:
    standing = {row.pk: row for row in Condition.objects.select_for_update().filter(designation=designation)}
    last = Condition.objects.filter(determination=designation.determination_id).aggregate(n=Max("number"))[
        "n"
    ]
    for change in amendment.condition_changes.all():
        said = {name: getattr(change, name) for name in SAID}
        row = standing.get(change.condition_id or 0)
        if change.kind == TermChange.ADD:
            last = (last or 0) + 1
            Condition.objects.create(
                determination_id=designation.determination_id, designation=designation, number=last,
                added_by=amendment, **said,
            )  # fmt: skip
            continue
        if row is None or not row.is_open:
            continue
        if change.kind == TermChange.LIFT:
            said = {"lifted_at": event.at, "lifted_by": amendment}
        for name, value in said.items():
            setattr(row, name, value)
        row.revision += 1
        row.save(update_fields=[*said, "revision", "updated_at"])


def _tell_who_is_bound(event: AuditEvent, kind: Any, row: DesignationAmendment) -> None:
    proposal = row.proposal
    facts = {"number": row.designation.number, "amendment": row.number}
    url = f"{questions_page(proposal)}#amendments"
    notices.owe(event, kind, team_of(proposal.consortium_id), url=url, **facts)
    notices.owe(event, kind, program_officers(proposal), url=amendment_page(row), **facts)


@transaction.atomic
def lapse_amendment(amendment: DesignationAmendment, *, by: User) -> AuditEvent:
    """An announced amendment of a designation that ended before its day never takes effect."""
    event = perform(LAPSE_AMENDMENT, amendment, by=by)
    _tell_who_is_bound(event, AMENDMENT_LAPSED, amendment)
    return event


def overtake_amendments(
    designation: Designation, *, by: User, what: str, besides: DesignationAmendment | None = None
) -> None:
    """Tell who works on amendments of ``designation`` that it has changed; part of the change.

    A clearance does not outlast it, and what is signed cannot be announced. With the designation ends what
    was announced for a later day.
    """
    rows = designation.amendments.live().select_for_update(of=("self",))
    for amendment in rows.exclude(pk__in=[besides.pk] if besides else []).order_by("pk"):
        giver = _undo_clearance(amendment, what) if amendment.is_draft and amendment.cleared_at else None
        event = audit.record(
            amendment,
            "designationamendment.overtake",
            by=by,
            before=str(giver or ""),
            note=what,
            clause=ORDER,
        )
        remedy = (
            "Read the draft again on the terms as they stand."
            if amendment.status == AmendmentStatus.DRAFT
            else "Recall it; it cannot be announced."
        )
        people = _people_of(amendment, giver)
        _tell_who_works_on_it(event, AMENDMENT_OVERTAKEN, amendment, people, what=what, remedy=remedy)
    if designation.status not in LIVE:
        for amendment in designation.amendments.coming():
            lapse_amendment(amendment, by=by)

"""The determination of s.3(d): prepare, clear and sign by others, recall, announce with what follows."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import F, Max
from django.urls import reverse

from evaluation.documents import issue_letter
from evaluation.due import due_from_now, rule_in_words
from evaluation.enums import DeterminationStatus, LetterKind, Outcome, ScreeningReason, Stance
from evaluation.hearers import tell_hearers, told_of_new_designation
from evaluation.lifecycle import ANNOUNCE, CLEAR, RECALL, RENEW, SEND_BACK, SIGN
from evaluation.models import (
    Announcement,
    Condition,
    Designation,
    Determination,
    Finding,
    Letter,
    ObjectionAnswer,
    Referral,
)
from evaluation.notice_kinds import (
    ANNOUNCED,
    CLEARANCE_UNDONE,
    CLEARED,
    OVERTAKEN,
    RECALLED,
    SENT_BACK,
    SIGNED,
    TO_CLEAR,
    TO_SIGN,
)
from evaluation.notices import desk_page, holders, program_officers, questions_page, signers_of_decision
from evaluation.officials import answer_first, conflict_problems
from evaluation.packets import packet_of, sha256_to_clear
from evaluation.querysets.people import delegations_in_force
from evaluation.services.screening_jobs import ask_if_stale
from program import audit, clock, notices
from program.canonical import canonical_json, sha256_hex
from program.enums import OfficeRole
from program.models import Agency, AuditEvent, Delegation, User
from program.revisions import hold
from program.transitions import NotReady, Problem, WrongStatus, perform, require
from proposals.enums import ProposalStatus
from proposals.lifecycle import ANNOUNCE_DESIGNATED, ANNOUNCE_NOT_SELECTED
from proposals.models import Proposal
from proposals.notices import team_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from evaluation.models import Position
    from program.deadlines import Period

logger = logging.getLogger(__name__)
ORDER = "E.O. 14320 s.3(d)"
#: How many determinations one press announces; each in its own transaction, within one request
MOST_TOGETHER = 25
NOT_ANNOUNCED = "determination.stay_signed"
DECISION_FIELDS = ("outcome", "defer_until", "expires_on", "rationale", "letter_text")
CONDITION_FIELDS = ("text", "owner", "due_on", "due_rule", "evidence", "effect")
R = TypeVar("R", Determination, Finding, ObjectionAnswer, Condition)


@transaction.atomic
def prepare_determination(proposal: Proposal, *, by: User) -> Determination:
    """Begin the determination on the last version under evaluation, with a row per requirement.

    Where the last one was recalled, what was written in it is carried over, and who wrote it does not sign.
    """
    proposal.refresh_from_db(from_queryset=Proposal.objects.select_for_update())
    require("evaluation.add_determination", by, proposal)
    problems = conflict_problems(proposal, by)
    if proposal.status != ProposalStatus.UNDER_EVALUATION:
        problems.append(Problem("not-under-evaluation", "The proposal is not under evaluation.", ORDER))
    if Determination.objects.live().filter(proposal=proposal).exists():
        problems.append(Problem("prepared", "A determination on this proposal is already prepared.", ORDER))
    if problems:
        raise NotReady(problems)
    version = proposal.versions.get(number=proposal.version_count)
    last = Determination.objects.filter(proposal=proposal).order_by("pk").last()
    recalled = last if last is not None and last.status == DeterminationStatus.RECALLED else None
    determination = Determination.objects.create(
        proposal=proposal, version=version, prepared_by=by, carried_from=recalled
    )
    determination.written_by.add(by)
    Finding.objects.bulk_create(
        Finding(determination=determination, requirement=requirement, clause=requirement.clause)
        for requirement in proposal.call.requirements.demanded(version.received_at)
    )
    if recalled is not None:
        _carry_over(recalled, determination)
    audit.record(
        determination,
        "determination.prepare",
        by=by,
        clause=ORDER,
        after={"proposal": proposal.number, "version": version.number},
    )
    ask_if_stale(version, by=by, reason=ScreeningReason.DETERMINATION)
    return determination


def _carry_over(recalled: Determination, determination: Determination) -> None:
    """Take over what was written, but for what is not true any more.

    On another version each finding is made anew, an answer stays only with an objection that still stands,
    and a condition loses a day that is over.
    """
    for name in DECISION_FIELDS:
        setattr(determination, name, getattr(recalled, name))
    determination.save(update_fields=[*DECISION_FIELDS, "updated_at"])
    determination.written_by.add(*recalled.written_by.all())
    is_same_version = recalled.version_id == determination.version_id
    found = {finding.requirement_id: finding for finding in recalled.findings.all()}
    for finding in determination.findings.filter(requirement__in=found):
        before = found[finding.requirement_id]
        finding.text, finding.is_met = before.text, before.is_met if is_same_version else None
        finding.save(update_fields=["text", "is_met", "updated_at"])
    standing = [referral.position_id for referral in objections_to(determination)]
    ObjectionAnswer.objects.bulk_create(
        ObjectionAnswer(determination=determination, position_id=row.position_id, answer=row.answer)
        for row in recalled.objection_answers.filter(position__in=standing)
    )
    today = clock.today()
    for number, condition in enumerate(recalled.conditions.all(), start=1):
        facts = {name: getattr(condition, name) for name in CONDITION_FIELDS}
        if condition.due_on is not None and condition.due_on < today:
            facts |= {"due_on": None, "due_rule": ""}
        Condition.objects.create(determination=determination, number=number, **facts)


@transaction.atomic
def renew_determination(determination: Determination, *, by: User) -> AuditEvent:
    """Carry a draft to the version that replaced its own and was accepted since.

    What was written stays; every requirement is found on again. Raises NotReady when there is none.
    """

    def changes() -> dict[str, Any]:
        proposal = determination.proposal
        newest = proposal.versions.get(number=proposal.version_count)
        return {"version": newest, "revision": determination.revision + 1, "clearance_asked_at": None}

    note = f"Prepared on version {determination.version.number} before."
    event = perform(RENEW, determination, by=by, note=note, changes=changes)
    determination.findings.update(is_met=None, revision=F("revision") + 1)
    determination.written_by.add(by)
    _keep_clearance(determination, by)
    ask_if_stale(determination.version, by=by, reason=ScreeningReason.DETERMINATION)
    return event


@transaction.atomic
def save_determination(
    determination: Determination, *, by: User, values: Mapping[str, Any], revision: int | None
) -> Determination:
    """Save the decision part of a draft; saving never refuses what a draft can hold."""
    _hold_draft(determination, by, revision=revision)
    _save(determination, DECISION_FIELDS, values)
    _keep_clearance(determination, by)
    return determination


@transaction.atomic
def save_finding(finding: Finding, *, by: User, values: Mapping[str, Any], revision: int | None) -> Finding:
    """Save what the draft finds on one requirement."""
    _hold_draft(finding.determination, by)
    determination = finding.determination
    hold(finding, revision=revision)
    _save(finding, ("text", "is_met"), values)
    _keep_clearance(determination, by)
    return finding


@transaction.atomic
def answer_objection(
    determination: Determination, position: Position, *, by: User, answer: str, revision: int | None = None
) -> ObjectionAnswer:
    """Save the draft's answer to the objection of one agency."""
    _hold_draft(determination, by)
    if position.stance != Stance.OBJECT or position.referral.version.proposal_id != determination.proposal_id:
        raise NotReady([Problem("no-objection", "This position is no objection to the proposal.", ORDER)])
    row, is_new = ObjectionAnswer.objects.get_or_create(determination=determination, position=position)
    hold(row, revision=None if is_new else revision)
    _save(row, ("answer",), {"answer": answer})
    _keep_clearance(determination, by)
    return row


@transaction.atomic
def save_condition(
    determination: Determination,
    *,
    by: User,
    values: Mapping[str, Any],
    period: Period | None = None,
    condition: Condition | None = None,
    revision: int | None = None,
) -> Condition:
    """Add a condition to the draft, or change one of it; nothing begins overdue. Added twice it stands once.

    Its day is named among ``values``, or counted from today by ``period``; then the rule is kept with it.
    """
    _hold_draft(determination, by)
    if period is not None:
        counted = due_from_now(period)
        values = {**values, "due_on": counted.due_on, "due_rule": rule_in_words(counted)}
    elif "due_on" in values:
        values = {**values, "due_rule": ""}
    due_on = values.get("due_on")
    if due_on is not None and due_on < clock.today():
        raise NotReady(
            [
                Problem(
                    "due", "This day is over. Give a day on which it can still be met.", ORDER, field="due_on"
                )
            ]
        )
    if condition is None:
        same = {name: values[name] for name in CONDITION_FIELDS if name in values}
        if twice := determination.conditions.filter(**same).first():
            return twice
        last = determination.conditions.aggregate(last=Max("number"))["last"] or 0
        condition = Condition(determination=determination, number=last + 1)
        for name in CONDITION_FIELDS:
            if name in values:
                setattr(condition, name, values[name])
        condition.full_clean(exclude=["designation"])
        condition.save()
    else:
        hold(condition, revision=revision)
        _save(condition, CONDITION_FIELDS, values)
    _keep_clearance(determination, by)
    return condition


@transaction.atomic
def remove_condition(condition: Condition, *, by: User) -> None:
    """Take a condition out of a draft."""
    determination = condition.determination
    _hold_draft(determination, by)
    audit.record(determination, "determination.remove_condition", by=by, before=condition.text, clause=ORDER)
    condition.delete()
    _keep_clearance(determination, by)


def _hold_draft(determination: Determination, by: User, *, revision: int | None = None) -> None:
    """Lock the determination before any row of it, as the signature does; its status is read under the lock.

    What is saved beside a signature is either in the packet that is frozen, or refused. Who works on a draft
    is kept with it: they do not sign it.
    """
    hold(determination, revision=revision)
    require("evaluation.change_determination", by, determination)
    if determination.status != DeterminationStatus.DRAFT:
        raise WrongStatus(SIGN, determination, tried="Save the draft")
    if not determination.written_by.filter(pk=by.pk).exists():
        determination.written_by.add(by)
        audit.record(determination, "determination.change", by=by, clause=ORDER)


def _save(row: R, allowed: tuple[str, ...], values: Mapping[str, Any]) -> R:
    names: list[str] = [name for name in allowed if name in values]
    for name in names:
        setattr(row, name, values[name])
    fields: list[Any] = list(row._meta.fields)
    left_open: list[str] = [
        field.name for field in fields if field.null and getattr(row, field.attname) is None
    ]
    row.clean_fields(exclude=[*left_open, *(field.name for field in fields if field.name not in names)])
    row.revision += 1
    row.save(update_fields=[*names, "revision", "updated_at"])
    return row


def _keep_clearance(determination: Determination, by: User) -> None:
    """A clearance is of what was cleared: it is undone with any change, and where its giver writes."""
    if determination.cleared_at is None:
        return
    if determination.cleared_by_id == by.pk or determination.cleared_sha256 != sha256_to_clear(determination):
        determination.clearance_asked_at = None
        _undo_clearance(determination, by, f"{by} has changed the draft.")


def _undo_clearance(determination: Determination, by: User, what: str) -> AuditEvent:
    """Take the clearance off a draft, and say so to who gave it, who wrote and who may sign."""
    giver, proposal = determination.cleared_by, determination.proposal
    before = {"cleared_by": str(giver), "packet_sha256": determination.cleared_sha256}
    event = audit.record(
        determination, "determination.undo_clearance", by=by, before=before, note=what, clause=ORDER
    )
    _set_clearance(
        determination,
        cleared_by=None,
        cleared_at=None,
        cleared_sha256="",
        clearance_note=f"{giver} had cleared it. {what}",
    )
    people = {person.pk: person for person in _still_in_office(determination, determination.written_by.all())}
    people |= {person.pk: person for person in signers_of_decision(proposal)}
    if giver is not None:
        people |= {person.pk: person for person in _still_in_office(determination, [giver])}
    notices.owe(
        event,
        CLEARANCE_UNDONE,
        list(people.values()),
        url=determination_page(determination),
        number=proposal.number,
        what=what,
    )
    return event


def _set_clearance(determination: Determination, **values: Any) -> None:
    for name, value in values.items():
        setattr(determination, name, value)
    determination.save(update_fields=["clearance_asked_at", "updated_at", *values])


def _still_in_office(determination: Determination, people: Iterable[User]) -> QuerySet[User]:
    """Those of ``people`` who work in the Program office today and are not recused."""
    return program_officers(determination.proposal).filter(pk__in=[person.pk for person in people])


def determination_page(determination: Determination) -> str:
    return reverse("evaluation:determination", args=[determination.pk])


@transaction.atomic
def ask_to_clear(determination: Determination, *, by: User) -> AuditEvent:
    """Put the draft up for clearance by an officer who has not worked on it; raises NotReady too early."""
    _hold_draft(determination, by)
    problems = CLEAR.problems(determination)
    if determination.clearance_asked_at is not None:
        problems.append(Problem("asked", "The draft is put up for clearance already.", ORDER, "clearance"))
    if problems:
        raise NotReady(problems)
    event = audit.record(determination, "determination.ask_to_clear", by=by, clause=ORDER)
    determination.clearance_asked_at = event.at
    _set_clearance(determination, clearance_note="")
    proposal = determination.proposal
    people = program_officers(proposal).exclude(pk__in=determination.written_by.values("pk"))
    notices.owe(event, TO_CLEAR, people, url=determination_page(determination), number=proposal.number)
    return event


@transaction.atomic
def clear_determination(determination: Determination, *, by: User, packet_sha256: str = "") -> AuditEvent:
    """Clear exactly the packet that was read; who prepared the draft or signs it does not.

    ``packet_sha256`` is that of the packet that was read: when the record has moved on since, it is refused.
    """
    Proposal.objects.select_for_update().get(pk=determination.proposal_id)

    def changes() -> dict[str, Any]:
        answer_first(determination.proposal, by)
        digest = sha256_to_clear(determination)
        if determination.clearance_asked_at is None:
            raise NotReady([Problem("not-asked", "The draft is not put up for clearance.", ORDER)])
        if determination.cleared_sha256 == digest:
            raise NotReady([Problem("cleared", "This packet is cleared already.", ORDER, "clearance")])
        if packet_sha256 and packet_sha256 != digest:
            raise NotReady([_packet_changed()])
        return {"cleared_by": by, "cleared_sha256": digest, "clearance_note": ""}

    event = perform(CLEAR, determination, by=by, changes=changes)
    proposal, url = determination.proposal, determination_page(determination)
    writers = determination.written_by.values("pk")
    told = _still_in_office(determination, determination.written_by.all())
    notices.owe(event, CLEARED, told, url=url, number=proposal.number)
    signers = signers_of_decision(proposal).exclude(pk__in=writers).exclude(pk=by.pk)
    notices.owe(event, TO_SIGN, signers, url=url, number=proposal.number)
    return event


def _packet_changed() -> Problem:
    return Problem(
        "packet-changed", "The record has changed since you read the packet. Read it again.", ORDER, "packet"
    )


@transaction.atomic
def send_back_determination(determination: Determination, *, by: User, reason: str) -> AuditEvent:
    """Give a draft back to who wrote it, with a reason, instead of clearing or signing it."""
    require("evaluation.send_back_determination", by, determination)
    if not reason.strip():
        raise NotReady([Problem("reason", "Say what is to be changed.", ORDER, field="reason")])

    def changes() -> dict[str, Any]:
        if determination.clearance_asked_at is None:
            raise NotReady([Problem("not-asked", "The draft is not put up for clearance.", ORDER)])
        return {
            "clearance_asked_at": None,
            "cleared_by": None,
            "cleared_at": None,
            "cleared_sha256": "",
            "clearance_note": f"{by} sent it back: {reason.strip()}",
        }

    event = perform(SEND_BACK, determination, by=by, note=reason, changes=changes)
    notices.owe(
        event,
        SENT_BACK,
        _still_in_office(determination, determination.written_by.all()),
        url=determination_page(determination),
        number=determination.proposal.number,
        reason=reason.strip(),
    )
    return event


@transaction.atomic
def undo_overtaken_clearance(determination: Determination, *, by: User) -> AuditEvent | None:
    """Undo the clearance of a packet that is not the packet any more; the clock's.

    The draft stays put up for clearance: nobody need change it.
    """
    Proposal.objects.select_for_update().get(pk=determination.proposal_id)
    found = Determination.objects.select_for_update().get(pk=determination.pk)
    require("evaluation.end_referral", by, found)  # it is the clock's alone, as the end of a consultation is
    is_open = found.status == DeterminationStatus.DRAFT and found.cleared_at is not None
    if not is_open or found.cleared_sha256 == sha256_to_clear(found):
        return None
    return _undo_clearance(found, by, "The record on which the packet rests has changed.")


def packet_sha256(determination: Determination) -> str:
    """The SHA-256 of the packet as it stands at this moment."""
    return sha256_hex(canonical_json(packet_of(determination)))


@transaction.atomic
def sign_determination(determination: Determination, *, by: User, packet_sha256: str = "") -> AuditEvent:
    """Decide; nothing is visible outside until it is announced. Who prepared or cleared it does not sign it.

    ``packet_sha256`` is that of the packet that the signer read: when the record has moved on since, the
    signature is refused. The packet is frozen with the signature.
    """
    Proposal.objects.select_for_update().get(pk=determination.proposal_id)
    delegation = delegation_to_decide(by)
    event = perform(
        SIGN, determination, by=by, note=determination.outcome, delegation=delegation,
        changes=partial(answer_first, determination.proposal, by),
    )  # fmt: skip
    facts = packet_of(determination)
    packet = canonical_json(facts)
    if facts["clearance"] is None or (packet_sha256 and packet_sha256 != sha256_hex(packet)):
        raise NotReady([_packet_changed()])
    determination.signed_by, determination.delegation = by, delegation
    determination.packet, determination.packet_sha256 = packet, sha256_hex(packet)
    determination.save(update_fields=["signed_by", "delegation", "packet", "packet_sha256", "updated_at"])
    proposal = determination.proposal
    notices.owe(event, SIGNED, program_officers(proposal), url=desk_page(proposal), number=proposal.number)
    return event


def delegation_to_decide(by: User) -> Delegation | None:
    """The delegation that ``by`` signs under; none for who holds the decision."""
    if by.holds(OfficeRole.DECISION_OFFICIAL):
        return None
    return delegations_in_force(by, Delegation.SIGN_DETERMINATION).first()


@transaction.atomic
def recall_determination(determination: Determination, *, by: User, reason: str) -> AuditEvent:
    """Take a signed determination back before it is announced, with the reason; another can be prepared."""
    require("evaluation.recall_determination", by, determination)
    if not reason.strip():
        raise NotReady([Problem("reason", "Say why you recall the determination.", ORDER, field="reason")])
    event = perform(RECALL, determination, by=by, note=reason)
    determination.recall_reason = reason.strip()
    determination.save(update_fields=["recall_reason", "updated_at"])
    proposal = determination.proposal
    notices.owe(event, RECALLED, program_officers(proposal), url=desk_page(proposal), number=proposal.number)
    return event


@transaction.atomic
def tell_overtaken(determination: Determination, *, by: User) -> AuditEvent | None:
    """Tell signer and decision officials, once, that a signed determination was left behind; the clock's."""
    Determination.objects.select_for_update().get(pk=determination.pk)
    found = Determination.objects.overtaken().not_told().for_list().filter(pk=determination.pk).first()
    if found is None:
        return None
    require("evaluation.end_referral", by, found)  # it is the clock's alone, as the end of a consultation is
    event = audit.record(found, "determination.overtake", by=by, note=found.overtaken_by, clause=ORDER)
    people = {person.pk: person for person in signers_of_decision(found.proposal)}
    signer = found.signed_by
    if signer is not None and not found.proposal.recusals.filter(user=signer).exists():
        people[signer.pk] = signer
    url = reverse("evaluation:determination", args=[found.pk])
    facts = {"number": found.proposal.number, "what": found.overtaken_by}
    notices.owe(event, OVERTAKEN, list(people.values()), url=url, **facts)
    return event


def announcement_recipients(determination: Determination) -> list[User]:
    """Everybody whom the announcement owes a notice: of the decision, and of the designation that begins."""
    people = told_of_decision(determination.proposal)
    if determination.outcome == Outcome.DESIGNATE:
        people |= {person.pk: person for person in told_of_new_designation(determination.proposal)}
    told = (person for person in people.values() if person.is_active and not person.is_service)
    return sorted(told, key=lambda person: person.name)


def told_of_decision(proposal: Proposal) -> dict[int, User]:
    """The consortium's team, the five agencies' leads and the Program office, by key."""
    people = {person.pk: person for person in team_of(proposal.consortium_id)}
    for agency in Agency.objects.filter(is_evaluating=True):
        people |= {person.pk: person for person in holders(proposal, OfficeRole.LEAD, agency=agency)}
    return people | {person.pk: person for person in program_officers(proposal)}


@transaction.atomic
def announce_determination(
    determination: Determination, *, by: User, together: Announcement | None = None
) -> AuditEvent:
    """Tell the consortium; from now on the decision is visible, and a designation begins.

    One transaction: the proposal's status, the designation with its number, the letter and the notices.
    """
    Proposal.objects.select_for_update().get(pk=determination.proposal_id)

    def changes() -> dict[str, Any]:
        return {"announced_with": together}

    event = perform(ANNOUNCE, determination, by=by, note=determination.outcome, changes=changes)
    letter = {
        Outcome.DESIGNATE: _announce_designation,
        Outcome.NOT_SELECT: _announce_not_selected,
        Outcome.DEFER: _announce_deferral,
    }[Outcome(determination.outcome)](determination, by, event.at)
    proposal = determination.proposal
    team = {person.pk for person in team_of(proposal.consortium_id)}
    for person in told_of_decision(proposal).values():
        url = questions_page(proposal) if person.pk in team else desk_page(proposal)
        notices.owe(event, ANNOUNCED, [person], url=url, number=letter.proposal.number)
    return event


def why_not_announced(rows: Iterable[Determination]) -> dict[int, AuditEvent]:
    """For those of ``rows`` that are signed still: the event that says why their last announcement failed."""
    keys = [str(row.pk) for row in rows if row.status == DeterminationStatus.SIGNED]
    if not keys:
        return {}
    events = AuditEvent.objects.filter(
        act=NOT_ANNOUNCED, subject_type=Determination._meta.label_lower, subject_id__in=keys
    )
    return {int(event.subject_id): event for event in events.order_by("sequence")}


@dataclass
class Announced:
    """What came of one press: what is announced, what is not, each with why, and what was before it."""

    announcement: Announcement
    done: list[Determination] = field(default_factory=list)
    left: list[tuple[Determination, list[str]]] = field(default_factory=list)
    before: list[Determination] = field(default_factory=list)


def announce_together(chosen: Iterable[int], *, by: User) -> Announced:
    """Announce each of the signed determinations ``chosen`` (by key) in its own transaction.

    One event begins the announcement and one ends it; what fails stays signed and is named. Whoever presses
    again, or after a process has died, announces only what is still signed. Raises NotReady when nothing is.
    """
    keys = list(chosen)
    rows = Determination.objects.visible_to(by).to_announce().filter(pk__in=keys)
    found = list(rows.for_list()[:MOST_TOGETHER])
    if not found:
        raise NotReady([Problem("nothing-signed", "None of these waits to be announced any more.", ORDER)])
    for determination in found:
        require("evaluation.announce_determination", by, determination)
    announced = Determination.objects.visible_to(by).filter(pk__in=keys, status=DeterminationStatus.ANNOUNCED)
    with transaction.atomic():
        announcement = Announcement.objects.create(by=by, at=clock.now())
        after = {"determinations": [determination.pk for determination in found]}
        audit.record(announcement, "announcement.begin", by=by, after=after, clause=ORDER)
    came = Announced(announcement, before=list(announced.for_list()))
    for determination in found:
        try:
            announce_determination(determination, by=by, together=announcement)
        except NotReady as refusal:
            came.left.append((determination, [problem.message for problem in refusal.problems]))
        except (WrongStatus, PermissionDenied) as refusal:
            determination.refresh_from_db(fields=["status"])
            if determination.status == DeterminationStatus.ANNOUNCED:
                came.before.append(determination)
            else:
                came.left.append((determination, [str(refusal)]))
        except Exception:
            facts = {"record": f"evaluation.determination {determination.pk}"}
            logger.exception("A determination was not announced.", extra=facts)
            came.left.append((determination, ["Something failed here that is not the record's. Try again."]))
        else:
            came.done.append(determination)
    for determination, reasons in came.left:
        if determination.status == DeterminationStatus.SIGNED:
            audit.record(determination, NOT_ANNOUNCED, by=by, note=" ".join(reasons), clause=ORDER)
    after = {"announced": [row.pk for row in came.done], "left": [row.pk for row, _ in came.left]}
    audit.record(announcement, "announcement.end", by=by, after=after, clause=ORDER)
    return came


def _announce_designation(determination: Determination, by: User, at: datetime) -> Letter:
    proposal = determination.proposal
    perform(ANNOUNCE_DESIGNATED, proposal, by=by, note=f"Determination {determination.pk}")
    designation = Designation.objects.create(
        number=_next_number(at),
        proposal=proposal,
        version=determination.version,
        determination=determination,
        designated_at=at,
        expires_on=determination.expires_on,
    )
    determination.conditions.update(designation=designation)
    event = audit.record(
        designation,
        "designation.begin",
        by=by,
        clause=ORDER,
        after={
            "number": designation.number,
            "proposal": proposal.number,
            "version": determination.version.number,
        },
    )
    tell_hearers(event, designation)
    return _letter(LetterKind.DESIGNATION, determination, at, designation)


def _announce_not_selected(determination: Determination, by: User, at: datetime) -> Letter:
    perform(ANNOUNCE_NOT_SELECTED, determination.proposal, by=by, note=f"Determination {determination.pk}")
    return _letter(LetterKind.NOT_SELECTED, determination, at)


def _announce_deferral(determination: Determination, by: User, at: datetime) -> Letter:
    return _letter(LetterKind.DEFERRAL, determination, at)


def _letter(
    kind: LetterKind, determination: Determination, at: datetime, designation: Designation | None = None
) -> Letter:
    signer = determination.signed_by
    if signer is None:
        raise WrongStatus(ANNOUNCE, determination)
    delegation = determination.delegation
    return issue_letter(
        kind,
        proposal=determination.proposal,
        at=at,
        determination=determination,
        designation=designation,
        reason=determination.letter_text,
        signer=signer.name,
        signer_title=signer.title,
        delegation=str(delegation) if delegation else "",
    )


def _next_number(at: datetime) -> str:
    """``AIX-D-2026-0001``: the year in Washington and one running number; a gap means nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('evaluation_designation_number_seq')")
        return f"AIX-D-{at.astimezone(clock.WASHINGTON).year}-{cursor.fetchone()[0]:04}"


def objections_to(determination: Determination) -> list[Referral]:
    """Referrals of the determination's version whose standing position objects."""
    rows = Referral.objects.filter(version=determination.version_id, position__stance=Stance.OBJECT)
    return list(rows.select_related("agency", "position"))

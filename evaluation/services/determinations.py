"""The determination of s.3(d): prepare, clear and sign by others, recall; announcing is in ``announcing``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.db import transaction
from django.db.models import F, Max

from evaluation.decided import sha256_to_clear
from evaluation.due import due_from_now, rule_in_words
from evaluation.enums import DeterminationStatus, ScreeningReason, Stance
from evaluation.lifecycle import RENEW
from evaluation.models import Condition, Determination, Finding, ObjectionAnswer, Referral
from evaluation.notice_kinds import OVERTAKEN
from evaluation.notices import signers_of_decision
from evaluation.officials import conflict_problems
from evaluation.services.decisions import (
    clear,
    hold_draft,
    keep_clearance,
    put_up,
    recall,
    send_back,
    sign,
    undo_clearance,
)
from evaluation.services.screening_jobs import ask_if_stale
from program import audit, clock, notices
from program.clock_account import clock_account
from program.revisions import hold
from program.transitions import NotReady, Problem, perform, require
from proposals.enums import ProposalStatus
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evaluation.models import Position
    from program.deadlines import Period
    from program.models import AuditEvent, User

ORDER = "E.O. 14320 s.3(d)"
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
        _take_over_text(recalled, determination)
    audit.record(
        determination,
        "determination.prepare",
        by=by,
        clause=ORDER,
        after={"proposal": proposal.number, "version": version.number},
    )
    ask_if_stale(version, by=by, reason=ScreeningReason.DETERMINATION)
    return determination


def _take_over_text(recalled: Determination, determination: Determination) -> None:
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
    keep_clearance(determination, by)
    ask_if_stale(determination.version, by=by, reason=ScreeningReason.DETERMINATION)
    return event


@transaction.atomic
def save_determination(
    determination: Determination, *, by: User, values: Mapping[str, Any], revision: int | None
) -> Determination:
    """Save the decision part of a draft; saving never refuses what a draft can hold."""
    hold_draft(determination, by, revision=revision)
    _save(determination, DECISION_FIELDS, values)
    keep_clearance(determination, by)
    return determination


@transaction.atomic
def save_finding(finding: Finding, *, by: User, values: Mapping[str, Any], revision: int | None) -> Finding:
    """Save what the draft finds on one requirement."""
    hold_draft(finding.determination, by)
    determination = finding.determination
    hold(finding, revision=revision)
    _save(finding, ("text", "is_met"), values)
    keep_clearance(determination, by)
    return finding


@transaction.atomic
def answer_objection(
    determination: Determination, position: Position, *, by: User, answer: str, revision: int | None = None
) -> ObjectionAnswer:
    """Save the draft's answer to the objection of one agency."""
    hold_draft(determination, by)
    if position.stance != Stance.OBJECT or position.referral.version.proposal_id != determination.proposal_id:
        raise NotReady([Problem("no-objection", "This position is no objection to the proposal.", ORDER)])
    row, is_new = ObjectionAnswer.objects.get_or_create(determination=determination, position=position)
    hold(row, revision=None if is_new else revision)
    _save(row, ("answer",), {"answer": answer})
    keep_clearance(determination, by)
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
    hold_draft(determination, by)
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
    keep_clearance(determination, by)
    return condition


@transaction.atomic
def remove_condition(condition: Condition, *, by: User) -> None:
    """Take a condition out of a draft."""
    determination = condition.determination
    hold_draft(determination, by)
    audit.record(determination, "determination.remove_condition", by=by, before=condition.text, clause=ORDER)
    condition.delete()
    keep_clearance(determination, by)


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


def _hold_proposal(determination: Determination) -> None:
    """One act at a time on a proposal: its row is locked before that of its determination."""
    Proposal.objects.select_for_update().get(pk=determination.proposal_id)


@transaction.atomic
def ask_to_clear(determination: Determination, *, by: User) -> AuditEvent:
    """Put the draft up for clearance by an officer who has not worked on it; raises NotReady too early."""
    return put_up(determination, by=by)


@transaction.atomic
def clear_determination(determination: Determination, *, by: User, packet_sha256: str = "") -> AuditEvent:
    """Clear exactly the packet that was read; who prepared the draft or signs it does not."""
    _hold_proposal(determination)
    return clear(determination, by=by, read=packet_sha256)


@transaction.atomic
def send_back_determination(determination: Determination, *, by: User, reason: str) -> AuditEvent:
    """Give a draft back to who wrote it, with a reason, instead of clearing or signing it."""
    return send_back(determination, by=by, reason=reason)


@transaction.atomic
def undo_overtaken_clearance(determination: Determination, *, by: User) -> AuditEvent | None:
    """Undo the clearance of a packet that is not the packet any more; the clock's.

    The draft stays put up for clearance: nobody need change it.
    """
    _hold_proposal(determination)
    found = Determination.objects.select_for_update().get(pk=determination.pk)
    require("evaluation.undo_clearance_determination", by, found)
    is_open = found.status == DeterminationStatus.DRAFT and found.cleared_at is not None
    if not is_open or found.cleared_sha256 == sha256_to_clear(found):
        return None
    return undo_clearance(found, by, "The record on which the packet rests has changed.")


@transaction.atomic
def sign_determination(determination: Determination, *, by: User, packet_sha256: str = "") -> AuditEvent:
    """Decide on the packet that the signer read; it is frozen with the signature."""
    _hold_proposal(determination)
    return sign(determination, by=by, read=packet_sha256, note=determination.outcome)


@transaction.atomic
def recall_determination(determination: Determination, *, by: User, reason: str) -> AuditEvent:
    """Take a signed determination back before it is announced, with the reason; another can be prepared."""
    return recall(determination, by=by, reason=reason)


@transaction.atomic
def tell_overtaken(determination: Determination, *, by: User) -> AuditEvent | None:
    """Tell signer and decision officials, once, that a signed determination was left behind; the clock's."""
    Determination.objects.select_for_update().get(pk=determination.pk)
    found = Determination.objects.overtaken().not_told().for_list().filter(pk=determination.pk).first()
    if found is None:
        return None
    require("evaluation.overtake_determination", by, found)
    event = audit.record(found, "determination.overtake", by=by, note=found.overtaken_by, clause=ORDER)
    people = {person.pk: person for person in signers_of_decision(found.proposal)}
    signer = found.signed_by
    if signer is not None and not found.proposal.recusals.filter(user=signer).exists():
        people[signer.pk] = signer
    facts = {"number": found.proposal.number, "what": found.overtaken_by}
    notices.owe(event, OVERTAKEN, list(people.values()), url=found.page, **facts)
    return event


def tell_of_withdrawal(proposal: Proposal) -> None:
    """Tell who signed, and decision officials, in the withdrawal itself that nothing can be announced."""
    for determination in Determination.objects.overtaken().not_told().filter(proposal=proposal):
        tell_overtaken(determination, by=clock_account())


def objections_to(determination: Determination) -> list[Referral]:
    """Referrals of the determination's version whose standing position objects."""
    rows = Referral.objects.filter(version=determination.version_id, position__stance=Stance.OBJECT)
    return list(rows.select_related("agency", "position"))

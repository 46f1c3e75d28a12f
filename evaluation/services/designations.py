"""What happens to a designation: suspend, reinstate, revoke, expire, conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from evaluation.documents import issue_letter
from evaluation.enums import LetterKind
from evaluation.hearers import tell_hearers
from evaluation.lifecycle import EXPIRE, REINSTATE, REVOKE, SUSPEND
from evaluation.models import Condition, Designation
from evaluation.notice_kinds import CONDITION_MET, DESIGNATION_CHANGED
from evaluation.notices import desk_page, program_officers, questions_page
from evaluation.services.amending import overtake_amendments
from program import audit, clock, moments, notices
from program.revisions import hold
from program.transitions import NotReady, Problem, perform, require
from proposals.notices import team_of

if TYPE_CHECKING:
    from program.models import AuditEvent, User
    from program.transitions import Transition

ORDER = "E.O. 14320 s.3(d)"


def suspend_designation(designation: Designation, *, by: User, reason: str) -> AuditEvent:
    """Suspend with reasons: the catalog page goes at once, tools are not referred meanwhile."""
    return _change(SUSPEND, LetterKind.SUSPENSION, designation, by=by, reason=reason)


def reinstate_designation(designation: Designation, *, by: User, reason: str) -> AuditEvent:
    """Make a suspended designation active again, with reasons."""
    return _change(REINSTATE, LetterKind.REINSTATEMENT, designation, by=by, reason=reason)


def revoke_designation(designation: Designation, *, by: User, reason: str) -> AuditEvent:
    """End a designation with reasons; it cannot be undone, a new determination would be needed."""
    return _change(REVOKE, LetterKind.REVOCATION, designation, by=by, reason=reason)


@transaction.atomic
def expire_designation(designation: Designation, *, by: User) -> AuditEvent:
    """End a designation whose last day has passed; the clock's act."""
    designation.refresh_from_db(from_queryset=Designation.objects.select_for_update())
    last = designation.expires_on
    reason = f"Its last day was {moments.day(last)}." if last else "It has no last day."
    return _change(EXPIRE, LetterKind.EXPIRY, designation, by=by, reason=reason)


@transaction.atomic
def _change(
    transition: Transition, kind: LetterKind, designation: Designation, *, by: User, reason: str
) -> AuditEvent:
    """Carry the designation on, with its letter and its notices."""
    require(transition.permission(designation), by, designation)
    if not reason.strip():
        raise NotReady(
            [Problem("reason", "Give the reasons; they are printed in the letter.", ORDER, field="reason")]
        )
    event = perform(transition, designation, by=by, note=reason)
    designation.status_reason = reason.strip()
    designation.save(update_fields=["status_reason", "updated_at"])
    proposal = designation.proposal
    issue_letter(
        kind,
        proposal=proposal,
        at=event.at,
        designation=designation,
        reason=reason.strip(),
        signer="" if by.is_service else by.name,
        signer_title="" if by.is_service else by.title,
    )
    facts = {"number": designation.number, "status": designation.get_status_display().lower()}
    notices.owe(
        event, DESIGNATION_CHANGED, team_of(proposal.consortium_id), url=questions_page(proposal), **facts
    )
    notices.owe(event, DESIGNATION_CHANGED, program_officers(proposal), url=desk_page(proposal), **facts)
    tell_hearers(event, designation)
    status = designation.get_status_display().lower()
    overtake_amendments(designation, by=by, what=f"The designation is {status} now.")
    return event


@transaction.atomic
def mark_condition_met(condition: Condition, *, by: User, note: str) -> Condition:
    """Record that a condition of a designation is met, and by which evidence."""
    if condition.designation_id is not None:
        Designation.objects.select_for_update().get(pk=condition.designation_id)
    hold(condition)
    designation = condition.designation
    require("evaluation.meet_condition", by, designation)
    problems = []
    if designation is None or designation.is_ended or not condition.is_open:
        problems.append(Problem("not-open", "This condition is not open.", ORDER))
    if not note.strip():
        problems.append(Problem("note", "Name the evidence that shows it.", ORDER, field="note"))
    if problems or designation is None:
        raise NotReady(problems)
    condition.met_at, condition.met_by, condition.met_note = clock.now(), by, note.strip()
    condition.revision += 1
    condition.save(update_fields=["met_at", "met_by", "met_note", "revision", "updated_at"])
    event = audit.record(
        designation,
        "designation.meet_condition",
        by=by,
        after={"condition": condition.number},
        note=note,
        clause=ORDER,
    )
    notices.owe(
        event,
        CONDITION_MET,
        team_of(designation.proposal.consortium_id),
        url=questions_page(designation.proposal),
        number=designation.number,
        condition=condition.number,
    )
    overtake_amendments(designation, by=by, what=f"{condition} is recorded as met.")
    return condition

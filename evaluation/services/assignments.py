"""Who reads: assign, declare a conflict, recuse and replace. A recusal closes every channel at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.urls import reverse

from evaluation.enums import ReviewStatus
from evaluation.lifecycle import END_ASSIGNMENT
from evaluation.models import Assignment, Conflict, Review
from evaluation.notice_kinds import ASSIGNED, REVIEWER_RECUSED, UNASSIGNED
from evaluation.notices import desk_page, leads_of
from evaluation.services.reviews import keep_agency_scores, open_review
from program import audit, clock, grants, notices
from program.acts import DoFirst
from program.enums import OfficeRole
from program.revisions import one_at_a_time
from program.transitions import NotReady, Problem, perform, require
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Recusal

if TYPE_CHECKING:
    from program.models import Agency, AuditEvent, User
    from proposals.models import Version

ORDER = "E.O. 14320 s.3(d)"
EVALUATE = "proposals.evaluate_proposal"
#: What is done to a discussion one at a time; a recusal is too, so that nobody is told beside it
DISCUSS = "discuss"
ASSIGNABLE = (ProposalStatus.SUBMITTED, ProposalStatus.UNDER_EVALUATION)


@transaction.atomic
def assign_reviewer(proposal: Proposal, *, reviewer: User, agency: Agency, by: User) -> Assignment:
    """Let a reviewer of the agency read and score the proposal; opens it to them by a grant."""
    proposal.refresh_from_db(from_queryset=Proposal.objects.select_for_update())
    assignment = Assignment(
        proposal=proposal, agency=agency, reviewer=reviewer, assigned_by=by, assigned_at=clock.now()
    )
    require("evaluation.add_assignment", by, assignment)
    if problems := _assignment_problems(assignment):
        raise NotReady(problems)
    assignment.save()
    event = grants.grant(EVALUATE, on=proposal, to=reviewer, by=by, clause=ORDER)
    audit.record(
        assignment,
        "assignment.assign",
        by=by,
        clause=ORDER,
        after={"proposal": proposal.number, "reviewer": reviewer.email, "agency": agency.code},
    )
    notices.owe(
        event, ASSIGNED, [reviewer], url=desk_page(proposal), number=proposal.number, agency=str(agency)
    )
    return assignment


def _assignment_problems(assignment: Assignment) -> list[Problem]:
    proposal, reviewer, agency = assignment.proposal, assignment.reviewer, assignment.agency
    problems = []
    if proposal.status not in ASSIGNABLE:
        problems.append(
            Problem("not-assignable", "Only a submitted or evaluated proposal has reviewers.", ORDER)
        )
    if not agency.is_evaluating:
        problems.append(Problem("agency", f"{agency} does not evaluate proposals.", ORDER, field="agency"))
    if not reviewer.is_active or not reviewer.holds(OfficeRole.REVIEWER, agency=agency.code):
        problems.append(
            Problem("not-reviewer", f"{reviewer} is not a reviewer of {agency}.", ORDER, field="reviewer")
        )
    if proposal.recusals.filter(user=reviewer).exists():
        problems.append(
            Problem("recused", f"{reviewer} is recused from this proposal.", ORDER, field="reviewer")
        )
    if Assignment.objects.active().filter(proposal=proposal, agency=agency, reviewer=reviewer).exists():
        problems.append(Problem("assigned", f"{reviewer} is already assigned.", ORDER, field="reviewer"))
    return problems


@transaction.atomic
def declare_conflict(assignment: Assignment, *, by: User, has_conflict: bool, text: str = "") -> Conflict:
    """Declare before the first reading whether a conflict of interest stands against it.

    Who declares one is recused with it; the lead of the agency names another reviewer.
    """
    # The proposal before the assignment, as a recusal by an officer locks them
    Proposal.objects.select_for_update().get(pk=assignment.proposal_id)
    assignment.refresh_from_db(from_queryset=Assignment.objects.select_for_update())
    require("evaluation.declare_assignment", by, assignment)
    if Conflict.objects.filter(assignment=assignment).exists():
        raise NotReady([Problem("declared", "You have declared this already.", ORDER)])
    if has_conflict and not text.strip():
        raise NotReady([Problem("text", "Say what the conflict is.", ORDER, field="text")])
    conflict = Conflict.objects.create(
        assignment=assignment, has_conflict=has_conflict, text=text.strip(), declared_at=clock.now()
    )
    audit.record(
        assignment, "assignment.declare", by=by, after={"has_conflict": has_conflict}, note=text, clause=ORDER
    )
    if has_conflict:
        recuse(assignment.proposal, person=by, by=by, reason=text)
    return conflict


@transaction.atomic
def declare_and_begin(
    assignment: Assignment, *, by: User, has_conflict: bool, text: str = ""
) -> Review | None:
    """Declare before the first reading, and begin the sheet where no conflict stands against it."""
    declare_conflict(assignment, by=by, has_conflict=has_conflict, text=text)
    return None if has_conflict else open_review(assignment, by=by)


@transaction.atomic
def end_assignment(assignment: Assignment, *, by: User, reason: str) -> AuditEvent:
    """End an assignment; the proposal is closed to the reviewer at once, what they submitted stays."""
    if not reason.strip():
        raise NotReady([Problem("reason", "Say why the assignment ends.", ORDER, field="reason")])
    event = perform(END_ASSIGNMENT, assignment, by=by, note=reason)
    assignment.ended_reason = reason.strip()
    assignment.save(update_fields=["ended_reason", "updated_at"])
    proposal, reviewer = assignment.proposal, assignment.reviewer
    if not Assignment.objects.active().filter(proposal=proposal, reviewer=reviewer).exists():
        grants.revoke(EVALUATE, on=proposal, of=reviewer, by=by, note=reason, clause=ORDER)
    notices.owe(event, UNASSIGNED, [reviewer], url="/notices/", number=proposal.number)
    return event


def declare_first(version: Version, by: User) -> None:
    """Lead an assigned reviewer who has not declared to the declaration; raises DoFirst."""
    declare_first_on(version.proposal_id, by)


def declare_first_on(proposal: int, by: User) -> None:
    """As ``declare_first``, before whatever else stands at the proposal."""
    if not by.holds(OfficeRole.REVIEWER):
        return
    owed = Assignment.objects.active().filter(proposal=proposal, reviewer=by.pk, conflict__isnull=True)
    if pk := owed.values_list("pk", flat=True).first():
        raise DoFirst(reverse("evaluation:assignment", args=[pk]))


@transaction.atomic
def recuse(
    proposal: Proposal, *, person: User, by: User, reason: str, replacement: User | None = None
) -> Recusal:
    """Keep a person away from a proposal from this moment on: pages, lists, search, files, API and mail.

    Assignments end, the grant goes, a draft sheet stays closed, submitted scores no longer count. A
    replacement comes from the same agency, and is named by who may assign.
    """
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    one_at_a_time(DISCUSS, proposal.pk)
    recusal = Recusal(
        proposal=proposal,
        user=person,
        reason=reason.strip(),
        recused_by=by,
        recused_at=clock.now(),
        replaced_by=replacement,
    )
    require("evaluation.add_recusal", by, recusal)
    if not recusal.reason:
        raise NotReady([Problem("reason", "Give the reason for the recusal.", ORDER, field="reason")])
    if proposal.recusals.filter(user=person).exists():
        message = f"{person} is already recused from this proposal."
        raise NotReady([Problem("recused", message, ORDER, field="person")])
    assignments = list(
        Assignment.objects.active().filter(proposal=proposal, reviewer=person).select_related("agency")
    )
    if replacement is not None and not assignments:
        raise NotReady(
            [
                Problem(
                    "replacement", "Nobody is replaced where nobody was assigned.", ORDER, field="replacement"
                )
            ]
        )
    for assignment in assignments:
        end_assignment(assignment, by=by, reason=f"Recused: {recusal.reason}")
    recusal.full_clean()
    recusal.save()
    notices.close_notices(proposal, person)
    event = audit.record(
        proposal,
        "proposal.recuse",
        by=by,
        note=recusal.reason,
        clause=ORDER,
        after={"person": person.email, "replaced_by": replacement.email if replacement else ""},
    )
    for review in Review.objects.filter(
        assignment__proposal=proposal, reviewer=person, status=ReviewStatus.SUBMITTED
    ):
        keep_agency_scores(review)
    for assignment in assignments:
        if replacement is not None:
            assign_reviewer(proposal, reviewer=replacement, agency=assignment.agency, by=by)
        notices.owe(
            event,
            REVIEWER_RECUSED,
            leads_of(assignment.agency, proposal),
            url=desk_page(proposal),
            number=proposal.number,
            agency=str(assignment.agency),
        )
    return recusal

"""Who reads: assign, declare a conflict, recuse and replace. A recusal closes every channel at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import BigIntegerField
from django.urls import reverse

from evaluation.discussing import DISCUSS
from evaluation.enums import ReviewStatus
from evaluation.lifecycle import END_ASSIGNMENT
from evaluation.models import Assignment, Conflict, ConflictCase, Referral, Review
from evaluation.notice_kinds import ASSIGNED, RECUSED, REVIEWER_RECUSED, UNASSIGNED
from evaluation.notices import desk_page, leads_of
from evaluation.querysets.reviews import ASSIGNABLE
from evaluation.services.ethics import (
    ask_ethics_official,
    settle_by_recusal,
    tell_of_no_signer,
    tell_of_recusal,
    tell_without_official,
)
from evaluation.services.reviews import keep_agency_scores, open_review
from evaluation.sheets import why_closed
from evaluation.suggesting import kept_away
from evaluation.workload import agencies_of, load_of, rooms_of, with_needs
from program import audit, clock, grants, notices
from program.acts import DoFirst
from program.enums import OfficeRole
from program.prepared import Given, PreparedByOffices
from program.revisions import one_at_a_time
from program.transitions import NotReady, Problem, perform, require
from proposals.models import Proposal, Recusal
from proposals.querysets import offices_that_read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from django.db.models import QuerySet

    from evaluation.workload import Reviewer
    from program.models import Agency, AuditEvent, User
    from proposals.models import Version

ORDER = "E.O. 14320 s.3(d)"
EVALUATE = "proposals.evaluate_proposal"
CLEARED = "What the ethics official has decided about, and nothing else."


@transaction.atomic
def assign_reviewer(
    proposal: Proposal,
    *,
    reviewer: User,
    agency: Agency,
    by: User,
    note: str = "",
    may_exceed: bool = True,
) -> Assignment:
    """Let a reviewer of the agency read and score the proposal; opens it to them by a grant.

    Not ``may_exceed``: who has as many open reviews as they may have gets no other one. Whoever assigns by
    hand is asked then, and may: an agency with one reviewer who knows the matter has no other choice.
    """
    proposal.refresh_from_db(from_queryset=Proposal.objects.select_for_update())
    assignment = Assignment(
        proposal=proposal, agency=agency, reviewer=reviewer, assigned_by=by, assigned_at=clock.now()
    )
    require("evaluation.add_assignment", by, assignment)
    problems = _assignment_problems(assignment)
    if not problems and not may_exceed:
        problems = _capacity_problems(assignment)
    if problems:
        raise NotReady(problems)
    assignment.save()
    event = grants.grant(EVALUATE, on=proposal, to=reviewer, by=by, clause=ORDER)
    audit.record(
        assignment,
        "assignment.assign",
        by=by,
        clause=ORDER,
        after={"proposal": proposal.number, "reviewer": reviewer.email, "agency": agency.code},
        note=note,
    )
    notices.owe(
        event, ASSIGNED, [reviewer], url=desk_page(proposal), number=proposal.number, agency=str(agency)
    )
    return assignment


@transaction.atomic
def assign_suggested(pairs: Collection[tuple[int, int]], *, by: User) -> list[Assignment]:
    """Assign a reviewer to each consultation, by pairs of their keys: all of them, or none.

    Everything is asked anew; raises NotReady with all that no longer holds. Pairs that are all assigned
    already, by a second press, change nothing.
    """
    one_at_a_time("assign-suggested")
    asked = sorted(set(pairs))
    keys = {referral for referral, _ in asked}
    rows = Referral.objects.visible_to(by).filter(pk__in=keys, agency__in=agencies_of(by))
    found = {
        row.pk: row for row in rows.select_related("agency", "version__proposal").defer("version__package")
    }
    if keys - found.keys():
        message = "A proposal of the suggestion is not open to you any more."
        raise NotReady([Problem("gone", message, ORDER)])
    held = Proposal.objects.select_for_update().order_by("pk")
    list(held.filter(pk__in={row.version.proposal_id for row in found.values()}))
    if _are_assigned(asked, found):
        return []
    people = {
        (room.agency.pk, each.person.pk): each
        for room in rooms_of({row.agency for row in found.values()})
        for each in room.reviewers
    }
    if problems := list(_suggestion_problems(asked, found, people)):
        raise NotReady(problems)
    return [
        assign_reviewer(
            found[referral].version.proposal,
            reviewer=people[found[referral].agency_id, person].person,
            agency=found[referral].agency,
            by=by,
        )
        for referral, person in asked
    ]


def _are_assigned(asked: list[tuple[int, int]], found: dict[int, Referral]) -> bool:
    """Whether all that is asked stands already."""
    rows = Assignment.objects.active().filter(
        proposal__in={row.version.proposal_id for row in found.values()},
        reviewer__in={person for _, person in asked},
    )
    standing = set(rows.order_by().values_list("proposal", "agency", "reviewer"))
    wanted = ((found[referral], person) for referral, person in asked)
    return all((row.version.proposal_id, row.agency_id, person) in standing for row, person in wanted)


def _suggestion_problems(
    asked: list[tuple[int, int]], found: dict[int, Referral], people: dict[tuple[int, int], Reviewer]
) -> Iterator[Problem]:
    """What of a suggestion no longer holds."""
    awaited = with_needs(Referral.objects.awaited().filter(pk__in=found))
    lacking = {pk: needed - there for pk, needed, there in awaited.values_list("pk", "needed", "assigned")}
    for key, number in Counter(referral for referral, _ in asked).items():
        name = f"{found[key].version.proposal.number}, {found[key].agency}"
        if key not in lacking:
            yield Problem("over", f"{name}: the consultation is not open any more.", ORDER)
        elif number > lacking[key]:
            message = f"{name}: the agency needs {max(0, lacking[key])} more, and {number} are suggested."
            yield Problem("enough", message, ORDER)
    closed = kept_away(found.values(), {each.person for each in people.values()})
    chosen: dict[tuple[int, int], Reviewer] = {}
    for key, person in asked:
        referral = found[key]
        proposal, place = referral.version.proposal, (referral.agency_id, person)
        if place not in people:
            message = f"{proposal.number}: somebody is not a reviewer of {referral.agency} any more."
            yield Problem("not-reviewer", message, ORDER)
            continue
        chosen[place] = people[place]
        if why := closed.get((proposal.pk, person)):
            yield Problem("closed", f"{proposal.number}: {people[place].person} {why[0]}.", ORDER)
    added = Counter(person for _, person in asked)
    for (_, person), each in chosen.items():
        if added[person] > each.room:
            now = f"{each.person} has {each.open} open reviews and may have {each.capacity}"
            yield Problem("full", f"{now}: not {added[person]} more.", ORDER)


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


def _capacity_problems(assignment: Assignment) -> list[Problem]:
    found = load_of(assignment.reviewer, assignment.agency)
    if found.room:
        return []
    reviews = "1 open review" if found.open == 1 else f"{found.open} open reviews"
    message = (
        f"{found.person} has {reviews} and may have {found.capacity} at a time. Choose somebody else, or "
        "confirm that they get one more."
    )
    return [Problem("full", message, ORDER, field="anyway")]


@transaction.atomic
def declare_conflict(
    assignment: Assignment,
    *,
    by: User,
    has_conflict: bool,
    text: str = "",
    about: str = "",
    is_cleared: bool = False,
) -> Conflict:
    """Declare before the first reading whether a conflict of interest stands against it.

    Who recuses themself is recused with it; the lead of the agency names another reviewer. Where ``about``
    says what it is, the ethics official of the agency decides, and the record does not repeat the text.
    ``is_cleared`` says that the ethics official has decided about it already, and let them review.
    """
    # The proposal before the assignment, as a recusal by an officer locks them
    Proposal.objects.select_for_update().get(pk=assignment.proposal_id)
    assignment.refresh_from_db(from_queryset=Assignment.objects.select_for_update())
    require("evaluation.declare_assignment", by, assignment)
    if Conflict.objects.filter(assignment=assignment).exists():
        raise NotReady([Problem("declared", "You have declared this already.", ORDER)])
    if is_cleared and not assignment.is_cleared:
        message = "No ethics official has decided that you may review it."
        raise NotReady([Problem("not-cleared", message, ORDER, field="has_conflict")])
    text = text.strip() or (CLEARED if is_cleared else "")
    if has_conflict and not text:
        raise NotReady([Problem("text", "Say what the conflict is.", ORDER, field="text")])
    conflict = Conflict.objects.create(
        assignment=assignment, has_conflict=has_conflict, text=text, declared_at=clock.now()
    )
    note = "" if about or is_cleared else text
    audit.record(
        assignment, "assignment.declare", by=by, after={"has_conflict": has_conflict}, note=note, clause=ORDER
    )
    if is_cleared:
        return conflict
    if has_conflict and about:
        ask_ethics_official(
            assignment.proposal, person=by, agency=assignment.agency, by=by, text=text, about=about,
            assignment=assignment,
        )  # fmt: skip
    elif has_conflict:
        recuse(assignment.proposal, person=by, by=by, reason=text)
    return conflict


@transaction.atomic
def declare_and_begin(
    assignment: Assignment, *, by: User, has_conflict: bool, is_cleared: bool = False, **details: str
) -> Review | None:
    """Declare before the first reading, and begin the sheet where nothing stands against it."""
    declare_conflict(assignment, by=by, has_conflict=has_conflict, is_cleared=is_cleared, **details)
    if (has_conflict and not is_cleared) or why_closed(assignment.proposal, assignment.agency):
        return None
    return open_review(assignment, by=by)


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
    if owed := undeclared.of(offices_that_read(by)).ask(person=by.pk, proposal=proposal):
        raise DoFirst(reverse("evaluation:assignment", args=owed))


@PreparedByOffices
def undeclared(reviewer: Any) -> QuerySet[Assignment, tuple[int]]:
    """The assignment to ``Given("proposal")`` for which the reviewer has declared nothing yet."""
    proposal = Given("proposal", BigIntegerField())
    owed = Assignment.objects.held_by(reviewer).filter(proposal=proposal, conflict__isnull=True)
    return owed.order_by("pk").values_list("pk")[:1]


@transaction.atomic
def recuse(
    proposal: Proposal, *, person: User, by: User, reason: str, replacement: User | None = None
) -> Recusal:
    """Keep a person away from a proposal from this moment on: pages, lists, search, files, API and mail.

    Why stands with the recusal, for the person, who recused them and the ethics official, and in no history.
    Assignments end, the grant goes, a draft sheet stays closed, submitted scores no longer count. A
    replacement comes from the same agency, and is named by who may assign. What waits for the ethics
    official is settled with it.
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
    case = ConflictCase.objects.open().filter(proposal=proposal, person=person).first()
    if case is not None:
        return recuse_conflict(case, by=by, reason=reason, replacement=replacement)
    if proposal.recusals.filter(user=person).exists():
        message = f"{person} is already recused from this proposal."
        raise NotReady([Problem("recused", message, ORDER, field="person")])
    return _close(recusal, by, replacement)


@transaction.atomic
def recuse_conflict(
    case: ConflictCase, *, by: User, reason: str, basis: str = "", replacement: User | None = None
) -> Recusal:
    """Recuse the person of an open case: as the ethics official decides, or as they say themselves.

    Why, and under which clause, is kept with the case; beside the recusal stands only who decided.
    """
    Proposal.objects.select_for_update().get(pk=case.proposal_id)
    require("evaluation.recuse_conflictcase", by, case)
    if basis:  # a clause is named by who decides
        require("evaluation.clear_conflictcase", by, case)
    if not basis and by.holds(OfficeRole.ETHICS_OFFICIAL, agency=case.agency.code) and by != case.person:
        message = "Choose a clause under which the person is recused."
        raise NotReady([Problem("basis", message, "5 CFR 2635.502", field="basis")])
    event = settle_by_recusal(case, by=by, basis=basis, reason=reason)
    assigned = Assignment.objects.active().filter(proposal=case.proposal_id, reviewer=case.person_id)
    had_assignment = assigned.exists()
    recusal = case.recusal
    recusal.recused_by, recusal.replaced_by = by, replacement
    recusal.reason = f"Decided by the ethics official of {case.agency}." if basis else reason.strip()
    closed = _close(recusal, by, replacement, agency=case.agency)
    tell_of_recusal(case, event, had_assignment=had_assignment)
    return closed


def _close(recusal: Recusal, by: User, replacement: User | None, *, agency: Agency | None = None) -> Recusal:
    """Write the recusal down with all that follows from it; the proposal is locked.

    The replacement reviews for ``agency``, or for each for which the person did.
    """
    proposal, person = recusal.proposal, recusal.user
    assignments = list(
        Assignment.objects.active().filter(proposal=proposal, reviewer=person).select_related("agency")
    )
    replaced = [row for row in assignments if agency is None or row.agency == agency]
    if replacement == person:
        message = f"Name somebody else in the place of {person}, who is the one recused."
        raise NotReady([Problem("replaced-by-oneself", message, ORDER, field="replacement")])
    if replacement is not None and not replaced:
        raise NotReady(
            [
                Problem(
                    "replacement", "Nobody is replaced where nobody was assigned.", ORDER, field="replacement"
                )
            ]
        )
    for assignment in assignments:
        end_assignment(assignment, by=by, reason="Recused.")
    recusal.full_clean()
    recusal.save()
    notices.close_notices(proposal, person)
    event = audit.record(
        proposal,
        "proposal.recuse",
        by=by,
        clause=ORDER,
        after={"person": person.email, "replaced_by": replacement.email if replacement else ""},
    )
    if agency is None and by != person:  # else the case tells them
        notices.owe(
            event, RECUSED, [person], url=f"{reverse('evaluation:interests')}#closed", number=proposal.number
        )
    tell_of_no_signer(proposal, person, event)
    if decided_for := person.agencies_as(OfficeRole.ETHICS_OFFICIAL):
        tell_without_official(proposal, event, agencies=decided_for)
    for review in Review.objects.filter(
        assignment__proposal=proposal, reviewer=person, status=ReviewStatus.SUBMITTED
    ):
        keep_agency_scores(review)
    for assignment in assignments:
        if replacement is not None and assignment in replaced:
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

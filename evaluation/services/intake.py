"""Intake: is the submission complete, then back to the consortium or on to the five agencies."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction

from evaluation.enums import CompletenessFinding
from evaluation.lifecycle import ACCEPT, RETURN
from evaluation.models import CompletenessReview, Return
from evaluation.notices import in_words, questions_page
from evaluation.officials import answer_first
from evaluation.services.consultation import refer_version
from evaluation.services.standing_rules import assign_by_rule
from program import audit, notices
from program.closures import counted_closures
from program.transitions import NotReady, Problem, perform, require
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from proposals.notice_kinds import ACCEPTED, RETURNED
from proposals.notices import address, team_of
from proposals.readiness import rule_in_words

if TYPE_CHECKING:
    from program.models import AuditEvent, Requirement, User
    from proposals.models import Version


#: What the consortium is told of the consultation; never which agency keeps the position it gave before
CONSULTED_FIRST: Final = "The five agencies are now consulted."
CONSULTED_AGAIN: Final = "The agencies' consultation goes on with this version."


@transaction.atomic
def review_completeness(
    version: Version,
    requirement: Requirement,
    *,
    by: User,
    finding: str,
    reason: str = "",
    revision: int | None = None,
) -> CompletenessReview:
    """Find one requirement of a submitted version accepted or deficient; a later finding replaces it.

    ``revision`` is that of the finding which the page showed, 0 for none: it is refused where another one
    was saved since. The same finding again changes nothing.
    """
    proposal = Proposal.objects.select_for_update().get(pk=version.proposal_id)
    require("evaluation.add_completenessreview", by, proposal)
    problems = []
    if proposal.status != ProposalStatus.SUBMITTED or version.number != proposal.version_count:
        problems.append(
            Problem("not-at-intake", "This version is not at intake any more.", requirement.clause)
        )
    if requirement.call_id != proposal.call_id:
        problems.append(
            Problem("other-call", "This requirement belongs to another call.", requirement.clause)
        )
    if finding not in CompletenessFinding:
        message = f"Choose accepted or deficient for “{requirement.title}”."
        field = f"requirement-{requirement.pk}-accepted"
        problems.append(Problem("finding", message, requirement.clause, "completeness", field))
    if finding == CompletenessFinding.DEFICIENT and not reason.strip():
        problems.append(
            Problem(
                "reason",
                f"Say what is deficient in “{requirement.title}” and how to cure it.",
                requirement.clause,
                "completeness",
                f"requirement-{requirement.pk}-reason",
            )
        )
    try:
        CompletenessReview._meta.get_field("reason").run_validators(reason)
    except ValidationError as error:
        field = f"requirement-{requirement.pk}-reason"
        problems.append(Problem("reason", error.messages[0], requirement.clause, "completeness", field))
    earlier = CompletenessReview.objects.filter(version=version, requirement=requirement).first()
    if earlier and (earlier.finding, earlier.reason) == (finding, reason.strip()) and not problems:
        return earlier
    if revision is not None and revision != (earlier.revision if earlier else 0):
        problems.append(
            Problem(
                "found-meanwhile", _meanwhile(version, requirement, earlier), requirement.clause,
                "completeness", f"requirement-{requirement.pk}-accepted",
            )
        )  # fmt: skip
    if problems:
        raise NotReady(problems)
    review, _ = CompletenessReview.objects.update_or_create(
        version=version,
        requirement=requirement,
        defaults={
            "finding": finding,
            "reason": reason.strip(),
            "clause": requirement.clause,
            "reviewed_by": by,
            "revision": earlier.revision + 1 if earlier else 1,
        },
    )
    audit.record(
        proposal,
        "proposal.review_completeness",
        by=by,
        clause=requirement.clause,
        note=reason,
        after={"version": version.number, "requirement": requirement.code, "finding": str(finding)},
    )
    return review


def _meanwhile(version: Version, requirement: Requirement, found: CompletenessReview | None) -> str:
    """What came between the page and its saving: a finding of somebody else, or a version without any."""
    if found is None:
        return (
            f"You opened the page on an earlier version: on version {version.number} nothing is found on "
            f"“{requirement.title}” yet. Yours was not saved. It is shown below: read what changed, and save "
            "it again if it is to stand."
        )
    reason = f", “{found.reason}”" if found.reason else ""
    return (
        f"Somebody else found on “{requirement.title}” after you opened the page: "
        f"{found.get_finding_display().lower()}{reason}. Yours was not saved. It is shown below: save it "
        "again if it is to stand instead."
    )


@transaction.atomic
def accept_proposal(proposal: Proposal, *, by: User, note: str = "") -> AuditEvent:
    """Take a submitted proposal into evaluation and refer exactly its last version to the five agencies.

    Reviewers whom a standing rule of their agency names are assigned with it.

    A confirmed match on a blocking list and a requirement found deficient stand against it.
    """
    event = perform(ACCEPT, proposal, by=by, note=note, changes=partial(answer_first, proposal, by))
    version = proposal.versions.get(number=proposal.version_count)
    refer_version(version, by=by, event=event)
    assign_by_rule(version, by=by)
    is_first = proposal.accepted_at == event.at
    notices.owe(
        event,
        ACCEPTED,
        team_of(proposal.consortium_id),
        url=address(proposal),
        number=proposal.number,
        version=version.number,
        consultation=CONSULTED_FIRST if is_first else CONSULTED_AGAIN,
    )
    return event


@transaction.atomic
def return_proposal(proposal: Proposal, *, by: User, note: str = "") -> AuditEvent:
    """Give a submitted proposal back with its deficient items, to be cured in the call's period.

    The consortium may submit again until the later of the call's close and the end of the cure period.
    """
    event = perform(RETURN, proposal, by=by, note=note, changes=partial(answer_first, proposal, by))
    call = proposal.call
    period = call.cure_period
    due_at, due_rule = period.due_after(event.at, counted_closures()).bound, period.rule_text
    if proposal.closes_at and proposal.closes_at > due_at:
        due_at = proposal.closes_at
        due_rule = (
            f"The time to submit ends later than its cure period of {period.words}. "
            f"{rule_in_words(proposal, call)}"
        )
    version = proposal.versions.get(number=proposal.version_count)
    deficient = version.completeness_reviews.filter(finding=CompletenessFinding.DEFICIENT)
    Return.objects.create(
        proposal=proposal,
        version=version,
        items=[
            {
                "code": review.requirement.code,
                "title": review.requirement.title,
                "clause": review.clause,
                "reason": review.reason,
            }
            for review in deficient.select_related("requirement")
        ],
        note=note,
        due_at=due_at,
        due_rule=due_rule,
        returned_by=by,
        returned_at=event.at,
    )
    proposal.cure_due_at = due_at
    proposal.save(update_fields=["cure_due_at", "updated_at"])
    notices.owe(
        event,
        RETURNED,
        team_of(proposal.consortium_id),
        url=questions_page(proposal),
        number=proposal.number,
        due=in_words(due_at),
        rule=due_rule,
    )
    return event

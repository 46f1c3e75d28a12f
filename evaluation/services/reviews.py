"""Reading and scoring: open a sheet, save its lines as they are typed, submit, give back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.db import connection, transaction
from django.urls import reverse

from evaluation.enums import ReviewStatus
from evaluation.lifecycle import REOPEN_REVIEW, SUBMIT_REVIEW
from evaluation.models import Assignment, Review, Score
from evaluation.notice_kinds import REVIEW_REOPENED, REVIEW_SUBMITTED
from evaluation.notices import desk_page
from evaluation.sheets import why_closed
from program import clock, notices
from program.revisions import hold
from program.transitions import Held, NotReady, Problem, WrongStatus, perform, require

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from program.models import AuditEvent, Office, User

R = TypeVar("R", Review, Score)
ORDER = "E.O. 14320 s.3(d)"
HELD: Final = Held(lambda: Review.objects.held())
SHEET_FIELDS = ("recommendation", "rationale", "private_notes")
SCORE_FIELDS = ("value", "not_applicable", "strengths", "weaknesses")


@transaction.atomic
def open_review(assignment: Assignment, *, by: User) -> Review:
    """The reviewer's sheet for the latest version, made when the reviewer begins it.

    After a new version the sheet starts with what the reviewer wrote on the version before. Raises NotReady
    until the reviewer has declared whether a conflict of interest stands against it, and while ``why_closed``
    says that none is begun on that version. One that was begun opens always.
    """
    assignment = (
        Assignment.objects.select_for_update(of=("self",)).select_related("proposal").get(pk=assignment.pk)
    )
    require("evaluation.declare_assignment", by, assignment)
    conflict = getattr(assignment, "conflict", None)
    if conflict is None or (conflict.has_conflict and not assignment.is_cleared):
        raise NotReady(
            [
                Problem(
                    "conflict-not-declared", "Declare first whether you have a conflict of interest.", ORDER
                )
            ]
        )
    version = assignment.proposal.versions.get(number=assignment.proposal.version_count)
    begun = Review.objects.filter(assignment=assignment, version=version).first()
    if begun is None and (closed := why_closed(assignment.proposal, assignment.agency)):
        raise NotReady([closed])
    review, is_new = Review.objects.get_or_create(
        assignment=assignment, version=version, defaults={"reviewer": by, "agency": assignment.agency}
    )
    if is_new:
        _begin(review)
    return review


def _begin(review: Review) -> None:
    """A line for each criterion that its agency is asked, with the text on the version before."""
    before = review.assignment.reviews.exclude(pk=review.pk).order_by("-version__number").first()
    lines = {line.criterion_id: line for line in before.scores.all()} if before else {}
    Score.objects.bulk_create(
        Score(
            review=review,
            criterion=criterion,
            **{name: getattr(lines[criterion.pk], name) for name in SCORE_FIELDS if criterion.pk in lines},
        )
        for criterion in review.version.proposal.call.criteria.prefetch_related("agencies")
        if criterion.is_asked_of(review.agency)
    )
    if before:
        for name in SHEET_FIELDS:
            setattr(review, name, getattr(before, name))
        review.save(update_fields=[*SHEET_FIELDS, "updated_at"])


@transaction.atomic
def save_review(review: Review, *, by: User, values: Mapping[str, Any], revision: int | None) -> Review:
    """Save the overall part of a draft sheet; saving never refuses what a draft can hold.

    Nor when no sheet is asked for any more: a draft is its writer's own and counts for nothing.
    """
    _hold_draft(review, by, revision=revision)
    return _save(review, SHEET_FIELDS, values)


@transaction.atomic
def save_score(score: Score, *, by: User, values: Mapping[str, Any], revision: int | None) -> Score:
    """Save one line of a draft sheet; its place on the scale is checked when the sheet is submitted."""
    _hold_draft(score.review, by)
    hold(score, revision=revision)
    if values.get("not_applicable"):
        values = {**values, "value": None}
    return _save(score, SCORE_FIELDS, values)


def _hold_draft(review: Review, by: User, *, revision: int | None = None) -> None:
    """Lock the sheet before any line of it, as handing it in does; its status is read under the lock."""
    hold(review, revision=revision, with_related=("assignment",))
    require("evaluation.change_review", by, review)
    if review.status != ReviewStatus.DRAFT:
        raise WrongStatus(SUBMIT_REVIEW, review, tried="Save the sheet")


def _save(row: R, allowed: tuple[str, ...], values: Mapping[str, Any]) -> R:
    names: list[str] = [name for name in allowed if name in values]
    for name in names:
        setattr(row, name, values[name])
    row.clean_fields(exclude=[field.name for field in row._meta.fields if field.name not in names])
    row.revision += 1
    row.save(update_fields=[*names, "revision", "updated_at"])
    return row


@transaction.atomic
def submit_review(review: Review, *, by: User) -> AuditEvent:
    """Hand the sheet in: it counts for the agency, and its reviewer may now read the agency's others.

    Raises NotReady while ``why_closed`` says that none is asked for: under the lock of the proposal, which a
    signature takes as well, so that no sheet comes in beside it.
    """
    event = perform(SUBMIT_REVIEW, review, by=by, held=HELD)
    keep_agency_scores(review)
    proposal = review.version.proposal
    notices.owe(
        event,
        REVIEW_SUBMITTED,
        leads_read_with(review, on=event.at.astimezone(clock.WASHINGTON).date()),
        url=desk_page(proposal),
        number=proposal.number,
        agency=str(review.agency),
    )
    return event


def leads_read_with(review: Review, *, on: date) -> list[User]:
    """Who leads the sheet's agency on the day ``on`` and is not recused, as they were read with the sheet."""
    recused = {recusal.user_id for recusal in review.version.proposal.recusals.all()}
    offices: list[Office] = review.agency.lead_offices  # type: ignore[attr-defined]
    return [office.user for office in offices if office.is_in_force(on) and office.user_id not in recused]


@transaction.atomic
def reopen_review(review: Review, *, by: User, note: str) -> AuditEvent:
    """Give a sheet back for changes, with the reason; until it is in again it counts for nothing.

    Raises NotReady where it could not come in again.
    """
    require("evaluation.reopen_review", by, review)
    if not note.strip():
        raise NotReady([Problem("note", "Say why the review is opened again.", ORDER, field="note")])
    event = perform(REOPEN_REVIEW, review, by=by, note=note, held=HELD)
    keep_agency_scores(review)
    proposal = review.version.proposal
    notices.owe(
        event,
        REVIEW_REOPENED,
        [review.reviewer],
        url=reverse("evaluation:review", args=[review.pk]),
        number=proposal.number,
        agency=str(review.agency),
        reason=note.strip(),
    )
    return event


def keep_agency_scores(review: Review) -> None:
    """Count anew what the agency's submitted sheets say of each criterion of this version.

    One statement reads and writes; its proposal is locked, so that no other sheet comes in meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(KEEP_SCORES, {"version": review.version_id, "agency": review.agency_id})


#: A sheet of a reviewer who was recused after it came in counts no more; until the ethics official has
#: decided it counts.
KEEP_SCORES: Final = """
INSERT INTO evaluation_agencyscore AS kept
    (version_id, agency_id, criterion_id, sheet_count, mean, median, lowest, highest)
SELECT version.id, %(agency)s, criterion.id, COUNT(counted.value), AVG(counted.value),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY counted.value), MIN(counted.value), MAX(counted.value)
FROM proposals_version AS version
JOIN proposals_proposal AS proposal ON proposal.id = version.proposal_id
JOIN program_criterion AS criterion ON criterion.call_id = proposal.call_id
LEFT JOIN (
    SELECT score.criterion_id, score.value
    FROM evaluation_score AS score
    JOIN evaluation_review AS review ON review.id = score.review_id
    JOIN evaluation_assignment AS assignment ON assignment.id = review.assignment_id
    WHERE review.version_id = %(version)s AND review.agency_id = %(agency)s AND review.status = 'submitted'
        AND NOT (assignment.status = 'ended' AND EXISTS (
            SELECT 1 FROM proposals_recusal AS recusal
            WHERE recusal.proposal_id = assignment.proposal_id AND recusal.user_id = review.reviewer_id
                AND recusal.lifted_at IS NULL AND NOT EXISTS (
                    SELECT FROM evaluation_conflictcase AS held
                    WHERE held.recusal_id = recusal.id AND held.status = 'open'
                )
        ))
) AS counted ON counted.criterion_id = criterion.id
WHERE version.id = %(version)s AND (
    NOT EXISTS (SELECT FROM program_criterion_agencies AS asked WHERE asked.criterion_id = criterion.id)
    OR EXISTS (
        SELECT FROM program_criterion_agencies AS asked
        WHERE asked.criterion_id = criterion.id AND asked.agency_id = %(agency)s
    )
)
GROUP BY version.id, criterion.id
ON CONFLICT (version_id, agency_id, criterion_id) DO UPDATE SET
    sheet_count = excluded.sheet_count, mean = excluded.mean, median = excluded.median,
    lowest = excluded.lowest, highest = excluded.highest
"""

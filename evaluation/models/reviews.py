"""Who reads a proposal for an agency, what stands against it, and what they found."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q

from evaluation.enums import LONGEST_TEXT, AssignmentStatus, Recommendation, ReviewStatus
from evaluation.querysets.reviews import AgencyScoreQuerySet, AssignmentQuerySet, ReviewQuerySet
from program.models import Agency, Criterion, Revised, TimeStamped, User
from program.models.words import NOT_KEPT
from proposals.models import Proposal, Version
from proposals.models.fields import PlainTextField


class Assignment(TimeStamped):
    """That a reviewer reads a proposal for their agency; it carries the grant that opens the proposal."""

    proposal_path: ClassVar[str] = "proposal"

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="assignments")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="assignments")
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="assignments")
    status = models.CharField(
        max_length=10, choices=AssignmentStatus, default=AssignmentStatus.ACTIVE, editable=False
    )
    assigned_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    assigned_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_reason = PlainTextField(blank=True, editable=False, longest=LONGEST_TEXT)
    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        permissions = [(f"{verb}_assignment", verb) for verb in ("end", "declare")]
        constraints = [
            models.UniqueConstraint(
                name="assigned_once_while_active",
                violation_error_message="This person reviews the proposal already.",
                fields=["proposal", "agency", "reviewer"],
                condition=Q(status="active"),
            ),
            models.CheckConstraint(
                name="ended_assignment_stamped",
                violation_error_message=NOT_KEPT,
                condition=Q(status="active", ended_at=None) | Q(status="ended", ended_at__isnull=False),
            ),
        ]
        indexes = [models.Index(name="assignment_of_reviewer", fields=["reviewer", "status", "id"])]

    @property
    def is_recusal(self) -> bool:
        """Whether a recusal ended it; code of before wrote the reason of the recusal beside it."""
        return self.ended_reason.startswith("Recused")

    def __str__(self) -> str:
        return f"{self.reviewer} for {self.agency}"

    @property
    def is_cleared(self) -> bool:
        """Whether an ethics official has let the reviewer read in spite of what they declared."""
        return self.proposal.conflict_cases.cleared(self.proposal_id, self.reviewer_id).exists()


class Conflict(models.Model):
    """A reviewer's declaration before the first reading: no conflict, or which."""

    append_only: ClassVar[bool] = True

    assignment = models.OneToOneField(Assignment, models.PROTECT, related_name="conflict")
    has_conflict = models.BooleanField()
    text = PlainTextField(blank=True, longest=LONGEST_TEXT)
    declared_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="conflict_is_described",
                violation_error_message="Describe the conflict.",
                condition=Q(has_conflict=False) | ~Q(text=""),
            )
        ]

    def __str__(self) -> str:
        return "Conflict declared" if self.has_conflict else "No conflict"


class Review(Revised):
    """A reviewer's score sheet for exactly one version; it advises, and never decides."""

    proposal_path: ClassVar[str] = "version__proposal"

    assignment = models.ForeignKey(Assignment, models.PROTECT, related_name="reviews")
    version = models.ForeignKey(Version, models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="reviews")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="reviews")
    status = models.CharField(max_length=10, choices=ReviewStatus, default=ReviewStatus.DRAFT, editable=False)
    recommendation = models.CharField(max_length=30, choices=Recommendation, blank=True)
    rationale = PlainTextField(blank=True, longest=LONGEST_TEXT)
    private_notes = PlainTextField(blank=True, help_text="Only you can read these.", longest=LONGEST_TEXT)
    submitted_at = models.DateTimeField(null=True, editable=False)
    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        permissions = [(f"{verb}_review", verb) for verb in ("submit", "reopen")]
        constraints = [
            models.UniqueConstraint(name="one_sheet_per_version", fields=["assignment", "version"]),
            models.CheckConstraint(
                name="submitted_review_stamped",
                violation_error_message=NOT_KEPT,
                condition=Q(status="draft") | Q(submitted_at__isnull=False),
            ),
        ]
        indexes = [models.Index(name="review_of_version", fields=["version", "agency", "status"])]

    def __str__(self) -> str:
        return f"Review by {self.reviewer}"

    @property
    def proposal(self) -> Proposal:
        return self.version.proposal


class Score(Revised):
    """One line of a sheet; "not applicable" is null, never zero."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="scores")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+")
    value = models.SmallIntegerField(null=True, blank=True)
    not_applicable = models.BooleanField(default=False)
    strengths = PlainTextField(blank=True, longest=LONGEST_TEXT)
    weaknesses = PlainTextField(blank=True, longest=LONGEST_TEXT)

    class Meta:
        ordering = ["criterion__sort_order", "pk"]
        constraints = [
            models.UniqueConstraint(name="criterion_scored_once", fields=["review", "criterion"]),
            models.CheckConstraint(
                name="not_applicable_has_no_value",
                violation_error_message="Give a score, or say that the criterion does not apply; not both.",
                condition=Q(not_applicable=False) | Q(value=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {'n/a' if self.not_applicable else self.value}"


#: The share of a criterion's scale from which two sheets disagree: two steps of a scale from 1 to 5
DISAGREEMENT: Final = 0.5


class AgencyScore(models.Model):
    """Submitted scores of one agency for one criterion of one version; kept whenever a sheet comes in.

    Never blended across agencies or criteria into one rank.
    """

    version = models.ForeignKey(Version, models.PROTECT, related_name="agency_scores")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+")
    sheet_count = models.PositiveSmallIntegerField(default=0, help_text="Sheets with a value.")
    mean = models.DecimalField(max_digits=7, decimal_places=2, null=True)
    median = models.DecimalField(max_digits=7, decimal_places=2, null=True)
    lowest = models.SmallIntegerField(null=True)
    highest = models.SmallIntegerField(null=True)
    objects = AgencyScoreQuerySet.as_manager()

    class Meta:
        ordering = ["agency", "criterion__sort_order"]
        constraints = [
            models.UniqueConstraint(name="agency_score_once", fields=["version", "agency", "criterion"]),
            models.CheckConstraint(
                name="agency_score_in_order",
                violation_error_message=NOT_KEPT,
                condition=Q(sheet_count=0) | Q(lowest__lte=F("highest")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agency}, {self.criterion}: {self.mean}"

    @property
    def spread(self) -> int | None:
        """How far the highest sheet is from the lowest."""
        return None if self.lowest is None or self.highest is None else self.highest - self.lowest

    @property
    def is_disagreed(self) -> bool:
        """Whether the sheets lie far apart on the scale of the criterion."""
        scale = self.criterion.highest - self.criterion.lowest
        return self.spread is not None and self.spread >= max(1, scale * DISAGREEMENT)

"""What is put before an agency's ethics official, and what they decided."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from evaluation.enums import LONGEST_TEXT, ConflictAbout, ConflictBasis, ConflictCaseStatus
from evaluation.models.reviews import Assignment
from evaluation.querysets.interests import ConflictCaseQuerySet, OfficialDeclarationQuerySet
from program.models import Agency, TimeStamped, User
from program.models.words import NOT_KEPT
from proposals.models import Proposal, Recusal, Version
from proposals.models.fields import PlainTextField


class ConflictCase(TimeStamped):
    """Whether a person may review a proposal, as their agency's ethics official decides.

    While it is open its recusal keeps the person away; it stays where they are recused and is lifted where
    they may review.
    """

    proposal_path: ClassVar[str] = "proposal"

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="conflict_cases", editable=False)
    person = models.ForeignKey(User, models.PROTECT, related_name="conflict_cases", editable=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="conflict_cases", editable=False)
    assignment = models.ForeignKey(
        Assignment, models.PROTECT, null=True, related_name="conflict_cases", editable=False
    )
    recusal = models.OneToOneField(Recusal, models.PROTECT, related_name="conflict_case", editable=False)
    about = models.CharField("what it is about", max_length=20, choices=ConflictAbout)
    text = PlainTextField(longest=LONGEST_TEXT)
    raised_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    raised_at = models.DateTimeField(editable=False)
    due_at = models.DateTimeField(editable=False)
    status = models.CharField(
        max_length=10, choices=ConflictCaseStatus, default=ConflictCaseStatus.OPEN, editable=False
    )
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    basis = models.CharField("clause", max_length=30, choices=ConflictBasis, blank=True)
    reason = PlainTextField(blank=True, longest=LONGEST_TEXT)
    objects = ConflictCaseQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = "conflict of interest case"
        permissions = [(f"{verb}_conflictcase", verb) for verb in ("recuse", "clear")]
        constraints = [
            models.UniqueConstraint(
                name="conflict_open_once",
                violation_error_message="The ethics official is asked about this person already.",
                fields=["proposal", "person"],
                condition=Q(status="open"),
            ),
            models.CheckConstraint(
                name="conflict_decision_stamped",
                violation_error_message=NOT_KEPT,
                condition=Q(status="open", decided_at=None, decided_by=None)
                | (~Q(status="open") & Q(decided_at__isnull=False, decided_by__isnull=False) & ~Q(reason="")),
            ),
            models.CheckConstraint(
                name="conflict_cleared_by_another_with_a_clause",
                violation_error_message="Nobody clears themselves, and a clearance names its clause.",
                condition=~Q(status="cleared") | (~Q(decided_by=F("person")) & ~Q(basis="")),
            ),
        ]
        indexes = [models.Index(name="conflict_case_of_agency", fields=["agency", "status", "id"])]

    def __str__(self) -> str:
        return f"Conflict of interest case {self.pk}"


class OfficialDeclaration(models.Model):
    """That who acts on a proposal by office declares no conflict against it, and why what is hinted is none.

    Read by the person and by who is ethics official of their agency, as what they declare of themselves.
    """

    append_only: ClassVar[bool] = True
    proposal_path: ClassVar[str] = "version__proposal"

    version = models.ForeignKey(Version, models.PROTECT, related_name="official_declarations", editable=False)
    person = models.ForeignKey(User, models.PROTECT, related_name="official_declarations", editable=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", editable=False)
    text = PlainTextField(blank=True, longest=LONGEST_TEXT)
    declared_at = models.DateTimeField(editable=False)
    objects = OfficialDeclarationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(name="official_declared", fields=["person", "version"])]

    def __str__(self) -> str:
        return f"Declaration {self.pk} of an official"

    @property
    def proposal(self) -> Proposal:
        return self.version.proposal

"""Compliance checks of a version: what the rules of a day said, and what people made of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from evaluation.enums import LONGEST_TEXT, ComplianceKind, ComplianceResult, Weighed
from evaluation.models.screening import ScreeningRun
from evaluation.querysets.compliance import ComplianceCheckQuerySet
from program.enums import Confidence
from program.models import User
from program.models.fields import DayColumn
from program.models.words import NOT_KEPT
from proposals.models import Proposal, Version
from proposals.models.fields import PlainTextField

UNFLAGGED = (ComplianceResult.NEITHER, ComplianceResult.CLEAR)


class ComplianceCheck(models.Model):
    """What one run found of one subject under one rule; of a subject and a rule the last row of a run counts.

    ``fingerprint`` stands for subject, rule, result and the facts that it rests on: a decision holds for it
    alone. A blocked place or party bars an acceptance and a designation; everything else warns.
    """

    append_only: ClassVar[bool] = True
    proposal_path: ClassVar[str] = "run__version__proposal"

    run = models.ForeignKey(ScreeningRun, models.PROTECT, related_name="compliance_checks")
    kind = models.CharField(max_length=20, choices=ComplianceKind)
    subject_key = models.CharField(max_length=80)
    subject_name = models.CharField(max_length=300)
    result = models.CharField(max_length=20, choices=ComplianceResult)
    explanation = models.TextField()
    rule_code = models.CharField(max_length=40)
    rule = models.CharField(max_length=200)
    citation = models.TextField()
    effective_from = DayColumn("day from which the rule stands so", null=True)
    effective_to = DayColumn("day from which it does not any more", null=True)
    confidence = models.CharField(max_length=2, choices=Confidence)
    facts = models.JSONField(default=list, help_text="What of the package the result rests on, in words.")
    sources = models.JSONField(
        default=list, db_default=[], help_text="Other proposals that the result rests on, by key."
    )
    advice = models.TextField(blank=True)
    ruleset_version = models.CharField(max_length=40)
    ruled_on = DayColumn("day whose rules were applied")
    fingerprint = models.CharField(max_length=64, db_index=True)
    checked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    checked_at = models.DateTimeField()
    objects = ComplianceCheckQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        permissions = [("weigh_compliancecheck", "weigh")]
        indexes = [
            models.Index(
                name="compliance_by_subject", fields=["run", "kind", "subject_key", "rule_code", "id"]
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="compliance_flag_says_what_to_do",
                violation_error_message=NOT_KEPT,
                condition=Q(result__in=UNFLAGGED) ^ ~Q(advice=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_name}: {self.get_result_display()}"

    @property
    def version(self) -> Version:
        return self.run.version

    @property
    def proposal(self) -> Proposal:
        return self.run.version.proposal

    @property
    def is_flag(self) -> bool:
        return self.result not in UNFLAGGED

    @property
    def bars(self) -> bool:
        """Whether nothing goes on until people have decided otherwise."""
        return self.result == ComplianceResult.BLOCKED

    # What people made of it; ``with_decisions`` has read it

    @property
    def last_decision(self) -> ComplianceDecision | None:
        """The newest of all, whatever it says and whoever took it."""
        return max(self.decisions.all(), key=lambda row: row.pk, default=None)

    @property
    def standing(self) -> ComplianceDecision | None:
        """The newest decision that it stands."""
        rows = [row for row in self.decisions.all() if row.outcome == Weighed.STANDS]
        return max(rows, key=lambda row: row.pk, default=None)

    @property
    def needed(self) -> int:
        """How many people it takes to set it aside: two where it bars, or where somebody said it stands."""
        return 2 if self.bars or self.standing else 1

    @property
    def set_aside_by(self) -> set[int]:
        """Who has set it aside since it was last said to stand."""
        since = self.standing.pk if self.standing else 0
        rows = (row for row in self.decisions.all() if row.outcome == Weighed.SET_ASIDE and row.pk > since)
        return {row.decided_by_id for row in rows}

    @property
    def is_set_aside(self) -> bool:
        return len(self.set_aside_by) >= self.needed

    @property
    def state(self) -> str:
        """``set_aside``, ``stands`` or ``open``; empty where there is nothing to decide."""
        if not self.is_flag:
            return ""
        return "set_aside" if self.is_set_aside else "stands" if self.standing else "open"


class ComplianceDecision(models.Model):
    """What one person made of a compliance check, with the reason; a second opinion is a second row."""

    append_only: ClassVar[bool] = True

    compliance_check = models.ForeignKey(ComplianceCheck, models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=20, choices=Weighed)
    reason = PlainTextField(longest=LONGEST_TEXT)
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    carried_from = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="compliance_decision_says_why",
                violation_error_message="Give the reason.",
                condition=~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} by {self.decided_by}"

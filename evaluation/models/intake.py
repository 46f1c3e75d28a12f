"""Intake: is each requirement of the call answered, and what was sent back for correction."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from evaluation.enums import LONGEST_TEXT, CompletenessFinding
from evaluation.querysets.proposals import OfVersionQuerySet
from program.models import Requirement, Revised, TimeStamped, User
from proposals.models import Proposal, Version
from proposals.models.fields import PlainTextField


class CompletenessReview(Revised):
    """A program officer's finding on one requirement of one version; kept once the version is decided."""

    version = models.ForeignKey(Version, models.PROTECT, related_name="completeness_reviews")
    requirement = models.ForeignKey(Requirement, models.PROTECT, related_name="+")
    finding = models.CharField(max_length=10, choices=CompletenessFinding)
    reason = PlainTextField(
        blank=True,
        help_text="For a deficient item: what is missing and how to cure it.",
        longest=LONGEST_TEXT,
    )
    clause = models.CharField(max_length=60)
    reviewed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ["requirement__sort_order", "pk"]
        constraints = [
            models.UniqueConstraint(name="requirement_reviewed_once", fields=["version", "requirement"]),
            models.CheckConstraint(
                name="deficient_says_why",
                violation_error_message="Say what is missing and how to cure it.",
                condition=Q(finding="accepted") | ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.requirement}: {self.get_finding_display()}"


class Return(models.Model):
    """A return for correction as it was sent: the deficient items and the end of the cure period."""

    append_only: ClassVar[bool] = True

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="returns")
    version = models.ForeignKey(Version, models.PROTECT, related_name="returns")
    items = models.JSONField(help_text="[{code, title, clause, reason}], as they stood.")
    note = PlainTextField(blank=True, longest=LONGEST_TEXT)
    due_at = models.DateTimeField(help_text="Exclusive.")
    due_rule = models.TextField()
    returned_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    returned_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Return of version {self.version.number}"


class Deadlined(TimeStamped):
    """A record with a clock: the exclusive end and the rule that gave it, in words."""

    due_at = models.DateTimeField(help_text="Exclusive.")
    due_rule = models.TextField(blank=True)

    class Meta:
        abstract = True

"""Amendments of a designation: what changes from which day, prepared, cleared and signed by three people."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q

from evaluation.enums import LONGEST_TEXT, AmendmentStatus, TermChange
from evaluation.models.decisions import DIGEST, Decision, by_three_officials
from evaluation.models.designations import Condition, Designation
from evaluation.querysets.designations import AmendmentQuerySet
from program.models import Revised, User
from program.models.fields import DayColumn
from program.models.words import NOT_KEPT
from proposals.models import Proposal
from proposals.models.fields import PlainTextField

ORDER = "E.O. 14320 s.3(d)"


class DesignationAmendment(Decision):
    """Changes the terms of a designation, and narrows what it covers; it never covers more than its version.

    It has its number from its announcement on, counted within the designation. ``body`` is the canonical JSON
    of what was signed: the terms before and after.
    """

    proposal_path: ClassVar[str] = "designation__proposal"
    keeps: ClassVar[str] = "body"
    page_name: ClassVar[str] = "evaluation:amendment"

    designation = models.ForeignKey(Designation, models.PROTECT, related_name="amendments", editable=False)
    number = models.PositiveSmallIntegerField(null=True, editable=False)
    status = models.CharField(
        max_length=10, choices=AmendmentStatus, default=AmendmentStatus.DRAFT, editable=False
    )
    effective_on = DayColumn(
        "in force from", null=True, blank=True,
        help_text="Left empty, it is in force from the day on which it is announced.",
    )  # fmt: skip
    clause = models.CharField("clause", max_length=100, default=ORDER, blank=True)
    reason = PlainTextField(
        "reasons, as the letter will say them", blank=True, longest=LONGEST_TEXT,
        help_text="Printed in the letter. Name no agency's position and nothing confidential of others.",
    )  # fmt: skip
    changes_last_day = models.BooleanField("the last day changes", default=False)
    expires_on = DayColumn(
        "new last day", null=True, blank=True,
        help_text="Left empty while the last day changes, the designation has no last day.",
    )  # fmt: skip
    removed_markets = models.JSONField(default=list, blank=True, editable=False, help_text="Keys.")
    removed_components = models.JSONField(default=list, blank=True, editable=False, help_text="Keys.")
    saved_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    in_force_at = models.DateTimeField(null=True, editable=False)
    body = models.TextField(blank=True, editable=False)
    body_sha256 = models.CharField("SHA-256 of what was signed", max_length=64, blank=True, editable=False)
    public_markets = models.JSONField(
        default=list, blank=True, editable=False,
        help_text="Names of the removed markets that the catalog showed.",
    )  # fmt: skip
    objects = AmendmentQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "amendment of a designation"
        verbose_name_plural = "amendments of designations"
        permissions = [
            (f"{verb}_designationamendment", verb.replace("_", " "))
            for verb in ("drop", "clear", "send_back", "sign", "recall", "announce", "take_effect", "lapse")
        ]
        constraints = [
            models.UniqueConstraint(
                name="amendment_numbered_once",
                violation_error_message=NOT_KEPT,
                fields=["designation", "number"],
            ),
            *by_three_officials("amendment"),
            models.CheckConstraint(
                name="amendment_signed_whole",
                violation_error_message=NOT_KEPT,
                condition=Q(status__in=["draft", "dropped"], signed_at=None, signed_by=None, body="")
                | Q(
                    status__in=["signed", "recalled", "announced", "in_force", "lapsed"],
                    signed_at__isnull=False,
                    signed_by__isnull=False,
                    cleared_by__isnull=False,
                    body_sha256__regex=DIGEST,
                ),
            ),
            models.CheckConstraint(
                name="amendment_announced_whole",
                violation_error_message=NOT_KEPT,
                condition=Q(
                    status__in=["draft", "dropped", "signed", "recalled"], number=None, announced_at=None
                )
                | Q(
                    status__in=["announced", "in_force", "lapsed"],
                    number__isnull=False,
                    announced_at__isnull=False,
                    effective_on__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="amendment_in_force_stamped",
                violation_error_message=NOT_KEPT,
                condition=Q(status="in_force", in_force_at__isnull=False)
                | (~Q(status="in_force") & Q(in_force_at=None)),
            ),
        ]
        indexes = [
            models.Index(
                name="amendment_to_take_effect", fields=["effective_on"], condition=Q(status="announced")
            )
        ]

    def __str__(self) -> str:
        return f"Amendment {self.number}" if self.number else f"Draft amendment of {self.designation}"

    @property
    def proposal(self) -> Proposal:
        return self.designation.proposal

    @property
    def in_words(self) -> str:
        return f"amendment of {self.designation.number}"


class ConditionChange(Revised):
    """What one amendment does to one condition, whole: what a condition will say, or that it is lifted."""

    proposal_path: ClassVar[str] = "amendment__designation__proposal"

    amendment = models.ForeignKey(
        DesignationAmendment, models.CASCADE, related_name="condition_changes", editable=False
    )
    kind = models.CharField(max_length=6, choices=TermChange, editable=False)
    condition = models.ForeignKey(Condition, models.PROTECT, null=True, related_name="+", editable=False)
    sent_as = models.UUIDField(
        editable=False, db_default=RandomUUID(), help_text="Of the form that put it in, which does so once."
    )
    text = PlainTextField("condition", blank=True, longest=LONGEST_TEXT)
    owner = models.CharField("who must meet it", max_length=200, blank=True)
    due_on = DayColumn("due on", null=True, blank=True)
    due_rule = models.TextField("how the day was counted", blank=True, default="", editable=False)
    evidence = PlainTextField("evidence that shows it", blank=True, longest=LONGEST_TEXT)
    effect = PlainTextField("if it is not met", blank=True, longest=LONGEST_TEXT)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="condition_changed_once_by_amendment",
                violation_error_message="The amendment changes this condition already.",
                fields=["amendment", "condition"],
            ),
            models.UniqueConstraint(
                name="condition_change_sent_once",
                violation_error_message=NOT_KEPT,
                fields=["amendment", "sent_as"],
            ),
            models.CheckConstraint(
                name="condition_change_names_its_condition",
                violation_error_message=NOT_KEPT,
                condition=Q(kind="add", condition=None)
                | Q(kind__in=["change", "lift"], condition__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.condition or 'a condition'}".lower()

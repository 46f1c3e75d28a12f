"""More time for one proposal: what a consortium asks for, and what the Program office gives."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from program.models import User
from program.models.base import TimeStamped
from program.models.fields import DayColumn
from program.models.words import NOT_KEPT
from proposals.enums import TimeRequestStatus
from proposals.models.fields import PlainTextField
from proposals.models.proposals import Proposal
from proposals.querysets import ExtensionQuerySet, TimeRequestQuerySet


class TimeRequest(TimeStamped):
    """That a consortium asks for more time; with it the Program office learns that a draft exists."""

    proposal_path: ClassVar[str] = "proposal"

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="time_requests")
    status = models.CharField(
        max_length=12, choices=TimeRequestStatus, default=TimeRequestStatus.ASKED, editable=False
    )
    reason = PlainTextField()
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answer = PlainTextField(blank=True, help_text="Why it was declined.")
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    objects = TimeRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "request for more time"
        permissions = [(f"{verb}_timerequest", verb) for verb in ("grant", "decline")]
        constraints = [
            models.UniqueConstraint(
                name="one_open_request_for_time",
                violation_error_message="More time was asked for already.",
                fields=["proposal"],
                condition=Q(status="asked"),
            ),
            models.CheckConstraint(
                name="request_for_time_stamped_once_answered",
                violation_error_message=NOT_KEPT,
                condition=Q(status="asked") ^ Q(answered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Request for more time for {self.proposal}"


class Extension(models.Model):
    """A later last day for one proposal alone, by a named officer, with the reason and the legal basis.

    ``closes_at`` is exclusive and lies after ``closed_at``, the bound that held before.
    """

    append_only: ClassVar[bool] = True
    proposal_path: ClassVar[str] = "proposal"

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="extensions")
    request = models.OneToOneField(
        TimeRequest, models.PROTECT, null=True, blank=True, related_name="extension"
    )
    closed_at = models.DateTimeField(help_text="The bound before; exclusive.")
    due_on = DayColumn("last day")
    closes_at = models.DateTimeField(help_text="Exclusive.")
    reason = PlainTextField()
    legal_basis = models.CharField(max_length=200)
    warning = models.TextField(blank=True, help_text="What an extension past the 90th day says beside it.")
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    objects = ExtensionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="extension_goes_further",
                violation_error_message=NOT_KEPT,
                condition=Q(closes_at__gt=F("closed_at")) & Q(closes_at__gt=F("made_at")),
            ),
            models.CheckConstraint(
                name="extension_gives_its_grounds",
                violation_error_message="Give the reason and the legal basis.",
                condition=~Q(reason="") & ~Q(legal_basis=""),
            ),
        ]

    def __str__(self) -> str:
        return f"More time for {self.proposal}"

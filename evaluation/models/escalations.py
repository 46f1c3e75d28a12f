"""An objection on its way up: the record that it opens, and what is added to it over time."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q

from evaluation.enums import LONGEST_TEXT, EscalationLevel, EscalationOutcome
from evaluation.models.consultation import Position
from evaluation.models.intake import Deadlined
from evaluation.querysets.consultation import EVALUATED
from evaluation.querysets.escalations import EscalationEntryQuerySet, EscalationQuerySet
from program.deadlines import local_day, long_date
from program.models import Agency, User
from program.models.fields import DayColumn
from program.models.words import NOT_KEPT
from proposals.models import Proposal
from proposals.models.fields import PlainTextField


class Escalation(Deadlined):
    """One agency's objection to one proposal, whatever version it speaks of, and how far it was taken.

    ``position`` is the objection as it was filed last. It blocks nothing: the determination answers it.
    """

    proposal_path: ClassVar[str] = "proposal"

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="escalations")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    position = models.ForeignKey(Position, models.PROTECT, related_name="+", editable=False)
    level = models.CharField(
        max_length=12, choices=EscalationLevel, default=EscalationLevel.STAFF, editable=False
    )
    opened_at = models.DateTimeField(editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    outcome = models.CharField(max_length=20, choices=EscalationOutcome, blank=True, editable=False)
    objects = EscalationQuerySet.as_manager()

    class Meta:
        ordering = ["agency__sort_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="escalated_once",
                violation_error_message=NOT_KEPT,
                fields=["proposal", "agency"],
            ),
            models.CheckConstraint(
                name="closed_escalation_has_outcome",
                violation_error_message=NOT_KEPT,
                condition=Q(closed_at=None, outcome="") | Q(closed_at__isnull=False) & ~Q(outcome=""),
            ),
        ]
        indexes = [
            models.Index(name="escalation_due", fields=["due_at"], condition=Q(closed_at=None)),
        ]

    def __str__(self) -> str:
        return f"Escalation of the objection of {self.agency}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_withdrawn(self) -> bool:
        """Whether the agency objects no more."""
        return self.outcome == EscalationOutcome.WITHDRAWN

    @property
    def over_because(self) -> str:
        """Why nothing is settled here any more; empty while something is."""
        if not self.is_open:
            return self.get_outcome_display()
        return "" if self.proposal.status in EVALUATED else f"Proposal: {self.proposal.get_status_display()}"


class EscalationEntry(models.Model):
    """What was added to an escalation: a meeting with who took part and what was said, perhaps the outcome.

    ``level`` and ``due_at`` are those that stood with it.
    """

    append_only: ClassVar[bool] = True

    escalation = models.ForeignKey(Escalation, models.PROTECT, related_name="entries")
    level = models.CharField(max_length=12, choices=EscalationLevel)
    met_on = DayColumn("day of the meeting", null=True, blank=True)
    participants = PlainTextField(blank=True, longest=LONGEST_TEXT)
    minutes = PlainTextField(longest=LONGEST_TEXT)
    outcome = models.CharField(max_length=20, choices=EscalationOutcome, blank=True)
    due_at = models.DateTimeField(help_text="Exclusive.")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    sent_as = models.UUIDField(
        editable=False,
        db_default=RandomUUID(),
        help_text="Of the form and what it said, which is added once.",
    )
    objects = EscalationEntryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="escalation_entry_sent_once",
                violation_error_message=NOT_KEPT,
                fields=["escalation", "sent_as"],
            ),
            models.CheckConstraint(
                name="entry_says_what",
                violation_error_message="Write what was said.",
                condition=~Q(minutes=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_level_display()}, {long_date(local_day(self.at))}"

    @property
    def proposal(self) -> Proposal:
        return self.escalation.proposal

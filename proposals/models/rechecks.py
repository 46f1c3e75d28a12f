"""Drafts that were checked anew because their call's requirements were amended."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from program.models import Amendment
from program.models.base import TimeStamped
from proposals.models.proposals import Proposal


class Recheck(TimeStamped):
    """That one draft was checked against amended requirements, and which of them it newly lacks."""

    proposal_path: ClassVar[str] = "proposal"

    amendment = models.ForeignKey(Amendment, models.PROTECT, related_name="rechecks")
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="rechecks")
    is_ahead = models.BooleanField(
        default=False, db_default=False, help_text="Before the day from which it is in force."
    )
    missing = models.JSONField(default=list, help_text="Codes of requirements that are newly not met.")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="rechecked_once", fields=["amendment", "proposal", "is_ahead"]),
        ]

    def __str__(self) -> str:
        return f"{self.proposal} after amendment {self.amendment.number}"

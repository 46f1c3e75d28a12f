"""What each agency says of its reviewers, and how many of them read each proposal of a call."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

from program.enums import StackLayer
from program.models import Agency, Call, Revised, User
from proposals.enums import Sector

#: What a person can know: layers of the stack and sectors of applications
EXPERTISE: Final = {**dict(StackLayer.choices), **dict(Sector.choices)}
MOST_AT_ONCE: Final = 50
MOST_NEEDED: Final = 9


def in_words(codes: list[str]) -> list[str]:
    """Layers and sectors by their names, in the order of the lists."""
    return [str(name) for code, name in EXPERTISE.items() if code in codes]


class ReviewerProfile(Revised):
    """A reviewer of an agency: how many reviews may be open at once, and what they know.

    ``named_for`` is the standing rule of the Program office: on these layers and sectors they go first.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="reviewer_profiles")
    capacity = models.PositiveSmallIntegerField(
        "open reviews at once", null=True, blank=True, help_text="Empty: as many as for everybody."
    )
    expertise = models.JSONField(default=list, blank=True)
    named_for = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["pk"]
        permissions = [("name_reviewerprofile", "name first")]
        constraints = [
            models.UniqueConstraint(
                name="reviewer_described_once",
                violation_error_message="This reviewer is described already.",
                fields=["agency", "reviewer"],
            ),
            models.CheckConstraint(
                name="reviewer_capacity_is_possible",
                violation_error_message=f"Name a number from 0 to {MOST_AT_ONCE}.",
                condition=Q(capacity=None) | Q(capacity__lte=MOST_AT_ONCE),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer}, {self.agency}"


class ReviewersNeeded(Revised):
    """How many reviewers an agency gives each proposal of a call."""

    call = models.ForeignKey(Call, models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "reviewers needed"
        constraints = [
            models.UniqueConstraint(
                name="reviewers_needed_once",
                violation_error_message="This is said already.",
                fields=["call", "agency"],
            ),
            models.CheckConstraint(
                name="reviewers_needed_are_few",
                violation_error_message=f"Name a number from 0 to {MOST_NEEDED}.",
                condition=Q(number__lte=MOST_NEEDED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agency}: {self.number} for {self.call}"

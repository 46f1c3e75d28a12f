"""What of a version is compared with other proposals: its title and summary, and everybody it names."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from evaluation.querysets.parties import NamedPartyQuerySet
from program.models.words import NOT_KEPT
from proposals.models import Proposal, Version


class VersionProfile(models.Model):
    """Title and summary of a version as they are compared with those of others: words in small letters."""

    append_only: ClassVar[bool] = True

    version = models.OneToOneField(Version, models.PROTECT, related_name="profile")
    title = models.TextField(blank=True)
    summary = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Profile of {self.version}"


class NamedParty(models.Model):
    """One name of one party of a version, normalized; a member's organization stands as ``#`` and its key."""

    append_only: ClassVar[bool] = True

    version = models.ForeignKey(Version, models.PROTECT, related_name="named_parties")
    party_key = models.CharField(max_length=80)
    name = models.TextField()
    role = models.TextField()
    is_anchor = models.BooleanField(default=False)
    compared = models.TextField()
    objects = NamedPartyQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "named parties"
        indexes = [
            models.Index(name="party_by_compared", fields=["compared", "version"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="party_compared_once_by_name",
                violation_error_message=NOT_KEPT,
                fields=["version", "party_key", "compared"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.role}"

    @property
    def proposal(self) -> Proposal:
        return self.version.proposal

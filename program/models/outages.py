"""When the portal was away: what the Program office logs, and what the public reads beside a deadline."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from program.enums import OutageSource, PartOfPortal
from program.models.base import Corrected
from program.models.fields import TextColumn
from program.models.people import User
from program.models.words import NOT_KEPT
from program.querysets import OutageQuerySet


class Outage(Corrected):
    """An entry of the outage log; ``ended_at`` is empty while the outage goes on."""

    append_only: ClassVar[bool] = True

    began_at = models.DateTimeField("began")
    ended_at = models.DateTimeField("ended", null=True, blank=True)
    affected = TextColumn("what was affected", longest=1000)
    source = models.CharField("how it is known", max_length=10, choices=OutageSource)
    evidence = TextColumn("where it is recorded", blank=True, longest=1000)
    logged_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    logged_at = models.DateTimeField(editable=False)
    objects = OutageQuerySet.as_manager()

    class Meta(Corrected.Meta):
        ordering = ["-began_at", "-pk"]
        constraints = [
            *Corrected.Meta.constraints,
            models.CheckConstraint(
                name="outage_ends_after_it_began",
                violation_error_message="The end must lie after the beginning.",
                condition=Q(ended_at=None) | Q(ended_at__gt=F("began_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"Outage from {self.began_at:%Y-%m-%d %H:%M} UTC"


class Pulse(models.Model):
    """When the portal's clock worked last: one row, written over at each tick."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"The clock worked at {self.at:%Y-%m-%d %H:%M:%S} UTC"


class Absence(models.Model):
    """A part of the portal that does not answer now; the row goes once it does, and may leave a Silence."""

    part = models.CharField(max_length=10, choices=PartOfPortal, unique=True)
    since = models.DateTimeField()

    class Meta:
        ordering = ["since"]

    def __str__(self) -> str:
        return f"{self.part} away since {self.since:%Y-%m-%d %H:%M} UTC"


class Silence(models.Model):
    """A span in which a part of the portal, most often its clock, did not work; kept once it works again.

    No outage yet: an officer enters one, or dismisses it.
    """

    append_only: ClassVar[bool] = True

    part = models.CharField(
        max_length=10, choices=PartOfPortal, default=PartOfPortal.CLOCK, db_default=PartOfPortal.CLOCK
    )
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="silence_ends_after_it_began",
                violation_error_message=NOT_KEPT,
                condition=Q(ended_at__gt=F("began_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"Silence from {self.began_at:%Y-%m-%d %H:%M} UTC"


class DismissedSilence(models.Model):
    """That an officer found a silence to be no outage, and why; it is logged after all like any other."""

    append_only: ClassVar[bool] = True

    silence = models.OneToOneField(Silence, models.PROTECT, related_name="dismissal")
    reason = TextColumn("why it was no outage", longest=1000)
    dismissed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    dismissed_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.silence}: dismissed"

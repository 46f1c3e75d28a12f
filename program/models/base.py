"""What records of every app share: when they were made, and which revision a person edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from program.models.fields import DayColumn, TextColumn

if TYPE_CHECKING:
    from datetime import date


class TimeStamped(models.Model):
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    class Meta:
        abstract = True


class Revised(TimeStamped):
    """A row that several people may edit: each save names the ``revision`` it read."""

    revision = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True


class Dated(models.Model):
    """A fact of law or office that holds from one day (inclusive) to another (exclusive, null: open).

    What ended on the day it began was never in force.
    """

    effective_from = DayColumn()
    effective_to = DayColumn(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_dates_in_order",
                violation_error_message="The last day must not lie before the first.",
                condition=models.Q(effective_to=None)
                | models.Q(effective_to__gte=models.F("effective_from")),
            )
        ]

    def is_in_force(self, on: date) -> bool:
        """Whether it holds on the day ``on``."""
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)


class Sourced(models.Model):
    """Where a fact comes from, when it was checked and how far it can be relied on."""

    source = TextColumn(blank=True, longest=5000)
    checked_on = DayColumn(null=True, blank=True)
    confidence = models.CharField(max_length=2, default="U", blank=True)

    class Meta:
        abstract = True


class Corrected(models.Model):
    """An entry of a register that is never changed: a correction is a new entry that says why.

    An entry made in error ``is_withdrawn`` by a later one.
    """

    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="replaced_by"
    )
    why_corrected = TextColumn("why it is corrected", blank=True, default="", db_default="", longest=1000)
    is_withdrawn = models.BooleanField("entered in error", default=False, db_default=False)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_correction_says_why",
                violation_error_message="Say why the entry is corrected.",
                condition=models.Q(replaces=None, is_withdrawn=False) | ~models.Q(why_corrected=""),
            )
        ]

    @property
    def is_standing(self) -> bool:
        """Whether no later entry has corrected it."""
        return not hasattr(self, "replaced_by")

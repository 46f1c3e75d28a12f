"""Where packages go: countries, blocs, export-control country groups, and days that are not counted."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from program.models.base import Corrected, Dated, Sourced
from program.models.fields import DayColumn
from program.querysets import ClosureQuerySet


class Country(models.Model):
    """A country or territory by its ISO 3166-1 alpha-2 code (XK: Kosovo, user-assigned)."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "countries"

    def __str__(self) -> str:
        return self.name


class Bloc(Sourced):
    """A regional bloc that a proposal may name as a target market, E.O. 14320 s.3(b)(ii)."""

    code = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=120)
    note = models.TextField(blank=True)
    countries = models.ManyToManyField(Country, related_name="blocs", blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CountryGroup(Sourced):
    """A group of supplement no. 1 to 15 CFR part 740, such as ``D:5``."""

    code = models.CharField(max_length=10, unique=True)
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class GroupMembership(Dated, Sourced):
    """That a country stands in a group, from one day to another."""

    group = models.ForeignKey(CountryGroup, models.PROTECT, related_name="memberships")
    country = models.ForeignKey(Country, models.PROTECT, related_name="group_memberships")

    class Meta(Dated.Meta):
        constraints = [
            *Dated.Meta.constraints,
            models.UniqueConstraint(
                name="country_in_group_once", fields=["group", "country", "effective_from"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country_id} in {self.group}"


class Embargo(Dated, Sourced):
    """A destination that stops a package for all items, with the authority that says so."""

    country = models.ForeignKey(Country, models.PROTECT, related_name="embargoes")
    authority = models.CharField(max_length=300)
    explanation = models.TextField()

    def __str__(self) -> str:
        return f"{self.country}: {self.authority}"


class Closure(Sourced, Corrected):
    """A day on which federal offices were closed by an order or a lapse in appropriations.

    A day has one chain of entries: the first, and one for each correction.
    """

    append_only: ClassVar[bool] = True

    day = DayColumn()
    authority = models.CharField(max_length=300)
    counts_as_holiday = models.BooleanField(
        default=False, help_text="Only when an officer decides so: a closure is not a statutory holiday."
    )
    entered_by = models.ForeignKey(
        "program.User", models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    entered_at = models.DateTimeField(null=True, editable=False)
    objects = ClosureQuerySet.as_manager()

    class Meta(Corrected.Meta):
        ordering = ["day", "pk"]
        constraints = [
            *Corrected.Meta.constraints,
            models.UniqueConstraint(
                name="closure_entered_once",
                violation_error_message="This day is in the register already. Correct its entry instead.",
                fields=["day"],
                condition=models.Q(replaces=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.authority}"

"""What the two orders lay on officials: directives and their duties."""

from __future__ import annotations

from django.db import models

from program.enums import DutyState
from program.models.base import Sourced


class Directive(Sourced):
    """A presidential directive that the Program carries out."""

    number = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=200)
    signed_on = models.DateField()
    citation = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-signed_on"]

    def __str__(self) -> str:
        return f"E.O. {self.number}"


class Duty(Sourced):
    """One duty of a directive in our own words, with its clause, officials and due date."""

    directive = models.ForeignKey(Directive, models.CASCADE, related_name="duties")
    clause = models.CharField(max_length=40)
    text = models.TextField()
    responsible = models.CharField(max_length=200)
    consulted = models.CharField(max_length=300, blank=True)
    due_in_days = models.PositiveSmallIntegerField(
        null=True, help_text="Calendar days from signature; null: none set."
    )
    due_on = models.DateField(null=True)
    state = models.CharField(max_length=12, choices=DutyState, default=DutyState.OPEN)
    evidence = models.TextField(blank=True)
    sort_order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["sort_order", "pk"]
        verbose_name_plural = "duties"
        constraints = [models.UniqueConstraint(name="duty_clause_once", fields=["directive", "clause"])]

    def __str__(self) -> str:
        return f"{self.directive} s.{self.clause}"

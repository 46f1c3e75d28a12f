"""What the two orders lay on officials: directives, their duties, and the review of E.O. 14179 s.5(a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q

from program.deadlines import DutyClock, Period
from program.enums import ActionStatus, DutyState, Measure
from program.models.base import Revised, Sourced
from program.models.fields import DayColumn, TextColumn
from program.models.papers import Document
from program.models.people import User
from program.models.words import NOT_KEPT
from program.querysets import ActionStepQuerySet, AgencyActionQuerySet, DutyQuerySet

if TYPE_CHECKING:
    from datetime import date

LONGEST_EVIDENCE = 5_000
#: The status that each step of the review reaches
REACHES: dict[str, str] = {
    "find_inconsistent": ActionStatus.INCONSISTENT,
    "find_consistent": ActionStatus.CONSISTENT,
    "propose": ActionStatus.PROPOSED,
    "carry_out": ActionStatus.DONE,
    "finalize": ActionStatus.FINAL,
    "drop": ActionStatus.DROPPED,
}
#: Found inconsistent, and not final: interim exemptions are given meanwhile
UNDER_CHANGE = (ActionStatus.INCONSISTENT, ActionStatus.PROPOSED, ActionStatus.DONE)
MEASURE_WORDS: dict[str, tuple[str, str]] = {
    Measure.SUSPEND: ("Suspension proposed", "Suspended"),
    Measure.REVISE: ("Revision proposed", "Revised"),
    Measure.RESCIND: ("Rescission proposed", "Rescinded"),
}
web_address = URLValidator(schemes=["http", "https"])


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


class Evidenced(models.Model):
    """What shows that something was done: words, a link, a file, or several of them."""

    evidence = TextColumn("evidence in words", blank=True, longest=LONGEST_EVIDENCE)
    evidence_url = models.URLField(
        "link to the evidence",
        max_length=500,
        blank=True,
        default="",
        db_default="",
        validators=[web_address],
    )
    evidence_file = models.ForeignKey(Document, models.PROTECT, null=True, editable=False, related_name="+")

    class Meta:
        abstract = True

    @property
    def has_evidence(self) -> bool:
        return bool(self.evidence or self.evidence_url or self.evidence_file_id)


class Duty(Sourced, Evidenced):
    """One duty of a directive in our own words, with its clause, officials, clock, state and evidence.

    The text, the clock and their source are facts of law that the reference data brings. Once an officer has
    kept the duty (``kept_at``), its officials, state and evidence are theirs alone.
    """

    directive = models.ForeignKey(Directive, models.CASCADE, related_name="duties", editable=False)
    clause = models.CharField(max_length=40, editable=False)
    text = models.TextField(editable=False)
    responsible = models.CharField("responsible officials", max_length=200)
    consulted = models.CharField("officials consulted", max_length=300, blank=True)
    due_in_days = models.PositiveSmallIntegerField(
        null=True, editable=False, help_text="Calendar days from signature; null: none set."
    )
    due_on = models.DateField(null=True, editable=False)
    timing = models.CharField(
        max_length=120,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="What the order says of time where it sets no day.",
    )
    state = models.CharField(max_length=12, choices=DutyState, default=DutyState.OPEN)
    fulfilled_on = DayColumn(null=True, blank=True)
    kept_by = models.ForeignKey(User, models.PROTECT, null=True, editable=False, related_name="+")
    kept_at = models.DateTimeField(null=True, editable=False)
    revision = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    sort_order = models.PositiveSmallIntegerField(default=0, editable=False)
    objects = DutyQuerySet.as_manager()

    class Meta:
        ordering = ["sort_order", "pk"]
        verbose_name_plural = "duties"
        constraints = [models.UniqueConstraint(name="duty_clause_once", fields=["directive", "clause"])]

    def __str__(self) -> str:
        return f"{self.directive} s.{self.clause}"

    @property
    def citation(self) -> str:
        """As pages and the record cite it: a bare ``s.`` is E.O. 14320."""
        return f"s.{self.clause}" if self.directive.number == "14320" else str(self)

    @property
    def clock(self) -> DutyClock | None:
        """The days that the order gives, from its signature; None where it sets no day."""
        if self.due_in_days is None:
            return None
        period = Period(self.due_in_days, rolls_forward=False, citation=str(self))
        due = period.due_from(self.directive.signed_on)
        return DutyClock(due, self.state == DutyState.FULFILLED, self.fulfilled_on)


def said_of(status: str, measure: str) -> str:
    """A status of the review in the words of what was proposed or done."""
    proposed, done = MEASURE_WORDS.get(measure, ("", ""))
    words = {ActionStatus.PROPOSED: proposed, ActionStatus.DONE: done, ActionStatus.FINAL: f"{done}, final"}
    return words.get(ActionStatus(status)) or ActionStatus(status).label


class AgencyAction(Revised):
    """A policy, directive, regulation, order or other action taken under E.O. 14110, E.O. 14179 s.5(a).

    ``measure`` is what was last proposed or done. What was decided, by whom and on which evidence, stands in
    its steps. The public sees it from the finding on.
    """

    agency = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    citation = models.CharField(
        max_length=200, blank=True, help_text="Such as a Federal Register citation or a memorandum number."
    )
    url = models.URLField("link to the action", max_length=500, blank=True, validators=[web_address])
    taken_on = DayColumn(null=True, blank=True)
    effect = TextColumn("what it did", longest=LONGEST_EVIDENCE)
    status = models.CharField(
        max_length=12, choices=ActionStatus, default=ActionStatus.IDENTIFIED, editable=False
    )
    measure = models.CharField(max_length=8, choices=Measure, blank=True, editable=False)
    entered_by = models.ForeignKey(User, models.PROTECT, editable=False, related_name="+")
    objects = AgencyActionQuerySet.as_manager()

    class Meta:
        ordering = ["agency", "title", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="agency_action_once",
                fields=["agency", "title", "citation"],
                condition=~Q(status="dropped"),
                violation_error_message="This action of this agency is in the register already.",
            ),
            models.CheckConstraint(
                name="agency_action_has_its_measure",
                violation_error_message=NOT_KEPT,
                condition=Q(status__in=["proposed", "done", "final"]) ^ Q(measure=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agency}: {self.title}"

    @property
    def standing(self) -> str:
        """Where the review stands: "Rescission proposed", "Rescinded, final"."""
        return said_of(self.status, self.measure)


class ActionStep(Evidenced):
    """One step of the review: what was decided about the action, by whom, when, why and on which evidence."""

    append_only: ClassVar[bool] = True

    action = models.ForeignKey(AgencyAction, models.PROTECT, editable=False, related_name="steps")
    step = models.CharField(max_length=20, editable=False)
    measure = models.CharField(max_length=8, choices=Measure, blank=True)
    decided_by = models.CharField(
        "who decided", max_length=200, help_text="The office, such as “Director of OMB”."
    )
    decided_on = DayColumn("decided on")
    reason = TextColumn("why", longest=LONGEST_EVIDENCE)
    recorded_by = models.ForeignKey(User, models.PROTECT, editable=False, related_name="+")
    recorded_at = models.DateTimeField(editable=False)
    objects = ActionStepQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.step} of {self.action_id}"

    @property
    def words(self) -> str:
        """What was decided: "Found inconsistent", "Rescission proposed"."""
        return said_of(REACHES[self.step], self.measure)


class InterimExemption(Revised):
    """An exemption until a change can be made final, E.O. 14179 s.5(a); ``until`` is its last day."""

    action = models.ForeignKey(AgencyAction, models.PROTECT, editable=False, related_name="exemptions")
    text = TextColumn("what is exempted", longest=LONGEST_EVIDENCE)
    basis = models.CharField(
        "legal basis", max_length=300, help_text="What authorizes the exemption, with its citation."
    )
    granted_by = models.CharField("who gave it", max_length=200)
    granted_on = DayColumn("given on")
    until = DayColumn(
        "until, the last day", null=True, blank=True, help_text="Empty: until the change is final."
    )
    entered_by = models.ForeignKey(User, models.PROTECT, editable=False, related_name="+")
    ended_on = models.DateField(null=True, editable=False)
    ended_because = TextColumn("why it ends", blank=True, editable=False, longest=LONGEST_EVIDENCE)

    class Meta:
        ordering = ["granted_on", "pk"]
        constraints = [
            models.CheckConstraint(
                name="interim_exemption_days_in_order",
                violation_error_message="The last day must not lie before the day it was given.",
                condition=Q(until=None) | Q(until__gte=models.F("granted_on")),
            ),
        ]

    def __str__(self) -> str:
        return f"Exemption {self.pk} of {self.action_id}"

    @property
    def is_before_its_action(self) -> bool:
        """Whether it is dated before the action that it exempts from was taken; one of both days is wrong."""
        taken_on = self.action.taken_on
        return taken_on is not None and self.granted_on < taken_on

    def holds_on(self, day: date) -> bool:
        """Whether it holds on ``day``: not ended, not past its last day, and the change not final yet."""
        return (
            self.ended_on is None
            and (self.until is None or day <= self.until)
            and self.action.status in UNDER_CHANGE
        )

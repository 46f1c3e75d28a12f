"""Meetings of the EDAG: what was on the agenda, what was decided, and who does what until when."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from financing.enums import LONGEST_TEXT, AgendaDecision, MeetingStatus
from financing.models.referrals import ToolReferral
from financing.querysets import ActionQuerySet, AgendaItemQuerySet, MeetingQuerySet
from program.models import TimeStamped, User
from program.models.fields import DayColumn, MomentColumn
from program.models.words import NOT_KEPT
from proposals.models.fields import PlainTextField, plain_text


class Meeting(TimeStamped):
    """A meeting that the Secretary of State chairs, in consultation with Commerce and USTR, s.4(a)."""

    title = models.CharField(max_length=200, validators=[plain_text])
    starts_at = MomentColumn("date and time")
    place = models.CharField(max_length=200, blank=True, validators=[plain_text])
    chair = models.ForeignKey(User, models.PROTECT, related_name="+")
    status = models.CharField(
        max_length=8, choices=MeetingStatus, default=MeetingStatus.PLANNED, editable=False
    )
    held_at = models.DateTimeField(null=True, editable=False)
    attendance = PlainTextField("who was there", blank=True, editable=False, longest=LONGEST_TEXT)
    planned_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-pk"]
        permissions = [("hold_meeting", "hold"), ("plan_meeting", "plan")]
        constraints = [
            models.CheckConstraint(
                name="meeting_held_is_stamped",
                violation_error_message=NOT_KEPT,
                condition=Q(status="planned") ^ Q(held_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.title


class AgendaItem(TimeStamped):
    """One item, with the tool referral it is about if any; decided once, in a meeting that was held."""

    proposal_path: ClassVar[str] = "referral__designation__proposal"

    meeting = models.ForeignKey(Meeting, models.PROTECT, related_name="items", editable=False)
    number = models.PositiveSmallIntegerField(editable=False)
    title = models.CharField(max_length=200, validators=[plain_text])
    referral = models.ForeignKey(
        ToolReferral, models.PROTECT, null=True, blank=True, related_name="agenda_items"
    )
    decision = models.CharField(max_length=10, choices=AgendaDecision, blank=True, editable=False)
    decision_text = PlainTextField("the decision in words", blank=True, editable=False, longest=LONGEST_TEXT)
    decided_at = models.DateTimeField(null=True, editable=False)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    objects = AgendaItemQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        permissions = [("decide_agendaitem", "decide")]
        constraints = [
            models.UniqueConstraint(name="agenda_number_once", fields=["meeting", "number"]),
            models.CheckConstraint(
                name="agenda_decision_is_stamped",
                violation_error_message=NOT_KEPT,
                condition=Q(decision="") ^ Q(decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"


class Action(TimeStamped):
    """A task that a meeting gave to a person, with its day."""

    proposal_path: ClassVar[str] = "item__referral__designation__proposal"

    item = models.ForeignKey(AgendaItem, models.PROTECT, related_name="actions", editable=False)
    text = PlainTextField("what is to be done", longest=LONGEST_TEXT)
    owner = models.ForeignKey(User, models.PROTECT, related_name="edag_actions")
    due_on = DayColumn("due on")
    outcome = PlainTextField("what came of it", blank=True, editable=False, longest=LONGEST_TEXT)
    done_at = models.DateTimeField(null=True, editable=False)
    done_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    objects = ActionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        permissions = [("finish_action", "finish")]
        indexes = [models.Index(name="action_open", fields=["due_on"], condition=Q(done_at=None))]

    def __str__(self) -> str:
        return self.text

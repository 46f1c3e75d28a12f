"""An appointment that one officer proposes and a second one confirms, before there is an office."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from program.enums import AppointmentStatus, OfficeRole
from program.models.base import TimeStamped
from program.models.people import Agency, Office, User
from program.models.words import NOT_KEPT
from program.querysets import AppointmentQuerySet


class Appointment(TimeStamped):
    """Somebody is to hold an office whose holder acts for the Government alone; it gives no right yet."""

    user = models.ForeignKey(User, models.PROTECT, related_name="appointments", editable=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", editable=False)
    role = models.CharField(max_length=20, choices=OfficeRole, editable=False)
    basis = models.CharField(max_length=300, editable=False, help_text="The act of appointment.")
    status = models.CharField(
        max_length=10, choices=AppointmentStatus, default=AppointmentStatus.PROPOSED, editable=False
    )
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    reason = models.CharField(max_length=1000, blank=True, editable=False)
    office = models.OneToOneField(
        Office, models.PROTECT, null=True, related_name="appointment", editable=False
    )
    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        permissions = [(f"{verb}_appointment", verb) for verb in ("confirm", "decline")]
        constraints = [
            models.UniqueConstraint(
                name="one_appointment_waits",
                violation_error_message="This person is proposed for this office already.",
                fields=["user", "agency", "role"],
                condition=Q(status="proposed"),
            ),
            models.CheckConstraint(
                name="appointment_confirmed_by_another",
                violation_error_message="A second officer confirms it, who is not the person appointed.",
                condition=~Q(status="confirmed")
                | (~Q(decided_by=F("proposed_by")) & ~Q(decided_by=F("user"))),
            ),
            models.CheckConstraint(
                name="appointment_proposed_by_another",
                violation_error_message="Nobody appoints themselves.",
                condition=~Q(proposed_by=F("user")),
            ),
            models.CheckConstraint(
                name="appointment_decided_whole",
                violation_error_message=NOT_KEPT,
                condition=Q(status="proposed", decided_by=None, decided_at=None, office=None)
                | Q(
                    status="confirmed",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    office__isnull=False,
                )
                | (
                    Q(status="declined", decided_by__isnull=False, decided_at__isnull=False, office=None)
                    & ~Q(reason="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}, {self.agency}"

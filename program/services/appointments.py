"""Offices whose holder acts for the Government alone: one officer proposes, a second one confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse

from program import audit, notices
from program.enums import OfficeRole
from program.lifecycle import CONFIRM_APPOINTMENT, DECLINE_APPOINTMENT
from program.models import Appointment, AuditEvent, Office, User
from program.notice_kinds import (
    APPOINTMENT_CONFIRMED,
    APPOINTMENT_DECLINED,
    APPOINTMENT_TO_CONFIRM,
    OFFICE_ENDED,
)
from program.services.people import appoint, end_office, require_impartial
from program.transitions import NotReady, Problem, perform, require

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from program.models import Agency

CLAUSE: Final = "s.3(d)"
NOBODY_CONFIRMS: Final = (
    "Nobody is left who could confirm this appointment: it takes a program officer who neither proposes it "
    "nor is the person. Who runs the portal appoints a second program officer on its server, with "
    "“manage.py appoint_first_officer”."
)


def officers() -> QuerySet[User]:
    """Who holds the Program office today."""
    held = Office.objects.in_force().filter(role=OfficeRole.PROGRAM_OFFICER)
    return User.objects.filter(pk__in=held.values("user"))


@transaction.atomic
def propose_appointment(person: User, *, agency: Agency, role: str, by: User, basis: str) -> Appointment:
    """Propose that ``person`` holds an office; proposed twice it waits once. Nobody proposes themselves.

    Raises ValidationError where nobody could confirm it, or the person holds the office already.
    """
    if not by.has_perm("program.appoint_office") or by == person:
        raise PermissionDenied("You may not appoint this person.")
    require_impartial(person)
    waiting = Appointment.objects.waiting().filter(user=person, agency=agency, role=role).first()
    if waiting is not None:
        return waiting
    held = Office.objects.filter(user=person, agency=agency, role=role, effective_to=None)
    if held.exists():
        raise ValidationError("This person holds this office already.")
    others = officers().exclude(pk__in=[by.pk, person.pk])
    if not others.exists():
        raise ValidationError(NOBODY_CONFIRMS)
    appointment = Appointment(user=person, agency=agency, role=role, basis=basis, proposed_by=by)
    appointment.full_clean()
    appointment.save()
    after = {"user": person.email, "agency": agency.code, "role": role}
    event = audit.record(appointment, "appointment.propose", by=by, after=after, note=basis, clause=CLAUSE)
    facts = {"person": str(person), "office": str(appointment), "by": str(by)}
    notices.owe(event, APPOINTMENT_TO_CONFIRM, others, url=page_of(appointment), **facts)
    return appointment


@transaction.atomic
def confirm_appointment(appointment: Appointment, *, by: User) -> AuditEvent:
    """Confirm what another officer proposed; the office begins today.

    Raises ValidationError when its proposer has left the Program office since, or the person has begun to
    work for a consortium.
    """

    def changes() -> dict[str, Any]:
        if not appointment.proposed_by.has_perm("program.appoint_office"):
            message = f"{appointment.proposed_by}, who proposed it, is no program officer any more."
            raise ValidationError(f"{message} Decline it, and propose it anew.")
        office = appoint(
            appointment.user, agency=appointment.agency, role=appointment.role, by=appointment.proposed_by,
            basis=appointment.basis, confirmed_by=by,
        )  # fmt: skip
        return {"decided_by": by, "office": office}

    event = perform(CONFIRM_APPOINTMENT, appointment, by=by, changes=changes)
    facts = {"person": str(appointment.user), "office": str(appointment), "by": str(by)}
    told = [appointment.proposed_by, appointment.user]
    notices.owe(event, APPOINTMENT_CONFIRMED, told, url=reverse("program:notices"), **facts)
    return event


@transaction.atomic
def decline_appointment(appointment: Appointment, *, by: User, reason: str) -> AuditEvent:
    """Decline what was proposed, or take back what one proposed, with the reason."""
    require(DECLINE_APPOINTMENT.permission(appointment), by, appointment)
    if not reason.strip():
        raise NotReady([Problem("reason", "Say why it is declined.", CLAUSE, field="reason")])
    event = perform(
        DECLINE_APPOINTMENT, appointment, by=by, note=reason,
        changes=lambda: {"decided_by": by, "reason": reason.strip()},
    )  # fmt: skip
    others = officers().exclude(pk__in=[by.pk, appointment.user_id])
    facts = {"person": str(appointment.user), "office": str(appointment), "by": str(by), "reason": reason}
    notices.owe(event, APPOINTMENT_DECLINED, others, url=page_of(appointment), **facts)
    return event


@transaction.atomic
def end_with_reason(office: Office, *, by: User, reason: str) -> Office:
    """End an office at once, with the reason; the other program officers are told.

    One officer alone may do so, since who has left must lose access at once, and may give up their own.
    Raises NotReady without a reason, and PermissionDenied for the last program officer.
    """
    if not reason.strip():
        raise NotReady([Problem("reason", "Say why the office ends.", CLAUSE, field="reason")])
    end_office(office, by=by, note=reason.strip())
    event = AuditEvent.objects.of(office).filter(act="office.end").latest("pk")
    others = officers().exclude(pk__in=[by.pk, office.user_id])
    facts = {"person": str(office.user), "office": str(office), "by": str(by), "reason": reason.strip()}
    notices.owe(event, OFFICE_ENDED, others, url=reverse("program:offices"), **facts)
    return office


def page_of(appointment: Appointment) -> str:
    return f"{reverse('program:offices')}#waiting"

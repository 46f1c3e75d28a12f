"""Who holds which office and who signs for whom: the records all government rights come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from program import clock, moments
from program.acts import fresh_sign_in_required
from program.enums import CONFIRMED_OFFICES, DELEGATORS, OfficeRole
from program.forms import AppointForm, DeclineForm, DelegateForm, EndOfficeForm
from program.lifecycle import CONFIRM_APPOINTMENT, DECLINE_APPOINTMENT
from program.models import Agency, Appointment, Delegation, Office
from program.refusals import record_refusal
from program.services import people
from program.services.appointments import (
    confirm_appointment,
    decline_appointment,
    end_with_reason,
    officers,
    propose_appointment,
)
from program.transitions import WrongStatus

if TYPE_CHECKING:
    from django.http import HttpResponse

    from program.requests import SignedInRequest


@require_safe
def office_list(request: SignedInRequest) -> HttpResponse:
    """Offices and delegations in force; for the Program office, auditors and those who may delegate."""
    return show_offices(request)


def show_offices(
    request: SignedInRequest, declining: tuple[int, DeclineForm] | None = None, status: int = 200
) -> HttpResponse:
    """The page; ``declining`` is the appointment whose form was refused, with what was typed in it."""
    if not may_read(request):
        raise Http404
    offices = (
        Office.objects.in_force()
        .exclude(role=OfficeRole.CLOCK)
        .select_related("user", "agency", "appointed_by")
    )
    delegations = Delegation.objects.in_force().select_related("agency", "given_by", "given_to")
    key, form = declining or (0, None)
    waiting = [
        Waiting(
            row,
            may_confirm=request.user.has_perm(CONFIRM_APPOINTMENT.permission(row), row),
            may_decline=request.user.has_perm(DECLINE_APPOINTMENT.permission(row), row),
            is_own=row.proposed_by_id == request.user.pk,
            form=form if form and row.pk == key else DeclineForm(prefix=f"appointment-{row.pk}"),
        )
        for row in Appointment.objects.visible_to(request.user).waiting().for_list()
    ]
    context = {
        "offices": offices.order_by("agency__sort_order", "agency__code", "role", "user__name"),
        "waiting": waiting,
        "delegations": delegations.order_by("agency__sort_order", "effective_from"),
        "may_appoint": request.user.has_perm("program.appoint_office"),
        "may_delegate": request.user.holds(*DELEGATORS),
    }
    return render(request, "program/desk/offices.html", context, status=status)


@dataclass(frozen=True)
class Waiting:
    """An appointment that waits for a second officer, and what the reader may do about it."""

    appointment: Appointment
    may_confirm: bool
    may_decline: bool
    is_own: bool
    form: DeclineForm


def may_read(request: SignedInRequest) -> bool:
    return request.user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR, *DELEGATORS)


@require_http_methods(["GET", "HEAD", "POST"])
@fresh_sign_in_required
def office_appoint(request: SignedInRequest) -> HttpResponse:
    """Appoint a person to an office."""
    if not request.user.has_perm("program.appoint_office"):
        raise Http404
    form = AppointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        is_confirmed = chosen["role"] in CONFIRMED_OFFICES
        facts = {name: chosen[name] for name in ("agency", "role", "basis")}
        try:
            if is_confirmed:
                propose_appointment(form.person, by=request.user, **facts)
            else:
                people.appoint(form.person, by=request.user, **facts)
        except ValidationError as error:
            form.add_error(None, error)
        except PermissionDenied as refusal:
            record_refusal(request, str(refusal))
            form.add_error("email", "Nobody appoints themselves. Ask another program officer.")
        else:
            done = (
                f"{form.person} is proposed. The office begins once a second officer has confirmed it."
                if is_confirmed
                else f"{form.person} now holds the office."
            )
            messages.success(request, done)
            return redirect("program:offices")
    return render(
        request, "program/desk/office_form.html", {"form": form}, status=422 if form.errors else 200
    )


@require_POST
@fresh_sign_in_required
def appointment_confirm(request: SignedInRequest, pk: int) -> HttpResponse:
    """Confirm what another officer proposed; the office begins."""
    appointment = _waiting(request, pk)
    try:
        confirm_appointment(appointment, by=request.user)
    except PermissionDenied as refusal:
        record_refusal(request, str(refusal))
        messages.error(request, "Another program officer confirms this appointment.")
    except (WrongStatus, ValidationError) as refusal:
        said = " ".join(refusal.messages) if isinstance(refusal, ValidationError) else str(refusal)
        messages.error(request, said)
    else:
        messages.success(request, f"{appointment.user} now holds the office “{appointment}”.")
    return redirect("program:offices")


@require_POST
def appointment_decline(request: SignedInRequest, pk: int) -> HttpResponse:
    """Decline what was proposed, or take one's own proposal back, with the reason."""
    appointment = _waiting(request, pk)
    form = DeclineForm(request.POST, prefix=f"appointment-{pk}")
    if not form.is_valid():
        return show_offices(request, (pk, form), status=422)
    try:
        decline_appointment(appointment, by=request.user, reason=form.cleaned_data["reason"])
    except PermissionDenied as refusal:
        record_refusal(request, str(refusal))
        messages.error(request, "Nobody decides on their own appointment. Ask another program officer.")
    except WrongStatus as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{appointment.user} is not appointed; the other officers are told.")
    return redirect("program:offices")


def _waiting(request: SignedInRequest, pk: int) -> Appointment:
    if not request.user.has_perm("program.appoint_office"):
        raise Http404
    return get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@fresh_sign_in_required
def office_end(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say what ends with an office, ask for the reason, and end it as of today."""
    if not request.user.has_perm("program.appoint_office"):
        raise Http404
    offices = Office.objects.in_force().exclude(role=OfficeRole.CLOCK).select_related("user", "agency")
    office = get_object_or_404(offices, pk=pk)
    form = EndOfficeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            end_with_reason(office, by=request.user, reason=form.cleaned_data["reason"])
        except PermissionDenied as refusal:
            record_refusal(request, str(refusal))
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{office.user} no longer holds the office “{office}”.")
            return redirect("program:offices" if office.user != request.user else "evaluation:desk")
    return show_ending(request, office, form)


def show_ending(request: SignedInRequest, office: Office, form: EndOfficeForm) -> HttpResponse:
    """The page before an office ends: what the person loses, what stays, and who is left to confirm."""
    theirs = Office.objects.in_force().filter(user=office.user)
    is_desk = office.role == OfficeRole.PROGRAM_OFFICER
    context = {
        "form": form,
        "office": office,
        "is_own": office.user == request.user,
        "kept": theirs.exclude(pk=office.pk).select_related("agency"),
        "given": Delegation.objects.in_force().filter(given_by=office.user).select_related("given_to"),
        "officers_left": officers().filter(is_active=True).exclude(pk=office.user_id).count()
        if is_desk
        else None,
        "is_confirmed": office.role in CONFIRMED_OFFICES,
    }
    return render(request, "program/desk/office_end.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@fresh_sign_in_required
def delegation_new(request: SignedInRequest) -> HttpResponse:
    """Let another person sign in one's stead."""
    agencies = Agency.objects.filter(code__in=request.user.agencies_as(*DELEGATORS))
    if not agencies:
        raise Http404
    form = DelegateForm(request.POST or None, agencies=agencies, initial={"effective_from": clock.today()})
    if request.method == "POST" and form.is_valid():
        chosen = {key: value for key, value in form.cleaned_data.items() if key != "email"}
        try:
            people.delegate(by=request.user, to=form.person, **chosen)
        except ValidationError as error:
            form.add_error(None, error)
        except PermissionDenied as refusal:
            record_refusal(request, str(refusal))
            form.add_error("act", "Only the holder of the office may delegate this act.")
        else:
            begins = moments.day(chosen["effective_from"])
            messages.success(request, f"{form.person} may sign in your stead from {begins}.")
            return redirect("program:offices")
    context = {"form": form, "is_delegation": True}
    return render(request, "program/desk/office_form.html", context, status=422 if form.errors else 200)


@require_POST
def delegation_end(request: SignedInRequest, pk: int) -> HttpResponse:
    """End a delegation that one gave."""
    delegation = get_object_or_404(Delegation.objects.in_force(), pk=pk, given_by=request.user)
    people.end_delegation(delegation, by=request.user)
    messages.success(request, f"{delegation.given_to} no longer signs in your stead.")
    return redirect("program:offices")

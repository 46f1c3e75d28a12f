"""What a draft call is made of, at the desk: requirements and criteria, each row on a page of its own."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from program.acts import attempt
from program.enums import CallStatus
from program.forms import CriterionForm, RequirementForm
from program.models import Criterion, Requirement
from program.requests import SignedInRequest
from program.revisions import StaleRevision, revision_read
from program.services import calls as services
from program.transitions import NotReady
from program.views.desk_calls import FORM, differences, find, program_office


@program_office
@require_http_methods(FORM)
def requirement_new(request: SignedInRequest, number: str) -> HttpResponse:
    return part_form(request, number, RequirementForm, Requirement(source="Program policy"))


@program_office
@require_http_methods(FORM)
def requirement(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    return part_form(request, number, RequirementForm, find_part(request, number, Requirement, pk))


@program_office
@require_POST
def requirement_remove(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    return part_remove(request, number, find_part(request, number, Requirement, pk))


@program_office
@require_http_methods(FORM)
def criterion_new(request: SignedInRequest, number: str) -> HttpResponse:
    return part_form(request, number, CriterionForm, Criterion())


@program_office
@require_http_methods(FORM)
def criterion(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    return part_form(request, number, CriterionForm, find_part(request, number, Criterion, pk))


@program_office
@require_POST
def criterion_remove(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    return part_remove(request, number, find_part(request, number, Criterion, pk))


def find_part(request: SignedInRequest, number: str, model: type[services.Part], pk: int) -> services.Part:
    return cast("services.Part", get_object_or_404(model, call=find(request, number), pk=pk))


def part_form(
    request: SignedInRequest,
    number: str,
    form_class: type[RequirementForm | CriterionForm],
    part: services.Part,
) -> HttpResponse:
    """Add or change one requirement or criterion of a draft."""
    part.call = find(request, number)
    if part.call.status != CallStatus.DRAFT:
        messages.info(request, "Requirements and rubric are frozen once a call is approved.")
        return redirect("program:desk-call", number)
    form = form_class(request.POST or None, instance=part)
    facts: dict[str, Any] = {
        "call": part.call,
        "form": form,
        "part": part if part.pk else None,
        "noun": noun_of(part),
    }
    if request.method == "POST" and form.is_valid():
        read = form.cleaned_data["revision"]
        try:
            if attempt(request, services.save_part, form.instance, done="Saved.", revision=read):
                return redirect("program:desk-call", number)
        except StaleRevision as stale:
            saved = form_class(instance=stale.record)
            facts |= {"conflict": str(stale), "both": differences(form, saved)}
            form.read_again(stale.record.revision)
            return render(request, "program/desk/part.html", facts, status=409)
        except NotReady as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as error:
            form.add_error(None, error)
    return render(request, "program/desk/part.html", facts, status=422 if form.errors else 200)


def noun_of(part: services.Part) -> str:
    return str(part._meta.verbose_name)


def part_remove(request: SignedInRequest, number: str, part: services.Part) -> HttpResponse:
    """Take a row out of a draft, as it was read; one that was changed since stays, and is shown."""
    read = revision_read(request.POST.get("revision", ""))
    done = f"The {noun_of(part)} was removed."
    try:
        attempt(request, services.remove_part, part, done=done, revision=read)
    except StaleRevision:
        message = f"Somebody changed this {noun_of(part)} meanwhile. It was not removed: read it again first."
        messages.warning(request, message)
        return redirect(request.path.removesuffix("remove/"))
    return redirect("program:desk-call", number)

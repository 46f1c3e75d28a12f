"""What a draft call is made of, at the desk: requirements, criteria, listed places, each row on its page."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from program import clock, scanner
from program.acts import attempt, lay_beside
from program.conflicts import differences, typed_in
from program.enums import CallStatus
from program.forms import (
    AddFileForm,
    CallFileForm,
    CriterionForm,
    JurisdictionForm,
    ReplaceFileForm,
    RequirementForm,
)
from program.intake import Refused, examine
from program.models import Call, CallFile, Criterion, IneligibleJurisdiction, Requirement
from program.models.calls import CODE_TAKEN
from program.receiving import say_what_was_left_out
from program.requests import SignedInRequest
from program.revisions import StaleRevision, revision_read
from program.services import calls as services
from program.services.call_files import (
    NO_ROOM,
    add_file,
    amend_files,
    has_room,
    release_file,
    remove_file,
)
from program.services.subscriptions import reach_of
from program.transitions import NotReady
from program.views.desk_calls import (
    FORM,
    carry_out,
    changed_in_public,
    find,
    open_no_more,
    program_office,
    show,
    telling_of_text,
)
from program.views.previews import preview_of, to_be_seen, typed_into
from program.withheld import withheld_for


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


@program_office
@require_http_methods(FORM)
def place_new(request: SignedInRequest, number: str) -> HttpResponse:
    new = IneligibleJurisdiction(effective_from=clock.today(), checked_on=clock.today())
    return part_form(request, number, JurisdictionForm, new)


@program_office
@require_http_methods(FORM)
def place(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    found = find_part(request, number, IneligibleJurisdiction, pk)
    return part_form(request, number, JurisdictionForm, found)


@program_office
@require_POST
def place_remove(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    return part_remove(request, number, find_part(request, number, IneligibleJurisdiction, pk))


@program_office
@require_http_methods(FORM)
def file_new(request: SignedInRequest, number: str) -> HttpResponse:
    """Put a file with a draft; it is examined before, and scanned after it is kept."""
    call = find(request, number)
    if call.status != CallStatus.DRAFT:
        messages.info(request, "The files of a call are frozen once it is approved.")
        return redirect("program:desk-call", number)
    form = CallFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        say_what_was_left_out(request, form)
        if form.is_valid():
            upload, title = form.cleaned_data["file"], form.cleaned_data["title"]
            try:
                found = examine(upload, upload.name or "")
                if attempt(
                    request, add_file, call, upload, done="The file was added.", found=found, title=title
                ):
                    return redirect("program:desk-call", number)
            except Refused as refusal:
                form.add_error("file", f"{refusal.message} {refusal.what_to_do}".strip())
            except NotReady as refusal:
                form.add_error("file", str(refusal))
    facts = {"call": call, "form": form, "noun": "file"}
    return render(request, "program/desk/part.html", facts, status=422 if form.errors else 200)


@program_office
@require_POST
def file_remove(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    file = get_object_or_404(CallFile, call=find(request, number), pk=pk)
    attempt(request, remove_file, file, done="The file was removed.")
    return redirect("program:desk-call", number)


@program_office
@require_POST
def file_release(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    file = get_object_or_404(CallFile, call=find(request, number), pk=pk)
    try:
        attempt(request, release_file, file, done="The file can be downloaded, although it was not scanned.")
    except NotReady as refusal:
        messages.warning(request, str(refusal))
    return redirect("program:desk-call", number)


@program_office
@require_http_methods(FORM)
def file_add(request: SignedInRequest, number: str) -> HttpResponse:
    """Add a file to an open call by an amendment."""
    call = find(request, number)
    return amend_by_file(request, call, AddFileForm, None)


@program_office
@require_http_methods(FORM)
def file_amend(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    """Put another file in the place of one of an open call, or withdraw it, by an amendment."""
    call = find(request, number)
    files = CallFile.objects if request.method == "POST" else CallFile.objects.current()
    file = get_object_or_404(files.select_related("document"), call=call, pk=pk)
    return amend_by_file(request, call, ReplaceFileForm, file)


def amend_by_file(
    request: SignedInRequest, call: Call, form_class: type[AddFileForm], file: CallFile | None
) -> HttpResponse:
    """A form for one change of the documents of an open call; a stale one says what was changed.

    Where somebody is told, the file is chosen once the mail was seen: a browser sends it once.
    """
    reach = reach_of(call)
    takes_file = not reach.is_any or "seen" in request.POST
    form = form_class(
        request.POST or None,
        request.FILES or None,
        initial={"revision": call.revision},
        takes_file=takes_file,
    )
    if call.status != CallStatus.ISSUED:
        return open_no_more(request, call.number, form)
    facts: dict[str, Any] = {"call": call, "form": form, "file": file, "reach": reach}
    facts["scanner_is_set"] = scanner.is_set()
    facts["opens"] = file is not None and not withheld_for(file.document)
    status = 200
    if request.method == "POST":
        status = 422
        if takes_file:
            say_what_was_left_out(request, form)
        if form.is_valid() and file is None and not has_room(call):
            form.add_error(None, NO_ROOM)
        if reach.is_any and form.is_bound and "summary" in form.cleaned_data:
            telling = telling_of_text(call, form.cleaned_data)
            facts["preview"] = preview_of(
                call, telling, reach=reach, typed=typed_into(request, "summary", "reason", "legal_basis")
            )
            is_stale = form.cleaned_data.get("revision") != call.revision
            if form.is_valid() and not is_stale and to_be_seen(request, facts["preview"]):
                facts["form"] = form_class(initial=form.cleaned_data)
                if request.FILES:
                    messages.warning(
                        request, "What is published has changed. Read it and choose the file again."
                    )
                return render(request, "program/desk/amend_file.html", facts)
        if form.is_valid():
            details = dict(form.cleaned_data)
            upload, _ = details.pop("file"), details.pop("is_withdrawn", None)
            done = "The amendment is public, and all who follow are told."
            if upload and not scanner.is_set():
                done += " Its file does not open yet: allow the download below, under “Documents”."
            try:
                found = examine(upload, upload.name or "") if upload else None
                if attempt(
                    request, amend_files, call, done=done, file=upload, found=found, withdrawn=file, **details
                ):
                    return redirect("program:desk-call", call.number)
                facts["typed"] = typed_in(form)
                status = 409
            except StaleRevision as stale:
                facts["changes"] = changed_in_public(stale.record)
                form.read_again(stale.record.revision)
                status = 409
            except Refused as refusal:
                form.add_error("file", f"{refusal.message} {refusal.what_to_do}".strip())
            except NotReady as refusal:
                for problem in lay_beside(form, refusal.problems):
                    form.add_error(None, problem.message)
            except ValidationError as error:
                form.add_error(None, error.messages)
    return render(request, "program/desk/amend_file.html", facts, status=status)


@program_office
@require_POST
def requirement_from_library(request: SignedInRequest, number: str) -> HttpResponse:
    return from_library(request, number, Requirement)


@program_office
@require_POST
def criterion_from_library(request: SignedInRequest, number: str) -> HttpResponse:
    return from_library(request, number, Criterion)


def from_library(request: SignedInRequest, number: str, model: type[Requirement | Criterion]) -> HttpResponse:
    """Put one entry of the library back into a draft; pressed twice, it stands there once."""
    code = request.POST.get(f"{services.NOUNS[model]}-code", "")
    done = "The entry of the library was added."
    return carry_out(request, number, services.add_from_library, done, model=model, code=code)


def find_part(request: SignedInRequest, number: str, model: type[services.Part], pk: int) -> services.Part:
    return cast("services.Part", get_object_or_404(model, call=find(request, number), pk=pk))


def part_form(
    request: SignedInRequest,
    number: str,
    form_class: type[RequirementForm | CriterionForm | JurisdictionForm],
    part: services.Part,
) -> HttpResponse:
    """Add or change one row of a draft."""
    part.call = find(request, number)
    form = form_class(request.POST or None, instance=part)
    if part.call.status != CallStatus.DRAFT:
        return frozen(request, number, form)
    facts: dict[str, Any] = {
        "call": part.call,
        "form": form,
        "part": part if part.pk else None,
        "noun": noun_of(part),
        "remove": part.pk and reverse(f"program:{services.NOUNS[type(part)]}-remove", args=[number, part.pk]),
    }
    if request.method == "POST" and form.is_valid():
        more = {name: form.cleaned_data[name] for name in ("revision", "agencies") if name in form.fields}
        try:
            if attempt(request, services.save_part, form.instance, done="Saved.", **more):
                return redirect("program:desk-call", number)
            return frozen(request, number, form)
        except StaleRevision as stale:
            saved = form_class(instance=stale.record)
            facts |= {"conflict": str(stale), "both": differences(form, saved)}
            form.read_again(stale.record.revision)
            return render(request, "program/desk/part.html", facts, status=409)
        except NotReady as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as error:
            for name, found in error.error_dict.items():
                for each in found:
                    form.add_error("code" if each.code == CODE_TAKEN else name, each)
    return render(request, "program/desk/part.html", facts, status=422 if form.errors else 200)


def frozen(request: SignedInRequest, number: str, form: ModelForm) -> HttpResponse:
    """The page of a call that is no draft any more, with what somebody typed into a form for one."""
    if request.method != "POST":
        message = "Requirements, rubric and listed places are frozen once a call is approved."
        messages.info(request, message)
        return redirect("program:desk-call", number)
    return show(request, find(request, number), status=409, typed=typed_in(form))


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

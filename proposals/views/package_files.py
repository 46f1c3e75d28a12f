"""The package file: export it, upload it, see what it would change, take it over; and its public schema."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from program import clock
from program.limits import limited
from program.order import implements
from program.requests import SignedInRequest
from program.transitions import NotReady
from proposals import services
from proposals.comparison import shown_change
from proposals.enums import Part
from proposals.forms.package_files import PackageUploadForm, TakeOverForm
from proposals.merging import Merge, called
from proposals.models import PackageUpload
from proposals.package import SCHEMA_ID, SCHEMA_VERSION
from proposals.package_file import LARGEST, FileRefused, PackageFile, file_schema, read_file, write_file
from proposals.views.workspace import LOOK_ONLY, Workspace, show, to_edit, whole_workspace
from proposals.wording import names_in
from proposals.workbook import CONTENT_TYPE, read_workbook, write_workbook

PAGE = "package"


@implements("s.3(b)")
@require_http_methods(["GET", "HEAD", "POST"])
def package(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take the package with you as a file, and bring a file back; a POST reads one and changes nothing."""
    space = whole_workspace(request, pk, PAGE)
    if request.method != "POST":
        return package_page(request, space, PackageUploadForm())
    proposal = to_edit(request, pk)
    form, problems = PackageUploadForm(request.POST, request.FILES), []
    if form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            file = read_upload(upload.read(LARGEST + 1), upload.name)
            services.keep_upload(proposal, file, by=request.user, name=upload.name)
        except FileRefused as refusal:
            problems = refusal.problems
        else:
            return redirect("proposals:package-import", pk)
    return package_page(request, space, form, problems, status=422)


def package_page(
    request: SignedInRequest,
    space: Workspace,
    form: PackageUploadForm,
    problems: list[Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    waiting = PackageUpload.objects.filter(
        proposal=space.proposal, uploaded_by=request.user, taken_at=None
    ).first()
    facts = {
        "form": form,
        "problems": problems or [],
        "version": SCHEMA_VERSION,
        "waiting": waiting,
        "may_begin": request.user.has_perm("proposals.add_proposal", space.proposal.consortium),
    }
    return show(request, "proposals/package.html", space, facts, status=status)


@require_safe
@limited("export")
def package_json(request: SignedInRequest, pk: int) -> HttpResponse:
    """The working copy as one JSON file, with what each row says now."""
    space = whole_workspace(request, pk, PAGE)
    text = write_file(space.progress.package, proposal=pk, at=clock.now())
    return attachment(text, f"{name_of(space)}.json", "application/json")


@require_safe
@limited("export")
def package_workbook(request: SignedInRequest, pk: int) -> HttpResponse:
    """The same file as a workbook for a spreadsheet program."""
    space = whole_workspace(request, pk, PAGE)
    text = write_file(space.progress.package, proposal=pk, at=clock.now())
    return attachment(write_workbook(text), f"{name_of(space)}.xlsx", CONTENT_TYPE)


def read_upload(content: bytes, name: str) -> PackageFile:
    """A package file, or a workbook by the ending of its name."""
    is_workbook = name.lower().endswith((".xlsx", ".xlsm", ".xls")) or content.startswith(b"PK")
    return read_workbook(content) if is_workbook else read_file(content)


def name_of(space: Workspace) -> str:
    return f"{space.proposal.number or f'draft-{space.proposal.pk}'}-package"


def attachment(content: str | bytes, name: str, content_type: str) -> HttpResponse:
    """A file to keep, under a name that the portal chose."""
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@limited("upload", method="POST")
def package_import(request: SignedInRequest, pk: int) -> HttpResponse:
    """What the uploaded file would change, row by row; a POST takes over exactly that."""
    proposal = to_edit(request, pk)
    upload = PackageUpload.objects.filter(proposal=proposal, uploaded_by=request.user).first()
    if upload is None or upload.taken_at:
        said = "This file is taken over already." if upload else "Choose a file first."
        messages.info(request, said)
        return redirect("proposals:package", pk)
    if request.method != "POST":
        return import_page(request, upload)
    form = TakeOverForm(request.POST)
    if not form.is_valid():
        return import_page(request, upload, status=422)
    if form.cleaned_data["upload"] != upload.pk:
        return import_page(request, upload, is_stale=True, status=409)
    sha256 = form.cleaned_data["shown_sha256"]
    ticks = ticked(request, upload, everything=form.cleaned_data["remove_all"])
    try:
        event = services.import_package(upload, by=request.user, shown_sha256=sha256, **ticks)
    except services.ChangedMeanwhile:
        return import_page(request, upload, is_stale=True, status=409)
    except NotReady as refusal:
        return import_page(request, upload, problems=refusal.problems, status=422)
    if event is None:
        messages.info(request, "The file says what the working copy says; nothing was changed.")
    else:
        note = event.said["note"]
        messages.success(request, f"The file was taken over. {note}")
    return redirect("proposals:detail", pk)


def ticked(request: SignedInRequest, upload: PackageUpload, *, everything: bool) -> dict[str, frozenset[str]]:
    """The rows that the person ticked: to take from the file, and to remove."""
    remove = frozenset(request.POST.getlist("remove"))
    if everything:
        space = whole_workspace(request, upload.proposal_id, PAGE)
        remove |= {entry.key for entry in merged(request, space, upload).removable}
    return {"take": frozenset(request.POST.getlist("take")), "remove": remove}


def merged(request: SignedInRequest, space: Workspace, upload: PackageUpload) -> Merge:
    return services.what_would_change(
        space.proposal, read_file(upload.content.encode()), by=request.user, current=space.progress.package
    )


def import_page(
    request: SignedInRequest,
    upload: PackageUpload,
    *,
    problems: list[Any] | None = None,
    is_stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    space = whole_workspace(request, upload.proposal_id, PAGE)
    if not space.may_edit:
        raise PermissionDenied(LOOK_ONLY)
    found = merged(request, space, upload)
    refusals = problems or found.errors
    names = names_in(found.target, found.current)
    changes = [shown_change(change, names) for change in found.changes]
    take, remove = request.POST.getlist("take"), request.POST.getlist("remove")
    clashes = [
        {
            "key": clash.key,
            "is_gone": clash.here is None,
            "is_ticked": clash.key in take,
            **shown_change(clash.change, names),
        }
        for clash in found.clashes
    ]
    removable = [
        {
            "key": entry.key,
            "part": entry.part,
            "name": called(entry),
            "is_touched": entry.key in found.touched,
            "is_ticked": entry.key in remove,
        }
        for entry in found.removable
    ]
    facts: dict[str, Any] = {
        "upload": upload,
        "refusals": [space.progress.linked(problem) for problem in refusals],
        "is_stale": is_stale,
        "groups": [(part, [c for c in changes if c["part"] == part]) for part in Part],
        "change_count": len(changes),
        "clashes": clashes,
        "removable": removable,
        "kept": [(entry.part, called(entry)) for entry in found.kept],
        "left_out": list(dict.fromkeys(found.left_out)),
        "shown_sha256": found.current.sha256,
        "is_nothing": not (changes or clashes or removable),
    }
    return show(request, "proposals/package_import.html", space, facts, status=status)


# The published schema


@login_not_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """How a package file is written, for who prepares one outside the portal."""
    return render(request, "proposals/package_schema.html", {"version": SCHEMA_VERSION, "id": SCHEMA_ID})


@login_not_required
@require_safe
def schema_json(request: HttpRequest) -> HttpResponse:
    """The JSON Schema of version 1.0."""
    text = json.dumps(file_schema(), indent=2, ensure_ascii=False)
    return HttpResponse(text, content_type="application/schema+json")

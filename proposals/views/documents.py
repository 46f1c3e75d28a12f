"""Files of a proposal: upload and download; the record that points to a file decides who reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from program.documents import SHOWN_KIND, Withheld, download_response, shown_response, shows_in_page
from program.intake import Refused, examine
from program.models import Document
from program.receiving import say_what_was_left_out
from program.requests import SignedInRequest
from program.revisions import StaleRevision, revision_read
from program.transitions import NotReady
from program.withheld import withheld_for
from proposals import services
from proposals.confidentiality import blanket
from proposals.enums import Part
from proposals.files import files_of_version, kept_as
from proposals.forms.submissions import AgainForm, IncomingFile, UploadForm
from proposals.models import Attachment, Proposal, ReplacedFile, Upload, Version
from proposals.notices import desk_address
from proposals.views.workspace import AWAY, LOOK_ONLY, Workspace, seen, show, to_edit, workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.files import File

    from program.intake import Examined

CHOOSE_AGAIN = "Choose the file again: what was sent before is not kept any more."
ONLY_PDF = "Only a PDF is shown in the page."
UNFINISHED = "Choose the same file again: the upload goes on where it stopped."


def facts_of_documents(space: Workspace, form: UploadForm | None = None) -> dict[str, object]:
    """The files of the working copy, with what is missing at each."""
    rows = [
        {
            "row": row,
            "todo": len(space.progress.problems_of(f"attachment-{row.pk}")),
            "withheld": withheld_for(row.document),
        }
        for row in space.attachments
    ]
    form = form or UploadForm()
    unfinished = Upload.objects.filter(proposal=space.proposal, begun_by=space.user, attachment=None)
    sent = list(unfinished) if space.may_edit else []
    return {
        "rows": rows,
        "upload": form,
        "arrived": [one for one in sent if one.is_whole and str(one.pk) == str(form["upload"].value())],
        **warnings_of(space),
        "unfinished": sent,
    }


def warnings_of(space: Workspace) -> dict[str, object]:
    """What stands in the way of nothing, but of a reader: marks that say nothing, files that do not open."""
    return {
        "blanket": blanket([row.mark for row in space.attachments]),
        "unscanned_count": sum(1 for row in space.attachments if withheld_for(row.document) == "unscanned"),
    }


@require_POST
def document_add(request: SignedInRequest, pk: int) -> HttpResponse:
    """Examine a file, keep it and put it into a part; a refusal says in words what to do."""
    space = workspace(request, pk, Part.DOCUMENTS)
    if not space.may_edit:
        raise PermissionDenied(LOOK_ONLY)
    form = UploadForm(request.POST, request.FILES)
    say_what_was_left_out(request, form)
    if form.is_valid():
        data = form.cleaned_data
        row_key = known_row(space, request.POST.get("row_key", ""))

        def keep(file: File[Any], found: Examined) -> Attachment:
            return services.add_file(
                space.proposal,
                file,
                found=found,
                by=request.user,
                part=data["part"],
                caption=data["caption"],
                mark=data["mark"],
                justification=data["justification"],
                row_key=row_key,
                is_released=bool(data.get("is_released")),
            )

        attachment = taken(request, space.proposal, form, keep)
        if attachment is not None:
            messages.success(request, f"{attachment.document.name} was added.")
            if row_key:
                return redirect("proposals:row-edit", pk, data["part"], row_key)
            return redirect("proposals:part", pk, Part.DOCUMENTS)
    facts = {"part": Part.DOCUMENTS, "error_form": form, "missing": [], **facts_of_documents(space, form)}
    return show(request, "proposals/parts/documents.html", space, facts)


def taken(
    request: SignedInRequest,
    proposal: Proposal,
    form: IncomingFile,
    keep: Callable[[File[Any], Examined], Attachment],
) -> Attachment | None:
    """What ``keep`` makes of the file of a valid form, sent with it or before it in pieces.

    None when the file was refused; the form then says why. The file is examined before any transaction.
    """
    data = form.cleaned_data
    try:
        if data.get("file"):
            return keep(data["file"], examine(data["file"], data["file"].name))
        rows = Upload.objects.select_related("attachment__document")
        sent = rows.filter(proposal=proposal, begun_by=request.user, pk=data["upload"]).first()
        if sent is not None:
            return services.finish_upload(sent, by=request.user, keep=keep)
        form.add_error("file", CHOOSE_AGAIN)
    except Refused as refusal:
        form.add_error("file", f"{refusal.message} {refusal.what_to_do}".strip())
    except services.WrongOffset as wrong:
        form.add_error("file", f"{wrong} {UNFINISHED}")
    return None


def known_row(space: Workspace, row_key: str) -> str:
    """``row_key`` when it names a component of the package, else ""."""
    known = {component.key for component in space.progress.package.components}
    return row_key if row_key in known else ""


@require_POST
def document_replace(request: SignedInRequest, pk: int, attachment: int) -> HttpResponse:
    """Put a newer file in the place of an earlier one, which stays listed."""
    proposal = to_edit(request, pk)
    found = present(proposal, attachment)
    form = IncomingFile(request.POST, request.FILES)
    say_what_was_left_out(request, form)
    back = redirect("proposals:row-edit", pk, Part.DOCUMENTS, found.key)
    revision = revision_read(request.POST.get("revision", ""))

    def keep(file: File[Any], examined: Examined) -> Attachment:
        return services.replace_file(
            found,
            file,
            found=examined,
            by=request.user,
            revision=revision,
            is_released=bool(form.cleaned_data.get("is_released")),
        )

    try:
        done = taken(request, proposal, form, keep) if form.is_valid() else None
    except StaleRevision:
        messages.warning(
            request, "The file was not replaced: somebody changed it after you opened it. Look again."
        )
        return back
    if done is None:
        for error in form.errors.get("file", []):
            messages.error(request, f"The file was not replaced. {error}")
    else:
        messages.success(
            request, f"{done.document.name} is now the file. The earlier one stays listed below."
        )
    return back


@require_POST
def document_again(request: SignedInRequest, pk: int, attachment: int) -> HttpResponse:
    """Let another part point to the same file; it is stored once."""
    proposal = to_edit(request, pk)
    found = present(proposal, attachment)
    form = AgainForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was added. Choose a part of the package.")
        return redirect("proposals:row-edit", pk, Part.DOCUMENTS, found.key)
    data = form.cleaned_data
    try:
        new = services.attach_again(found, by=request.user, part=data["part"], caption=data["caption"])
    except NotReady as refusal:
        messages.warning(request, " ".join(problem.message for problem in refusal.problems))
        return redirect("proposals:row-edit", pk, Part.DOCUMENTS, found.key)
    messages.success(request, f"{new.document.name} is now in {new.get_part_display().lower()}, too.")
    return redirect("proposals:row-edit", pk, Part.DOCUMENTS, new.key)


@require_POST
def document_release(request: SignedInRequest, pk: int, attachment: int) -> HttpResponse:
    """Let a file be downloaded although it was not scanned."""
    proposal = seen(request, pk)
    if not request.user.has_perm("proposals.release_proposal", proposal):
        raise PermissionDenied(LOOK_ONLY)
    found = present(proposal, attachment)
    try:
        services.release_file(found, by=request.user)
    except NotReady as refusal:
        messages.warning(request, " ".join(problem.message for problem in refusal.problems))
    else:
        messages.success(request, f"{found.document.name} can be downloaded by who may read the proposal.")
    return redirect("proposals:part", pk, Part.DOCUMENTS)


def present(proposal: Proposal, attachment: int) -> Attachment:
    """A file that is in the package now."""
    rows = Attachment.objects.select_related("proposal", "document").filter(
        proposal=proposal, removed_at=None
    )
    return get_object_or_404(rows, pk=attachment)


@require_safe
def document_download(request: SignedInRequest, pk: int, attachment: int) -> HttpResponseBase:
    """A file of the working copy, for its consortium and counsel."""
    found = present(draft_seen(request, pk), attachment)
    return hand_out(request, found.document, reverse("proposals:part", args=[pk, Part.DOCUMENTS]))


@require_safe
def document_earlier(request: SignedInRequest, pk: int, attachment: int, replaced: int) -> HttpResponseBase:
    """A file that a newer one has replaced, for its consortium and counsel."""
    found = present(draft_seen(request, pk), attachment)
    rows = ReplacedFile.objects.select_related("document").filter(attachment=found)
    earlier = get_object_or_404(rows, pk=replaced)
    back = reverse("proposals:row-edit", args=[pk, Part.DOCUMENTS, found.key])
    return hand_out(request, earlier.document, back)


def draft_seen(request: SignedInRequest, pk: int) -> Proposal:
    """The proposal, for who may read its working copy; 404 for strangers, 403 for government offices."""
    proposal = seen(request, pk)
    if not request.user.has_perm("proposals.view_draft_proposal", proposal):
        raise PermissionDenied(AWAY)
    return proposal


@require_safe
def version_document(request: SignedInRequest, pk: int, number: int, sha256: str) -> HttpResponseBase:
    """A file as a submitted version names it, by its hash; a government reading is recorded."""
    version, kept = file_seen(request, pk, number, sha256)
    return read_file(request, version, kept, download_response)


@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]
@require_safe
def version_document_page(request: SignedInRequest, pk: int, number: int, sha256: str) -> HttpResponse:
    """A PDF of a submitted version in the page, by the browser's viewer; a government reading is recorded."""
    version, kept = file_seen(request, pk, number, sha256)
    if kept.kind != SHOWN_KIND:
        raise Http404(ONLY_PDF)
    if not shows_in_page(kept):
        return withheld(request, Withheld(withheld_for(kept) or "unscanned"), back_to(version))
    services.record_reading(version, by=request.user, document=kept)
    by_office = request.user.has_perm("proposals.read_by_office_proposal", version.proposal)
    facts = {
        "version": version,
        "proposal": version.proposal,
        "file": files_of_version(version).of_hash(sha256),
        "back": f"{desk_address(version.proposal)}?version={number}" if by_office else back_to(version),
    }
    return render(request, "proposals/version_file.html", facts)


@require_safe
def version_document_shown(request: SignedInRequest, pk: int, number: int, sha256: str) -> HttpResponseBase:
    """The PDF alone, for the frame of its page."""
    version, kept = file_seen(request, pk, number, sha256)
    if kept.kind != SHOWN_KIND:
        raise Http404(ONLY_PDF)
    return read_file(request, version, kept, shown_response)


def file_seen(request: SignedInRequest, pk: int, number: int, sha256: str) -> tuple[Version, Document]:
    """A version that the person may see and a file that it names and the portal keeps; else 404."""
    rows = Version.objects.visible_to(request.user).select_related("proposal")
    version = get_object_or_404(rows, proposal=pk, number=number)
    if all(file.sha256 != sha256 for file in version.value.documents):
        raise Http404
    kept = kept_as(version, [sha256]).get(sha256)
    if kept is None:
        raise Http404
    return version, kept


def read_file(
    request: SignedInRequest,
    version: Version,
    kept: Document,
    answer_with: Callable[[Document], HttpResponseBase],
) -> HttpResponseBase:
    """Hand out a file of a version, or say why it is withheld; a government reading is recorded."""
    try:
        answer = answer_with(kept)
    except Withheld as reason:
        return withheld(request, reason, back_to(version))
    services.record_reading(version, by=request.user, document=kept)
    return answer


def back_to(version: Version) -> str:
    """The page that lists the files of a version."""
    return reverse("proposals:version", args=[version.proposal_id, version.number])


def hand_out(request: SignedInRequest, document: Document, back: str) -> HttpResponseBase:
    try:
        return download_response(document)
    except Withheld as reason:
        return withheld(request, reason, back)


def withheld(request: SignedInRequest, reason: Withheld, back: str) -> HttpResponse:
    """Lead back to the page that lists the file, with why it is not handed out."""
    messages.warning(request, str(reason))
    return redirect(back)

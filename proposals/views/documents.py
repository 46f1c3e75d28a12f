"""Files of a proposal: upload and download; the record that points to a file decides who reads it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from program.documents import Withheld, download_response, store_document
from program.intake import Refused
from program.models import Document
from program.requests import SignedInRequest
from proposals import services
from proposals.enums import Part
from proposals.forms.submissions import UploadForm
from proposals.models import Attachment, Version
from proposals.views.workspace import AWAY, LOOK_ONLY, Workspace, seen, show, workspace


def facts_of_documents(space: Workspace, form: UploadForm | None = None) -> dict[str, object]:
    """The files of the working copy, with what is missing at each."""
    rows = [(row, len(space.progress.problems_of(f"attachment-{row.pk}"))) for row in space.attachments]
    marked = sum(1 for row, _ in rows if row.mark == "business_confidential")
    return {"rows": rows, "upload": form or UploadForm(), "is_blanket": len(rows) > 1 and marked == len(rows)}


@require_POST
def document_add(request: SignedInRequest, pk: int) -> HttpResponse:
    """Examine a file, keep it and put it into a part; a refusal says in words what to do."""
    space = workspace(request, pk, Part.DOCUMENTS)
    if not space.may_edit:
        raise PermissionDenied(LOOK_ONLY)
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        data = form.cleaned_data
        row_key = request.POST.get("row_key", "")[:60]
        known = {component.key for component in space.progress.package.components}
        try:
            with transaction.atomic():
                document = store_document(
                    data["file"], by=request.user, mark=data["mark"], justification=data["justification"]
                )
                services.attach_document(
                    space.proposal,
                    document,
                    by=request.user,
                    part=data["part"],
                    caption=data["caption"],
                    row_key=row_key if row_key in known else "",
                )
        except Refused as refusal:
            form.add_error("file", f"{refusal.message} {refusal.what_to_do}".strip())
        else:
            messages.success(request, f"{document.name} was added.")
            if row_key in known:
                return redirect("proposals:row-edit", pk, data["part"], row_key)
            return redirect("proposals:part", pk, Part.DOCUMENTS)
    facts = {"part": Part.DOCUMENTS, "error_form": form, "missing": [], **facts_of_documents(space, form)}
    return show(request, "proposals/parts/documents.html", space, facts)


@require_safe
def document_download(request: SignedInRequest, pk: int, attachment: int) -> HttpResponseBase:
    """A file of the working copy, for its consortium and counsel."""
    proposal = seen(request, pk)
    if not request.user.has_perm("proposals.view_draft_proposal", proposal):
        raise PermissionDenied(AWAY)
    rows = Attachment.objects.select_related("document").filter(proposal=proposal, removed_at=None)
    found = get_object_or_404(rows, pk=attachment)
    return hand_out(request, found.document, reverse("proposals:part", args=[pk, Part.DOCUMENTS]))


@require_safe
def version_document(request: SignedInRequest, pk: int, number: int, sha256: str) -> HttpResponseBase:
    """A file as a submitted version names it, by its hash; a government reading is recorded."""
    rows = Version.objects.visible_to(request.user).select_related("proposal")
    version = get_object_or_404(rows, proposal=pk, number=number)
    if all(file.sha256 != sha256 for file in version.value.documents):
        raise Http404
    attached = Document.objects.filter(attachments__proposal=pk, sha256=sha256).order_by("pk").first()
    if attached is None:
        raise Http404
    back = reverse("proposals:version", args=[pk, number])
    services.record_reading(version, by=request.user, document=attached)
    return hand_out(request, attached, back)


def hand_out(request: SignedInRequest, document: Document, back: str) -> HttpResponseBase:
    try:
        return download_response(document)
    except Withheld as reason:
        messages.warning(request, str(reason))
        return redirect(back)

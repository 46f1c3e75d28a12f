"""A file in pieces, for the page's script: begin, where it stands, the next piece, discard."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from program.intake import Refused
from program.limits import limited
from program.requests import SignedInRequest, number_said
from proposals import services
from proposals.enums import Part
from proposals.models import Upload
from proposals.services.uploads import LARGEST_PIECE, PIECE
from proposals.views.workspace import to_edit


@require_POST
@limited("upload")
def upload_begin(request: SignedInRequest, pk: int) -> HttpResponse:
    """Announce a file by name, size and SHA-256; the answer says from which byte to send."""
    proposal = to_edit(request, pk)
    size = request.POST.get("size", "")
    name, digest = request.POST.get("name", "")[:1000], request.POST.get("sha256", "")[:100]
    try:
        upload = services.begin_upload(
            proposal,
            by=request.user,
            name=name,
            size=number_said(size, digits=15) or 0,
            sha256=digest,
        )
    except Refused as refusal:
        return refused(refusal)
    return JsonResponse(standing(upload), status=201 if upload.received == 0 else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: SignedInRequest, pk: int, upload: int) -> HttpResponse:
    """Where an upload stands; a POST adds the bytes of its body at ``Upload-Offset``."""
    found = own_upload(request, pk, upload)
    if request.method != "POST":
        return JsonResponse({**standing(found), "token": get_token(request)})
    offset = number_said(request.headers.get("Upload-Offset", ""), digits=15)
    if offset is None:
        problem = "The header Upload-Offset is missing: the number of the first byte of this piece."
        return JsonResponse({"code": "offset", "message": problem, **standing(found)}, status=400)
    try:
        content = request.body
    except RequestDataTooBig:
        content = bytes(LARGEST_PIECE + 1)
    except UnreadablePostError:
        return JsonResponse(
            {"code": "cut", "message": "The piece was cut short.", **standing(found)}, status=400
        )
    if len(content) > LARGEST_PIECE:
        problem = f"A piece has at most {LARGEST_PIECE:,} bytes."
        return JsonResponse({"code": "piece-too-large", "message": problem, **standing(found)}, status=413)
    try:
        found = services.add_piece(found, by=request.user, offset=offset, content=content)
    except services.WrongOffset as wrong:
        facts = {"code": "wrong-offset", "message": str(wrong), **standing(wrong.upload)}
        return JsonResponse(facts, status=409)
    except Refused as refusal:
        return refused(refusal)
    return JsonResponse(standing(found))


@require_POST
def upload_discard(request: SignedInRequest, pk: int, upload: int) -> HttpResponse:
    """Forget an unfinished upload of one's own."""
    found = own_upload(request, pk, upload)
    services.drop_upload(found, by=request.user)
    messages.success(request, f"Discarded: the unfinished upload of {found.name}.")
    return redirect("proposals:part", pk, Part.DOCUMENTS)


def own_upload(request: SignedInRequest, pk: int, upload: int) -> Upload:
    """An upload that the person began in a proposal that they may change; 404 for everything else."""
    proposal = to_edit(request, pk)
    rows = Upload.objects.select_related("attachment").filter(proposal=proposal, begun_by=request.user)
    return get_object_or_404(rows, pk=upload)


def standing(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.pk,
        "offset": upload.received,
        "size": upload.size,
        "piece": PIECE,
        "url": reverse("proposals:upload", args=[upload.proposal_id, upload.pk]),
    }


def refused(refusal: Refused) -> JsonResponse:
    facts = {"code": refusal.code, "message": f"{refusal.message} {refusal.what_to_do}".strip()}
    return JsonResponse(facts, status=507 if refusal.code == "no-room" else 422)

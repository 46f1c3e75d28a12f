"""The packet of a determination as canonical JSON and as a PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST, require_safe

from evaluation import services
from evaluation.enums import DeterminationStatus
from evaluation.models import Determination
from evaluation.packets import packet_text
from evaluation.services.papers import paper_of_packet
from program.canonical import sha256_hex
from program.documents import Withheld, download_response
from program.enums import PaperState
from proposals.services import record_reading
from proposals.views.documents import withheld

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from program.requests import SignedInRequest


@require_GET
def packet_json(request: SignedInRequest, pk: int) -> HttpResponse:
    """The packet as canonical JSON: as it stands, or as it was signed."""
    found = get_object_or_404(Determination.objects.visible_to(request.user).for_list(), pk=pk)
    record_reading(found.version, by=request.user)
    response = HttpResponse(packet_text(found), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{found.proposal.number}-packet.json"'
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def packet_ask(request: SignedInRequest, pk: int) -> HttpResponse:
    """Have the PDF of the packet made, as it stands at this moment or as it was signed."""
    found = get_object_or_404(Determination.objects.visible_to(request.user).for_list(), pk=pk)
    record_reading(found.version, by=request.user)
    paper = services.ask_packet_pdf(found, by=request.user)
    if paper.state == PaperState.OWED:
        messages.success(request, "The PDF is being made. This page shows it when it is ready.")
    return redirect(f"{reverse('evaluation:determination', args=[pk])}#packet")


@require_safe
def packet_state(request: SignedInRequest, pk: int) -> HttpResponse:
    """How the making of the PDF stands, for the page that waits; nothing while it stands as ``shown``."""
    found = get_object_or_404(Determination.objects.visible_to(request.user).for_list(), pk=pk)
    paper = paper_of_packet(found, sha256_hex(packet_text(found)))
    if paper is not None and paper.stage == request.GET.get("shown"):
        return HttpResponse(status=204)
    facts = {"determination": found, "paper": paper, "is_draft": found.status == DeterminationStatus.DRAFT}
    return render(request, "evaluation/_packet_pdf.html", facts)


@require_safe
def packet_pdf(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """The PDF of the packet, once it is made; what was made of an earlier draft is handed out no more."""
    found = get_object_or_404(Determination.objects.visible_to(request.user).for_list(), pk=pk)
    record_reading(found.version, by=request.user)
    paper = paper_of_packet(found, sha256_hex(packet_text(found)))
    back = f"{reverse('evaluation:determination', args=[pk])}#packet"
    if paper is None or paper.document is None:
        messages.info(request, "The PDF of this packet is not made yet.")
        return redirect(back)
    try:
        return download_response(paper.document)
    except Withheld as reason:
        return withheld(request, reason, back)

"""The PDFs that were set aside: what could not be made, why, and once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.querysets.people import papers_of
from evaluation.services.papers import PAPERS
from evaluation.views.desk import PAGE, require_desk
from program.enums import OfficeRole, PaperState

if TYPE_CHECKING:
    from django.http import HttpResponse

    from program.requests import SignedInRequest


@require_safe
def paper_list(request: SignedInRequest) -> HttpResponse:
    """Every PDF that was set aside, those that wait longest first."""
    require_desk(request.user, OfficeRole.PROGRAM_OFFICER)
    found = []
    for kind, model in PAPERS.items():
        waiting = papers_of(model, request.user).filter(state=PaperState.QUARANTINED)
        found += [(kind, paper) for paper in waiting.order_by("updated_at", "pk")[:PAGE]]
    return render(request, "evaluation/papers.html", {"papers": found})


@require_POST
def paper_again(request: SignedInRequest, kind: str, pk: int) -> HttpResponse:
    """Have one of them made again."""
    if kind not in PAPERS:
        raise Http404
    paper = get_object_or_404(papers_of(PAPERS[kind], request.user), pk=pk)
    if services.make_paper_again(paper, by=request.user):
        messages.success(request, f"The {paper} is being made again.")
    else:
        messages.info(request, f"The {paper} is set aside no longer; nothing was changed.")
    return redirect("evaluation:papers")

"""Reviewers suggested where some are lacking: shown as a difference, confirmed in one act."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.balance import SECONDS, NoChoice
from evaluation.suggesting import MOST, AtWork, suggest
from evaluation.views.desk import require_desk
from evaluation.workload import short_of_reviewers
from program.enums import OfficeRole
from program.limits import limited
from program.order import implements
from program.requests import code_said
from program.transitions import NotReady, Problem
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpResponse

    from program.requests import SignedInRequest

ASSIGNING: Final = (OfficeRole.PROGRAM_OFFICER, OfficeRole.LEAD)
PAIR: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


@implements("s.3(d)")
@require_safe
@limited("suggest")
def suggestion(request: SignedInRequest) -> HttpResponse:
    """Who would be added to what, for one's own agency or for all five, or for one proposal."""
    return show_suggestion(request, request.GET.get("proposal", ""))


def show_suggestion(
    request: SignedInRequest, number: str, problems: Sequence[Problem] = (), *, status: int = 200
) -> HttpResponse:
    require_desk(request.user, *ASSIGNING)
    left_out = {*request.POST.getlist("shown")} - {*request.POST.getlist("row")}
    facts: dict[str, Any] = {"problems": problems, "seconds": SECONDS, "left_out": left_out}
    if number:
        seen = Proposal.objects.read_by_office(request.user)
        facts["proposal"] = get_object_or_404(seen, number=number)
    try:
        facts["suggestion"] = suggest(request.user, number)
    except AtWork:
        answer = render(request, "evaluation/suggestion.html", {**facts, "is_at_work": True}, status=503)
        answer["Retry-After"] = str(SECONDS)
        return answer
    except NoChoice:
        facts["lacking"] = short_of_reviewers(request.user).count()
    return render(request, "evaluation/suggestion.html", facts, status=status)


@require_POST
@limited("suggest")
def suggestion_confirm(request: SignedInRequest) -> HttpResponse:
    """Assign the rows that were left in, all or none; what no longer holds is said beside a new one."""
    require_desk(request.user, *ASSIGNING)
    number, rows = code_said(request.POST.get("proposal", "")), request.POST.getlist("row")
    pairs = [(int(found[1]), int(found[2])) for row in rows if (found := PAIR.fullmatch(row))]
    if not pairs or len(pairs) != len(rows) or len(pairs) > MOST:
        problem = Problem("rows", "Leave at least one row of the suggestion in.")
        return show_suggestion(request, number, [problem], status=422)
    try:
        made = services.assign_suggested(pairs, by=request.user)
    except NotReady as refusal:
        return show_suggestion(request, number, refusal.problems, status=422)
    if made:
        messages.success(request, f"Assigned, and told: {len(made)} of {len(made)}.")
    else:
        messages.info(request, "All of these were assigned before. Nothing was done twice.")
    return redirect("evaluation:assignments", number) if number else redirect("evaluation:reviewers")

"""What an official declares about themself where they act on a proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from evaluation import services
from evaluation.conflicts import who_takes_part
from evaluation.forms import OfficialConflictForm
from evaluation.officials import hints_to_answer
from evaluation.views.acting import carry_out
from program.acts import lay_beside
from program.order import implements
from proposals.models import Proposal, Version
from proposals.services import record_reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponse

    from program.models import User
    from program.requests import SignedInRequest
    from program.transitions import Problem

DECLARE = "evaluation.add_officialdeclaration"


def own_conflict_facts(user: User, proposal: Proposal) -> dict[str, Any]:
    """What a page where officials act says to them about themself: hints to answer, and whether they may."""
    may_declare = user.has_perm(DECLARE, proposal)
    return {
        "may_declare_conflict": may_declare,
        "own_hints": hints_to_answer(proposal, user) if may_declare else [],
    }


@implements("s.3(d)")
@require_http_methods(["GET", "HEAD", "POST"])
def own_conflict(request: SignedInRequest, number: str) -> HttpResponse:
    """Who takes part, what is hinted about oneself, and the declaration; sent, it declares."""
    rows = Proposal.objects.read_by_office(request.user).select_related("consortium")
    found = get_object_or_404(rows, number=number)
    if not request.user.has_perm(DECLARE, found):
        raise PermissionDenied
    hints = hints_to_answer(found, request.user)
    form = OfficialConflictForm(request.POST if request.method == "POST" else None, is_hinted=bool(hints))

    def again(problems: Iterable[Problem], status: int = 422) -> HttpResponse:
        version = Version.objects.get(proposal=found, number=found.version_count)
        record_reading(version, by=request.user)
        facts = {
            "proposal": found,
            "form": form,
            "problems": lay_beside(form, problems),
            "hints": hints,
            "parties": who_takes_part(version),
        }
        return render(request, "evaluation/own_conflict.html", facts, status=status)

    if request.method != "POST":
        return again([], 200)
    if not form.is_valid():
        return again([])
    details, proposal_page = form.details, reverse("evaluation:proposal", args=[number])
    done = "Thank you. You can act on it now."
    if details["has_conflict"]:
        done = f"Thank you. You are recused from {number}: it is closed to you."
    if details["about"]:
        done = f"Thank you. The ethics official of your agency decides; until then {number} is closed to you."
    return carry_out(
        request, services.declare_as_official, found, again=again, done=done,
        to=reverse("evaluation:desk") if details["has_conflict"] else proposal_page, **details,
    )  # fmt: skip

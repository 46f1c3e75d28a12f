"""The escalation of an objection: where it stands, what was said, and what is added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.forms import EscalationForm
from evaluation.models import Escalation, Position
from evaluation.views.acting import carry_out, problems_of
from program import clock
from program.acts import lay_beside
from program.order import implements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponse

    from program.requests import SignedInRequest
    from program.transitions import Problem


@implements("s.3(d)")
@require_safe
def escalation(request: SignedInRequest, pk: int) -> HttpResponse:
    return show_escalation(request, pk)


def show_escalation(
    request: SignedInRequest,
    pk: int,
    problems: Iterable[Problem] = (),
    form: EscalationForm | None = None,
    status: int = 200,
) -> HttpResponse:
    found = get_object_or_404(Escalation.objects.visible_to(request.user).for_list(), pk=pk)
    may_add = not found.over_because and request.user.has_perm("evaluation.change_escalation", found)
    facts = {
        "escalation": found,
        "proposal": found.proposal,
        "position": found.position,
        "earlier": Position.objects.visible_to(request.user)
        .objections()
        .filter(referral__version__proposal=found.proposal_id, referral__agency=found.agency_id)
        .exclude(pk=found.position_id)
        .select_related("signed_by", "referral__version")
        .defer("referral__version__package")
        .order_by("-pk"),
        "entries": found.entries.select_related("by"),
        "form": (form or EscalationForm(initial={"level": found.level})) if may_add else None,
        "problems": problems,
        "now": clock.now(),
    }
    return render(request, "evaluation/escalation.html", facts, status=status)


@require_POST
def escalation_add(request: SignedInRequest, pk: int) -> HttpResponse:
    """Add a meeting, its minutes, perhaps the outcome."""
    found = get_object_or_404(Escalation.objects.visible_to(request.user), pk=pk)
    form = EscalationForm(request.POST)

    def again(problems: list[Problem]) -> HttpResponse:
        elsewhere = lay_beside(form, problems)
        return show_escalation(request, pk, problems_of(form) + elsewhere, form, status=422)

    if not form.is_valid():
        return again([])
    return carry_out(
        request, services.add_to_escalation, found, done="It is added to the escalation.",
        to=reverse("evaluation:escalation", args=[pk]), again=again, period=form.period, **form.rest,
    )  # fmt: skip

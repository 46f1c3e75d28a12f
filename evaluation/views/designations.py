"""One designation at the desk: its conditions, its letters, and what can be done with it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST, require_safe

from evaluation import services
from evaluation.documents import DISCLAIMER, facts_of
from evaluation.enums import LetterKind
from evaluation.forms import ReasonForm
from evaluation.lifecycle import EXPIRE, REINSTATE, REVOKE, SUSPEND
from evaluation.models import Condition, Designation, DesignationAmendment, Letter
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.desk import require_desk
from evaluation.views.proposals import READERS
from program import clock
from program.acts import fresh_sign_in_required, lay_beside
from program.documents import download_response
from program.order import implements
from program.transitions import available
from proposals.services import record_reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import FileResponse, HttpResponse

    from program.requests import SignedInRequest
    from program.transitions import Problem

REASONS = "Reasons, as the letter will say them"
EVIDENCE = "Evidence that shows it"
ACTS = {
    SUSPEND.name: services.suspend_designation,
    REINSTATE.name: services.reinstate_designation,
    REVOKE.name: services.revoke_designation,
}
DONE = {
    SUSPEND.name: "The designation is suspended; its catalog page is gone.",
    REINSTATE.name: "The designation is active again.",
    REVOKE.name: "The designation is revoked.",
}


@implements("s.3(d)")
@require_safe
def designation(request: SignedInRequest, number: str) -> HttpResponse:
    return show_designation(request, number)


def show_designation(
    request: SignedInRequest,
    number: str,
    problems: Iterable[Problem] = (),
    status: int = 200,
    *,
    refused: str = "",
) -> HttpResponse:
    """The designation; the form with the prefix ``refused`` keeps what was typed, beside what it lacks."""
    require_desk(request.user, *READERS)
    rows = Designation.objects.of_office(request.user).for_list().select_related("determination__signed_by")
    found = get_object_or_404(rows, number=number)
    acts = [
        act
        for act in available((SUSPEND, REINSTATE, REVOKE, EXPIRE), found, request.user)
        if act.name in ACTS
    ]
    conditions = list(found.conditions.select_related("met_by"))
    labels = {act.name: REASONS for act in acts} | {of_condition(row.pk): EVIDENCE for row in conditions}
    forms = {prefix: ReasonForm(prefix=prefix, label=label) for prefix, label in labels.items()}
    if refused in forms:
        forms[refused] = form = ReasonForm(request.POST, prefix=refused, label=labels[refused])
        form.is_valid()
        elsewhere = lay_beside(form, problems)
        problems = problems_of(form) + elsewhere
    reported = list(found.proposal.material_changes.select_related("reported_by"))
    if reported:
        record_reading(found.version, by=request.user)
    facts = {
        "designation": found,
        "proposal": found.proposal,
        "material_changes": reported,
        "package": found.version.value,
        "conditions": [(row, forms[of_condition(row.pk)]) for row in conditions],
        "letters": found.letters.select_related("paper"),
        "acts": [(act, forms[act.name]) for act in acts],
        "may_meet": request.user.has_perm("evaluation.meet_condition", found),
        "amendments": DesignationAmendment.objects.visible_to(request.user)
        .filter(designation=found)
        .select_related("prepared_by"),
        "may_amend": not found.is_ended
        and request.user.has_perm("evaluation.add_designationamendment", found),
        "removed": removed_from(found),
        "entry": getattr(found, "catalog_entry", None),
        "disclaimer": DISCLAIMER,
        "today": clock.today(),
        "problems": problems,
    }
    return render(request, "evaluation/designation.html", facts, status=status)


def of_condition(pk: int) -> str:
    """The prefix of the form that records a condition as met."""
    return f"condition-{pk}"


def removed_from(found: Designation) -> dict[str, list[str]]:
    """Names of the markets and components that amendments have removed from what was designated."""
    package = found.version.value
    return {
        "markets": [market.name for market in package.markets if market.key in found.removed_markets],
        "components": [each.name for each in package.components if each.key in found.removed_components],
    }


@require_POST
@fresh_sign_in_required
def designation_act(request: SignedInRequest, number: str, act: str) -> HttpResponse:
    """Suspend, reinstate or revoke, with reasons."""
    found = get_object_or_404(Designation.objects.of_office(request.user), number=number)
    if act not in ACTS:
        raise Http404
    return carry_out(
        request, ACTS[act], found, done=DONE[act], to=page(number),
        again=partial(_again, request, number, act),
        reason=request.POST.get(f"{act}-reason", ""),
    )  # fmt: skip


@require_POST
def condition_meet(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    """Record that a condition is met, and by which evidence."""
    condition = get_object_or_404(
        Condition.objects.visible_to(request.user), designation__number=number, pk=pk
    )
    prefix = of_condition(pk)
    return carry_out(
        request, services.mark_condition_met, condition, done=f"Condition {condition.number} is met.",
        to=page(number), again=partial(_again, request, number, prefix),
        note=request.POST.get(f"{prefix}-reason", ""),
    )  # fmt: skip


@require_GET
def letter(request: SignedInRequest, pk: int) -> FileResponse | HttpResponse:
    """The letter's PDF; until it is made, what it says and that it is being prepared."""
    found = get_object_or_404(
        Letter.objects.visible_to(request.user).select_related(
            "paper__document", "proposal", "determination__version", "designation__version"
        ),
        pk=pk,
    )
    if (decided := found.determination or found.designation) is not None:
        record_reading(decided.version, by=request.user)
    document = found.paper.document
    if document is not None:
        return download_response(document)
    is_designation = found.kind == LetterKind.DESIGNATION
    facts = {"letter": found, "facts": facts_of(found), "is_designation": is_designation}
    return render(request, "evaluation/letter.html", facts)


def page(number: str) -> str:
    return reverse("evaluation:designation", args=[number])


def _again(request: SignedInRequest, number: str, prefix: str, problems: list[Problem]) -> HttpResponse:
    beside = [replace(one, field="reason") if one.field in ("note", "reason") else one for one in problems]
    return show_designation(request, number, beside, status=422, refused=prefix)

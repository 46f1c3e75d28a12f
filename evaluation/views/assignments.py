"""Who reviews a proposal: assign, end, recuse and replace."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.forms import AssignForm, RecuseForm
from evaluation.models import Assignment
from evaluation.views.acting import carry_out
from evaluation.views.desk import require_desk
from program.acts import lay_beside
from program.enums import OfficeRole
from program.models import Agency, Office, User
from proposals.models import Proposal, Recusal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from django.db.models import QuerySet
    from django.http import HttpResponse

    from program.requests import SignedInRequest
    from program.transitions import Problem

ASSIGNING = (OfficeRole.PROGRAM_OFFICER, OfficeRole.LEAD)
RECUSABLE = (OfficeRole.REVIEWER, OfficeRole.LEAD, OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL)


def agencies_of(user: User) -> QuerySet[Agency]:
    """Agencies for which the person may assign: all of the five, or the one they lead."""
    evaluating = Agency.objects.filter(is_evaluating=True)
    if user.holds(OfficeRole.PROGRAM_OFFICER):
        return evaluating
    return evaluating.filter(code__in=user.agencies_as(OfficeRole.LEAD))


def people_in(agencies: QuerySet[Agency], *roles: str, apart_from: str) -> QuerySet[User]:
    """Holders of an office in one of ``agencies`` who are not recused from the proposal of that number.

    Each with ``agency_names``, by which a list tells them apart.
    """
    offices = Office.objects.in_force().filter(agency__in=agencies, role__in=roles)
    recused = Recusal.objects.filter(proposal__number=apart_from)
    people = User.objects.filter(pk__in=offices.values("user"), is_active=True)
    names = offices.filter(user=OuterRef("pk")).order_by().values("agency__display_name").distinct()
    people = people.annotate(agency_names=ArraySubquery(names))
    return people.exclude(pk__in=recused.values("user")).order_by("agency_names", "name")


def assign_form(request: SignedInRequest, number: str, data: Any = None) -> AssignForm:
    agencies = agencies_of(request.user)
    return AssignForm(
        data, prefix="assign", agencies=agencies,
        reviewers=people_in(agencies, OfficeRole.REVIEWER, apart_from=number),
    )  # fmt: skip


def recuse_form(request: SignedInRequest, number: str, data: Any = None) -> RecuseForm:
    agencies = agencies_of(request.user)
    return RecuseForm(
        data, prefix="recuse", people=people_in(agencies, *RECUSABLE, apart_from=number),
        replacements=people_in(agencies, OfficeRole.REVIEWER, apart_from=number),
    )  # fmt: skip


@require_safe
def assignments(request: SignedInRequest, number: str) -> HttpResponse:
    """The reviewers of each agency, how far they are, and who is recused."""
    return show_assignments(request, number)


def show_assignments(
    request: SignedInRequest,
    number: str,
    problems: Iterable[Problem] = (),
    forms: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    require_desk(request.user, *ASSIGNING, OfficeRole.AUDITOR)
    proposal = get_object_or_404(
        Proposal.objects.read_by_office(request.user).select_related("consortium"), number=number
    )
    facts = {
        "proposal": proposal,
        "assignments": Assignment.objects.visible_to(request.user)
        .filter(proposal=proposal)
        .for_list()
        .select_related("assigned_by")
        .order_by("agency__sort_order", "pk"),
        "recusals": Recusal.objects.visible_to(request.user)
        .filter(proposal=proposal)
        .select_related("user", "recused_by", "replaced_by"),
        "assign_form": assign_form(request, number),
        "recuse_form": recuse_form(request, number),
        "problems": problems,
        "may_assign": request.user.holds(*ASSIGNING),
        **(forms or {}),
    }
    return render(request, "evaluation/assignments.html", facts, status=status)


@require_POST
def reviewer_assign(request: SignedInRequest, number: str) -> HttpResponse:
    proposal = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    form = assign_form(request, number, request.POST)
    again = partial(_again, request, number, {"assign_form": form, "refused": form})
    if not form.is_valid():
        return again([])
    return carry_out(
        request, services.assign_reviewer, proposal, done=f"{form.cleaned_data['reviewer']} was assigned.",
        to=page(number), again=again, **form.cleaned_data,
    )  # fmt: skip


@require_POST
def assignment_end(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    assignment = get_object_or_404(
        Assignment.objects.visible_to(request.user), proposal__number=number, pk=pk
    )

    def again(problems: list[Problem]) -> HttpResponse:
        named = [replace(problem, field=f"end_{pk}") for problem in problems]
        return _again(request, number, {"not_ended": pk}, named)

    return carry_out(
        request, services.end_assignment, assignment, done=f"{assignment.reviewer} reviews it no longer.",
        to=page(number), again=again, reason=request.POST.get("reason", ""),
    )  # fmt: skip


@require_POST
def person_recuse(request: SignedInRequest, number: str) -> HttpResponse:
    """Recuse a person, at once and in every channel, and name who replaces them."""
    proposal = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    form = recuse_form(request, number, request.POST)
    again = partial(_again, request, number, {"recuse_form": form, "refused": form})
    if not form.is_valid():
        return again([])
    person = form.cleaned_data["person"]
    return carry_out(
        request, services.recuse, proposal, done=f"{person} is recused. The proposal is closed to them.",
        to="/desk/" if person == request.user else page(number), again=again, **form.cleaned_data,
    )  # fmt: skip


def page(number: str) -> str:
    return reverse("evaluation:assignments", args=[number])


def _again(
    request: SignedInRequest, number: str, forms: dict[str, Any], problems: list[Problem]
) -> HttpResponse:
    """The page with the refusal: beside its field in the form that was sent, and in the summary."""
    refused = forms.get("refused")
    others = problems if refused is None else lay_beside(refused, problems)
    return show_assignments(request, number, others, forms, status=422)

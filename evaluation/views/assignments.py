"""Who reviews a proposal: assign, end, recuse and replace."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.conflicts import ask_ethics, hints_to_ask_about
from evaluation.enums import ConflictCaseStatus
from evaluation.forms import AskEthicsForm, AssignForm, RecuseForm
from evaluation.models import Assignment, ConflictCase, Review
from evaluation.querysets.reviews import ASSIGNABLE
from evaluation.since import earlier_sheets
from evaluation.views.acting import carry_out
from evaluation.views.desk import require_desk
from evaluation.workload import agencies_of
from program import clock
from program.acts import lay_beside
from program.enums import OfficeRole
from program.links import page_of
from program.models import Agency, Office, User
from proposals.models import Proposal, Recusal, Version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from django.db.models import QuerySet
    from django.http import HttpResponse

    from program.models import User
    from program.requests import SignedInRequest
    from program.transitions import Problem

ASSIGNING = (OfficeRole.PROGRAM_OFFICER, OfficeRole.LEAD)
#: About whom the ethics official can be asked: who reviews, and who acts by office
ASKABLE = (
    OfficeRole.REVIEWER, OfficeRole.LEAD, OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL,
)  # fmt: skip
RECUSABLE = (
    OfficeRole.REVIEWER, OfficeRole.LEAD, OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL,
    OfficeRole.ETHICS_OFFICIAL,
)  # fmt: skip


def people_in(
    agencies: QuerySet[Agency], *roles: str, apart_from: str, with_held: bool = False
) -> QuerySet[User]:
    """Holders of an office in one of ``agencies`` who are not recused from the proposal of that number.

    Each with ``agency_names``, by which a list tells them apart; ``with_held`` with those about whom the
    ethics official has not decided.
    """
    offices = Office.objects.in_force().filter(agency__in=agencies, role__in=roles)
    recused = Recusal.objects.filter(proposal__number=apart_from)
    if with_held:
        recused = recused.exclude(conflict_case__status=ConflictCaseStatus.OPEN)
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
        data, prefix="recuse",
        people=people_in(agencies, *RECUSABLE, apart_from=number, with_held=True),
        replacements=people_in(agencies, OfficeRole.REVIEWER, apart_from=number),
    )  # fmt: skip


def ask_form(request: SignedInRequest, number: str, data: Any = None) -> AskEthicsForm:
    people = people_in(agencies_of(request.user), *ASKABLE, apart_from=number)
    return AskEthicsForm(data, prefix="ask", people=people)


def waiting_for_ethics(request: SignedInRequest, proposal: Proposal) -> QuerySet[ConflictCase]:
    """Of whom it is to be decided whether they may review; not why."""
    cases = ConflictCase.objects.open().filter(proposal=proposal).select_related("person", "agency")
    cases = cases.with_official()
    if request.user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR):
        return cases
    return cases.filter(agency__in=agencies_of(request.user))


def to_ask_about(proposal: Proposal, people: Iterable[User]) -> list[str]:
    """About whom the ethics official should be asked; what they declared stays with these two."""
    version = Version.objects.filter(proposal=proposal, number=proposal.version_count).first()
    hints = hints_to_ask_about(version, people) if version else {}
    return [ask_ethics(person) for person in sorted(hints, key=str)]


@require_safe
def assignments(request: SignedInRequest, number: str) -> HttpResponse:
    """The reviewers of each agency, how far they are, and who is recused."""
    return show_assignments(request, number)


def assignments_of(request: SignedInRequest, proposal: Proposal) -> list[Assignment]:
    """Each with ``earlier``, the sheet that came in on an earlier version where the newest has none."""
    rows = Assignment.objects.visible_to(request.user).filter(proposal=proposal).for_list()
    found = list(rows.select_related("assigned_by").order_by("agency__sort_order", "pk"))
    sheets = {}
    if found and proposal.version_count > 1:
        version = Version.objects.get(proposal=proposal, number=proposal.version_count)
        earlier = earlier_sheets(Review.objects.visible_to(request.user), version)
        sheets = {sheet.review.assignment_id: sheet for sheet in earlier}
    for row in found:
        row.earlier = sheets.get(row.pk)  # type: ignore[attr-defined]
    return found


def reasons_read_by(user: User, recusals: Iterable[Recusal]) -> set[int]:
    """Recusals whose reason ``user`` reads: own acts, and as ethics official of the person's agency."""
    agencies = set(user.agencies_as(OfficeRole.ETHICS_OFFICIAL))
    return {
        row.pk
        for row in recusals
        if row.recused_by_id == user.pk or (agencies and agencies & set(row.user.agencies_as(*OfficeRole)))
    }


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
    recusals = (
        Recusal.objects.visible_to(request.user)
        .filter(proposal=proposal)
        .exclude(conflict_case__status=ConflictCaseStatus.OPEN)
        .select_related("user", "recused_by", "replaced_by")
    )
    facts = {
        "proposal": proposal,
        "assignments": assignments_of(request, proposal),
        "recusals": recusals,
        "reasons_read": reasons_read_by(request.user, recusals),
        "waiting": waiting_for_ethics(request, proposal),
        "now": clock.now(),
        "assign_form": assign_form(request, number),
        "recuse_form": recuse_form(request, number),
        "ask_form": ask_form(request, number),
        "problems": problems,
        "may_assign": request.user.holds(*ASSIGNING),
        "takes_reviewers": proposal.status in ASSIGNABLE,
        **(forms or {}),
    }
    if facts["may_assign"] and facts["takes_reviewers"]:
        reviewers = people_in(agencies_of(request.user), OfficeRole.REVIEWER, apart_from=number)
        facts["to_ask_about"] = to_ask_about(proposal, reviewers)
    return render(request, "evaluation/assignments.html", facts, status=status)


@require_POST
def reviewer_assign(request: SignedInRequest, number: str) -> HttpResponse:
    require_desk(request.user, *ASSIGNING)
    proposal = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    form = assign_form(request, number, request.POST)

    def again(problems: list[Problem]) -> HttpResponse:
        form.ask_to_confirm(is_full=any(problem.code == "full" for problem in problems))
        return _again(request, number, {"assign_form": form, "refused": form}, problems)

    if not form.is_valid():
        return again([])
    reviewer = form.cleaned_data["reviewer"]
    answer = carry_out(
        request, services.assign_reviewer, proposal, done=f"{reviewer} was assigned.",
        to=page(number), again=again, reviewer=reviewer, agency=form.cleaned_data["agency"],
        may_exceed=form.is_confirmed,
    )  # fmt: skip
    if answer.status_code == HTTPStatus.FOUND:
        for words in to_ask_about(proposal, [reviewer]):
            messages.warning(request, words)
    return answer


@require_POST
def conflict_raise(request: SignedInRequest, number: str) -> HttpResponse:
    """Ask the ethics official about a person, to whom the proposal is closed until they decide."""
    proposal = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    require_desk(request.user, *ASSIGNING)
    form = ask_form(request, number, request.POST)
    again = partial(_again, request, number, {"ask_form": form, "refused": form})
    if not form.is_valid():
        return again([])
    person = form.cleaned_data["person"]
    assigned = Assignment.objects.active().filter(proposal=proposal, reviewer=person).first()
    serving = agencies_of(request.user).filter(
        pk__in=person.offices.in_force().filter(role__in=ASKABLE).values("agency")
    )
    return carry_out(
        request, services.ask_ethics_official, proposal, to=page(number), again=again,
        done=f"The ethics official is asked. Until they decide, the proposal is closed to {person}.",
        person=person, agency=assigned.agency if assigned else serving.first(), assignment=assigned,
        text=form.cleaned_data["text"],
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
    require_desk(request.user, *ASSIGNING)
    proposal = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    form = recuse_form(request, number, request.POST)
    again = partial(_again, request, number, {"recuse_form": form, "refused": form})
    if not form.is_valid():
        return again([])
    person = form.cleaned_data["person"]
    return carry_out(
        request, services.recuse, proposal, done=f"{person} is recused. The proposal is closed to them.",
        to=page_of("evaluation:desk") if person == request.user else page(number), again=again,
        **form.cleaned_data,
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

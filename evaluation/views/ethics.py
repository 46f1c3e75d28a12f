"""Conflicts of interest: what an ethics official is asked and decides, and what the person reads of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.conflicts import conflict_hints, who_takes_part
from evaluation.enums import ConflictCaseStatus
from evaluation.forms import ClearForm, ReasonForm, RecuseCaseForm
from evaluation.models import Assignment, ConflictCase, OfficialDeclaration
from evaluation.notices import ethics_officials
from evaluation.views.acting import carry_out
from evaluation.views.assignments import people_in
from evaluation.views.desk import require_desk
from evaluation.views.more_time import page_of
from program import clock
from program.acts import lay_beside
from program.conflicts import typed_in
from program.enums import OfficeRole
from program.models import Agency
from program.order import implements
from proposals.models import Version
from proposals.services import record_reading

if TYPE_CHECKING:
    from django import forms
    from django.http import HttpResponse

    from program.requests import SignedInRequest
    from program.transitions import Problem


@require_safe
def case_list(request: SignedInRequest) -> HttpResponse:
    """What waits for the ethics official, the oldest first, and what was decided."""
    require_desk(request.user, OfficeRole.ETHICS_OFFICIAL)
    rows = ConflictCase.objects.visible_to(request.user).for_list()
    facts = {
        **page_of(request, "waiting", rows.open(), newest=False),
        **page_of(request, "decided", rows.exclude(status=ConflictCaseStatus.OPEN)),
        **page_of(request, "declared", OfficialDeclaration.objects.visible_to(request.user).for_list()),
        "now": clock.now(),
    }
    return render(request, "evaluation/conflict_cases.html", facts)


@implements("s.3(d)")
@require_safe
def case(request: SignedInRequest, pk: int) -> HttpResponse:
    """One case: the ethics official reads what is declared and decides, the person reads what is decided."""
    return show_case(request, _case(request, pk))


def _case(request: SignedInRequest, pk: int) -> ConflictCase:
    rows = ConflictCase.objects.visible_to(request.user).for_list()
    return get_object_or_404(rows.select_related("raised_by", "proposal__consortium"), pk=pk)


def show_case(
    request: SignedInRequest,
    found: ConflictCase,
    forms: dict[str, Any] | None = None,
    problems: list[Problem] | None = None,
    status: int = 200,
) -> HttpResponse:
    is_open = found.status == ConflictCaseStatus.OPEN
    may_decide = is_open and request.user.has_perm("evaluation.clear_conflictcase", found)
    facts: dict[str, Any] = {
        "case": found,
        "problems": problems or [],
        "now": clock.now(),
        "is_own": found.person == request.user,
        "is_open": is_open,
        "may_decide": may_decide,
    }
    if may_decide:
        version = last_version(found)
        record_reading(version, by=request.user)
        facts |= {
            "hints": conflict_hints(version, [found.person]).get(found.person, []),
            "parties": who_takes_part(version),
            "clear_form": ClearForm(prefix="clear"),
            "recuse_form": recuse_form(found),
            "away_form": away_form(),
            "another_decides": another_decides(request, found),
        }
    if is_open and facts["is_own"]:
        facts["own_form"] = ReasonForm(label="Why you recuse yourself")
    facts |= forms or {}
    if not is_open and "refused" in facts:  # it is decided: there is no form any more
        facts["typed"] = typed_in(facts["refused"])
    return render(request, "evaluation/conflict_case.html", facts, status=status)


def last_version(found: ConflictCase) -> Version:
    return Version.objects.get(proposal=found.proposal_id, number=found.proposal.version_count)


def recuse_form(found: ConflictCase, data: Any = None) -> RecuseCaseForm:
    agency = Agency.objects.filter(pk=found.agency_id)
    reviewers = people_in(agency, OfficeRole.REVIEWER, apart_from=found.proposal.number or "")
    others = reviewers.exclude(pk=found.person_id)
    said = conflict_hints(last_version(found), others)
    hints = {person.pk: " ".join(hint.text for hint in each) for person, each in said.items()}
    form = RecuseCaseForm(data, prefix="recuse", replacements=others, hints=hints)
    assigned = Assignment.objects.active().filter(proposal=found.proposal, agency=found.agency)
    if not assigned.filter(reviewer=found.person).exists():
        del form.fields["replacement"]  # nobody is replaced where nobody was assigned
    return form


@require_POST
def case_clear(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let the person review."""
    found = _case(request, pk)
    form = ClearForm(request.POST, prefix="clear")
    return _decide(request, found, form, "clear_form", services.clear_conflict, "may review it")


@require_POST
def case_recuse(request: SignedInRequest, pk: int) -> HttpResponse:
    """Recuse the person, and name who replaces them."""
    found = _case(request, pk)
    form = recuse_form(found, request.POST)
    return _decide(request, found, form, "recuse_form", services.recuse_conflict, "is recused from it")


def _decide(
    request: SignedInRequest, found: ConflictCase, form: forms.Form, name: str, service: Any, what: str
) -> HttpResponse:
    def again(problems: list[Problem], status: int = 422) -> HttpResponse:
        shown = {name: form, "refused": form}
        return show_case(request, _case(request, found.pk), shown, lay_beside(form, problems), status)

    if not form.is_valid():
        return again([])
    return carry_out(
        request, service, found, done=f"{found.person} {what}, and is told.", again=again,
        overtaken=partial(again, [], 409),
        to=reverse("evaluation:conflict-case", args=[found.pk]), **form.cleaned_data,
    )  # fmt: skip


@require_POST
def case_recuse_oneself(request: SignedInRequest, pk: int) -> HttpResponse:
    """The person recuses themself while the ethics official has not decided."""
    found = get_object_or_404(ConflictCase.objects.filter(person=request.user).for_list(), pk=pk)
    form = ReasonForm(request.POST, label="Why you recuse yourself")

    def again(problems: list[Problem], status: int = 422) -> HttpResponse:
        shown = {"own_form": form, "refused": form}
        return show_case(request, _case(request, pk), shown, lay_beside(form, problems), status)

    if not form.is_valid():
        return again([])
    return carry_out(
        request, services.recuse_conflict, found, done="You are recused from it.", again=again,
        overtaken=partial(again, [], 409),
        to=reverse("evaluation:conflict-case", args=[pk]), reason=form.cleaned_data["reason"],
    )  # fmt: skip


def another_decides(request: SignedInRequest, found: ConflictCase) -> bool:
    """Whether somebody may decide where this ethics official does not."""
    officials = ethics_officials(found.agency, found.proposal)
    return officials.exclude(pk__in=[request.user.pk, found.person_id]).exists()


def away_form(data: Any = None) -> ReasonForm:
    hint = "You and the other ethics officials of your agency read it. Describe no holding."
    return ReasonForm(data, prefix="away", label="Why you stay away", hint=hint)


@require_POST
def case_stay_away(request: SignedInRequest, pk: int) -> HttpResponse:
    """The ethics official recuses themself from the proposal; another one decides, or is to be appointed."""
    found = _case(request, pk)
    if not request.user.has_perm("evaluation.clear_conflictcase", found):
        raise PermissionDenied
    form = away_form(request.POST)

    def again(problems: list[Problem]) -> HttpResponse:
        shown = {"away_form": form, "refused": form}
        return show_case(request, found, shown, lay_beside(form, problems), status=422)

    if not form.is_valid():
        return again([])
    follows = "another ethics official decides." if another_decides(request, found) else (
        f"{found.agency} has no other ethics official who may decide. The Program office is told to "
        "appoint one."
    )  # fmt: skip
    return carry_out(
        request, services.recuse, found.proposal, person=request.user, again=again,
        done=f"You stay away from {found.proposal.number}: it is closed to you, and {follows}",
        to=reverse("evaluation:conflict-cases"), reason=form.cleaned_data["reason"],
    )  # fmt: skip

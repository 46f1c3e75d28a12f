"""The reviewers of the agencies: what they know, what lies open with them, where some are lacking."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation import services
from evaluation.forms import NeedForm, ReviewerForm
from evaluation.models import ReviewerProfile
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.desk import require_desk
from evaluation.workload import agencies_of, agencies_shown_to, needs_of, rooms_of
from program.acts import lay_beside
from program.conflicts import differences, read_again
from program.enums import Mark, OfficeRole
from program.limits import limited
from program.models import Call
from program.order import implements
from program.requests import code_said
from program.spreadsheets import KINDS, sent, write

if TYPE_CHECKING:
    from django.http import HttpResponse, StreamingHttpResponse

    from program.requests import SignedInRequest
    from program.revisions import StaleRevision
    from program.transitions import Problem

READERS = (OfficeRole.PROGRAM_OFFICER, OfficeRole.LEAD, OfficeRole.AUDITOR)
HEADINGS = [
    "Agency", "Reviewer", "E-mail", "Open reviews", "Due within 7 days", "Late", "Most at once", "Knows",
    "Goes first for",
]  # fmt: skip


@implements("s.3(d)")
@require_safe
def reviewers(request: SignedInRequest) -> HttpResponse:
    """The reviewers of one's agency, or of all five, with their load, and what each call needs."""
    return show_reviewers(request)


def show_reviewers(
    request: SignedInRequest, problems: list[Problem] | None = None, *, status: int = 200
) -> HttpResponse:
    require_desk(request.user, *READERS)
    agencies = list(agencies_shown_to(request.user))
    needs = needs_of(request.user, agencies)
    facts = {
        "rooms": rooms_of(agencies),
        "needs": needs,
        "lacking": sum(need.lacking for need in needs),
        "changeable": set(agencies_of(request.user).values_list("pk", flat=True)),
        "problems": problems,
    }
    return render(request, "evaluation/reviewers.html", facts, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def reviewer(request: SignedInRequest, code: str, pk: int) -> HttpResponse:
    """What the agency says of one of its reviewers."""
    require_desk(request.user, OfficeRole.PROGRAM_OFFICER, OfficeRole.LEAD)
    agency = get_object_or_404(agencies_of(request.user), code=code)
    (room,) = rooms_of([agency])
    found = next((each for each in room.reviewers if each.person.pk == pk), None)
    if found is None:
        raise Http404
    profile = found.profile or ReviewerProfile(agency=agency, reviewer=found.person, revision=0)
    may_name = request.user.has_perm("evaluation.name_reviewerprofile")
    form = ReviewerForm(request.POST or None, profile=profile, may_name=may_name)
    facts = {"form": form, "found": found, "agency": agency}
    page = partial(render, request, "evaluation/reviewer.html")
    if request.method != "POST":
        return page(facts)
    if not form.is_valid():
        return page(facts, status=422)
    return carry_out(
        request, services.describe_reviewer, found.person, agency=agency,
        done=f"What is said of {found.person} is saved.", to=reverse("evaluation:reviewers"),
        again=lambda problems: page({**facts, "problems": lay_beside(form, problems)}, status=422),
        conflict=lambda stale: page({**facts, **both_choices(form, stale)}, status=409),
        **form.cleaned_data,
    )  # fmt: skip


def both_choices(form: ReviewerForm, stale: StaleRevision) -> dict[str, Any]:
    """What another said meanwhile beside what was chosen; the form then goes on from what is saved now."""
    saved = ReviewerForm(profile=stale.record, may_name="named_for" in form.fields)
    both = differences(form, saved)
    read_again(form, stale.record.revision)
    return {"conflict": str(stale), "both": both}


@require_POST
def reviewers_needed(request: SignedInRequest) -> HttpResponse:
    """How many reviewers an agency gives each proposal of a call."""
    require_desk(request.user, OfficeRole.PROGRAM_OFFICER, OfficeRole.LEAD)
    agency = get_object_or_404(agencies_of(request.user), code=code_said(request.POST.get("agency", "")))
    call = get_object_or_404(Call.objects.public(), number=code_said(request.POST.get("call", "")))
    again = partial(show_reviewers, request, status=422)
    form = NeedForm(request.POST)
    if not form.is_valid():
        return again(problems_of(form))
    return carry_out(
        request, services.set_reviewers_needed, call, agency=agency, number=form.cleaned_data["number"],
        done=f"{agency} gives each proposal of {call.number} {form.cleaned_data['number']} reviewers.",
        to=f"{reverse('evaluation:reviewers')}#needed", again=again,
    )  # fmt: skip


@require_safe
@limited("export")
def reviewers_export(request: SignedInRequest, kind: str) -> HttpResponse | StreamingHttpResponse:
    """The reviewers with their load, as CSV or XLSX."""
    require_desk(request.user, *READERS)
    if kind not in KINDS:
        raise Http404
    rows: list[list[Any]] = [
        [
            str(room.agency), str(each.person), each.person.email, each.open, each.due_soon, each.late,
            each.capacity, each.knows, each.goes_first_for,
        ]
        for room in rooms_of(agencies_shown_to(request.user))
        for each in room.reviewers
    ]  # fmt: skip
    mark = Mark.GOVERNMENT_ONLY
    return sent(kind, "reviewers", write(kind, "Reviewers", HEADINGS, rows, mark=mark), mark=mark)

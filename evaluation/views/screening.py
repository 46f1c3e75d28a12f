"""The screening desk: matches that wait for a decision, and the lists they were found in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation import services
from evaluation.forms import ScreeningListForm
from evaluation.models import PartyCheck, ScreeningList
from evaluation.querysets import TWO_PEOPLE_SCORE
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.desk import PAGE, require_desk
from evaluation.views.intake import OFFICE
from program.models import Country
from program.order import implements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponse

    from program.requests import SignedInRequest
    from program.transitions import Problem


@implements("s.3(b)(v)")
@require_safe
def screening(request: SignedInRequest) -> HttpResponse:
    """Potential matches of every proposal's newest screening that nobody has settled."""
    return show_screening(request)


def show_screening(
    request: SignedInRequest,
    problems: Iterable[Problem] = (),
    list_form: ScreeningListForm | None = None,
    status: int = 200,
) -> HttpResponse:
    require_desk(request.user, *OFFICE)
    rows = PartyCheck.objects.visible_to(request.user).newest().open().for_list()
    after = request.GET.get("after", "")
    if after.isdecimal() and len(after) < 12:
        rows = rows.filter(pk__gt=int(after))
    found = list(rows.defer("run__version__package").order_by("pk")[: PAGE + 1])
    page = found[:PAGE]
    codes = {code for check in page for code in check.query["countries"]}
    names = dict(Country.objects.filter(code__in=codes).values_list("code", "name"))
    facts = {
        "checks": [(check, [names.get(code, code) for code in check.query["countries"]]) for check in page],
        "next": f"?after={page[-1].pk}" if len(found) > PAGE else "",
        "two_people": TWO_PEOPLE_SCORE,
        "lists": ScreeningList.objects.select_related("imported_by")[:5],
        "list_form": list_form or ScreeningListForm(),
        "problems": problems,
        "may_adjudicate": request.user.has_perm("evaluation.import_screeninglist"),
    }
    return render(request, "evaluation/screening.html", facts, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def list_import(request: SignedInRequest) -> HttpResponse:
    """Import a list file, all or nothing; by GET the lists that were imported."""
    if request.method != "POST":
        return show_screening(request)
    form = ScreeningListForm(request.POST, request.FILES)

    def again(problems: list[Problem]) -> HttpResponse:
        return show_screening(request, problems, form, status=422)

    if not form.is_valid():
        return again(problems_of(form))
    values = form.cleaned_data
    return carry_out(
        request, services.import_screening_list, values["file"], done="The list was imported.",
        to="/desk/screening/", again=again, name=values["name"], file_date=values["file_date"],
        accept_smaller=values["accept_smaller"], source=values["file"].name,
    )  # fmt: skip


@require_POST
def check_adjudicate(request: SignedInRequest, pk: int) -> HttpResponse:
    """Settle one match."""
    check = get_object_or_404(PartyCheck.objects.visible_to(request.user), pk=pk)
    return carry_out(
        request, services.adjudicate, check, done=f"Your decision on {check.party_name} is recorded.",
        to="/desk/screening/", again=partial(_again, request),
        outcome=request.POST.get("outcome", ""), reason=request.POST.get("reason", ""),
    )  # fmt: skip


def _again(request: SignedInRequest, problems: list[Problem]) -> HttpResponse:
    return show_screening(request, problems, status=422)

"""Closures of federal offices at the desk: the register, and a form that first shows which dates it meets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from program.closures import counted_closures, effects_of
from program.deadlines import holiday_name, why_not_business
from program.forms import ClosureForm, CorrectClosureForm
from program.models import Closure
from program.requests import SignedInRequest
from program.services.closures import FIELDS, correct_closure, counted_with, enter_closure
from program.transitions import NotReady
from program.views.desk_calls import FORM, program_office

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

SHOWN = 200


@program_office
@require_safe
def closure_list(request: SignedInRequest) -> HttpResponse:
    """The register as it stands, the latest day first, and what was corrected."""
    entries = Closure.objects.select_related("entered_by", "replaced_by__entered_by").order_by("-day", "-pk")
    found = list(entries[:SHOWN])
    facts = {
        "standing": [entry for entry in found if entry.is_standing and not entry.is_withdrawn],
        "corrected": [entry for entry in found if not entry.is_standing or entry.is_withdrawn],
    }
    return render(request, "program/desk/closures.html", facts)


@program_office
@require_http_methods(FORM)
def closure_new(request: SignedInRequest) -> HttpResponse:
    """Enter a day: what it means is shown first, then it is saved."""

    def enter(form: ClosureForm) -> None:
        values = {name: form.cleaned_data[name] for name in FIELDS}
        enter_closure(by=request.user, day=form.cleaned_data["day"], values=values)

    return entered(request, ClosureForm(request.POST or None), enter)


@program_office
@require_http_methods(FORM)
def closure_correct(request: SignedInRequest, pk: int) -> HttpResponse:
    """Correct an entry by a new one for the same day, with the reason."""
    entry = get_object_or_404(Closure.objects.select_related("entered_by"), pk=pk)
    if not entry.is_standing:
        messages.info(request, "This entry was corrected before. The register shows how it stands.")
        return redirect("program:closures")
    form = CorrectClosureForm(request.POST or None, initial={name: getattr(entry, name) for name in FIELDS})

    def correct(form: CorrectClosureForm) -> None:
        correct_closure(
            entry,
            by=request.user,
            values={name: form.cleaned_data[name] for name in FIELDS},
            why_corrected=form.cleaned_data["why_corrected"],
            is_withdrawn=form.cleaned_data["is_withdrawn"],
        )

    return entered(request, form, correct, entry)


def entered(
    request: SignedInRequest, form: ClosureForm, act: Callable[..., None], entry: Closure | None = None
) -> HttpResponse:
    """Show what the typed closure means; save it once the person has seen exactly that."""
    facts: dict[str, Any] = {"entry": entry, "form": form}
    if request.method == "POST" and form.is_valid():
        day: date = entry.day if entry else form.cleaned_data["day"]
        if form.has_seen(form.entry(day)):
            try:
                act(form)
            except NotReady as refusal:
                for problem in refusal.problems:
                    form.add_error(problem.field if problem.field in form.fields else None, problem.message)
            else:
                messages.success(request, "Saved. What is computed from now on counts with it.")
                return redirect("program:closures")
        else:
            form.let_see(form.entry(day))
        before = counted_closures()
        facts |= {
            "day": day,
            "is_no_business_day": why_not_business(day) if holiday_name(day) or day.weekday() > 4 else "",
            "effects": effects_of(request.user, before, counted_with(day, counts=form.counts)),
            "counts": form.counts,
            "is_shown": not form.errors,
        }
    return render(request, "program/desk/closure.html", facts, status=422 if form.errors else 200)

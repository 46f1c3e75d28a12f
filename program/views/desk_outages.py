"""The outage log at the desk: what stands in it, what was corrected, a new entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from program import clock
from program.enums import CallStatus, OutageSource
from program.forms import CorrectOutageForm, DismissSilenceForm, OutageForm
from program.models import Call, Outage, Silence
from program.pulse import away_now, silences_dismissed, silences_to_log
from program.requests import SignedInRequest, number_said
from program.services.outages import FIELDS, correct_outage, dismiss_silence, log_outage
from program.transitions import NotReady
from program.views.desk_calls import FORM, program_office

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.forms import BaseForm

SHOWN = 100


@program_office
@require_safe
def outage_list(request: SignedInRequest) -> HttpResponse:
    """Every entry, the latest outage first, with the calls that were open meanwhile."""
    entries = list(Outage.objects.select_related("logged_by", "replaced_by__logged_by")[:SHOWN])
    calls = list(Call.objects.public().exclude(status=CallStatus.CANCELLED).defer("text"))
    now = clock.now()

    def concerning(silences: list[Silence]) -> list[tuple[Silence, list[Call]]]:
        found = [(silence, [call for call in calls if beside(silence, call)]) for silence in silences]
        return [(silence, met) for silence, met in found if met]

    facts = {
        "silences": concerning(silences_to_log(now)),
        "dismissed": concerning(silences_dismissed(now)),
        "away": away_now(now),
        "standing": [
            (entry, [call for call in calls if beside(entry, call)])
            for entry in entries
            if entry.is_standing and not entry.is_withdrawn
        ],
        "corrected": [entry for entry in entries if not entry.is_standing or entry.is_withdrawn],
        "now": now,
    }
    return render(request, "program/desk/outages.html", facts)


def beside(entry: Outage | Silence, call: Call) -> bool:
    """Whether a moment of the outage lay in the time for which the call was open."""
    if call.issued_at is None or call.closes_at is None:
        return False
    return entry.began_at < call.closes_at and (entry.ended_at is None or entry.ended_at > call.issued_at)


@program_office
@require_http_methods(FORM)
def outage_new(request: SignedInRequest) -> HttpResponse:
    """Enter an outage; it is public at once on the page of each call that was open."""
    form = OutageForm(request.POST or None, initial=from_silence(request))

    def enter(values: dict[str, Any]) -> None:
        log_outage(by=request.user, values=values)

    return entered(request, form, enter, "The outage is in the log and on the pages of the calls.")


def from_silence(request: SignedInRequest) -> dict[str, Any]:
    """What the form proposes where the officer came from a silence; what was affected, the officer says."""
    chosen = number_said(request.GET.get("silence", ""))
    silence = Silence.objects.filter(pk=chosen).first() if chosen else None
    if silence is None:
        return {}
    return {
        "began_at": silence.began_at,
        "ended_at": silence.ended_at,
        "source": OutageSource.MONITOR,
        "evidence": f"Noticed by the portal itself. {silence.get_part_display()}.",
    }


@program_office
@require_http_methods(FORM)
def silence_dismiss(request: SignedInRequest, pk: int) -> HttpResponse:
    """Find, with the reason, that a span which the portal noticed was no outage."""
    silence = get_object_or_404(Silence, pk=pk)
    form = DismissSilenceForm(request.POST or None)

    def dismiss(values: dict[str, Any]) -> None:
        dismiss_silence(silence, by=request.user, **values)

    done = "It is proposed no more. You can still log it as an outage."
    return entered(request, form, dismiss, done, silence=silence)


@program_office
@require_http_methods(FORM)
def outage_correct(request: SignedInRequest, pk: int) -> HttpResponse:
    """Correct an entry by a new one, with the reason; the old one stays on record."""
    entry = get_object_or_404(Outage.objects.select_related("logged_by"), pk=pk)
    if not entry.is_standing:
        messages.info(request, "This entry was corrected before. The log shows how it stands.")
        return redirect("program:outages")
    form = CorrectOutageForm(request.POST or None, initial={name: getattr(entry, name) for name in FIELDS})

    def correct(values: dict[str, Any]) -> None:
        why, withdrawn = values.pop("why_corrected"), values.pop("is_withdrawn")
        correct_outage(entry, by=request.user, values=values, why_corrected=why, is_withdrawn=withdrawn)

    return entered(request, form, correct, "The entry is corrected. The old one is kept.", entry=entry)


def entered(
    request: SignedInRequest,
    form: BaseForm,
    act: Callable[[dict[str, Any]], None],
    done: str,
    **shown: Any,
) -> HttpResponse:
    """Do what the form says, or show it again with what was typed and what is wrong."""
    if request.method == "POST" and form.is_valid():
        try:
            act(dict(form.cleaned_data))
        except NotReady as refusal:
            for problem in refusal.problems:
                form.add_error(problem.field if problem.field in form.fields else None, problem.message)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, done)
            return redirect("program:outages")
    status = 422 if form.errors else 200
    return render(request, "program/desk/outage.html", {"form": form, **shown}, status=status)

"""The public register of directives: duties with clock, state and evidence, and the review of s.5(a)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from program import clock
from program.closures import counted_closures
from program.deadlines import CALL_DAYS, Period, local_day
from program.documents import Withheld, download_response
from program.enums import DutyState
from program.figures import Figure, figure, fulfils, public_figures
from program.limits import limited
from program.models import ActionStep, AgencyAction, Call, Directive, Document, Duty, InterimExemption
from program.models.directives import Evidenced

SCHEMA: Final = "urn:ai-exports:directives:1.0"
TONES: Final = {"identified": "waiting", "consistent": "good", "final": "good", "dropped": "neutral"}


@login_not_required
@require_safe
def directives(request: HttpRequest) -> HttpResponse:
    """The duties that both orders lay on officials: clock, state, evidence, what fulfils them here."""
    today, found = clock.today(), directives_with_duties()
    figures = public_figures([duty for directive in found for duty in directive.duties.all()])
    facts = {
        "directives": [(directive, rows_of(directive.duties.all(), figures, today)) for directive in found],
        "actions": [row_of_action(action, today) for action in with_steps(AgencyAction.objects.public())],
    }
    return render(request, "program/directives.html", facts)


@login_not_required
@require_safe
@limited("export")
def directives_json(request: HttpRequest) -> JsonResponse:
    """The same as open data."""
    today, found = clock.today(), directives_with_duties()
    figures = public_figures([duty for directive in found for duty in directive.duties.all()])
    return JsonResponse(
        {
            "schema": SCHEMA,
            "as_of": today.isoformat(),
            "directives": [
                {
                    "number": directive.number,
                    "title": directive.title,
                    "signed_on": directive.signed_on.isoformat(),
                    "citation": directive.citation,
                    "duties": [
                        duty_as_data(duty, figures[duty.pk], today) for duty in directive.duties.all()
                    ],
                }
                for directive in found
            ],
            "agency_actions": [
                action_as_data(action, today) for action in with_steps(AgencyAction.objects.public())
            ],
        }
    )


@login_not_required
@require_safe
def evidence(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """A file that stands as evidence of a duty, or of a decision that the person may read of."""
    duties = Duty.objects.exclude(evidence_file=None).values("evidence_file")
    steps = ActionStep.objects.visible_to(request.user).exclude(evidence_file=None).values("evidence_file")
    documents = Document.objects.filter(Q(pk__in=duties) | Q(pk__in=steps), sha256=sha256)
    document = get_object_or_404(documents.order_by("pk")[:1])
    try:
        return download_response(document)
    except Withheld as reason:
        messages.warning(request, str(reason))
        return redirect("program:directives")


def directives_with_duties() -> list[Directive]:
    """Both orders with their duties and the files of evidence: two statements."""
    rows = Duty.objects.select_related("directive", "evidence_file")
    return list(Directive.objects.prefetch_related(Prefetch("duties", rows)))


def with_steps(actions: Any) -> Any:
    """Actions with their decisions and exemptions: three statements."""
    steps = ActionStep.objects.select_related("evidence_file", "recorded_by")
    exemptions = InterimExemption.objects.select_related("action")
    return actions.prefetch_related(Prefetch("steps", steps), Prefetch("exemptions", exemptions))


def rows_of(duties: Iterable[Duty], figures: dict[int, list[Figure]], today: date) -> list[dict[str, Any]]:
    """What a table of duties prints, row by row."""
    return [
        {
            "duty": duty,
            "clock": duty.clock.words(today) if duty.clock else "",
            "is_late": bool(
                duty.clock and duty.state == DutyState.OPEN and (duty.clock.days_left(today) or 0) < 0
            ),
            "figures": figures[duty.pk],
        }
        for duty in duties
    ]


def row_of_action(action: AgencyAction, today: date) -> dict[str, Any]:
    """What the register prints of an action: its decisions in their order, its exemptions as of today."""
    steps = list(action.steps.all())
    return {
        "action": action,
        "tone": TONES.get(action.status, "info"),
        "holding": sum(exemption.holds_on(today) for exemption in action.exemptions.all()),
        "steps": list(zip(steps, doubts(action, steps), strict=True)),
        "exemptions": [(exemption, exemption.holds_on(today)) for exemption in action.exemptions.all()],
    }


def doubts(action: AgencyAction, steps: list[ActionStep]) -> Iterator[str]:
    """What cannot be right about the day of each decision, as it was entered; nothing where it can."""
    latest: date | None = None
    for step in steps:
        if action.taken_on and step.decided_on < action.taken_on:
            yield "This day lies before the day on which the action was taken."
        elif latest and step.decided_on < latest:
            yield "This day lies before the day of an earlier decision."
        elif step.decided_on > local_day(step.recorded_at):
            yield "This day lay ahead when the decision was entered."
        else:
            yield ""
        latest = max(latest or step.decided_on, step.decided_on)


def duty_as_data(duty: Duty, figures: list[Figure], today: date) -> dict[str, Any]:
    return {
        "clause": duty.clause,
        "text": duty.text,
        "responsible": duty.responsible,
        "consulted": duty.consulted,
        "starts_on": duty.directive.signed_on.isoformat(),
        "due_in_days": duty.due_in_days,
        "due_on": day(duty.due_on),
        "days_left": duty.clock.days_left(today) if duty.clock else None,
        "timing": duty.timing,
        "state": duty.state,
        "fulfilled_on": day(duty.fulfilled_on),
        "has_evidence": duty.has_evidence,
        "evidence": evidence_as_data(duty),
        "kept_on": day(local_day(duty.kept_at)) if duty.kept_at else None,
        "records": [{"count": figure.value, "what": figure.label, "url": figure.url} for figure in figures],
    }


def evidence_as_data(record: Evidenced) -> dict[str, Any]:
    file = record.evidence_file
    stored = {"name": file.name, "sha256": file.sha256, "url": file_url(file)} if file else None
    return {"words": record.evidence, "link": record.evidence_url, "file": stored}


def action_as_data(action: AgencyAction, today: date) -> dict[str, Any]:
    """What the public may read of an action; who typed it is nobody's matter but the record's."""
    return {
        "agency": action.agency,
        "title": action.title,
        "citation": action.citation,
        "link": action.url,
        "taken_on": day(action.taken_on),
        "effect": action.effect,
        "status": action.status,
        "measure": action.measure,
        "standing": action.standing,
        "decisions": [
            {
                "step": step.step,
                "measure": step.measure,
                "decided_by": step.decided_by,
                "decided_on": day(step.decided_on),
                "reason": step.reason,
                "evidence": evidence_as_data(step),
            }
            for step in action.steps.all()
        ],
        "interim_exemptions": [
            {
                "text": exemption.text,
                "basis": exemption.basis,
                "granted_by": exemption.granted_by,
                "granted_on": day(exemption.granted_on),
                "until": day(exemption.until),
                "ended_on": day(exemption.ended_on),
                "ended_because": exemption.ended_because,
                "holds": exemption.holds_on(today),
            }
            for exemption in action.exemptions.all()
        ],
    }


def day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def file_url(document: Document) -> str:
    return reverse("program:evidence", args=[document.sha256])


@fulfils("14320", "3(b)")
def calls_issued() -> Figure:
    """Calls that are public: whatever was issued."""
    found = Call.objects.public().count()
    return figure(found, "call issued", "calls issued", reverse("program:calls"))


@fulfils("14320", "3(c)")
def calls_within_their_days() -> Figure:
    """Calls whose last day is no later than the 90th, itself moved where the call says so."""
    closures = counted_closures()
    calls = [
        (issued_on, due_on, Period(CALL_DAYS, rolls_forward=rolls))
        for issued_on, due_on, rolls in Call.objects.public().values_list(
            "issued_on", "due_on", "rolls_forward"
        )
        if issued_on and due_on
    ]
    in_time = sum(due_on <= days.due_from(issued_on, closures).due_on for issued_on, due_on, days in calls)
    words = f"of {len(calls)} calls issued close on the 90th day, the business day after it, or before"
    return Figure(in_time, words, reverse("program:calls"))


@fulfils("14179", "5(a)")
def actions_decided() -> Figure:
    """Agency actions that were found inconsistent, or not."""
    found = AgencyAction.objects.public().count()
    url = f"{reverse('program:directives')}#agency-actions"
    one, many = (f"agency action{s} with a finding on record" for s in ("", "s"))
    return figure(found, one, many, url)

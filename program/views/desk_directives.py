"""The register of directives at the desk: keep a duty, review agency actions, enter interim exemptions."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from program import clock
from program.acts import attempt, lay_beside
from program.conflicts import conflict_of, read_again, typed_in
from program.enums import ActionStatus
from program.figures import desk_figures
from program.forms_of_directives import (
    ActionForm,
    ChangeActionForm,
    DutyForm,
    EndExemptionForm,
    ExemptionForm,
    ReadForm,
    StepForm,
)
from program.lifecycle import ACTION_TRANSITIONS
from program.models import ActionStep, AgencyAction, AuditEvent, Duty, InterimExemption
from program.querysets import NOT_DECIDED
from program.record_words import act_in_words
from program.requests import SignedInRequest, number_said
from program.revisions import StaleRevision
from program.services import directives as services
from program.transitions import NotReady, Transition, available
from program.views.directives import directives_with_duties, row_of_action, rows_of, with_steps

View = Callable[..., HttpResponse]
FORM = ["GET", "HEAD", "POST"]
PAGE = 50
MOST_EVENTS = 30
STEPS = {step.name: step for step in ACTION_TRANSITIONS}


def register_readers(view: View) -> View:
    """A page of the register for those who read it at the desk; a form only where its act is permitted."""

    @wraps(view)
    def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm("program.view_duty"):
            raise Http404
        if request.method == "POST" and not may_write(request):
            raise PermissionDenied("The Program office keeps the register of directives.")
        return view(request, *args, **kwargs)

    return guarded


def may_write(request: SignedInRequest) -> bool:
    return request.user.has_perm("program.change_duty")


def require_writer(request: SignedInRequest) -> None:
    if not may_write(request):
        raise PermissionDenied("The Program office keeps the register of directives.")


@register_readers
@require_safe
def duty_list(request: SignedInRequest) -> HttpResponse:
    """Every duty with its clock, its state, and the portal's own records that fulfil it."""
    today, found = clock.today(), directives_with_duties()
    figures = desk_figures([duty for each in found for duty in each.duties.all()], request.user)
    facts = {
        "directives": [(each, rows_of(each.duties.all(), figures, today)) for each in found],
        "under_review": AgencyAction.objects.filter(status=ActionStatus.IDENTIFIED).count(),
        "may_write": may_write(request),
    }
    return render(request, "program/desk/duties.html", facts)


@register_readers
@require_http_methods(FORM)
def duty(request: SignedInRequest, pk: int) -> HttpResponse:
    """One duty, its history, and to the Program office the form that keeps it; a stale save answers 409."""
    kept = get_object_or_404(Duty.objects.select_related("directive", "evidence_file", "kept_by"), pk=pk)
    form = DutyForm(request.POST or None, request.FILES or None, instance=kept)
    status = 200
    said: dict[str, Any] = {}
    if request.method == "POST":
        status, said = keep(request, kept, form)
        if not status:
            return redirect("program:desk-duty", pk)
    current = get_object_or_404(Duty.objects.select_related("directive", "evidence_file", "kept_by"), pk=pk)
    facts = {
        "row": rows_of([current], desk_figures([current], request.user), clock.today())[0],
        "form": form,
        "events": history(current),
        "may_write": may_write(request),
        **said,
    }
    return render(request, "program/desk/duty.html", facts, status=status)


def keep(request: SignedInRequest, kept: Duty, form: DutyForm) -> tuple[int, dict[str, Any]]:
    """Keep what was typed: status 0 when it is done, else that of the page and what it says."""

    def save(**details: Any) -> None:
        typed = form.cleaned_data
        services.keep_duty(
            kept, values=form.values, reason=typed["reason"], upload=typed["upload"],
            remove_file=bool(typed.get("remove_file")), revision=typed["revision"], **details,
        )  # fmt: skip

    return carried_out(request, form, save, "The duty is kept, and the register shows it.")


def carried_out(
    request: SignedInRequest, form: forms.BaseForm, act: Callable[..., Any], done: str
) -> tuple[int, dict[str, Any]]:
    """Do ``act`` with a valid form: 0 when it is done, else the status of the page and what it says.

    Of an act that is over the page keeps what was typed.
    """
    if not form.is_valid():
        return 422, {}
    try:
        return (0, {}) if attempt(request, act, done=done) else (409, {"typed": typed_in(form)})
    except StaleRevision as refusal:
        if isinstance(form, DutyForm | ChangeActionForm):
            return 409, conflict_of(form, refusal)
        read_again(form, refusal.record.revision)
        return 409, {"conflict": MOVED_ON}
    except NotReady as refusal:
        for problem in lay_beside(form, refusal.problems):
            form.add_error(None, problem.message)
        return 422, {}
    except ValidationError as error:
        form.add_error(None, error)
        return 422, {}


MOVED_ON: Final = (
    "Nothing of yours was saved. Read first what was saved meanwhile: it stands on the action’s page."
)


def history(record: Any, *parts: Any) -> list[dict[str, Any]]:
    """What happened to a record and to its parts, the latest first, with what changed."""
    found = AuditEvent.objects.of(record)
    for part in parts:
        found |= AuditEvent.objects.of(part)
    models = {each._meta.label_lower: each for each in (record, *parts)}
    return [
        {
            "event": event,
            "act": act_in_words(event.act),
            "changes": changes(models[event.subject_type], event),
        }
        for event in found.select_related("actor").order_by("-pk")[:MOST_EVENTS]
    ]


def changes(record: Any, event: AuditEvent) -> list[tuple[str, str, str]]:
    """Label, what stood before and what stood after, of each fact that an event names."""
    before, after = event.said["before"], event.said["after"]
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return []
    columns = {column.name: column for column in record._meta.fields}

    def words(name: str, value: str) -> str:
        return str(dict(getattr(columns.get(name), "flatchoices", ())).get(value, value))

    return [
        (
            str(columns[name].verbose_name).capitalize() if name in columns else name.replace("_", " "),
            words(name, before.get(name, "")),
            words(name, after.get(name, "")),
        )
        for name in {**before, **after}
    ]


@register_readers
@require_safe
def action_list(request: SignedInRequest) -> HttpResponse:
    """Agency actions by where their review stands, fifty to a page."""
    chosen = request.GET.get("status", "")
    rows = AgencyAction.objects.visible_to(request.user)
    if chosen in ActionStatus:
        rows = rows.filter(status=chosen)
    start = number_said(request.GET.get("after", ""), digits=6) or 0
    page = list(with_steps(rows)[start : start + PAGE + 1])
    tally = dict(AgencyAction.objects.order_by().values_list("status").annotate(Count("pk")))
    more = f"?status={chosen}&after={start + PAGE}" if len(page) > PAGE else ""
    today = clock.today()
    facts = {
        "rows": [row_of_action(action, today) for action in page[:PAGE]],
        "next": more,
        "stages": [(value, label, tally.get(value, 0)) for value, label in ActionStatus.choices],
        "chosen": chosen if chosen in ActionStatus else "",
        "may_write": may_write(request),
    }
    return render(request, "program/desk/actions.html", facts)


@register_readers
@require_http_methods(FORM)
def action_new(request: SignedInRequest) -> HttpResponse:
    """Enter an action for review."""
    require_writer(request)
    form, made = ActionForm(request.POST or None), []

    def enter(**details: Any) -> None:
        made.append(services.enter_action(values=dict(form.cleaned_data), **details))

    status = 200
    if request.method == "POST":
        done = "The action is entered. Only government offices see it until something is decided about it."
        status, _ = carried_out(request, form, enter, done)
        if not status:
            return redirect("program:agency-action", made[0].pk)
    facts = {"form": form, "title": "Enter an agency action", "button": "Enter"}
    return render(request, "program/desk/action_form.html", facts, status=status)


@register_readers
@require_safe
def action(request: SignedInRequest, pk: int) -> HttpResponse:
    """One action: what it did, what was decided, interim exemptions, what can be done, its record."""
    found = find(request, pk)
    facts = {
        "row": row_of_action(found, clock.today()),
        "is_public": found.status not in NOT_DECIDED,
        "acts": available(ACTION_TRANSITIONS, found, request.user),
        "may_change": may_write(request) and found.status in services.CHANGE.sources,
        "may_exempt": may_write(request) and found.status in services.EXEMPT.sources,
        "may_write": may_write(request),
        "events": history(found, *found.exemptions.all()),
    }
    return render(request, "program/desk/action.html", facts)


def find(request: SignedInRequest, pk: int) -> AgencyAction:
    return get_object_or_404(with_steps(AgencyAction.objects.visible_to(request.user)), pk=pk)


def form_of(
    request: SignedInRequest,
    found: AgencyAction,
    form: ReadForm,
    act: Callable[..., Any],
    *,
    done: str,
    **facts: Any,
) -> HttpResponse:
    """A form for one act on an action, and what came of it; a stale one answers 409 with both texts."""
    status = 200
    if request.method == "POST":
        status, said = carried_out(request, form, act, done)
        if not status:
            return redirect("program:agency-action", found.pk)
        facts |= said
    facts |= {"form": form, "action": find(request, found.pk)}
    return render(request, "program/desk/action_form.html", facts, status=status)


@register_readers
@require_http_methods(FORM)
def action_edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Correct the facts of an action."""
    require_writer(request)
    found = find(request, pk)
    form = ChangeActionForm(request.POST or None, instance=found)

    def change(**details: Any) -> None:
        typed = form.cleaned_data
        services.change_action(
            found, values=form.values, revision=typed["revision"], reason=typed["reason"], **details
        )

    return form_of(request, found, form, change, done="Saved.", title="Correct the details", button="Save")


def what_comes_first(taken: Transition, found: AgencyAction) -> str:
    labels = dict(ActionStatus.choices)
    sources = " or ".join(f"“{labels[each]}”" for each in ActionStatus.values if each in taken.sources)
    return f"“{taken.label}” comes after {sources}. This action is “{found.get_status_display()}”."


@register_readers
@require_http_methods(FORM)
def action_step(request: SignedInRequest, pk: int, step: str) -> HttpResponse:
    """Record one decision of the review."""
    require_writer(request)
    found, taken = find(request, pk), STEPS.get(step)
    if taken is None:
        raise Http404
    if request.method != "POST" and found.status not in taken.sources:
        messages.info(request, what_comes_first(taken, found))
        return redirect("program:agency-action", pk)
    form = StepForm(
        request.POST or None, request.FILES or None, instance=ActionStep(), revision=found.revision,
        with_measure=step in services.WITH_MEASURE,
    )  # fmt: skip

    def take(**details: Any) -> None:
        typed = form.cleaned_data
        services.take_step(
            found, taken, values=form.values, measure=typed.get("measure", ""), upload=typed["upload"],
            revision=typed["revision"], **details,
        )  # fmt: skip

    done = "The decision is on record, and the public register shows it."
    if taken.target == ActionStatus.DROPPED:
        done = "The action is dropped; the record keeps why."
    return form_of(
        request, found, form, take, done=done, title=taken.label, button=taken.label, lead=taken.description
    )


@register_readers
@require_http_methods(FORM)
def exemption_new(request: SignedInRequest, pk: int) -> HttpResponse:
    """Enter an interim exemption."""
    require_writer(request)
    found = find(request, pk)
    form = ExemptionForm(request.POST or None, instance=InterimExemption(), revision=found.revision)

    def give(**details: Any) -> None:
        services.give_exemption(found, values=form.values, revision=form.cleaned_data["revision"], **details)

    lead = "It holds until its last day, or until the change of the action is final. The public reads it."
    title = "Enter an interim exemption"
    done = "The exemption is entered."
    return form_of(request, found, form, give, done=done, title=title, button="Enter", lead=lead)


@register_readers
@require_http_methods(FORM)
def exemption_end(request: SignedInRequest, pk: int) -> HttpResponse:
    """End an interim exemption before its time."""
    require_writer(request)
    exemption = get_object_or_404(InterimExemption.objects.select_related("action"), pk=pk)
    form = EndExemptionForm(request.POST or None)

    def end(**details: Any) -> None:
        services.end_exemption(exemption, reason=form.cleaned_data["reason"], **details)

    status = 200
    said: dict[str, Any] = {}
    if request.method == "POST":
        status, said = carried_out(request, form, end, "The exemption ends today.")
        if not status:
            return redirect("program:agency-action", exemption.action_id)
    facts = {
        **said, "form": form, "action": find(request, exemption.action_id), "lead": exemption.text,
        "title": "End the interim exemption", "button": "End it",
    }  # fmt: skip
    return render(request, "program/desk/action_form.html", facts, status=status)

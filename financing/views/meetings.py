"""Meetings of the EDAG and the actions that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from financing.enums import MeetingStatus, ReferralStatus
from financing.forms import (
    ActionForm,
    AgendaForm,
    DecisionForm,
    HoldForm,
    MeetingForm,
    OutcomeForm,
    people_in,
)
from financing.models import Action, AgendaItem, Meeting, ToolReferral
from financing.querysets import IN_EDAG
from financing.services import meetings as services
from financing.views.doors import FORM, PAGE_SIZE, edag_desk
from program import clock
from program.acts import lay_beside
from program.order import implements
from program.requests import SignedInRequest, number_said
from program.transitions import NotReady, WrongStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.forms import BaseForm

    from program.transitions import Problem


def after(request: SignedInRequest) -> int:
    """How many rows of a list were shown before; lists of the EDAG are short."""
    return number_said(request.GET.get("after", ""), digits=6) or 0


@implements("s.4(a)")
@edag_desk
@require_safe
def meeting_list(request: SignedInRequest) -> HttpResponse:
    """Planned meetings and those that were held, the latest first."""
    start = after(request)
    rows = list(Meeting.objects.visible_to(request.user).for_list()[start : start + PAGE_SIZE + 1])
    facts = {
        "meetings": rows[:PAGE_SIZE],
        "next": f"?after={start + PAGE_SIZE}" if len(rows) > PAGE_SIZE else "",
        "may_plan": request.user.has_perm("financing.plan_meeting"),
    }
    return render(request, "financing/meeting_list.html", facts)


@edag_desk
@require_http_methods(FORM)
def meeting_plan(request: SignedInRequest) -> HttpResponse:
    """Plan a meeting; the members of the EDAG are told."""
    form, problems = MeetingForm(request.POST or None), []
    if request.method == "POST" and form.is_valid():
        try:
            record = services.plan_meeting(by=request.user, **form.cleaned_data)
        except NotReady as refusal:
            problems = lay_beside(form, refusal.problems)
        else:
            messages.success(
                request, "The meeting is planned and the members are told. Put items on its agenda."
            )
            return redirect("financing:meeting", record.pk)
    facts = {"form": form, "problems": problems}
    return render(
        request, "financing/meeting_form.html", facts, status=422 if form.errors or problems else 200
    )


def find(request: SignedInRequest, pk: int) -> Meeting:
    return get_object_or_404(Meeting.objects.visible_to(request.user).select_related("chair"), pk=pk)


@edag_desk
@require_safe
def meeting(request: SignedInRequest, pk: int) -> HttpResponse:
    return show(request, find(request, pk))


def show(
    request: SignedInRequest,
    record: Meeting,
    status: int = 200,
    *,
    problems: Sequence[Problem] = (),
    bound: dict[str, Any] | None = None,
) -> HttpResponse:
    """Agenda, decisions and actions of one meeting, with the ``bound`` forms that were refused.

    Items about packages that one may not see are left out.
    """
    bound = bound or {}
    actions = Action.objects.select_related("owner", "done_by").order_by("due_on", "pk")
    items = list(
        AgendaItem.objects.visible_to(request.user)
        .filter(meeting=record)
        .select_related(
            "referral__tool", "referral__agency", "referral__designation", "decided_by", "meeting"
        )
        .prefetch_related(Prefetch("actions", queryset=actions))
    )
    owners = list(people_in(*IN_EDAG))
    is_held = record.status == MeetingStatus.HELD
    may_decide = is_held and request.user.has_perm("financing.hold_meeting", record)
    may_act = request.user.has_perm("financing.change_meeting", record)
    facts: dict[str, Any] = {
        "meeting": record,
        "is_held": is_held,
        "items": [
            {
                "item": item,
                "decide_form": bound.get(f"decide_{item.pk}") or _decision_form(item),
                "action_form": bound.get(f"action_{item.pk}")
                or ActionForm(prefix=f"action-{item.pk}", owners=owners),
                "may_decide": may_decide and not item.decision,
            }
            for item in items
        ],
        "agenda_form": bound.get("agenda") or _agenda_form(request),
        "hold_form": bound.get("hold") or HoldForm(prefix="hold"),
        "outcome_form": OutcomeForm(auto_id=False),
        "may_hold": not is_held and request.user.has_perm("financing.hold_meeting", record),
        "has_begun": record.starts_at <= clock.now(),
        "may_act": may_act,
        "problems": problems,
        "failed": bound.get("failed"),
        "today": clock.today(),
    }
    return render(request, "financing/meeting.html", facts, status=status)


def _decision_form(item: AgendaItem, data: Any = None) -> DecisionForm:
    return DecisionForm(data, prefix=f"decide-{item.pk}", is_about_referral=item.referral_id is not None)


def _agenda_form(request: SignedInRequest, data: Any = None) -> AgendaForm:
    waiting = ToolReferral.objects.visible_to(request.user).filter(status=ReferralStatus.PROPOSED)
    return AgendaForm(data, prefix="agenda", referrals=waiting)


def carry_out(
    request: SignedInRequest, record: Meeting, form: BaseForm, key: str, service: Callable[[], Any], done: str
) -> HttpResponse:
    """Call ``service`` once the form is valid, and show what was wrong or done."""
    if not form.is_valid():
        return show(request, record, status=422, bound={key: form, "failed": form})
    try:
        service()
    except NotReady as refusal:
        rest = lay_beside(form, refusal.problems)
        record = find(request, record.pk)
        return show(request, record, status=422, problems=rest, bound={key: form, "failed": form})
    except WrongStatus as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("financing:meeting", record.pk)


@edag_desk
@require_POST
def item_add(request: SignedInRequest, pk: int) -> HttpResponse:
    record, form = find(request, pk), _agenda_form(request, request.POST)
    return carry_out(
        request,
        record,
        form,
        "agenda",
        lambda: services.put_on_agenda(record, by=request.user, **form.cleaned_data),
        "The item is on the agenda.",
    )


@edag_desk
@require_POST
def meeting_hold(request: SignedInRequest, pk: int) -> HttpResponse:
    record, form = find(request, pk), HoldForm(request.POST, prefix="hold")
    return carry_out(
        request,
        record,
        form,
        "hold",
        lambda: services.hold_meeting(record, by=request.user, **form.cleaned_data),
        "The meeting was held. Its items can be decided.",
    )


def find_item(request: SignedInRequest, pk: int) -> AgendaItem:
    rows = AgendaItem.objects.visible_to(request.user).select_related("meeting__chair", "referral")
    return get_object_or_404(rows, pk=pk)


@edag_desk
@require_POST
def item_decide(request: SignedInRequest, pk: int) -> HttpResponse:
    item = find_item(request, pk)
    form = _decision_form(item, request.POST)
    return carry_out(
        request,
        item.meeting,
        form,
        f"decide_{item.pk}",
        lambda: services.decide_item(item, by=request.user, **form.cleaned_data),
        "The decision is on record.",
    )


@edag_desk
@require_POST
def action_give(request: SignedInRequest, pk: int) -> HttpResponse:
    item = find_item(request, pk)
    form = ActionForm(request.POST, prefix=f"action-{item.pk}", owners=people_in(*IN_EDAG))
    return carry_out(
        request,
        item.meeting,
        form,
        f"action_{item.pk}",
        lambda: services.give_action(item, by=request.user, **form.cleaned_data),
        "The action is on record and its owner is told.",
    )


@edag_desk
@require_safe
def action_list(request: SignedInRequest) -> HttpResponse:
    """Unfinished actions by their day, or with ``all`` those that are done too."""
    start, everything = after(request), request.GET.get("all") == "1"
    rows = Action.objects.visible_to(request.user).for_list()
    rows = rows.order_by("-due_on", "-pk") if everything else rows.unfinished().order_by("due_on", "pk")
    page = list(rows[start : start + PAGE_SIZE + 1])
    query = "all=1&" if everything else ""
    facts = {
        "actions": page[:PAGE_SIZE],
        "next": f"?{query}after={start + PAGE_SIZE}" if len(page) > PAGE_SIZE else "",
        "everything": everything,
        "today": clock.today(),
    }
    return render(request, "financing/action_list.html", facts)


@edag_desk
@require_http_methods(FORM)
def action_finish(request: SignedInRequest, pk: int) -> HttpResponse:
    """Report an action done, with what came of it."""
    rows = Action.objects.visible_to(request.user).select_related(
        "item__meeting__chair", "item__referral", "owner"
    )
    action = get_object_or_404(rows, pk=pk)
    form, problems = OutcomeForm(request.POST or None), []
    if request.method == "POST" and form.is_valid():
        try:
            services.finish_action(action, by=request.user, **form.cleaned_data)
        except NotReady as refusal:
            problems = lay_beside(form, refusal.problems)
        else:
            messages.success(request, "Reported done.")
            return redirect("financing:actions")
    facts = {
        "action": action,
        "form": form,
        "problems": problems,
        "may_finish": action.done_at is None and request.user.has_perm("financing.finish_action", action),
    }
    return render(request, "financing/action.html", facts, status=422 if form.errors or problems else 200)

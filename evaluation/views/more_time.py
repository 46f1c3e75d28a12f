"""More time for one proposal at the desk: what is asked, the answer, and time given without being asked."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation.forms import DeclineTimeForm, ExtensionForm
from evaluation.views.desk import require_desk
from program import clock
from program.conflicts import typed_in
from program.deadlines import end_of_day
from program.enums import OfficeRole
from program.order import implements
from program.requests import number_said
from program.services.calls import PAST_THE_ORDER, last_day_in_order
from program.transitions import NotReady, WrongStatus
from proposals import services
from proposals.enums import TimeRequestStatus
from proposals.lifecycle import EXTEND
from proposals.models import Extension, Proposal, TimeRequest
from proposals.services.extensions import last_day_of, problems_of_extension

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpResponse

    from program.requests import SignedInRequest

FORM = ["GET", "HEAD", "POST"]
READERS = (OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR)
SHOWN = 50
GIVEN = "The proposal has more time, and its team is told."


@require_safe
def request_list(request: SignedInRequest) -> HttpResponse:
    """What waits for an answer, the oldest first; then who was given more time and what was declined."""
    require_desk(request.user, *READERS)
    rows = TimeRequest.objects.read_by_office(request.user)
    rows = rows.select_related("proposal__consortium", "proposal__call", "asked_by", "answered_by")
    given = Extension.objects.read_by_office(request.user)
    given = given.select_related("proposal__consortium", "proposal__call", "made_by", "request")
    facts = {
        **page_of(request, "waiting", rows.to_answer(), newest=False),
        **page_of(request, "given", given),
        **page_of(request, "declined", rows.filter(status=TimeRequestStatus.DECLINED)),
        "now": clock.now(),
    }
    return render(request, "evaluation/more_time.html", facts)


def page_of(request: SignedInRequest, name: str, rows: QuerySet, *, newest: bool = True) -> dict[str, Any]:
    """One page of the list ``name``, and where it goes on."""
    after = number_said(request.GET.get(name, ""))
    if after is not None:
        rows = rows.filter(pk__lt=after) if newest else rows.filter(pk__gt=after)
    found = list(rows.order_by("-pk" if newest else "pk")[: SHOWN + 1])
    page = found[:SHOWN]
    return {name: page, f"next_{name}": f"?{name}={page[-1].pk}#{name}" if len(found) > SHOWN else ""}


@implements("s.3(c)")
@require_http_methods(FORM)
def request_answer(request: SignedInRequest, pk: int) -> HttpResponse:
    """One request: the Program office gives more time here or declines."""
    return answer_page(request, asked(request, pk))


@require_POST
def request_decline(request: SignedInRequest, pk: int) -> HttpResponse:
    """Decline, with the reason."""
    found = asked(request, pk)
    form = DeclineTimeForm(request.POST)
    if not form.is_valid():
        return answer_page(request, found, decline=form)
    try:
        services.decline_time(found, by=request.user, answer=form.cleaned_data["answer"])
    except (NotReady, WrongStatus) as refusal:
        messages.warning(request, str(refusal))
        found.refresh_from_db()
        return answer_page(request, found, decline=form)
    messages.success(request, "The request is declined, and the team is told why.")
    return redirect("evaluation:more-time")


def asked(request: SignedInRequest, pk: int) -> TimeRequest:
    require_desk(request.user, *READERS)
    rows = TimeRequest.objects.read_by_office(request.user)
    return get_object_or_404(
        rows.select_related("proposal__consortium", "proposal__call", "asked_by", "answered_by"), pk=pk
    )


def answer_page(
    request: SignedInRequest, found: TimeRequest, decline: DeclineTimeForm | None = None
) -> HttpResponse:
    may_answer = request.user.has_perm("proposals.grant_timerequest", found)
    if request.method == "POST" and not may_answer:
        raise PermissionDenied("Only program officers answer a request for more time.")
    form = ExtensionForm(request.POST if request.method == "POST" and decline is None else None)
    if form.is_bound and form.is_valid():
        try:
            if given(request, form, services.grant_time, found):
                return redirect("evaluation:more-time")
        except WrongStatus as refusal:
            messages.warning(request, str(refusal))
        found.refresh_from_db()
    waits = TimeRequest.objects.to_answer().filter(pk=found.pk).exists()
    sent = decline or (form if form.is_bound else None)
    facts = {
        "asked": found,
        "form": form,
        "decline": decline or DeclineTimeForm(),
        "may_answer": may_answer and waits,
        "is_over": found.status == TimeRequestStatus.ASKED and not waits,
        "typed": typed_in(sent) if sent and not waits else [],
    }
    return show(request, "evaluation/time_request.html", found.proposal, facts)


@implements("s.3(c)")
@require_http_methods(FORM)
def proposal_extend(request: SignedInRequest, number: str) -> HttpResponse:
    """Give one proposal that the Program office has a later last day."""
    require_desk(request.user, OfficeRole.PROGRAM_OFFICER)
    rows = Proposal.objects.read_by_office(request.user).select_related("call", "consortium")
    proposal = get_object_or_404(rows, number=number)
    form = ExtensionForm(request.POST or None)
    if form.is_bound and form.is_valid():
        with suppress(WrongStatus):  # the page then says that it is over
            if given(request, form, services.extend_proposal, proposal):
                return redirect("evaluation:proposal", number)
    is_over = proposal.status not in EXTEND.sources or proposal.call.cancelled_at is not None
    if is_over:
        messages.info(request, "This proposal takes no new version any more: no time is given for it.")
        if not form.is_bound:
            return redirect("evaluation:proposal", number)
    facts = {"form": form, "decline": None, "is_over": is_over, "typed": typed_in(form) if is_over else []}
    return show(request, "evaluation/extend.html", proposal, facts)


def given(
    request: SignedInRequest, form: ExtensionForm, service: Callable[..., Extension], record: Any
) -> bool:
    """Give the time; whether it was done. Which day will stand is shown first.

    What is refused stands beside its field, with what was typed.

    Raises WrongStatus where somebody acted before.
    """
    details = {name: form.cleaned_data[name] for name in ("due_on", "reason", "legal_basis")}
    proposal: Proposal = getattr(record, "proposal", record)
    if not problems_of_extension(proposal, **details):
        shown = f"{last_day_of(proposal)} to {details['due_on']}"
        if not form.has_seen(shown):
            form.let_see(shown)
            form.coming = end_of_day(details["due_on"])
            return False
    try:
        service(record, by=request.user, **details)
    except NotReady as refusal:
        for problem in refusal.problems:
            form.add_error(problem.field if problem.field in form.fields else None, problem.message)
        return False
    except ValidationError as error:
        form.add_error(None, error.messages)
        return False
    messages.success(request, GIVEN)
    return True


def show(request: SignedInRequest, template: str, proposal: Proposal, facts: dict[str, Any]) -> HttpResponse:
    more = {
        "proposal": proposal,
        "extensions": list(proposal.extensions.select_related("made_by").order_by("-pk")),
        "warning": PAST_THE_ORDER,
        "last_in_order": last_day_in_order(proposal.call),
        "now": clock.now(),
        **facts,
    }
    refused = facts["form"].errors or (facts["decline"] and facts["decline"].errors)
    return render(request, template, more, status=409 if facts["typed"] else 422 if refused else 200)

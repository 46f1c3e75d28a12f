"""More time for one proposal: the page that asks for it, and its own deadline as a calendar file."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from program.calendars import deadline_file
from program.conflicts import typed_in
from program.order import implements
from program.requests import SignedInRequest
from program.transitions import NotReady, WrongStatus
from proposals import services
from proposals.forms.submissions import TimeForm
from proposals.lifecycle import ASK_TIME
from proposals.notices import address
from proposals.readiness import rule_in_words
from proposals.views.workspace import show, workspace


@implements("s.3(c)")
@require_http_methods(["GET", "HEAD", "POST"])
def more_time(request: SignedInRequest, pk: int) -> HttpResponse:
    """What was asked and given, and the form that asks; only the anchor's people ask."""
    space = workspace(request, pk, "detail")
    proposal = space.proposal
    may_ask = request.user.has_perm("proposals.ask_time_proposal", proposal)
    if request.method == "POST" and not may_ask:
        raise PermissionDenied("Only administrators and authorized representatives of the anchor ask.")
    form = TimeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.ask_for_time(proposal, by=request.user, reason=form.cleaned_data["reason"])
        except NotReady as refusal:
            for problem in refusal.problems:
                form.add_error(problem.field if problem.field in form.fields else None, problem.message)
        except WrongStatus as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "The Program office was asked. You are told of its answer.")
            return redirect("proposals:more-time", pk)
        space = workspace(request, pk, "detail")  # as it stands now, with all that its pages print
        proposal = space.proposal
    requests = list(proposal.time_requests.select_related("asked_by", "extension"))
    facts = {
        "form": form,
        "typed": typed_in(form) if form.errors else [],
        "requests": requests,
        "extensions": list(proposal.extensions.order_by("-pk")),
        "may_ask": may_ask and not proposal.call.cancelled_at and proposal.status in ASK_TIME.sources,
        "is_asked": any(one.status == "asked" for one in requests),
        "is_unknown": proposal.submitted_at is None and not requests,
    }
    return show(request, "proposals/more_time.html", space, facts, status=422 if form.errors else 200)


@require_safe
def deadline_calendar(request: SignedInRequest, pk: int) -> HttpResponse:
    """Until when this proposal is taken, as a calendar file."""
    proposal = workspace(request, pk).proposal
    if proposal.closes_at is None or proposal.call.cancelled_at:
        raise Http404
    content = deadline_file(
        uid=f"{proposal.call.number}-{proposal.pk}@{settings.SITE_URL.partition('//')[2]}",
        title=f"{proposal.call.number}: your proposal is due",
        text=rule_in_words(proposal, proposal.call),
        url=f"{settings.SITE_URL}{address(proposal)}",
        at=proposal.closes_at,
        stamped_at=max(proposal.call.updated_at, proposal.updated_at),
    )
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{proposal.call.number}-your-deadline.ics"'
    return response

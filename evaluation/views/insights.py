"""How the evaluation of a call goes: figures, what other weights would move, tables to take away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import prefetch_related_objects
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evaluation.forms import WeightsForm
from evaluation.insights.figures import OWN_PART, Insights, insights_of, own_part
from evaluation.insights.listings import LISTINGS, lines_of
from evaluation.insights.weights import sensitivity
from evaluation.querysets.people import OFFICIALS, is_official
from evaluation.views.desk import require_desk
from program import audit
from program.enums import Mark, OfficeRole
from program.limits import limited
from program.models import Agency, Call
from program.order import implements
from program.spreadsheets import KINDS, sent, write, written_in_lines
from proposals.models import Proposal

if TYPE_CHECKING:
    from program.models import User
    from program.requests import SignedInRequest

MOST_IN_WORKBOOK: Final = 20_000
#: What every table says of itself that is taken from here
MARK: Final = Mark.GOVERNMENT_ONLY


def calls_evaluated() -> list[Call]:
    """Issued calls under which something was submitted, the newest first."""
    submitted = Proposal.objects.filter(submitted_at__isnull=False)
    return list(Call.objects.filter(pk__in=submitted.values("call")).order_by("-issued_at", "-pk"))


def chosen(request: SignedInRequest, calls: list[Call]) -> Call | None:
    """The call that the address names, else the newest; 404 for one that is not there."""
    number = request.GET.get("call", "")
    if not number:
        return calls[0] if calls else None
    for call in calls:
        if call.number == number:
            return call
    raise Http404


@implements("s.3(a)", "s.3(d)")
@require_safe
def insights(request: SignedInRequest) -> HttpResponse:
    """Funnel, ages, the agencies' time, equal treatment and scores of one call; to leads their own."""
    require_desk(request.user, *OFFICIALS, OfficeRole.LEAD)
    call = chosen(request, calls := calls_evaluated())
    facts: dict[str, Any] = {
        "calls": calls,
        "call": call,
        "listings": LISTINGS.values(),
        "most": MOST_IN_WORKBOOK,
    }
    if call is not None:
        facts["insights"] = insights_for(request.user, call)
        facts["own_agencies"] = [] if is_official(request.user) else agencies_led_by(request.user)
    return render(request, "evaluation/insights.html", facts)


def agencies_led_by(user: User) -> list[str]:
    codes = user.agencies_as(OfficeRole.LEAD)
    return [str(agency) for agency in Agency.objects.filter(code__in=codes).order_by("sort_order", "code")]


def insights_for(user: User, call: Call) -> Insights:
    """All figures for the offices that read every agency, for a lead those of the own agency's scores."""
    whole = insights_of(user, call)
    return whole if is_official(user) else own_part(whole, agencies_led_by(user))


@require_safe
def weights(request: SignedInRequest) -> HttpResponse:
    """What other weights would move in each agency's order; nothing is stored."""
    require_desk(request.user, *OFFICIALS)
    call = chosen(request, calls_evaluated())
    if call is None:
        raise Http404
    prefetch_related_objects([call], "criteria")
    criteria = [criterion for criterion in call.criteria.all() if not criterion.is_independent]
    is_asked = any(name.startswith("weight-") for name in request.GET)
    form = WeightsForm(request.GET if is_asked else None, criteria=criteria)
    facts: dict[str, Any] = {"call": call, "form": form}
    if is_asked and form.is_valid():
        facts["found"] = sensitivity(request.user, call, form.weights)
    return render(request, "evaluation/weights.html", facts, status=422 if form.errors else 200)


@require_safe
@limited("export")
def insight_export(request: SignedInRequest, table: str, kind: str) -> HttpResponse | StreamingHttpResponse:
    """A figure, or every score, review or position with its reasons, as a marked file; on the record."""
    require_desk(request.user, *OFFICIALS, *([OfficeRole.LEAD] if table in OWN_PART else []))
    call = chosen(request, calls_evaluated())
    if call is None or kind not in KINDS:
        raise Http404
    name = f"{call.number}-{table}"
    if (listing := LISTINGS.get(table)) is None:
        figure = insights_for(request.user, call).figure(table)
        if figure is None:
            raise Http404
        content = write(kind, figure.title, figure.headings, figure.rows, mark=MARK)
        return sent(kind, name, content, mark=MARK)
    audit.record(call, "call.take_away", by=request.user, after={"table": listing.title, "kind": kind})
    lines = lines_of(listing, request.user, call)
    if kind == "csv":
        return sent(kind, name, written_in_lines(listing.headings, lines, mark=MARK), mark=MARK)
    held = [line for _, line in zip(range(MOST_IN_WORKBOOK + 1), lines, strict=False)]
    if len(held) > MOST_IN_WORKBOOK:
        facts = {"call": call, "listing": listing, "most": MOST_IN_WORKBOOK}
        return render(request, "evaluation/too_long_for_workbook.html", facts, status=422)
    return sent(kind, name, write(kind, listing.title, listing.headings, held, mark=MARK), mark=MARK)

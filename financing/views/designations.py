"""Match and stacking view of one designated package, and the proposal of a referral for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation.enums import DesignationStatus
from evaluation.models import Designation
from financing.enums import Assessment
from financing.forms import ReferralForm, officers_in_office
from financing.models import Match, Tool, ToolReferral
from financing.services.matching import match_tools
from financing.services.referrals import propose_referral
from financing.stacking import stack
from financing.views.doors import FORM, PAGE_SIZE, edag_desk
from program import clock
from program.acts import lay_beside
from program.destinations import rules_on, screen_country
from program.models import Agency
from program.order import implements
from program.requests import SignedInRequest, number_said
from program.transitions import NotReady, Problem
from proposals.services.reading import record_reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from program.destinations import Screening


@dataclass(frozen=True)
class MarketFinding:
    """A target market with the screening of each of its countries."""

    name: str
    kind: str
    screenings: tuple[Screening, ...]


@dataclass(frozen=True)
class ToolMatches:
    """The advice for one tool, market by market."""

    tool: Tool
    is_requested: bool
    matches: tuple[Match, ...]
    has_officer: bool

    @property
    def note(self) -> str:
        """The holder and the advice in a few words."""
        likely = [match.market for match in self.matches if match.assessment == Assessment.LIKELY]
        words = f"likely for {', '.join(likely)}" if likely else "look closer"
        asked = ", requested" if self.is_requested else ""
        return f"{self.tool.agency}: {words}{asked}"


def find(request: SignedInRequest, number: str) -> Designation:
    rows = Designation.objects.of_office(request.user)
    return get_object_or_404(
        rows.select_related("version__proposal", "proposal__consortium", "proposal__call"), number=number
    )


def read_by(request: SignedInRequest, record: Designation) -> None:
    """Keep in the record that this person's agency read the package; once a day."""
    with transaction.atomic():
        record_reading(record.version, by=request.user)


@edag_desk
@require_safe
def designation_list(request: SignedInRequest) -> HttpResponse:
    """Designated packages, newest first, with the number of tools referred; ``after`` is the keyset."""
    rows = Designation.objects.of_office(request.user).select_related("proposal__consortium")
    after = number_said(request.GET.get("after", ""))
    if after is not None:
        rows = rows.filter(pk__lt=after)
    rows = rows.annotate(referral_count=Count("tool_referrals")).order_by("-pk")
    page = list(rows[: PAGE_SIZE + 1])
    facts = {
        "designations": page[:PAGE_SIZE],
        "next": f"?after={page[PAGE_SIZE - 1].pk}" if len(page) > PAGE_SIZE else "",
    }
    return render(request, "financing/designation_list.html", facts)


@implements("s.3(d)", "s.4(d)")
@edag_desk
@require_safe
def designation(request: SignedInRequest, number: str) -> HttpResponse:
    return show(request, find(request, number))


def show(
    request: SignedInRequest, record: Designation, problems: Sequence[Problem] = (), status: int = 200
) -> HttpResponse:
    """What fits, what was asked for, what was referred and what is committed, with the authority of each.

    It shows what the designated version says, so that the reading is recorded.
    """
    read_by(request, record)
    package = record.package
    tools = list(Tool.objects.visible_to(request.user).for_list())
    referrals = list(
        ToolReferral.objects.visible_to(request.user).filter(designation=record).for_list().order_by("pk")
    )
    matches = (
        Match.objects.visible_to(request.user).current().filter(designation=record).select_related("made_by")
    )
    grouped: dict[int, list[Match]] = {}
    for match in matches:
        grouped.setdefault(match.tool_id, []).append(match)
    today = clock.today()
    rules = rules_on(today)
    staffed = set(officers_in_office(today).values_list("agency", flat=True))
    facts: dict[str, Any] = {
        "designation": record,
        "package": package,
        "is_active": record.status == DesignationStatus.ACTIVE,
        "stack": stack(package.support_requests, referrals, tools),
        "referrals": referrals,
        "matched": [
            ToolMatches(
                tool,
                any(m.is_requested for m in grouped[tool.pk]),
                tuple(grouped[tool.pk]),
                tool.agency_id in staffed,
            )
            for tool in tools
            if tool.pk in grouped
        ],
        "unindicated": [tool for tool in tools if tool.pk not in grouped],
        "last_match": next((rows[0] for rows in grouped.values()), None),
        "markets": [
            MarketFinding(
                market.name, market.kind.label if market.kind else "",
                tuple(screen_country(place.code, rules) for place in market.countries),
            )
            for market in package.markets
        ],
        "may_match": request.user.has_perm("financing.add_match", record),
        "may_propose": request.user.has_perm("financing.propose_toolreferral", record),
        "problems": problems,
        "today": today,
    }  # fmt: skip
    return render(request, "financing/designation.html", facts, status=status)


@edag_desk
@require_POST
def designation_match(request: SignedInRequest, number: str) -> HttpResponse:
    """Compute the advice anew from the version that was designated."""
    record = find(request, number)
    try:
        found = match_tools(record, by=request.user)
    except NotReady as refusal:
        return show(request, record, refusal.problems, status=422)
    likely = sum(match.assessment == Assessment.LIKELY for match in found)
    messages.success(
        request, f"Matched: {likely} likely, {len(found) - likely} to look at closer. This is advice."
    )
    return redirect("financing:designation", record.number)


@edag_desk
@require_http_methods(FORM)
def referral_propose(request: SignedInRequest, number: str) -> HttpResponse:
    """Propose a tool for one market; the tool and market of a match may be named in the address."""
    record = find(request, number)
    if not request.user.has_perm("financing.propose_toolreferral", record):
        raise PermissionDenied("You may not propose a referral.")
    read_by(request, record)
    markets = record.package.markets
    problems: Sequence[Problem] = ()
    form = ReferralForm(request.POST or None, markets=markets, initial=_suggested(request, record))
    if request.method == "POST" and form.is_valid():
        try:
            referral = propose_referral(record, by=request.user, **form.cleaned_data)
        except NotReady as refusal:
            problems = lay_beside(form, refusal.problems)
        else:
            messages.success(request, f"Referral {referral.number} is proposed. The EDAG decides on it.")
            return redirect("financing:referral", referral.number)
    unstaffed = Agency.objects.filter(pk__in=Tool.objects.values("agency")).exclude(
        pk__in=officers_in_office().values("agency")
    )
    facts = {"designation": record, "form": form, "problems": problems, "unstaffed": unstaffed}
    refused = bool(form.errors or problems)
    return render(request, "financing/propose.html", facts, status=422 if refused else 200)


def _suggested(request: SignedInRequest, record: Designation) -> dict[str, Any]:
    """Tool, market, amount and purpose of the match that the address names."""
    asked = number_said(request.GET.get("match", "")) or 0
    match = Match.objects.visible_to(request.user).current().filter(designation=record, pk=asked).first()
    if match is None:
        return {}
    requests = record.version.value.support_requests
    wanted = next((r for r in requests if r.mechanism and r.mechanism.value == match.mechanism), None)
    return {
        "tool": match.tool_id,
        "market": match.market,
        "amount_usd": wanted.amount_usd if wanted else None,
        "amount_is_tbd": wanted is None or wanted.amount_usd is None,
        "purpose": wanted.purpose if wanted else "",
    }

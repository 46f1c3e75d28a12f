"""The board: referrals by stage, packages to match, what is due; and the tools on file."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evaluation.models import Designation
from financing.enums import MeetingStatus, ReferralStatus
from financing.forms import StageForm
from financing.models import Action, EdagMember, Meeting, Tool, ToolReferral
from financing.views.doors import PAGE_SIZE, edag_desk
from program import clock
from program.enums import Confidence, OfficeRole
from program.order import implements
from program.requests import SignedInRequest
from program.templatetags.uswds import tone_of

if TYPE_CHECKING:
    from collections.abc import Sequence

STAGES = (
    ReferralStatus.PROPOSED,
    ReferralStatus.REFERRED,
    ReferralStatus.ACCEPTED,
    ReferralStatus.COMMITTED,
    ReferralStatus.SUSPENDED,
    ReferralStatus.DECLINED,
    ReferralStatus.CLOSED,
)


@dataclass(frozen=True)
class StageCount:
    """One number of the board, with the sum of the amounts that are stated."""

    code: str
    label: str
    count: int
    amount: Decimal | None
    tone: str


@implements("s.4(a)", "s.4(d)")
@edag_desk
@require_safe
def board(request: SignedInRequest) -> HttpResponse:
    """Where every referral stands; ``stage`` and ``agency`` narrow the list, ``after`` is the keyset."""
    form = StageForm(request.GET)
    if not form.is_valid():
        raise BadRequest("This board is narrowed by stage and tool holder only.")
    referrals = ToolReferral.objects.visible_to(request.user)
    counted = referrals.stage_counts()
    stage, agency, after = (form.cleaned_data[name] for name in ("stage", "agency", "after"))
    rows = referrals.at_stage(stage) if stage else referrals
    if agency:
        rows = rows.filter(agency=agency)
    if after:
        rows = rows.filter(pk__lt=after)
    page = list(rows.for_list().order_by("-pk")[: PAGE_SIZE + 1])
    today = clock.today()
    facts: dict[str, Any] = {
        "form": form,
        "stage": stage,
        "stages": [
            StageCount(code, code.label, *counted.get(code, (0, None)), tone=tone_of(code)) for code in STAGES
        ],
        "referrals": page[:PAGE_SIZE],
        "next": _next_page(request, page),
        "unmatched": list(_unmatched(request)),
        "actions": list(
            Action.objects.visible_to(request.user).unfinished().filter(owner=request.user).for_list()[:5]
        ),
        "next_meeting": Meeting.objects.visible_to(request.user).filter(status=MeetingStatus.PLANNED)
        .order_by("starts_at", "pk").first(),
        "today": today,
        "may_plan": request.user.has_perm("financing.plan_meeting"),
        "my_agencies": request.user.agencies_as(OfficeRole.EDAG_OFFICER),
    }  # fmt: skip
    return render(request, "financing/board.html", facts)


def _next_page(request: SignedInRequest, page: Sequence[ToolReferral]) -> str:
    if len(page) <= PAGE_SIZE:
        return ""
    query = request.GET.copy()
    query["after"] = str(page[PAGE_SIZE - 1].pk)
    return f"?{query.urlencode()}"


def _unmatched(request: SignedInRequest) -> Any:
    """Active designations for which no tool is on its way yet, the oldest first."""
    designations = Designation.objects.visible_to(request.user).active()
    open_or_done = Q(tool_referrals__status__in=["proposed", "referred", "accepted", "committed", "closed"])
    return (
        designations.annotate(under_way=Count("tool_referrals", filter=open_or_done))
        .filter(under_way=0)
        .select_related("proposal__consortium")
        .order_by("designated_at", "pk")[:10]
    )


@implements("s.4(b)", "s.4(d)")
@edag_desk
@require_safe
def tools(request: SignedInRequest) -> HttpResponse:
    """Each tool with its authority, holder and conditions, and how far each is known."""
    rows = list(Tool.objects.visible_to(request.user).for_list())
    facts = {
        "named": [tool for tool in rows if tool.is_named_in_order],
        "supplementary": [tool for tool in rows if not tool.is_named_in_order],
        "members": EdagMember.objects.visible_to(request.user).select_related("agency"),
        "today": clock.today(),
        "confidences": Confidence.choices,
    }
    return render(request, "financing/tools.html", facts)

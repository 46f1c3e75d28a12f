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
from financing.enums import MeetingStatus, ReferralStatus, SupportKind
from financing.forms import StageForm
from financing.models import EdagMember, Meeting, Tool, ToolReferral
from financing.querysets import IN_EDAG, StageSum, agencies_in_edag, follows_financing
from financing.views.doors import PAGE_SIZE, edag_desk
from financing.waiting import waiting_for
from program import clock
from program.enums import Confidence
from program.order import implements
from program.requests import SignedInRequest
from program.templatetags.portal import money_short
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


KINDS = {SupportKind.FUNDING: "money", SupportKind.COVER: "cover", SupportKind.ASSISTANCE: "assistance"}


@dataclass(frozen=True)
class StageCount:
    """One number of the board, with the amounts that are stated, each kind of support apart."""

    code: str
    label: str
    count: int
    usd: dict[str, Decimal]
    tone: str

    @property
    def note(self) -> str:
        """The amounts in a few words, such as "$48 million money, $25 million cover"."""
        return in_words(self.usd)


def in_words(usd: dict[str, Decimal]) -> str:
    return ", ".join(f"{money_short(usd[kind])} {word}" for kind, word in KINDS.items() if kind in usd)


@implements("s.4(a)", "s.4(d)")
@require_safe
def board(request: SignedInRequest) -> HttpResponse:
    """What waits for the person and where every referral stands.

    ``stage`` and ``agency`` narrow the list, ``after`` is the keyset. An officer of an agency whose place in
    the EDAG has ended begins here after sign-in, and reads why there is nothing.
    """
    if not follows_financing(request.user) and request.user.holds(*IN_EDAG):
        return render(request, "financing/no_place.html", status=403)
    return _board(request)


@edag_desk
def _board(request: SignedInRequest) -> HttpResponse:
    form = StageForm(request.GET)
    if not form.is_valid():
        raise BadRequest("This board is narrowed by stage and tool holder only.")
    referrals = ToolReferral.objects.visible_to(request.user)
    counted = referrals.stage_sums()
    stage, agency, after = (form.cleaned_data[name] for name in ("stage", "agency", "after"))
    rows = referrals.at_stage(stage) if stage else referrals
    if agency:
        rows = rows.filter(agency=agency)
    if after:
        rows = rows.filter(pk__lt=after)
    page = list(rows.for_list().order_by("-pk")[: PAGE_SIZE + 1])
    facts: dict[str, Any] = {
        "form": form,
        "stage": stage,
        "stages": [
            StageCount(code, code.label, *counted.get(code, StageSum(0, {})), tone_of(code))
            for code in STAGES
        ],
        "referrals": page[:PAGE_SIZE],
        "next": _next_page(request, page),
        "unmatched": list(_unmatched(request)),
        "works_here": bool(agencies_in_edag(request.user)),
        "tasks": waiting_for(request.user),
        "next_meeting": Meeting.objects.visible_to(request.user).filter(status=MeetingStatus.PLANNED)
        .order_by("starts_at", "pk").first(),
        "now": clock.now(),
        "may_plan": request.user.has_perm("financing.plan_meeting"),
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
    designations = Designation.objects.of_office(request.user).active()
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

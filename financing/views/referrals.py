"""One referral: where it stands, on which authority, who acts next, and the acts themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import model_to_dict
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from evaluation.enums import DesignationStatus
from financing.checks import is_for_a_designated_market
from financing.enums import ReferralStatus
from financing.forms import (
    CommitmentForm,
    DeclineForm,
    NoteForm,
    ReasonForm,
    SupersedeForm,
)
from financing.lifecycle import TRANSITIONS
from financing.models import ToolReferral
from financing.services import referrals as services
from financing.views.doors import edag_desk
from program import clock
from program.acts import lay_beside
from program.models import AuditEvent
from program.order import implements
from program.requests import SignedInRequest
from program.transitions import NotReady, Transition, WrongStatus, available

if TYPE_CHECKING:
    from collections.abc import Callable

FORMS: dict[str, type[forms.BaseForm]] = {
    "refer": NoteForm,
    "set_aside": ReasonForm,
    "accept": NoteForm,
    "decline": DeclineForm,
    "commit": CommitmentForm,
    "supersede": SupersedeForm,
    "close": NoteForm,
}
HEADINGS = {
    "refer": "Refer the tool",
    "set_aside": "Set this proposal aside",
    "accept": "Accept the case",
    "decline": "Decline",
    "commit": "Record the commitment",
    "supersede": "Replace the commitment",
    "close": "Close the referral",
}
PAST = {
    "propose": "Proposed",
    "refer": "Referred by the EDAG",
    "set_aside": "Set aside",
    "accept": "Accepted",
    "decline": "Declined",
    "commit": "Committed",
    "supersede": "Commitment replaced",
    "close": "Closed",
    "suspend": "Suspended with its designation",
    "resume": "Resumed with its designation",
}
ASIDE = ("set_aside", "decline", "supersede")
STEPS = [ReferralStatus.PROPOSED, ReferralStatus.REFERRED, ReferralStatus.ACCEPTED, ReferralStatus.COMMITTED]
NEXT = {
    ReferralStatus.PROPOSED: "The EDAG decides, chaired by State: in a meeting or by the chair alone.",
    ReferralStatus.REFERRED: "An officer of the agency accepts the case, or declines it with the reason.",
    ReferralStatus.ACCEPTED: "The agency examines the case under its own law and records what it commits.",
    ReferralStatus.COMMITTED: "The agency carries out its commitment, then closes the referral. When the "
    "terms change, it replaces the commitment; the one before stays on record.",
    ReferralStatus.SUSPENDED: "It rests until the designation is active again.",
    ReferralStatus.DECLINED: "Nothing more. Another tool, or a new referral of this one, may be proposed.",
    ReferralStatus.CLOSED: "Nothing more.",
}

NEXT_OF_REMOVED = {
    ReferralStatus.PROPOSED: "Nothing is referred for this market any more: the EDAG sets it aside.",
    ReferralStatus.REFERRED: "Nothing is accepted for this market any more: the agency declines the case.",
    ReferralStatus.ACCEPTED: "Nothing is committed for this market any more: the agency declines the case.",
}


@dataclass(frozen=True)
class Happened:
    """One event of the record in words, with its note."""

    event: AuditEvent

    @property
    def words(self) -> str:
        act = self.event.act.partition(".")[2]
        return PAST.get(act, act.replace("_", " ").capitalize())

    @property
    def note(self) -> str:
        return str(self.event.said["note"])


def find(request: SignedInRequest, number: str) -> ToolReferral:
    rows = ToolReferral.objects.visible_to(request.user).for_list().prefetch_related("tool__conditions")
    return get_object_or_404(rows, number=number)


@implements("s.4(d)", "s.5(b)")
@edag_desk
@require_safe
def referral(request: SignedInRequest, number: str) -> HttpResponse:
    return show(request, find(request, number))


def show(request: SignedInRequest, record: ToolReferral, status: int = 200, **more: Any) -> HttpResponse:
    """The referral with a form for each act that this person may do now."""
    stage = ReferralStatus(record.stage)
    bound = more.pop("bound", {})
    acts = available(TRANSITIONS, record, request.user) if stage == record.status else []
    removed_by = record.removed_by
    if removed_by is not None:
        acts = [act for act in acts if is_for_a_designated_market not in act.checks]
    events = AuditEvent.objects.of(record).select_related("actor")
    facts: dict[str, Any] = {
        "referral": record,
        "stage": stage,
        "next": (removed_by and NEXT_OF_REMOVED.get(stage)) or NEXT[stage],
        "removed_by": removed_by,
        "is_designation_active": record.designation.status == DesignationStatus.ACTIVE,
        "may_plan": request.user.has_perm("financing.plan_meeting"),
        "steps": [step.label for step in STEPS],
        "current_step": _step(record),
        "acts": [
            {"transition": act, "heading": _heading(act, record),
             "form": bound.get(act.name) or _form(act, record),
             "url": f"financing:{act.name}", "is_aside": act.name in ASIDE}
            for act in acts if act.name in FORMS
        ],
        "earlier": record.commitments.filter(superseded_by__isnull=False).select_related(
            "recorded_by", "superseded_by"
        ),
        "items": list(record.agenda_items.select_related("meeting").order_by("pk")),
        "history": [Happened(event) for event in events.reverse()[:30]],
        **more,
    }  # fmt: skip
    return render(request, "financing/referral.html", facts, status=status)


def _heading(act: Transition, record: ToolReferral) -> str:
    """The heading of an act: without an active designation a commitment is never raised."""
    if act.name == "supersede" and record.designation.status != DesignationStatus.ACTIVE:
        return "Lower the commitment or change its terms"
    return HEADINGS[act.name]


def _step(record: ToolReferral) -> int:
    """Where the step indicator stands; past the last step once it is committed."""
    if record.committed_at:
        return len(STEPS) + 1
    return STEPS.index(ReferralStatus(record.stood_at)) + 1


def _form(act: Transition, record: ToolReferral, data: Any = None) -> forms.BaseForm:
    more: dict[str, Any] = {"referral": record} if act.name in ("commit", "supersede") else {}
    return FORMS[act.name](data, prefix=act.name, initial=_initial(act.name, record), **more)


def _initial(act: str, record: ToolReferral) -> dict[str, Any]:
    """Today for a first commitment; for another in its place what the one that stands says."""
    if act == "commit":
        return {"committed_on": clock.today()}
    if act == "supersede" and record.commitment:
        return {**model_to_dict(record.commitment), "replaces": record.commitment_id}
    return {}


def carry_out(
    request: SignedInRequest, number: str, name: str, service: Callable[..., Any], done: str
) -> HttpResponse:
    """Call ``service`` with what the form of the act says, and show what came of it."""
    record = find(request, number)
    act = next(transition for transition in TRANSITIONS if transition.name == name)
    if not request.user.has_perm(act.permission(record), record):
        raise PermissionDenied(f"You may not do this: {act.label}.")
    form = _form(act, record, request.POST)
    if not form.is_valid():
        return show(request, record, status=422, bound={name: form}, failed=form)
    try:
        service(record, by=request.user, **form.cleaned_data)
    except NotReady as refusal:
        rest = lay_beside(form, refusal.problems)
        record = find(request, number)
        return show(request, record, status=422, bound={name: form}, failed=form, problems=rest)
    except WrongStatus as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("financing:referral", record.number)


@edag_desk
@require_POST
def referral_refer(request: SignedInRequest, number: str) -> HttpResponse:
    return carry_out(
        request, number, "refer", services.refer_tool, "The tool is referred to the agency that holds it."
    )


@edag_desk
@require_POST
def referral_set_aside(request: SignedInRequest, number: str) -> HttpResponse:
    return carry_out(
        request, number, "set_aside", services.set_aside_referral, "The proposed referral is set aside."
    )


@edag_desk
@require_POST
def referral_accept(request: SignedInRequest, number: str) -> HttpResponse:
    return carry_out(
        request, number, "accept", services.accept_referral, "Your agency has accepted the case."
    )


@edag_desk
@require_POST
def referral_decline(request: SignedInRequest, number: str) -> HttpResponse:
    return carry_out(
        request, number, "decline", services.decline_referral, "Declined, with your reason on record."
    )


@edag_desk
@require_POST
def referral_commit(request: SignedInRequest, number: str) -> HttpResponse:
    return carry_out(request, number, "commit", services.commit_referral, "The commitment is on record.")


@edag_desk
@require_POST
def referral_supersede(request: SignedInRequest, number: str) -> HttpResponse:
    return carry_out(
        request, number, "supersede", services.supersede_commitment, "The new commitment is on record."
    )


@edag_desk
@require_POST
def referral_close(request: SignedInRequest, number: str) -> HttpResponse:
    return carry_out(request, number, "close", services.close_referral, "The referral is closed.")

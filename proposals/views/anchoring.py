"""The anchor's place changes hands: offered by the anchor, accepted or declined by the member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from program.requests import SignedInRequest
from program.transitions import NotReady, WrongStatus
from proposals import services
from proposals.enums import AnchorOfferStatus, MembershipStatus
from proposals.forms.together import OfferAnchorForm
from proposals.handing_over import can_change_hands
from proposals.models import AnchorOffer, Consortium, Membership

if TYPE_CHECKING:
    from collections.abc import Callable

    from program.models import AuditEvent


def form_of_offer(consortium: Consortium, data: Any = None) -> OfferAnchorForm:
    members = Membership.objects.filter(
        consortium=consortium, is_anchor=False, status=MembershipStatus.CONSENTED
    ).select_related("organization")
    return OfferAnchorForm(data, members=members, prefix="anchor")


@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: SignedInRequest, pk: int) -> HttpResponse:
    """Offer the anchor's place to a member, after reading what it means."""
    found = get_object_or_404(Consortium.objects.visible_to(request.user), pk=pk)
    if not request.user.has_perm("proposals.change_consortium", found):
        raise PermissionDenied("Only an administrator of the anchor may offer its place.")
    form = form_of_offer(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen: Membership = form.cleaned_data["to_member"]
        try:
            services.offer_anchor(found, to=chosen, by=request.user, note=form.cleaned_data["note"])
        except NotReady as refusal:
            for problem in refusal.problems:
                form.add_error(None, f"{problem.message} ({problem.clause})")
        except ValidationError as errors:
            form.add_error(None, errors.messages)
        else:
            messages.success(request, f"Offered to {chosen.organization}. Nothing changes until it accepts.")
            return redirect("proposals:consortium", pk)
    facts = {"consortium": found, "form": form, "anchor": found.anchor}
    return render(request, "proposals/anchor_offer.html", facts)


def offer_seen(request: SignedInRequest, pk: int) -> AnchorOffer:
    rows = AnchorOffer.objects.visible_to(request.user).select_related(
        "consortium", "from_member__organization", "to_member__organization", "offered_by"
    )
    found: AnchorOffer = get_object_or_404(rows, pk=pk)
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: SignedInRequest, pk: int) -> HttpResponse:
    """What the offer means, and its acceptance."""
    found = offer_seen(request, pk)
    problems = []
    if request.method == "POST":
        try:
            services.accept_anchor(found, by=request.user)
        except NotReady as refusal:
            problems = refusal.problems
        except WrongStatus as refusal:
            messages.warning(request, str(refusal))
            return redirect("proposals:consortium", found.consortium_id)
        else:
            messages.success(request, f"{found.to_member.organization} is now the anchor.")
            return redirect("proposals:consortium", found.consortium_id)
    is_open = found.status == AnchorOfferStatus.OFFERED
    facts = {
        "offer": found,
        "is_open": is_open,
        "problems": problems,
        "hindrances": list(can_change_hands(found)) if is_open and not problems else [],
        "may_accept": is_open and request.user.has_perm("proposals.accept_anchoroffer", found),
        "may_decline": is_open and request.user.has_perm("proposals.decline_anchoroffer", found),
        "may_withdraw": is_open and request.user.has_perm("proposals.withdraw_anchoroffer", found),
    }
    return render(request, "proposals/anchor_answer.html", facts, status=422 if problems else 200)


@require_POST
def decline(request: SignedInRequest, pk: int) -> HttpResponse:
    """Leave the anchor's place where it is."""
    return _end(request, pk, services.decline_anchor, "Declined. The anchor stays who it is.")


@require_POST
def withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take the offer back."""
    return _end(request, pk, services.withdraw_anchor_offer, "The offer is withdrawn. Nothing has changed.")


def _end(request: SignedInRequest, pk: int, service: Callable[..., AuditEvent], done: str) -> HttpResponse:
    found = offer_seen(request, pk)
    try:
        service(found, by=request.user)
    except WrongStatus as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("proposals:consortium", found.consortium_id)

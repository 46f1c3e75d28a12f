"""What a consortium sees of the federal support for its package: stage in words, never deliberations."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from financing.enums import ReferralStatus
from financing.models import ToolReferral
from program.order import implements
from program.requests import SignedInRequest
from proposals.enums import ProposalStatus
from proposals.models import Proposal, TeamMember

WORDS = {
    ReferralStatus.REFERRED: "With the agency. It will accept the case or decline it with a reason.",
    ReferralStatus.ACCEPTED: "The agency examines the case under its own law. It will contact you.",
    ReferralStatus.COMMITTED: "The agency has committed this support, under the terms of its own instrument.",
    ReferralStatus.CLOSED: "Over. The commitment stays on record.",
    ReferralStatus.DECLINED: "The agency does not provide this support. Another tool may still be referred; "
    "you would get a notice.",
    ReferralStatus.SUSPENDED: "Resting: your designation is not active. Commitments are not touched.",
}


@implements("s.3(b)(iv)", "s.4(d)")
@require_safe
def support(request: SignedInRequest, pk: int) -> HttpResponse:
    """For the anchor's team: what was requested and where each referred tool stands."""
    proposal = get_object_or_404(
        Proposal.objects.visible_to(request.user).select_related("consortium"), pk=pk
    )
    on_team = TeamMember.objects.of(request.user).filter(
        membership__consortium=proposal.consortium_id, membership__is_anchor=True
    )
    if not on_team.exists():
        raise Http404
    referrals = list(
        ToolReferral.objects.followed_by(request.user)
        .filter(designation__proposal=proposal)
        .select_related("tool", "agency", "designation", "commitment")
        .order_by("pk")
    )
    version = proposal.latest_version
    requests = version.value.support_requests if version else ()
    answers = {referral.tool.code: referral.get_stage_display() for referral in referrals}
    facts: dict[str, Any] = {
        "proposal": proposal,
        "is_designated": proposal.status == ProposalStatus.DESIGNATED,
        "rows": [(referral, WORDS[ReferralStatus(referral.stage)]) for referral in referrals],
        "requests": [
            (row, answers.get(row.mechanism.value if row.mechanism else "", "")) for row in requests
        ],
    }
    return render(request, "financing/support.html", facts)

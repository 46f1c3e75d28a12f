"""When the anchor's place may change hands; E.O. 14320 s.3(b) knows one consortium that submits a package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from program.transitions import Problem
from proposals.enums import MembershipStatus, ProposalStatus, TeamRole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proposals.models import AnchorOffer

CLAUSE: Final = "E.O. 14320 s.3(b)"
#: With the Government: the version names the anchor that certified it and answers for it.
SENT: Final = (
    ProposalStatus.SUBMITTED,
    ProposalStatus.RETURNED,
    ProposalStatus.UNDER_EVALUATION,
    ProposalStatus.DESIGNATED,
)


def can_change_hands(offer: AnchorOffer) -> Iterator[Problem]:
    """Who offers still leads, who is offered takes part, and nothing of theirs is with the Government."""
    giver, taker = offer.from_member, offer.to_member
    name = taker.organization.legal_name
    if not giver.is_anchor:
        yield Problem("anchor-moved", "The anchor has changed since this offer was made.", CLAUSE)
    if taker.consortium_id != offer.consortium_id or taker.pk == giver.pk:
        yield Problem("not-a-member", "Choose another member of this consortium.", CLAUSE)
    elif taker.status != MembershipStatus.CONSENTED or not taker.is_consent_current:
        message = f"{name} has to consent to its present role first: the anchor is a member by consent."
        yield Problem("no-consent", message, CLAUSE)
    elif not taker.team.active().filter(role=TeamRole.ADMINISTRATOR).exists():
        message = f"{name} needs an administrator on its team first: the anchor always has one."
        yield Problem("no-administrator", message, CLAUSE)
    elif not taker.team.active().filter(role=TeamRole.AUTHORIZED_REPRESENTATIVE).exists():
        message = f"{name} needs an authorized representative on its team first: one accepts the place."
        yield Problem("no-representative", message, CLAUSE)
    for proposal in offer.consortium.proposals.filter(status__in=SENT).order_by("pk"):
        if proposal.status == ProposalStatus.DESIGNATED:
            message = (
                f"Proposal {proposal.number} is designated, and the designation names its anchor. Report a "
                "material change to the Program office instead."
            )
        else:
            message = (
                f"Proposal {proposal.number} is with the Department of Commerce: its submitted version names "
                "the anchor that certified it. Wait for the decision, or withdraw the proposal first."
            )
        yield Problem("proposal-sent", message, CLAUSE)

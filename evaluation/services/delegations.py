"""Why a delegation does not let somebody sign: it carries its giver's authority, and no more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.querysets.people import SIGN_FOR_AGENCY, delegations_in_force, delegations_reaching
from program.models import Delegation

if TYPE_CHECKING:
    from evaluation.models import DesignationAmendment, Determination, Referral
    from program.models import User
    from proposals.models import Proposal

NOBODY: Final = "Only a lead of the agency or a delegate signs its position."


def refusal_to_sign(referral: Referral, *, by: User) -> str:
    """Why ``by`` may not sign the agency's position, in words."""
    return giver_recused_from_position(referral, by=by) or NOBODY


def giver_recused_from_position(referral: Referral, *, by: User) -> str:
    """That who let ``by`` sign for the agency is recused from the proposal; empty where that is not so."""
    if not by.holds(*SIGN_FOR_AGENCY, agency=referral.agency.code):
        return ""
    what = "Another lead of the agency signs, or delegates it; the Program office appoints one."
    return _recused(by, Delegation.SIGN_POSITION, referral.proposal, what, agency=referral.agency_id)


def refusal_to_decide(record: Determination | DesignationAmendment, *, by: User) -> str:
    """That who let ``by`` sign for them is recused from the proposal; empty where that is not so."""
    what = "Another decision official signs, or delegates it; the Program office appoints one."
    return _recused(by, Delegation.SIGN_DETERMINATION, record.proposal, what)


def _recused(by: User, act: str, proposal: Proposal, what: str, **of: int) -> str:
    held = delegations_in_force(by, act).filter(**of).select_related("given_by").first()
    if held is None or delegations_reaching(by, act, proposal).filter(**of).exists():
        return ""
    return (
        f"{held.given_by}, who delegated the signature to you, is recused from proposal {proposal.number}. A "
        f"delegation does not reach what its giver is recused from. {what} 5 CFR 2635.502."
    )

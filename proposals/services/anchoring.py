"""Hand the anchor's place to another member, with the consent of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from program import audit, notices
from program.transitions import NotReady, perform, require
from proposals.handing_over import can_change_hands
from proposals.lifecycle import ACCEPT_ANCHOR, DECLINE_ANCHOR, WITHDRAW_ANCHOR
from proposals.models import AnchorOffer, Consortium, Membership
from proposals.notice_kinds import ANCHOR_CHANGED, ANCHOR_DECLINED, ANCHOR_OFFERED, ANCHOR_WITHDRAWN
from proposals.notices import anchor_offer_address, consortium_address, speakers_of, team_of

if TYPE_CHECKING:
    from program.models import AuditEvent, User

CLAUSE = "E.O. 14320 s.3(b)"


@transaction.atomic
def offer_anchor(consortium: Consortium, *, to: Membership, by: User, note: str = "") -> AnchorOffer:
    """Offer the anchor's place to a member that has consented; nothing changes until it accepts.

    Raises NotReady for whatever would keep the offer from being accepted, so that nobody answers in vain.
    """
    consortium.refresh_from_db(from_queryset=Consortium.objects.select_for_update())
    require("proposals.change_consortium", by, consortium)
    anchor = Membership.objects.get(consortium=consortium, is_anchor=True)
    offer = AnchorOffer(consortium=consortium, from_member=anchor, to_member=to, note=note, offered_by=by)
    offer.full_clean(exclude=["consortium", "from_member", "offered_by"], validate_constraints=False)
    if consortium.anchor_offers.open().exists():
        raise ValidationError("An offer is open already. Withdraw it before you make another one.")
    if problems := list(can_change_hands(offer)):
        raise NotReady(problems)
    offer.save()
    event = audit.record(
        offer, "anchoroffer.offer", by=by, after={"to": to.organization.legal_name}, clause=CLAUSE
    )
    notices.owe(event, ANCHOR_OFFERED, speakers_of(to), url=anchor_offer_address(offer))
    return offer


@transaction.atomic
def accept_anchor(offer: AnchorOffer, *, by: User) -> AuditEvent:
    """Become the anchor: lead, certify and submit from now on.

    The package names its anchor, so that a certification given before no longer fits it.
    """
    Consortium.objects.select_for_update().get(pk=offer.consortium_id)
    # Who submits holds the proposal: this waits for it, and then sees what was submitted
    list(offer.consortium.proposals.select_for_update().order_by("pk").values_list("pk"))
    event = perform(ACCEPT_ANCHOR, offer, by=by)
    former = Membership.objects.select_for_update().get(pk=offer.from_member_id)
    anchor = Membership.objects.select_for_update().get(pk=offer.to_member_id)
    for member, leads in ((former, False), (anchor, True)):
        member.is_anchor = leads
        member.revision += 1
        member.save(update_fields=["is_anchor", "revision", "updated_at"])
    audit.record(
        offer.consortium,
        "consortium.change_anchor",
        by=by,
        before={"anchor": former.organization.legal_name},
        after={"anchor": anchor.organization.legal_name},
        clause=CLAUSE,
    )
    url = consortium_address(offer.consortium_id)
    notices.owe(event, ANCHOR_CHANGED, team_of(offer.consortium_id), url=url)
    return event


@transaction.atomic
def decline_anchor(offer: AnchorOffer, *, by: User) -> AuditEvent:
    """Leave the anchor's place where it is."""
    event = perform(DECLINE_ANCHOR, offer, by=by)
    url = consortium_address(offer.consortium_id)
    notices.owe(event, ANCHOR_DECLINED, speakers_of(offer.from_member), url=url)
    return event


@transaction.atomic
def withdraw_anchor_offer(offer: AnchorOffer, *, by: User) -> AuditEvent:
    """Take an offer back that nobody has answered."""
    event = perform(WITHDRAW_ANCHOR, offer, by=by)
    url = consortium_address(offer.consortium_id)
    notices.owe(event, ANCHOR_WITHDRAWN, speakers_of(offer.to_member), url=url)
    return event

"""The link of an invitation: a signature over its row, so that no table and no log holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core import signing

from program import clock
from proposals.models import Invitation
from proposals.querysets import IN_CONSORTIUM

if TYPE_CHECKING:
    from program.models import User

SALT: Final = "proposals.invitation"


class InvitationRefused(Exception):
    """The link does not open anything; the text says why, and no more than its holder may know."""


def token_of(invitation: Invitation) -> str:
    """The link's token: a signature, kept nowhere."""
    return signing.dumps([invitation.pk, invitation.nonce], salt=SALT)


def opened_by(token: str, user: User) -> Invitation | None:
    """The invitation behind a link that ``user`` has used, so that it leads where it led before."""
    try:
        pk, nonce = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    used = Invitation.objects.filter(pk=pk, nonce=nonce, accepted_by=user).select_related("membership")
    return used.first()


def find_invitation(token: str) -> Invitation:
    """The invitation behind a link, still open; reading it changes nothing. Raises InvitationRefused."""
    try:
        pk, nonce = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvitationRefused("This link is not valid.") from error
    invitation = (
        Invitation.objects.select_related("membership__consortium", "membership__organization", "sent_by")
        .filter(pk=pk, nonce=nonce, revoked_at=None)
        .first()
    )
    if invitation is None or invitation.accepted_at:
        raise InvitationRefused("This link was used or taken back. Ask for a new one.")
    if invitation.membership.status not in IN_CONSORTIUM:
        raise InvitationRefused("This link has ended: the organization has declined or left the consortium.")
    if invitation.expires_at <= clock.now():
        raise InvitationRefused("This link has expired. Ask for a new one.")
    return invitation

"""Invitations by mail: to people who may not have an account yet, so no notice can carry them."""

from __future__ import annotations

from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core import mail
from django.db.models import F
from django.template.loader import render_to_string

from program import clock
from proposals.invitations import token_of
from proposals.models import Invitation

MOST_ATTEMPTS: Final = 5


def mail_invitation(pk: int) -> bool:
    """Send one invitation that is still owed; the attempt is counted before it is made."""
    held = Invitation.objects.filter(
        pk=pk, mailed_at=None, revoked_at=None, accepted_at=None, mail_attempts__lt=MOST_ATTEMPTS
    ).update(mail_attempts=F("mail_attempts") + 1)
    if not held:
        return False
    invitation = Invitation.objects.select_related("membership__organization").get(pk=pk)
    facts = {
        "invitation": invitation,
        "link": f"{settings.SITE_URL}/invitations/{token_of(invitation)}/",
        "site_name": settings.SITE_NAME,
        "is_demonstration": settings.DEMONSTRATION,
    }
    message = mail.EmailMultiAlternatives(
        f"{settings.SITE_NAME}: you are invited to a consortium",
        render_to_string("emails/invitation.txt", facts),
        to=[invitation.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("emails/invitation.html", facts), "text/html")
    try:
        message.send()
    except (SMTPException, OSError):
        return False
    Invitation.objects.filter(pk=pk, nonce=invitation.nonce).update(mailed_at=clock.instant())
    return True


def owed_invitations(*, most: int = 100) -> list[int]:
    """Keys of the invitations whose mail is still owed."""
    rows = Invitation.objects.filter(
        mailed_at=None,
        revoked_at=None,
        accepted_at=None,
        mail_attempts__lt=MOST_ATTEMPTS,
        expires_at__gt=clock.instant(),
    )
    return list(rows.order_by("pk").values_list("pk", flat=True)[:most])

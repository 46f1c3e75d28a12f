"""Invitations by mail: to people who may not have an account yet, so no notice can carry them.

They go the way of ``program.notices``: owed -> claimed -> sending -> sent. A lease that ended gives a claimed
one back; one whose worker stopped while sending may have arrived and is not sent again.
"""

from __future__ import annotations

import logging
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core import mail
from django.db import transaction
from django.db.models import F, Q
from django.template.loader import render_to_string

from program import clock
from program.enums import DeliveryState
from program.notices import (
    HANDING_OVER,
    LEASE,
    hand_over,
    is_gone,
    is_suppressed,
    plain,
    suppress_bounced,
    wait_after,
)
from proposals.invitations import token_of
from proposals.models import Invitation, TeamMember

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

#: The waits grow to an hour: a mail server may be away for a day before an invitation is given up.
MOST_ATTEMPTS: Final = 36


def _due(at: datetime) -> QuerySet[Invitation]:
    """Invitations that can still be used and whose mail is owed and due."""
    return Invitation.objects.filter(
        Q(mail_not_before=None) | Q(mail_not_before__lte=at),
        mail_state=DeliveryState.OWED,
        mailed_at=None,
        revoked_at=None,
        accepted_at=None,
        expires_at__gt=at,
    )


def mail_invitation(pk: int) -> bool:
    """Send one invitation if its mail is still owed and due; True when it was handed over.

    Repeatable and safe to run twice at once: the row is claimed by a conditional update. Whatever goes wrong
    is this invitation's alone: it is put off, and those behind it are sent.
    """
    at = clock.instant()
    claimed = (
        _due(at)
        .filter(pk=pk)
        .update(mail_state=DeliveryState.CLAIMED, mail_claimed_at=at, mail_attempts=F("mail_attempts") + 1)
    )
    if not claimed:
        return False
    invitation = Invitation.objects.select_related(
        "membership__organization", "membership__consortium", "sent_by"
    ).get(pk=pk)
    if is_suppressed(invitation.email):
        _held(invitation).update(mail_state=DeliveryState.FAILED)
        return False
    try:
        hand_over(_message(invitation), note_sending=lambda: _note_sending(invitation))
    except SMTPRecipientsRefused as error:
        _refused(invitation, error)
    except (SMTPDataError, SMTPSenderRefused):
        _put_off(invitation)
    except (SMTPException, OSError):
        _break_off(invitation)
    except Exception:
        logger.exception("An invitation could not be sent.", extra={"invitation": invitation.pk})
        _break_off(invitation)
    else:
        _held(invitation).update(mail_state=DeliveryState.SENT, mailed_at=clock.instant())
        return True
    return False


@transaction.atomic
def _refused(invitation: Invitation, error: SMTPRecipientsRefused) -> None:
    """An address that the server refuses for good is mailed no more, which its inviter is shown."""
    ((code, answer),) = error.recipients.values()
    said = plain(f"{code} {answer.decode('utf-8', 'replace')}")
    if not is_gone(code, said):
        _put_off(invitation)
    elif _held(invitation).filter(mail_state=DeliveryState.CLAIMED).update(mail_state=DeliveryState.FAILED):
        suppress_bounced(invitation.email, said)


def _message(invitation: Invitation) -> mail.EmailMultiAlternatives:
    consortium = invitation.membership.consortium
    places = TeamMember.objects.active().filter(user=invitation.sent_by, membership__consortium=consortium)
    inviter = places.order_by("-membership__is_anchor").values_list("membership__organization__legal_name")
    facts: dict[str, Any] = {
        "invitation": invitation,
        "inviter": "".join(inviter.first() or ()),
        "link": f"{settings.SITE_URL}/invitations/{token_of(invitation)}/",
        "site_name": settings.SITE_NAME,
        "is_demonstration": settings.DEMONSTRATION,
    }
    message = mail.EmailMultiAlternatives(
        " ".join(f"{settings.SITE_NAME}: you are invited to {consortium.name}".split()),
        render_to_string("emails/invitation.txt", facts),
        to=[invitation.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("emails/invitation.html", facts), "text/html")
    return message


def _held(invitation: Invitation) -> QuerySet[Invitation]:
    """The row as long as this worker's claim on it stands; a new link or a new claim ends it."""
    return Invitation.objects.filter(
        pk=invitation.pk, nonce=invitation.nonce, mail_claimed_at=invitation.mail_claimed_at
    )


def _note_sending(invitation: Invitation) -> None:
    """From here on a broken line leaves the outcome unknown; refuses when the claim was lost."""
    if (
        not _held(invitation)
        .filter(mail_state=DeliveryState.CLAIMED)
        .update(mail_state=DeliveryState.SENDING)
    ):
        raise SMTPException("The claim on this invitation was lost.")


def _break_off(invitation: Invitation) -> None:
    """Put it off, unless its text was being sent: then nobody knows whether it arrived."""
    sending = _held(invitation).filter(mail_state=DeliveryState.SENDING)
    if not sending.update(mail_state=DeliveryState.UNKNOWN):
        _put_off(invitation)


def _put_off(invitation: Invitation) -> None:
    """Owe it again, later each time; after ``MOST_ATTEMPTS`` it has failed, which its inviter is shown."""
    values: dict[str, Any] = {
        "mail_state": DeliveryState.OWED,
        "mail_not_before": clock.instant() + wait_after(invitation.mail_attempts),
    }
    if invitation.mail_attempts >= MOST_ATTEMPTS:
        logger.error("The mail of an invitation was given up.", extra={"invitation": invitation.pk})
        values = {"mail_state": DeliveryState.FAILED}
    _held(invitation).update(**values)


@transaction.atomic
def owed_invitations(*, most: int = 100) -> list[int]:
    """Give back what dead workers had claimed, settle what they were sending; return what is owed and due."""
    at = clock.instant()
    left = Invitation.objects.filter(mail_state=DeliveryState.CLAIMED, mail_claimed_at__lt=at - LEASE)
    left.filter(mail_attempts__lt=MOST_ATTEMPTS).update(mail_state=DeliveryState.OWED)
    if given_up := left.update(mail_state=DeliveryState.FAILED):
        logger.error("Invitations whose workers stopped each time were given up.", extra={"count": given_up})
    Invitation.objects.filter(mail_state=DeliveryState.SENDING, mail_claimed_at__lt=at - HANDING_OVER).update(
        mail_state=DeliveryState.UNKNOWN
    )
    return list(_due(at).order_by("pk").values_list("pk", flat=True)[:most])

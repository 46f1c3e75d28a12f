"""What people are told and how it reaches them: owed in the act's transaction, delivered after commit.

A delivery goes owed -> claimed -> sending -> sent. Who dies while it is *claimed* has sent nothing: the
sweep gives it back. Who dies while it is *sending* may have sent it: the sweep says "unknown" and sends
nothing twice. The text says what happened and where to read on, never confidential matter.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core import mail
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import sanitize_address
from django.db import connection, transaction
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import timezone

from program import clock
from program.enums import Channel, DeliveryState
from program.models import Delivery, Notice
from program.publish import after_commit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from django.db import models
    from django.db.models import QuerySet

    from program.models import AuditEvent, User

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=45)
HANDING_OVER = timedelta(seconds=120)
MOST_ATTEMPTS = 8


@dataclass(frozen=True)
class NoticeKind:
    """A kind of notice: ``title`` and ``text`` are formatted with the facts given to ``owe``."""

    code: str
    title: str
    text: str
    clause: str = ""


@dataclass(frozen=True)
class Audience:
    """The people who are told one kind of notice, and where they read on."""

    kind: NoticeKind
    people: Iterable[User]
    url: str


def owe(event: AuditEvent, kind: NoticeKind, recipients: Iterable[User], *, url: str, **facts: Any) -> int:
    """Owe every active person among ``recipients`` one notice of ``event``; return how many are owed.

    Part of the act's transaction. ``url`` is a path of the portal. Raises KeyError for a missing fact.
    """
    return owe_each(event, Audience(kind, recipients, url), **facts)


def owe_each(event: AuditEvent, *audiences: Audience, **facts: Any) -> int:
    """As ``owe``, for several audiences of one event that are told the same facts in different words.

    Who is in two audiences of one kind, or was told that kind of the event before, is told it once.
    """
    lines: dict[tuple[str, int], dict[str, Any]] = {}
    for audience in audiences:
        for line in _lines(audience, facts):
            lines.setdefault((line["kind"], line["recipient"]), line)
    if not lines:
        return 0
    with connection.cursor() as cursor:
        rows = json.dumps(list(lines.values()))
        cursor.execute(TELL, [event.pk, timezone.now(), rows, Channel.MAIL, DeliveryState.OWED])
        told = cursor.rowcount
    if told:
        after_commit("program.tasks.deliver_notices", event.pk)
    return told


#: Every notice with its delivery, in one statement: most acts end with it.
TELL: Final = """
WITH told AS (
    INSERT INTO program_notice (event_id, recipient_id, kind, title, text, url, clause, created_at)
    SELECT %s, line.recipient, line.kind, line.title, line.text, line.url, line.clause, %s
    FROM jsonb_to_recordset(%s::jsonb) AS line (
        recipient bigint, kind text, title text, text text, url text, clause text
    )
    ON CONFLICT (event_id, recipient_id, kind) DO NOTHING
    RETURNING id
)
INSERT INTO program_delivery (notice_id, channel, state, attempts, reason)
SELECT id, %s, %s, 0, '' FROM told
"""


def _lines(audience: Audience, facts: dict[str, Any]) -> list[dict[str, Any]]:
    kind = audience.kind
    same = {
        "kind": kind.code,
        "title": kind.title.format(**facts)[:200],
        "text": kind.text.format(**facts),
        "url": audience.url,
        "clause": in_full(kind.clause),
    }
    people = {person.pk for person in audience.people if person.is_active and not person.is_service}
    return [{**same, "recipient": key} for key in sorted(people)]


def in_full(clause: str) -> str:
    """A clause as mail cites it: a bare "s.3(b)" is one of E.O. 14320."""
    return f"E.O. 14320 {clause}" if clause.startswith("s.") else clause


def owed(event_id: int) -> list[int]:
    """Keys of the deliveries of one event that are owed; what a dead worker had claimed is owed again."""
    rows = Delivery.objects.filter(notice__event_id=event_id)
    _give_back(rows, at=clock.instant())
    return list(rows.filter(state=DeliveryState.OWED).order_by("pk").values_list("pk", flat=True))


def deliver(pk: int) -> bool:
    """Send one delivery if it is still owed and due; True when it was handed over.

    Repeatable and safe to run twice at once: the row is claimed by a conditional update. Whatever goes wrong
    is this delivery's alone: it is put off, and those behind it are sent.
    """
    at = clock.instant()
    claimed = Delivery.objects.filter(
        Q(not_before=None) | Q(not_before__lte=at), pk=pk, state=DeliveryState.OWED
    ).update(state=DeliveryState.CLAIMED, claimed_at=at, attempts=F("attempts") + 1)
    if not claimed:
        return False
    delivery = Delivery.objects.select_related("notice__recipient", "notice__event").get(pk=pk)
    if reason := _withheld_from(delivery.notice):
        _settle(delivery, DeliveryState.DROPPED, reason)
        return False
    try:
        hand_over(_message(delivery.notice), note_sending=lambda: _note_sending(delivery))
    except SMTPDataError as error:
        _put_off(delivery, f"Refused by the mail server: {error.smtp_code}")
    except (SMTPRecipientsRefused, SMTPSenderRefused) as error:
        _put_off(delivery, f"Address refused by the mail server: {type(error).__name__}")
    except (SMTPException, OSError) as error:
        _break_off(delivery, "Mail server not reached", error)
    except Exception as error:
        logger.exception("A notice could not be sent.", extra={"delivery": delivery.pk})
        _break_off(delivery, "The mail could not be made or sent", error)
    else:
        _settle(delivery, DeliveryState.SENT, "")
        return True
    return False


def _withheld_from(notice: Notice) -> str:
    """Why the recipient is not told any more, or ""."""
    if notice.closed_at:
        return "The recipient is recused."
    return "" if notice.recipient.is_active else "The recipient's account is closed."


def close_notices(proposal: models.Model, person: User) -> int:
    """Take back what ``person`` was told about a proposal: listed no more, and what is owed is not sent.

    Part of the transaction of a recusal. A mail that is being handed over at this moment may still arrive.
    """
    told = Notice.objects.filter(recipient=person, closed_at=None).about(proposal)
    return told.update(closed_at=clock.instant())


def hand_over(message: mail.EmailMultiAlternatives, *, note_sending: Callable[[], None]) -> None:
    """Give ``message`` to the mail server; ``note_sending`` is told when its outcome becomes uncertain."""
    connection = mail.get_connection()
    if not isinstance(connection, SmtpBackend):
        note_sending()
        connection.send_messages([message])
        return
    connection.open()
    smtp = connection.connection
    if smtp is None:
        raise SMTPException("The mail server was not reached.")
    try:
        smtp.ehlo_or_helo_if_needed()
        code, answer = smtp.mail(envelope_address(message.from_email))
        if code != 250:
            raise SMTPSenderRefused(code, answer, message.from_email)
        for address in map(envelope_address, message.recipients()):
            code, answer = smtp.rcpt(address)
            if code not in (250, 251):
                raise SMTPRecipientsRefused({address: (code, answer)})
        code, answer = smtp.docmd("DATA")
        if code != 354:
            raise SMTPDataError(code, answer)
        note_sending()
        body = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
        text = re.sub(rb"(?m)^\.", b"..", body)
        smtp.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        code, answer = smtp.getreply()
        if code != 250:
            raise SMTPDataError(code, answer)
    finally:
        connection.close()


def envelope_address(header: str) -> str:
    """The bare address of ``Name <address>``, its domain in ASCII, as a mail server is told it."""
    return sanitize_address(header, "utf-8").rpartition("<")[2].rstrip(">")


def _note_sending(delivery: Delivery) -> None:
    """From here on a broken line leaves the outcome unknown; refuses when the lease was lost."""
    held = Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.CLAIMED, claimed_at=delivery.claimed_at
    ).update(state=DeliveryState.SENDING)
    if not held:
        raise SMTPException("The lease on this delivery was lost.")


def _break_off(delivery: Delivery, reason: str, error: Exception) -> None:
    """Put it off, unless its text was being sent: then nobody knows whether it arrived."""
    delivery.refresh_from_db(fields=["state"])
    if delivery.state == DeliveryState.SENDING:
        reason = f"The line broke after the text was sent: {type(error).__name__}"
        _settle(delivery, DeliveryState.UNKNOWN, reason)
    else:
        _put_off(delivery, f"{reason}: {type(error).__name__}")


def _settle(delivery: Delivery, state: DeliveryState, reason: str) -> None:
    values: dict[str, Any] = {"state": state, "reason": reason[:300]}
    if state == DeliveryState.SENT:
        values["sent_at"] = clock.instant()
    Delivery.objects.filter(pk=delivery.pk).update(**values)


def _put_off(delivery: Delivery, reason: str) -> None:
    """Owe it again, later each time; after ``MOST_ATTEMPTS`` it has failed, and the log says why."""
    if delivery.attempts >= MOST_ATTEMPTS:
        logger.error("A notice was given up.", extra={"delivery": delivery.pk, "reason": reason})
        _settle(delivery, DeliveryState.FAILED, reason)
        return
    Delivery.objects.filter(pk=delivery.pk, claimed_at=delivery.claimed_at).exclude(
        state__in=[DeliveryState.SENT, DeliveryState.UNKNOWN]
    ).update(
        state=DeliveryState.OWED,
        not_before=clock.instant() + wait_after(delivery.attempts),
        reason=reason[:300],
    )


def wait_after(attempts: int) -> timedelta:
    """How long to wait after the attempt with this number has failed."""
    return timedelta(seconds=min(15 * 2**attempts, 3600))


def _message(notice: Notice) -> mail.EmailMultiAlternatives:
    """The mail that carries ``notice``: text and HTML, links made from the portal's own address."""
    facts = {
        "notice": notice,
        "link": f"{settings.SITE_URL}{notice.url}",
        "site_name": settings.SITE_NAME,
        "is_demonstration": settings.DEMONSTRATION,
    }
    host = urlsplit(settings.SITE_URL).hostname or "portal"
    subject = " ".join(render_to_string("emails/notice_subject.txt", facts).split())
    message = mail.EmailMultiAlternatives(
        subject,
        render_to_string("emails/notice.txt", facts),
        to=[notice.recipient.email],
        headers={"Message-ID": f"<notice-{notice.pk}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("emails/notice.html", facts), "text/html")
    return message


@transaction.atomic
def sweep(*, most: int = 500) -> list[int]:
    """Give back what dead workers had claimed, settle what they were sending; return what is owed and due."""
    at = clock.instant()
    _give_back(Delivery.objects.all(), at=at)
    due = Delivery.objects.filter(Q(not_before=None) | Q(not_before__lte=at), state=DeliveryState.OWED)
    return list(due.order_by("pk").values_list("pk", flat=True)[:most])


@transaction.atomic
def _give_back(deliveries: QuerySet[Delivery], *, at: datetime) -> None:
    """Owe again what was claimed longer than a lease ago; say of what was being sent that nobody knows."""
    left = deliveries.filter(state=DeliveryState.CLAIMED, claimed_at__lt=at - LEASE)
    stopped = "The worker stopped before it could send."
    left.filter(attempts__lt=MOST_ATTEMPTS).update(state=DeliveryState.OWED, reason=stopped)
    if given_up := left.update(state=DeliveryState.FAILED, reason=stopped):
        logger.error("Notices whose workers stopped each time were given up.", extra={"count": given_up})
    deliveries.filter(state=DeliveryState.SENDING, claimed_at__lt=at - HANDING_OVER).update(
        state=DeliveryState.UNKNOWN, reason="The worker stopped while it was sending; it is not sent again."
    )


CALL_TO_APPROVE = NoticeKind(
    "call-to-approve",
    "Call {number} waits for approval",
    "The draft “{title}” is complete. A program officer who did not draft it approves it or sends it back.",
    "s.3(b)",
)
CALL_ISSUED = NoticeKind(
    "call-issued",
    "New call for proposals: {number}",
    "“{title}” is open. Proposals are due by the end of {due}, Washington time.",
    "s.3(b)",
)
CALL_AMENDED = NoticeKind(
    "call-amended",
    "Amendment {amendment} to call {number}",
    "{summary}",
    "s.3(b)",
)
CALL_EXTENDED = NoticeKind(
    "call-extended",
    "New deadline for call {number}",
    "The last day moved from {before} to {due}, Washington time.",
    "s.3(c)",
)
CALL_CANCELLED = NoticeKind(
    "call-cancelled",
    "Call {number} was cancelled",
    "The Department ended the call. The reason given: {reason}",
    "s.3(b)",
)
QUESTION_ASKED = NoticeKind(
    "question-asked",
    "A question about call {number}",
    "Somebody asked a question about the call. It waits for an answer.",
    "s.3(b)",
)
QUESTION_ANSWERED = NoticeKind(
    "question-answered",
    "Your question about call {number} was answered",
    "The program office answered your question.",
    "s.3(b)",
)
ANSWER_PUBLISHED = NoticeKind(
    "answer-published",
    "A new answer about call {number}",
    "The program office published an answer to a question about the call.",
    "s.3(b)",
)

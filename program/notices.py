"""What people are told and how it reaches them: owed in the act's transaction, delivered after commit.

A delivery goes owed -> claimed -> sending -> sent. Who dies while it is *claimed* has sent nothing: the
sweep gives it back. Who dies while it is *sending* may have sent it: the sweep says "unknown" and sends
nothing twice. The text says what happened and where to read on, never confidential matter.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core import mail
from django.core.signing import Signer
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse

from program import audit, clock
from program.clock_account import clock_account
from program.enums import Channel, DeliveryState, Mailed
from program.mail_line import MailLine
from program.models import Delivery, Mailing, Notice, Spread, Suppression, User
from program.notice_kinds import ANSWER_PUBLISHED, CALL_ISSUED, CATALOGUE, TO_CONFIRM
from program.publish import after_commit
from program.querysets import DIGEST
from program.ticks import timely

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from django.db import models
    from django.db.models import QuerySet

    from program.models import AuditEvent, Subscription
    from program.notice_kinds import NoticeKind
    from program.querysets import DeliveryQuerySet

logger = logging.getLogger(__name__)

#: How long the link of a confirmation works
CONFIRMED_WITHIN: Final = timedelta(days=2)
LEASE = timedelta(seconds=45)
PERMANENT = 500
NO_SUCH_MAILBOX: Final = (550, 551, 553)
ENHANCED: Final = re.compile(r"\d{3}[ -]5\.(\d{1,3})\.\d")
HANDING_OVER = timedelta(seconds=120)
#: With waits that grow to an hour: a mail server may be away for three days before a notice is given up
MOST_ATTEMPTS = 80
#: For what another hour does not mend: a text that the server refuses, a mail that cannot be made
MOST_FAULTS = 8
#: A delivery that stops its worker is tried no more after this many
MOST_STOPS = 3
#: More recipients than this are a mass mailing, which waits behind everything else and goes in slices
MANY = 50
SLICE_SECONDS = 5.0
#: How many different mails a worker keeps as they were made
KEPT = 32
#: How many deliveries one task takes in hand; an act writes no more notices itself, nor does a slice
MOST_AT_ONCE = 500
#: How many notices a digest names; the inbox holds the others
MOST_LISTED: Final = 100
#: Of how many notices of one person is asked at once whether they may be told
ASKED_AT_ONCE = 1000
#: What a worker has in hand
HELD: Final = (DeliveryState.CLAIMED, DeliveryState.SENDING)


@dataclass(frozen=True)
class Audience:
    """The people who are told one kind of notice, and where they read on.

    ``following`` names by which subscription a person is told (of those who are told for no other reason);
    ``addresses`` are addresses without an account, each with the key of its subscription before it;
    ``for_draft`` are the keys of people who are told only because they work on a draft.
    """

    kind: NoticeKind
    people: Iterable[User]
    url: str
    following: Mapping[int, int | None] = field(default_factory=dict)
    addresses: Iterable[tuple[int, str]] = ()
    for_draft: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One notice that is owed; ``same`` are the words that it shares with others."""

    same: dict[str, Any]
    recipient: int | None
    email: str
    subscription: int | None

    @property
    def row(self) -> dict[str, Any]:
        told = {"recipient": self.recipient, "email": self.email, "subscription": self.subscription}
        return {**self.same, **told}


def owe(event: AuditEvent, kind: NoticeKind, recipients: Iterable[User], *, url: str, **facts: Any) -> int:
    """Owe every active person among ``recipients`` one notice of ``event``; return how many are owed.

    Part of the act's transaction. ``url`` is a path of the portal. Raises KeyError for a missing fact.
    """
    return owe_each(event, Audience(kind, recipients, url), **facts)


def owe_each(event: AuditEvent, *audiences: Audience, **facts: Any) -> int:
    """As ``owe``, for several audiences of one event that are told the same facts in different words.

    Who is in two audiences of one kind, or was told that kind of the event before, is told it once.
    """
    lines: dict[tuple[str, int | None, str], Line] = {}
    for audience in audiences:
        for line in _lines(audience, facts):
            lines.setdefault((audience.kind.code, line.recipient, line.email), line)
    if not lines:
        return 0
    mailing = Mailing.objects.get_or_create(event=event)[0] if len(lines) > MANY else None
    if mailing and len(lines) > MOST_AT_ONCE:
        told = _spread(mailing, list(lines.values()))
    else:
        told = _write(event.pk, list(lines.values()), mailing)
    if told:
        after_commit("program.tasks.deliver_notices", event.pk)
    return told


def _write(event_id: int, lines: list[Line], mailing: Mailing | None) -> int:
    """Write these notices with their deliveries; returns how many, without those who were told before."""
    kinds = [CATALOGUE[code] for code in {line.same["kind"] for line in lines} & CATALOGUE.keys()]
    always = [kind.code for kind in kinds if kind.mailed == Mailed.ALWAYS]
    patient = [kind.code for kind in kinds if kind.mailed == Mailed.AS_PREFERRED]
    said: list[Any] = [
        event_id,
        clock.moved(),
        json.dumps([line.row for line in lines]),
        Channel.MAIL,
        mailing.pk if mailing else None,
        patient,
        always,
        always,
        TURNED_OFF,
    ]
    with connection.cursor() as cursor:
        cursor.execute(TELL, said)
        return cursor.rowcount


#: What those who are told by one row have in common
SAME: Final = ("kind", "title", "text", "url", "clause", "is_for_draft")


def _spread(mailing: Mailing, lines: list[Line]) -> int:
    """Leave it to a worker to write these notices: one row for all that share their words."""
    words = {id(line.same): line.same for line in lines}
    told: dict[int, list[list[Any]]] = {key: [] for key in words}
    for line in lines:
        told[id(line.same)].append([line.recipient, line.email, line.subscription])
    Spread.objects.bulk_create(
        Spread(mailing=mailing, **words[key], recipients=recipients, total=len(recipients))
        for key, recipients in told.items()
    )
    return len(lines)


def spreads_of(event_id: int | None = None) -> list[int]:
    """Keys of the rows by which somebody is still to be told, of one event or of all, the oldest first."""
    rows = Spread.objects.filter(told__lt=F("total"))
    rows = rows.filter(mailing__event=event_id) if event_id else rows
    return list(rows.order_by("pk").values_list("pk", flat=True))


def write_out(keys: Iterable[int], *, seconds: float = SLICE_SECONDS) -> int:
    """Write the notices of these rows, slice by slice, as long as ``seconds``; returns how many.

    A slice and how far it came commit together: who dies loses one slice, and the next worker goes on there.
    """
    written, slices = 0, (each for pk in keys for each in _slices(pk))
    for count in timely(slices, seconds=seconds):
        written += count
    return written


def _slices(pk: int) -> Iterator[int]:
    """Write the slices of one row, each when the next is asked for; a row that fails keeps no other back."""
    row = Spread.objects.select_related("mailing").get(pk=pk)
    try:
        while (count := _write_slice(row)) is not None:
            yield count
    except Exception:
        logger.exception("Notices to many could not be written.", extra={"spread": pk})


@transaction.atomic
def _write_slice(row: Spread) -> int | None:
    """Write the next slice; None where none is left, or another worker has the row in hand."""
    held = Spread.objects.select_for_update(skip_locked=True).filter(pk=row.pk, told__lt=F("total"))
    told = held.values_list("told", flat=True).first()
    if told is None:
        return None
    same = {name: getattr(row, name) for name in SAME}
    lines = [Line(same, *recipient) for recipient in row.recipients[told : told + MOST_AT_ONCE]]
    count = _write(row.mailing.event_id, lines, row.mailing)
    row.told = told + len(lines)
    if row.told == row.total:
        Spread.objects.filter(pk=row.pk).update(told=row.told, recipients=[])
    else:
        Spread.objects.filter(pk=row.pk).update(told=row.told)
    return count


#: Every notice with its delivery, mailed as its reader has chosen, in one statement: most acts end with it.
TELL: Final = """
WITH told AS (
    INSERT INTO program_notice (
        event_id, recipient_id, email, subscription_id, is_for_draft, kind, title, text, url, clause,
        created_at
    )
    SELECT %s, line.recipient, line.email, line.subscription, line.is_for_draft, line.kind, line.title,
        line.text, line.url, line.clause, COALESCE(%s::timestamptz, transaction_timestamp())
    FROM jsonb_to_recordset(%s::jsonb) AS line (
        recipient bigint, email text, subscription bigint, is_for_draft boolean, kind text, title text,
        text text, url text, clause text
    )
    ON CONFLICT DO NOTHING
    RETURNING id, recipient_id, kind
)
INSERT INTO program_delivery (notice_id, channel, mailing_id, attempts, faults, stops, state, reason)
SELECT told.id, %s, %s, 0, 0, 0,
    CASE WHEN chosen.choice = 'daily' AND told.kind = ANY(%s) THEN 'waiting'
        WHEN chosen.choice = 'off' AND NOT told.kind = ANY(%s) THEN 'dropped'
        ELSE 'owed' END,
    CASE WHEN chosen.choice = 'off' AND NOT told.kind = ANY(%s) THEN %s ELSE '' END
FROM told LEFT JOIN program_mailpreference chosen ON chosen.user_id = told.recipient_id
ORDER BY told.id
"""
TURNED_OFF: Final = "The recipient has turned off mail that may be turned off."


def _lines(audience: Audience, facts: dict[str, Any]) -> list[Line]:
    kind = audience.kind
    same = {"kind": kind.code, "url": audience.url, "is_for_draft": False, **words_of(kind, facts)}
    for_draft, drafting = {**same, "is_for_draft": True}, audience.for_draft
    people = {person.pk for person in audience.people if person.is_active and not person.is_service}
    by = audience.following
    return [
        *(Line(for_draft if pk in drafting else same, pk, "", by.get(pk)) for pk in sorted(people)),
        *(Line(same, None, email, pk) for pk, email in audience.addresses),
    ]


def words_of(kind: NoticeKind, facts: Mapping[str, Any]) -> dict[str, str]:
    """Title, text and clause of a notice. Raises KeyError for a missing fact."""
    title, text = kind.title.format(**facts)[:200], kind.text.format(**facts)
    return {"title": title, "text": text, "clause": in_full(kind.clause)}


def sample_mail(kind: NoticeKind) -> mail.EmailMultiAlternatives:
    """The mail of a kind as somebody would get it, with the facts of its sample."""
    words, address = words_of(kind, kind.sample), "reader@firm.example"
    reader = {"email": address} if kind == TO_CONFIRM else {"recipient": User(email=address)}
    notice = Notice(pk=0, kind=kind.code, url="/notices/", **reader, **words)
    samples = [words_of(each, each.sample)["title"] for each in (CALL_ISSUED, ANSWER_PUBLISHED)]
    listed = tuple((title, notice.url) for title in samples) if kind.code == DIGEST else ()
    return _message(notice, Gathered(listed, len(listed)))


def mail_of(
    kind: NoticeKind, url: str, facts: Mapping[str, Any], *, follows: str = ""
) -> mail.EmailMultiAlternatives:
    """The mail of a kind with these facts, as a person reads it whom the matter concerns.

    With ``follows`` as somebody reads it who follows that; the link that stops it is each reader's own.
    """
    notice = Notice(pk=0, kind=kind.code, url=url, recipient=User(), **words_of(kind, facts))
    message = _message(notice, follows=follows)
    message.body = message.body.replace(STOP_HERE, "(each reader's own link)")
    return message


def in_full(clause: str) -> str:
    """A clause as mail cites it: a bare "s.3(b)" is one of E.O. 14320."""
    return f"E.O. 14320 {clause}" if clause.startswith("s.") else clause


def owed(event_id: int, *, most: int = MOST_AT_ONCE) -> list[int]:
    """Keys of the deliveries of one event that are due; what a dead worker had claimed is owed again."""
    at = clock.instant()
    rows = Delivery.objects.filter(notice__event_id=event_id)
    _give_back(rows, at=at)
    return list(rows.due(at).values_list("pk", flat=True)[:most])


def deliver_each(keys: Iterable[int], *, seconds: float | None = None) -> int:
    """Send these deliveries over one line, as long as a task may work; returns how many were handed over.

    Once the mail server cannot be reached the rest stays owed, untried.
    """
    sent = 0
    with MailLine() as line:
        for pk in timely(keys, seconds=seconds) if seconds else timely(keys):
            sent += deliver(pk, line)
            if line.is_away:
                break
    return sent


def is_mass(event_id: int) -> bool:
    return Mailing.objects.filter(event=event_id).exists()


def deliver(pk: int, line: MailLine | None = None) -> bool:
    """Send one delivery if it is still owed and due; True when it was handed over.

    Repeatable and safe to run twice at once: the row is claimed by a conditional update. Whatever goes wrong
    is this delivery's alone: it is put off, and those behind it are sent. Raises only where the database is
    away.
    """
    at = clock.instant()
    try:
        return _claim(pk, at=at) and _carry(pk, line)
    except Exception as error:
        logger.exception("A notice could not be sent.", extra={"delivery": pk})
        _put_aside(pk, error, claimed_at=at)
        return False


def _claim(pk: int, *, at: datetime) -> bool:
    due = Delivery.objects.due(at).filter(pk=pk).order_by()
    return bool(due.update(state=DeliveryState.CLAIMED, claimed_at=at, attempts=F("attempts") + 1))


def _carry(pk: int, line: MailLine | None) -> bool:
    """Hand a claimed delivery to the mail server, or note why not; True when it was handed over."""
    delivery = Delivery.objects.to_tell().select_related("notice__subscription__call").get(pk=pk)
    notice, gathered, reason = delivery.notice, None, withheld(delivery)
    if not reason and notice.kind == DIGEST:
        gathered = gathered_in(notice)
        reason = "" if gathered.count else "Nothing in this digest may be told any more."
    if reason:
        _settle(delivery, DeliveryState.DROPPED, reason)
        return False
    try:
        hand_over(_message(notice, gathered), note_sending=lambda: _note_sending(delivery), line=line)
    except SMTPDataError as error:
        is_final = error.smtp_code >= PERMANENT
        _put_off(delivery, f"Refused by the mail server: {error.smtp_code}", is_fault=is_final)
    except SMTPRecipientsRefused as error:
        _refused(delivery, error)
    except SMTPSenderRefused as error:
        _put_off(delivery, f"Sender refused by the mail server: {error.smtp_code}")
    except (SMTPException, OSError) as error:
        _break_off(delivery, "Mail server not reached", error)
    else:
        _settle(delivery, DeliveryState.SENT, "")
        return True
    return False


def _put_aside(pk: int, error: Exception, *, claimed_at: datetime) -> None:
    """Put off what was claimed and then failed; where that fails as well, the sweep gives it back."""
    try:
        if claimed := Delivery.objects.filter(pk=pk, claimed_at=claimed_at).first():
            _break_off(claimed, "The mail could not be made or sent", error, is_fault=True)
    except DatabaseError:
        if not connection.is_usable():
            raise
        logger.exception("A notice could not be put off.", extra={"delivery": pk})


@transaction.atomic
def _refused(delivery: Delivery, error: SMTPRecipientsRefused) -> None:
    """An address that the server refuses for good is mailed no more; another time may help otherwise.

    An answer to a worker whose claim has ended says nothing: another has asked since.
    """
    ((code, answer),) = error.recipients.values()
    said = plain(f"{code} {answer.decode('utf-8', 'replace')}")
    if not is_gone(code, said):
        _put_off(delivery, f"Address refused for now by the mail server: {said[:200]}")
    elif _settle(delivery, DeliveryState.FAILED, f"Address refused by the mail server: {said}"):
        suppress_bounced(delivery.notice.address, said)


def is_gone(code: int, said: str) -> bool:
    """Whether the answer is about the address, RFC 3463 X.1: a relay set up wrongly refuses everybody's."""
    if enhanced := ENHANCED.match(said):
        return code >= PERMANENT and enhanced[1] == "1"
    return code in NO_SUCH_MAILBOX


@transaction.atomic
def suppress_bounced(email: str, answer: str) -> None:
    """Mail ``email`` no more: a mail server refused the address for good and said ``answer``."""
    by = clock_account()
    row, is_new = Suppression.objects.get_or_create(
        email=email.lower(),
        defaults={"cause": Suppression.Cause.BOUNCED, "note": plain(answer)[:300], "added_by": by},
    )
    if is_new:
        audit.record(
            row, "suppression.add", by=by, after={"of": row.email, "cause": row.cause}, note=row.note
        )


def is_suppressed(email: str) -> bool:
    """Whether mail does not reach the address: nothing is sent to it."""
    return Suppression.objects.filter(email=email.strip().lower()).exists()


def plain(answer: str) -> str:
    """What a mail server said, on one line of printable text."""
    return " ".join("".join(c if c.isprintable() else " " for c in answer).split())


#: What apps above answer: why a person may not be told which of these notices any more, by their keys
WITHHELD: Final[list[Callable[[User, Sequence[Notice]], Mapping[int, str]]]] = []


def withholds(reasons_for: Callable[[User, Sequence[Notice]], Mapping[int, str]]) -> None:
    """Ask ``reasons_for`` of notices before they are mailed."""
    if reasons_for not in WITHHELD:
        WITHHELD.append(reasons_for)


#: What apps above do: take back the notices about what a person may not see any more
CLOSING: Final[list[Callable[[User], int]]] = []


def closes_notices(close: Callable[[User], int]) -> None:
    """Let ``close`` tidy the inbox of people who have lost an office or a place."""
    if close not in CLOSING:
        CLOSING.append(close)


def close_out_of_sight(person: User) -> int:
    """Take back what ``person`` was told of what is closed to them now; returns how many notices."""
    told = Notice.objects.filter(recipient=person, closed_at=None)
    lost = [kind.code for kind in CATALOGUE.values() if kind.roles and not person.holds(*kind.roles)]
    closed = told.filter(kind__in=lost).update(closed_at=clock.instant())
    return closed + sum(close(person) for close in CLOSING)


def withheld(delivery: Delivery) -> str:
    """Why the recipient is not mailed any more, or ""; ``delivery`` was read ``with_suppression``."""
    return withheld_among([delivery]).get(delivery.pk, "")


def withheld_among(deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Which of these are not mailed any more, by their keys, and why; asked once for each recipient."""
    ended = {row.pk: _ended(row.notice) for row in deliveries}
    reasons = {pk: reason for pk, reason in ended.items() if reason}
    of_people: dict[int, list[Delivery]] = {}
    for row in deliveries:
        if row.notice.recipient_id and row.pk not in reasons:
            of_people.setdefault(row.notice.recipient_id, []).append(row)
    for rows in of_people.values():
        closed = _closed_to(cast("User", rows[0].notice.recipient), [row.notice for row in rows])
        reasons |= {row.pk: closed[row.notice_id] for row in rows if row.notice_id in closed}
    for row in deliveries:
        if row.is_suppressed:  # type: ignore[attr-defined]
            reasons.setdefault(row.pk, "Mail does not reach the address: it is on the suppression list.")
    return reasons


def _ended(notice: Notice) -> str:
    if notice.closed_at:
        return "The recipient may no longer read this."
    if notice.subscription_id and not follows_still(notice):
        return "The recipient follows it no longer."
    return ""


@dataclass(frozen=True)
class Gathered:
    """What a digest tells: title and path of the first notices in it, and how many it holds."""

    listed: tuple[tuple[str, str], ...]
    count: int


def gathered_in(digest: Notice) -> Gathered:
    """What was gathered in a digest, but for what may not be told any more."""
    listed: list[tuple[str, str]] = []
    count = 0
    for part in in_parts(Delivery.objects.filter(digest=digest).to_tell()):
        reasons = withheld_among(part)
        told = [row.notice for row in part if row.pk not in reasons]
        listed += [(notice.title, notice.url) for notice in told[: MOST_LISTED - len(listed)]]
        count += len(told)
    return Gathered(tuple(listed), count)


def in_parts(rows: DeliveryQuerySet) -> Iterator[list[Delivery]]:
    """These deliveries, the oldest first, as many at a time as are asked about at once."""
    last = 0
    while part := list(rows.filter(pk__gt=last).order_by("pk")[:ASKED_AT_ONCE]):
        yield part
        last = part[-1].pk


def follows_still(notice: Notice) -> bool:
    """Whether the subscription by which it is told stands, or its confirmation may still come."""
    row = notice.subscription
    if row is None or row.stands:
        return row is not None
    if row.refused_at:
        return False
    ends_at = (row.asked_at or row.created_at) + CONFIRMED_WITHIN
    return notice.kind == TO_CONFIRM.code and clock.instant() < ends_at


def _closed_to(person: User, notices: Sequence[Notice]) -> dict[int, str]:
    """Of which of these ``person`` may not be told any more, by their keys, and why."""
    if not person.is_active:
        return dict.fromkeys((notice.pk for notice in notices), "The recipient's account is closed.")
    closed: dict[int, str] = {}
    asked = []
    for notice in notices:
        kind = CATALOGUE.get(notice.kind)
        if kind and kind.roles and not person.holds(*kind.roles):
            closed[notice.pk] = "The recipient no longer holds the office."
        elif not (kind and kind.tells_outsiders):
            asked.append(notice)
    for reasons_for in WITHHELD:
        closed = {**reasons_for(person, asked), **closed}
    return closed


def close_notices(proposal: models.Model, person: User) -> int:
    """Take back what ``person`` was told about a proposal: listed no more, and what is owed is not sent.

    Part of the transaction of a recusal. A mail that is being handed over at this moment may still arrive.
    """
    told = Notice.objects.filter(recipient=person, closed_at=None).about(proposal)
    return told.update(closed_at=clock.instant())


def hand_over(
    message: mail.EmailMultiAlternatives,
    *,
    note_sending: Callable[[], None],
    line: MailLine | None = None,
) -> None:
    """Give ``message`` to the mail server; ``note_sending`` is told when its outcome becomes uncertain."""
    if line is not None:
        line.hand_over(message, note_sending=note_sending)
        return
    with MailLine() as own:
        own.hand_over(message, note_sending=note_sending)


def _note_sending(delivery: Delivery) -> None:
    """From here on a broken line leaves the outcome unknown; refuses when the lease was lost."""
    held = Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.CLAIMED, claimed_at=delivery.claimed_at
    ).update(state=DeliveryState.SENDING)
    if not held:
        raise SMTPException("The lease on this delivery was lost.")


def _break_off(delivery: Delivery, reason: str, error: Exception, *, is_fault: bool = False) -> None:
    """Put it off, unless its text was being sent: then nobody knows whether it arrived."""
    delivery.refresh_from_db(fields=["state"])
    if delivery.state == DeliveryState.SENDING:
        reason = f"The line broke after the text was sent: {type(error).__name__}"
        _settle(delivery, DeliveryState.UNKNOWN, reason)
    else:
        _put_off(delivery, f"{reason}: {type(error).__name__}", is_fault=is_fault)


def _settle(delivery: Delivery, state: DeliveryState, reason: str) -> bool:
    """Note how it ended; False where the worker's claim has ended before.

    That it was sent is true also of what the sweep had to call unknown.
    """
    values: dict[str, Any] = {"state": state, "reason": reason[:300]}
    before: tuple[DeliveryState, ...] = HELD
    if state == DeliveryState.SENT:
        values["sent_at"] = clock.instant()
        before = (*HELD, DeliveryState.UNKNOWN)
    held = Delivery.objects.filter(pk=delivery.pk, claimed_at=delivery.claimed_at, state__in=before)
    return bool(held.update(**values))


def _put_off(delivery: Delivery, reason: str, *, is_fault: bool = False) -> None:
    """Owe it again, later each time; with its attempts or faults used up it has failed, as the log says."""
    faults = delivery.faults + is_fault
    if delivery.attempts >= MOST_ATTEMPTS or faults >= MOST_FAULTS:
        if _settle(delivery, DeliveryState.FAILED, reason):
            logger.error("A notice was given up.", extra={"delivery": delivery.pk, "reason": reason})
        return
    Delivery.objects.filter(pk=delivery.pk, claimed_at=delivery.claimed_at, state__in=HELD).update(
        state=DeliveryState.OWED,
        faults=faults,
        not_before=clock.instant() + wait_after(delivery.attempts),
        reason=reason[:300],
    )


def wait_after(attempts: int) -> timedelta:
    """How long to wait after the attempt with this number has failed."""
    return timedelta(seconds=min(15 * 2**attempts, 3600))


def _message(
    notice: Notice, gathered: Gathered | None = None, *, follows: str = ""
) -> mail.EmailMultiAlternatives:
    """The mail that carries ``notice``: text and HTML, links made from the portal's own address.

    What is told by a subscription says how to end it, to the reader and to their mail program (RFC 8058); a
    digest says to the mail program how to turn off what may be turned off.
    """
    row, to_confirm = notice.subscription, notice.kind == TO_CONFIRM.code
    path = confirm_path(row) if row and to_confirm else notice.url
    gathered = gathered or Gathered((), 0)
    subject, text, html = _rendered(
        (("title", notice.title), ("text", notice.text), ("clause", notice.clause)),
        f"{settings.SITE_URL}{path}",
        tuple((title, f"{settings.SITE_URL}{url}") for title, url in gathered.listed),
        gathered.count - len(gathered.listed),
        f"{settings.SITE_URL}{reverse('program:mail-preference')}" if notice.recipient else "",
        row.of_what if row and not to_confirm else follows,
        to_confirm,
        settings.SITE_NAME,
        settings.DEMONSTRATION,
    )
    host = urlsplit(settings.SITE_URL).hostname or "portal"
    headers = {"Message-ID": f"<notice-{notice.pk}@{host}>", "Auto-Submitted": "auto-generated"}
    stop = ""
    if row:
        stop = f"{settings.SITE_URL}{stop_path(row)}"
        text, html = text.replace(STOP_HERE, stop), html.replace(STOP_HERE, stop)
    elif notice.kind == DIGEST and notice.recipient:
        stop = f"{settings.SITE_URL}{mail_stop_path(notice.recipient)}"
    if stop:
        headers |= {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    message = mail.EmailMultiAlternatives(subject, text, to=[notice.address], headers=headers)
    message.attach_alternative(html, "text/html")
    return message


#: Stands in what is made once for all, until the address of each one's own page is put in its place
STOP_HERE: Final = "https://stop.invalid/"
CONFIRM_SALT: Final = "program.subscription.confirm"
STOP_SALT: Final = "program.subscription.stop"
MAIL_STOP_SALT: Final = "program.mail.stop"


def confirm_path(row: Subscription) -> str:
    """The page that confirms an address; a signature over the row, kept nowhere."""
    return reverse("program:subscription-confirm", args=[Signer(salt=CONFIRM_SALT).sign(str(row.pk))])


def stop_path(row: Subscription) -> str:
    """The page that ends a subscription; it stays the same as long as the subscription."""
    return reverse("program:subscription-stop", args=[Signer(salt=STOP_SALT).sign(str(row.pk))])


def mail_stop_path(person: User) -> str:
    """The page that turns off a person's mail, as far as it may be turned off."""
    return reverse("program:mail-stop", args=[Signer(salt=MAIL_STOP_SALT).sign(str(person.pk))])


@lru_cache(maxsize=KEPT)
def _rendered(
    said: tuple[tuple[str, str], ...],
    link: str,
    gathered: tuple[tuple[str, str], ...],
    more: int,
    preference: str,
    follows: str,
    to_confirm: bool,
    site_name: str,
    is_demonstration: bool,
) -> tuple[str, str, str]:
    """Subject, text and HTML; thousands who are told the same get what was made once."""
    facts = {
        "notice": dict(said),
        "link": link,
        "gathered": gathered,
        "more": more,
        "preference": preference,
        "follows": follows,
        "to_confirm": to_confirm,
        "stop": STOP_HERE,
        "site_name": site_name,
        "is_demonstration": is_demonstration,
    }
    return (
        " ".join(render_to_string("emails/notice_subject.txt", facts).split()),
        render_to_string("emails/notice.txt", facts),
        render_to_string("emails/notice.html", facts),
    )


@transaction.atomic
def sweep(*, most: int = MOST_AT_ONCE) -> tuple[list[int], list[int]]:
    """Give back what dead workers had claimed, settle what they were sending.

    Returns what is owed and due: single notices, and those of mass mailings.
    """
    at = clock.instant()
    _give_back(Delivery.objects.all(), at=at)
    due = Delivery.objects.due(at).values_list("pk", flat=True)
    return list(due.filter(mailing=None)[:most]), list(due.exclude(mailing=None)[:most])


@transaction.atomic
def _give_back(deliveries: QuerySet[Delivery], *, at: datetime) -> None:
    """Owe again what was claimed longer than a lease ago; say of what was being sent that nobody knows."""
    left = deliveries.filter(state=DeliveryState.CLAIMED, claimed_at__lt=at - LEASE)
    stopped = "The worker stopped before it could send."
    left.filter(stops__lt=MOST_STOPS - 1).update(
        state=DeliveryState.OWED, stops=F("stops") + 1, reason=stopped
    )
    if given_up := left.update(state=DeliveryState.FAILED, reason=stopped):
        logger.error("Notices whose workers stopped each time were given up.", extra={"count": given_up})
    deliveries.filter(state=DeliveryState.SENDING, claimed_at__lt=at - HANDING_OVER).update(
        state=DeliveryState.UNKNOWN, reason="The worker stopped while it was sending; it is not sent again."
    )

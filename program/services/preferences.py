"""How a person is mailed: at once, in one digest a day, or not at all, as far as that is theirs to choose."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Final

from django.core.signing import Signer
from django.db import connection, transaction

from program import audit, clock, moments
from program.clock_account import clock_account
from program.enums import Channel, DeliveryState, MailChoice
from program.models import Delivery, Digest, Mailing, MailPreference, Notice, User
from program.notice_kinds import DAILY_DIGEST
from program.notices import MAIL_STOP_SALT, MANY, TURNED_OFF, withheld, words_of
from program.publish import after_commit
from program.ticks import timely

if TYPE_CHECKING:
    from datetime import date

    from program.querysets import DeliveryQuerySet

#: When the digests of a day are made, in Washington
DIGEST_HOUR: Final = 7


def choice_of(user: User) -> MailChoice:
    row = MailPreference.objects.filter(user=user).first()
    return MailChoice(row.choice) if row else MailChoice.AT_ONCE


def reader_of(token: str) -> User | None:
    """Whose mail a link turns off; None when the account is closed. Raises BadSignature."""
    pk = Signer(salt=MAIL_STOP_SALT).unsign(token)
    return User.objects.filter(pk=pk, is_active=True).first()


@transaction.atomic
def choose_mail(choice: MailChoice, *, by: User) -> bool:
    """Mail ``by`` as they choose from now on; what waits for a digest goes the new way, too.

    False when it was chosen before.
    """
    row, _ = MailPreference.objects.get_or_create(user=by)
    row.refresh_from_db(from_queryset=MailPreference.objects.select_for_update())
    if row.choice == choice:
        return False
    audit.record(by, "user.choose_mail", by=by, before=row.choice, after=choice)
    row.choice = choice
    row.save(update_fields=["choice", "updated_at"])
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING, notice__recipient=by)
    if choice == MailChoice.OFF:
        waiting.update(state=DeliveryState.DROPPED, reason=TURNED_OFF)
    elif choice == MailChoice.AT_ONCE and waiting.update(state=DeliveryState.OWED):
        after_commit("program.tasks.sweep_deliveries")
    return True


# The digest


def make_digests() -> int:
    """Gather what waits into one mail for each person, after seven in the morning; returns how many.

    Of two beats one works. What is told later in the day waits for the next one.
    """
    day = clock.instant().astimezone(clock.WASHINGTON).date()
    cut = datetime.combine(day, time(DIGEST_HOUR), clock.WASHINGTON)
    if clock.instant() < cut:
        return 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('daily-digest'))")
            if not cursor.fetchone()[0]:
                return 0
        rows = waiting_before(cut).order_by("notice__recipient")
        people = list(rows.values_list("notice__recipient", flat=True).distinct())
        if not people:
            return 0
        digest = Digest.objects.filter(day=day).first() or begin(day)
        mailing = Mailing.objects.get_or_create(event=digest.event)[0] if len(people) > MANY else None
        made = sum(gather(pk, digest, cut, mailing) for pk in timely(people))
        after_commit("program.tasks.deliver_notices", digest.event_id)
    return made


def begin(day: date) -> Digest:
    by = clock_account()
    event = audit.record(by, "user.gather_mail", by=by, after=day.isoformat())
    return Digest.objects.create(day=day, event=event)


def waiting_before(cut: datetime) -> DeliveryQuerySet:
    rows: DeliveryQuerySet = Delivery.objects.filter(state=DeliveryState.WAITING, notice__created_at__lt=cut)
    return rows


def gather(pk: int, digest: Digest, cut: datetime, mailing: Mailing | None) -> bool:
    """Put what waits for one person into their digest of the day; drop what may not be told any more."""
    rows = waiting_before(cut).filter(notice__recipient=pk).select_for_update(of=("self",)).order_by("pk")
    found = list(
        rows.with_suppression().select_related(
            "notice__recipient", "notice__event", "notice__subscription__call"
        )
    )
    told = []
    for row in found:
        if reason := withheld(row):
            Delivery.objects.filter(pk=row.pk).update(state=DeliveryState.DROPPED, reason=reason)
        else:
            told.append(row.pk)
    if not told:
        return False
    words = words_of(DAILY_DIGEST, {"day": moments.day(digest.day)})
    notice, is_new = Notice.objects.get_or_create(
        event=digest.event,
        recipient_id=pk,
        kind=DAILY_DIGEST.code,
        defaults={**words, "url": "/notices/", "read_at": clock.instant()},
    )
    if not is_new:
        return False
    Delivery.objects.create(notice=notice, channel=Channel.MAIL, mailing=mailing)
    Delivery.objects.filter(pk__in=told).update(state=DeliveryState.GATHERED, digest=notice)
    return True

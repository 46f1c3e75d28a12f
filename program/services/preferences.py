"""How a person is mailed: at once, in one digest a day, or not at all, as far as that is theirs to choose."""

from __future__ import annotations

import logging
from datetime import datetime, time
from typing import TYPE_CHECKING, Any, Final

from django.core.signing import Signer
from django.db import transaction
from django.db.models import Exists, OuterRef

from program import audit, clock, moments
from program.clock_account import clock_account
from program.enums import Channel, DeliveryState, MailChoice
from program.models import Delivery, Digest, Mailing, MailPreference, Notice, User
from program.notice_kinds import DAILY_DIGEST
from program.notices import MAIL_STOP_SALT, MANY, TURNED_OFF, in_parts, withheld_among, words_of
from program.publish import after_commit
from program.querysets import DIGEST
from program.revisions import is_done_by_another, one_at_a_time
from program.ticks import timely

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from program.querysets import DeliveryQuerySet

logger = logging.getLogger(__name__)

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
    one_at_a_time(f"daily-digest-{by.pk}")
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

    Each person's is made alone: of two beats one works, and what fails there keeps nobody else's back. What
    is told later in the day waits for the next one.
    """
    day = clock.instant().astimezone(clock.WASHINGTON).date()
    cut = datetime.combine(day, time(DIGEST_HOUR), clock.WASHINGTON)
    if clock.instant() < cut:
        return 0
    people = list(readers_of(day, cut))
    if not people:
        return 0
    digest, mailing = begin(day, is_mass=len(people) > MANY)
    made = sum(gather_alone(pk, digest, cut, mailing) for pk in timely(people))
    if made:
        after_commit("program.tasks.deliver_notices", digest.event_id)
    return made


def readers_of(day: date, cut: datetime) -> QuerySet[Any, int]:
    """Keys of the people for whom something waits and who have not had their digest of the day."""
    had = Notice.objects.filter(kind=DIGEST, event__in=Digest.objects.filter(day=day).values("event"))
    rows = waiting_before(cut).exclude(Exists(had.filter(recipient=OuterRef("notice__recipient"))))
    keys: QuerySet[Any, int] = rows.order_by("notice__recipient").values_list("notice__recipient", flat=True)
    return keys.distinct()


@transaction.atomic
def begin(day: date, *, is_mass: bool) -> tuple[Digest, Mailing | None]:
    """The digests of a day, and their mailing if they are many; begun once."""
    one_at_a_time("daily-digest")
    digest = Digest.objects.filter(day=day).first()
    if digest is None:
        by = clock_account()
        event = audit.record(by, "user.gather_mail", by=by, after=day.isoformat())
        digest = Digest.objects.create(day=day, event=event)
    if is_mass:
        return digest, Mailing.objects.get_or_create(event=digest.event)[0]
    return digest, Mailing.objects.filter(event=digest.event).first()


def waiting_before(cut: datetime) -> DeliveryQuerySet:
    rows: DeliveryQuerySet = Delivery.objects.filter(state=DeliveryState.WAITING, notice__created_at__lt=cut)
    return rows


def gather_alone(pk: int, digest: Digest, cut: datetime, mailing: Mailing | None) -> bool:
    """Make one person's digest in a transaction of its own, unless another beat does; a failure is logged."""
    try:
        with transaction.atomic():
            return not is_done_by_another(f"daily-digest-{pk}") and gather(pk, digest, cut, mailing)
    except Exception:
        logger.exception("A digest could not be made.", extra={"person": pk})
        return False


def gather(pk: int, digest: Digest, cut: datetime, mailing: Mailing | None) -> bool:
    """Put what waits for one person into their digest of the day; drop what may not be told any more."""
    if Notice.objects.filter(event=digest.event, recipient=pk, kind=DIGEST).exists():
        return False
    notice = None
    rows = waiting_before(cut).filter(notice__recipient=pk).select_for_update(of=("self",))
    for part in in_parts(rows.to_tell()):
        reasons = withheld_among(part)
        for reason in set(reasons.values()):
            dropped = [key for key, said in reasons.items() if said == reason]
            Delivery.objects.filter(pk__in=dropped).update(state=DeliveryState.DROPPED, reason=reason)
        if told := [row.pk for row in part if row.pk not in reasons]:
            notice = notice or owe_digest(pk, digest, mailing)
            Delivery.objects.filter(pk__in=told).update(state=DeliveryState.GATHERED, digest=notice)
    return notice is not None


def owe_digest(pk: int, digest: Digest, mailing: Mailing | None) -> Notice:
    words = words_of(DAILY_DIGEST, {"day": moments.day(digest.day)})
    notice = Notice.objects.create(
        event=digest.event,
        recipient_id=pk,
        kind=DAILY_DIGEST.code,
        url="/notices/",
        created_at=clock.now(),
        read_at=clock.instant(),
        **words,
    )
    Delivery.objects.create(notice=notice, channel=Channel.MAIL, mailing=mailing)
    return notice

"""The calendar that a person reads without sign-in: opened, given a new address, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from program import audit
from program.models import CalendarFeed
from program.models.notices import new_nonce

if TYPE_CHECKING:
    from program.models import User

SALT: Final = "program.calendar"


def address_of(feed: CalendarFeed) -> str:
    """The secret address, made anew each time it is shown."""
    token = signing.dumps([feed.pk, feed.nonce], salt=SALT)
    return f"{settings.SITE_URL}{reverse('program:calendar-feed', args=[token])}"


def opened_by(token: str) -> CalendarFeed | None:
    """The feed behind an address, of a person whose account is open."""
    try:
        pk, nonce = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    feeds = CalendarFeed.objects.select_related("user")
    return feeds.filter(pk=pk, nonce=nonce, user__is_active=True).first()


@transaction.atomic
def open_feed(*, by: User) -> CalendarFeed:
    """Let ``by`` read their days at a secret address; opening it twice is opening it once."""
    feed, is_new = CalendarFeed.objects.get_or_create(user=by)
    if is_new:
        audit.record(by, "user.open_calendar", by=by)
    return feed


@transaction.atomic
def renew_feed(*, by: User) -> bool:
    """Give the calendar another address: the old one answers nobody any more."""
    if not CalendarFeed.objects.filter(user=by).update(nonce=new_nonce()):
        return False
    audit.record(by, "user.renew_calendar", by=by)
    return True


@transaction.atomic
def close_feed(*, by: User) -> bool:
    """Let nobody read the calendar any more."""
    if not CalendarFeed.objects.filter(user=by).delete()[0]:
        return False
    audit.record(by, "user.close_calendar", by=by)
    return True

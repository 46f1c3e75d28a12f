"""Everything the demonstration needs, in the order in which it happened; each piece is made once."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, OuterRef, Subquery

from demonstration import calls, directives, edag, kestrel, people, story
from demonstration.consortia import read_book
from demonstration.timeline import at_work
from financing.models import Meeting, Tool
from financing.reference import load_tools
from program import audit, clock
from program.clock_account import clock_account
from program.enums import DeliveryState
from program.models import AuditEvent, Call, Country, Delivery, Notice
from program.reference import load_reference_data

FIRST_LIST: Final = datetime(2026, 7, 6, 9, 0, tzinfo=clock.WASHINGTON)
STILL_NEWS: Final = timedelta(days=5)


def load() -> Iterator[str]:
    """Make what is missing, and say what was made; quick when nothing is missing."""
    started = time.monotonic()
    if not (Country.objects.exists() and Tool.objects.exists()):
        load_reference_data()
        load_tools()
        yield "Reference data: countries, agencies, federal tools."
    with clock.moved_to(people.FOUNDED):
        clock_account()
    people.load_officials()
    made = yield from consortia()
    if made or not Meeting.objects.filter(title=edag.FIRST_MEETING).exists():
        edag.play()
        story.describe_reviewers(calls.open_call())
        story.screen_again(clock.now())
        directives.play()
        settle_past_mail()
        audit.seal_record()
        yield f"Demonstration data loaded in {time.monotonic() - started:.0f} s."


def consortia() -> Generator[str, None, int]:
    """The calls and the consortia that propose under them; returns how many were made."""
    book, first, now_open = read_book(), calls.first_call(), calls.open_call()
    made = 0
    for call, listed_on, added in (
        (first, FIRST_LIST, ()),
        (now_open, morning_after(now_open), tuple(story.STORY["screening_list_added"])),
    ):
        story.screening_list(listed_on, added=added)
        for facts in book.consortia:
            if facts["call"] == ("first" if call == first else "open") and story.play(book, facts, call):
                made += 1
                yield f"{facts['name']}: {facts['state'].replace('_', ' ')}."
    if kestrel.play(now_open):
        made += 1
        yield "Kestrel Bay Consortium: a draft as full as a real one."
    return made


def morning_after(call: Call) -> datetime:
    return at_work(calls.opened_on(call) + timedelta(days=1), 8)


@transaction.atomic
def settle_past_mail() -> None:
    """Date the notices of the story to their days; their mail counts as sent, all but the newest as read.

    Without this the first start would send some hundred mails of half a year at once.
    """
    happened = AuditEvent.objects.filter(pk=OuterRef("event")).values("at")
    Notice.objects.filter(event__at__lt=F("created_at") - timedelta(hours=1)).update(
        created_at=Subquery(happened)
    )
    past = Notice.objects.filter(created_at__lt=clock.instant() - timedelta(hours=1))
    past.filter(read_at=None, created_at__lt=clock.instant() - STILL_NEWS).update(read_at=F("created_at"))
    Delivery.objects.filter(state=DeliveryState.OWED, notice__in=past).update(
        state=DeliveryState.SENT,
        sent_at=clock.instant(),
        reason="A past day of the demonstration: no mail was sent.",
    )

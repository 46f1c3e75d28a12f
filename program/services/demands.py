"""What an open call demands is amended in public; what a version was submitted under stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet

from program import audit, clock
from program.checks import asks_all_the_order_requires, asks_for_what_can_be_given, cites_every_requirement
from program.deadlines import local_day, long_date, start_of_day
from program.demanded import DemandChange, demanded, words_of
from program.enums import AmendmentKind
from program.models import Amendment, Call, Requirement, User
from program.services.calls import (
    AMEND,
    facts_of,
    hold_open,
    next_amendment,
    refuse_day_of_effect,
    telling_of_amendment,
)
from program.services.subscriptions import Telling, tell
from program.transitions import NotReady, Problem

ADDED, CHANGED, WITHDRAWN, TAKEN_BACK = "Added", "Changed", "Withdrawn", "Taken back"


@dataclass(frozen=True)
class Retelling:
    """What those are told whose drafts are checked anew for an amendment, in which case in which words.

    They get fewer than ``below`` messages: how many drafts there are, no office is told.
    """

    below: int
    tellings: tuple[tuple[str, Telling], ...]


#: What apps above answer: whom they tell because of an amendment of requirements
TELLS_ANEW: Final[list[Callable[[Amendment], Retelling | None]]] = []


def tells_anew(telling: Callable[[Amendment], Retelling | None]) -> None:
    """Ask ``telling`` what it will tell of an amendment of requirements, before it is published."""
    if telling not in TELLS_ANEW:
        TELLS_ANEW.append(telling)


def with_retellings(call: Call, *, by: User, **details: Any) -> tuple[Amendment, list[Retelling]]:
    """Amend the requirements; also returns what else is told because of it, and not yet told."""
    amendment = amend_requirements(call, by=by, **details)
    found = [telling(amendment) for telling in TELLS_ANEW]
    return amendment, [each for each in found if each]


@transaction.atomic
def amend_requirements(
    call: Call,
    *,
    by: User,
    added: Sequence[Requirement] = (),
    changed: Sequence[Requirement] = (),
    withdrawn: Sequence[Requirement] = (),
    taken_back: Sequence[Requirement] = (),
    summary: str,
    reason: str,
    legal_basis: str = "",
    effective_on: date | None = None,
    revision: int | None = None,
) -> Amendment:
    """Add, change and withdraw requirements of an open call in one numbered amendment.

    They are demanded so from this moment on, or from the beginning of a later day ``effective_on``: then
    whatever else was announced for the same codes comes no more. ``taken_back`` are rows whose announced
    change does not come at all; that is in force at once. ``changed`` are the rows with their new words, not
    saved.

    Raises NotReady where nothing changes, where a row is demanded no more or not for ever, or where the
    order's own requirements would be missing on some day; StaleRevision when the call is not at
    ``revision``. The drafts under the call are checked anew in the background.
    """
    hold_open(call, AMEND, by=by, revision=revision)
    if not (added or changed or withdrawn or taken_back):
        raise refusal("demands-empty", "No requirement was added, changed or withdrawn.")
    today, moment = clock.today(), clock.instant()
    if effective_on is None:
        refuse_silent_haste([*changed, *withdrawn], moment)
    effective_on = effective_on or today
    refuse_day_of_effect(call, effective_on)
    if effective_on > today:
        if taken_back:
            raise refusal("demand-taken-back-later", AT_ONCE, field="effective_on")
        moment = max(moment, start_of_day(effective_on))
    amendment = Amendment(
        call=call, number=next_amendment(call), kind=AmendmentKind.DEMANDS, summary=summary, reason=reason,
        legal_basis=legal_basis, published_on=today, effective_on=effective_on, effective_at=moment,
        due_on_before=call.due_on, due_on_after=call.due_on,
        made_by=by,
    )  # fmt: skip
    amendment.full_clean()
    amendment.save()
    standing = {row.code: row for row in demanded(call.requirements.all(), moment)}
    kept = [take_back(row, amendment, moment) for row in taken_back]
    before = [end(row, amendment, moment) for row in (*changed, *withdrawn)]
    begun = [begin(row, amendment, moment) for row in (*changed, *added)]
    refuse_gaps(call, moment)
    amendment.demands = [
        *(said_of_new(standing.get(new.code), new) for new in begun),
        *(said(WITHDRAWN, standing.get(old.code, old), None) for old in before[len(changed) :]),
        *(said(TAKEN_BACK, announced, stays) for announced, stays in kept),
    ]
    amendment.save(update_fields=["demands", "updated_at"])
    call.revision += 1
    call.save(update_fields=["revision", "updated_at"])
    gone = [*before, *(announced for announced, _ in kept if announced)]
    stay = [*begun, *(stays for _, stays in kept if stays)]
    event = audit.record(
        call, "call.amend_requirements", by=by, before={row.code: facts_of(row) for row in gone},
        after={row.code: facts_of(row) for row in stay}, note=reason, clause="s.3(b)",
    )  # fmt: skip
    tell(event, telling_of_amendment(amendment), call)
    return amendment


AT_ONCE = (
    "What was announced is taken back at once: leave the day empty. What else changes on a later day is an "
    "amendment of its own."
)


def refusal(code: str, message: str, *, field: str = "") -> NotReady:
    return NotReady([Problem(code, message, "s.3(b)", field=field)])


def refuse_silent_haste(rows: Sequence[Requirement], now: datetime) -> None:
    """Who touches what is announced for a later day says from which day on it holds."""
    for row in rows:
        if row.demanded_from and row.demanded_from > now:
            day = long_date(local_day(row.demanded_from))
            message = (
                f"“{row.title}” is announced for {day}. Say from which day on this amendment holds: that "
                "day, or today, which brings all that was announced of it into force at once."
            )
            raise refusal("day-not-said", message, field="effective_on")


def said_of_new(before: Requirement | None, new: Requirement) -> dict[str, str]:
    """What a new row changes against what is demanded when it begins."""
    return said(CHANGED if before else ADDED, before, new)


def said(act: str, old: Requirement | None, new: Requirement | None) -> dict[str, str]:
    """What the amendment did to one requirement, as its public entry keeps it."""
    row = DemandChange(old, new).row
    return {
        "act": act, "code": row.code, "title": row.title, "before": words_of(old), "after": words_of(new),
    }  # fmt: skip


def still_to_run(call: Call, code: str, moment: datetime) -> QuerySet[Requirement]:
    """The rows of a code that are demanded at ``moment`` or later; not those that never came."""
    rows = call.requirements.filter(Q(demanded_to=None) | Q(demanded_to__gt=moment), code=code)
    return rows.filter(Q(demanded_from=None) | Q(demanded_to=None) | Q(demanded_to__gt=F("demanded_from")))


def end(row: Requirement, amendment: Amendment, moment: datetime) -> Requirement:
    """Let nothing be demanded under the code of ``row`` from ``moment`` on; versions received before keep it.

    ``row`` is the last one that was published of its code. One that would begin later never comes.
    """
    call, now = amendment.call, clock.instant()
    saved = call.requirements.filter(pk=row.pk).first()
    if saved and saved.demanded_to and saved.demanded_to > now and saved.is_demanded(now):
        message = (
            f"An earlier amendment changes or withdraws “{saved.title}” from "
            f"{long_date(local_day(saved.demanded_to))} on. Take that back first, or change what comes then."
        )
        raise refusal("demand-ends", message)
    if saved is None or saved.demanded_to:
        raise refusal("demand-gone", f"The call does not demand “{row.title}” any more.")
    for each in still_to_run(call, saved.code, moment):
        stop(each, amendment, max(moment, each.demanded_from or moment))
    saved.refresh_from_db()
    return saved


def stop(row: Requirement, amendment: Amendment, moment: datetime) -> None:
    row.withdrawn_by, row.demanded_to = amendment, moment
    row.save(update_fields=["withdrawn_by", "demanded_to"])


def begin(row: Requirement, amendment: Amendment, moment: datetime) -> Requirement:
    """A new row with the words of ``row``, demanded from ``moment`` on."""
    new = copy(row)
    new._state = copy(row._state)
    new.pk, new._state.adding = None, True
    new.call, new.added_by, new.withdrawn_by = amendment.call, amendment, None
    new.demanded_from, new.demanded_to, new.checked_on = moment, None, clock.today()
    new.full_clean()
    if still_to_run(amendment.call, new.code, moment).exists():
        raise ValidationError({"code": "The call has a requirement with this code on that day."})
    new.save()
    return new


def take_back(
    row: Requirement, amendment: Amendment, moment: datetime
) -> tuple[Requirement | None, Requirement | None]:
    """Let what is demanded under the code of ``row`` stay as it is at ``moment``.

    Returns what would have come and what stays, each None where that is nothing.
    """
    rows = list(still_to_run(amendment.call, row.code, moment).order_by("demanded_from", "pk"))
    stays = next((each for each in rows if each.is_demanded(moment)), None)
    announced = [each for each in rows if each != stays]
    if not announced and (stays is None or stays.demanded_to is None):
        raise refusal("demand-not-coming", f"No change of “{row.title}” is still to come.")
    for each in announced:
        stop(each, amendment, each.demanded_from or moment)
    if stays:
        stays.withdrawn_by = stays.demanded_to = None
        stays.save(update_fields=["withdrawn_by", "demanded_to"])
    return (announced[-1] if announced else None), stays


def refuse_gaps(call: Call, moment: datetime) -> None:
    """Raise NotReady where the call would lack something on the day of the amendment or on a later one."""
    rows = call.requirements.filter(demanded_from__gt=moment).values_list("demanded_from", flat=True)
    ends = call.requirements.filter(demanded_to__gt=moment).values_list("demanded_to", flat=True)
    for at in sorted({moment, *filter(None, rows), *filter(None, ends)}):
        checks = (asks_all_the_order_requires, cites_every_requirement, asks_for_what_can_be_given)
        if problems := [problem for check in checks for problem in check(call, at=at)]:
            raise NotReady(problems)

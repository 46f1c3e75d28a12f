"""The register of closures: enter a day, correct an entry; nothing is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.urls import reverse

from program import audit, clock
from program.checks import expected_clock
from program.closures import Effect, counted_closures, in_register, met_by_closures, stated_effects
from program.enums import CallStatus
from program.models import Call, Closure
from program.revisions import one_at_a_time
from program.transitions import NotReady, Problem, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from program.models import User

CLAUSE: Final = "1 CFR 18.17(b)"
FIELDS: Final = ("authority", "counts_as_holiday", "source")


@transaction.atomic
def enter_closure(*, by: User, day: date, values: dict[str, Any]) -> Closure:
    """Enter a day on which federal offices are closed; raises NotReady when it stands there already."""
    require("program.add_closure", by)
    one_at_a_time("closure", day.toordinal())
    closure = Closure(day=day)
    if Closure.objects.filter(day=day).exists():
        raise NotReady([Problem("closure-twice", in_register(day), CLAUSE, field="day")])
    return _enter(closure, by=by, values=values, act="closure.enter")


@transaction.atomic
def correct_closure(
    closure: Closure, *, by: User, values: dict[str, Any], why_corrected: str, is_withdrawn: bool = False
) -> Closure:
    """Put a corrected entry for the same day in the place of ``closure``; the old one stays on record.

    Raises NotReady when somebody corrected it before.
    """
    require("program.add_closure", by)
    one_at_a_time("closure", closure.day.toordinal())  # no row of the register can be locked: it only grows
    held = Closure.objects.get(pk=closure.pk)
    problems = []
    if Closure.objects.filter(replaces=held).exists():
        message = "Somebody corrected this entry before you. Read how it stands now, then correct that."
        problems.append(Problem("closure-replaced", message, CLAUSE))
    if not why_corrected.strip():
        message = "Say why the entry is corrected; the register shows it."
        problems.append(Problem("closure-why", message, CLAUSE, field="why_corrected"))
    if problems:
        raise NotReady(problems)
    entry = Closure(
        day=held.day, replaces=held, why_corrected=why_corrected.strip(), is_withdrawn=is_withdrawn
    )
    return _enter(entry, by=by, values=values, act="closure.correct", before=held)


def _enter(
    entry: Closure, *, by: User, values: dict[str, Any], act: str, before: Closure | None = None
) -> Closure:
    for name in FIELDS:
        setattr(entry, name, values[name])
    problems = []
    if not entry.authority.strip():
        problems.append(
            Problem("closure-authority", "Say what closed the offices.", CLAUSE, field="authority")
        )
    if not entry.source.strip():
        problems.append(Problem("closure-source", "Say where that can be read.", CLAUSE, field="source"))
    if problems:
        raise NotReady(problems)
    entry.entered_by, entry.entered_at, entry.checked_on = by, clock.now(), clock.today()
    entry.full_clean()
    entry.save()
    audit.record(
        entry, act, by=by, before=facts_of(before) if before else "", after=facts_of(entry),
        note=entry.why_corrected, clause=CLAUSE,
    )  # fmt: skip
    return entry


def facts_of(entry: Closure) -> dict[str, str]:
    facts = {
        "day": entry.day.isoformat(),
        "authority": entry.authority,
        "counts_as_holiday": "yes" if entry.counts_as_holiday else "no",
        "source": entry.source,
    }
    return facts | ({"is_withdrawn": "yes"} if entry.is_withdrawn else {})


def counted_with(day: date, *, counts: bool) -> frozenset[date]:
    """The days counted as holidays once ``day`` is entered so."""
    return counted_closures() | {day} if counts else counted_closures() - {day}


@met_by_closures
def calls_met(by: User, before: frozenset[date], after: frozenset[date]) -> Iterator[Effect]:
    """Last days of open calls, which are stated; and of drafts, which are computed until they are issued."""
    calls = Call.objects.visible_to(by).defer("text")
    open_calls = calls.filter(status=CallStatus.ISSUED, rolls_forward=True, closes_at__gt=clock.now())
    yield from stated_effects(
        [
            (f"Last day of call {call.number}", reverse("program:desk-call", args=[call.number]), call.due_on)
            for call in open_calls
            if call.due_on
        ],
        before,
        after,
    )
    for call in calls.filter(status__in=[CallStatus.DRAFT, CallStatus.APPROVED]):
        old, new = (expected_clock(call, clock.today(), closures).due_on for closures in (before, after))
        if old != new:
            what = f"Last day of call {call.number}, were it issued today"
            yield Effect(what, reverse("program:desk-call", args=[call.number]), old, new, moves=True)

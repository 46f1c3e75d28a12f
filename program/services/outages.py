"""The outage log: enter, correct; an extension is proposed from it and never made by it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from program import audit, clock, moments
from program.closures import counted_closures
from program.deadlines import later, next_business_day
from program.models import DismissedSilence, Outage
from program.pulse import uncovered
from program.revisions import one_at_a_time
from program.services.calls import last_day_of
from program.transitions import NotReady, Problem, require

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from program.models import Amendment, Call, Silence, User

CLAUSE: Final = "s.3(c)"
FIELDS: Final = ("began_at", "ended_at", "affected", "source", "evidence")
ONE_DAY: Final = timedelta(days=1)


@transaction.atomic
def log_outage(*, by: User, values: dict[str, Any]) -> Outage:
    """Enter that the portal was away, in public; no deadline moves by that.

    Raises NotReady for times to come, and for what stands in the log already.
    """
    require("program.add_outage", by)
    one_at_a_time("outage")
    return _enter(Outage(), by=by, values=values, act="outage.log")


@transaction.atomic
def correct_outage(
    outage: Outage, *, by: User, values: dict[str, Any], why_corrected: str, is_withdrawn: bool = False
) -> Outage:
    """Put a corrected entry in the place of ``outage``, with the reason; the old one stays on record.

    Raises NotReady when somebody corrected it before.
    """
    require("program.add_outage", by)
    one_at_a_time("outage")  # no row of the log can be locked: it only grows
    held = Outage.objects.get(pk=outage.pk)
    if Outage.objects.filter(replaces=held).exists():
        message = "Somebody corrected this entry before you. Read how it stands now, then correct that."
        raise NotReady([Problem("outage-replaced", message, CLAUSE)])
    entry = Outage(replaces=held, why_corrected=why_corrected.strip(), is_withdrawn=is_withdrawn)
    return _enter(entry, by=by, values=values, act="outage.correct", before=held)


def _enter(
    entry: Outage, *, by: User, values: dict[str, Any], act: str, before: Outage | None = None
) -> Outage:
    for name in FIELDS:
        setattr(entry, name, values.get(name) or (None if name == "ended_at" else ""))
    entry.logged_by, entry.logged_at = by, clock.now()
    problems = []
    for name in ("began_at", "ended_at"):
        moment = getattr(entry, name)
        if moment and moment > clock.now():
            message = "This lies ahead. Log an outage once it has begun; leave its end open while it goes on."
            problems.append(Problem(f"outage-{name}", message, CLAUSE, field=name))
    if entry.replaces_id is None and values.get("began_at"):
        same = Outage.objects.standing().filter(began_at=values["began_at"], affected=entry.affected)
        if same.exists():
            message = "This outage stands in the log already. Correct that entry instead."
            problems.append(Problem("outage-twice", message, CLAUSE))
    if entry.replaces_id and not entry.why_corrected:
        message = "Say why the entry is corrected; the log shows it."
        problems.append(Problem("outage-why", message, CLAUSE, field="why_corrected"))
    if problems:
        raise NotReady(problems)
    entry.full_clean()
    entry.save()
    audit.record(
        entry, act, by=by, after=facts_of(entry), before=facts_of(before) if before else "",
        note=entry.why_corrected, clause=CLAUSE,
    )  # fmt: skip
    return entry


@transaction.atomic
def dismiss_silence(silence: Silence, *, by: User, reason: str) -> DismissedSilence:
    """Find that a span which the portal noticed was no outage; it is proposed no more, and stays on record.

    Whoever finds otherwise logs it after all. Raises NotReady where another officer settled it before.
    """
    require("program.add_outage", by)
    one_at_a_time("outage")
    problems = []
    if not reason.strip():
        problems.append(Problem("silence-why", "Say why it was no outage.", CLAUSE, field="reason"))
    if DismissedSilence.objects.filter(silence=silence).exists():
        problems.append(Problem("silence-dismissed", "Somebody dismissed it before you.", CLAUSE))
    elif not uncovered(clock.now()).filter(pk=silence.pk).exists():
        message = "It is proposed no more: an entry of the log covers it, or it lies too far back."
        problems.append(Problem("silence-settled", message, CLAUSE))
    if problems:
        raise NotReady(problems)
    found = DismissedSilence(
        silence=silence, reason=reason.strip(), dismissed_by=by, dismissed_at=clock.now()
    )
    found.full_clean()
    found.save()
    after = {
        "part": silence.part, "began_at": silence.began_at.isoformat(),
        "ended_at": silence.ended_at.isoformat(),
    }  # fmt: skip
    audit.record(found, "outage.dismiss", by=by, after=after, note=found.reason, clause=CLAUSE)
    return found


def facts_of(entry: Outage) -> dict[str, str]:
    facts = {name: str(getattr(entry, name) or "") for name in FIELDS}
    return facts | ({"is_withdrawn": "yes"} if entry.is_withdrawn else {})


def extended_for(call: Call, outages: Iterable[Outage]) -> dict[int, Amendment]:
    """The extension of ``call`` that each of these entries led to, by the entry's key.

    An entry that corrects another led to what that one led to.
    """
    made = {row.outage_id: row for row in call.amendments.exclude(outage=None)}
    found = {}
    for outage in outages if made else ():
        earlier: Any = outage
        while earlier and earlier.pk not in made:
            earlier = earlier.replaces
        if earlier:
            found[outage.pk] = made[earlier.pk]
    return found


def proposed_extension(call: Call, outage: Outage) -> dict[str, Any]:
    """What an officer may take over into the form that extends ``call``: a day and words, all to be changed.

    As many days later as the outage lasted while the call was open, begun days counted whole, moved to a
    federal business day where the call says so. The legal basis is the officer's to name.
    """
    began_at = max(filter(None, [outage.began_at, call.issued_at]))
    ended_at = min(filter(None, [outage.ended_at or clock.now(), call.closes_at]))
    days = -(-(ended_at - began_at) // ONE_DAY)
    due_on: date = later(last_day_of(call), max(days, 1))
    if call.rolls_forward:
        due_on = next_business_day(due_on, counted_closures())
    until = f"to {moments.moment(outage.ended_at)}" if outage.ended_at else "and goes on"
    return {
        "due_on": due_on,
        "summary": "The last day moves because the portal was away while the call was open.",
        "reason": f"The portal was away from {moments.moment(outage.began_at)} {until}. Affected: "
        f"{outage.affected}",
    }

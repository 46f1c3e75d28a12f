"""What an amendment of a designation demands, one function per rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.checks import CONDITION_WORDS
from evaluation.enums import AmendmentStatus, TermChange
from evaluation.querysets.designations import LIVE
from evaluation.terms import applied, changes_of, difference, has_moved_on, terms_of, what_stops
from program import clock
from program.deadlines import long_date
from program.enums import StackLayer
from program.transitions import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evaluation.models import DesignationAmendment

ORDER: Final = "E.O. 14320 s.3(d)"
WHOLE: Final = "E.O. 14320 s.3(b)(i)"
MARKETS: Final = "E.O. 14320 s.3(b)(ii)"


def is_of_live_designation(amendment: DesignationAmendment) -> Iterator[Problem]:
    """An active designation is amended, and a suspended one, whose terms stand; an ended one has none."""
    designation = amendment.designation
    if designation.status not in LIVE:
        status = designation.get_status_display().lower()
        remedy = "Give the draft up." if amendment.is_draft else "Recall the amendment."
        message = f"The designation is {status}; it cannot be amended any more. {remedy}"
        yield Problem("designation-ended", message, ORDER)


def rests_on_what_stands(amendment: DesignationAmendment) -> Iterator[Problem]:
    """What was signed changes the terms as they were read; any other change of them overtakes it."""
    if amendment.status == AmendmentStatus.SIGNED and has_moved_on(amendment):
        message = (
            "The designation has changed since the amendment was signed. Recall it and prepare another on "
            "the terms as they stand."
        )
        yield Problem("overtaken", message, ORDER)


def changes_something(amendment: DesignationAmendment) -> Iterator[Problem]:
    before = terms_of(amendment.designation, on=amendment.effective_on)
    if not difference(before, applied(before, changes_of(amendment))):
        yield Problem("nothing-changed", "Nothing of the designation is changed.", ORDER, "amendment")


def gives_reason_and_clause(amendment: DesignationAmendment) -> Iterator[Problem]:
    if not amendment.reason.strip():
        message = "Give the reasons; they are printed in the letter."
        yield Problem("reason", message, ORDER, "amendment", "reason")
    if not amendment.clause.strip():
        yield Problem("clause", "Name the clause that it rests on.", ORDER, "amendment", "clause")


def takes_effect_in_time(amendment: DesignationAmendment) -> Iterator[Problem]:
    """Never back in time, and not after the designation has ended."""
    designation, today = amendment.designation, clock.today()
    on = amendment.effective_on or today
    if on < today:
        remedy = "Give a later one." if amendment.is_draft else "Recall the amendment and sign another."
        message = f"The day from which it is in force lies behind. {remedy}"
        yield Problem("effective-past", message, ORDER, "amendment", "effective_on")
    if designation.expires_on is not None and on > designation.expires_on:
        message = f"The designation ends on {long_date(designation.expires_on)}, before that day."
        yield Problem("effective-after-end", message, ORDER, "amendment", "effective_on")


def leaves_later_ones_as_announced(amendment: DesignationAmendment) -> Iterator[Problem]:
    """It may take effect before one that was announced for a later day, whose letter then stays true."""
    for later, why in what_stops(amendment):
        day = long_date(later.effective_on) if later.effective_on else ""
        message = (
            f"{later} is announced, in force from {day}, and would not do any more what its letter says. "
            f"{' '.join(why)} Take that out of this draft, or give this amendment that day or a later one."
        )
        yield Problem("contradicts-later", message, ORDER, "amendment", "effective_on")


def ends_on_a_day_ahead(amendment: DesignationAmendment) -> Iterator[Problem]:
    on = amendment.effective_on or clock.today()
    if amendment.changes_last_day and amendment.expires_on is not None and amendment.expires_on < on:
        message = "The new last day lies before the amendment is in force. To end it at once, revoke it."
        yield Problem("last-day-early", message, ORDER, "amendment", "expires_on")


def only_narrows(amendment: DesignationAmendment) -> Iterator[Problem]:
    """What is left is part of what was designated: a market, and a component in each of the five layers.

    The agencies were consulted on the designated version. What would reach beyond it, or bring back what was
    removed, needs a new version and a new consultation.
    """
    before = terms_of(amendment.designation, on=amendment.effective_on)
    after = applied(before, changes_of(amendment))
    known = {row["key"] for row in (*before["markets"], *before["components"])}
    if not known.issuperset((*amendment.removed_markets, *amendment.removed_components)):
        message = "What is removed is not part of the designation any more. Save the draft again."
        yield Problem("not-designated", message, ORDER, "amendment")
    if not after["markets"]:
        yield Problem("no-market", "Leave at least one target market.", MARKETS, "amendment", "markets")
    had = {row["layer"] for row in before["components"]}
    left = {row["layer"] for row in after["components"]}
    for layer in StackLayer:
        if layer in had - left:
            message = f"Leave at least one component in the layer “{layer.label}”: a package has all five."
            yield Problem(f"no-{layer}", message, WHOLE, "amendment", "components")


def states_conditions_whole(amendment: DesignationAmendment) -> Iterator[Problem]:
    """Open conditions only, each whole, and none that is overdue when it begins."""
    on = amendment.effective_on or clock.today()
    for row in amendment.condition_changes.select_related("condition"):
        name = f"Condition {row.condition.number}" if row.condition else "The new condition"
        if row.condition is not None and not row.condition.is_open:
            state = "met" if row.condition.met_at else "lifted"
            message = f"{name} is {state}. Take its change out of the draft."
            yield Problem("condition-not-open", message, ORDER, "conditions")
        if row.kind == TermChange.LIFT:
            continue
        for field, words in (("text", "what is to be done"), *CONDITION_WORDS.items()):
            said = getattr(row, field)
            if not (said.strip() if isinstance(said, str) else said):
                yield Problem(f"condition-{field}", f"{name}: state {words}.", ORDER, "conditions")
        if row.due_on is not None and row.due_on < on:
            message = f"{name}: its day lies before the amendment is in force."
            yield Problem("condition-due", message, ORDER, "conditions")


AMENDMENT_CHECKS: Final = (
    is_of_live_designation,
    changes_something,
    gives_reason_and_clause,
    takes_effect_in_time,
    leaves_later_ones_as_announced,
    ends_on_a_day_ahead,
    only_narrows,
    states_conditions_whole,
)
ANNOUNCEMENT_CHECKS: Final = (
    is_of_live_designation,
    rests_on_what_stands,
    takes_effect_in_time,
    leaves_later_ones_as_announced,
    ends_on_a_day_ahead,
    states_conditions_whole,
)


def is_due(amendment: DesignationAmendment) -> Iterator[Problem]:
    """Its day has come in Washington."""
    if amendment.effective_on is None or amendment.effective_on > clock.today():
        yield Problem("not-due", "The day of this amendment has not come.", ORDER)


def is_next(amendment: DesignationAmendment) -> Iterator[Problem]:
    """Amendments take effect in the order of their days, and on one day in that of their numbers."""
    if amendment.designation.amendments.coming().first() != amendment:
        yield Problem("not-next", "An amendment of an earlier day has not taken effect.", ORDER)


def has_lost_its_designation(amendment: DesignationAmendment) -> Iterator[Problem]:
    if amendment.designation.status in LIVE:
        yield Problem("designation-live", "The designation has not ended.", ORDER)

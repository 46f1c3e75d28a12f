"""Due dates that an office counts instead of naming: by the one clock service, with the rule in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from program import clock
from program.closures import counted_closures
from program.deadlines import long_date

if TYPE_CHECKING:
    from program.deadlines import Due, Period


def due_from_now(period: Period) -> Due:
    """When ``period`` ends that begins today in Washington; closures that count are no business days."""
    return period.due_after(clock.now(), counted_closures())


def rule_in_words(due: Due) -> str:
    """How the day was found, such as "10 federal business days from Friday, November 27, 2026. ..."."""
    return f"{due.period.words} from {long_date(due.start)}. {due.period.rule_text}"

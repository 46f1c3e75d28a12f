"""The review of agency actions, E.O. 14179 s.5(a), and a duty that is kept: all made up, and marked so."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from django.db import transaction

from demonstration.people import official
from demonstration.timeline import at_work
from program import clock
from program.enums import DutyState, Measure
from program.lifecycle import CARRY_OUT, FINALIZE, FIND_CONSISTENT, FIND_INCONSISTENT, PROPOSE
from program.models import AgencyAction, Duty
from program.services.directives import enter_action, give_exemption, keep_duty, take_step
from program.transitions import Transition

AGENCY: Final = "Demonstration Agency (no real agency)"
MADE_UP: Final = "Made up for the demonstration."
ENTERED: Final = datetime(2026, 1, 12, 10, 0, tzinfo=clock.WASHINGTON)
RESCINDED: Final = "Demonstration entry: notice on model cards"
PROPOSED: Final = "Demonstration entry: reporting form for training runs"
STANDS: Final = "Demonstration entry: glossary of AI terms"
WAITS: Final = "Demonstration entry: checklist for procurement"
ACTIONS: Final = {
    RESCINDED: "A fictional notice asked vendors for a card on each model.",
    PROPOSED: "A fictional form asked firms to report training runs.",
    STANDS: "A fictional glossary explained terms to staff.",
    WAITS: "A fictional checklist guided buyers.",
}
DECISIONS: Final[tuple[tuple[str, Transition, str, date], ...]] = (
    (RESCINDED, FIND_INCONSISTENT, "", date(2026, 1, 20)),
    (PROPOSED, FIND_INCONSISTENT, "", date(2026, 1, 20)),
    (STANDS, FIND_CONSISTENT, "", date(2026, 1, 21)),
    (RESCINDED, CARRY_OUT, Measure.RESCIND, date(2026, 2, 3)),
    (PROPOSED, PROPOSE, Measure.REVISE, date(2026, 2, 17)),
    (RESCINDED, FINALIZE, "", date(2026, 3, 10)),
)


@transaction.atomic
def play() -> None:
    """Four fictional actions at four points of the review; nothing happens when it happened before."""
    if AgencyAction.objects.filter(agency=AGENCY).exists():
        return
    officer = official("officer")
    with clock.moved_to(ENTERED):
        for title, effect in ACTIONS.items():
            values: dict[str, Any] = {"agency": AGENCY, "title": title, "effect": f"{effect} {MADE_UP}"}
            enter_action(by=officer, values=values)
    for title, step, measure, day in DECISIONS:
        with clock.moved_to(at_work(day, 11)):
            action = action_called(title)
            take_step(
                action,
                step,
                by=officer,
                revision=action.revision,
                measure=measure,
                values={
                    "decided_by": "Fictional official of the demonstration",
                    "decided_on": day,
                    "reason": f"A fictional reason. {MADE_UP}",
                    "evidence": f"A fictional memorandum. {MADE_UP}",
                },
            )
    exempt()
    keep_coordination()


def action_called(title: str) -> AgencyAction:
    return AgencyAction.objects.get(agency=AGENCY, title=title)


def exempt() -> None:
    """An exemption that holds until the proposed revision is final."""
    given, action = date(2026, 2, 17), action_called(PROPOSED)
    with clock.moved_to(at_work(given, 14)):
        values = {
            "text": f"Firms with fewer than fifty people need not report. {MADE_UP}",
            "basis": "A fictional paragraph of the fictional form",
            "granted_by": "Fictional official of the demonstration",
            "granted_on": given,
        }
        give_exemption(action, by=official("second-officer"), revision=action.revision, values=values)


def keep_coordination() -> None:
    """A duty of s.4(a), in hand, with words that show it."""
    duty = Duty.objects.get(directive__number="14320", clause="4(a)")
    with clock.moved_to(at_work(date(2026, 10, 19), 9)):
        values = {
            "state": DutyState.CONTINUING,
            "evidence": f"The EDAG of this demonstration met on designated packages. {MADE_UP}",
        }
        reason = "The minutes of the fictional meetings came in."
        keep_duty(duty, by=official("officer"), revision=duty.revision, values=values, reason=reason)

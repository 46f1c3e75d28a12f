"""Duties of an order, and agency actions under review, carried along by the real services."""

from __future__ import annotations

from datetime import date

from program.lifecycle import CARRY_OUT, FINALIZE, FIND_CONSISTENT, FIND_INCONSISTENT, PROPOSE
from program.models import AgencyAction, Directive, Duty
from program.services import directives as services
from tests.factories.program import officer

DECIDED = {
    "decided_by": "Director of OMB",
    "decided_on": date(2025, 4, 3),
    "reason": "It stands in the way of the policy.",
    "evidence": "Memorandum of April 3, 2025.",
    "evidence_url": "",
}
#: The decisions that bring an action to each status
WAY = {
    "identified": [],
    "consistent": [(FIND_CONSISTENT, "")],
    "inconsistent": [(FIND_INCONSISTENT, "")],
    "proposed": [(FIND_INCONSISTENT, ""), (PROPOSE, "rescind")],
    "done": [(FIND_INCONSISTENT, ""), (CARRY_OUT, "suspend")],
    "final": [(FIND_INCONSISTENT, ""), (CARRY_OUT, "rescind"), (FINALIZE, "")],
}


def duty(clause="4(b)", number="14320", **facts):
    """A duty that nobody has kept yet, with nothing that shows it."""
    directive, _ = Directive.objects.get_or_create(
        number=number, defaults={"title": "An order", "signed_on": date(2025, 7, 23)}
    )
    stated = {"text": "Appoint senior officials.", "responsible": "Administrator of the SBA"}
    made, _ = Duty.objects.update_or_create(directive=directive, clause=clause, defaults=stated | facts)
    return made


def entered(by=None, **facts):
    """An action under review."""
    values = {
        "agency": "Agency of Examples",
        "title": "Guidance on examples",
        "citation": "",
        "url": "",
        "taken_on": date(2024, 5, 1),
        "effect": "It told offices to keep examples.",
    }
    return services.enter_action(by=by or officer(), values=values | facts)


def decide(action, step, measure="", by=None, **details):
    """Take one step of the review at the revision that stands."""
    services.take_step(
        action, step, by=by or officer(), revision=AgencyAction.objects.get(pk=action.pk).revision,
        values=DECIDED | details, measure=measure,
    )  # fmt: skip
    return action


def action_at(status, **facts):
    """An action that was brought to ``status``."""
    action = entered(**facts)
    for step, measure in WAY[status]:
        decide(action, step, measure)
    return action


def exempted(action, by=None, **facts):
    values = {
        "text": "Small offices keep no examples.",
        "basis": "5 U.S.C. 301",
        "granted_by": "Head of the Agency of Examples",
        "granted_on": date(2025, 5, 1),
        "until": None,
    }
    revision = AgencyAction.objects.get(pk=action.pk).revision
    return services.give_exemption(action, by=by or officer(), revision=revision, values=values | facts)

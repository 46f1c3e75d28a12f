"""An officer keeps a duty and brings an agency action from entry to its end; everybody reads of it."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from program.models import AgencyAction, Duty
from tests.browser.people import with_second_factor
from tests.factories.program import officer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DECISION = {
    "decided_by": "Director of OMB", "decided_on": date(2025, 4, 3).isoformat(),
    "reason": "It stands in the way of the policy.", "evidence": "Memorandum of April 3, 2025.",
}  # fmt: skip


def test_duty_is_kept_and_an_action_reviewed_to_its_end(person):
    desk = person(with_second_factor(officer()))
    duty = Duty.objects.get(directive__number="14320", clause="4(b)")
    desk.visit(reverse("program:desk-directives")).visit(reverse("program:desk-duty", args=[duty.pk]))
    desk.fill(state="fulfilled", evidence="Letters of appointment.", reason="They came in.")
    desk.send("Save")
    desk.says("The duty is kept, and the register shows it.")

    desk.visit(reverse("program:agency-action-new"))
    desk.fill(agency="Agency of Examples", title="Guidance on examples", effect="It told offices.")
    desk.send("Enter")
    desk.says("The action is entered.")
    desk.check()
    action = AgencyAction.objects.get()
    for step, button, more in (
        ("find_inconsistent", "Find inconsistent", {}),
        ("propose", "Record a proposed change", {"measure": "rescind"}),
        ("carry_out", "Record a change made", {"measure": "rescind"}),
    ):
        desk.visit(reverse("program:agency-action-step", args=[action.pk, step]))
        desk.fill(**DECISION, **more)
        desk.send(button)
        desk.says("The decision is on record")
    desk.visit(reverse("program:exemption-new", args=[action.pk]))
    desk.fill(
        text="Small offices keep none.", basis="5 U.S.C. 301", granted_by="The head", granted_on="2025-05-01"
    )
    desk.send("Enter")
    desk.says("The exemption is entered.")
    desk.visit(reverse("program:agency-action-edit", args=[action.pk]))
    desk.visit(reverse("program:exemption-end", args=[action.exemptions.get().pk]))
    desk.visit(reverse("program:agency-actions"))

    reader = person(None)
    reader.visit(reverse("program:directives"))
    reader.says("Letters of appointment.")
    reader.says("Holds until the change is final")
    action.refresh_from_db()
    assert (action.standing, action.steps.count()) == ("Rescinded", 3)

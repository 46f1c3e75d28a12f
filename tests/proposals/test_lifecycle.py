from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from program.clock_account import clock_account
from program.enums import OfficeRole
from program.transitions import WrongStatus, perform
from proposals.enums import ProposalStatus
from proposals.lifecycle import TRANSITIONS
from tests.factories.program import officer
from tests.factories.proposals import ProposalFactory, representative_of

pytestmark = pytest.mark.django_db

ACTORS = {
    "submit": representative_of,
    "resubmit": representative_of,
    "withdraw": representative_of,
    "lapse": lambda proposal: clock_account(),
    "reopen": lambda proposal: officer(),
    "return": lambda proposal: officer(),
    "accept": lambda proposal: officer(),
    "designate": lambda proposal: officer(OfficeRole.DECISION_OFFICIAL),
    "decline": lambda proposal: officer(OfficeRole.DECISION_OFFICIAL),
}


@pytest.mark.parametrize("status", ProposalStatus)
def test_transitions_are_barred_from_every_other_status(status):
    proposal = ProposalFactory(status=status)
    for transition in TRANSITIONS:
        if status not in transition.sources:
            # A right that depends on having been accepted is missing before: that bars it as well.
            with pytest.raises((WrongStatus, PermissionDenied)):
                perform(transition, proposal, by=ACTORS[transition.name](proposal))
    proposal.refresh_from_db()
    assert proposal.status == status


def test_life_is_what_the_design_says():
    ways = {
        (transition.name, source, transition.target)
        for transition in TRANSITIONS
        for source in transition.sources
    }
    assert ways == {
        ("submit", "draft", "submitted"),
        ("resubmit", "submitted", "submitted"),
        ("resubmit", "returned", "submitted"),
        ("resubmit", "under_evaluation", "submitted"),
        ("return", "submitted", "returned"),
        ("accept", "submitted", "under_evaluation"),
        ("designate", "under_evaluation", "designated"),
        ("decline", "under_evaluation", "not_selected"),
        ("lapse", "draft", "lapsed"),
        ("reopen", "lapsed", "draft"),
        ("withdraw", "draft", "withdrawn"),
        ("withdraw", "submitted", "withdrawn"),
        ("withdraw", "returned", "withdrawn"),
        ("withdraw", "under_evaluation", "withdrawn"),
    }

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from program.deadlines import next_business_day
from program.models import Notice
from program.services import calls
from proposals.enums import MembershipStatus, ProposalStatus
from tests.factories.program import UserFactory, issued_call, officer
from tests.factories.proposals import (
    MembershipFactory,
    ProposalFactory,
    TeamMemberFactory,
    representative_of,
)
from tests.proposals.test_tables import sign_in

pytestmark = pytest.mark.django_db

WORDS = {"summary": "A change.", "reason": "A reason."}
ACTS = {
    "call-amended": lambda call: calls.amend_call(call, by=officer(), text="New text.", **WORDS),
    "call-extended": lambda call: calls.extend_call(
        call,
        by=officer(),
        due_on=next_business_day(call.due_on + timedelta(days=1)),
        legal_basis="A basis.",
        **WORDS,
    ),
    "call-cancelled": lambda call: calls.cancel_call(call, by=officer(), reason="Withdrawn."),
}


@pytest.mark.parametrize("kind", ACTS)
def test_team_is_told_what_is_done_to_its_call_without_following_it(kind):
    draft = ProposalFactory()
    member = MembershipFactory(consortium=draft.consortium)
    invited = MembershipFactory(consortium=draft.consortium)
    team = {draft.created_by, TeamMemberFactory(membership=member).user}
    outside = {
        UserFactory(),
        TeamMemberFactory(membership=invited).user,
        ProposalFactory(call=issued_call()).created_by,
        ProposalFactory(call=draft.call, status=ProposalStatus.WITHDRAWN).created_by,
    }
    invited.status = MembershipStatus.INVITED
    invited.save()
    ACTS[kind](draft.call)
    told = {notice.recipient for notice in Notice.objects.filter(kind=kind)}
    assert team <= told and not outside & told


def test_pages_of_a_draft_say_that_its_call_was_cancelled_and_count_nothing_down(client):
    draft = ProposalFactory()
    sign_in(client, representative_of(draft))
    pages = [reverse(f"proposals:{name}", args=[draft.pk]) for name in ("detail", "review")]
    assert all("data-countdown" in client.get(page).content.decode() for page in pages)
    calls.cancel_call(draft.call, by=officer(), reason="Withdrawn.")
    for page in pages:
        text = client.get(page).content.decode()
        assert "data-countdown" not in text and "Each link leads to its field" not in text
        assert "The call was cancelled" in text and "Review, certify and submit" not in text

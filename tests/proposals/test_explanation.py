"""Each status and sub-case as the consortium reads it: what happens, who holds it, what moves it, when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from program.models import Call
from program.templatetags.portal import deadline_date
from proposals.enums import ProposalStatus as S
from proposals.explanation import COMMERCE, CONSORTIUM, NO_DATE, status_explained
from proposals.models import Proposal
from proposals.standing import OpenQuestion, Standing

CLOSES = datetime(2026, 12, 1, 5, tzinfo=UTC)
OPEN, OVER = CLOSES - timedelta(days=5), CLOSES + timedelta(days=1)


def explained(status, at, *, closes_at=CLOSES, cancelled_at=None, standing=None, **facts):
    call = Call(closes_at=closes_at, consultation_days=30, cancelled_at=cancelled_at)
    proposal = Proposal(status=status, call=call, **{"version_count": 1, **facts})
    return status_explained(proposal, at=at, standing=standing)


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("at", [OPEN, OVER])
def test_every_status_says_what_happens_who_holds_it_and_what_moves_it(status, at):
    found = explained(status, at, standing=Standing(consulted_until=OVER + timedelta(days=9)))
    assert all((found.happens, found.holder, found.moves))
    assert found.until is None or (found.until > at and found.until_words)


def test_step_without_a_date_says_so():
    assert explained(S.SUBMITTED, OVER).until_words == NO_DATE
    assert explained(S.SUBMITTED, OPEN).until == CLOSES
    assert explained(S.UNDER_EVALUATION, OPEN).until_words == NO_DATE
    late = explained(S.UNDER_EVALUATION, OVER, standing=Standing(consulted_until=OVER))
    assert late.until is None and late.until_words.endswith("No date is set for the determination.")


def test_time_of_the_agencies_is_a_limit_like_every_other():
    until = datetime(2026, 12, 29, 5, tzinfo=UTC)
    found = explained(S.UNDER_EVALUATION, OPEN, standing=Standing(consulted_until=until))
    assert found.is_limit and deadline_date(found.until) == "December 28, 2026"


def test_day_of_the_agencies_is_not_said_while_a_clock_is_paused_unless_an_answer_is_owed():
    asked = OpenQuestion(3, OVER, "/question-3")
    stands = Standing(consulted_until=OVER, is_clock_paused=True)
    found = explained(S.UNDER_EVALUATION, OPEN, standing=stands)
    assert (found.until, found.is_limit) == (None, False)
    assert found.until_words.startswith("The agencies' time to answer is paused.")
    owed = Standing(consulted_until=OVER, is_clock_paused=True, questions=[asked])
    found = explained(S.UNDER_EVALUATION, OPEN, standing=owed)
    assert (found.until, found.until_words) == (OVER, "Answer question 3 by")


def test_returned_proposal_is_the_consortiums_until_its_time_is_over():
    cure = CLOSES + timedelta(days=10)
    within = explained(S.RETURNED, OVER, cure_due_at=cure)
    assert (within.holder, within.until) == (CONSORTIUM, cure)
    after = explained(S.RETURNED, cure, cure_due_at=cure)
    assert (after.holder, after.until, after.until_words) == (COMMERCE, None, NO_DATE)
    assert "the anchor can ask for more time" in after.moves


def test_extended_call_moves_the_date_of_a_draft_and_of_a_returned_proposal():
    later = CLOSES + timedelta(days=20)
    assert explained(S.DRAFT, OVER, closes_at=later).until == later
    assert explained(S.RETURNED, OVER, closes_at=later, cure_due_at=CLOSES).until == later


def test_new_version_says_what_it_replaces():
    assert explained(S.SUBMITTED, OPEN).happens.startswith("The package was received")
    assert explained(S.SUBMITTED, OPEN, version_count=3).happens.startswith(
        "Version 3 was received and replaces version 2"
    )
    again = explained(S.SUBMITTED, OPEN, version_count=2, accepted_at=OPEN)
    assert "replaces the one that was being evaluated" in again.happens


def test_cancelled_call_takes_neither_the_draft_nor_its_correction():
    for status in (S.DRAFT, S.RETURNED):
        found = explained(status, OPEN, cancelled_at=OPEN, cure_due_at=CLOSES)
        assert found.happens.startswith("The call was cancelled")
        assert found.until is None


def test_what_was_withdrawn_may_be_begun_again_only_under_an_open_call():
    assert "under the same call" in explained(S.WITHDRAWN, OPEN).moves
    assert "a later call" in explained(S.WITHDRAWN, OVER).moves

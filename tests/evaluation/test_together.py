"""Sheets that come in at once, on a real database with transactions that wait for each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.transaction import TransactionManagementError

from evaluation import services
from evaluation.discussing import DISCUSS
from evaluation.models import (
    AgencyScore,
    Assignment,
    ClockEvent,
    CompletenessReview,
    Conflict,
    ConflictCase,
    Position,
    Referral,
    Review,
)
from evaluation.schedule import lapse_due_referrals
from evaluation.services.reviews import HELD
from program import clock
from program.clock_account import clock_account
from program.revisions import one_at_a_time
from program.transitions import NotReady
from proposals.models import Proposal, Recusal, Version
from tests.beside import act_while
from tests.evaluation.pages import press
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db(transaction=True)


def sheet_for(proposal, value):
    assignment = make.assigned(proposal, "STATE", person=make.reviewer("STATE"))
    return make.filled_review(assignment, value)


@pytest.fixture
def proposal():
    return make.accepted()


def submit_while(review, first):
    """Submit ``review`` on a connection of its own, begun after ``first`` and before it commits."""
    return act_while(
        lambda: services.submit_review(Review.objects.get(pk=review.pk), by=review.reviewer), first
    )


def test_of_two_sheets_that_come_in_at_once_both_count(proposal):
    one, two = sheet_for(proposal, 2), sheet_for(proposal, 4)
    submit_while(two, lambda: services.submit_review(one, by=one.reviewer))
    kept = AgencyScore.objects.filter(agency__code="STATE")
    assert {(row.sheet_count, row.mean, row.median, row.spread) for row in kept} == {(2, 3, 3, 2)}


def test_nothing_is_done_from_a_page_whose_version_is_replaced_at_that_moment(client):
    desk, proposal = officer(), make.at_intake()
    name = f"requirement-{proposal.call.requirements.first().pk}"
    typed = {"read-version": "1", name: "deficient", f"{name}-reason": "No hall."}

    answer = act_while(
        lambda: press(client, desk, "intake-return", proposal.number, **typed),
        lambda: make.new_version(proposal),
    )

    (problem,) = answer.context["problems"]
    assert (answer.status_code, problem.code) == (422, "version-replaced")
    proposal.refresh_from_db()
    assert (proposal.status, proposal.version_count) == ("submitted", 2)
    assert not CompletenessReview.objects.exists()


def test_sheet_is_checked_as_the_save_before_it_left_it(proposal):
    sheet = sheet_for(proposal, 4)
    score = sheet.scores.first()

    def clear():
        services.save_score(score, by=sheet.reviewer, values={"value": None}, revision=None)

    refusal = submit_while(sheet, clear)
    assert [problem.field for problem in refusal.problems] == [f"criterion-{score.criterion_id}-value"]


def test_screening_beside_a_confirmation_carries_it():
    desk = officer()
    check = make.flagged(at_intake := make.at_intake(), desk)
    make.reviewed(at_intake, desk)

    run = act_while(
        lambda: services.screen_version(Version.objects.get(pk=check.run.version_id), by=desk),
        lambda: services.adjudicate(check, by=desk, outcome="confirmed", reason="Same address."),
    )

    assert run.checks.all().confirmed().count() == 1
    with pytest.raises(NotReady, match="Dragonfly"):
        services.accept_proposal(at_intake, by=desk)


def test_of_two_who_decide_on_a_finding_at_once_the_second_is_told_of_the_first():
    desk, second = officer(), officer()
    run = make.screened(make.at_intake(), desk)
    check = run.compliance_checks.filter(kind="parents").flagged().get()

    def decide(person, outcome):
        return services.weigh(check, by=person, outcome=outcome, reason="So.", seen=0)

    refusal = act_while(lambda: decide(second, "stands"), lambda: decide(desk, "set_aside"))

    assert codes(refusal) == ["decided-meanwhile"]
    assert check.decisions.get().decided_by == desk


def test_position_that_began_in_time_is_filed_though_it_waited_beyond_the_bound(proposal):
    clock_account()
    referral, lead = make.referral_of(proposal), make.lead("STATE")
    due = []

    def hold_until_due():
        Proposal.objects.select_for_update().get(pk=proposal.pk)
        due.append(clock.instant() + timedelta(seconds=1.4))
        Referral.objects.filter(pk=referral.pk).update(due_at=due[0])

    def tick():
        assert clock.instant() > due[0]
        assert lapse_due_referrals() == 0

    filed = act_while(
        lambda: services.file_position(referral, by=lead, stance="support", rationale="Yes."),
        hold_until_due,
        tick,
    )

    assert isinstance(filed, Position), filed
    assert filed.signed_at < due[0]
    assert make.referral_of(proposal).status == "answered"


def test_reviewer_who_declares_a_conflict_beside_an_officers_recusal_waits_and_locks_nothing(proposal):
    assignment, desk = make.assigned(proposal, declared=False), officer()

    answer = act_while(
        lambda: services.declare_conflict(
            Assignment.objects.get(pk=assignment.pk),
            by=assignment.reviewer,
            has_conflict=True,
            text="A cousin.",
        ),
        lambda: Proposal.objects.select_for_update().get(pk=proposal.pk),
        lambda: services.recuse(proposal, person=assignment.reviewer, by=desk, reason="A cousin."),
    )

    assert isinstance(answer, PermissionDenied)
    assert Recusal.objects.get().recused_by == desk
    assignment.refresh_from_db()
    assert (assignment.status, Conflict.objects.count()) == ("ended", 0)


def test_asking_the_ethics_official_waits_for_what_is_being_said_in_the_discussion(proposal):
    assignment, lead = make.assigned(proposal), make.lead("STATE")

    case = act_while(
        lambda: services.ask_ethics_official(
            proposal, person=assignment.reviewer, agency=assignment.agency, by=lead, text="A hint."
        ),
        lambda: one_at_a_time(DISCUSS, proposal.pk),
    )

    assert isinstance(case, ConflictCase), case


# The clock of a consultation


def paused(proposal, by, **facts):
    facts = {"reason": "offices_closed", "note": "A storm."} | facts
    referrals = [make.referral_of(proposal)]
    return services.pause_clocks(Proposal.objects.get(pk=proposal.pk), by=by, referrals=referrals, **facts)


def codes(refusal):
    return [problem.code for problem in refusal.problems]


def test_of_two_who_pause_a_clock_at_once_one_does(proposal):
    one, two = officer(), officer()
    refusal = act_while(lambda: paused(proposal, two), lambda: paused(proposal, one))
    assert codes(refusal) == ["paused"]
    assert ClockEvent.objects.get().by == one


def test_of_two_who_let_a_clock_go_on_at_once_one_moves_its_last_day(proposal):
    one, two = officer(), officer()
    paused(proposal, one)
    referral = make.referral_of(proposal)
    refusal = act_while(
        lambda: services.resume_referral(make.referral_of(proposal), by=two),
        lambda: services.resume_referral(referral, by=one),
    )
    assert codes(refusal) == ["runs"]
    assert ClockEvent.objects.filter(act="resumed").count() == 1


def test_lapse_that_waited_for_a_pause_ends_nothing(proposal):
    account, desk = clock_account(), officer()
    Referral.objects.update(due_at=clock.now() + timedelta(seconds=20))
    referral = make.referral_of(proposal)
    refusal = act_while(lambda: services.lapse_referral(referral, by=account), lambda: paused(proposal, desk))
    assert codes(refusal) == ["paused"]
    assert make.referral_of(proposal).status == "open"


def test_pause_that_waited_for_the_lapse_is_refused_although_it_began_in_time(proposal):
    account, desk = clock_account(), officer()
    Referral.objects.update(due_at=clock.instant() - timedelta(seconds=1))
    refusal = act_while(
        lambda: paused(proposal, desk),
        lambda: (
            Proposal.objects.select_for_update().get(pk=proposal.pk),
            services.lapse_referral(make.referral_of(proposal), by=account),
        ),
    )
    assert codes(refusal) == ["over"]


def test_answer_beside_a_pause_that_waits_for_it_leaves_no_clock_standing(proposal):
    desk, person = officer(), representative_of(proposal)
    request = make.asked(proposal, desk)
    refusal = act_while(
        lambda: paused(proposal, desk, reason="information_requested", note="", question=request),
        lambda: services.answer_question(request, by=person, answer="The anchor."),
    )
    assert codes(refusal) == ["question"]
    done = make.asked(proposal, desk)
    act_while(
        lambda: services.answer_question(done, by=person, answer="The anchor."),
        lambda: paused(proposal, desk, reason="information_requested", note="", question=done),
    )
    assert make.referral_of(proposal).paused_at is None
    assert ClockEvent.objects.standing().count() == 0


def test_position_that_waited_for_a_pause_ends_it(proposal):
    desk, lead = officer(), make.lead("STATE")
    act_while(
        lambda: services.file_position(
            make.referral_of(proposal), by=lead, stance="support", rationale="It serves."
        ),
        lambda: paused(proposal, desk),
    )
    referral = make.referral_of(proposal)
    assert (referral.status, referral.paused_at) == ("answered", None)


def test_a_sheet_is_held_within_a_transaction_only():
    review = make.filled_review(make.assigned(make.accepted()))
    for _ in range(2):
        with pytest.raises(TransactionManagementError):
            HELD.read(review.pk)
        with transaction.atomic():
            assert HELD.read(review.pk) == review

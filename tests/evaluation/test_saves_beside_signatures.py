"""A row saved while its record is signed or handed in, on transactions that wait for each other."""

from __future__ import annotations

import json

import pytest

from evaluation import services
from evaluation.models import AgencyScore, Determination, Finding, Review, Score
from program.transitions import NotReady, WrongStatus
from tests.beside import act_while
from tests.factories import evaluation as make
from tests.factories.program import CriterionFactory, officer

pytestmark = pytest.mark.django_db(transaction=True)


def test_finding_saved_beside_the_signature_is_not_lost_from_the_packet():
    desk, chief = officer(), make.decision_official()
    determination = make.ready_to_sign(by=desk)
    finding = Finding.objects.filter(determination=determination).first()

    refusal = act_while(
        lambda: services.save_finding(
            Finding.objects.get(pk=finding.pk), by=desk, values={"text": "Other words."}, revision=None
        ),
        lambda: services.sign_determination(determination, by=chief),
    )

    assert isinstance(refusal, WrongStatus)
    finding.refresh_from_db()
    determination.refresh_from_db()
    assert finding.text == "Shown in the package."
    assert "Other words." not in json.dumps(json.loads(determination.packet))


def test_score_saved_beside_the_submission_is_refused_and_the_kept_mean_is_of_the_sheet():
    proposal = make.accepted()
    CriterionFactory(call=proposal.call)
    assignment = make.assigned(proposal)
    review = make.filled_review(assignment, value=4)
    score = review.scores.first()

    refusal = act_while(
        lambda: services.save_score(
            Score.objects.get(pk=score.pk), by=assignment.reviewer, values={"value": 1}, revision=None
        ),
        lambda: services.submit_review(review, by=assignment.reviewer),
    )

    assert isinstance(refusal, WrongStatus)
    score.refresh_from_db()
    assert score.value == AgencyScore.objects.get(criterion=score.criterion_id).mean == 4


def sheet_and_draft():
    """A sheet that lacks nothing, on a proposal whose determination lacks nothing but the signature."""
    proposal = make.accepted()
    CriterionFactory(call=proposal.call)
    return make.filled_review(make.assigned(proposal)), make.ready_to_sign(proposal)


def hand_in(review):
    return services.submit_review(Review.objects.get(pk=review.pk), by=review.reviewer)


def test_sheet_handed_in_beside_the_signature_is_refused_and_the_packet_says_what_is_counted():
    review, determination = sheet_and_draft()
    chief = make.decision_official()

    refusal = act_while(lambda: hand_in(review), lambda: services.sign_determination(determination, by=chief))

    assert isinstance(refusal, NotReady)
    assert [problem.code for problem in refusal.problems] == ["decided-on"]
    assert not AgencyScore.objects.exists()
    assert json.loads(Determination.objects.get().packet)["scores"] == []


def test_signature_beside_a_sheet_that_comes_in_is_refused():
    review, determination = sheet_and_draft()
    chief = make.decision_official()

    refusal = act_while(
        lambda: services.sign_determination(Determination.objects.get(pk=determination.pk), by=chief),
        lambda: hand_in(review),
    )

    assert isinstance(refusal, NotReady)
    assert [problem.code for problem in refusal.problems] == ["clearance-overtaken"]


def test_sheet_given_back_beside_the_signature_is_refused():
    proposal, lead = make.accepted(), make.lead()
    review = make.filled_review(make.assigned(proposal))
    hand_in(review)
    determination, chief = make.ready_to_sign(proposal), make.decision_official()

    refusal = act_while(
        lambda: services.reopen_review(Review.objects.get(pk=review.pk), by=lead, note="Look again."),
        lambda: services.sign_determination(determination, by=chief),
    )

    assert isinstance(refusal, NotReady)
    assert [problem.code for problem in refusal.problems] == ["decided-on"]

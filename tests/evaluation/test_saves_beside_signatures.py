"""A row saved while its record is signed or handed in, on transactions that wait for each other."""

from __future__ import annotations

import json

import pytest

from evaluation import services
from evaluation.models import AgencyScore, Finding, Score
from program.transitions import WrongStatus
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

"""Sheets that come in at once, on a real database with transactions that wait for each other."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from evaluation import services
from evaluation.models import AgencyScore, Review
from program.transitions import NotReady
from tests.factories import evaluation as make

pytestmark = pytest.mark.django_db(transaction=True)


def sheet_for(proposal, value):
    assignment = make.assigned(proposal, "STATE", person=make.reviewer("STATE"))
    return make.filled_review(assignment, value)


@pytest.fixture
def proposal():
    return make.accepted()


def submit_while(review, first):
    """Submit ``review`` on a connection of its own, begun after ``first`` and before it commits."""
    outcome = []

    def submit():
        try:
            outcome.append(services.submit_review(Review.objects.get(pk=review.pk), by=review.reviewer))
        except NotReady as refusal:
            outcome.append(refusal)
        finally:
            connection.close()

    thread = threading.Thread(target=submit)
    with transaction.atomic():
        first()
        thread.start()
        thread.join(1.5)
        assert not outcome, "It did not wait."
    thread.join(20)
    return outcome[0]


def test_of_two_sheets_that_come_in_at_once_both_count(proposal):
    one, two = sheet_for(proposal, 2), sheet_for(proposal, 4)
    submit_while(two, lambda: services.submit_review(one, by=one.reviewer))
    kept = AgencyScore.objects.filter(agency__code="STATE")
    assert {(row.sheet_count, row.mean, row.median, row.spread) for row in kept} == {(2, 3, 3, 2)}


def test_sheet_is_checked_as_the_save_before_it_left_it(proposal):
    sheet = sheet_for(proposal, 4)
    score = sheet.scores.first()

    def clear():
        services.save_score(score, by=sheet.reviewer, values={"value": None}, revision=None)

    refusal = submit_while(sheet, clear)
    assert [problem.field for problem in refusal.problems] == [f"criterion-{score.criterion_id}-value"]

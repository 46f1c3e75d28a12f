"""A review at the desk shows by when it is of use: until the position of its agency is due."""

from __future__ import annotations

from datetime import timedelta

import pytest

from evaluation.models import Referral
from program.models import User
from program.waiting import desk_tasks
from tests.evaluation.test_pages import page
from tests.factories import evaluation as make
from tests.statements import statements

pytestmark = pytest.mark.django_db


def sheets(person):
    tasks = desk_tasks(User.objects.get(pk=person.pk))
    return [(task.what, task.due_at, task.instead) for task in tasks if task.what.startswith("Review ")]


def test_a_review_shows_when_the_position_of_its_agency_is_due(client):
    proposal, person = make.accepted(), make.reviewer()
    make.assigned(proposal, person=person)
    referral = make.referral_of(proposal)
    assert sheets(person) == [(f"Review {proposal.number}", referral.due_at, "")]
    desk = page(client, person, "desk").text
    assert "No date" not in desk and f'datetime="{referral.due_at.isoformat()[:10]}' in desk


def test_what_is_due_first_stands_first_and_costs_the_same_for_many():
    person, costs = make.reviewer(), []
    proposals = [make.accepted() for _ in range(3)]
    for number, proposal in enumerate(proposals):
        make.assigned(proposal, person=person)
        referral = make.referral_of(proposal)
        sooner = referral.due_at - timedelta(days=number)
        Referral.objects.filter(pk=referral.pk).update(due_at=sooner)
        with statements() as sent:
            found = sheets(person)
        costs.append(len(sent))
    assert [what for what, *_ in found] == [f"Review {one.number}" for one in reversed(proposals)]
    assert len(set(costs)) == 1


def test_a_clock_that_stands_says_so_and_a_filed_position_asks_for_no_day():
    proposal, person = make.accepted(), make.reviewer()
    make.assigned(proposal, person=person)
    referral = make.referral_of(proposal)
    Referral.objects.filter(pk=referral.pk).update(paused_at=referral.created_at)
    assert sheets(person) == [(f"Review {proposal.number}", None, "Clock paused")]
    Referral.objects.filter(pk=referral.pk).update(paused_at=None)
    make.filed(proposal, "STATE")
    assert sheets(person) == [(f"Review {proposal.number}", None, "")]

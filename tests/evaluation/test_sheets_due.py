"""A review at the desk shows by when it is of use: until the position of its agency is due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import schedule, services
from evaluation.models import Referral
from program import clock
from program.models import User
from program.transitions import NotReady
from program.waiting import desk_tasks
from tests.evaluation.test_pages import page
from tests.factories import evaluation as make
from tests.factories.program import officer
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


def beginning(client, assignment):
    return page(client, assignment.reviewer, "assignment", assignment.pk)


def test_a_new_version_is_reviewed_once_intake_has_accepted_it(client):
    proposal, person, desk = make.accepted(), make.reviewer(), officer()
    assignment = make.assigned(proposal, person=person)
    sheet = make.filled_review(assignment)
    make.resubmitted(proposal)
    proposal.refresh_from_db()

    assert sheets(person) == []
    shown = beginning(client, assignment)
    assert "Version 2 waits at intake" in shown.text and "Begin the review" not in shown.text
    assert reverse("evaluation:review", args=[sheet.pk]) in shown.text  # what was written is kept
    stale = page(client, person, "review", sheet.pk).text
    assert "Version 2 waits at intake" in stale and "Open the sheet for version 2" not in stale
    refused = client.post(reverse("evaluation:review-begin", args=[assignment.pk]))
    assert refused.status_code == 422 and "Version 2 waits at intake" in refused.text
    assert not assignment.reviews.filter(version__number=2).exists()

    make.accept(proposal, desk)
    assert [what for what, *_ in sheets(person)] == [f"Review {proposal.number}"]
    client.post(reverse("evaluation:review-begin", args=[assignment.pk]))
    assert assignment.reviews.get(version__number=2).rationale == "It works and helps an ally."


def test_who_is_assigned_at_intake_declares_there_and_begins_after_acceptance(client):
    proposal, person, desk = make.at_intake(), make.reviewer(), officer()
    assignment = make.assigned(proposal, person=person, declared=False)
    assert sheets_or_declarations(person) == [
        (f"Declare before you review {proposal.number}", None, "Waits at intake")
    ]
    assert "Before you read" in beginning(client, assignment).text
    address = reverse("evaluation:conflict-declare", args=[assignment.pk])
    answer = client.post(address, {"has_conflict": "no"}, follow=True)
    assert answer.status_code == 200 and "Version 1 waits at intake" in answer.text, answer.text[:2000]
    assert sheets_or_declarations(person) == [] and not assignment.reviews.exists()

    make.accept(proposal, desk)
    assert [what for what, *_ in sheets(person)] == [f"Review {proposal.number}"]


def sheets_or_declarations(person):
    tasks = desk_tasks(User.objects.get(pk=person.pk))
    return [(task.what, task.due_at, task.instead) for task in tasks if "review" in task.what.lower()]


def test_a_lapsed_consultation_asks_for_no_review_until_it_is_opened_again(client):
    person, desk = make.reviewer(), officer()
    ended, goes_on = make.accepted(), make.accepted()
    assignment, other = (make.assigned(each, person=person) for each in (ended, goes_on))
    begun = make.filled_review(other)
    referral = make.referral_of(ended)
    assert f'Next in your queue: <a href="{reverse("evaluation:assignment", args=[assignment.pk])}' in (
        page(client, person, "review", begun.pk).text
    )
    Referral.objects.filter(pk=referral.pk).update(due_at=clock.now() - timedelta(minutes=1))
    schedule.lapse_due_referrals()

    assert [what for what, *_ in sheets(person)] == [f"Review {goes_on.number}"]
    assert "Next in your queue" not in page(client, person, "review", begun.pk).text
    shown = beginning(client, assignment).text
    assert f"The time for a position of {referral.agency} ended on" in shown
    assert "Begin the review" not in shown
    with pytest.raises(NotReady, match="opens it again"):
        services.open_review(assignment, by=person)

    referral.refresh_from_db()
    services.reopen_referral(
        referral, by=desk, reason="The lead was away.", due_on=clock.today() + timedelta(days=12)
    )
    assert len(sheets(person)) == 2
    assert "Begin the review" in beginning(client, assignment).text


def test_a_sheet_begun_before_the_consultation_lapsed_says_so_and_keeps_its_text(client):
    proposal, person = make.accepted(), make.reviewer()
    sheet = make.filled_review(make.assigned(proposal, person=person))
    assert "not asked for now" not in page(client, person, "review", sheet.pk).text
    referral = make.referral_of(proposal)
    Referral.objects.filter(pk=referral.pk).update(due_at=clock.now() - timedelta(minutes=1))
    schedule.lapse_due_referrals()
    shown = page(client, person, "review", sheet.pk).text
    assert "not asked for now" in shown and "It works and helps an ally." in shown
    assert services.open_review(sheet.assignment, by=person) == sheet

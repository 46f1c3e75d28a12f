"""A review at the desk shows by when it is of use: until the position of its agency is due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import schedule, services
from evaluation.models import AgencyScore, Referral, Review
from program import clock
from program.models import User
from program.transitions import NotReady
from program.waiting import desk_tasks
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of
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


def test_a_clock_that_stands_says_so_and_once_the_position_is_filed_no_sheet_is_asked_for():
    proposal, person = make.accepted(), make.reviewer()
    make.assigned(proposal, person=person)
    referral = make.referral_of(proposal)
    Referral.objects.filter(pk=referral.pk).update(paused_at=referral.created_at)
    assert sheets(person) == [(f"Review {proposal.number}", None, "Clock paused")]
    Referral.objects.filter(pk=referral.pk).update(paused_at=None)
    make.filed(proposal, "STATE")
    assert sheets(person) == []


def test_a_sheet_that_nobody_waits_for_says_so_and_comes_in_all_the_same(client):
    proposal = make.accepted()
    review = make.filled_review(make.assigned(proposal))
    words = "Your agency has filed its position"
    assert words not in page(client, review.reviewer, "review", review.pk).text
    make.filed(proposal, "STATE")
    shown = page(client, review.reviewer, "review", review.pk).text
    assert words in shown and "Submit the review" in shown
    services.submit_review(review, by=review.reviewer)
    assert Review.objects.get(pk=review.pk).status == "submitted"
    assert words not in page(client, review.reviewer, "review", review.pk).text


def given_back(proposal, person):
    """A sheet that came in, and that the lead gave back once the position was filed."""
    sheet = make.filled_review(make.assigned(proposal, person=person))
    services.submit_review(sheet, by=person)
    make.filed(proposal, "STATE")
    services.reopen_review(sheet, by=make.lead(), note="Name the wards.")
    return sheet


def test_a_sheet_that_is_given_back_after_the_position_is_asked_for_until_it_is_in_again(client):
    person, proposal = make.reviewer(), make.accepted()
    other = make.filled_review(make.assigned(make.accepted(), person=person))
    sheet = given_back(proposal, person)
    task = (f"Review {proposal.number}", None, "Given back to you")
    assert sheets(person)[1:] == [task]
    assert "Given back to you" in page(client, person, "desk").text
    next_one = f'Next in your queue: <a href="{reverse("evaluation:assignment", args=[sheet.assignment_id])}'
    assert next_one in page(client, person, "review", other.pk).text
    shown = page(client, person, "review", sheet.pk).text
    assert "Name the wards." in shown and "Your lead waits for this sheet" in shown
    assert "Your agency has filed its position" in shown and "Nobody waits" not in shown
    services.submit_review(sheet, by=person)
    assert task not in sheets(person)
    assert next_one not in page(client, person, "review", other.pk).text


def test_a_sheet_that_is_given_back_while_the_position_is_awaited_is_due_with_it():
    proposal, person = make.accepted(), make.reviewer()
    sheet = make.filled_review(make.assigned(proposal, person=person))
    services.submit_review(sheet, by=person)
    services.reopen_review(sheet, by=make.lead(), note="Name the wards.")
    assert sheets(person) == [
        (f"Review {proposal.number}", make.referral_of(proposal).due_at, "Given back to you")
    ]


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


def lapsed(proposal):
    Referral.objects.filter(pk=make.referral_of(proposal).pk).update(
        due_at=clock.now() - timedelta(minutes=1)
    )
    schedule.lapse_due_referrals()


def signed(proposal):
    make.signed(make.ready_to_sign(proposal))


def designated(proposal):
    by = make.decision_official()
    services.announce_determination(make.signed(make.ready_to_sign(proposal), by=by), by=by)


def declined(proposal):
    by = make.decision_official()
    services.announce_determination(make.signed(make.ready_to_sign(proposal, "not_select"), by=by), by=by)


def withdrawn(proposal):
    withdraw_proposal(proposal, by=representative_of(proposal), note="A member left.")


CLOSED = [(lapsed, "over"), (signed, "decided-on"), (designated, "evaluated"), (declined, "evaluated"),
          (withdrawn, "evaluated")]  # fmt: skip


@pytest.mark.parametrize(("close", "code"), CLOSED, ids=lambda value: getattr(value, "__name__", None))
def test_no_sheet_comes_in_or_is_given_back_once_none_is_asked_for(client, close, code):
    proposal, lead = make.accepted(), make.lead()
    given, begun = (make.filled_review(make.assigned(proposal)) for _ in range(2))
    services.submit_review(given, by=given.reviewer)
    assert "Give back for changes" in page(client, lead, "review", given.pk).text
    assert "Submit the review" in page(client, begun.reviewer, "review", begun.pk).text
    close(proposal)
    counted = list(AgencyScore.objects.order_by("pk").values())

    for act in (
        lambda: services.submit_review(Review.objects.get(pk=begun.pk), by=begun.reviewer),
        lambda: services.reopen_review(Review.objects.get(pk=given.pk), by=lead, note="Look again."),
    ):
        with pytest.raises(NotReady) as refusal:
            act()
        assert [problem.code for problem in refusal.value.problems] == [code]

    assert list(AgencyScore.objects.order_by("pk").values()) == counted
    assert "Give back for changes" not in page(client, lead, "review", given.pk).text
    shown = page(client, begun.reviewer, "review", begun.pk).text
    assert "Submit the review" not in shown and "It works and helps an ally." in shown
    refused = client.post(reverse("evaluation:review-submit", args=[begun.pk]))
    assert refused.status_code == 422 and "It works and helps an ally." in refused.text


@pytest.mark.parametrize("close", [signed, designated, declined, withdrawn])
def test_a_sheet_that_was_given_back_is_no_task_once_none_is_asked_for(close):
    proposal, person = make.accepted(), make.reviewer()
    given_back(proposal, person)
    assert len(sheets(person)) == 1
    close(proposal)
    assert sheets(person) == []


def test_a_sheet_that_was_given_back_on_a_version_before_is_no_task():
    proposal, person = make.accepted(), make.reviewer()
    given_back(proposal, person)
    make.resubmitted(proposal)
    assert sheets(person) == []
    make.accept(proposal, officer())
    assert [instead for *_, instead in sheets(person)] == [""]


def test_what_is_typed_on_a_closed_sheet_is_kept_and_says_so(client):
    proposal, person = make.accepted(), make.reviewer()
    sheet = make.filled_review(make.assigned(proposal, person=person))
    lapsed(proposal)
    page(client, person, "review", sheet.pk)
    typed = {"rationale": "Typed late.", "recommendation": "support", "revision": str(sheet.revision)}
    answer = client.post(
        reverse("evaluation:review-save", args=[sheet.pk]), typed, headers={"X-Autosave": "1"}
    ).json()
    assert answer["saved_at"] and answer["notice"].keys() == {"words"}
    assert "ended on" in answer["notice"]["words"] and "is kept" in answer["notice"]["words"]
    services.reopen_referral(
        make.referral_of(proposal), by=officer(), reason="Illness.", due_on=clock.today() + timedelta(days=9)
    )
    sheet.refresh_from_db()
    assert sheet.rationale == "Typed late."
    assert "Submit the review" in page(client, person, "review", sheet.pk).text
    assert client.post(reverse("evaluation:review-submit", args=[sheet.pk])).status_code == 302


def test_a_signature_that_is_recalled_lets_sheets_come_in_again(client):
    proposal, person, chief = make.accepted(), make.reviewer(), make.decision_official()
    assignment = make.assigned(proposal, person=person)
    determination = make.signed(make.ready_to_sign(proposal), by=chief)
    assert sheets(person) == [] and "Begin the review" not in beginning(client, assignment).text
    assert "closed while it is decided on" in beginning(client, assignment).text
    services.recall_determination(determination, by=chief, reason="A sheet is missing.")
    assert "Begin the review" in beginning(client, assignment).text
    services.submit_review(make.filled_review(assignment), by=person)


def test_a_signature_on_the_version_before_closes_no_sheet_of_the_new_one():
    proposal, person = make.accepted(), make.reviewer()
    assignment = make.assigned(proposal, person=person)
    signed(proposal)
    make.resubmitted(proposal)
    make.accept(proposal, officer())
    services.submit_review(make.filled_review(assignment), by=person)
    assert Review.objects.get().version.number == 2


def test_a_sheet_on_a_replaced_version_is_not_given_back(client):
    proposal, lead = make.accepted(), make.lead()
    given = make.filled_review(make.assigned(proposal))
    services.submit_review(given, by=given.reviewer)
    make.resubmitted(proposal)
    make.accept(proposal, officer())
    with pytest.raises(NotReady, match="replaced by version 2"):
        services.reopen_review(Review.objects.get(pk=given.pk), by=lead, note="Look again.")
    assert "Give back for changes" not in page(client, lead, "review", given.pk).text

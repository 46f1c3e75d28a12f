"""The desk: the queue, the tasks of each office, and who is kept out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.models import Assignment, ComplianceCheck
from program import clock
from program.deadlines import end_of_day
from program.enums import OfficeRole
from program.grants import grant
from program.models import Agency, User
from program.services.calls import approve_call, reopen_call, send_back_call, update_call
from proposals.models import Proposal, Recusal
from tests.evaluation.pages import page, sign_in
from tests.factories import evaluation as make
from tests.factories.program import OfficeFactory, RequirementFactory, approved_call, drafted_call, officer
from tests.factories.proposals import ProposalFactory, representative_of

pytestmark = pytest.mark.django_db


def test_where_all_consultations_agree_the_queue_of_a_telephone_shows_one_line(client):
    desk = officer()
    agreed, differing = make.accepted(desk), make.accepted(desk)
    make.filed(differing, "STATE")
    shown = page(client, desk, "desk").text
    queue = shown[shown.index('id="queue"') :].split("<tr>")
    rows = {each: next(row for row in queue if f">{each.number}</a>" in row) for each in (agreed, differing)}
    assert rows[agreed].count("site-only-wide") == len(make.EVALUATING)
    assert rows[agreed].count("site-only-narrow") == 1 and "Every agency" in rows[agreed]
    assert "site-only-" not in rows[differing]
    assert f'data-label="{make.referral_of(differing).agency}"' in rows[differing]
    assert "?status=submitted#queue" in shown and "?status=decided#queue" in shown


def test_second_officer_is_told_of_a_draft_that_waits_for_approval(client):
    drafter, other = officer(), officer()
    call = drafted_call(by=drafter)
    assert f"Approve the draft of call {call.number}" in page(client, other, "desk").text
    assert "Approve the draft" not in page(client, drafter, "desk").text


@pytest.mark.parametrize("act", [send_back_call, reopen_call])
def test_draft_that_was_sent_back_waits_for_those_who_wrote_it_with_the_reason(client, act):
    drafter, writer, second = officer(), officer(), officer()
    call = drafted_call(by=drafter)
    update_call(call, by=writer, revision=call.revision, changes={"cure_days": 14})
    if act is reopen_call:
        approve_call(call, by=second)
    act(call, by=second, note="Say what a market is.")
    task = f"Revise the draft that was sent back of call {call.number}"
    for person in (drafter, writer):
        assert page(client, person, "desk").text.count(task) == 1
    assert task not in page(client, second, "desk").text
    sign_in(client, drafter)
    address = reverse("program:desk-call", args=[call.number])
    shown = client.get(address).text
    assert "This draft was sent back" in shown and "Say what a market is." in shown
    update_call(call, by=drafter, revision=call.revision, changes={"cure_days": 15})
    assert task not in page(client, drafter, "desk").text
    assert "This draft was sent back" not in client.get(address).text


def test_approved_call_waits_for_whoever_issues_it(client):
    call = approved_call()
    assert f"Issue call {call.number}" in page(client, officer(), "desk").text


def test_reviews_are_in_only_when_none_is_out(client):
    desk, proposal = officer(), make.accepted()
    assert "eviews" not in page(client, desk, "desk").context["lines"][0]["reviews"]
    first, _ = make.assigned(proposal, by=desk), make.assigned(proposal, "DOE", by=desk)
    services.submit_review(make.filled_review(first), by=first.reviewer)
    assert "1 of 2 reviews in" in page(client, desk, "desk").text
    last = Assignment.objects.get(agency__code="DOE")
    services.submit_review(make.filled_review(last), by=last.reviewer)
    assert "Reviews are in" in page(client, desk, "desk").text


def test_a_deferral_whose_day_has_come_is_a_task_of_the_office_until_it_is_gone_on_with(client):
    desk, chief = officer(), make.decision_official()
    determination = make.signed(outcome="defer", by=chief)
    services.announce_determination(determination, by=chief)
    proposal = determination.proposal
    name = f"Go on with the decision on {proposal.number}, deferred until this day"

    def tasks(person):
        return [task.what for task in page(client, person, "desk").context["tasks"]]

    assert name not in tasks(desk)
    with clock.moved_to(end_of_day(determination.defer_until - timedelta(days=1))):
        assert name in tasks(desk)
        assert name not in tasks(make.lead("STATE"))
        draft = services.prepare_determination(proposal, by=desk)
        assert name not in tasks(desk)
    assert draft.status == "draft"


def test_other_offices_and_strangers_are_kept_out(client):
    proposal, stranger = make.accepted(), ProposalFactory().created_by
    outsider = make.reviewer("DOE")
    for person, wanted in ((stranger, 403), (outsider, 404)):
        assert page(client, person, "proposal", proposal.number).status_code == wanted
    assert page(client, stranger, "questions", proposal.pk).status_code == 404
    assert page(client, stranger, "desk").status_code == 403
    assert page(client, outsider, "intake").status_code == 403
    client.logout()
    assert client.get(reverse("evaluation:desk")).status_code == 302


def test_government_reads_the_submitted_title_only(client, warm):
    proposal = make.at_intake()
    proposal.refresh_from_db()
    submitted = proposal.submitted_title
    assert submitted == "Full AI stack for district hospitals"
    Proposal.objects.filter(pk=proposal.pk).update(title="Secret new market")
    desk, team = officer(), representative_of(proposal)
    for name, args in (("desk", []), ("intake", []), ("intake-proposal", [proposal.number]),
                       ("proposal", [proposal.number]), ("questions", [proposal.pk])):  # fmt: skip
        text = page(client, desk, name, *args).content.decode()
        assert "Secret new market" not in text, name
        assert submitted in text or name == "proposal", name
    for person, title in ((desk, submitted), (team, "Secret new market")):
        sign_in(client, person)
        listed = client.get("/api/v1/proposals/").json()["results"]
        detail = client.get(f"/api/v1/proposals/{proposal.pk}/").json()
        assert ([row["title"] for row in listed], detail["title"]) == ([title], title)


def test_desk_shows_when_a_returned_proposal_is_due(client):
    proposal, desk = make.at_intake(), officer()
    item = RequirementFactory(call=proposal.call)
    services.review_completeness(
        make.version_of(proposal), item, by=desk, finding="deficient", reason="Unsigned."
    )
    services.return_proposal(proposal, by=desk)
    (line,) = page(client, desk, "desk").context["lines"]
    assert line["next_due"] == proposal.cure_due_at


def test_officer_sees_open_matches_and_questions_among_the_tasks(client):
    desk = officer()
    assert not page(client, desk, "desk").context["tasks"]
    make.flagged(make.at_intake(), desk)
    tasks = {task.what: task.url for task in page(client, desk, "desk").context["tasks"]}
    assert tasks["1 match of a party to settle"] == reverse("evaluation:screening")


def test_what_waits_for_officers_is_asked_of_the_one_who_asks(client):
    proposal, reading = make.at_intake(), officer()
    make.flagged(proposal, reading)
    leading, recused, inside = officer(), officer(), officer()
    OfficeFactory(user=leading, role=OfficeRole.LEAD, agency=Agency.objects.get(code="STATE"))
    Recusal.objects.create(
        proposal=proposal, user=recused, reason="Kin.", recused_by=recused, recused_at=clock.instant()
    )
    grant("proposals.view_proposal", on=proposal, to=inside, by=representative_of(proposal))
    flags = ComplianceCheck.objects.of_last_versions().open().count()
    waiting = {
        "1 match of a party to settle", f"{flags} compliance flags to decide", f"Take {proposal.number} in",
    }  # fmt: skip

    def told(person):
        return {task.what for task in page(client, person, "desk").context["tasks"]}

    for person, seen in ((reading, waiting), (leading, waiting), (recused, set()), (inside, set())):
        assert told(User.objects.get(pk=person.pk)) == seen
    assert told(reading) == waiting

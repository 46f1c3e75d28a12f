"""What is late is found, told with its reason and put first, for everybody by what they may read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation.lateness import late
from evaluation.models import InformationRequest, Referral
from program import clock
from program.enums import OfficeRole
from proposals.models import Proposal
from tests.evaluation.test_pages import page, sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import RecusalFactory
from tests.statements import statements

pytestmark = pytest.mark.django_db


def due(proposal, agency, days, **facts):
    """The consultation of an agency ends so many days from now; before today where they are fewer than 0."""
    Referral.objects.filter(version__proposal=proposal, agency__code=agency).update(
        due_at=clock.now() + timedelta(days=days), **facts
    )


def lapsed(proposal, agency, days=-5):
    due(proposal, agency, days, status="lapsed", lapsed_at=clock.now())


def overdue_question(proposal, days=-2):
    question = make.asked(proposal)
    InformationRequest.objects.filter(pk=question.pk).update(due_at=clock.now() + timedelta(days=days))
    return question


def returned(proposal, days):
    Proposal.objects.filter(pk=proposal.pk).update(
        status="returned", cure_due_at=clock.now() + timedelta(days=days)
    )


def late_for(user):
    return set(Proposal.objects.filter(late(user, clock.now())))


def lines(client, person, **query):
    """What the queue says of each; the number of what is late is that of its list."""
    shown = page(client, person, "desk", **query).context
    read = Proposal.objects.read_by_office(person)
    assert shown["tally"]["late"] == read.filter(late(person, clock.now())).count()
    found = shown["lines"]
    return {line["proposal"]: [reason.words for reason in line["reasons"]] for line in found}


def test_each_lateness_is_found_and_says_its_reason(client):
    desk = officer()
    in_time, unanswered, asked, running = (make.accepted() for _ in range(4))
    corrected, correcting = make.at_intake(), make.at_intake()
    lapsed(unanswered, "DOE"), lapsed(unanswered, "STATE", -4)
    question = overdue_question(asked)
    due(running, "STATE", -1)
    returned(corrected, -3), returned(correcting, 3)
    make.asked(in_time)
    assert late_for(desk) == {unanswered, asked, running, corrected}
    told = lines(client, desk)
    assert told[in_time] == told[correcting] == []
    assert [words.split(" by ")[0].split(" since ")[0] for words in told[unanswered][:1] + told[running]] == [
        f"{make.referral_of(unanswered, 'DOE').agency} did not respond",
        f"{make.referral_of(running).agency} is over its time",
    ]
    assert told[asked][0].startswith(f"Question {question.number} is not answered")
    assert told[corrected][0].startswith("No correction came by")
    assert lines(client, desk, status="late").keys() == late_for(desk)


def test_what_is_over_is_late_no_more():
    desk = officer()
    decided, withdrawn, answered = make.designated().proposal, make.accepted(), make.accepted()
    lapsed(decided, "DOE"), lapsed(withdrawn, "DOE")
    Proposal.objects.filter(pk=withdrawn.pk).update(status="withdrawn")
    question = overdue_question(answered)
    InformationRequest.objects.filter(pk=question.pk).update(status="answered", answered_at=clock.now())
    assert late_for(desk) == set()


def test_what_is_due_within_three_days_is_said_and_not_late(client):
    desk, proposal = officer(), make.accepted()
    due(proposal, "OSTP", 2)
    (words,) = lines(client, desk)[proposal]
    assert words.startswith(str(make.referral_of(proposal, "OSTP").agency)) and " is due on " in words
    assert late_for(desk) == set()


def test_the_longest_late_stands_first_and_pages_follow(client, monkeypatch):
    monkeypatch.setattr("evaluation.views.desk.PAGE", 2)
    desk = officer()
    proposals = [make.accepted() for _ in range(4)]
    for proposal, days in zip(proposals, (-5, -9, -5, -1), strict=True):
        lapsed(proposal, "DOE", days)
        for agency in ("COMMERCE", "STATE", "DOD", "OSTP"):
            due(proposal, agency, 20)
    first = page(client, desk, "desk", status="late")
    second = client.get(reverse("evaluation:desk") + first.context["next"])
    order = [line["proposal"] for shown in (first, second) for line in shown.context["lines"]]
    assert set(order[1:3]) == {proposals[0], proposals[2]}
    assert (order[0], order[3], len(order)) == (proposals[1], proposals[3], 4)
    assert second.context["status"] == "late" and not second.context["next"]


def test_what_has_no_clock_stands_last_where_the_first_due_is_first(client):
    desk = officer()
    without, later, sooner = make.at_intake(), make.accepted(), make.accepted()
    for proposal, days in ((later, 9), (sooner, 4)):
        for agency in make.EVALUATING:
            due(proposal, agency, days)
    assert list(lines(client, desk, order="due")) == [sooner, later, without]


def test_reviewer_hears_of_their_own_agency_alone(client):
    proposal = make.accepted()
    reader = make.assigned(proposal, "STATE").reviewer
    lapsed(proposal, "DOE")
    assert late_for(reader) == set() and lines(client, reader)[proposal] == []
    lapsed(proposal, "STATE")
    assert late_for(reader) == {proposal}


def test_recused_officer_is_told_of_nothing(client):
    proposal, desk = make.accepted(), officer()
    lapsed(proposal, "DOE")
    RecusalFactory(proposal=proposal, user=desk)
    shown = page(client, desk, "desk", status="late")
    assert shown.context["tally"]["late"] == 0 and not shown.context["lines"]


def test_late_list_costs_the_same_whatever_its_length(client):
    desk = officer(OfficeRole.AUDITOR)
    counts = []
    for _ in range(2):
        proposal = make.accepted()
        lapsed(proposal, "DOE"), overdue_question(proposal)
        sign_in(client, desk)
        address = f"{reverse('evaluation:desk')}?status=late"
        client.get(address)
        with statements() as sent:
            client.get(address)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 10

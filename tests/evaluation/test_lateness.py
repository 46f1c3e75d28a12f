"""What is late is found, told with its reason and put first, for everybody by what they may read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.lateness import late
from evaluation.models import ConflictCase, Escalation, InformationRequest, Referral
from evaluation.views.desk import tallies
from program import clock
from program.enums import OfficeRole
from program.models import Call
from program.prepared import PreparedByOffices
from program.templatetags.uswds import tag
from proposals.models import Proposal
from tests.evaluation.pages import page, sign_in
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
    """Its call closes, and the time to correct it ends, so many days from now."""
    at = clock.now() + timedelta(days=days)
    Proposal.objects.filter(pk=proposal.pk).update(status="returned", cure_due_at=at)
    Call.objects.filter(pk=proposal.call_id).update(closes_at=at)


def objected(proposal, agency="DOE", days=-3):
    """The agency objects; what it opens is to be settled so many days from now."""
    make.filed(proposal, agency, "object", rationale="The hall is not secure.")
    Escalation.objects.filter(proposal=proposal).update(due_at=clock.now() + timedelta(days=days))
    return Escalation.objects.get(proposal=proposal)


def undecided(proposal, days=-3):
    """An ethics official is asked about a reviewer of State and has so many days left."""
    assignment = make.assigned(proposal)
    case = services.ask_ethics_official(
        proposal, person=assignment.reviewer, agency=assignment.agency, by=make.lead(), text="A hint."
    )
    ConflictCase.objects.filter(pk=case.pk).update(due_at=clock.now() + timedelta(days=days))
    return case


def tasks_of(client, person):
    return [task.url for task in page(client, person, "desk").context["tasks"]]


def late_for(user):
    return set(Proposal.objects.filter(late(user, clock.now())))


def proposal_of(line):
    """The record that a row of the queue stands for; equal by its key."""
    return Proposal(pk=line["proposal"].pk)


def lines(client, person, **query):
    """What the queue says of each; the number of what is late is that of its list."""
    shown = page(client, person, "desk", **query).context
    read = Proposal.objects.read_by_office(person)
    assert shown["tally"]["late"] == read.filter(late(person, clock.now())).count()
    found = shown["lines"]
    return {proposal_of(line): [reason.words for reason in line["reasons"]] for line in found}


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


def test_correction_is_late_once_nothing_gives_it_time_any_more(client):
    desk, proposal = officer(), make.at_intake()
    returned(proposal, -3)
    assert late_for(desk) == {proposal}
    (words,) = lines(client, desk, order="due")[proposal]
    assert words.startswith("No correction came by ")

    given = clock.now() + timedelta(days=9)
    Proposal.objects.filter(pk=proposal.pk).update(extended_to=given)
    assert late_for(desk) == set()
    (line,) = page(client, desk, "desk").context["lines"]
    assert (line["reasons"], line["next_due"]) == ([], given)
    assert "No correction came by " not in page(client, desk, "proposal", proposal.number).text

    Proposal.objects.filter(pk=proposal.pk).update(extended_to=None)
    Call.objects.filter(pk=proposal.call_id).update(cancelled_at=clock.now())
    assert late_for(desk) == set()
    (line,) = page(client, desk, "desk").context["lines"]
    assert (line["reasons"], line["next_due"]) == ([], None)


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


def test_agencies_that_are_due_at_once_are_named_in_one_line(client):
    desk, proposal = officer(), make.accepted()
    codes, at = ("STATE", "DOE", "OSTP"), clock.now() + timedelta(days=2)
    Referral.objects.filter(version__proposal=proposal, agency__code__in=codes).update(due_at=at)
    (words,) = lines(client, desk)[proposal]
    asked = [make.referral_of(proposal, code).agency for code in codes]
    names = [str(agency) for agency in sorted(asked, key=lambda agency: (agency.sort_order, agency.code))]
    assert words.startswith(f"{names[0]}, {names[1]} and {names[2]} are due on ")


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
    order = [proposal_of(line) for shown in (first, second) for line in shown.context["lines"]]
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


def test_tally_of_what_is_late_counts_proposals_up_to_its_bound(client, monkeypatch):
    """However many questions are late on one proposal, they hide no other."""
    monkeypatch.setattr("evaluation.lateness.MOST_LATE", 2)
    monkeypatch.setattr("evaluation.views.desk.MOST_LATE", 2)
    monkeypatch.setattr("evaluation.views.desk.tallies", PreparedByOffices(tallies.build))
    desk, first = officer(), make.accepted()
    for _ in range(4):
        overdue_question(first)
    lapsed(first, "DOE")
    for number, words in ((1, "1"), (2, "2"), (3, "over 2"), (4, "over 2")):
        shown = page(client, desk, "desk")
        assert shown.context["tally"]["late"] == min(number, 3)
        value = shown.text.split("Something is late")[0].rsplit('site-count__value">', 1)[1]
        assert value.split("<")[0] == words
        overdue_question(make.accepted())


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
        lapsed(proposal, "STATE"), overdue_question(proposal), objected(proposal), undecided(proposal)
        sign_in(client, desk)
        address = f"{reverse('evaluation:desk')}?status=late"
        client.get(address)
        with statements() as sent:
            client.get(address)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 10


# Objections and ethics decisions


def test_overdue_objection_is_late_in_the_row_on_its_proposal_and_in_the_agencys_room(client):
    desk, proposal = officer(), make.accepted()
    escalation = objected(proposal)
    words = f"The objection of {escalation.agency} is not settled; it was due on"
    assert late_for(desk) == {proposal}
    (said,) = lines(client, desk)[proposal]
    assert said.startswith(words)
    assert lines(client, desk, status="late").keys() == {proposal}
    shown = page(client, desk, "proposal", proposal.number)
    assert words in shown.text and "Overdue" in shown.text
    room = page(client, make.lead("DOE"), "position", escalation.position.referral_id).text
    assert "Overdue" in room and "it was to be settled by" in room
    Escalation.objects.update(due_at=clock.now() + timedelta(days=9))
    assert late_for(desk) == set() and lines(client, desk)[proposal] == []
    assert "Overdue" not in page(client, make.lead("DOE"), "position", escalation.position.referral_id).text


def test_objection_is_told_to_its_agency_and_to_who_may_read_it(client):
    proposal = make.accepted()
    reader = make.assigned(proposal, "DOE").reviewer
    objected(proposal)
    make.filed(proposal, "STATE")
    for person, reads in (
        (officer(OfficeRole.AUDITOR), True),
        (make.decision_official(), True),
        (make.lead("DOE"), True),
        (make.lead("STATE"), True),
        (make.lead("OSTP"), False),
        (reader, False),
    ):
        assert (late_for(person) == {proposal}) == reads, person
        assert bool(lines(client, person)[proposal]) == reads, person
        seen = Escalation.objects.visible_to(person).exists()
        assert Escalation.objects.told_to(person).exists() == seen == reads, person


def test_overdue_ethics_decision_is_late_for_who_asks_for_reviewers(client):
    desk, proposal = officer(), make.accepted()
    case = undecided(proposal)
    (said,) = lines(client, desk)[proposal]
    assert said.startswith(f"The ethics official of {case.agency} has not decided whether {case.person} may")
    assert late_for(make.lead("STATE")) == {proposal} == late_for(desk)
    for person in (make.lead("DOE"), make.decision_official()):
        assert late_for(person) == set() and lines(client, person)[proposal] == []
    ConflictCase.objects.update(due_at=clock.now() + timedelta(days=9))
    assert late_for(desk) == set() and lines(client, desk)[proposal] == []


def test_a_new_version_clears_nothing_that_is_late(client):
    desk = officer()
    proposal = make.accepted(desk)
    escalation = objected(proposal)
    lapsed(proposal, "OSTP")
    lapse = f"{make.referral_of(proposal, 'OSTP').agency} did not respond on version 1 by "
    late_words = f"The objection of {escalation.agency} on version 1 is not settled; it was due on "
    make.resubmitted(proposal)
    address = reverse("evaluation:escalation", args=[escalation.pk])

    def says_all():
        first, last = lines(client, desk, status="late")[proposal]
        assert first.startswith(late_words) and last.startswith(lapse)
        assert address in tasks_of(client, desk)
        shown = page(client, desk, "proposal", proposal.number)
        assert "Objections" in shown.text and "The hall is not secure." in shown.text
        assert f"{escalation.agency} on version 1" in shown.text
        assert lapse in shown.text and late_words in shown.text

    says_all()
    # It can be settled while the new version waits at intake
    services.add_to_escalation(escalation, by=desk, level="staff", participants="Staff.", minutes="They met.")
    make.accept(proposal, desk)
    says_all()
    room = page(client, make.lead("OSTP"), "position", make.referral_of(proposal, "OSTP").pk).text
    assert "The agency did not respond on version 1 by" in room
    make.filed(proposal, "OSTP")
    assert len(lines(client, desk)[proposal]) == 1
    services.add_to_escalation(
        escalation, by=desk, level="staff", participants="Staff.", minutes="Done.", outcome="settled"
    )
    assert late_for(desk) == set() and address not in tasks_of(client, desk)


def test_open_objection_on_an_earlier_version_is_said_before_it_is_late(client):
    desk = officer()
    proposal = make.accepted(desk)
    escalation = objected(proposal, days=9)
    make.resubmitted(proposal)
    (said,) = page(client, desk, "desk").context["lines"][0]["reasons"]
    assert said.words.startswith(f"The objection of {escalation.agency} on version 1 is open, to be settled")
    assert not said.is_late and said.is_earlier and late_for(desk) == set()


def test_while_a_new_version_waits_nobody_is_awaited_and_the_objection_has_its_day(client):
    desk = officer()
    proposal = make.accepted(desk)
    make.resubmitted(proposal)
    (line,) = page(client, desk, "desk").context["lines"]
    assert {cell.state for _, cell in line["cells"]} == {"Replaced by version 2"}
    assert {cell.clock for _, cell in line["cells"]} == {""}
    assert (line["is_paused"], line["next_due"]) == (False, None)
    other = make.accepted(desk)
    escalation = objected(other, days=9)
    make.resubmitted(other)
    line = page(client, desk, "desk").context["lines"][0]
    assert (proposal_of(line), line["next_due"]) == (other, Escalation.objects.get().due_at)
    assert escalation.due_at == line["next_due"]


def test_what_stands_paused_is_said_to_be_paused(client):
    desk, proposal = officer(), make.accepted()
    Referral.objects.update(paused_at=clock.now())
    (line,) = page(client, desk, "desk").context["lines"]
    assert (proposal_of(line), line["is_paused"], line["next_due"]) == (proposal, True, None)


def test_queue_says_how_a_designation_stands(client):
    desk, chief = officer(), make.decision_official()
    designation = make.designated()
    address = designation.proposal.number
    assert "Designation suspended" not in page(client, desk, "desk").text
    services.suspend_designation(designation, by=chief, reason="A member left.")
    (line,) = page(client, desk, "desk").context["lines"]
    assert line["badge"] == tag("Designation suspended", tone="bad")
    assert "Designation suspended" in page(client, desk, "desk").text
    assert "Designation suspended" in page(client, desk, "proposal", address).text

"""Reviewers suggested where some are lacking: who, why, confirmed once and whole."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache

from evaluation import services
from evaluation.conflicts import conflict_hints
from evaluation.models import Assignment, ConflictCase
from evaluation.services.assignments import EVALUATE
from evaluation.suggesting import AT_WORK, suggest
from program import clock
from program.enums import OfficeRole
from program.models import AuditEvent, Notice, User
from program.transitions import NotReady
from proposals.enums import Sector
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page, press
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of
from tests.statements import statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def state(db):
    return {agency.code: agency for agency in make.five_agencies()}["STATE"]


@pytest.fixture
def lead(state):
    return make.lead("STATE")


def describe(person, state, capacity=None, expertise=(), named_for=()):
    services.describe_reviewer(
        person, agency=state, by=officer(), capacity=capacity, expertise=list(expertise),
        named_for=list(named_for),
    )  # fmt: skip
    return person


def need(proposal, state, number):
    services.set_reviewers_needed(proposal.call, agency=state, number=number, by=officer())


def sector_of(proposal):
    return make.version_of(proposal).value.components[-1].sector


def pairs(suggestion):
    return [(row.referral.version.proposal, row.reviewer.person) for row in suggestion.rows]


def keys(suggestion):
    return [(row.referral.pk, row.reviewer.person.pk) for row in suggestion.rows]


def test_who_knows_the_sector_goes_before_others_and_who_is_named_before_them(state, lead):
    proposal = make.accepted()
    sector = sector_of(proposal)
    plain, knows = make.reviewer(), describe(make.reviewer(), state, expertise=[sector])
    (row,) = suggest(lead).rows
    assert row.reviewer.person == knows
    assert row.reasons == [f"Knows its sector: {Sector(sector).label}."]
    assert row.others == "The only other reviewer knows less of it."
    describe(plain, state, named_for=[sector])
    (row,) = suggest(lead).rows
    assert (row.reviewer.person, row.reasons) == (plain, [f"Goes first for: {Sector(sector).label}."])


def test_second_reviewer_brings_a_layer_that_the_first_does_not_know(state, lead):
    proposal = make.accepted()
    need(proposal, state, 2)
    first = describe(make.reviewer(), state, expertise=["hardware", "models"])
    make.assigned(proposal, person=first)
    describe(make.reviewer(), state, expertise=["hardware"])
    brings = describe(make.reviewer(), state, expertise=["hardware", "data"])
    (row,) = suggest(lead).rows
    assert row.reviewer.person == brings
    assert row.reasons == ["Knows layers that nobody who reads it knows yet: Data pipelines and labeling."]
    assert row.others == "Of 2 other reviewers: 1 reads it already; 1 knows less of it."
    (part,) = suggest(lead).parts
    assert first in [load.reviewer.person for load in part.loads]  # who reads it already has a load, too


def test_load_is_spread_and_nobody_gets_more_than_may_be_open(state, lead):
    busy, free = describe(make.reviewer(), state, capacity=3), describe(make.reviewer(), state, capacity=9)
    make.assigned(make.accepted(), person=busy)
    for _ in range(5):
        make.accepted()
    found = suggest(lead)
    assert sorted(person.pk for _, person in pairs(found)) == sorted([busy.pk] * 2 + [free.pk] * 3)
    (part,) = found.parts
    assert {load.reviewer.person: (load.reviewer.open, load.after) for load in part.loads} == {
        busy: (1, 3), free: (0, 3),
    }  # fmt: skip


def test_nobody_is_suggested_where_they_may_not_read_and_the_page_says_why(client, state, lead):
    proposal = make.accepted()
    recused, conflicted, taken_off, full = (make.reviewer() for _ in range(4))
    services.recuse(proposal, person=recused, by=officer(), reason="A cousin.")
    owed = make.assigned(proposal, person=conflicted, declared=False)
    services.declare_conflict(owed, by=conflicted, has_conflict=True, text="Shares.")
    services.end_assignment(make.assigned(proposal, person=taken_off), by=lead, reason="On leave.")
    describe(full, state, capacity=0)
    gone = make.reviewer()
    gone.offices.update(effective_from="2020-01-01", effective_to="2021-01-01")

    found = suggest(lead)

    assert found.rows == []
    (short,) = found.shortfalls
    assert short.missing == 1
    assert short.why == (
        "Of 4 reviewers: 2 are recused; 1 was taken off it before; 1 has as many open reviews as can be."
    )
    shown = page(client, lead, "suggestion").text
    assert "1 of 1 cannot be found. Of 4 reviewers: 2 are recused" in shown
    assert "A cousin" not in shown and "Shares" not in shown


def test_agency_without_reviewers_says_so(state, lead):
    make.accepted()
    (short,) = suggest(lead).shortfalls
    assert short.why == "Nobody else reviews for the agency."


def test_each_is_suggested_what_they_may_assign(client, state, lead):
    proposal, other = make.accepted(), make.accepted()
    for code in make.EVALUATING:
        make.reviewer(code)
    assert {row.referral.agency for row in suggest(lead).rows} == {state}
    desk = officer()
    assert len(suggest(desk).rows) == 10
    assert {row.referral.version.proposal for row in suggest(desk, proposal.number).rows} == {proposal}
    services.recuse(proposal, person=lead, by=desk, reason="A cousin.")
    assert [each for each, _ in pairs(suggest(lead))] == [other]
    assert page(client, lead, "suggestion", proposal=proposal.number).status_code == 404
    assert proposal.number not in page(client, lead, "suggestion").text
    for person in (make.reviewer(), officer(OfficeRole.AUDITOR), make.decision_official()):
        assert page(client, person, "suggestion").status_code == 403
        assert press(client, person, "suggestion-confirm", row="1-1").status_code == 403


def test_one_page_fills_so_many_places_in_what_is_due_first(client, state, lead, monkeypatch):
    monkeypatch.setattr("evaluation.suggesting.MOST", 3)
    monkeypatch.setattr("evaluation.views.suggestions.MOST", 3)
    first, second = make.accepted(), make.accepted()
    for proposal in (first, second):
        need(proposal, state, 2)
    for _ in range(4):
        make.reviewer()
    found = suggest(lead)
    assert found.is_cut and [each for each, _ in pairs(found)] == [first] * 2
    assert "these are due first" in page(client, lead, "suggestion").text
    many = [f"1-{number}" for number in range(4)]
    assert press(client, lead, "suggestion-confirm", row=many).status_code == 422


def test_only_open_consultations_are_looked_at(state, lead):
    make.reviewer()
    answered, assigned = make.accepted(), make.accepted()
    make.filed(answered, "STATE")
    make.assigned(assigned)
    make.at_intake()
    assert suggest(lead).parts == []


def test_confirmed_as_by_hand_with_notice_and_record_and_only_once(client, state, lead):
    proposals = [make.accepted() for _ in range(2)]
    person = make.reviewer()
    shown = page(client, lead, "suggestion").text
    rows = re.findall(r'name="row" value="([0-9-]+)"', shown)
    assert len(rows) == 2

    done = press(client, lead, "suggestion-confirm", row=rows)

    assert done.status_code == 302
    assert [each.reviewer for each in Assignment.objects.active()] == [person] * 2
    events = AuditEvent.objects.filter(act="assignment.assign")
    assert {event.actor for event in events} == {lead} and events.count() == 2
    assert Notice.objects.filter(recipient=person).count() == 2
    assert all(User.objects.get(pk=person.pk).has_perm(EVALUATE, each) for each in proposals)
    assert press(client, lead, "suggestion-confirm", row=rows).status_code == 302
    assert (Assignment.objects.count(), Notice.objects.filter(recipient=person).count()) == (2, 2)
    assert "Nothing was done twice" in page(client, lead, "reviewers").text
    assert "No reviewer is lacking" in page(client, lead, "suggestion").text


def test_rows_that_are_taken_out_are_not_assigned(client, state, lead):
    make.accepted(), make.accepted()
    make.reviewer()
    rows = [f"{referral}-{person}" for referral, person in keys(suggest(lead))]
    press(client, lead, "suggestion-confirm", row=rows[:1])
    assert Assignment.objects.count() == 1


def overtaken():
    def recused(proposal, person, state, lead):
        services.recuse(proposal, person=person, by=officer(), reason="A cousin.")
        return "is recused"

    def filled(proposal, person, state, lead):
        describe(person, state, capacity=1)
        make.assigned(make.accepted(), person=person)
        return "has 1 open reviews and may have 1"

    def enough(proposal, person, state, lead):
        make.assigned(proposal)
        return "the agency needs 0 more"

    def answered(proposal, person, state, lead):
        make.filed(proposal, "STATE")
        return "the consultation is not open any more"

    def out_of_office(proposal, person, state, lead):
        person.offices.update(effective_from="2020-01-01", effective_to="2021-01-01")
        return "is not a reviewer of"

    def closed_to_lead(proposal, person, state, lead):
        services.recuse(proposal, person=lead, by=officer(), reason="A cousin.")
        return "is not open to you any more"

    return [recused, filled, enough, answered, out_of_office, closed_to_lead]


@pytest.mark.parametrize("meanwhile", overtaken(), ids=lambda each: each.__name__)
def test_what_no_longer_holds_is_refused_whole_with_a_new_suggestion(client, state, lead, meanwhile):
    proposal, _ = make.accepted(), make.accepted()
    person, second = make.reviewer(), describe(make.reviewer(), state, capacity=5)
    describe(person, state, expertise=[sector_of(proposal)])
    rows = keys(suggest(lead))
    assert {each for _, each in rows} == {person.pk}
    before = Assignment.objects.count()
    words = meanwhile(proposal, person, state, lead)
    made = Assignment.objects.count() - before

    refused = press(client, lead, "suggestion-confirm", row=[f"{one}-{two}" for one, two in rows])

    assert refused.status_code == 422
    assert "Nobody was assigned" in refused.text and words in refused.text
    assert Assignment.objects.count() - before == made
    if meanwhile.__name__ == "recused":
        assert f'value="{rows[0][0]}-{second.pk}"' in refused.text


def test_confirm_takes_nothing_but_rows(client, state, lead):
    for rows in ([], ["1"], ["x-1"], ["1-1", "-"], [f"{10**19}-1"]):
        assert press(client, lead, "suggestion-confirm", row=rows).status_code == 422
    assert press(client, lead, "suggestion-confirm", row=["999999-1"]).status_code == 422
    others = make.referral_of(make.accepted(), "DOE")
    person = make.reviewer("DOE")
    with pytest.raises(NotReady):
        services.assign_suggested([(others.pk, person.pk)], by=lead)
    assert not Assignment.objects.exists()


def test_suggestion_costs_the_same_for_one_proposal_and_for_three(client, warm, state, lead):
    costs = []
    for more in (1, 2):
        for _ in range(more):
            make.accepted()
            person = describe(make.reviewer(), state, expertise=["data"])
            services.declare_interest(by=person, kind="category", whose="own", sector="agriculture")
        page(client, lead, "suggestion")
        with statements() as sent:
            assert page(client, lead, "suggestion").status_code == 200
        costs.append(len(sent))
    assert costs[0] == costs[1], costs
    assert sum("jsonb_path_query_array" in each for each in sent) == 1


def test_one_suggestion_is_worked_out_at_a_time(client, state, lead):
    proposal, person = make.accepted(), make.reviewer()
    row = f"{make.referral_of(proposal).pk}-{person.pk}"
    cache.add(AT_WORK, True, timeout=60)
    try:
        waits = page(client, lead, "suggestion")
        assert (waits.status_code, waits["Retry-After"]) == (503, "20")
        assert "Another suggestion is being worked out" in waits.text
        refused = press(client, lead, "suggestion-confirm", row=[row, "999999-1"])
        assert refused.status_code == 503 and "Nobody was assigned" in refused.text
    finally:
        cache.delete(AT_WORK)
    assert not Assignment.objects.exists()
    for _ in range(2):
        assert f'value="{row}"' in page(client, lead, "suggestion").text


def test_a_second_press_is_known_by_one_statement_for_all(state, lead):
    person = make.reviewer()
    referrals = [make.referral_of(make.accepted()) for _ in range(3)]
    asked = [(referral.pk, person.pk) for referral in referrals]
    services.assign_suggested(asked, by=lead)
    costs = []
    for some in (asked[:1], asked):
        with statements() as sent:
            assert services.assign_suggested(some, by=lead) == []
        costs.append(len(sent))
    assert costs[0] == costs[1], costs


def test_who_has_a_hint_of_a_conflict_is_not_suggested_and_nobody_learns_which(client, state, lead):
    proposal, other = make.accepted(), make.accepted()
    hinted = make.reviewer()
    member = proposal.consortium.anchor.organization.legal_name
    services.declare_interest(by=hinted, kind="holding", whose="own", name=member)
    found = suggest(lead)
    assert pairs(found) == [(other, hinted)]
    (short,) = found.shortfalls
    assert short.why == "The only reviewer has to ask the ethics official of the agency first."
    row = f"{make.referral_of(proposal).pk}-{hinted.pk}"
    refused = press(client, lead, "suggestion-confirm", row=[row])
    assert refused.status_code == 422 and "has to ask the ethics official" in refused.text
    assert member not in refused.text


def test_whom_the_ethics_official_cleared_is_suggested_until_a_new_version_gives_a_hint(state, lead):
    proposal, hinted = make.accepted(), make.reviewer()
    member = proposal.consortium.anchor.organization.legal_name
    left = clock.today() - timedelta(days=2)
    services.declare_interest(by=hinted, kind="employer", whose="own", name=member, until=left)
    case = services.ask_ethics_official(
        proposal, person=hinted, agency=state, by=lead, text="They worked there.", about="relationship"
    )
    assert not pairs(suggest(lead))
    ethics = officer(OfficeRole.ETHICS_OFFICIAL, "STATE")
    services.clear_conflict(case, by=ethics, basis="5 CFR 2635.502(d)", reason="Two days, long ago.")
    assert pairs(suggest(lead)) == [(proposal, hinted)]
    earlier = make.version_of(proposal).received_at - timedelta(seconds=1)
    ConflictCase.objects.update(decided_at=earlier)
    assert not pairs(suggest(lead))


def test_a_row_that_was_taken_out_stays_out_of_the_new_suggestion(client, state, lead):
    first, second = make.accepted(), make.accepted()
    make.reviewer()
    wanted, out = (f"{one}-{two}" for one, two in keys(suggest(lead)))
    gone = next(each for each in (first, second) if wanted.startswith(f"{make.referral_of(each).pk}-"))
    withdraw_proposal(gone, by=representative_of(gone), note="Not now.")
    refused = press(client, lead, "suggestion-confirm", row=[wanted], shown=[wanted, out])
    assert refused.status_code == 422
    (box,) = re.findall(f'<input[^>]*id="row-{out}"[^>]*>', refused.text)
    assert "checked" not in box


def test_a_name_that_is_only_alike_keeps_nobody_from_a_suggestion(state, lead):
    proposal, person = make.accepted(), make.reviewer()
    member = proposal.consortium.anchor.organization.legal_name
    near = member.replace("Fictional", "Fictionel")
    services.declare_interest(by=person, kind="holding", whose="own", name=near)
    (hint,) = conflict_hints(make.version_of(proposal), [person])[person]
    assert hint.is_alike
    assert pairs(suggest(lead)) == [(proposal, person)]

"""How many rounds of questions a call allows to one consortium."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaluation import services
from evaluation.models import InformationRequest
from program import clock
from program.models import Agency, Call
from program.services import calls
from program.transitions import NotReady
from tests.evaluation.pages import page, press
from tests.factories import evaluation as make
from tests.factories.program import drafted_call, officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demonstration(settings):
    settings.DEMONSTRATION = True


@pytest.fixture
def desk():
    return officer()


def asked(proposal, by, answered=False):
    request = services.ask_consortium(
        proposal, by=by, agency=Agency.objects.get(code="STATE"), question="Which?",
        due_on=clock.today() + timedelta(days=9),
    )  # fmt: skip
    if answered:
        services.answer_question(request, by=representative_of(proposal), answer="This one.")
    return request


def limited(proposal, rounds):
    Call.objects.filter(pk=proposal.call_id).update(question_rounds=rounds)
    proposal.refresh_from_db()
    return proposal


def rounds():
    return list(InformationRequest.objects.order_by("number").values_list("round", flat=True))


def test_round_lasts_until_every_open_question_is_answered(desk):
    proposal = make.accepted(desk)
    first, _ = asked(proposal, desk), asked(proposal, desk)
    services.answer_question(first, by=representative_of(proposal), answer="This one.")
    asked(proposal, desk)
    for request in InformationRequest.objects.open():
        services.answer_question(request, by=representative_of(proposal), answer="This one.")
    asked(proposal, desk)
    assert rounds() == [1, 1, 1, 2]


def test_question_beyond_the_rounds_of_the_call_is_refused_with_its_clause(desk):
    proposal = limited(make.accepted(desk), 1)
    asked(proposal, desk)
    asked(proposal, desk)  # the same round
    for request in InformationRequest.objects.open():
        services.answer_question(request, by=representative_of(proposal), answer="This one.")
    with pytest.raises(NotReady) as refusal:
        asked(proposal, desk)
    (problem,) = refusal.value.problems
    assert (problem.code, problem.clause, problem.field) == ("rounds", "E.O. 14320 s.3(d)", "question")
    assert problem.message == (
        "The call allows 1 round of questions to a consortium, and this would be round 2."
    )
    assert rounds() == [1, 1]


def test_round_that_was_withdrawn_whole_is_none(desk):
    proposal = limited(make.accepted(desk), 1)
    services.withdraw_question(asked(proposal, desk), by=desk)
    asked(proposal, desk, answered=True)
    assert rounds() == [1, 1]
    with pytest.raises(NotReady):
        asked(proposal, desk)


def test_without_a_limit_any_number_is_asked(desk):
    proposal = make.accepted(desk)
    assert proposal.call.question_rounds is None
    for _ in range(4):
        asked(proposal, desk, answered=True)
    assert rounds() == [1, 2, 3, 4]


def test_limit_is_of_one_consortium_and_ends_with_the_designation(desk):
    proposal = limited(make.accepted(desk), 1)
    asked(proposal, desk, answered=True)
    other = make.accepted(desk, call=proposal.call)
    asked(other, desk, answered=True)
    services.announce_determination(
        make.signed(make.ready_to_sign(other, by=desk)), by=make.decision_official()
    )
    other.refresh_from_db()
    asked(other, desk)


@pytest.mark.parametrize("wrong", [0, 51])
def test_limit_is_drafted_within_bounds_and_frozen_once_approved(wrong):
    by, call = officer(), drafted_call()
    call = calls.update_call(call, by=by, revision=call.revision, changes={"question_rounds": 2}) or call
    call.refresh_from_db()
    assert call.question_rounds == 2
    with pytest.raises(Exception) as refusal:
        calls.update_call(call, by=by, revision=call.revision, changes={"question_rounds": wrong})
    assert set(refusal.value.message_dict) == {"question_rounds"}
    issued = make.at_intake().call
    with pytest.raises((PermissionDenied, calls.WrongStatus)):
        calls.update_call(issued, by=by, revision=issued.revision, changes={"question_rounds": 2})


def test_page_says_which_round_comes_and_when_all_were_used(client, desk):
    proposal = limited(make.accepted(desk), 1)
    assert "A further question belongs to round 1." in page(client, desk, "proposal", proposal.number).text
    asked(proposal, desk, answered=True)
    assert "All of them were used." in page(client, desk, "proposal", proposal.number).text
    facts = {"agency": Agency.objects.get(code="COMMERCE").pk, "question": "Which?", "days": "5"}
    refusal = press(client, desk, "question-ask", proposal.number, **facts)
    assert refusal.status_code == 422 and "this would be round 2" in refusal.text


# Where the rounds are read


def test_consortium_reads_to_which_round_a_question_belongs_and_how_many_there_are(client, desk):
    proposal = limited(make.accepted(desk), 3)
    asked(proposal, desk, answered=True)
    asked(proposal, desk)
    withdrawn = asked(proposal, desk)
    services.withdraw_question(withdrawn, by=desk)
    shown = page(client, representative_of(proposal), "questions", proposal.pk).text
    assert "The call allows 3 rounds of questions" in shown and "2 were begun" in shown
    assert shown.count("Round 1.") == 1 and shown.count("Round 2.") == 2
    limited(proposal, None)
    assert "The call allows" not in page(client, representative_of(proposal), "questions", proposal.pk).text


def by_api(client, person, **query):
    client.force_login(type(person).objects.get(pk=person.pk))
    return client.get("/api/v1/questions/", query)


def test_api_gives_number_round_and_limit_and_no_answer(client, desk):
    proposal, other = limited(make.accepted(desk), 2), make.accepted(desk)
    asked(proposal, desk, answered=True)
    asked(proposal, desk)
    asked(other, desk)
    found = by_api(client, representative_of(proposal))
    rows = found.json()["results"]
    assert [(row["number"], row["round"], row["rounds_allowed"]) for row in rows] == [(2, 2, 2), (1, 1, 2)]
    assert {row["proposal"] for row in rows} == {proposal.pk}
    assert "This one." not in found.text and "answer" not in rows[0]
    (first,) = by_api(client, desk, proposal=proposal.pk, round=1, status="answered").json()["results"]
    assert (first["agency"], first["answered_at"] is None) == ("STATE", False)
    assert len(by_api(client, desk).json()["results"]) == 3
    assert by_api(client, desk, round="x").status_code == 400


def test_api_gives_no_question_to_who_is_recused_or_has_no_part(client, desk):
    proposal = make.accepted(desk)
    request = asked(proposal, desk)
    cousin = officer()
    services.recuse(proposal, person=cousin, by=desk, reason="A cousin.")
    for person in (cousin, make.reviewer(), representative_of(make.accepted(desk))):
        assert by_api(client, person).json()["results"] == []
        assert client.get(f"/api/v1/questions/{request.pk}/").status_code == 404
    client.logout()
    assert client.get("/api/v1/questions/").status_code == 401


@pytest.mark.parametrize("count", [1, 3])
def test_api_costs_the_same_for_one_question_and_for_three(client, desk, count):
    for _ in range(count):
        asked(make.accepted(desk), desk)
    by_api(client, desk)
    with CaptureQueriesContext(connection) as captured:
        assert len(client.get("/api/v1/questions/").json()["results"]) == count
    assert len([row for row in captured if "SAVEPOINT" not in row["sql"]]) == 4

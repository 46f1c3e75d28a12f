"""What lists of calls and notices cost: one literal number of statements, with one row and with three."""

from __future__ import annotations

import pytest

from program.services import calls
from program.services.questions import answer_question, ask_question
from program.services.subscriptions import subscribe
from tests.factories.program import UserFactory, drafted_call, issued_call, officer
from tests.program.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("rows", [1, 3])
def test_list_of_calls_costs_one_statement(client, django_assert_num_queries, rows):
    for _ in range(rows):
        issued_call()
    with django_assert_num_queries(1):
        response = client.get("/calls/")
    assert text_of(response).count("AIX-C-") >= rows


@pytest.mark.parametrize("rows", [1, 3])
def test_public_call_page_stays_within_two_statements(client, django_assert_num_queries, rows):
    call, person = issued_call(), officer()
    for n in range(rows):
        calls.amend_call(call, by=person, text=f"Text {n}", summary=f"Change {n}", reason="Questions")
        asked = ask_question(call, by=UserFactory(), text=f"Question {n}?")
        answer_question(asked, by=person, answer=f"Answer {n}.")
    with django_assert_num_queries(2):
        response = client.get(f"/calls/{call.number}/")
    with django_assert_num_queries(1):
        assert len(client.get(f"/calls/{call.number}/").content) == len(response.content)
    page = text_of(response)
    assert [f"Change {rows - 1}" in page, f"Answer {rows - 1}." in page] == [True, True]


@pytest.mark.parametrize("rows", [1, 3])
def test_inbox_costs_the_same_for_one_and_three(signed_in, django_assert_num_queries, rows):
    reader = UserFactory()
    subscribe(None, by=reader)
    for _ in range(rows):
        issued_call()
    client = signed_in(reader)
    client.get("/notices/")
    with django_assert_num_queries(6):
        response = client.get("/notices/")
    assert text_of(response).count("New call for proposals") >= rows


@pytest.mark.parametrize("rows", [1, 3])
def test_desk_list_costs_the_same_for_one_and_three(signed_in, django_assert_num_queries, rows):
    for _ in range(rows):
        drafted_call()
    client = signed_in(officer())
    client.get("/desk/calls/")
    with django_assert_num_queries(6):
        client.get("/desk/calls/")

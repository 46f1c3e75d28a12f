"""The pages of questions: the public reads, searches and asks; the desk answers, groups and corrects."""

from __future__ import annotations

import pytest
from django.urls import reverse

from program import clock
from program.models import Question, Subscription
from program.services.questions import (
    MOST_A_DAY,
    answer_question,
    answer_under,
    ask_question,
    correct_answer,
    withdraw_question,
)
from program.views import desk_questions
from tests.factories.program import RequirementFactory, UserFactory, issued_call, officer
from tests.program.pages import APRIL_FIRST, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def call():
    return issued_call()


@pytest.fixture
def desk(signed_in):
    return signed_in(officer())


def answered(call, by=None, text="Does cloud count?", answer="Yes, it does.", **more):
    question = ask_question(call, by=by or UserFactory(), text=text)
    answer_question(question, by=officer(), answer=answer, **more)
    return question


def page_of(client, call, **asked):
    return text_of(client.get(f"/calls/{call.number}/", asked))


def address(name, question):
    return reverse(f"program:desk-question{name}", args=[question.pk])


def test_answers_stand_by_heading_or_by_part_and_link_to_what_they_are_about(client, call):
    RequirementFactory(call=call, code="markets", title="Target markets")
    answered(call, text="First?", topic="Hardware", requirement_code="markets")
    answered(call, text="Second?")
    answered(call, text="Third?", topic="Applications", about="places")
    shown = client.get(f"/calls/{call.number}/")
    page = text_of(shown)
    assert [group["heading"] for group in shown.context["answers"]] == ["", "Applications", "Hardware"]
    order = [page.index(words) for words in (">General<", "No. 2. Second?", "No. 3. Third?", "No. 1. First?")]
    assert order == sorted(order)
    assert ['href="#requirement-markets"' in page, 'id="requirement-markets"' in page] == [True, True]
    groups = client.get(f"/calls/{call.number}/", {"by": "part"}).context["answers"]
    assert [group["heading"] for group in groups] == ["", "Target markets", "Who may not take part"]


@pytest.mark.parametrize("rows", [1, 3])
def test_search_costs_two_statements_and_shows_what_fits(client, call, django_assert_num_queries, rows):
    for n in range(rows):
        answered(call, answer=f"Leased servers {n}.")
    answered(call, text="Who may lead?", answer="A company.")
    with django_assert_num_queries(2):
        page = page_of(client, call, q="server lease")
    assert [f"Leased servers {rows - 1}." in page, "A company." in page] == [True, False]
    nothing = page_of(client, call, q="<b>zebra")
    assert ["0 answers have “&lt;b&gt;zebra”" in nothing, "A company." in nothing] == [True, False]


def test_corrected_answer_shows_what_was_corrected_and_the_text_before(client, call):
    question = answered(call, answer="Yes, the whole line.")
    correct_answer(question, by=officer(), answer="No, not the whole line.", reason="<i>Misread</i>.")
    page = page_of(client, call)
    assert ["&lt;i&gt;Misread&lt;/i&gt;." in page, "As it stood before" in page] == [True, True]
    removed, added = ('<del class="site-removed">Yes, </del>', '<ins class="site-added">No, not </ins>')
    assert [removed in page, added in page] == [True, True]
    assert page.count("Yes, the whole line.") == 1


def test_nobody_learns_who_asked(client, signed_in, call):
    asker = UserFactory(name="Zebra Person", email="zebra@firm.example")
    question = answered(call, asker, text="May we?")
    again = ask_question(call, by=asker, text="May we lead?")
    answer_under(again, by=officer(), number=1)
    correct_answer(question, by=officer(), answer="No.", reason="Misread.")
    for reader in (client, signed_in(UserFactory())):
        page = page_of(reader, call)
        assert "zebra" not in page.lower()
        assert "May we lead?" not in page
    own = page_of(signed_in(asker), call)
    assert "answered under No. 1" in own


def test_desk_lists_waiting_questions_by_pages(call, monkeypatch, signed_in):
    monkeypatch.setattr(desk_questions, "PAGE", 2)
    asked = [ask_question(call, by=UserFactory(), text=f"Question {number}?") for number in range(5)]
    client, address, seen = signed_in(officer()), reverse("program:desk-questions"), []
    later = ""
    while not seen or later:
        page = client.get(f"{address}{later}")
        seen.append([question.pk for question in page.context["waiting"]])
        later = page.context["later"]
    assert seen == [[row.pk for row in asked[:2]], [row.pk for row in asked[2:4]], [asked[4].pk]]
    assert "Previous" in page.text
    end = client.get(f"{address}?after={asked[4].pk}")
    assert "No later question waits." in end.text and "Everything that was asked" not in end.text


def test_asking_too_often_says_when_and_keeps_the_text(signed_in, call):
    asker = UserFactory()
    for n in range(MOST_A_DAY):
        ask_question(call, by=asker, text=f"Question {n}?")
    response = signed_in(asker).post(f"/calls/{call.number}/ask/", {"text": "The eleventh?"})
    assert response.status_code == 429
    assert 86_000 < int(response["Retry-After"]) <= 86_400
    page = text_of(response)
    assert ["The eleventh?</textarea>" in page, "You can ask the next one from" in page] == [True, True]
    assert Question.objects.count() == MOST_A_DAY


def test_desk_shows_the_difference_before_it_publishes(desk, call):
    asked = ask_question(call, by=UserFactory(), text="May we at Firm X lead?")
    form = {"published_text": "May one lead?", "answer": "Yes.", "topic": "Members", "about": "places"}
    seen = desk.post(address("", asked), {**form, "act": "compare"})
    asked.refresh_from_db()
    assert (seen.status_code, asked.status) == (200, "asked")
    assert "Nothing is published yet." in text_of(seen)
    assert '<del class="site-removed">we at Firm X </del>' in text_of(seen)
    assert desk.post(address("", asked), form).status_code == 302
    asked.refresh_from_db()
    assert (asked.number, asked.topic, asked.about, asked.text) == (
        1, "Members", "places", "May we at Firm X lead?",
    )  # fmt: skip
    assert "we at Firm X" in text_of(desk.get(address("", asked)))


def test_answer_to_a_withdrawn_question_is_refused_and_what_was_typed_is_kept(desk, call):
    asked = ask_question(call, by=UserFactory(), text="Never mind?")
    withdraw_question(asked, by=asked.asked_by)
    response = desk.post(address("", asked), {"answer": "A long answer.", "published_text": "Never?"})
    page = text_of(response)
    assert response.status_code == 409
    assert ["A long answer." in page, "is now “Withdrawn”" in page, "Never?" in page] == [True, True, True]
    assert "Give the answer" not in page


def test_refused_answer_stays_in_its_form(desk, call):
    asked = ask_question(call, by=UserFactory(name="Rosa Lindqvist"), text="May we?")
    response = desk.post(address("", asked), {"answer": "Rosa Lindqvist may.", "published_text": "May one?"})
    page = text_of(response)
    assert response.status_code == 422
    assert ["take out “Rosa Lindqvist”" in page, "Rosa Lindqvist may.</textarea>" in page] == [True, True]


def test_desk_answers_under_a_number_once(desk, call):
    answered(call)
    asked = ask_question(call, by=UserFactory(), text="And cloud?")
    assert desk.post(address("-under", asked), {"number": "9"}).status_code == 422
    for _ in range(2):
        assert desk.post(address("-under", asked), {"number": "1"}).status_code == 302
    asked.refresh_from_db()
    assert asked.same_as.number == 1
    assert "Answered under" in text_of(desk.get(address("", asked)))
    assert desk.get(address("-correct", asked))["Location"] == address("", asked.same_as)


def test_desk_groups_and_shows_a_stale_save_with_both(desk, call):
    question = answered(call)
    read = {"place-revision": "1"}
    assert desk.post(address("-group", question), {**read, "place-topic": "Cloud"}).status_code == 302
    stale = desk.post(address("-group", question), {**read, "place-topic": "Sky", "place-about": "text"})
    assert stale.status_code == 409
    assert {(row["yours"], row["theirs"]) for row in stale.context["both"]} == {
        ("Sky", "Cloud"), ("The text of the call", "No part of it alone"),
    }  # fmt: skip
    question.refresh_from_db()
    assert question.topic == "Cloud"


def test_desk_corrects_and_shows_a_stale_save_with_both(desk, call):
    question = answered(call)
    form = {"revision": "1", "published_text": "Does cloud count?", "answer": "No.", "reason": "Misread."}
    assert desk.post(address("-correct", question), {**form, "reason": ""}).status_code == 422
    assert desk.post(address("-correct", question), form).status_code == 302
    stale = desk.post(address("-correct", question), {**form, "answer": "Perhaps."})
    page = text_of(stale)
    assert (stale.status_code, [row["yours"] for row in stale.context["both"]]) == (409, ["Perhaps."])
    assert ["Perhaps.</textarea>" in page, 'value="2"' in page] == [True, True]
    assert "Corrected" in text_of(desk.get(address("", question)))


@pytest.mark.parametrize("name", ["", "-under", "-group", "-correct"])
def test_desk_of_questions_is_the_program_offices(signed_in, call, name):
    question = answered(call)
    for person in (question.asked_by, UserFactory()):
        assert signed_in(person).post(address(name, question), {"answer": "No."}).status_code == 404
    question.refresh_from_db()
    assert question.answer == "Yes, it does."


@pytest.mark.parametrize("rows", [1, 3])
def test_pages_of_one_question_cost_the_same(desk, signed_in, call, django_assert_num_queries, rows):
    asker = UserFactory()
    question = answered(call, asker)
    for n in range(rows):
        correct_answer(question, by=officer(), answer=f"Answer {n}.", reason="Misread.")
        answer_under(ask_question(call, by=asker, text=f"Again {n}?"), by=officer(), number=1)
        answered(call, topic=f"Topic {n}")
    desk.get(address("", question))
    with django_assert_num_queries(9):
        desk.get(address("", question))
    own = signed_in(asker)
    page_of(own, call)
    with django_assert_num_queries(8):
        assert page_of(own, call).count("answered under") == rows


def test_heading_that_names_the_asker_is_refused_beside_the_form(desk, call):
    question = answered(call, by=UserFactory(name="Rosa Lindqvist"))
    refused = desk.post(address("-group", question), {"place-topic": "Rosa Lindqvist", "place-revision": "1"})
    assert (refused.status_code, "names who asked" in text_of(refused)) == (422, True)


def test_private_question_is_on_nobody_elses_page(signed_in, client):
    call, asker = issued_call(), UserFactory()
    asked = ask_question(call, by=asker, text="Canary question", is_confidential=True)
    answer_question(asked, by=officer(), answer="Canary answer")
    assert "Canary" not in text_of(client.get(f"/calls/{call.number}/"))
    assert "Canary" not in text_of(signed_in(UserFactory()).get(f"/calls/{call.number}/"))
    assert "Canary answer" in text_of(signed_in(asker).get(f"/calls/{call.number}/"))


def test_signed_in_person_asks_follows_and_withdraws(signed_in):
    call, person = issued_call(), UserFactory()
    client = signed_in(person)
    client.post(f"/calls/{call.number}/ask/", {"text": "Does cloud count?"})
    asked = Question.objects.get()
    assert (asked.asked_by, asked.text) == (person, "Does cloud count?")
    client.post(f"/questions/{asked.pk}/withdraw/")
    asked.refresh_from_db()
    assert asked.status == "withdrawn"
    client.post(f"/calls/{call.number}/follow/")
    assert Subscription.objects.get().call == call
    client.post(f"/calls/{call.number}/follow/", {"act": "stop"})
    assert not Subscription.objects.exists()
    client.post("/calls/follow/")
    assert Subscription.objects.get().call is None


def test_question_after_the_deadline_is_refused_beside_the_field(signed_in):
    call = issued_call(at=APRIL_FIRST)
    client = signed_in(UserFactory())
    with clock.moved_to(call.closes_at):
        response = client.post(f"/calls/{call.number}/ask/", {"text": "Late?"})
    assert response.status_code == 422
    assert "this call is not open" in text_of(response)


def test_question_of_another_cannot_be_withdrawn(signed_in):
    asked = ask_question(issued_call(), by=UserFactory(), text="Mine?")
    assert signed_in(UserFactory()).post(f"/questions/{asked.pk}/withdraw/").status_code == 404


def test_question_is_answered_at_the_desk(signed_in):
    asked = ask_question(issued_call(), by=UserFactory(), text="We at Firm X ask.")
    client = signed_in(officer())
    assert "We at Firm X ask." in text_of(client.get("/desk/questions/"))
    client.post(f"/desk/questions/{asked.pk}/", {"published_text": "One asks.", "answer": "Yes."})
    asked.refresh_from_db()
    assert (asked.status, asked.published_text, asked.answer) == ("answered", "One asks.", "Yes.")

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.exceptions import PermissionDenied

from program import clock
from program.enums import OfficeRole, QuestionStatus
from program.models import Notice, Question
from program.services.questions import answer_question, ask_question, withdraw_question
from program.services.subscriptions import subscribe, unsubscribe
from program.transitions import NotReady, WrongStatus
from tests.factories.program import UserFactory, drafted_call, issued_call, officer

pytestmark = pytest.mark.django_db
APRIL_FIRST = datetime(2026, 4, 1, 13, tzinfo=UTC)


@pytest.fixture
def call():
    return issued_call()


def told(kind):
    return set(Notice.objects.filter(kind=kind).values_list("recipient", flat=True))


def test_question_reaches_the_program_officers(call):
    question = ask_question(call, by=UserFactory(), text="Does cloud count as hardware?")
    assert question.status == QuestionStatus.ASKED
    assert told("question-asked") == {call.created_by_id, call.approved_by_id}


def test_public_answer_is_published_in_the_officers_words_and_told_to_followers(call):
    asker, reader = UserFactory(), UserFactory()
    subscribe(call, by=reader)
    subscribe(call, by=asker)
    question = ask_question(call, by=asker, text="We at Firm X ask whether cloud counts.")
    answer_question(question, by=officer(), answer="Yes.", published_text="Does cloud count?")
    question.refresh_from_db()
    assert (question.status, question.published_text) == (QuestionStatus.ANSWERED, "Does cloud count?")
    assert Question.objects.public().get() == question
    assert (told("question-answered"), told("answer-published")) == ({asker.pk}, {reader.pk})


def test_private_answer_stays_private_whatever_the_officer_sets(call):
    asker, reader = UserFactory(), UserFactory()
    subscribe(call, by=reader)
    question = ask_question(call, by=asker, text="About our chips.", is_confidential=True)
    answer_question(question, by=officer(), answer="Yes.", published_text="Chips?", is_confidential=False)
    assert not Question.objects.public().exists()
    assert Question.objects.get().published_text == ""
    assert told("answer-published") == set()
    assert not Question.objects.visible_to(reader).exists()
    assert Question.objects.visible_to(asker).exists()


def test_question_comes_before_the_deadline():
    call = issued_call(at=APRIL_FIRST)
    with clock.moved_to(call.closes_at), pytest.raises(NotReady):
        ask_question(call, by=UserFactory(), text="Too late?")
    with pytest.raises(NotReady):
        ask_question(drafted_call(), by=UserFactory(), text="Too early?")


def test_withdrawn_question_is_not_answered(call):
    question = ask_question(call, by=UserFactory(), text="Never mind.")
    withdraw_question(question, by=question.asked_by)
    with pytest.raises(WrongStatus):
        answer_question(question, by=officer(), answer="Late.")


def test_only_the_asker_withdraws_and_only_officers_answer(call):
    question = ask_question(call, by=UserFactory(), text="Mine.")
    for stranger in (UserFactory(), officer()):
        with pytest.raises(PermissionDenied):
            withdraw_question(question, by=stranger)
    for stranger in (question.asked_by, officer(OfficeRole.REVIEWER)):
        with pytest.raises(PermissionDenied):
            answer_question(question, by=stranger, answer="No.")


def test_answer_is_not_empty(call):
    question = ask_question(call, by=UserFactory(), text="Mine.")
    with pytest.raises(NotReady):
        answer_question(question, by=officer(), answer="  ")


def test_following_twice_is_following_once(call):
    reader = UserFactory()
    assert subscribe(call, by=reader) == subscribe(call, by=reader)
    assert subscribe(None, by=reader) == subscribe(None, by=reader)
    assert (unsubscribe(call, by=reader), unsubscribe(call, by=reader)) == (True, False)


@pytest.mark.parametrize("status", QuestionStatus)
@pytest.mark.parametrize("role", [None, *OfficeRole])
def test_list_and_record_agree_on_who_may_view(call, role, status):
    user = officer(role) if role else UserFactory()
    for private in (True, False):
        question = Question.objects.create(
            call=call, status=status, text="?", is_confidential=private, asked_by=UserFactory()
        )
        listed = Question.objects.visible_to(user).contains(question)
        assert listed == user.has_perm("program.view_question", question)

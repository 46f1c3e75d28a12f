from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from program import clock
from program.enums import OfficeRole, QuestionStatus
from program.models import Affiliation, AuditEvent, Notice, Question
from program.revisions import StaleRevision
from program.services.questions import (
    MOST_A_DAY,
    answer_question,
    answer_under,
    ask_question,
    correct_answer,
    group_question,
    withdraw_question,
)
from program.services.subscriptions import subscribe, unsubscribe
from program.transitions import NotReady, TooMany, WrongStatus
from tests.factories.program import (
    OrganizationFactory,
    RequirementFactory,
    UserFactory,
    drafted_call,
    issued_call,
    officer,
)

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


def answered(call, by=None, text="Does cloud count?", answer="Yes, it does.", **more):
    question = ask_question(call, by=by or UserFactory(), text=text)
    answer_question(question, by=officer(), answer=answer, **more)
    return question


def test_published_answers_are_numbered_within_their_call(call):
    first, second, other = answered(call), answered(call), answered(issued_call())
    private = ask_question(call, by=UserFactory(), text="About our chips.", is_confidential=True)
    answer_question(private, by=officer(), answer="Yes.")
    assert [each.number for each in (first, second, other, private)] == [1, 2, 1, None]


def test_question_asked_twice_in_the_same_words_is_one(call):
    asker = UserFactory()
    first, second = (ask_question(call, by=asker, text="Twice?") for _ in range(2))
    assert first == second
    assert Notice.objects.filter(kind="question-asked", recipient=call.created_by).count() == 1
    assert ask_question(call, by=UserFactory(), text="Twice?") != first


def test_person_asks_so_often_a_day_about_one_call(call):
    asker, began = UserFactory(), clock.now()
    with clock.moved_to(began):
        for n in range(MOST_A_DAY):
            last = ask_question(call, by=asker, text=f"Question {n}?")
    withdraw_question(last, by=asker)
    with clock.moved_to(began + timedelta(hours=23)), pytest.raises(TooMany) as refusal:
        ask_question(call, by=asker, text="One more?")
    assert refusal.value.seconds == 3600
    ask_question(call, by=UserFactory(), text="Somebody else?")
    ask_question(issued_call(), by=asker, text="Of another call?")
    with clock.moved_to(began + timedelta(hours=24)):
        ask_question(call, by=asker, text="The day after?")


def test_duplicate_is_answered_under_a_published_number_and_tells_its_asker_alone(call):
    asker, reader = UserFactory(), UserFactory()
    published = answered(call)
    subscribe(call, by=reader)
    Notice.objects.all().delete()
    asked = ask_question(call, by=asker, text="Is cloud hardware?")
    with pytest.raises(NotReady, match=r"No\. 7"):
        answer_under(asked, by=officer(), number=7)
    answer_under(asked, by=officer(), number=1)
    asked.refresh_from_db()
    assert (asked.status, asked.same_as, asked.number) == (QuestionStatus.ANSWERED, published, None)
    assert (told("question-answered"), told("answer-published")) == ({asker.pk}, set())
    assert Notice.objects.get(kind="question-answered").url.endswith("#question-1")
    assert list(Question.objects.public()) == [published]
    with pytest.raises(WrongStatus):
        answer_under(asked, by=officer(), number=1)
    other = answered(issued_call())
    with pytest.raises(NotReady):
        answer_under(ask_question(other.call, by=asker, text="Again?"), by=officer(), number=2)


def test_correction_keeps_the_text_before_and_tells_who_asked_and_who_follows(call):
    asker, second, reader, person = UserFactory(), UserFactory(), UserFactory(), officer()
    question = answered(call, asker)
    answer_under(ask_question(call, by=second, text="And cloud?"), by=person, number=1)
    subscribe(call, by=reader)
    read = question.revision
    correct_answer(question, by=person, answer="No.", reason="The order says otherwise.", revision=read)
    question.refresh_from_db()
    assert (question.answer, question.published_text, question.number) == ("No.", "Does cloud count?", 1)
    kept = question.revisions.values_list("number", "published_text", "answer", "reason")
    assert list(kept) == [
        (1, "Does cloud count?", "Yes, it does.", ""),
        (2, "Does cloud count?", "No.", "The order says otherwise."),
    ]
    assert told("answer-corrected") == {asker.pk, second.pk, reader.pk}
    with pytest.raises(StaleRevision):
        correct_answer(question, by=person, answer="Perhaps.", reason="Again.", revision=read)
    for wrong in ({"answer": "No."}, {"reason": " "}, {"answer": " "}):
        with pytest.raises(NotReady):
            correct_answer(question, by=person, **{"answer": "Perhaps.", "reason": "Why.", **wrong})
    for stranger in (asker, officer(OfficeRole.REVIEWER)):
        with pytest.raises(PermissionDenied):
            correct_answer(question, by=stranger, answer="Perhaps.", reason="Why.")
    with pytest.raises(IntegrityError), transaction.atomic():
        question.revisions.update(answer="Perhaps.")
    assert question.revisions.count() == 2


def test_private_answer_is_corrected_for_its_asker_alone(call):
    asker, reader = UserFactory(), UserFactory()
    subscribe(call, by=reader)
    question = ask_question(call, by=asker, text="About our chips.", is_confidential=True)
    answer_question(question, by=officer(), answer="Yes.")
    correct_answer(question, by=officer(), answer="No.", published_text="Chips?", reason="Misread.")
    assert (question.published_text, told("answer-corrected")) == ("", {asker.pk})
    assert not Question.objects.public().exists()


def test_what_is_not_answered_itself_is_not_corrected(call):
    waiting = ask_question(call, by=UserFactory(), text="Waiting?")
    with pytest.raises(WrongStatus):
        correct_answer(waiting, by=officer(), answer="No.", reason="Why.")
    answered(call)
    answer_under(waiting, by=officer(), number=1)
    with pytest.raises(NotReady, match="under which"):
        correct_answer(waiting, by=officer(), answer="No.", reason="Why.")


@pytest.mark.parametrize("place", ["published_text", "answer"])
@pytest.mark.parametrize("name", ["rosa lindqvist", "Bluepine Models", "rosa@bluepine.example"])
def test_nothing_is_published_that_names_the_asker(call, place, name):
    asker = UserFactory(name="Rosa Lindqvist", email="rosa@bluepine.example")
    firm = OrganizationFactory(legal_name="Bluepine Models")
    Affiliation.objects.create(user=asker, organization=firm, added_by=asker)
    question = ask_question(call, by=asker, text="May we lead?")
    texts = {"published_text": "May one lead?", "answer": "Yes.", place: f"As {name} asked: yes."}
    with pytest.raises(NotReady, match="names who asked"):
        answer_question(question, by=officer(), **texts)
    question.refresh_from_db()
    assert (question.status, AuditEvent.objects.of(question).count()) == (QuestionStatus.ASKED, 1)
    answer_question(question, by=officer(), is_confidential=True, **texts)
    answer_question(
        ask_question(call, by=asker, text="Rosa Lindqvistson?"), by=officer(), answer="Rosa Lindqvistson may."
    )


@pytest.mark.parametrize(
    ("legal", "said"),
    [
        ("Saltmarsh Hydrology, Inc. (fictional)", "Naomi F. of Saltmarsh Hydrology asks this."),
        ("Bluepine Models Co., Ltd.", "Bluepine Models wants to lead."),
        ("Hokuto Optical K.K. (fictional)", "As Hokuto Optical says."),
    ],
)
def test_firm_is_named_also_without_its_legal_form(call, legal, said):
    asker = UserFactory(name="Rosa Lindqvist")
    Affiliation.objects.create(user=asker, organization=OrganizationFactory(legal_name=legal), added_by=asker)
    question = ask_question(call, by=asker, text="May we lead?")
    with pytest.raises(NotReady, match="names who asked"):
        answer_question(question, by=officer(), published_text=said, answer="Yes.")


def test_one_word_that_is_left_of_a_firm_is_no_finding(call):
    asker = UserFactory(name="Rosa Lindqvist")
    firm = OrganizationFactory(legal_name="Summit, Inc.")
    Affiliation.objects.create(user=asker, organization=firm, added_by=asker)
    question = ask_question(call, by=asker, text="May we lead?")
    answer_question(question, by=officer(), published_text="At the summit?", answer="Yes.")


def test_heading_and_correction_name_nobody_who_asked_it_or_the_same(call):
    by = officer()
    first, second = UserFactory(name="Rosa Lindqvist"), UserFactory(name="Ada Nwosu")
    asked, same = (ask_question(call, by=one, text="May we lead?") for one in (first, second))
    with pytest.raises(NotReady, match="names who asked"):
        answer_question(asked, by=by, answer="Yes.", topic="For Rosa Lindqvist")
    answer_question(asked, by=by, answer="Yes.", topic="Leading")
    answer_under(same, by=by, number=asked.number)
    with pytest.raises(NotReady, match="names who asked"):
        correct_answer(asked, by=by, answer="Yes, Ada Nwosu.", reason="It was short.")
    with pytest.raises(NotReady, match="names who asked"):
        group_question(asked, by=by, topic="Ada Nwosu")
    asked.refresh_from_db()
    assert (asked.topic, asked.answer) == ("Leading", "Yes.")


def test_asker_of_one_name_keeps_no_word_from_being_published(call):
    asked = ask_question(call, by=UserFactory(name="Will"), text="Who decides?")
    answer_question(asked, by=officer(), answer="The Secretary will.")
    assert asked.number == 1


def test_question_is_put_under_a_heading_and_beside_what_it_is_about(call):
    question, person = answered(call, topic="Hardware"), officer()
    place = {"topic": "  Cloud  services ", "requirement_code": "markets"}
    with pytest.raises(ValidationError, match="no such requirement"):
        group_question(question, by=person, **place)
    RequirementFactory(call=call, code="markets")
    event = group_question(question, by=person, **place, revision=1)
    assert group_question(question, by=person, **place) is None
    question.refresh_from_db()
    assert (question.topic, question.about, question.revision) == ("Cloud services", "requirements", 2)
    assert event.said["before"]["topic"] == "Hardware"
    with pytest.raises(StaleRevision):
        group_question(question, by=person, topic="Else", revision=1)
    with pytest.raises(PermissionDenied):
        group_question(question, by=question.asked_by, topic="Else")
    group_question(question, by=person, about="places")
    assert (question.topic, question.about, question.requirement_code) == ("", "places", "")


def test_answers_are_found_by_words_in_any_form(call):
    answered(call, text="Does cloud count?", answer="Only servers that are leased.", topic="Hardware")
    answered(call, text="Who may lead?", answer="A company.")
    found = {
        sought: list(Question.objects.public().with_words(sought).values_list("number", flat=True))
        for sought in ("server", "leasing", "hardware", "lead OR cloud", "cloud -servers", "zebra", "'", "")
    }
    assert {sought: sorted(numbers) for sought, numbers in found.items()} == {
        "server": [1], "leasing": [1], "hardware": [1], "lead OR cloud": [1, 2], "cloud -servers": [],
        "zebra": [], "'": [], "": [1, 2],
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_once_have_two_numbers():
    call, person = issued_call(), officer()
    asked = [ask_question(call, by=UserFactory(), text=f"Question {n}?") for n in range(2)]
    barrier = Barrier(2)

    def give(question):
        barrier.wait()
        answer_question(question, by=person, answer="Yes.")
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(give, asked))
    assert sorted(Question.objects.values_list("number", flat=True)) == [1, 2]

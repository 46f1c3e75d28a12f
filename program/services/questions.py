"""Questions about a call: asked by anyone signed in, answered by the Program office, published or private.

A published answer has a number within its call and tells nothing of the asker. A correction is a revision of
its own: the texts before it stay readable.
"""

from __future__ import annotations

import re
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max, Q
from django.urls import reverse

from program import audit, clock, moments, notices
from program.enums import CallStatus, PartOfCall, QuestionStatus
from program.lifecycle import ANSWER, WITHDRAW_QUESTION
from program.models import AnswerRevision, AuditEvent, Call, Question, User
from program.notice_kinds import ANSWER_CORRECTED, ANSWER_PUBLISHED, QUESTION_ANSWERED, QUESTION_ASKED
from program.revisions import hold, one_at_a_time
from program.services.calls import deadline_of, program_officers, public_url
from program.services.subscriptions import Reach, Telling, mailed, reach_of, tell
from program.transitions import NotReady, Problem, TooMany, Transition, WrongStatus, perform, require

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from program.notice_kinds import NoticeKind

MOST_A_DAY: Final = 10
DAY: Final = timedelta(hours=24)
CORRECT = Transition(
    "correct", {QuestionStatus.ANSWERED}, QuestionStatus.ANSWERED, label="Correct the answer"
)
GROUP = Transition(
    "group",
    {QuestionStatus.ASKED, QuestionStatus.ANSWERED},
    QuestionStatus.ANSWERED,
    label="Put under a heading",
)


@transaction.atomic
def ask_question(call: Call, *, by: User, text: str, is_confidential: bool = False) -> Question:
    """Put a question to the Program office while the call takes proposals.

    Asked twice in the same words it is one question. Raises TooMany after ``MOST_A_DAY`` in 24 hours.
    """
    if not by.is_active:
        raise PermissionDenied("Your account is closed.")
    if call.status != CallStatus.ISSUED or clock.now() >= deadline_of(call):
        message = "Questions are taken until the call closes; this call is not open."
        raise NotReady([Problem("question-late", message, "s.3(c)", field="text")])
    one_at_a_time("ask", call.pk, by.pk)
    asked = Question.objects.filter(call=call, asked_by=by)
    same = asked.filter(status=QuestionStatus.ASKED, text=text, is_confidential=is_confidential).first()
    if same is not None:
        return same
    refuse_too_many(asked)
    question = Question(
        call=call, text=text, is_confidential=is_confidential, asked_by=by, asked_at=clock.now()
    )
    question.full_clean()
    question.save()
    event = audit.record(
        question, "question.ask", by=by, after={"call": call.number, "private": is_confidential}
    )
    url = reverse("program:desk-question", args=[question.pk])
    notices.owe(event, QUESTION_ASKED, program_officers(), url=url, number=call.number)
    return question


def refuse_too_many(asked: QuerySet[Question]) -> None:
    """Raise TooMany for a person who asked as often as a day allows; withdrawn questions count."""
    now = clock.now()
    latest = asked.filter(asked_at__gt=now - DAY).order_by("-asked_at").values_list("asked_at", flat=True)
    recent = list(latest[:MOST_A_DAY])
    if len(recent) == MOST_A_DAY:
        again = recent[-1] + DAY
        raise TooMany(
            f"You asked {MOST_A_DAY} questions about this call within 24 hours, which is as many as the "
            f"Program office takes from one person. You can ask the next one from {moments.moment(again)}. "
            "Your text is still in the form.",
            ceil((again - now).total_seconds()),
        )


@transaction.atomic
def answer_question(
    question: Question,
    *,
    by: User,
    answer: str,
    published_text: str = "",
    is_confidential: bool | None = None,
    **place: str,
) -> AuditEvent:
    """Answer a question; in public under the officer's wording, unless the asker wanted it private.

    A public question may be answered privately, never a private one in public. ``place`` is as for
    ``group_question``. Raises NotReady where the published texts name who asked.
    """
    if not answer.strip():
        raise NotReady([Problem("answer-empty", "Write the answer.", field="answer")])
    call = question.call
    one_at_a_time("answer", call.pk)
    grouped = place_of(call, **place) if place else {}

    def given() -> dict[str, Any]:
        is_private = question.is_confidential or bool(is_confidential)
        text = "" if is_private else (published_text.strip() or question.text)
        if not is_private:
            refuse_naming(question, text, answer, grouped.get("topic", question.topic))
        return {
            "answer": answer.strip(),
            "answered_by": by,
            "is_confidential": is_private,
            "published_text": text,
            "number": None if is_private else next_number(call),
            **({} if is_private else grouped),
        }

    event = perform(ANSWER, question, by=by, changes=given)
    question.full_clean(exclude=["asked_by", "call"])
    keep_revision(question, event, by=by)
    url = answer_url(question)
    notices.owe(event, QUESTION_ANSWERED, [question.asked_by], url=url, number=call.number)
    if not question.is_confidential:
        tell(event, telling_of_answer(question), call, but=[question.asked_by])
    return event


@transaction.atomic
def answer_under(question: Question, *, by: User, number: int) -> AuditEvent:
    """Answer a question by one that is published under ``number`` already; only its asker is told."""
    published = question.call.questions.public().filter(number=number).first()
    if published is None:
        message = f"No answer is published under No. {number} of this call."
        raise NotReady([Problem("no-such-answer", message, field="number")])
    event = perform(ANSWER, question, by=by, changes=lambda: {"same_as": published, "answered_by": by})
    notices.owe(
        event, QUESTION_ANSWERED, [question.asked_by], url=answer_url(question), number=question.call.number
    )
    return event


@transaction.atomic
def correct_answer(
    question: Question,
    *,
    by: User,
    answer: str,
    reason: str,
    published_text: str = "",
    revision: int | None = None,
) -> AnswerRevision:
    """Put a corrected answer in the place of the one that was given; the old text stays readable.

    Who follows the call is told, and who asked this or the same. Raises StaleRevision when the question is
    not at ``revision``, NotReady where nothing is changed, no reason is given or the asker is named.
    """
    require(CORRECT.permission(question), by, question)
    hold(question, revision=revision, with_related=("call", "asked_by"))
    if question.status not in CORRECT.sources:
        raise WrongStatus(CORRECT, question)
    if question.same_as_id:
        raise refusal("answered-elsewhere", "Correct the answer under which this question was answered.")
    was = question.published_text, question.answer
    text = "" if question.is_confidential else (published_text.strip() or question.published_text)
    if (text, answer.strip()) == was:
        raise refusal("correction-empty", "Question and answer are the same as before.", "answer")
    if not answer.strip():
        raise refusal("answer-empty", "Write the answer.", "answer")
    if not reason.strip():
        raise refusal("correction-reason", "Say why the answer is corrected.", "reason")
    if not question.is_confidential:
        refuse_naming(question, text, answer, reason)
    question.published_text, question.answer = text, answer.strip()
    raise_revision(question, "published_text", "answer")
    facts = {"published_text": text, "answer": question.answer}
    event = audit.record(
        question, "question.correct", by=by, before=dict(zip(facts, was, strict=True)), after=facts,
        note=reason,
    )  # fmt: skip
    kept = keep_revision(question, event, by=by, reason=reason.strip())
    asked, call, url = askers(question).filter(is_active=True), question.call, answer_url(question)
    notices.owe(event, ANSWER_CORRECTED, asked, url=url, number=call.number)
    if not question.is_confidential:
        tell(event, telling_of_answer(question, ANSWER_CORRECTED), call, but=asked)
    return kept


def telling_of_answer(question: Question, kind: NoticeKind = ANSWER_PUBLISHED) -> Telling:
    """What the followers are told of an answer, or of its correction."""
    return Telling(kind, answer_url(question), {"number": question.call.number})


def askers(question: Question) -> QuerySet[User]:
    """Who asked it, and who asked the same."""
    same = question.duplicates.values("asked_by")
    return User.objects.filter(Q(pk=question.asked_by_id) | Q(pk__in=same))


def reach_of_correction(question: Question) -> tuple[int, Reach | None]:
    """Whom a correction reaches: how many who asked, and of a published answer who is told of the call."""
    asked = askers(question).filter(is_active=True)
    return mailed(asked).count(), None if question.is_confidential else reach_of(question.call, but=asked)


@transaction.atomic
def group_question(
    question: Question,
    *,
    by: User,
    topic: str = "",
    about: str = "",
    requirement_code: str = "",
    revision: int | None = None,
) -> AuditEvent | None:
    """Put a question under a heading and beside the part of the call that it is about.

    Raises NotReady where the heading is published and names who asked.
    """
    require(GROUP.permission(question), by, question)
    hold(question, revision=revision, with_related=("call",))
    if question.status not in GROUP.sources:
        raise WrongStatus(GROUP, question)
    place = place_of(question.call, topic, about, requirement_code)
    before = {name: getattr(question, name) for name in place}
    if place == before:
        return None
    if not question.is_confidential:
        refuse_naming(question, place["topic"])
    for name, value in place.items():
        setattr(question, name, value)
    raise_revision(question, *place)
    return audit.record(question, "question.group", by=by, before=before, after=place)


@transaction.atomic
def withdraw_question(question: Question, *, by: User) -> AuditEvent:
    """Take one's own question back before it is answered."""
    return perform(WITHDRAW_QUESTION, question, by=by)


def place_of(call: Call, topic: str = "", about: str = "", requirement_code: str = "") -> dict[str, str]:
    """Heading and part of the call, in one spelling; raises ValidationError for a part the call has not."""
    if requirement_code and not call.requirements.filter(code=requirement_code).exists():
        raise ValidationError({"about": "The call has no such requirement."})
    part = PartOfCall.REQUIREMENTS if requirement_code else about
    return {"topic": " ".join(topic.split()), "about": part, "requirement_code": requirement_code}


def next_number(call: Call) -> int:
    return (call.questions.aggregate(last=Max("number"))["last"] or 0) + 1


def keep_revision(question: Question, event: AuditEvent, *, by: User, reason: str = "") -> AnswerRevision:
    """Write down what ``question`` says as the next revision of its answer."""
    kept = AnswerRevision(
        question=question, number=question.revisions.count() + 1, published_text=question.published_text,
        answer=question.answer, reason=reason, given_by=by, given_at=event.at,
    )  # fmt: skip
    kept.full_clean()
    kept.save()
    return kept


def raise_revision(question: Question, *names: str) -> None:
    question.full_clean(exclude=["asked_by", "call"])
    question.revision += 1
    question.save(update_fields=[*names, "revision", "updated_at"])


def refuse_naming(question: Question, *texts: str) -> None:
    """Raise NotReady where a text that is published names who asked it or the same, or whom they work for.

    One name alone is no finding: "Will" and "Grant" are words of many answers. A firm is named also without
    its legal form, where more than one word is left of it.
    """
    people = askers(question).values_list("email", "name", "affiliations__organization__legal_name")
    found = {
        name
        for email, full_name, firm in people
        for name in (email, full_name if len(full_name.split()) > 1 else "", firm, short_name(firm or ""))
        if name
    }
    for name in sorted(found, key=lambda name: (-len(name), name)):
        if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) for text in texts):
            message = f"What is published names who asked: take out “{name}”."
            raise NotReady([Problem("names-the-asker", message, "s.3(b)", field="published_text")])


#: What may end a firm's name and is left out when people speak of it
LEGAL_FORM = re.compile(
    r"[\s,]+(inc|incorporated|corp|corporation|co|company|llc|llp|lp|ltd|limited|plc|gmbh|ag|sa|sas|nv|bv|"
    r"pty|pte|k\.?k|oy|ab|asa|spa|srl)\.?$",
    re.IGNORECASE,
)


def short_name(firm: str) -> str:
    """The name without its legal form and what stands in brackets; nothing where one word is left."""
    name = re.sub(r"\s*\([^)]*\)", "", firm).strip()
    while (shorter := LEGAL_FORM.sub("", name)) != name:
        name = shorter
    name = name.strip(" ,.")
    return name if len(name.split()) > 1 else ""


def refusal(code: str, message: str, field: str = "") -> NotReady:
    return NotReady([Problem(code, message, "s.3(b)", field=field)])


def answer_url(question: Question) -> str:
    """Where the answer is read: in public under its number, or by the asker alone."""
    number = question.same_as.number if question.same_as else question.number
    return f"{public_url(question.call)}#{f'question-{number}' if number else 'my-questions'}"

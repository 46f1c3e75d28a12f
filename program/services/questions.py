"""Questions about a call: asked by anyone signed in, answered by the program office, published or private."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from program import audit, clock, notices
from program.enums import CallStatus
from program.lifecycle import ANSWER, WITHDRAW_QUESTION
from program.models import AuditEvent, Call, Question, User
from program.notices import ANSWER_PUBLISHED, QUESTION_ANSWERED, QUESTION_ASKED
from program.services.calls import deadline_of, program_officers, public_url
from program.services.subscriptions import tell
from program.transitions import NotReady, Problem, perform


@transaction.atomic
def ask_question(call: Call, *, by: User, text: str, is_confidential: bool = False) -> Question:
    """Put a question to the program office while the call takes proposals."""
    if not by.is_active:
        raise PermissionDenied("Your account is closed.")
    if call.status != CallStatus.ISSUED or clock.now() >= deadline_of(call):
        message = "Questions are taken until the call closes; this call is not open."
        raise NotReady([Problem("question-late", message, "s.3(c)", field="text")])
    question = Question(call=call, text=text, is_confidential=is_confidential, asked_by=by)
    question.full_clean()
    question.save()
    event = audit.record(
        question, "question.ask", by=by, after={"call": call.number, "private": is_confidential}
    )
    url = reverse("program:desk-question", args=[question.pk])
    notices.owe(event, QUESTION_ASKED, program_officers(), url=url, number=call.number)
    return question


@transaction.atomic
def answer_question(
    question: Question,
    *,
    by: User,
    answer: str,
    published_text: str = "",
    is_confidential: bool | None = None,
) -> AuditEvent:
    """Answer a question; in public under the officer's wording, unless the asker wanted it private.

    A public question may be answered privately, never a private one in public.
    """
    if not answer.strip():
        raise NotReady([Problem("answer-empty", "Write the answer.", field="answer")])
    event = perform(ANSWER, question, by=by)
    question.answer, question.answered_by = answer.strip(), by
    question.is_confidential = question.is_confidential or bool(is_confidential)
    question.published_text = "" if question.is_confidential else (published_text.strip() or question.text)
    question.full_clean(exclude=["asked_by", "call"])
    question.save(update_fields=["answer", "answered_by", "is_confidential", "published_text", "updated_at"])
    call = question.call
    where = "#questions" if not question.is_confidential else "#my-questions"
    url = f"{public_url(call)}{where}"
    notices.owe(event, QUESTION_ANSWERED, [question.asked_by], url=url, number=call.number)
    if not question.is_confidential:
        tell(event, ANSWER_PUBLISHED, call, url=url, but=[question.asked_by], number=call.number)
    return event


@transaction.atomic
def withdraw_question(question: Question, *, by: User) -> AuditEvent:
    """Take one's own question back before it is answered."""
    return perform(WITHDRAW_QUESTION, question, by=by)

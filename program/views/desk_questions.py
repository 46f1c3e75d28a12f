"""Questions about calls at the desk: answer, answer under another, put under a heading, correct."""

from __future__ import annotations

from copy import copy
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from program.acts import attempt, lay_beside
from program.conflicts import differences, typed_in
from program.differences import compare_texts
from program.enums import QuestionStatus
from program.forms import AnswerForm, AnswerUnderForm, CorrectionForm, GroupForm
from program.models import Question
from program.notice_kinds import ANSWER_CORRECTED
from program.requests import SignedInRequest, number_said
from program.revisions import StaleRevision
from program.services import questions as services
from program.transitions import NotReady
from program.views.calls import with_differences
from program.views.desk_calls import FORM, program_office
from program.views.previews import Preview, preview_of

PAGE: Final = 50


@program_office
@require_safe
def question_list(request: SignedInRequest) -> HttpResponse:
    """Questions that wait, the oldest first, then the last fifty that were settled."""
    questions = Question.objects.visible_to(request.user).select_related("call", "asked_by", "same_as")
    waiting = questions.filter(status=QuestionStatus.ASKED).order_by("pk")
    if after := number_said(request.GET.get("after", "")):
        waiting = waiting.filter(pk__gt=after)
    found = list(waiting[: PAGE + 1])
    facts = {
        "waiting": found[:PAGE],
        "oldest": request.path if after else "",
        "later": f"?{urlencode({'after': found[PAGE - 1].pk})}" if len(found) > PAGE else "",
        "settled": []
        if after
        else questions.exclude(status=QuestionStatus.ASKED).order_by("-updated_at")[:PAGE],
    }
    return render(request, "program/desk/questions.html", facts)


def find(request: SignedInRequest, pk: int) -> Question:
    related = ("call", "asked_by", "answered_by", "same_as")
    return get_object_or_404(Question.objects.visible_to(request.user).select_related(*related), pk=pk)


@program_office
@require_http_methods(FORM)
def question(request: SignedInRequest, pk: int) -> HttpResponse:
    """Read one question and answer it; before that, see how the published wording differs."""
    asked = find(request, pk)
    if request.method != "POST":
        return show(request, asked)
    form = AnswerForm(request.POST, question=asked)
    if form.is_valid():
        texts = {name: form.cleaned_data[name] for name in form.texts}
        if request.POST.get("act") == "compare":
            changed = compare_texts(asked.text, texts["published_text"] or asked.text)
            return show(request, asked, form=form, changed=changed)
        try:
            if attempt(
                request, services.answer_question, asked, done="The answer is given.", **texts, **form.place
            ):
                return redirect("program:desk-questions")
            return show(request, find(request, pk), status=409, typed=typed_in(form))
        except (NotReady, ValidationError) as refusal:
            beside(form, refusal)
    return show(request, find(request, pk), status=422, form=form)


@program_office
@require_POST
def question_under(request: SignedInRequest, pk: int) -> HttpResponse:
    """Answer a question by one that is published."""
    asked = find(request, pk)
    form = AnswerUnderForm(request.POST, question=asked)
    if form.is_valid():
        number = form.cleaned_data["number"]
        done = f"The question is answered under No. {number}, and its asker is told."
        try:
            attempt(request, services.answer_under, asked, done=done, number=number)
            return redirect("program:desk-question", pk)
        except NotReady as refusal:
            beside(form, refusal)
    return show(request, find(request, pk), status=422, under_form=form)


@program_office
@require_POST
def question_group(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put a question under a heading."""
    asked = find(request, pk)
    form = GroupForm(request.POST, question=asked, prefix="place")
    if form.is_valid():
        read = form.cleaned_data["revision"]
        try:
            done = "The question stands where you put it."
            attempt(request, services.group_question, asked, done=done, revision=read, **form.place)
            return redirect("program:desk-question", pk)
        except StaleRevision as stale:
            saved = GroupForm(question=stale.record, prefix="place")
            form.read_again(stale.record.revision)
            return show(
                request, find(request, pk), status=409, group_form=form, conflict=str(stale),
                both=differences(form, saved),
            )  # fmt: skip
        except (NotReady, ValidationError) as refusal:
            beside(form, refusal)
    return show(request, find(request, pk), status=422, group_form=form)


@program_office
@require_http_methods(FORM)
def question_correct(request: SignedInRequest, pk: int) -> HttpResponse:
    """Correct an answer that was given; what it said stays readable."""
    asked = find(request, pk)
    if asked.status != QuestionStatus.ANSWERED or asked.same_as:
        return redirect("program:desk-question", (asked.same_as or asked).pk)
    form = CorrectionForm(request.POST or None, initial=correction_of(asked))
    facts: dict[str, Any] = {"question": asked, "form": form, "preview": preview_of_correction(asked)}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            done = "The corrected answer stands in the place of the one before, which stays readable."
            try:
                attempt(request, services.correct_answer, asked, done=done, **form.cleaned_data)
                return redirect("program:desk-question", pk)
            except StaleRevision as stale:
                saved = CorrectionForm(initial=correction_of(stale.record))
                facts |= {"conflict": str(stale), "both": differences(form, saved)}
                form.read_again(stale.record.revision)
                status = 409
            except (NotReady, ValidationError) as refusal:
                beside(form, refusal)
    return render(request, "program/desk/correct.html", facts, status=status)


def correction_of(asked: Question) -> dict[str, Any]:
    return {
        "published_text": asked.published_text,
        "answer": asked.answer,
        "revision": asked.revision,
    }


def preview_of_correction(asked: Question) -> Preview | None:
    """The mail of a correction; None of a private answer, which only its asker reads."""
    askers, reach = services.reach_of_correction(asked)
    telling = services.telling_of_answer(asked, ANSWER_CORRECTED)
    but = services.askers(asked)
    return preview_of(asked.call, telling, also=askers, but=but, reach=reach) if reach else None


def preview_of_answer(asked: Question) -> Preview | None:
    """The mail of an answer that waits to be given, under the number that it would have."""
    if asked.status != QuestionStatus.ASKED or asked.is_confidential:
        return None
    given = copy(asked)
    given.number = services.next_number(asked.call)
    preview = preview_of(asked.call, services.telling_of_answer(given), but=[asked.asked_by])
    return preview if preview.is_any else None


def beside(form: Any, refusal: NotReady | ValidationError) -> None:
    """Put what a service refused beside the fields it is about."""
    if isinstance(refusal, ValidationError):
        form.add_error(None, refusal.messages)
        return
    for problem in lay_beside(form, refusal.problems):
        form.add_error(None, problem.message)


def show(request: SignedInRequest, asked: Question, *, status: int = 200, **more: Any) -> HttpResponse:
    """One question: as it was asked, as it is published and where they differ, its answer, its acts."""
    is_waiting = asked.status == QuestionStatus.ASKED
    revisions = asked.revisions.select_related("given_by").values(
        "number", "published_text", "answer", "reason", "given_at", "given_by__name"
    )
    initial = {"published_text": asked.text, "is_confidential": asked.is_confidential}
    placed = {"revision": asked.revision}
    facts = {
        "question": asked,
        "is_waiting": is_waiting,
        "preview": preview_of_answer(asked),
        "form": AnswerForm(question=asked, initial=initial) if is_waiting else None,
        "under_form": AnswerUnderForm(question=asked) if is_waiting else None,
        "group_form": GroupForm(question=asked, prefix="place", initial=placed) if asked.number else None,
        "topics": topics_of(asked),
        "edited": compare_texts(asked.text, asked.published_text) if asked.published_text else (),
        "revisions": with_differences([{**row} for row in revisions]),
        "duplicates": asked.duplicates.all(),
        **more,
    }
    return render(request, "program/desk/question.html", facts, status=status)


def topics_of(asked: Question) -> list[str]:
    """The headings that stand on the call already."""
    headed = asked.call.questions.exclude(topic="").order_by("topic")
    return list(headed.values_list("topic", flat=True).distinct())

"""The public pages of calls, and what a signed-in person does there: follow, ask, withdraw a question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import DEFAULT_DB_ALIAS
from django.db.models import CharField
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST, require_safe

from program import clock, kept, library
from program.acts import attempt
from program.calendars import deadline_file
from program.checks import past_the_order
from program.context_processors import Portal
from program.deadlines import local_day, long_date
from program.demanded import coming, demanded, last_instant
from program.differences import compare_texts
from program.documents import Withheld, download_response
from program.enums import AmendmentKind, CallStatus, Confidence, PartOfCall, StackLayer
from program.forms import QuestionForm
from program.kept import Kept
from program.limits import count_use
from program.models import Call, CallFile, Document, Question, Requirement
from program.order import implements
from program.prepared import Given, Prepared
from program.querysets import SCANNED
from program.requests import SignedInRequest
from program.services.calls import deadline_of, desk_url, public_url
from program.services.questions import ask_question, withdraw_question
from program.services.subscriptions import follows, subscribe, unsubscribe
from program.templatetags.portal import remaining
from program.transitions import NotReady, TooMany
from program.withheld import withheld_for

LONGEST_SEARCH = 200
LONG_TEXTS = ("text", "certification_text", "privacy_text", "confidentiality_text")
#: What stands on the page of a call for everybody, as it was written for the last of its readers
RECORDS: Final = Kept(32)


@login_not_required
@require_safe
def call_list(request: HttpRequest) -> HttpResponse:
    """Every call that was issued, the newest first."""
    calls = Call.objects.public().defer(*LONG_TEXTS).order_by("-issued_at", "-pk")
    following = request.user.is_authenticated and follows(request.user, None)
    facts = {
        "calls": [(call, is_open(call, call.asked_at)) for call in calls],  # type: ignore[attr-defined]
        "is_following": following,
        "may_draft": request.user.has_perm("program.add_call"),
    }
    return render(request, "program/calls/list.html", facts)


def is_open(call: Call, now: datetime) -> bool:
    """Whether the call takes proposals; its status follows when all that was received in time has settled."""
    return call.status == CallStatus.ISSUED and call.closes_at is not None and now < call.closes_at


@implements("s.3(b)", "s.3(c)")
@login_not_required
@require_safe
def call_detail(request: HttpRequest, number: str) -> HttpResponse:
    """One issued call: text, requirements, timeline, amendments, questions.

    A stranger costs one statement, and another where something was written since the last reader.
    """
    if sought := request.GET.get("q", "").strip()[:LONGEST_SEARCH]:
        count_use(request, "search")
    return show_call(request, call_shown(number), QuestionForm(), sought=sought)


@dataclass(frozen=True)
class Shown:
    """A public call without its long texts, and the ``writes`` of all that its page reads."""

    call: Call
    writes: tuple[int, ...]


HEAD: Final = [field.attname for field in Call._meta.concrete_fields if field.name not in LONG_TEXTS]
SHOWN: Final = Prepared(
    lambda: (
        Call.objects.public_in_prepared()
        .with_writes()
        .filter(number=Given("number", CharField()))
        .values_list(*HEAD, "asked_at", "writes")
    )
)


def call_shown(number: str) -> Shown:
    """The issued call of this number, asked of at this moment. Raises Http404 where there is none."""
    found = SHOWN.ask(number=number, **clock.given())
    if found is None:
        raise Http404("There is no call of this number.")
    *columns, asked_at, writes = found
    call = Call.from_db(DEFAULT_DB_ALIAS, HEAD, columns)
    call.asked_at = asked_at  # type: ignore[attr-defined]
    return Shown(call, tuple(writes))


def show_call(
    request: HttpRequest, shown: Shown, form: QuestionForm, status: int = 200, sought: str = ""
) -> HttpResponse:
    """The public page; a signed-in person sees as well their own questions and whether they follow."""
    call, person = shown.call, request.user
    asked_at: datetime = call.asked_at  # type: ignore[attr-defined]
    late = past_the_order(call)  # reads the closures where they matter

    def facts() -> dict[str, Any]:
        mine = Question.objects.filter(call=call, asked_by=person) if person.is_authenticated else None
        return {
            "call": call,
            "past_the_order": late,
            "form": form,
            "is_open": is_open(call, asked_at),
            "record": record_of(request, shown, sought),
            "my_questions": [
                (question, with_differences([vars(each) for each in question.revisions.all()]))
                for question in (mine.for_asker() if mine is not None else ())
            ],
            "is_following": person.is_authenticated and follows(person, call),
        }

    if sought or person.is_authenticated:
        return render(request, "program/calls/detail.html", facts(), status=status)
    left = (is_open(call, asked_at), remaining(call.closes_at, asked_at))
    made_from = (shown.writes, late, day_asked(call), *left, is_by_part(request))
    return kept.shown(request, "program/calls/detail.html", facts, made_from=made_from)


def record_of(request: HttpRequest, shown: Shown, sought: str) -> str:
    """What everybody reads of a call below its head; a search of its answers is written each time."""

    def write() -> str:
        calls = Call.objects.public().for_public_page(sought=sought)
        facts = facts_of_call(get_object_or_404(calls, pk=shown.call.pk), request)
        return render_to_string("program/calls/_record.html", {**facts, "sought": sought})

    if sought:
        return write()
    made_from = (shown.call.pk, shown.writes, day_asked(shown.call), is_by_part(request))
    return RECORDS.text(made_from, write)


def is_by_part(request: HttpRequest) -> bool:
    """Whether the answers stand by the parts of the call, not by their headings."""
    return request.GET.get("by") == "part"


def facts_of_call(call: Any, request: HttpRequest) -> dict[str, object]:
    """What the public page and the preview print of a call that was read by ``for_public_page``."""
    file_rows = [{**row, "closed": why_closed(row)} for row in call.file_rows]
    amendments = [
        {
            **row,
            "published_on": day_of(row["published_on"]),
            "effective_on": date.fromisoformat(row["effective_on"]),
            "is_extension": row["kind"] == AmendmentKind.EXTENSION,
            "segments": compare_texts(row["text_before"], row["text_after"]) if row["text_after"] else (),
            "demands": [
                {**each, "segments": compare_texts(each["before"], each["after"])} for each in row["demands"]
            ],
            "files": files_changed(file_rows, row["pk"]),
            "before": date.fromisoformat(row["due_on_before"]),
            "after": date.fromisoformat(row["due_on_after"]),
            "overtaken_by": overtaken_by(row, call.amendment_rows),
        }
        for row in call.amendment_rows
    ]
    rows, today = requirements_of(call), day_asked(call)
    expires = long_date(call.control_expires_on) if call.control_expires_on else "not stated"
    burden = library.burden_notice(
        call.burden_hours, Portal(request).support_email, call.control_number, expires
    )
    return {
        "call": call,
        "requirements": demanded(rows, last_instant(today)),
        "coming": coming(rows, today) if call.status == CallStatus.ISSUED else [],
        "coming_texts": [row for row in amendments if row["segments"] and row["effective_on"] > today],
        "criteria": [{**row, "anchors": in_order(row["anchors"])} for row in call.criterion_rows],
        "amendments": amendments,
        "files": [row for row in file_rows if row["withdrawn_by_id"] is None],
        **answers_of(call, by_part=is_by_part(request)),
        "outages": [
            {**row, **{name: moment_of(row[name]) for name in ("began_at", "ended_at")}}
            for row in call.outage_rows
        ],
        "past_the_order": past_the_order(call),
        "outage_rule": library.OUTAGE_RULE,
        "rubric_note": library.RUBRIC_NOTE,
        "places": grouped(call.place_rows),
        "burden": burden,
    }


def overtaken_by(row: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> list[int]:
    """Numbers of the amendments that touched what ``row`` had announced, before its day began."""
    codes = {each["code"] for each in row["demands"]}
    begins = date.fromisoformat(row["effective_on"])
    return sorted(
        later["number"]
        for later in rows
        if later["number"] > row["number"]
        and (day_of(later["published_on"]) or begins) < begins
        and codes & {each["code"] for each in later["demands"]}
    )


def requirements_of(call: Any) -> list[Requirement]:
    """All the requirements that a call ever had, as ``for_public_page`` has read them."""
    return [
        Requirement(**{**row, **{name: moment_of(row[name]) for name in ("demanded_from", "demanded_to")}})
        for row in call.requirement_rows
    ]


def day_asked(call: Any) -> date:
    """The day on which the page is asked for, in Washington."""
    asked_at = getattr(call, "asked_at", None)
    return local_day(asked_at) if asked_at else clock.today()


def answers_of(call: Any, *, by_part: bool) -> dict[str, object]:
    """The published answers by heading, or by the part of the call they are about; by number within."""
    titles = {row["code"]: row["title"] for row in call.requirement_rows}
    parts = dict(PartOfCall.choices)
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in call.question_rows:
        revisions = with_differences(
            [{**each, "given_at": datetime.fromisoformat(each["given_at"])} for each in row["revisions"]]
        )
        about = titles.get(row["requirement_code"]) or parts.get(row["about"], "")
        answer = {
            **row,
            "answered_at": datetime.fromisoformat(row["answered_at"]),
            "about_words": about,
            "place": f"requirement-{row['requirement_code']}" if row["requirement_code"] else row["about"],
            "revisions": revisions,
        }
        groups.setdefault(about if by_part else row["topic"], []).append(answer)
    return {
        "answers": [{"heading": heading, "answers": groups[heading]} for heading in sorted(groups)],
        "answer_count": len(call.question_rows),
        "is_by_part": by_part,
    }


def with_differences(revisions: list[Any]) -> list[dict[str, Any]]:
    """The revisions of an answer, each with what it changed of the one before."""
    texts = [words_of_answer(row) for row in revisions]
    changed = [(), *(compare_texts(old, new) for old, new in pairwise(texts))]
    return [{**row, "segments": segments} for row, segments in zip(revisions, changed, strict=False)]


def words_of_answer(row: Mapping[str, Any]) -> str:
    return "\n\n".join(filter(None, (row["published_text"], row["answer"])))


def files_changed(rows: Iterable[Mapping[str, Any]], amendment: int) -> list[tuple[str, Mapping[str, Any]]]:
    """What an amendment took from the documents of a call and what it brought, each file with the act."""
    gone = [row for row in rows if row["withdrawn_by_id"] == amendment]
    come = [row for row in rows if row["added_by_id"] == amendment]
    took = "Replaced" if come else "Withdrawn"
    return [*((took, row) for row in gone), *(("New", row) for row in come)]


def why_closed(row: Mapping[str, Any]) -> str:
    """Why a file of the call does not open now, in words for the public, or ""."""
    scan = {name: row[f"document__{name}"] for name in SCANNED}
    return CLOSED[withheld_for(Document(**scan))]


CLOSED: Final = {
    "": "",
    "waiting": "is being checked for malware; it opens here once it is found clean",
    "infected": "is withheld: a malware scan found something in it",
    "unscanned": "does not open yet: it was not checked for malware. The Program office may let it open",
}


def in_order(anchors: Mapping[str, str]) -> list[tuple[str, str]]:
    """The values of a scale with what they mean, the lowest first."""
    return sorted(anchors.items(), key=lambda anchor: int(anchor[0]))


ALIKE = ("layer", "reason", "source", "confidence", "effective_from", "effective_to")


def grouped(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Listed places by what they are barred from, why and when, each group one row of the page."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in ALIKE), []).append(row)
    labels = dict(StackLayer.choices) | {"": "The whole entity"}
    return [
        {
            **dict(zip(ALIKE, alike, strict=True)),
            "barred_from": labels[alike[0]],
            "is_unverified": alike[3] in ("", Confidence.UNVERIFIED),
            "effective_from": day_of(alike[4]),
            "effective_to": day_of(alike[5]),
            "entries": sorted(listed, key=lambda row: str(row["country__name"])),
        }
        for alike, listed in groups.items()
    ]


def moment_of(said: str | None) -> datetime | None:
    """A moment of a row, which a subquery gives as text."""
    return datetime.fromisoformat(said) if said else None


def day_of(said: date | str | None) -> date | None:
    """A day of a row, which a subquery gives as text."""
    return date.fromisoformat(said) if isinstance(said, str) else said


@login_not_required
@require_safe
def call_calendar(request: HttpRequest, number: str) -> HttpResponse:
    """The deadline as a calendar file."""
    call = get_object_or_404(Call.objects.public().defer("text"), number=number)
    if call.status == CallStatus.CANCELLED:
        raise Http404
    content = deadline_file(
        uid=f"{call.number}@{urlsplit(settings.SITE_URL).hostname}",
        title=f"{call.number}: proposals are due",
        text=f"{call.title}\n{call.rule_text}",
        url=f"{settings.SITE_URL}{public_url(call)}",
        at=deadline_of(call),
        stamped_at=call.updated_at,
    )
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{call.number}-deadline.ics"'
    return response


@login_not_required
@require_safe
def call_file(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """A file of a call, for whoever may read the call; one that is withheld says why."""
    calls = Call.objects.visible_to(request.user)
    file = get_object_or_404(
        CallFile.objects.select_related("document", "call"), call__in=calls, call__number=number, pk=pk
    )
    try:
        return download_response(file.document)
    except Withheld as reason:
        messages.warning(request, str(reason))
        return redirect(public_url(file.call) if file.call.issued_at else desk_url(file.call))


@require_POST
def call_ask(request: SignedInRequest, number: str) -> HttpResponse:
    """Put a question to the Program office."""
    shown = call_shown(number)
    call, form = shown.call, QuestionForm(request.POST)
    if form.is_valid():
        try:
            ask_question(call, by=request.user, **form.cleaned_data)
        except NotReady as refusal:
            form.add_error("text", str(refusal))
        except TooMany as refusal:
            form.add_error("text", str(refusal))
            answer = show_call(request, shown, form, status=429)
            answer["Retry-After"] = str(refusal.seconds)
            return answer
        else:
            done = "Your question went to the Program office. You will be told of the answer."
            messages.success(request, done)
            return redirect(f"{public_url(call)}#my-questions")
    return show_call(request, shown, form, status=422)


@require_POST
def call_follow(request: SignedInRequest, number: str) -> HttpResponse:
    """Follow one call, or follow it no longer."""
    call = get_object_or_404(Call.objects.public().defer("text"), number=number)
    return follow(request, call, "this call", public_url(call))


@require_POST
def follow_program(request: SignedInRequest) -> HttpResponse:
    """Follow every call of the Program, or no longer."""
    return follow(request, None, "every call", "program:calls")


def follow(request: SignedInRequest, call: Call | None, what: str, back: str) -> HttpResponse:
    if request.POST.get("act") == "stop":
        unsubscribe(call, by=request.user)
        messages.success(request, f"You no longer follow {what}.")
    else:
        subscribe(call, by=request.user)
        messages.success(request, f"You follow {what}: you will be told what changes, here and by e-mail.")
    return redirect(back)


@require_POST
def question_withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take one's own question back."""
    question = get_object_or_404(
        Question.objects.visible_to(request.user).select_related("call"), pk=pk, asked_by=request.user
    )
    attempt(request, withdraw_question, question, done="Your question was withdrawn.")
    return redirect(f"{public_url(question.call)}#my-questions")

"""The call workshop at the desk: draft, check, approve, issue, amend, extend, cancel, answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import Http404, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from program import clock
from program.acts import attempt
from program.checks import FULL_WEIGHT, expected_clock, totals_of, warnings_of
from program.conflicts import blank, conflict_of, differences, typed_in
from program.deadlines import CALL_DAYS, CallClock, counted, end_of_day, long_date
from program.demanded import coming_under, demanded
from program.enums import CallStatus, QuestionStatus
from program.forms import (
    AmendForm,
    CallForm,
    CancelForm,
    DiscardForm,
    ExtendForm,
    LibraryForm,
    NewCallForm,
    ReopenForm,
    SendBackForm,
)
from program.lifecycle import APPROVE, CALL_TRANSITIONS, ISSUE
from program.models import Amendment, AuditEvent, Call, Criterion, Outage, Question, Requirement
from program.order import implements
from program.querysets import SENT_BACK
from program.record_words import act_in_words
from program.rehearsal import rehearse
from program.requests import SignedInRequest, is_autosave, number_said
from program.revisions import StaleRevision, revision_read
from program.rules import is_call_drafter
from program.services import calls as services
from program.services.outages import extended_for, proposed_extension
from program.services.subscriptions import Telling, follower_count, reach_of
from program.transitions import NotReady, Problem, WrongStatus, available
from program.views.calls import ALIKE, facts_of_call, grouped, in_order, is_open
from program.views.previews import preview_of, to_be_seen, typed_into
from program.withheld import withheld_for

View = Callable[..., HttpResponse]
Service = Callable[..., Any]
FORM = ["GET", "HEAD", "POST"]


def program_office(view: View) -> View:
    """A page of the Program office: for anybody else it does not exist."""

    @wraps(view)
    def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm("program.change_call"):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def find(request: SignedInRequest, number: str) -> Call:
    return get_object_or_404(Call.objects.visible_to(request.user), number=number)


@program_office
@require_safe
def call_list(request: SignedInRequest) -> HttpResponse:
    """Every call, drafts first, with the questions that wait."""
    calls = Call.objects.visible_to(request.user).for_desk_list()
    facts = {
        "calls": [call for call in calls if not call.is_discarded],
        "discarded": [call for call in calls if call.is_discarded],
        "waiting": Question.objects.visible_to(request.user).filter(status=QuestionStatus.ASKED).count(),
    }
    return render(request, "program/desk/list.html", facts)


@program_office
@require_http_methods(FORM)
def call_new(request: SignedInRequest) -> HttpResponse:
    """Start a draft from the library or from an earlier call."""
    form = NewCallForm(request.POST or None, calls=Call.objects.visible_to(request.user))
    if request.method == "POST" and form.is_valid():
        title, earlier = form.cleaned_data["title"], form.cleaned_data["copied_from"]
        if earlier:
            call = services.copy_call(earlier, by=request.user, title=title)
        else:
            call = services.draft_call(by=request.user, title=title)
        messages.success(request, f"Draft {call.number} was made. Only the Program office can see it.")
        return redirect("program:desk-call", call.number)
    return render(request, "program/desk/new.html", {"form": form}, status=422 if form.errors else 200)


@implements("s.3(b)", "s.3(c)")
@program_office
@require_safe
def call_overview(request: SignedInRequest, number: str) -> HttpResponse:
    return show(request, find(request, number))


@dataclass(frozen=True)
class Mend:
    """A problem of a call with the place at which it is mended."""

    message: str
    clause: str
    url: str


def mends(call: Call, problems: Iterable[Problem]) -> list[Mend]:
    edit = reverse("program:desk-call-edit", args=[call.number])
    places = {"requirements": "#requirements", "criteria": "#criteria", "files": "#files", "": ""}
    return [
        Mend(problem.message, problem.clause, places.get(problem.part, f"{edit}#id_{problem.field}"))
        for problem in problems
    ]


def show(request: SignedInRequest, call: Call, status: int = 200, **more: Any) -> HttpResponse:
    """One call as the Program office sees it: what is missing, its clock, its parts, its acts, its record."""
    may = {transition.name for transition in available(CALL_TRANSITIONS, call, request.user)}
    day = call.issued_on or clock.today()
    requirements = demanded(call.requirements.all())
    criteria = list(call.criteria.prefetch_related("agencies"))
    is_draft = call.status == CallStatus.DRAFT
    is_to_come = call.issued_at is None and not call.is_discarded
    expected = expected_clock(call, day)
    lacking = ISSUE.problems(call) if is_to_come else []
    events = list(AuditEvent.objects.of(call).select_related("actor").reverse()[:20])
    places = call.ineligible_jurisdictions.values(*ALIKE, "country__name", "pk")
    facts = {
        "call": call,
        "coming": coming_under(call),
        "may": may,
        "is_draft": is_draft,
        "is_open": is_open(call, clock.now()),
        "is_drafter": is_call_drafter.test(request.user, call),
        "written_by": [person for person in call.written_by.all() if person.pk != call.created_by_id],
        "missing": mends(call, lacking),
        "before_approval": APPROVE.problems(call) if is_draft and lacking else [],
        "nobody_approves": services.NOBODY_APPROVES
        if is_draft and not services.approvers_of(call).exists()
        else "",
        "warnings": mends(call, warnings_of(call, day)) if call.status != CallStatus.CANCELLED else [],
        "expected": expected,
        "issuing": what_issuing_begins(call, expected) if is_to_come else "",
        "requirements": requirements,
        "criteria": [
            (criterion, in_order(criterion.anchors), [str(agency) for agency in criterion.agencies.all()])
            for criterion in criteria
        ],
        "absent_requirements": library_form(call, Requirement) if is_draft else None,
        "absent_criteria": library_form(call, Criterion) if is_draft else None,
        "totals": totals_of(criteria).items(),
        "full_weight": FULL_WEIGHT,
        "places": grouped(places),
        "files": [
            (file, withheld_for(file.document)) for file in call.files.current().select_related("document")
        ],
        "amendments": call.amendments.select_related("made_by"),
        "events": [(event, act_in_words(event.act)) for event in events],
        "sent_back": next((event for event in events[:1] if is_draft and event.act in SENT_BACK), None),
        "asked": next((event for event in events[:1] if event.act == "call.ask_approval"), None),
        "waiting": call.questions.filter(status=QuestionStatus.ASKED).count(),
        "followers": follower_count(call),
        "outages": with_extensions(call),
        "reopen_form": ReopenForm(),
        "send_back_form": SendBackForm(prefix="back"),
        **more,
    }
    return render(request, "program/desk/call.html", facts, status=status)


def what_issuing_begins(call: Call, expected: CallClock) -> str:
    """Which day is day 0 if the call is issued today, until when proposals come in, and who says so."""
    today, day_90, due_on = map(long_date, (expected.issued_on, expected.day_90, expected.due_on))
    until = f"Proposals are taken until the end of {due_on}, {counted(expected.days_given)} from today"
    who = ": an officer set this last day." if call.set_due_on else "."
    return f"Today, {today}, is day 0; day {CALL_DAYS} is {day_90}. {until}{who}"


def outages_of(call: Call) -> list[Outage]:
    """The outages that overlapped the time for which the call was open."""
    if call.issued_at is None or call.closes_at is None:
        return []
    return list(Outage.objects.standing().overlapping(call.issued_at, call.closes_at))


def with_extensions(call: Call) -> list[tuple[Outage, Amendment | None]]:
    """The outages of the time for which the call was open, each with the extension that it led to."""
    found = outages_of(call)
    made = extended_for(call, found)
    return [(outage, made.get(outage.pk)) for outage in found]


def library_form(
    call: Call, model: type[Requirement | Criterion], data: QueryDict | None = None
) -> LibraryForm | None:
    """A picker of what the library holds and the draft does not; none where it holds all."""
    absent = [(entry.code, entry.title) for entry in services.absent_entries(call, model)]
    return LibraryForm(data, absent=absent, prefix=services.NOUNS[model]) if absent else None


@program_office
@require_http_methods(FORM)
def call_edit(request: SignedInRequest, number: str) -> HttpResponse:
    """Edit a draft; a save that read an older revision answers 409 with both texts."""
    call = find(request, number)
    if call.status != CallStatus.DRAFT and request.method != "POST":
        message = "Only a draft is edited. An approved call goes back to draft, an open one is amended."
        messages.info(request, message)
        return redirect("program:desk-call", call.number)
    form = CallForm(request.POST or None, instance=call)
    if request.method != "POST":
        return render(request, "program/desk/edit.html", {"call": call, "form": form})
    if form.is_valid():
        changes = dict(form.cleaned_data)
        revision = changes.pop("revision")
        try:
            services.update_call(call, by=request.user, revision=revision, changes=changes)
        except StaleRevision as stale:
            return edit_conflict(request, stale, form)
        except WrongStatus as refusal:
            return edit_overtaken(request, refusal, form)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            if is_autosave(request):
                return JsonResponse({"saved_at": call.updated_at.isoformat(), "revision": call.revision})
            messages.success(request, "Saved.")
            return redirect("program:desk-call", call.number)
    if is_autosave(request):
        return JsonResponse({"errors": form.errors}, status=422)
    facts = {"call": find(request, number), "form": form}
    return render(request, "program/desk/edit.html", facts, status=422)


def edit_overtaken(request: SignedInRequest, refusal: WrongStatus, form: CallForm) -> HttpResponse:
    """Where the call stands that is no draft any more, with what of the typed texts is not in it."""
    if is_autosave(request):
        return JsonResponse({"message": refusal.on_open_page}, status=409)
    messages.warning(request, str(refusal))
    saved = find(request, refusal.record.number)
    unsaved = {each["label"] for each in differences(form, CallForm(instance=saved))}
    typed = [field for field in typed_in(form) if field["label"] in unsaved]
    return show(request, saved, status=409, typed=typed)


def edit_conflict(request: SignedInRequest, stale: StaleRevision, form: CallForm) -> HttpResponse:
    """What the person typed beside what another saved meanwhile; the next save goes over it knowingly."""
    current = stale.record
    if not is_autosave(request):
        facts = {"call": current, "form": form, **conflict_of(form, stale)}
        return render(request, "program/desk/edit.html", facts, status=409)
    theirs = services.facts_of(current)
    yours = {name: blank(form.cleaned_data[name]) for name in services.EDITABLE}
    differing = [name for name in yours if yours[name] != theirs.get(name, "")]
    body = {
        "yours": {name: yours[name] for name in differing},
        "theirs": {name: theirs.get(name, "") for name in differing},
        "revision": current.revision,
    }
    return JsonResponse(body, status=409)


@program_office
@require_http_methods(FORM)
def call_preview(request: SignedInRequest, number: str) -> HttpResponse:
    """The call as the public will see it, were it issued today.

    A POST brings the form of a draft as it is typed: it is shown and not saved, and what no field takes is
    shown as it was saved.
    """
    visible = Call.objects.visible_to(request.user).for_public_page()
    call = get_object_or_404(visible, number=number)
    template = "program/desk/preview.html"
    if request.method == "POST":
        template = "program/desk/_preview.html"
        if call.status == CallStatus.DRAFT:
            lay_over(call, CallForm(request.POST, instance=call))
    day = call.issued_on or clock.today()
    facts = {**facts_of_call(call, request), "expected": expected_clock(call, day)}
    return render(request, template, facts)


def lay_over(call: Call, form: CallForm) -> None:
    """Put what was typed, as far as the fields take it, onto a call that is only shown."""
    form.is_valid()
    for name in services.EDITABLE:
        if form.cleaned_data.get(name) is not None or name in NOT_SET & form.cleaned_data.keys():
            setattr(call, name, form.cleaned_data[name])


#: Days that a draft may leave open.
NOT_SET = {"set_due_on", "fr_published_on", "control_expires_on"}


def carry_out(
    request: SignedInRequest, number: str, service: Service, done: str, **details: Any
) -> HttpResponse:
    """Do one act to a call and show what came of it: done, or everything that keeps it from being done.

    Of a call that is not as it was read, the page says who changed what.
    """
    try:
        if not attempt(request, service, find(request, number), done=done, **details):
            return show(request, find(request, number), status=409, typed=reasons_in(details))
    except StaleRevision as stale:
        call = find(request, number)
        facts = {"changed": changed_since(call, stale.read), "typed": reasons_in(details)}
        return show(request, call, status=409, **facts)
    except NotReady as refusal:
        call = find(request, number)
        facts = {"problems": mends(call, refusal.problems), "typed": reasons_in(details)}
        return show(request, call, status=422, **facts)
    return redirect("program:desk-call", number)


def reasons_in(details: dict[str, Any]) -> list[dict[str, str]]:
    """What a person wrote for an act that is over."""
    said = [details.get(name, "") for name in ("reason", "note")]
    return [{"label": "Why", "text": text} for text in said if text]


@dataclass(frozen=True)
class Change:
    """What somebody did to a draft, in words, and which of its fields it concerned."""

    event: AuditEvent
    words: str
    fields: str


def changed_since(call: Call, revision: int) -> list[Change]:
    return [change_of(event) for event in services.changes_since(call, revision)]


def changed_in_public(call: Call) -> list[Change]:
    """What was done last to a call that is open."""
    events = AuditEvent.objects.of(call).filter(
        act__in=["call.amend", "call.amend_requirements", "call.amend_files", "call.extend"]
    )
    return [change_of(event) for event in events.select_related("actor").reverse()[:1]]


def change_of(event: AuditEvent) -> Change:
    said = event.said
    sides = [side for side in (said["after"], said["before"]) if isinstance(side, dict)]
    if event.act == "call.change":
        named = [column_in_words(name) for name in sides[0]] if sides else []
    else:
        named = [side.get("title") or side.get("country", "") for side in sides][:1]
    return Change(event, act_in_words(event.act), ", ".join(named))


def column_in_words(name: str) -> str:
    return str(getattr(Call._meta.get_field(name), "verbose_name", name))


@program_office
@require_POST
def call_ask_approval(request: SignedInRequest, number: str) -> HttpResponse:
    done = "The other program officers were told that the draft waits for approval."
    return carry_out(request, number, services.ask_for_approval, done)


@program_office
@require_POST
def call_approve(request: SignedInRequest, number: str) -> HttpResponse:
    read = revision_read(request.POST.get("revision", ""))
    done = "The call is approved. It can be issued now."
    return carry_out(request, number, services.approve_call, done, revision=read)


@program_office
@require_POST
def call_reopen(request: SignedInRequest, number: str) -> HttpResponse:
    form = ReopenForm(request.POST)
    if not form.is_valid():
        return show(request, find(request, number), status=422, reopen_form=form)
    done = "The call is a draft again and needs a new approval."
    return carry_out(request, number, services.reopen_call, done, note=form.cleaned_data["note"])


@program_office
@require_POST
def call_send_back(request: SignedInRequest, number: str) -> HttpResponse:
    form = SendBackForm(request.POST, prefix="back")
    if not form.is_valid():
        return show(request, find(request, number), status=422, send_back_form=form)
    done = "The draft was sent back, and those who wrote it are told why."
    return carry_out(request, number, services.send_back_call, done, note=form.cleaned_data["note"])


@program_office
@require_http_methods(FORM)
def call_discard(request: SignedInRequest, number: str) -> HttpResponse:
    """Give up a draft; one that somebody changed meanwhile stays, and the page says what was changed."""
    call = find(request, number)
    if call.status != CallStatus.DRAFT:
        messages.info(request, "Only a draft is discarded. An open call is cancelled.")
        return redirect("program:desk-call", number)
    form = DiscardForm(request.POST or None, initial={"revision": call.revision})
    if request.method == "POST" and form.is_valid():
        done = "The draft was discarded. It stays on the record."
        return carry_out(request, number, services.discard_call, done, **form.cleaned_data)
    facts = {"call": call, "form": form}
    return render(request, "program/desk/discard.html", facts, status=422 if form.errors else 200)


@program_office
@require_http_methods(FORM)
def call_issue(request: SignedInRequest, number: str) -> HttpResponse:
    """Issue an approved call; before that, see its last day, whom its mail reaches and how it reads.

    What was seen is what goes out: on another day there is another last day, and the page is shown again.
    """
    call = find(request, number)
    if call.status not in ISSUE.sources:
        words = "Only a call that was approved is issued."
        messages.info(request, words)
        return redirect("program:desk-call", number)
    expected = expected_clock(call, clock.today())
    issuing = what_issuing_begins(call, expected)
    telling = services.telling_of_issue(call, expected.due_on)
    preview = preview_of(call, telling, typed=f"{issuing} {expected.due_on}")
    if request.method != "POST" or to_be_seen(request, preview, always=True):
        facts = {"call": call, "expected": expected, "issuing": issuing, "preview": preview}
        facts["warning"] = services.PAST_THE_ORDER
        if request.method == "POST":
            messages.warning(request, "What you saw is not what would go out now. Read it again first.")
        return render(request, "program/desk/issue.html", facts)
    done = "The call is issued: it is public, its clock runs, and proposals are taken."
    read = revision_read(request.POST.get("revision", ""))
    return carry_out(request, number, services.issue_call, done, revision=read)


def act_form(
    request: SignedInRequest,
    number: str,
    form: BaseForm,
    service: Service,
    template: str,
    done: str,
    telling: Callable[[Call, dict[str, Any]], Telling],
    *,
    always_seen: bool = False,
    **more: Any,
) -> HttpResponse:
    """A form for one act on an open call; what the act refuses stands beside its field.

    Where somebody is told of it, the page shows first what ``telling`` says of what was typed; where
    ``always_seen``, also what nobody is told of.
    ``saved`` among ``more`` makes the same form from the call as it stands: what was changed since the
    person read it answers 409 with both texts.
    """
    call = find(request, number)
    if call.status != CallStatus.ISSUED:
        return open_no_more(request, number, form)
    if request.method == "POST" and form.is_valid():
        details = {name: value for name, value in form.cleaned_data.items() if name != "understood"}
        preview = preview_of(call, telling(call, details), typed=typed_into(request))
        try:
            if to_be_seen(request, preview, always=always_seen):
                rehearse(service, find(request, number), by=request.user, **details)
                return render(request, template, {"call": call, "form": form, "preview": preview, **more})
            if attempt(request, service, call, done=done, **details):
                return redirect("program:desk-call", number)
            return open_no_more(request, number, form)
        except StaleRevision as stale:
            if services.is_published_already(stale.record, details, by=request.user):
                messages.info(request, "That is published already; nothing was done twice.")
                return redirect("program:desk-call", number)
            both = differences(form, more["saved"](stale.record))
            form.read_again(stale.record.revision)  # type: ignore[attr-defined]
            facts = {"call": stale.record, "form": form, "conflict": str(stale), "both": both, **more}
            facts["reach"] = reach_of(call)
            return render(request, template, facts, status=409)
        except WrongStatus:
            return open_no_more(request, number, form)
        except NotReady as refusal:
            for problem in refusal.problems:
                form.add_error(problem.field if problem.field in form.fields else None, problem.message)
        except ValidationError as error:
            form.add_error(None, error)
    facts = {"call": call, "form": form, "reach": reach_of(call), **more}
    return render(request, template, facts, status=422 if form.errors else 200)


def open_no_more(request: SignedInRequest, number: str, *forms: BaseForm) -> HttpResponse:
    """The call's page: to whoever sent a form for a call that is open no more, with what they typed."""
    if request.method != "POST":
        messages.info(request, "Only a call that is open is changed in public.")
        return redirect("program:desk-call", number)
    messages.warning(request, "The call is open no more. Nothing was changed.")
    typed = [field for form in forms for field in typed_in(form)]
    return show(request, find(request, number), status=409, typed=typed)


@program_office
@require_http_methods(FORM)
def call_amend(request: SignedInRequest, number: str) -> HttpResponse:
    def saved(call: Call) -> AmendForm:
        return AmendForm(initial={"text": call.text, "revision": call.revision})

    form = AmendForm(request.POST) if request.method == "POST" else saved(find(request, number))
    done = "The amendment is public, and all who follow the call are told."
    template, service = "program/desk/amend.html", services.amend_call
    return act_form(request, number, form, service, template, done, telling_of_text, saved=saved)


def telling_of_text(call: Call, details: dict[str, Any]) -> Telling:
    """What is told of an amendment that is only written; in force from today where no day is given."""
    day = details.get("effective_on") or clock.today()
    amendment = Amendment(
        call=call, number=services.next_amendment(call), summary=details["summary"], effective_on=day
    )
    return services.telling_of_amendment(amendment)


@program_office
@require_http_methods(FORM)
def call_extend(request: SignedInRequest, number: str) -> HttpResponse:
    def saved(call: Call) -> ExtendForm:
        return ExtendForm(initial={"due_on": call.due_on, "revision": call.revision})

    call = find(request, number)
    outage = chosen_outage(request, call)
    proposed = proposed_extension(call, outage) if outage else {}
    unread = ExtendForm(initial={"revision": call.revision} | proposed)
    form = ExtendForm(request.POST) if request.method == "POST" else unread
    done = "The new deadline is public, and all who follow the call are told."
    more = {
        "warning": services.PAST_THE_ORDER,
        "last_in_order": services.last_day_in_order(call),
        "saved": saved,
        "outage": outage,
        "coming": end_of_day(form.cleaned_data["due_on"]) if form.is_bound and form.is_valid() else None,
    }
    template, service = "program/desk/extend.html", partial(services.extend_call, outage=outage)
    return act_form(request, number, form, service, template, done, telling_of_day, always_seen=True, **more)


def telling_of_day(call: Call, details: dict[str, Any]) -> Telling:
    """What is told of an extension that is only written."""
    amendment = Amendment(call=call, number=services.next_amendment(call))
    before = services.last_day_of(call)
    return services.telling_of_extension(amendment, before=before, due_on=details["due_on"])


def chosen_outage(request: SignedInRequest, call: Call) -> Outage | None:
    """The outage from which the officer came, where the call met it and was not extended for it yet."""
    chosen = number_said(request.GET.get("outage", ""))
    if not chosen or call.status != CallStatus.ISSUED:
        return None
    return next((each for each, made in with_extensions(call) if each.pk == chosen and not made), None)


@program_office
@require_http_methods(FORM)
def call_cancel(request: SignedInRequest, number: str) -> HttpResponse:
    form = CancelForm(request.POST or None)
    done = "The call is cancelled, and all who follow it are told."
    template, service = "program/desk/cancel.html", services.cancel_call
    return act_form(request, number, form, service, template, done, telling_of_end)


def telling_of_end(call: Call, details: dict[str, Any]) -> Telling:
    return services.telling_of_cancellation(call, details["reason"])

"""An amendment of a designation at the desk: what changes, what is missing, clear, sign and announce."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from evaluation import services
from evaluation.documents import letter_of_amendment
from evaluation.enums import AmendmentStatus, TermChange
from evaluation.forms import AmendmentForm, ConditionChangeForm, ReasonForm
from evaluation.lifecycle import ANNOUNCE_AMENDMENT, CLEAR_AMENDMENT
from evaluation.models import Condition, ConditionChange, Designation, DesignationAmendment
from evaluation.services.decisions import delegation_to_decide
from evaluation.terms import body_of, difference, has_moved_on, kept_within, lines_of, terms_of, text_of
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.designations import page as designation_page
from evaluation.views.designations import show_designation
from evaluation.views.desk import require_desk
from evaluation.views.discussion import key_said
from evaluation.views.own_conflicts import own_conflict_facts
from evaluation.views.proposals import READERS
from evaluation.views.saving import TwoTexts, conflict_page, keep_draft, texts_of
from program import clock
from program.acts import fresh_sign_in_required, lay_beside
from program.canonical import canonical_json, sha256_hex
from program.conflicts import typed_in
from program.order import implements
from program.requests import number_said
from program.revisions import revision_read
from program.transitions import NotReady
from proposals.services import record_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from program.models import User
    from program.requests import SignedInRequest
    from program.revisions import StaleRevision
    from program.transitions import Problem

TO_CHANGE, RECALLED = "What is to be changed", "Why it is recalled"
#: By which right a form is on the page; what was typed into one that is there no more is shown without it
SHOWN_BY = {
    "form": "may_edit", "written": "has_place",
    "send_back_form": "may_send_back", "recall_form": "may_recall",
}  # fmt: skip


@require_POST
def amendment_prepare(request: SignedInRequest, number: str) -> HttpResponse:
    """Begin an amendment."""
    require_desk(request.user, *READERS)
    found = get_object_or_404(Designation.objects.of_office(request.user), number=number)
    try:
        amendment = services.prepare_amendment(found, by=request.user)
    except NotReady as refusal:
        return show_designation(request, number, refusal.problems, status=422)
    return redirect("evaluation:amendment", pk=amendment.pk)


def find(request: SignedInRequest, pk: int) -> DesignationAmendment:
    """An amendment that the person reads by office; the consortium reads it on its own page."""
    rows = DesignationAmendment.objects.visible_to(request.user).of_office(request.user)
    return get_object_or_404(rows.for_list(), pk=pk)


@implements("s.3(d)")
@require_GET
def amendment(request: SignedInRequest, pk: int) -> HttpResponse:
    """The amendment on one page, on the terms of this moment or as it was signed."""
    return show_amendment(request, pk)


def show_amendment(
    request: SignedInRequest,
    pk: int,
    problems: Iterable[Problem] = (),
    forms: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    user, found = request.user, find(request, pk)
    record_reading(found.designation.version, by=user)
    is_draft = found.is_draft
    may_edit = is_draft and user.has_perm("evaluation.change_designationamendment", found)
    body = None if found.body else body_of(found)
    text = canonical_json(body) if body else text_of(found)
    terms = terms_of(found.designation, on=found.effective_on)
    written: ConditionChangeForm | None = (forms or {}).get("written")
    facts: dict[str, Any] = {
        "amendment": found,
        "designation": found.designation,
        "proposal": found.designation.proposal,
        "package": found.designation.version.value,
        "is_draft": is_draft,
        "may_edit": may_edit,
        "lines": _lines(found, body),
        "kept": _kept(found, body),
        "body_sha256": sha256_hex(text),
        **own_conflict_facts(user, found.designation.proposal),
        "clearance": body["clearance"] if body else None,
        "missing": CLEAR_AMENDMENT.problems(found) if is_draft else [],
        "overtaken": found.status == AmendmentStatus.SIGNED and has_moved_on(found),
        **_conditions(found, written, may_edit=may_edit),
        "form": AmendmentForm(instance=found, terms=terms),
        "send_back_form": ReasonForm(label=TO_CHANGE),
        "recall_form": ReasonForm(label=RECALLED),
        "is_preparer": found.written_by.filter(pk=user.pk).exists(),
        "is_clearer": found.cleared_by_id == user.pk,
        "delegation": delegation_to_decide(found, by=user) if is_draft else None,
        "problems": problems,
        **_rights(user, found),
        **(forms or {}),
    }
    facts["open_recall"] = facts["overtaken"] or facts["recall_form"].is_bound
    facts["typed"] = [
        field
        for name, right in SHOWN_BY.items()
        if (sent := facts.get(name)) is not None and sent.is_bound and not facts[right]
        for field in typed_in(sent)
    ]
    return render(request, "evaluation/amendment.html", facts, status=status)


def _lines(found: DesignationAmendment, body: dict[str, Any] | None) -> list[dict[str, str]]:
    if body is None:
        return lines_of(found) if found.body else []
    return difference(body["before"], body["after"])


def _kept(found: DesignationAmendment, body: dict[str, Any] | None = None) -> list[str]:
    """Which countries stay targets although their market is removed."""
    said = json.loads(found.body) if found.body else body
    return kept_within(found.designation, said["before"], said["after"]) if said else []


def _rights(user: User, found: DesignationAmendment) -> dict[str, bool]:
    is_draft, is_asked = found.is_draft, found.clearance_asked_at is not None
    is_signed = found.status == AmendmentStatus.SIGNED

    def may(act: str) -> bool:
        return user.has_perm(f"evaluation.{act}_designationamendment", found)

    return {
        "may_drop": is_draft and may("drop"),
        "may_clear": is_draft and is_asked and may("clear"),
        "may_send_back": is_draft and is_asked and may("send_back"),
        "may_sign": is_draft and may("sign"),
        "may_recall": is_signed and may("recall"),
        "may_announce": is_signed and may("announce"),
    }


def _conditions(
    found: DesignationAmendment, written: ConditionChangeForm | None, *, may_edit: bool
) -> dict[str, Any]:
    """What the draft does to conditions, and those that it leaves: each with a form of what it says now.

    ``written`` is a form that was refused, shown in its place with what was typed.
    """
    changes = list(found.condition_changes.select_related("condition"))
    if not may_edit:
        return {"changes": [(change, None) for change in changes], "has_place": False}
    named = {change.condition_id for change in changes if change.condition_id}
    rows = Condition.objects.open().filter(designation=found.designation).exclude(pk__in=named)
    places: dict[str, Any] = {
        "changes": [(change, _form_of(change)) for change in changes],
        "open_conditions": [(row, _form_for(row)) for row in rows],
        "condition_form": _form_to_add(uuid4()),
        "has_place": True,
    }
    if written is None:
        return places
    known = {form.prefix for name in ("changes", "open_conditions") for _, form in places[name]}
    for name in ("changes", "open_conditions"):
        places[name] = [
            (row, written if form.prefix == written.prefix else form) for row, form in places[name]
        ]
    if written.prefix not in known and written.sent_as:
        places["condition_form"] = written
    elif written.prefix not in known:
        places["has_place"] = False  # the condition is not open any more
    return places


def _form_of(change: ConditionChange) -> ConditionChangeForm:
    """What the draft says of a condition; of one that it lifts, what the condition says."""
    says = change.condition if change.kind == TermChange.LIFT and change.condition else change
    if change.condition is None:
        return _form_to_add(change.sent_as, initial=_said_by(says), read=change.revision)
    return _form_for(change.condition, initial=_said_by(says), read=change.revision)


def _form_for(
    row: Condition, data: Any = None, *, initial: dict[str, Any] | None = None, read: int = 0
) -> ConditionChangeForm:
    said = _said_by(row) if initial is None else initial
    return ConditionChangeForm(data, prefix=f"condition-{row.number}", initial=said, read=read)


def _form_to_add(
    key: UUID, data: Any = None, *, initial: dict[str, Any] | None = None, read: int = 0
) -> ConditionChangeForm:
    return ConditionChangeForm(data, prefix=f"added-{key}", initial=initial, read=read, sent_as=key)


def _said_by(row: Condition | ConditionChange) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ConditionChangeForm.Meta.fields}


@require_GET
def amendment_json(request: SignedInRequest, pk: int) -> HttpResponse:
    """What is cleared and signed as canonical JSON: as it stands, or as it was signed."""
    found = find(request, pk)
    record_reading(found.designation.version, by=request.user)
    response = HttpResponse(text_of(found), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{found.designation.number}-amendment.json"'
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def amendment_save(request: SignedInRequest, pk: int) -> HttpResponse:
    """Save the draft; a script is answered in JSON."""
    found = find(request, pk)
    terms = terms_of(found.designation, on=found.effective_on)
    form = AmendmentForm(request.POST, instance=found, terms=terms)

    def again(problems: list[Problem], status: int) -> HttpResponse:
        return show_amendment(request, pk, problems, {"form": form}, status)

    save = partial(services.save_amendment, DesignationAmendment.objects.get(pk=pk), by=request.user)
    return keep_draft(
        request, form, save, fresh=lambda row: AmendmentForm(instance=row, terms=terms), again=again,
        said="The draft is saved.", back=page(pk),
    )  # fmt: skip


@require_POST
def amendment_condition(request: SignedInRequest, pk: int) -> HttpResponse:
    """Add a condition to the designation, or change or lift one of it, in the draft."""
    found = find(request, pk)
    kind, condition, form = request.POST.get("kind", ""), None, None
    read, key = revision_read(request.POST.get("revision", "")), None
    if kind in (TermChange.CHANGE, TermChange.LIFT):
        named = number_said(request.POST.get("condition", "")) or 0
        condition = get_object_or_404(Condition, designation=found.designation, number=named)
    if kind == TermChange.CHANGE and condition is not None:
        form = _form_for(condition, request.POST, read=read)
    elif kind != TermChange.LIFT:
        kind, key = TermChange.ADD, key_said(request.POST.get("sent_as", ""))
        form = _form_to_add(key, request.POST, read=read)

    def again(problems: list[Problem]) -> HttpResponse:
        if form is None:
            return show_amendment(request, pk, problems, status=422)
        if any(problem.code == "taken-out" for problem in problems):
            form.read = 0
        elsewhere = lay_beside(form, problems)
        return show_amendment(request, pk, [*problems_of(form), *elsewhere], {"written": form}, 422)

    def both_texts(stale: StaleRevision) -> HttpResponse:
        texts = _both_texts(request, stale.record, str(kind))
        return conflict_page(request, texts, revision=stale.record.revision, back=f"{page(pk)}#conditions")

    if form is not None and not form.is_valid():
        return again([])
    return carry_out(
        request, services.save_condition_change, found, done="The draft is saved.",
        to=f"{page(pk)}#conditions", again=again, conflict=both_texts,
        overtaken=partial(show_amendment, request, pk, (), {"written": form}, 409),
        kind=kind, condition=condition, values=form.rest if form else None,
        period=form.period if form else None, sent_as=key, revision=read,
    )  # fmt: skip


def _both_texts(request: SignedInRequest, saved: ConditionChange, kind: str) -> list[TwoTexts]:
    """What was posted beside what another said of the same condition meanwhile."""
    does = TwoTexts(
        "What the draft does", TermChange(kind).label, saved.get_kind_display(), "kind", saved.kind
    )
    fresh = _form_of(saved)
    if saved.kind == TermChange.LIFT:
        fresh = ConditionChangeForm(prefix=fresh.prefix)
    compared = [fresh.add_prefix(name) for name in (*ConditionChangeForm.Meta.fields, "days")]
    return [does, *(row for row in texts_of(request, fresh) if row.name in compared)]


@require_POST
def amendment_condition_remove(request: SignedInRequest, pk: int, change_pk: int) -> HttpResponse:
    """Take out of the draft what it does to a condition."""
    found = find(request, pk)
    row = get_object_or_404(ConditionChange, amendment=found, pk=change_pk)
    return carry_out(
        request, services.remove_condition_change, row, done="The change was taken out.",
        to=f"{page(pk)}#conditions", again=partial(_again, request, pk, {}),
    )  # fmt: skip


def _act(
    request: SignedInRequest, pk: int, service: Callable[..., Any], done: str, **details: Any
) -> HttpResponse:
    return carry_out(
        request, service, find(request, pk), done=done, to=page(pk), again=partial(_again, request, pk, {}),
        **details,
    )  # fmt: skip


def _act_with_reason(
    request: SignedInRequest, pk: int, service: Callable[..., Any], name: str, label: str, done: str
) -> HttpResponse:
    """An act with its reason in words, which stay on the page when it is refused or done by another."""
    form = ReasonForm(request.POST, label=label)

    def again(problems: list[Problem]) -> HttpResponse:
        elsewhere = lay_beside(form, problems)
        return _again(request, pk, {name: form}, [*problems_of(form), *elsewhere])

    if not form.is_valid():
        return again([])
    return carry_out(
        request, service, find(request, pk), done=done, to=page(pk), again=again,
        overtaken=partial(show_amendment, request, pk, (), {name: form}, 409),
        reason=form.cleaned_data["reason"],
    )  # fmt: skip


@require_POST
def amendment_ready(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put the draft up for clearance by another officer."""
    done = "The draft is put up for clearance. The officers who may clear it were told."
    return _act(request, pk, services.ask_to_clear_amendment, done)


@require_POST
def amendment_drop(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give the draft up."""
    return _act(request, pk, services.drop_amendment, "The draft is given up.")


@require_POST
@fresh_sign_in_required
def amendment_clear(request: SignedInRequest, pk: int) -> HttpResponse:
    """Clear what was read; refused when draft or designation has moved on since."""
    return _act(
        request, pk, services.clear_amendment, "The amendment is cleared. Who signs it was told.",
        body_sha256=request.POST.get("body_sha256", "unread"),
    )  # fmt: skip


@require_POST
def amendment_send_back(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give the draft back to who wrote it, with the reason."""
    return _act_with_reason(
        request, pk, services.send_amendment_back, "send_back_form", TO_CHANGE, "The draft was sent back."
    )


@require_POST
@fresh_sign_in_required
def amendment_sign(request: SignedInRequest, pk: int) -> HttpResponse:
    """Sign what was read; refused when draft or designation has moved on since."""
    return _act(
        request, pk, services.sign_amendment,
        "The amendment is signed. Nothing is visible outside until it is announced.",
        body_sha256=request.POST.get("body_sha256", "unread"),
    )  # fmt: skip


@require_POST
def amendment_recall(request: SignedInRequest, pk: int) -> HttpResponse:
    return _act_with_reason(
        request, pk, services.recall_amendment, "recall_form", RECALLED, "The amendment was recalled."
    )


@require_GET
def amendment_announcement(request: SignedInRequest, pk: int) -> HttpResponse:
    """The preview: what happens from which day, what the letter says, who is told and how many."""
    found = find(request, pk)
    if found.status != AmendmentStatus.SIGNED:
        return redirect(page(pk))
    record_reading(found.designation.version, by=request.user)
    facts = {
        "amendment": found,
        "designation": found.designation,
        "proposal": found.designation.proposal,
        "lines": lines_of(found) if found.body else [],
        "kept": _kept(found),
        "letter": letter_of_amendment(found),
        "recipients": services.amendment_recipients(found),
        "missing": ANNOUNCE_AMENDMENT.problems(found),
        "later": list(found.designation.amendments.later_than(found.effective_on or clock.today())),
        "may_announce": request.user.has_perm("evaluation.announce_designationamendment", found),
    }
    return render(request, "evaluation/amendment_announcement.html", facts)


@require_POST
@fresh_sign_in_required
def amendment_announce(request: SignedInRequest, pk: int) -> HttpResponse:
    """Announce: from now on it is visible, and in force from its day."""
    found = find(request, pk)
    return carry_out(
        request, services.announce_amendment, found, done="The amendment is announced.",
        to=f"{designation_page(found.designation.number)}#amendments", again=partial(_again, request, pk, {}),
    )  # fmt: skip


def page(pk: int) -> str:
    return reverse("evaluation:amendment", args=[pk])


def _again(request: SignedInRequest, pk: int, forms: dict[str, Any], problems: list[Problem]) -> HttpResponse:
    return show_amendment(request, pk, problems, forms, status=422)

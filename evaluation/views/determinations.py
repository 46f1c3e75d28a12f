"""The packet: what is found and decided, what is still missing, clear, sign, preview and announce."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST, require_safe

from evaluation import services
from evaluation.columns import columns
from evaluation.consultations import Consultation
from evaluation.documents import DISCLAIMER
from evaluation.enums import DeterminationStatus
from evaluation.forms import ConditionForm, DeterminationForm, FindingForm, ReasonForm
from evaluation.lifecycle import CLEAR, RENEW
from evaluation.models import Condition, Designation, Determination, Escalation, ObjectionAnswer, Referral
from evaluation.packets import content_of, packet_in_words, packet_text
from evaluation.querysets.people import is_official
from evaluation.services.announcing import why_not_announced
from evaluation.services.decisions import delegation_to_decide
from evaluation.services.determinations import objections_to
from evaluation.services.papers import paper_of_packet
from evaluation.staleness import newer_than_signature, stale_because
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.desk import PAGE, require_desk
from evaluation.views.intake import OFFICE
from evaluation.views.own_conflicts import own_conflict_facts
from evaluation.views.proposals import READERS, show_proposal
from evaluation.views.saving import TwoTexts, conflict_page, in_json, texts_of
from evaluation.waiting_screenings import job_facts
from evaluation.weighing import compliance_facts
from program import clock
from program.acts import fresh_sign_in_required, lay_beside
from program.canonical import sha256_hex
from program.enums import OfficeRole
from program.order import implements
from program.requests import is_autosave, number_said
from program.revisions import StaleRevision, revision_read
from program.transitions import NotReady, Problem, WrongStatus
from proposals.models import Proposal
from proposals.services import record_reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import QueryDict

    from program.models import User
    from program.requests import SignedInRequest

SIGNED = DeterminationStatus.SIGNED


@require_safe
def determination_list(request: SignedInRequest) -> HttpResponse:
    """Determinations in preparation, signed and announced, the newest first."""
    require_desk(request.user, *OFFICE, OfficeRole.LEAD)
    rows = Determination.objects.visible_to(request.user).for_list().defer("version__package", "packet")
    after, signed = number_said(request.GET.get("after", "")), request.GET.get("status") == SIGNED
    if signed:
        rows = rows.filter(status=SIGNED)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    page = found[:PAGE]
    following = f"?after={page[-1].pk}{f'&status={SIGNED}' if signed else ''}" if len(found) > PAGE else ""
    failed = why_not_announced(page)
    facts = {
        "determinations": [(row, failed.get(row.pk)) for row in page],
        "next": following,
        "signed": signed,
        "all_chosen": request.GET.get("chosen") == "all",
        "from": f"&after={after}" if after is not None else "",
        "may_choose": request.user.holds(OfficeRole.DECISION_OFFICIAL)
        and any(row.status == SIGNED for row in page),
    }
    return render(request, "evaluation/determinations.html", facts)


@require_POST
def determination_prepare(request: SignedInRequest, number: str) -> HttpResponse:
    """Begin the determination on the last version."""
    proposal = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    live = Determination.objects.visible_to(request.user).live().filter(proposal=proposal).first()
    if live is None:
        try:
            live = services.prepare_determination(proposal, by=request.user)
        except NotReady as refusal:
            return show_proposal(request, number, refusal.problems, status=422)
    return redirect("evaluation:determination", pk=live.pk)


@implements("s.3(d)")
@require_GET
def determination(request: SignedInRequest, pk: int) -> HttpResponse:
    """The packet on one page, compiled from the record at this moment or as it was signed."""
    return show_determination(request, pk)


def show_determination(
    request: SignedInRequest,
    pk: int,
    problems: Iterable[Problem] = (),
    forms: dict[str, Any] | None = None,
    status: int = 200,
    typed: QueryDict | None = None,
) -> HttpResponse:
    """The packet; ``typed`` is what was posted and refused, shown again in its fields."""
    user, now = request.user, clock.now()
    found = get_object_or_404(
        Determination.objects.visible_to(user).for_list().select_related("delegation", "prepared_by"), pk=pk
    )
    record_reading(found.version, by=user)
    is_draft = found.status == DeterminationStatus.DRAFT
    may_edit = is_draft and user.has_perm("evaluation.change_determination", found)
    referrals = list(
        Referral.objects.filter(version=found.version_id)
        .select_related("agency", "position__signed_by", "version__proposal")
        .defer("version__package")
    )
    run = found.version.screening_runs.select_related("screening_list").first()
    text = packet_text(found)
    packet, digest = packet_in_words(text), sha256_hex(text)
    answers = {row.position_id: row for row in ObjectionAnswer.objects.filter(determination=found)}
    facts: dict[str, Any] = {
        "determination": found,
        "proposal": found.proposal,
        "version": found.version,
        "package": found.version.value,
        "packet": packet,
        "packet_sha256": digest,
        **own_conflict_facts(user, found.proposal),
        "paper": paper_of_packet(found, digest),
        "is_draft": is_draft,
        "designations_seen": _designations_seen(user, packet),
        "carried_from": found.carried_from if is_draft else None,
        "carried_to": Determination.objects.visible_to(user).filter(carried_from=found).first()
        if found.status == DeterminationStatus.RECALLED
        else None,
        "may_edit": may_edit,
        "may_renew": may_edit and not RENEW.problems(found),
        "missing": CLEAR.problems(found) if is_draft else [],
        "clearance": packet.get("clearance"),
        "may_clear": is_draft
        and found.clearance_asked_at is not None
        and user.has_perm("evaluation.clear_determination", found),
        "may_send_back": is_draft
        and found.clearance_asked_at is not None
        and user.has_perm("evaluation.send_back_determination", found),
        "send_back_form": ReasonForm(label="What is to be changed"),
        "now": now,
        "escalating": list(
            Escalation.objects.visible_to(user).open().filter(proposal=found.proposal_id).for_list()
        )
        if is_draft
        else [],
        **({**job_facts(found.version), **compliance_facts(run)} if is_draft else {}),
        "newer": [] if is_draft else newer_than_signature(found, packet, run),
        "is_official": is_official(user),
        "referrals": referrals,
        "columns": columns(map(Consultation.of, referrals), user, now),
        "findings": [
            (row, FindingForm(typed, instance=row, prefix=f"finding-{row.requirement_id}"))
            for row in found.findings.select_related("requirement")
        ],
        "objections": [(row, _answer_to(row, answers, typed)) for row in objections_to(found)],
        "us_content": content_of(found.version) if is_draft else None,
        "run": run,
        "stale_because": stale_because(run) if run and is_draft else "",
        "open_count": run.checks.all().open().count() if run and is_draft else 0,
        "conditions": packet.get("conditions", ()) if found.packet else list(found.conditions.all()),
        "form": DeterminationForm(instance=found),
        "condition_form": ConditionForm(prefix="condition"),
        "recall_form": ReasonForm(label="Why it is recalled"),
        "problems": problems,
        "may_sign": is_draft and user.has_perm("evaluation.sign_determination", found),
        "is_preparer": found.prepared_by_id == user.pk,
        "is_clearer": found.cleared_by_id == user.pk,
        "delegation": delegation_to_decide(found, by=user) if is_draft else None,
        "may_announce": found.status == DeterminationStatus.SIGNED
        and user.has_perm("evaluation.announce_determination", found),
        "may_recall": found.status == DeterminationStatus.SIGNED
        and user.has_perm("evaluation.recall_determination", found),
        "disclaimer": DISCLAIMER,
        **(forms or {}),
    }
    return render(request, "evaluation/determination.html", facts, status=status)


def _designations_seen(user: User, packet: dict[str, Any]) -> set[str]:
    """Numbers of the designations in the packet whose page the person may open."""
    if not user.holds(*READERS):
        return set()
    named = [row["designation"] for row in packet.get("market_overlap", ())]
    rows = Designation.objects.filter(proposal__in=Proposal.objects.read_by_office(user), number__in=named)
    return set(rows.values_list("number", flat=True))


def _answer_to(referral: Referral, answers: dict[int, ObjectionAnswer], typed: QueryDict | None) -> str:
    saved = answers.get(referral.position_id or 0)
    kept = saved.answer if saved else ""
    return kept if typed is None else str(typed.get(f"objection-{referral.position_id}-answer", kept))


@require_POST
def determination_save(request: SignedInRequest, pk: int) -> HttpResponse:
    """Save decision, findings and answers of the draft in one go; a script is answered in JSON."""
    found = get_object_or_404(Determination.objects.visible_to(request.user), pk=pk)
    form = DeterminationForm(request.POST, instance=found)
    is_script = is_autosave(request)
    if not form.is_valid():
        if is_script:
            return JsonResponse({"errors": form.errors}, status=422)
        return show_determination(request, pk, problems_of(form), {"form": form}, 422, request.POST)
    try:
        saved = _save_all(request, Determination.objects.get(pk=pk), form.cleaned_data)
    except StaleRevision as stale:
        revision = stale.record.revision
        texts = _both_texts(request, pk)
        if is_script:
            return JsonResponse({**in_json(texts), "revision": revision}, status=409)
        return conflict_page(request, texts, revision=revision, back=page(pk))
    except WrongStatus as refusal:
        if is_script:
            return JsonResponse({"errors": {"__all__": [refusal.on_open_page]}}, status=422)
        return show_determination(request, pk, [Problem("refused", str(refusal))], status=409)
    except (NotReady, ValidationError) as refusal:
        found_problems = (
            refusal.problems
            if isinstance(refusal, NotReady)
            else [Problem("invalid", message) for message in refusal.messages]
        )
        if is_script:
            return JsonResponse({"errors": {"__all__": [one.message for one in found_problems]}}, status=422)
        return show_determination(request, pk, found_problems, {"form": form}, 422, request.POST)
    if is_script:
        return JsonResponse({"saved_at": clock.instant().isoformat(), "revision": saved.revision})
    messages.success(request, "The draft is saved.")
    return redirect("evaluation:determination", pk=pk)


def _both_texts(request: SignedInRequest, pk: int) -> list[TwoTexts]:
    """The whole page as it was posted and as it is saved: decision, findings and answers."""
    found = Determination.objects.get(pk=pk)
    texts = texts_of(request, DeterminationForm(instance=found))
    for row in found.findings.select_related("requirement"):
        form = FindingForm(instance=row, prefix=f"finding-{row.requirement_id}")
        texts += texts_of(request, form, row.requirement.title)
    answers = {row.position_id: row for row in ObjectionAnswer.objects.filter(determination=found)}
    for referral in objections_to(found):
        yours, theirs = _answer_to(referral, answers, request.POST), _answer_to(referral, answers, None)
        label, name = f"Answer to {referral.agency}", f"objection-{referral.position_id}-answer"
        texts.append(TwoTexts(label, yours.replace("\r\n", "\n"), theirs, name, theirs))
    return texts


@transaction.atomic
def _save_all(request: SignedInRequest, found: Determination, values: dict[str, Any]) -> Determination:
    """Each row by its own service; the revision of the draft guards the whole page.

    A finding that its form refuses keeps the rest back too: no part of a page is dropped under "saved".
    """
    revision = revision_read(request.POST.get("revision", ""))
    services.save_determination(found, by=request.user, values=values, revision=revision)
    problems: list[Problem] = []
    for row in found.findings.select_related("requirement", "determination"):
        form = FindingForm(request.POST, instance=row, prefix=f"finding-{row.requirement_id}")
        if not form.is_valid():
            about = f"The finding on “{row.requirement.title}”"
            problems += (replace(one, message=f"{about}: {one.message}") for one in problems_of(form))
        elif form.has_changed():
            services.save_finding(row, by=request.user, values=dict(form.cleaned_data), revision=None)
    if problems:
        raise NotReady(problems)
    for referral in objections_to(found):
        answer = request.POST.get(f"objection-{referral.position_id}-answer")
        if answer is not None and referral.position is not None:
            services.answer_objection(found, referral.position, by=request.user, answer=answer)
    return found


@require_POST
def determination_renew(request: SignedInRequest, pk: int) -> HttpResponse:
    """Go on with the version that replaced the draft's own."""
    found = get_object_or_404(Determination.objects.visible_to(request.user), pk=pk)
    return carry_out(
        request, services.renew_determination, found, to=page(pk), again=partial(again_with, request, pk, {}),
        done="The draft is on the new version. What you wrote is kept; make each finding anew.",
    )  # fmt: skip


@require_POST
def condition_add(request: SignedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Determination.objects.visible_to(request.user), pk=pk)
    form = ConditionForm(request.POST, prefix="condition")

    def again(problems: list[Problem]) -> HttpResponse:
        elsewhere = lay_beside(form, problems)
        return again_with(request, pk, {"condition_form": form}, problems_of(form) + elsewhere)

    if not form.is_valid():
        return again([])
    return carry_out(
        request, services.save_condition, found, done="The condition was added.", to=f"{page(pk)}#conditions",
        again=again, values=form.rest, period=form.period,
    )  # fmt: skip


@require_POST
def condition_remove(request: SignedInRequest, pk: int, condition_pk: int) -> HttpResponse:
    condition = get_object_or_404(
        Condition.objects.visible_to(request.user), determination=pk, pk=condition_pk
    )
    return carry_out(
        request, services.remove_condition, condition, done="The condition was removed.",
        to=f"{page(pk)}#conditions", again=partial(again_with, request, pk, {}),
    )  # fmt: skip


@require_POST
def determination_ready(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put the draft up for clearance by another officer."""
    found = get_object_or_404(Determination.objects.visible_to(request.user), pk=pk)
    return carry_out(
        request, services.ask_to_clear, found, to=page(pk), again=partial(again_with, request, pk, {}),
        done="The draft is put up for clearance. The officers who may clear it were told.",
    )  # fmt: skip


@require_POST
@fresh_sign_in_required
def determination_clear(request: SignedInRequest, pk: int) -> HttpResponse:
    """Clear the packet that was read; refused when the record has moved on since."""
    found = get_object_or_404(Determination.objects.visible_to(request.user), pk=pk)
    return carry_out(
        request, services.clear_determination, found, to=page(pk), again=partial(again_with, request, pk, {}),
        done="The packet is cleared. Who signs it was told.",
        packet_sha256=request.POST.get("packet_sha256", "unread"),
    )  # fmt: skip


@require_POST
def determination_send_back(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give the draft back to who wrote it, with the reason."""
    found = get_object_or_404(Determination.objects.visible_to(request.user), pk=pk)
    form = ReasonForm(request.POST, label="What is to be changed")
    if not form.is_valid():
        return again_with(request, pk, {"send_back_form": form}, problems_of(form))
    return carry_out(
        request, services.send_back_determination, found, done="The draft was sent back.", to=page(pk),
        again=partial(again_with, request, pk, {"send_back_form": form}), reason=form.cleaned_data["reason"],
    )  # fmt: skip


@require_POST
@fresh_sign_in_required
def determination_sign(request: SignedInRequest, pk: int) -> HttpResponse:
    """Sign the packet that was read; refused when the record has moved on since."""
    found = get_object_or_404(Determination.objects.visible_to(request.user), pk=pk)
    return carry_out(
        request, services.sign_determination, found, to=page(pk), again=partial(again_with, request, pk, {}),
        done="The determination is signed. Nothing is visible outside until it is announced.",
        packet_sha256=request.POST.get("packet_sha256", "unread"),
    )  # fmt: skip


@require_POST
def determination_recall(request: SignedInRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Determination.objects.visible_to(request.user), pk=pk)
    return carry_out(
        request, services.recall_determination, found, done="The determination was recalled.", to=page(pk),
        again=partial(again_with, request, pk, {}), reason=request.POST.get("reason", ""),
    )  # fmt: skip


def page(pk: int) -> str:
    return reverse("evaluation:determination", args=[pk])


def again_with(
    request: SignedInRequest, pk: int, forms: dict[str, Any], problems: list[Problem]
) -> HttpResponse:
    return show_determination(request, pk, problems, forms, status=422)

"""The consortium's side: what the Government asks and has written, and what goes into the catalog."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation import services
from evaluation.documents import DISCLAIMER
from evaluation.enums import CatalogReleaseStatus
from evaluation.forms import AnswerDraftForm, CatalogEntryForm
from evaluation.models import (
    AnswerDraft,
    AnswerFile,
    CatalogEntry,
    CatalogRelease,
    Condition,
    Designation,
    InformationRequest,
    Letter,
    Return,
)
from evaluation.notices import catalog_page
from evaluation.terms import lines_of
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.catalog_review import withheld_texts
from evaluation.views.saving import conflict_page, keep_draft, texts_of
from program import clock
from program.deadlines import end_of_day
from program.documents import Withheld, download_response
from program.models import Document
from program.revisions import StaleRevision, revision_read
from program.waiting import Task, for_the_team
from proposals.enums import Sector
from proposals.models import Proposal, TeamMember, Version
from proposals.services.reading import Reading, readings_of, record_reading
from proposals.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponse
    from django.http.response import HttpResponseBase

    from program.models import User
    from program.requests import SignedInRequest
    from program.transitions import Problem


@for_the_team
def conditions_to_meet(user: User, proposal: Proposal | None) -> Iterable[Task]:
    """Open conditions of the designations whose anchor the person works for."""
    anchored = TeamMember.objects.of(user).filter(membership__is_anchor=True)
    rows = Condition.objects.open().filter(
        designation__proposal__consortium__in=anchored.values("membership__consortium")
    )
    if proposal is not None:
        rows = rows.filter(designation__proposal=proposal)
    for row in rows.select_related("designation").order_by("due_on", "pk")[:20]:
        if row.designation is not None:
            yield Task(
                f"Meet condition {row.number} of {row.designation.number}",
                row.text,
                f"{reverse('evaluation:questions', args=[row.designation.proposal_id])}#conditions",
                end_of_day(row.due_on) if row.due_on else None,
            )


@require_safe
def questions(request: SignedInRequest, pk: int) -> HttpResponse:
    return show_questions(request, pk)


def show_questions(
    request: SignedInRequest,
    pk: int,
    problems: Iterable[Problem] = (),
    typed: tuple[int, str] = (0, ""),
    status: int = 200,
) -> HttpResponse:
    """Returned items, questions to answer, letters; and for the consortium, which agency read what.

    What the consortium answered is part of what is read: a government reading is recorded, as of the version.
    """
    proposal = get_object_or_404(
        Proposal.objects.visible_to(request.user).select_related("consortium", "call"), pk=pk
    )
    if newest := latest_version(proposal):
        record_reading(newest, by=request.user)
    is_theirs = request.user.has_perm("proposals.view_draft_proposal", proposal)
    designation = Designation.objects.visible_to(request.user).filter(proposal=proposal).first()
    asked = list(InformationRequest.objects.visible_to(request.user).filter(proposal=proposal).for_list())
    if is_theirs:
        know_drafts(asked)
    conditions = list(designation.conditions.all()) if designation else []
    may_answer = bool(asked) and request.user.has_perm("evaluation.answer_informationrequest", asked[0])
    facts = {
        "proposal": proposal,
        "questions": asked,
        "rounds_allowed": proposal.call.question_rounds,
        "rounds_begun": max((row.round for row in asked if row.is_counted), default=0),
        "returns": Return.objects.filter(proposal=proposal).select_related("version"),
        "letters": Letter.objects.visible_to(request.user).filter(proposal=proposal).select_related("paper"),
        "readings": named_readings(proposal) if is_theirs else (),
        "designation": designation,
        "standing": Standing(designation.number, designation.status) if designation else Standing(),
        "conditions": conditions,
        "has_open_conditions": any(row.is_open for row in conditions),
        "amendments": [(row, lines_of(row)) for row in designation.amendments.told()] if designation else [],
        "today": clock.today(),
        "may_answer": may_answer,
        "may_draft": bool(asked) and request.user.has_perm("evaluation.draft_informationrequest", asked[0]),
        "may_release": _may_release(request, proposal),
        "now": clock.now(),
        "problems": problems,
        "typed_for": typed[0],
        "lost": [{"label": "Your answer", "text": typed[1]}] if typed[1] else [],
        "typed": typed[1],
        "most_files": services.MOST_FILES,
    }
    return render(request, "evaluation/questions.html", facts, status=status)


def know_drafts(asked: list[InformationRequest]) -> None:
    """Lay the drafts of their answers beside the questions, for the consortium's own people."""
    drafts = AnswerDraft.objects.filter(request__in=asked).select_related("saved_by")
    known = {draft.request_id: draft for draft in drafts}
    for question in asked:
        question.drafted = known.get(question.pk)  # type: ignore[attr-defined]


def latest_version(proposal: Proposal) -> Version | None:
    """The version that stands, without its package; none of a draft."""
    if not proposal.version_count:
        return None
    version = Version.objects.defer("package").get(proposal=proposal, number=proposal.version_count)
    version.proposal = proposal
    return version


def named_readings(proposal: Proposal, *, most: int = 20) -> list[tuple[Reading, Document | None]]:
    """The latest readings, each with the file that was read where it was one of the proposal's files."""
    readings = readings_of(proposal, most=most)
    read = {reading.document for reading in readings if reading.document}
    own = Q(attachments__proposal=proposal) | Q(
        pk__in=AnswerFile.objects.filter(request__proposal=proposal).values("document")
    )
    files = {file.sha256: file for file in Document.objects.filter(own, sha256__in=read)} if read else {}
    return [(reading, files.get(reading.document)) for reading in readings]


def _may_release(request: SignedInRequest, proposal: Proposal) -> bool:
    designation = Designation.objects.visible_to(request.user).active().filter(proposal=proposal).first()
    return designation is not None and request.user.has_perm("evaluation.release_designation", designation)


@require_POST
def question_answer(request: SignedInRequest, pk: int, question_pk: int) -> HttpResponse:
    """Answer one question for the consortium."""
    question = get_object_or_404(
        InformationRequest.objects.visible_to(request.user), proposal=pk, pk=question_pk
    )
    typed = request.POST.get("answer", "").replace("\r\n", "\n")

    def both_texts(stale: StaleRevision) -> HttpResponse:
        texts = texts_of(request, AnswerDraftForm(instance=stale.record))
        return conflict_page(
            request, texts, revision=stale.record.revision, by=str(stale.record.saved_by),
            back=_place(pk, question),
        )  # fmt: skip

    return carry_out(
        request, services.answer_question, question, answer=typed,
        uploads=request.FILES.getlist("files"),
        done=f"Your answer to question {question.number} was sent.",
        to=reverse("evaluation:questions", args=[pk]),
        again=partial(_again, request, pk, (question_pk, typed)),
        conflict=both_texts, overtaken=partial(show_questions, request, pk, (), (question_pk, typed), 409),
        revision=revision_read(request.POST.get("revision", "")),
    )  # fmt: skip


@require_POST
def question_draft(request: SignedInRequest, pk: int, question_pk: int) -> HttpResponse:
    """Keep what is written of an answer; answers a script in JSON, a person with the page."""
    question = get_object_or_404(
        InformationRequest.objects.visible_to(request.user), proposal=pk, pk=question_pk
    )
    typed = (question_pk, request.POST.get("answer", ""))

    def again(problems: list[Problem], status: int) -> HttpResponse:
        return show_questions(request, pk, problems, typed, status)

    return keep_draft(
        request,
        AnswerDraftForm(request.POST),
        lambda *, values, revision: services.save_answer_draft(
            question, by=request.user, revision=revision, **values
        ),
        fresh=lambda draft: AnswerDraftForm(instance=draft),
        again=again,
        said=f"Your draft of the answer to question {question.number} is kept. It is not sent.",
        back=_place(pk, question),
    )


def _place(pk: int, question: InformationRequest) -> str:
    return f"{reverse('evaluation:questions', args=[pk])}#question-{question.pk}"


@require_safe
def answer_file(request: SignedInRequest, pk: int, file: int) -> HttpResponseBase:
    """A file of an answer, for whoever sees the question; a government reading is recorded."""
    rows = AnswerFile.objects.visible_to(request.user).select_related(
        "document", "request__version__proposal"
    )
    found = get_object_or_404(rows, request__proposal=pk, pk=file)
    try:
        answer = download_response(found.document)
    except Withheld as reason:
        messages.warning(request, str(reason))
        return redirect("evaluation:questions", pk)
    record_reading(found.request.version, by=request.user, document=found.document)
    return answer


def _again(
    request: SignedInRequest, pk: int, typed: tuple[int, str], problems: list[Problem]
) -> HttpResponse:
    return show_questions(request, pk, problems, typed, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def catalog_release(request: SignedInRequest, pk: int) -> HttpResponse:
    """Choose what of a designated package is to be public; nothing is, until an officer has published it."""
    proposal = get_object_or_404(
        Proposal.objects.visible_to(request.user).select_related("consortium"), pk=pk
    )
    designation = get_object_or_404(Designation.objects.visible_to(request.user).active(), proposal=proposal)
    if not request.user.has_perm("evaluation.release_designation", designation):
        raise PermissionDenied(
            "Only the anchor's administrator or authorized representative releases the entry."
        )
    newest = designation.catalog_releases.select_related("decided_by").first()
    entry = CatalogEntry.objects.filter(designation=designation).first()
    said = newest or entry
    text = CatalogRelease(**services.text_of(said)) if said else CatalogRelease()
    show = partial(_show_release, request, designation, newest, entry)
    if request.method != "POST":
        return show(CatalogEntryForm(instance=text))
    form, here = CatalogEntryForm(request.POST, instance=text), catalog_page(proposal)

    def again(problems: list[Problem]) -> HttpResponse:
        return show(form, problems, status=422)

    def both_texts(stale: StaleRevision) -> HttpResponse:
        texts = texts_of(request, CatalogEntryForm(instance=stale.record))
        return conflict_page(request, texts, revision=stale.record.number, back=here)

    if not form.is_valid():
        return again(problems_of(form))
    return carry_out(
        request, services.release_catalog_entry, designation,
        done="The text is with the Program office. It is public once an officer has published it.",
        to=here, again=again, conflict=both_texts, values=form.values,
        revision=revision_read(request.POST.get("revision", "")),
    )  # fmt: skip


def _show_release(
    request: SignedInRequest,
    designation: Designation,
    newest: CatalogRelease | None,
    entry: CatalogEntry | None,
    form: CatalogEntryForm,
    problems: Iterable[Problem] = (),
    status: int = 200,
) -> HttpResponse:
    package = designation.package
    is_public = entry is not None and entry.withdrawn_at is None
    facts = {
        "proposal": designation.proposal,
        "designation": designation,
        "package": package,
        "sectors": [Sector(code).label for code in services.sectors_of(package)],
        "form": form,
        "newest": newest,
        "is_public": is_public,
        "withheld": withheld_texts(entry if is_public else None),
        "waits": newest is not None and newest.is_waiting,
        "is_returned": newest is not None and newest.status == CatalogReleaseStatus.RETURNED,
        "revision": request.POST.get("revision", "") if form.is_bound else (newest.number if newest else 0),
        "problems": problems,
        "disclaimer": DISCLAIMER,
    }
    return render(request, "evaluation/catalog_release.html", facts, status=status)


@require_POST
def catalog_withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take the entry out of the public catalog, and back what waits for the Program office."""
    proposal = get_object_or_404(Proposal.objects.visible_to(request.user), pk=pk)
    designations = Designation.objects.visible_to(request.user).active()
    designation = get_object_or_404(designations, proposal=proposal)
    return carry_out(
        request, services.withdraw_catalog_entry, designation,
        done="Nothing of the package is in the public catalog, and nothing waits for the Program office.",
        to=catalog_page(proposal), again=lambda problems: redirect("evaluation:catalog-release", pk=pk),
    )  # fmt: skip

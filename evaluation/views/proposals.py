"""A proposal at the desk: the version as it was submitted, and everything the record says about it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from evaluation import services
from evaluation.columns import columns, summary
from evaluation.consultations import Consultation
from evaluation.discussing import tally_of
from evaluation.enums import ReferralStatus
from evaluation.forms import PauseForm, QuestionForm, ReopenReferralForm
from evaluation.history import SHOWN, history_of
from evaluation.lateness import dues, reasons_of
from evaluation.models import (
    AgencyScore,
    Assignment,
    ClockEvent,
    Designation,
    Determination,
    Escalation,
    InformationRequest,
    PartyCheck,
    Position,
    Referral,
    Review,
    ScreeningRun,
)
from evaluation.overlaps import overlaps_of
from evaluation.packets import content_of
from evaluation.querysets.people import is_official, reads_every_consultation
from evaluation.services.questions import ASKABLE, LIMITED, next_round
from evaluation.since import changes_between, earlier_sheets, known_to
from evaluation.staleness import stale_because
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.desk import DESK_ROLES, require_desk
from evaluation.views.own_conflicts import own_conflict_facts
from evaluation.waiting_screenings import job_facts
from evaluation.weighing import compliance_facts
from program import clock
from program.acts import lay_beside
from program.enums import OfficeRole
from program.models import Agency
from program.order import implements
from program.requests import number_said
from program.transitions import require
from proposals.files import files_of_version
from proposals.lifecycle import EXTEND
from proposals.models import Proposal, Version
from proposals.services import record_reading
from proposals.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpResponse

    from evaluation.since import ChangedPart
    from program.models import User
    from program.requests import SignedInRequest
    from program.transitions import Problem

READERS = (*DESK_ROLES, OfficeRole.EDAG_CHAIR, OfficeRole.EDAG_OFFICER)


@implements("s.3(d)")
@require_GET
def proposal(request: SignedInRequest, number: str) -> HttpResponse:
    """The reader; that the version was read is recorded, once a day, and shown to the anchor."""
    return show_proposal(request, number)


def show_proposal(
    request: SignedInRequest,
    number: str,
    problems: Iterable[Problem] = (),
    question_form: QuestionForm | None = None,
    pause_form: PauseForm | None = None,
    status: int = 200,
) -> HttpResponse:
    require_desk(request.user, *READERS)
    user = request.user
    rows = Proposal.objects.read_by_office(user).select_related("call", "consortium")
    found = get_object_or_404(rows.annotate(**dues(user)), number=number)
    wanted = number_said(request.GET.get("version", ""), digits=4)
    version_number = found.version_count if wanted is None else wanted
    version = get_object_or_404(Version, proposal=found, number=version_number)
    record_reading(version, by=user)
    designations = Designation.objects.visible_to(user).filter(proposal=found)
    designation = designations.defer("version__package").first()
    facts = {
        "proposal": found,
        "version": version,
        "package": version.value,
        "files": files_of_version(version),
        "versions": found.versions.defer("package").order_by("-number"),
        "us_content": content_of(version),
        "problems": problems,
        **since_facts(request, version),
        **consultation_facts(request, found, version),
        **checking_facts(request, version),
        "questions": InformationRequest.objects.visible_to(user).filter(proposal=found).for_list(),
        "question_form": question_form or question_form_for(request, found),
        **clock_facts(request, found, version, pause_form),
        **own_conflict_facts(user, found),
        "may_ask": found.status in ASKABLE,
        "next_round": next_round(found) if found.call.question_rounds and found.status in LIMITED else None,
        "material_changes": found.material_changes.select_related("reported_by"),
        "determinations": Determination.objects.visible_to(user)
        .filter(proposal=found)
        .for_list()
        .defer("version__package", "packet"),
        "designation": designation,
        "standing": Standing(designation_status=designation.status if designation else ""),
        **history_facts(request, found),
        "is_official": is_official(user),
        "overlaps": overlaps_of(version, user) if is_official(user) else None,
        "tally": tally_of(user, found),
        "may_prepare": user.has_perm("evaluation.add_determination", found),
        "may_assign": user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.LEAD),
        "may_extend": user.holds(OfficeRole.PROGRAM_OFFICER) and found.status in EXTEND.sources,
    }
    return render(request, "evaluation/proposal.html", facts, status=status)


def since_facts(request: SignedInRequest, version: Version) -> dict[str, Any]:
    """What changed since this person last read it, and the parts to show where only those are asked for."""
    since = known_to(version, request.user, number_said(request.GET.get("since", ""), digits=4))
    if since is None:
        return {"since": None}
    before = Version.objects.get(proposal=version.proposal_id, number=since.number)
    changed = changes_between(before, version)
    shows_changed = request.GET.get("show") == "changed" and bool(changed)
    return {
        "since": since,
        "changed": changed,
        "changed_count": sum(len(part.rows) for part in changed),
        "only": [str(row.part) for row in changed] if shows_changed else [],
    }


def consultation_facts(request: SignedInRequest, proposal: Proposal, version: Version) -> dict[str, Any]:
    """Five columns, what is late, the positions that this person may read, reviews and scores.

    Of an earlier version, the objections stay that the escalations speak of.
    """
    user, now = request.user, clock.now()
    referrals = list(
        Referral.objects.visible_to(user)
        .filter(version=version)
        .select_related("agency", "position", "version__proposal")
        .defer("version__package")
    )
    consultations = [Consultation.of(referral) for referral in referrals]
    five = columns(consultations, user, now)
    shown = [r.position_id for r in referrals if r.position_id]
    positions = Position.objects.visible_to(user).filter(pk__in=shown)
    escalations = list(Escalation.objects.visible_to(user).filter(proposal=proposal).for_list())
    sheets = (
        Review.objects.visible_to(user)
        .filter(version=version)
        .submitted()
        .for_list()
        .defer("version__package")
    )
    scores = (
        AgencyScore.objects.visible_to(user).filter(version=version).select_related("agency", "criterion")
    )
    return {
        "referrals": referrals,
        "columns": five,
        "summary": summary(five),
        "reads_every_consultation": reads_every_consultation(user),
        "consulted_number": None if referrals else last_consulted(version),
        "positions": positions.select_related("referral__agency", "signed_by", "delegation__given_by"),
        "escalations": escalations,
        "other_objections": [
            escalation.position
            for escalation in escalations
            if escalation.position_id not in shown and not escalation.is_withdrawn
        ],
        "reasons": reasons_of(proposal, consultations, now)
        if version.number == proposal.version_count
        else [],
        "now": now,
        "reviews": sheets.prefetch_related("scores__criterion"),
        "earlier_sheets": earlier_sheets(Review.objects.visible_to(user), version),
        "scores": scores,
        "assignments": Assignment.objects.visible_to(user)
        .filter(proposal=version.proposal_id)
        .active()
        .for_list(),
        "my_assignment": Assignment.objects.held_by(user).filter(proposal=version.proposal_id).first(),
        "to_reopen": [
            (row, ReopenReferralForm(prefix=f"reopen-{row.pk}"))
            for row in referrals
            if row.status == ReferralStatus.LAPSED
        ],
    }


def clock_facts(
    request: SignedInRequest, proposal: Proposal, version: Version, form: PauseForm | None
) -> dict[str, Any]:
    """What befell the clocks of this version, and for the Program office the way to pause them."""
    user = request.user
    pauses = ClockEvent.objects.visible_to(user).filter(referral__version=version).for_list()
    may_pause = user.has_perm("evaluation.pause_referral", proposal)
    if form is None and may_pause and version.number == proposal.version_count:
        form = pause_form_for(request, proposal)
    return {"pauses": pauses, "may_pause": may_pause, "pause_form": form}


def pausable(user: User, proposal: Proposal) -> QuerySet[Referral]:
    """Consultations whose clock may be paused, also for another reason than it stands for."""
    rows = Referral.objects.visible_to(user).awaited().filter(version__proposal=proposal)
    rows = rows.filter(Q(paused_at__isnull=False) | Q(due_at__gt=clock.now()))
    return rows.select_related("agency")


def pause_form_for(request: SignedInRequest, proposal: Proposal, data: Any = None) -> PauseForm:
    questions = InformationRequest.objects.visible_to(request.user).open().filter(proposal=proposal)
    return PauseForm(
        data,
        referrals=pausable(request.user, proposal),
        questions=questions.filter(due_at__gt=clock.now()).select_related("agency"),
    )


def last_consulted(version: Version) -> int | None:
    """The number of the newest version before this one on which agencies were consulted."""
    rows = Version.objects.filter(
        proposal=version.proposal_id, number__lt=version.number, referrals__isnull=False
    )
    return rows.order_by("-number").values_list("number", flat=True).first()


def checking_facts(request: SignedInRequest, version: Version) -> dict[str, Any]:
    """The newest screening of this version, for officials."""
    run = (
        ScreeningRun.objects.visible_to(request.user)
        .filter(version=version)
        .select_related("screening_list")
        .first()
    )
    if run:
        run.version = version
    checks = PartyCheck.objects.visible_to(request.user).filter(run=run) if run else PartyCheck.objects.none()
    return {
        "run": run,
        "stale_because": stale_because(run) if run else "",
        **job_facts(version),
        **compliance_facts(run),
        "checks": checks.with_opinions().select_related("entry").order_by("-score", "pk"),
        "open_checks": checks.open().count() if run else 0,
    }


def changes_to(version: Version) -> list[ChangedPart]:
    """What this version changed against the one before, by part."""
    before = Version.objects.filter(proposal=version.proposal_id, number=version.number - 1).first()
    return changes_between(before, version) if before else []


def history_facts(request: SignedInRequest, proposal: Proposal) -> dict[str, Any]:
    """A page of the history for officials, with the way on and back, and the whole record for auditors."""
    if not is_official(request.user):
        return {"history": []}
    after = number_said(request.GET.get("history", ""))
    found = history_of(proposal, after=after, most=SHOWN + 1)
    older = found[SHOWN - 1]["event"].pk if len(found) > SHOWN else None
    return {
        "history": found[:SHOWN],
        "older_history": history_page(request, older) if older else "",
        "newest_history": "" if after is None else history_page(request, None),
        "may_read_record": request.user.has_perm("program.view_record"),
    }


def history_page(request: SignedInRequest, after: int | None) -> str:
    """This page with the history behind the event ``after``, or with its newest."""
    query = request.GET.copy()
    query.pop("history", None)
    if after:
        query["history"] = str(after)
    return f"?{query.urlencode()}#history"


def agencies_asking(request: SignedInRequest) -> Any:
    """Agencies in whose name this person may ask: a program officer for Commerce, a lead for their own."""
    codes = request.user.agencies_as(OfficeRole.LEAD, OfficeRole.PROGRAM_OFFICER)
    return Agency.objects.filter(code__in=codes)


def question_form_for(request: SignedInRequest, proposal: Proposal, data: Any = None) -> QuestionForm | None:
    """The form to ask; who may pause clocks chooses which stand for the answer."""
    user = request.user
    if not user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.LEAD):
        return None
    may_pause = user.has_perm("evaluation.pause_referral", proposal)
    clocks = pausable(user, proposal) if may_pause else None
    return QuestionForm(data, agencies=agencies_asking(request), pausable=clocks)


@require_POST
def question_ask(request: SignedInRequest, number: str) -> HttpResponse:
    """Ask the consortium a question."""
    found = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    form = question_form_for(request, found, request.POST)

    def again(problems: list[Problem]) -> HttpResponse:
        return show_proposal(request, number, problems, form, status=422)

    if form is None:
        raise PermissionDenied("You may not ask the consortium.")
    if not form.is_valid():
        return again(problems_of(form))
    return carry_out(
        request, services.ask_consortium, found, done="The question was sent to the consortium.",
        to=f"{reverse('evaluation:proposal', args=[number])}#questions", again=again, period=form.period,
        **form.rest,
    )  # fmt: skip


@require_POST
def question_withdraw(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    question = get_object_or_404(
        InformationRequest.objects.visible_to(request.user), proposal__number=number, pk=pk
    )
    return carry_out(
        request, services.withdraw_question, question, done="The question was withdrawn.",
        to=f"{reverse('evaluation:proposal', args=[number])}#questions",
        again=partial(_again, request, number),
    )  # fmt: skip


@require_POST
def clocks_pause(request: SignedInRequest, number: str) -> HttpResponse:
    """Let the clocks of some consultations stand, for a listed reason."""
    found = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    require("evaluation.pause_referral", request.user, found)
    form = pause_form_for(request, found, request.POST)

    def again(problems: list[Problem]) -> HttpResponse:
        elsewhere = lay_beside(form, problems)
        return show_proposal(request, number, problems_of(form) + elsewhere, pause_form=form, status=422)

    if not form.is_valid():
        return again([])
    return carry_out(
        request, services.pause_clocks, found, done="The clocks are paused.",
        to=f"{reverse('evaluation:proposal', args=[number])}#clocks", again=again, **form.cleaned_data,
    )  # fmt: skip


@require_POST
def referral_resume(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    """Let the clock of a paused consultation go on."""
    referral = get_object_or_404(
        Referral.objects.visible_to(request.user), version__proposal__number=number, pk=pk
    )
    return carry_out(
        request, services.resume_referral, referral, done=f"The clock of {referral.agency} goes on.",
        to=f"{reverse('evaluation:proposal', args=[number])}#clocks",
        again=partial(_again, request, number), note=request.POST.get("note", ""),
    )  # fmt: skip


@require_POST
def referral_reopen(request: SignedInRequest, number: str, pk: int) -> HttpResponse:
    """Give an agency that did not respond a new last day."""
    referral = get_object_or_404(
        Referral.objects.visible_to(request.user), version__proposal__number=number, pk=pk
    )
    form = ReopenReferralForm(request.POST, prefix=f"reopen-{pk}")
    if not form.is_valid():
        return _again(request, number, problems_of(form))
    return carry_out(
        request, services.reopen_referral, referral, done=f"{referral.agency} is consulted again.",
        to=f"{reverse('evaluation:proposal', args=[number])}#consultation",
        again=partial(_again, request, number), period=form.period, **form.rest,
    )  # fmt: skip


def _again(request: SignedInRequest, number: str, problems: list[Problem]) -> HttpResponse:
    return show_proposal(request, number, problems, status=422)

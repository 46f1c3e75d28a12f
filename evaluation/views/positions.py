"""An agency's room on one referral: its reviews, and the position its lead signs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.clocks import days_of
from evaluation.discussing import tally_of
from evaluation.enums import ReferralStatus
from evaluation.forms import PositionForm
from evaluation.models import (
    AgencyScore,
    Assignment,
    ClockEvent,
    Escalation,
    Position,
    PositionDraft,
    Referral,
    Review,
)
from evaluation.services.assignments import declare_first
from evaluation.services.consultation import DRAFTED, delegation_to_sign, is_overdue
from evaluation.services.delegations import giver_recused_from_position, refusal_to_sign
from evaluation.since import earlier_sheets
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.own_conflicts import own_conflict_facts
from evaluation.views.saving import conflict_page, keep_draft, texts_of
from program import clock
from program.acts import fresh_sign_in_required
from program.order import implements
from program.requests import number_said
from program.revisions import StaleRevision, revision_read
from proposals.enums import ProposalStatus
from proposals.forms.rows import as_posted, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponse

    from program.requests import SignedInRequest
    from program.transitions import Problem


@implements("s.3(d)")
@require_safe
def position(request: SignedInRequest, pk: int) -> HttpResponse:
    return show_position(request, pk)


def show_position(
    request: SignedInRequest,
    pk: int,
    problems: Iterable[Problem] = (),
    form: PositionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Reviews of the agency compared, the position that stands, and the form to file one while there is time.

    A refused ``form`` stays, also one that came too late: what was typed is not lost.
    """
    rows = Referral.objects.visible_to(request.user).select_related(
        "agency", "version__proposal__consortium", "position__signed_by", "previous"
    )
    referral = get_object_or_404(rows, pk=pk)
    declare_first(referral.version, request.user)
    may_sign = request.user.has_perm("evaluation.answer_referral", referral)
    version, now = referral.version, clock.now()
    standing = Position.objects.visible_to(request.user).filter(pk=referral.position_id or 0).first()
    previous = referral.previous.position if referral.previous and may_sign else None
    draft = PositionDraft.objects.filter(referral=referral).select_related("saved_by").first()
    drafted = draft if may_sign else None
    start = drafted or standing or previous
    is_evaluated = version.proposal.status == ProposalStatus.UNDER_EVALUATION
    can_file = (
        may_sign
        and version.number == version.proposal.version_count
        and referral.status not in (ReferralStatus.LAPSED, ReferralStatus.ENDED)
        and version.proposal.status != ProposalStatus.WITHDRAWN
        and (form is not None or (is_evaluated and not is_overdue(referral, now)))
    )
    facts = {
        "referral": referral,
        "proposal": version.proposal,
        "version": version,
        "now": now,
        "is_decided": version.proposal.status in (ProposalStatus.DESIGNATED, ProposalStatus.NOT_SELECTED),
        "days": days_of(referral, now),
        "pauses": ClockEvent.objects.visible_to(request.user).filter(referral=referral).for_list(),
        "standing": standing,
        "escalation": Escalation.objects.visible_to(request.user)
        .filter(proposal=version.proposal_id, agency=referral.agency_id)
        .for_list()
        .first(),
        "earlier_lapses": Referral.objects.visible_to(request.user)
        .filter(
            version__proposal=version.proposal_id,
            version__number__lt=version.number,
            agency=referral.agency_id,
            status=ReferralStatus.LAPSED,
        )
        .select_related("version")
        .defer("version__package"),
        "previous": previous,
        "positions": Position.objects.visible_to(request.user)
        .filter(referral=referral)
        .select_related("signed_by"),
        "reviews": Review.objects.visible_to(request.user)
        .filter(version=version, agency=referral.agency)
        .submitted()
        .for_list()
        .prefetch_related("scores__criterion"),
        "earlier_sheets": earlier_sheets(
            Review.objects.visible_to(request.user).filter(agency=referral.agency), version
        )
        if may_sign
        else [],
        "scores": AgencyScore.objects.read_by(request.user)
        .filter(version=version, agency=referral.agency)
        .select_related("criterion")
        if may_sign
        else [],
        "owes_sheet": may_sign
        and Assignment.objects.active().filter(proposal=version.proposal_id).owed_by(request.user).exists(),
        "assignments": Assignment.objects.visible_to(request.user)
        .filter(proposal=version.proposal, agency=referral.agency)
        .active()
        .for_list(),
        "tally": tally_of(request.user, version.proposal),
        **own_conflict_facts(request.user, version.proposal),
        "may_sign": may_sign,
        "giver_recused": "" if may_sign else giver_recused_from_position(referral, by=request.user),
        "is_replaced": version.number < version.proposal.version_count,
        "current": Referral.objects.visible_to(request.user)
        .filter(
            version__proposal=version.proposal_id,
            version__number=version.proposal.version_count,
            agency=referral.agency_id,
        )
        .first()
        if version.number < version.proposal.version_count
        else None,
        "can_file": can_file,
        "not_kept": _in_words(form) if form and not can_file else [],
        "delegation": delegation_to_sign(referral, by=request.user) if may_sign else None,
        "can_acknowledge": referral.status == ReferralStatus.OPEN
        and version.number == version.proposal.version_count
        and version.proposal.status != ProposalStatus.WITHDRAWN
        and request.user.has_perm("evaluation.acknowledge_referral", referral),
        "form": form or PositionForm(initial=written(start) if may_sign else {}),
        "draft": drafted,
        "problems": problems,
    }
    return render(request, "evaluation/position.html", facts, status=status)


@require_POST
def referral_acknowledge(request: SignedInRequest, pk: int) -> HttpResponse:
    referral = get_object_or_404(Referral.objects.visible_to(request.user), pk=pk)
    return carry_out(
        request, services.acknowledge_referral, referral, done="Acknowledged; the clock goes on.",
        to=page(pk), again=partial(_again, request, pk, None),
    )  # fmt: skip


@require_POST
@fresh_sign_in_required
def position_file(request: SignedInRequest, pk: int) -> HttpResponse:
    """Sign and file the agency's position."""
    referral = get_object_or_404(Referral.objects.visible_to(request.user), pk=pk)
    if not request.user.has_perm("evaluation.answer_referral", referral):
        raise PermissionDenied(refusal_to_sign(referral, by=request.user))
    form = PositionForm(request.POST)
    again = partial(_again, request, pk, form)

    def both_texts(stale: StaleRevision) -> HttpResponse:
        texts = texts_of(request, PositionForm(initial=written(stale.record)))
        by = str(stale.record.saved_by)
        return conflict_page(request, texts, revision=stale.record.revision, by=by, back=page(pk))

    if not form.is_valid():
        return again(problems_of(form))
    return carry_out(
        request, services.file_position, referral, done=f"The position of {referral.agency} is filed.",
        to=page(pk), again=again, seen=number_said(request.POST.get("seen", "")),
        draft_revision=revision_read(request.POST.get("revision", "")), conflict=both_texts,
        overtaken=lambda: show_position(request, pk, form=form, status=409),
        **form.cleaned_data,
    )  # fmt: skip


@require_POST
def position_draft(request: SignedInRequest, pk: int) -> HttpResponse:
    """Keep what is written of the position; it is not filed."""
    referral = get_object_or_404(Referral.objects.visible_to(request.user), pk=pk)
    if not request.user.has_perm("evaluation.answer_referral", referral):
        raise PermissionDenied(refusal_to_sign(referral, by=request.user))
    form = PositionForm(request.POST)
    return keep_draft(
        request,
        form,
        partial(services.save_position_draft, referral, by=request.user),
        fresh=lambda draft: PositionForm(initial=written(draft)),
        again=lambda problems, status: show_position(request, pk, problems, form, status),
        said="The draft of the position is kept. It is not filed.",
        back=page(pk),
        notice=overtaken(referral),
    )


def _in_words(form: PositionForm) -> list[tuple[str, str]]:
    """What was typed, field by field, where no form takes it any more."""
    fields = ((str(field.label), in_words(field, as_posted(field))) for field in form)
    return [(label, words) for label, words in fields if words]


def overtaken(referral: Referral) -> dict[str, str] | None:
    """What a script tells who writes on a position whose version was replaced meanwhile."""
    number, newest = referral.version.number, referral.version.proposal.version_count
    if number == newest:
        return None
    return {
        "words": f"The consortium has submitted version {newest}. No position on version {number} is filed "
        "any more; the agency is consulted on the new one once the Program office has accepted it.",
        "link": "Where the consultation stands",
        "url": page(referral.pk),
    }


def written(start: Position | PositionDraft | None) -> dict[str, Any]:
    """The texts of a position or its draft, by the names of the form."""
    return {name: getattr(start, name) for name in DRAFTED} if start else {}


def page(pk: int) -> str:
    return reverse("evaluation:position", args=[pk])


def _again(
    request: SignedInRequest, pk: int, form: PositionForm | None, problems: list[Problem]
) -> HttpResponse:
    return show_position(request, pk, problems, form, status=422)

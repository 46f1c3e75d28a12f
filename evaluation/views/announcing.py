"""Announcing determinations, one or several: the preview of what happens and who is told, then the press."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from evaluation import services
from evaluation.documents import letter_before
from evaluation.enums import DeterminationStatus, Outcome
from evaluation.lifecycle import ANNOUNCE
from evaluation.models import Determination, ScreeningRun
from evaluation.services.announcing import MOST_TOGETHER, announcement_recipients
from evaluation.views.acting import carry_out
from evaluation.views.desk import require_desk
from evaluation.views.determinations import again_with
from program import clock
from program.acts import fresh_sign_in_required
from program.enums import OfficeRole
from program.models import Office
from program.requests import number_said
from program.transitions import NotReady, Problem
from proposals.models import TeamMember

if TYPE_CHECKING:
    from collections.abc import Iterable

    from program.models import User
    from program.requests import SignedInRequest

SIGNED = DeterminationStatus.SIGNED
NEXT_STATUS = {
    Outcome.DESIGNATE: "The proposal becomes “Designated” and a designation begins.",
    Outcome.NOT_SELECT: "The proposal becomes “Not selected”.",
    Outcome.DEFER: "The proposal stays under evaluation; the consortium is told the date.",
}


def groups_of(found: Determination, recipients: list[User]) -> list[tuple[str, list[User]]]:
    """Who is told, by the office or the company for which they are."""
    people = {person.pk for person in recipients}
    offices = Office.objects.in_force().filter(user__in=people).select_related("agency")
    places: dict[int, str] = {row.user_id: str(row) for row in offices.order_by("-role", "pk")}
    team = TeamMember.objects.filter(
        user__in=people, removed_at=None, membership__consortium=found.proposal.consortium_id
    )
    for row in team.select_related("membership__organization").order_by("-pk"):
        places[row.user_id] = str(row.membership.organization)
    groups: dict[str, list[User]] = {}
    for person in recipients:
        groups.setdefault(places.get(person.pk, "Others"), []).append(person)
    return sorted(groups.items())


def run_of(found: Determination) -> ScreeningRun | None:
    """The screening with the checks that the decision rests on, for their age."""
    return ScreeningRun.objects.filter(version=found.version_id).order_by("-pk").first()


@require_GET
def announcement(request: SignedInRequest, pk: int) -> HttpResponse:
    """The preview: what happens, what the letter says, who is told and how many."""
    found = get_object_or_404(
        Determination.objects.visible_to(request.user).for_list(), pk=pk, status=DeterminationStatus.SIGNED
    )
    recipients = announcement_recipients(found)
    facts = {
        "determination": found,
        "proposal": found.proposal,
        "recipients": recipients,
        "groups": groups_of(found, recipients),
        "run": run_of(found),
        "now": clock.now(),
        "next_status": NEXT_STATUS[Outcome(found.outcome)],
        "letter": letter_before(found),
        "is_designation": found.outcome == Outcome.DESIGNATE,
        "may_announce": request.user.has_perm("evaluation.announce_determination", found),
        "may_recall": request.user.has_perm("evaluation.recall_determination", found),
        "missing": ANNOUNCE.problems(found),
    }
    return render(request, "evaluation/announcement.html", facts)


@require_POST
@fresh_sign_in_required
def determination_announce(request: SignedInRequest, pk: int) -> HttpResponse:
    """Announce: from now on the decision is visible."""
    found = get_object_or_404(Determination.objects.visible_to(request.user), pk=pk)
    return carry_out(
        request, services.announce_determination, found, done="The determination is announced.",
        to=reverse("evaluation:proposal", args=[found.proposal.number]),
        again=partial(again_with, request, pk, {}),
    )  # fmt: skip


@require_GET
def announcements(request: SignedInRequest) -> HttpResponse:
    """The preview of several: each letter, who is told and how many, and what keeps one back."""
    return _preview(request, request.GET.getlist("determination"))


def _preview(
    request: SignedInRequest, named: Iterable[str], problems: Iterable[Problem] = (), status: int = 200
) -> HttpResponse:
    require_desk(request.user, OfficeRole.DECISION_OFFICIAL)
    chosen = [key for each in named if (key := number_said(each)) is not None]
    rows = Determination.objects.visible_to(request.user).to_announce().filter(pk__in=chosen)
    found = [row for row in rows.for_list()[:MOST_TOGETHER] if _may_announce(request.user, row)]
    told = {row.pk: announcement_recipients(row) for row in found}
    lines: list[dict[str, Any]] = [
        {
            "determination": row,
            "groups": groups_of(row, told[row.pk]),
            "run": run_of(row),
            "letter": letter_before(row),
            "is_designation": row.outcome == Outcome.DESIGNATE,
            "next_status": NEXT_STATUS[Outcome(row.outcome)],
            "recipients": told[row.pk],
            "missing": ANNOUNCE.problems(row),
        }
        for row in found
    ]
    ready = [line for line in lines if not line["missing"]]
    facts = {
        "lines": lines,
        "ready": ready,
        "people": len({person.pk for line in ready for person in line["recipients"]}),
        "most": MOST_TOGETHER,
        "now": clock.now(),
        "problems": problems,
    }
    return render(request, "evaluation/announcements.html", facts, status=status)


def _may_announce(user: User, found: Determination) -> bool:
    return user.has_perm("evaluation.announce_determination", found)


@require_POST
@fresh_sign_in_required
def announce_chosen(request: SignedInRequest) -> HttpResponse:
    """Announce each of those that were shown; say which are announced and which stayed signed, and why."""
    require_desk(request.user, OfficeRole.DECISION_OFFICIAL)
    named = request.POST.getlist("determination")
    chosen = [key for each in named if (key := number_said(each)) is not None]
    try:
        came = services.announce_together(chosen, by=request.user)
    except NotReady as refusal:
        return _preview(request, named, refusal.problems, status=422)
    if came.done:
        numbers = ", ".join(str(row.proposal.number) for row in came.done)
        messages.success(request, f"{came.announcement}: {len(came.done)} announced, {numbers}.")
    if came.before:
        numbers = ", ".join(str(row.proposal.number) for row in came.before)
        messages.info(request, f"Announced already, by another press: {numbers}.")
    for row, reasons in came.left:
        stays = " and stays signed" if row.status == SIGNED else ""
        messages.warning(request, f"{row.proposal.number} is not announced{stays}. {' '.join(reasons)}")
    return redirect(f"{reverse('evaluation:determinations')}{f'?status={SIGNED}' if came.left else ''}")

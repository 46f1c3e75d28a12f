"""Having the parties screened: asked for beside what else is typed on a page, and none of that is lost."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from evaluation import services
from evaluation.views.acting import carry_out
from evaluation.views.compliance import begun, show_compliance
from evaluation.views.intake import (
    intake_page,
    save_findings,
    show_intake,
    typed_findings,
    version_problems,
)
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Version

if TYPE_CHECKING:
    from django.http import HttpResponse

    from evaluation.models import ScreeningJob
    from program.models import User
    from program.requests import SignedInRequest
    from program.transitions import Problem

DONE = "You asked for the screening. This page says how far it is and what it finds."


@require_POST
def intake_screen(request: SignedInRequest, number: str) -> HttpResponse:
    """Have all parties of the last version screened against the newest list, in the background.

    Findings that stand typed on the page of the intake are saved with it, both or neither; a decision that
    stands typed on the page of the compliance checks is shown there again, for each is recorded by itself.
    """
    proposal = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    version = Version.objects.get(proposal=proposal, number=proposal.version_count)
    is_at_intake = proposal.status == ProposalStatus.SUBMITTED
    found = typed_findings(request, proposal) if is_at_intake else []

    @transaction.atomic
    def save_and_ask(version: Version, *, by: User) -> ScreeningJob:
        save_findings(found, by=by)
        return services.ask_for_screening(version, by=by)

    wanted = request.POST.get("next", "")
    is_of_checks = wanted == reverse("evaluation:compliance", args=[number])
    shown = partial(show_compliance if is_of_checks else show_intake, request, number)
    is_typed = begun(request) if is_of_checks else is_at_intake and request.POST.get("note")

    def again(problems: list[Problem]) -> HttpResponse:
        return shown(problems, 422)

    if problems := version_problems(request, proposal):
        return again(problems)
    return carry_out(
        request, save_and_ask, version, again=again, after=shown if is_typed else None,
        done=f"The findings are saved. {DONE}" if found else DONE,
        to=wanted if wanted.startswith("/desk/") else intake_page(number),
    )  # fmt: skip

"""The compliance checks of a version: by kind, with rule, facts, what to do, and what people made of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from evaluation import services
from evaluation.enums import ComplianceKind, Weighed
from evaluation.models import ComplianceCheck, ScreeningList
from evaluation.staleness import stale_because
from evaluation.views.acting import Typed, carry_out, of_row, said_of_row, typed_by_row
from evaluation.views.desk import PAGE, require_desk
from evaluation.views.intake import OFFICE
from evaluation.waiting_screenings import job_facts
from evaluation.weighing import newest_checks, told_to
from program.destinations import DISCLAIMER
from program.order import implements
from program.requests import number_said
from proposals.models import Proposal, Version
from proposals.services import record_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.http import HttpResponse

    from evaluation.querysets.compliance import ComplianceCheckQuerySet
    from program.requests import SignedInRequest
    from program.transitions import Problem


OPEN = "open"
STATES: dict[str, tuple[str, Callable[[ComplianceCheckQuerySet], ComplianceCheckQuerySet]]] = {
    OPEN: ("To decide", lambda checks: checks.open()),
    "stands": ("Found to stand", lambda checks: checks.standing()),
    "set-aside": ("Set aside", lambda checks: checks.set_aside()),
}


@implements("s.3(b)(v)")
@require_safe
def compliance_list(request: SignedInRequest) -> HttpResponse:
    """Flags of every proposal's newest checks: to decide, standing or set aside; of one kind when asked."""
    require_desk(request.user, *OFFICE)
    state = request.GET.get("show", "")
    state = state if state in STATES else OPEN
    kind = request.GET.get("kind", "")
    rows = STATES[state][1](ComplianceCheck.objects.visible_to(request.user).of_last_versions()).for_list()
    if kind in ComplianceKind.values:
        rows = rows.filter(kind=kind)
    after = number_said(request.GET.get("after", ""))
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows.order_by("pk")[: PAGE + 1])
    page = found[:PAGE]
    following = {"show": state, "kind": kind, "after": page[-1].pk if page else ""}
    facts = {
        "checks": told_to(request.user, page),
        "states": [(value, words) for value, (words, _) in STATES.items()],
        "state": state,
        "kinds": ComplianceKind.choices,
        "kind": kind if kind in ComplianceKind.values else "",
        "disclaimer": DISCLAIMER,
        "next": f"?{urlencode(following)}" if len(found) > PAGE else "",
    }
    return render(request, "evaluation/compliance_list.html", facts)


@implements("s.3(b)(v)")
@require_safe
def compliance(request: SignedInRequest, number: str) -> HttpResponse:
    """The newest checks of the last version, or of the one that is asked for."""
    return show_compliance(request, number)


def show_compliance(
    request: SignedInRequest,
    number: str,
    problems: Iterable[Problem] = (),
    status: int = 200,
    *,
    version_number: int | None = None,
    done_for: int = 0,
    refused_for: int = 0,
) -> HttpResponse:
    """The checks by kind, with what was typed at each and not recorded.

    ``done_for`` was recorded; ``refused_for`` was not, and is unfolded.
    """
    require_desk(request.user, *OFFICE)
    proposal = get_object_or_404(
        Proposal.objects.read_by_office(request.user).select_related("call", "consortium"), number=number
    )
    wanted = version_number or number_said(request.GET.get("version", "")) or proposal.version_count
    version = get_object_or_404(Version, proposal=proposal, number=wanted)
    record_reading(version, by=request.user)
    run = version.screening_runs.select_related("screening_list").first()
    if run:
        run.version = version
    rows = told_to(request.user, newest_checks(run))
    typed = at_newest({refused_for: {"reason": ""}} | typed_by_row(request, but=done_for), rows, version)
    may_weigh = request.user.has_perm("evaluation.weigh_compliancecheck", proposal)
    facts: dict[str, Any] = {
        "proposal": proposal,
        "version": version,
        "run": run,
        "stale_because": stale_because(run) if run else "",
        **job_facts(version),
        "kinds": [
            (
                kind,
                [(row, typed.get(row.pk, {})) for row in rows if row.kind == kind and row.is_flag],
                [row for row in rows if row.kind == kind and not row.is_flag],
            )
            for kind in ComplianceKind
        ],
        "open_count": sum(row.state == "open" for row in rows),
        "outcomes": Weighed.choices,
        "is_unsent": any(said.get("outcome") or said.get("reason") for said in typed.values()),
        "may_weigh": may_weigh and version.number == proposal.version_count,
        "may_screen": may_weigh and ScreeningList.objects.exists(),
        "disclaimer": DISCLAIMER,
        "problems": problems,
    }
    return render(request, "evaluation/compliance.html", facts, status=status)


def at_newest(typed: dict[int, Typed], rows: Iterable[ComplianceCheck], version: Version) -> dict[int, Typed]:
    """What was typed, at the newest check of the same subject and rule where a later one replaced its own."""
    newest = {(row.kind, row.subject_key, row.rule_code): row.pk for row in rows}
    gone = typed.keys() - {0, *newest.values()}
    if not gone:
        return typed
    replaced = ComplianceCheck.objects.filter(pk__in=gone, run__version=version)
    for pk, *place in replaced.values_list("pk", "kind", "subject_key", "rule_code"):
        if follower := newest.get((place[0], place[1], place[2])):
            typed.setdefault(follower, typed[pk])
    return typed


@require_POST
def compliance_weigh(request: SignedInRequest, pk: int) -> HttpResponse:
    """Decide on one finding."""
    rows = ComplianceCheck.objects.visible_to(request.user).select_related("run__version__proposal")
    check = get_object_or_404(rows.defer("run__version__package"), pk=pk)
    number = str(check.proposal.number)
    shown = partial(show_compliance, request, number, version_number=check.version.number)

    def again(problems: list[Problem]) -> HttpResponse:
        return shown(of_row(problems, pk), 422, refused_for=pk)

    return carry_out(
        request, services.weigh, check, done=f"Your decision on {check.subject_name} is recorded.",
        to=f"{reverse('evaluation:compliance', args=[number])}#check-{pk}", again=again,
        after=partial(shown, done_for=pk) if typed_by_row(request, but=pk) else None,
        outcome=said_of_row(request, pk, "outcome"), reason=said_of_row(request, pk, "reason"),
    )  # fmt: skip

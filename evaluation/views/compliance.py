"""The compliance checks of a version: by kind, with rule, facts, what to do, and what people made of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation import services
from evaluation.enums import ComplianceKind, Weighed
from evaluation.models import ComplianceCheck, ScreeningList
from evaluation.services.compliance import CLAUSE, MEANWHILE
from evaluation.staleness import stale_because
from evaluation.views.acting import Typed, carry_out, refusals_of_row, said_of_row, typed_by_row
from evaluation.views.desk import PAGE, require_desk
from evaluation.views.intake import OFFICE
from evaluation.waiting_screenings import job_facts
from evaluation.weighing import newest_checks, told_to
from program.destinations import DISCLAIMER
from program.order import implements
from program.requests import number_said
from program.transitions import Problem
from proposals.models import Proposal, Version
from proposals.services import record_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.http import HttpResponse

    from evaluation.querysets.compliance import ComplianceCheckQuerySet
    from program.requests import SignedInRequest


#: What a person types or chooses at a finding
TYPED = frozenset({"outcome", "reason"})
#: The answer to a press of Enter at a choice, which says of no finding that it is decided
NO_BUTTON = Problem(
    "no-button", "Nothing is recorded yet: press “Record the decision” at the finding that you mean.", CLAUSE
)
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
@require_http_methods(["GET", "HEAD", "POST"])
def compliance(request: SignedInRequest, number: str) -> HttpResponse:
    """The newest checks of the last version, or of the one that is asked for.

    What is typed is sent here by Enter alone, where no button says which finding is meant: it stays typed.
    """
    if request.method == "POST":
        return show_compliance(request, number, [NO_BUTTON], 422)
    return show_compliance(request, number)


class Shown(NamedTuple):
    """A flag as its page shows it: what is typed at it, which decision its reader knows, what was refused."""

    check: ComplianceCheck
    typed: Typed
    seen: int | str
    refused: dict[str, str]


def show_compliance(
    request: SignedInRequest,
    number: str,
    problems: Sequence[Problem] = (),
    status: int = 200,
    *,
    version_number: int | None = None,
    done_for: int = 0,
    refused: ComplianceCheck | None = None,
) -> HttpResponse:
    """The checks by kind, with what was typed at each and not recorded.

    ``done_for`` was recorded; ``refused`` was not: it is unfolded, and the problems are said of it.
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
    typed = ({refused.pk: {"reason": ""}} if refused else {}) | begun(request, but=done_for)
    moved = followers(typed, rows, version)
    typed = at_newest(typed, moved)
    may_screen = request.user.has_perm("evaluation.weigh_compliancecheck", proposal)
    may_weigh = may_screen and version.number == proposal.version_count
    refused_at = moved.get(refused.pk, refused.pk) if refused else 0
    facts: dict[str, Any] = {
        "proposal": proposal,
        "version": version,
        "run": run,
        "stale_because": stale_because(run) if run else "",
        **job_facts(version),
        "kinds": [
            (
                kind,
                [
                    shown(row, typed.get(row.pk, {}), problems if row.pk == refused_at else ())
                    for row in rows
                    if row.kind == kind and row.is_flag
                ],
                [row for row in rows if row.kind == kind and not row.is_flag],
            )
            for kind in ComplianceKind
        ],
        "open_count": sum(row.state == "open" for row in rows),
        "outcomes": Weighed.choices,
        "is_unsent": any(said.get("outcome") or said.get("reason") for said in typed.values()),
        "may_weigh": may_weigh,
        "may_screen": may_screen and ScreeningList.objects.exists(),
        "disclaimer": DISCLAIMER,
        "problems": named(problems, refused, at=refused_at) if refused else problems,
    }
    return render(request, "evaluation/compliance.html", facts, status=status)


def begun(request: SignedInRequest, *, but: int = 0) -> dict[int, Typed]:
    """What was typed at each finding where anything was, but for one, and the decision read along."""
    typed = typed_by_row(request, but=but)
    return {pk: facts for pk, facts in typed.items() if facts.keys() & TYPED}


def followers(keys: Iterable[int], rows: Iterable[ComplianceCheck], version: Version) -> dict[int, int]:
    """Of the checks ``keys`` that a later one replaced: the newest of the same subject and rule, by key."""
    newest = {(row.kind, row.subject_key, row.rule_code): row.pk for row in rows}
    gone = set(keys) - set(newest.values())
    if not gone:
        return {}
    replaced = ComplianceCheck.objects.filter(pk__in=gone, run__version=version)
    places = {pk: (*place,) for pk, *place in replaced.values_list("pk", "kind", "subject_key", "rule_code")}
    return {pk: newest[place] for pk, place in places.items() if place in newest}


def at_newest(typed: dict[int, Typed], moved: dict[int, int]) -> dict[int, Typed]:
    """What was typed, at the newest check where a later one replaced its own."""
    found = dict(typed)
    for old, new in moved.items():
        found.setdefault(new, {name: typed[old][name] for name in TYPED & typed[old].keys()})
    return found


def shown(check: ComplianceCheck, typed: Typed, problems: Sequence[Problem]) -> Shown:
    """One flag; the decision that was read stays the one of the page before until a newer one is told."""
    last = check.last_decision
    is_told = any(problem.code == MEANWHILE for problem in problems)
    seen = typed.get("seen") if not is_told else None
    refused = refusals_of_row((replace(one, field=one.field or "outcome") for one in problems), check.pk)
    return Shown(check, typed, seen or (last.pk if last else 0), refused)


def named(problems: Iterable[Problem], check: ComplianceCheck, *, at: int) -> list[Problem]:
    """The problems, each with the finding that it is about, and where the field of that one stands."""
    return [
        replace(
            problem,
            message=f"{check.subject_name}, {check.rule}: {problem.message}",
            field=f"{at}-{problem.field or 'outcome'}",
        )
        for problem in problems
    ]


@require_POST
def compliance_weigh(request: SignedInRequest, pk: int) -> HttpResponse:
    """Decide on one finding, having read the last decision that the page showed."""
    rows = ComplianceCheck.objects.visible_to(request.user).select_related("run__version__proposal")
    check = get_object_or_404(rows.defer("run__version__package"), pk=pk)
    number = str(check.proposal.number)
    page = partial(show_compliance, request, number, version_number=check.version.number)

    def again(problems: list[Problem]) -> HttpResponse:
        return page(problems, 422, refused=check)

    return carry_out(
        request, services.weigh, check, done=f"Your decision on {check.subject_name} is recorded.",
        to=f"{reverse('evaluation:compliance', args=[number])}#check-{pk}", again=again,
        after=partial(page, done_for=pk) if begun(request, but=pk) else None,
        outcome=said_of_row(request, pk, "outcome"), reason=said_of_row(request, pk, "reason"),
        seen=number_said(said_of_row(request, pk, "seen")) or 0,
    )  # fmt: skip

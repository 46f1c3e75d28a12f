"""The screening desk: matches that wait for a decision, and the lists they were found in."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation import services
from evaluation.enums import ChangeKind
from evaluation.forms import ScreeningListForm
from evaluation.models import (
    Adjudication,
    ListDifference,
    ListImport,
    PartyCheck,
    ScreeningJob,
    ScreeningList,
)
from evaluation.querysets.screening import TWO_PEOPLE_SCORE
from evaluation.services.remembering import confirmation_among, since_reopened
from evaluation.services.screening import PARTIES
from evaluation.staleness import overtaken_by
from evaluation.views.acting import (
    carry_out,
    of_row,
    problems_of,
    refusals_of_row,
    said_of_row,
    typed_by_row,
)
from evaluation.views.desk import PAGE, require_desk
from evaluation.views.intake import OFFICE
from program.links import page_of
from program.models import Country
from program.order import implements
from program.requests import number_said
from program.transitions import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.http import HttpResponse

    from evaluation.models import ListChange
    from evaluation.querysets.screening import PartyCheckQuerySet
    from program.models import User
    from program.requests import SignedInRequest

TO_SETTLE = "to-settle"
#: What a person types or chooses at a match
TYPED = frozenset({"outcome", "reason", "correction", "anew"})
#: The answer to a press of Enter at a choice, which says of no match that it is settled
NO_BUTTON = Problem(
    "no-button", "Nothing is recorded yet: press the button at the match that you mean.", PARTIES
)
KINDS: dict[str, tuple[str, Callable[[PartyCheckQuerySet], PartyCheckQuerySet]]] = {
    TO_SETTLE: ("To settle", lambda checks: checks.waiting()),
    "confirmed": ("Confirmed", lambda checks: checks.confirmed()),
    "cleared": ("False positives", lambda checks: checks.cleared()),
}


@implements("s.3(b)(v)")
@require_http_methods(["GET", "HEAD", "POST"])
def screening(request: SignedInRequest) -> HttpResponse:
    """Potential matches of every proposal's newest screening: to settle, confirmed or cleared.

    What is typed is sent here by Enter alone, where no button says which match is meant: it stays typed.
    """
    if request.method == "POST":
        return show_screening(request, [NO_BUTTON], status=422)
    return show_screening(request)


def show_screening(
    request: SignedInRequest,
    problems: Iterable[Problem] = (),
    list_form: ScreeningListForm | None = None,
    status: int = 200,
    *,
    done_for: int = 0,
    refused: PartyCheck | None = None,
) -> HttpResponse:
    """The matches of one kind, with what was typed at each and not recorded.

    ``done_for`` was recorded; ``refused`` was not, and the problems are said of it.
    """
    require_desk(request.user, *OFFICE)
    wanted = request.GET.get("show", "")
    kind = wanted if wanted in KINDS else TO_SETTLE
    _, of_kind = KINDS[kind]
    rows = of_kind(PartyCheck.objects.visible_to(request.user).newest()).for_list()
    after = number_said(request.GET.get("after", ""))
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows.defer("run__version__package").order_by("pk")[: PAGE + 1])
    page = found[:PAGE]
    codes = {code for check in page for code in check.query["countries"]}
    names = dict(Country.objects.filter(code__in=codes).values_list("code", "name"))
    open_sources = sources_open_to(request.user, page)
    typed = typed_by_row(request, but=done_for)
    lists = list(ScreeningList.objects.select_related("imported_by", "difference", "corrects")[:5])
    problems = list(problems)
    refusals = refusals_of_row(problems, refused.pk) if refused else {}
    facts = {
        "checks": [
            (
                check,
                [names.get(code, code) for code in check.query["countries"]],
                to_correct(check, request.user),
                said_of(check, open_sources),
                overtaken_by(check.run, lists[0] if lists else None),
                typed.get(check.pk, {}),
                refusals if refused and check.pk == refused.pk else {},
            )
            for check in page
        ],
        "kinds": [(value, words) for value, (words, _) in KINDS.items()],
        "kind": kind,
        "next": f"?show={kind}&after={page[-1].pk}" if len(found) > PAGE else "",
        "two_people": TWO_PEOPLE_SCORE,
        "lists": lists,
        "last_import": _last_import(lists),
        "waiting_count": ScreeningJob.objects.filter(finished_at=None).count(),
        "list_form": list_form or ScreeningListForm(),
        "problems": said_of_party(problems, refused.party_name) if refused else problems,
        "is_unsent": any(said.keys() & TYPED for said in typed.values()),
        "here": f"?{urlencode({'show': kind, 'after': '' if after is None else after})}",
        "may_adjudicate": request.user.has_perm("evaluation.import_screeninglist"),
    }
    return render(request, "evaluation/screening.html", facts, status=status)


def said_of_party(problems: Iterable[Problem], name: str) -> list[Problem]:
    """The problems for the head of a page on which each party has the same fields."""
    return [replace(problem, message=f"{name}: {problem.message}") for problem in problems]


def _last_import(lists: list[ScreeningList]) -> ListImport | None:
    """The last file that was sent, unless a list came since in another way: then it is no news any more."""
    last = ListImport.objects.select_related("asked_by").first()
    if last and last.refusal and last.finished_at and lists and lists[0].imported_at > last.finished_at:
        return None
    return last


class Said(NamedTuple):
    """An opinion as one reader sees it.

    ``source`` is the number of the other proposal that it was first given in. Where that one is closed to
    the reader, nothing is told but that an earlier screening came to this: ``is_closed``.
    """

    opinion: Adjudication
    source: str
    is_closed: bool


def source_of(opinion: Adjudication, check: PartyCheck) -> PartyCheck | None:
    """The match in another proposal that the opinion was first given on."""
    first = opinion.carried_from and opinion.carried_from.party_check
    return first if first and first.proposal != check.proposal else None


def sources_open_to(user: User, checks: Iterable[PartyCheck]) -> set[int]:
    """Of the matches in other proposals that opinions come from, those that ``user`` may see."""
    found = {
        source.pk
        for check in checks
        for opinion in check.adjudications.all()
        if (source := source_of(opinion, check))
    }
    return set(PartyCheck.objects.visible_to(user).filter(pk__in=[*found, 0]).values_list("pk", flat=True))


def said_of(check: PartyCheck, open_sources: set[int]) -> dict[str, Any]:
    """What was said of a match, for one reader, and whether an earlier screening may be opened anew."""
    rows = []
    for opinion in check.adjudications.all():
        source = source_of(opinion, check)
        is_open = source is not None and source.pk in open_sources
        number = str(source.proposal.number) if source and is_open else ""
        rows.append(Said(opinion, number, is_closed=source is not None and not is_open))
    counting = since_reopened(check.adjudications.all())
    return {
        "rows": rows,
        "has_closed": any(row.is_closed for row in rows),
        "may_reopen": any(opinion.carried_from_id for opinion in counting)
        and not confirmation_among(counting),
    }


def to_correct(check: PartyCheck, user: User) -> Adjudication | None:
    """The decision that ``user`` may replace: the newest confirmation, or else one's own newest."""
    opinions = since_reopened(check.adjudications.all())
    own = next((one for one in reversed(opinions) if one.decided_by_id == user.pk), None)
    confirmation = confirmation_among(opinions)
    return own if confirmation is None or (own and own.pk > confirmation.pk) else confirmation


@require_http_methods(["GET", "HEAD", "POST"])
def list_import(request: SignedInRequest) -> HttpResponse:
    """Have a list file imported in the background, all or nothing; by GET the lists that were imported."""
    if request.method != "POST":
        return show_screening(request)
    form = ScreeningListForm(request.POST, request.FILES)

    def again(problems: list[Problem]) -> HttpResponse:
        return show_screening(request, problems, form, status=422)

    if not form.is_valid():
        return again(problems_of(form))
    values = form.cleaned_data
    return carry_out(
        request, services.ask_for_import, values["file"],
        done="The file was received. This page says how far its import is.",
        to=page_of("evaluation:screening") + "#lists", again=again, name=values["name"],
        file_date=values["file_date"],
        accept_smaller=values["accept_smaller"], source=values["file"].name, reason=values["reason"],
    )  # fmt: skip


COMPARED: dict[str, str] = {
    "name": "Name",
    "alt_names": "Other names",
    "source": "List",
    "addresses": "Addresses",
    "programs": "Programs",
    "citation": "Notice",
    "remarks": "Remarks",
    "source_url": "Source",
    "external_id": "Key",
}


@require_safe
def list_difference(request: SignedInRequest, pk: int) -> HttpResponse:
    """What a list added, removed and changed against the one before it."""
    require_desk(request.user, *OFFICE)
    rows = ListDifference.objects.select_related("screening_list", "before")
    difference = get_object_or_404(rows, screening_list=pk)
    wanted = request.GET.get("show", "")
    kind = ChangeKind(wanted) if wanted in ChangeKind.values else ChangeKind.ADDED
    changes = difference.changes.filter(kind=kind).select_related("entry", "before").order_by("pk")
    after = number_said(request.GET.get("after", ""))
    if after is not None:
        changes = changes.filter(pk__gt=after)
    found = list(changes[: PAGE + 1])
    page = found[:PAGE]
    facts = {
        "difference": difference,
        "kinds": [
            (value, words, getattr(difference, f"{value}_count")) for value, words in ChangeKind.choices
        ],
        "kind": kind,
        "changes": [(change.entry or change.before, list(_changed(change))) for change in page],
        "next": f"?show={kind}&after={page[-1].pk}" if len(found) > PAGE else "",
    }
    return render(request, "evaluation/list_difference.html", facts)


def _changed(change: ListChange) -> Iterator[tuple[str, str, str]]:
    """What stood before and what stands now, field by field; the rest is not kept."""
    if change.entry is None or change.before is None:
        return
    is_told = False
    for field, words in COMPARED.items():
        before, now = getattr(change.before, field), getattr(change.entry, field)
        if before != now:
            is_told = True
            yield words, _text(before), _text(now)
    if not is_told:
        yield "Other parts of the entry", "", ""


def _text(value: str | list[str]) -> str:
    return "; ".join(value) if isinstance(value, list) else value


@require_POST
def check_adjudicate(request: SignedInRequest, pk: int) -> HttpResponse:
    """Settle one match."""
    check = get_object_or_404(PartyCheck.objects.visible_to(request.user), pk=pk)
    return _carry_out(
        request, check, "reason", services.adjudicate, check,
        done=f"Your decision on {check.party_name} is recorded.",
        outcome=said_of_row(request, pk, "outcome"),
    )  # fmt: skip


@require_POST
def check_correct(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put the opposite in the place of a decision on one match; the page named which."""
    check = get_object_or_404(PartyCheck.objects.visible_to(request.user), pk=pk)
    opinion = get_object_or_404(check.adjudications, pk=number_said(said_of_row(request, pk, "opinion")))
    return _carry_out(
        request, check, "correction", services.correct_adjudication, opinion,
        done=f"Your correction of the decision on {check.party_name} is recorded.",
    )  # fmt: skip


@require_POST
def check_reopen(request: SignedInRequest, pk: int) -> HttpResponse:
    """Open one match anew that an earlier screening had settled."""
    check = get_object_or_404(PartyCheck.objects.visible_to(request.user), pk=pk)
    return _carry_out(
        request, check, "anew", services.reopen_remembered, check,
        done=f"The match of {check.party_name} is open again.",
    )  # fmt: skip


def _carry_out(
    request: SignedInRequest,
    check: PartyCheck,
    reason: str,
    service: Callable[..., Any],
    *args: Any,
    done: str,
    **details: Any,
) -> HttpResponse:
    """Do the act on one match, its reason typed in the field ``reason``; what was typed at others stays."""

    def again(problems: list[Problem]) -> HttpResponse:
        return show_screening(request, of_row(problems, check.pk, reason=reason), status=422, refused=check)

    beside = any(one.keys() & TYPED for one in typed_by_row(request, but=check.pk).values())
    return carry_out(
        request, service, *args, done=done, to=page_of("evaluation:screening"), again=again,
        after=partial(show_screening, request, done_for=check.pk) if beside else None,
        reason=said_of_row(request, check.pk, reason), **details,
    )  # fmt: skip

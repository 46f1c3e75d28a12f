"""Intake: the queue of what came in, and the completeness review of one submission."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.forms.utils import ErrorList
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import get_text_list
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation import checks, services
from evaluation.enums import Carry, CompletenessFinding
from evaluation.models import CompletenessReview, PartyCheck, Referral, ScreeningList, ScreeningRun
from evaluation.overlaps import duplicates_of, overlaps_of
from evaluation.staleness import stale_because
from evaluation.unchanged import findings_that_hold
from evaluation.views.acting import carry_out
from evaluation.views.desk import PAGE, require_desk
from evaluation.views.own_conflicts import own_conflict_facts
from evaluation.views.proposals import changes_to
from evaluation.waiting_screenings import job_facts
from evaluation.weighing import compliance_facts
from program import clock
from program.deadlines import local_day
from program.enums import OfficeRole
from program.links import page_of
from program.order import implements
from program.requests import number_said
from program.tallies import tallied
from program.transitions import NotReady, Problem
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Version
from proposals.services import record_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from django.http import HttpResponse

    from program.models import Requirement, User
    from program.requests import SignedInRequest

#: Requirements without a finding that a warning names one by one
MOST_NAMED = 3
OFFICE = (OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR)


@implements("s.3(b)")
@require_safe
def intake(request: SignedInRequest) -> HttpResponse:
    """What was submitted or returned; the version that waits longest first, whatever came before it."""
    require_desk(request.user, *OFFICE)
    rows = Proposal.objects.read_by_office(request.user).filter(
        status__in=[ProposalStatus.SUBMITTED, ProposalStatus.RETURNED]
    )
    version = Version.objects.filter(proposal=OuterRef("pk"), number=OuterRef("version_count"))
    rows = rows.annotate(received_at=Subquery(version.values("received_at")))
    after = number_said(request.GET.get("after", ""))
    if after is not None:
        last = Version.objects.filter(proposal=after, number=F("proposal__version_count"))
        since = Subquery(last.values("received_at"))
        rows = rows.filter(Q(received_at__gt=since) | Q(received_at=since, pk__gt=after))
    of_last = Q(versions__number=F("version_count"))
    is_deficient = Q(versions__completeness_reviews__finding=CompletenessFinding.DEFICIENT)
    runs = ScreeningRun.objects.filter(version__proposal=OuterRef("pk")).order_by("-pk")
    runs = runs.filter(version__number=OuterRef("version_count"))
    open_checks = PartyCheck.objects.newest().open().filter(run__version__proposal=OuterRef("pk"))
    found = list(
        rows.select_related("consortium", "call")
        .annotate(
            found_count=Count("versions__completeness_reviews", filter=of_last),
            deficient_count=Count("versions__completeness_reviews", filter=of_last & is_deficient),
            is_on_time=Subquery(version.values("on_time")),
            screened_at=Subquery(runs.values("run_at")[:1]),
            open_checks=tallied(open_checks),
        )
        .order_by("received_at", "pk")[: PAGE + 1]
    )
    page, now = found[:PAGE], clock.now()
    last = Version.objects.filter(proposal__in=page, number=F("proposal__version_count")).defer("package")
    version_of = {version.proposal_id: version for version in last}
    duplicates = duplicates_of(list(version_of.values()), request.user)
    facts = {
        "proposals": [
            (row, days_since(row.received_at, now), duplicates.get(version_of[row.pk].pk, [])) for row in page
        ],
        "next": f"?after={page[-1].pk}" if len(found) > PAGE else "",
        "now": now,
    }
    return render(request, "evaluation/intake.html", facts)


def days_since(at: datetime | None, now: datetime) -> str:
    """How many days before ``now`` it was in Washington, in words."""
    if at is None:
        return ""
    number = (local_day(now) - local_day(at)).days
    return "today" if not number else f"{number} day" if number == 1 else f"{number} days"


class Line(NamedTuple):
    """One requirement on the page, what is found on it, and what is refused at its two fields."""

    requirement: Requirement
    review: CompletenessReview | None
    before: CompletenessReview | None
    at_finding: ErrorList
    at_reason: ErrorList


def errors_at(field: str, problems: Iterable[Problem]) -> ErrorList:
    """What is said at a field of the page, as the forms of the portal say it."""
    return ErrorList([one.message for one in problems if one.field == field], field_id=f"id_{field}")


@require_safe
def intake_proposal(request: SignedInRequest, number: str) -> HttpResponse:
    """The completeness review of the last version."""
    return show_intake(request, number)


def show_intake(
    request: SignedInRequest,
    number: str,
    problems: Iterable[Problem] = (),
    status: int = 200,
    *,
    takes_over: bool = False,
) -> HttpResponse:
    """Requirements with their findings, checks, and what can be done; what was refused stays typed.

    ``takes_over`` fills in the findings on an earlier version that still hold, for a person to save.
    """
    require_desk(request.user, *OFFICE)
    proposal = get_object_or_404(
        Proposal.objects.read_by_office(request.user).select_related("call", "consortium"), number=number
    )
    version = Version.objects.get(proposal=proposal, number=proposal.version_count)
    reviews = {review.requirement_id: review for review in CompletenessReview.objects.filter(version=version)}
    earlier = findings_before(version)
    requirements = list(proposal.call.requirements.demanded(version.received_at))
    problems = list(problems)
    shown = {row.pk: _typed(request, row, reviews.get(row.pk), problems) for row in requirements}
    held = findings_that_hold(version, requirements, earlier)
    to_take = {pk: row for pk, row in held.items() if shown[pk] is None}
    may_review = proposal.status == ProposalStatus.SUBMITTED and request.user.has_perm(
        "evaluation.add_completenessreview", proposal
    )
    if takes_over and may_review:
        shown |= {pk: taken_over(row) for pk, row in to_take.items()}
    run = version.screening_runs.select_related("screening_list").first()
    reported = list(proposal.material_changes.select_related("reported_by"))
    if reported:
        record_reading(version, by=request.user)
    facts: dict[str, Any] = {
        "proposal": proposal,
        "version": version,
        "version_number": str(version.number),
        **own_conflict_facts(request.user, proposal),
        "lines": [
            Line(
                row,
                shown[row.pk],
                earlier.get(row.pk),
                errors_at(f"requirement-{row.pk}-accepted", problems),
                errors_at(f"requirement-{row.pk}-reason", problems),
            )
            for row in requirements
        ],
        "held": held,
        "held_words": of_versions(list(to_take.values())),
        "takes_over": takes_over and may_review and bool(to_take),
        "foreseen": services.foreseen_carries(version),
        "changes": changes_to(version),
        "material_changes": reported,
        "findings": CompletenessFinding.choices,
        "run": run,
        "stale_because": stale_because(run) if run else "",
        **job_facts(version),
        **compliance_facts(run),
        "is_official": True,
        "open_count": run.checks.all().open().count() if run else 0,
        "has_list": ScreeningList.objects.exists(),
        "hindrances": hindrances(proposal),
        "problems": problems,
        "note": request.POST.get("note", ""),
        "is_unsent": status != 200 or takes_over or bool(request.POST.get("note")),
        "overlaps": overlaps_of(version, request.user),
        "may_review": may_review,
    }
    return render(request, "evaluation/intake_proposal.html", facts, status=status)


def hindrances(proposal: Proposal) -> list[Problem]:
    """What keeps the proposal from being accepted; many requirements without a finding are told as one."""
    found = []
    for check in checks.ACCEPTANCE:
        problems = list(check(proposal))
        if check is checks.finds_on_every_mandatory_item and len(problems) > MOST_NAMED:
            said = "requirements have no saved finding. Say of each whether it is accepted or deficient."
            problems = [Problem("not-found", f"{len(problems)} {said}", part="completeness")]
        found += problems
    return found


def of_versions(found: list[CompletenessReview]) -> str:
    """How many findings they are and on which versions, such as "3 findings of version 1"; "" for none."""
    numbers = " and ".join(map(str, sorted({row.version.number for row in found})))
    return f"{len(found)} finding{'' if len(found) == 1 else 's'} of version {numbers}" if found else ""


def taken_over(earlier: CompletenessReview) -> CompletenessReview:
    """A finding on an earlier version as one that is still to be saved on this one, where none is."""
    return CompletenessReview(finding=earlier.finding, reason=earlier.reason, revision=0)


def _typed(
    request: SignedInRequest,
    requirement: Requirement,
    saved: CompletenessReview | None,
    problems: Iterable[Problem],
) -> CompletenessReview | None:
    """What was posted, where the page shows it again, beside the revision that its reader knows of.

    That is the saved one where it says the same or where a problem of the page tells of it; else it stays
    that of the page which was posted, so that what a colleague saved meanwhile is not replaced unread.
    """
    name = f"requirement-{requirement.pk}"
    finding, reason = request.POST.get(name, ""), request.POST.get(f"{name}-reason", "")
    if not finding and not reason:
        return saved
    seen = number_said(request.POST.get(f"{name}-seen", ""))
    if saved is None:
        revision = 0
    elif seen is None or (saved.finding, saved.reason) == (finding, reason.strip()):
        revision = saved.revision
    else:
        is_told = any(one.code == "found-meanwhile" and one.field.startswith(f"{name}-") for one in problems)
        revision = saved.revision if is_told else seen
    return CompletenessReview(finding=finding, reason=reason, revision=revision)


def findings_before(version: Version) -> dict[int, CompletenessReview]:
    """The last finding on each requirement in an earlier version, so that nobody reads anew what stayed."""
    rows = CompletenessReview.objects.filter(
        version__proposal=version.proposal_id, version__number__lt=version.number
    )
    found = rows.select_related("version").defer("version__package").order_by("version__number")
    return {row.requirement_id: row for row in found}


@require_http_methods(["GET", "HEAD", "POST"])
def completeness_save(request: SignedInRequest, number: str) -> HttpResponse:
    """Save the findings of the whole page; a deficient item without a reason is named.

    To take findings over saves none: they are filled in beside what is typed. The address of that answer,
    opened again, leads back to the page of the intake.
    """
    proposal = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    if request.method != "POST":
        return redirect("evaluation:intake-proposal", number=number)
    if "take-over" in request.POST:
        return show_intake(request, number, takes_over=True)
    found, problems = typed_findings(request, proposal), version_problems(request, proposal)
    if not problems:
        problems = [problem for one in found for problem in one.save(by=request.user)]
    if not found:
        problems.append(Problem("nothing-found", "Nothing was saved: choose a finding first.", "s.3(b)"))
    if problems:
        return show_intake(request, number, problems, status=422)
    messages.success(request, "The findings are saved.")
    if request.POST.get("note"):  # written for a return that is still to come
        return show_intake(request, number)
    return redirect("evaluation:intake-proposal", number=number)


def version_problems(request: SignedInRequest, proposal: Proposal) -> list[Problem]:
    """What keeps an act from going on: the page was opened on a version that was replaced meanwhile."""
    read, newest = number_said(request.POST.get("read-version", "")), proposal.version_count
    if read is None or read == newest:
        return []
    message = (
        f"Version {newest} came after you opened this page on version {read}. Nothing was done. Read what it "
        "changed, then press again."
    )
    return [Problem("version-replaced", message, "E.O. 14320 s.3(b)")]


class TypedFinding(NamedTuple):
    """What stands in the fields of one requirement, and the revision that the page showed, if it says so."""

    version: Version
    requirement: Requirement
    finding: str
    reason: str
    seen: int | None

    def save(self, *, by: User) -> list[Problem]:
        """What keeps it from being saved; nothing once it is."""
        try:
            services.review_completeness(
                self.version, self.requirement, by=by, finding=self.finding, reason=self.reason,
                revision=self.seen,
            )  # fmt: skip
        except NotReady as refusal:
            return refusal.problems
        return []


def typed_findings(request: SignedInRequest, proposal: Proposal) -> list[TypedFinding]:
    """What stands in the fields of the page, of each requirement where anything does."""
    version = Version.objects.get(proposal=proposal, number=proposal.version_count)
    rows = proposal.call.requirements.demanded(version.received_at)
    typed = ((row, f"requirement-{row.pk}") for row in rows)
    return [
        TypedFinding(
            version, row, request.POST.get(name, ""), request.POST.get(f"{name}-reason", ""),
            number_said(request.POST.get(f"{name}-seen", "")),
        )
        for row, name in typed
        if request.POST.get(name) or request.POST.get(f"{name}-reason")
    ]  # fmt: skip


@require_POST
def intake_accept(request: SignedInRequest, number: str) -> HttpResponse:
    return _act(request, number, services.accept_proposal, partial(accepted_in_words, number))


def accepted_in_words(number: str) -> str:
    """What the acceptance of a proposal began: which agencies are asked, and whose position stays."""
    referrals = Referral.objects.filter(
        version__proposal__number=number, version__number=F("version__proposal__version_count")
    ).select_related("agency")
    kept = [str(row.agency) for row in referrals if row.carry == Carry.KEEP]
    asked = [str(row.agency) for row in referrals if row.carry != Carry.KEEP]
    if not kept:
        return "The proposal is under evaluation; five agencies are consulted."
    stay = f"{len(kept)} position{'s stay' if len(kept) > 1 else ' stays'}: {get_text_list(kept, 'and')}."
    if not asked:
        return f"The proposal is under evaluation again; no agency is asked. {stay}"
    count = f"{len(asked)} of the {len(referrals)} agencies {'are' if len(asked) > 1 else 'is'} asked"
    return f"The proposal is under evaluation again; {count}: {get_text_list(asked, 'and')}. {stay}"


@require_POST
def intake_return(request: SignedInRequest, number: str) -> HttpResponse:
    return _act(
        request, number, services.return_proposal, "The proposal was returned with its deficient items.",
        note=request.POST.get("note", ""),
    )  # fmt: skip


def intake_page(number: str) -> str:
    return page_of("evaluation:intake-proposal", number)


def _again(request: SignedInRequest, number: str, problems: list[Problem]) -> HttpResponse:
    return show_intake(request, number, problems, status=422)


def save_findings(found: Iterable[TypedFinding], *, by: User) -> None:
    """Save what is typed on the page; NotReady says of each what keeps it from being saved."""
    if problems := [problem for one in found for problem in one.save(by=by)]:
        raise NotReady(problems)


def _act(
    request: SignedInRequest, number: str, service: Any, done: str | Callable[[], str], **details: Any
) -> HttpResponse:
    """Save the findings that are typed on the page, then act: both, or neither and what was typed stays."""
    proposal = get_object_or_404(Proposal.objects.read_by_office(request.user), number=number)
    found = typed_findings(request, proposal) if proposal.status == ProposalStatus.SUBMITTED else []

    @transaction.atomic
    def save_and_act(proposal: Proposal, *, by: User, **details: Any) -> None:
        proposal.refresh_from_db(from_queryset=Proposal.objects.select_for_update())
        if problems := version_problems(request, proposal):
            raise NotReady(problems)
        save_findings(found, by=by)
        service(proposal, by=by, **details)

    return carry_out(
        request, save_and_act, proposal, done=done, to=page_of("evaluation:proposal", number),
        again=partial(_again, request, number), **details,
    )  # fmt: skip

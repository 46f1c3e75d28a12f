"""Certify, submit, prove: the review page, versions and their comparison, receipts, withdrawal, changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from program import clock
from program.acts import fresh_sign_in_required, lay_beside
from program.documents import Withheld, download_response
from program.enums import PaperState, StackLayer
from program.order import implements
from program.requests import SignedInRequest
from program.transitions import NotReady, Problem, WrongStatus
from proposals import services
from proposals.comparison import compare, shown_change
from proposals.composition import compose, rules_of
from proposals.confidentiality import blanket_of_rows, places_of_marks
from proposals.edits import edits_since
from proposals.enums import Part, ProposalStatus
from proposals.files import files_of_version, files_of_working_copy
from proposals.forms.submissions import CertificationForm, MaterialChangeForm, SubmissionForm, WithdrawalForm
from proposals.lifecycle import RESUBMIT, WITHDRAW
from proposals.models import Proposal, Version
from proposals.package import AnyComponent, Package
from proposals.progress import LinkedProblem, Progress
from proposals.readiness import Candidate
from proposals.services.submissions import takes_changes
from proposals.standing import standings_of
from proposals.views.documents import warnings_of, withheld
from proposals.views.workspace import Workspace, seen, show, whole_workspace, workspace
from proposals.wording import names_in

SHOWN_COMPONENTS = 50
REPEAT = timedelta(minutes=1)  # a second press within it shows what the first one did


@implements("s.3(b)", "s.3(c)")
@require_safe
def review(request: SignedInRequest, pk: int) -> HttpResponse:
    """The package as reviewers will see it, everything that is missing, the certification, the submission."""
    return review_page(request, whole_workspace(request, pk, "review"))


def review_page(
    request: SignedInRequest,
    space: Workspace,
    *,
    certify: CertificationForm | None = None,
    problems: list[Problem] | None = None,
    status: int = 200,
) -> HttpResponse:
    proposal = space.proposal
    candidate = Candidate.shown(proposal, space.progress.package)
    package = space.progress.package
    again = proposal.status in RESUBMIT.sources
    verb = "resubmit" if again else "submit"
    may_submit = space.may_certify and request.user.has_perm(f"proposals.{verb}_proposal", proposal)
    sha256 = package.sha256
    initial = {
        "content_sha256": sha256,
        "shown_at": candidate.received_at.isoformat(),
        "signer_title": space.user.title,
    }
    shown = package.model_copy(update={"components": first_of_each_layer(package)})
    unchanged = list(candidate.unchanged())
    facts: dict[str, Any] = {
        "package": shown,
        "files": files_of_working_copy(package, space.attachments),
        "component_count": len(package.components),
        "blanket_rows": blanket_of_rows(package),
        "left_out": len(package.components) - len(shown.components),
        "sha256": sha256,
        "us_content": space.progress.us_content,
        "destinations": [
            (market, space.destinations[market.key])
            for market in package.markets
            if market.key in space.destinations
        ],
        "certification": candidate.certification,
        "lost": lost_certification(space, candidate),
        "window": [linked(space, problem) for problem in [*candidate.late(), *unchanged]],
        "refusals": [linked(space, problem) for problem in problems or ()],
        "form": certify or CertificationForm(initial=initial),
        "submission": SubmissionForm(),
        "may_submit": may_submit,
        "is_unchanged": bool(unchanged),
        "is_again": again,
        "submit_url": reverse(f"proposals:{verb}", args=[proposal.pk]),
        "limit": candidate.limit,
        "now": candidate.received_at,
        "latest_number": str(proposal.version_count),
        "is_evaluated": proposal.status == ProposalStatus.UNDER_EVALUATION,
        "is_over": not space.is_under_way,
        "steps": ["Complete the package", "Certify", "Submit"],
        **warnings_of(space),
    }
    return show(request, "proposals/review.html", space, facts, status=status)


def lost_certification(space: Workspace, candidate: Candidate) -> dict[str, Any] | None:
    """The last certification where a change has left it without effect, with who changed what since."""
    given = candidate.working.unused_certifications  # type: ignore[attr-defined]
    used = candidate.previous.certification_id if candidate.previous else 0
    if not given or given[0].pk < used or given[0].content_sha256 == candidate.sha256:
        return None
    return {"given": given[0], "edits": edits_since(space.proposal, given[0].signed_at)}


def first_of_each_layer(package: Package) -> tuple[AnyComponent, ...]:
    """As many components of each layer as one page can show; the layers' tables hold them all."""
    return tuple(each for layer in StackLayer for each in package.layer(layer)[:SHOWN_COMPONENTS])


def linked(space: Workspace, problem: Problem) -> LinkedProblem:
    """A problem of the act itself leads to its place on the review page, others to their field."""
    own = {
        "certification": "#certify",
        "typed_signature": "#id_typed_signature",
        "authority_basis": "#id_authority_basis",
        "signer_title": "#id_signer_title",
    }
    if problem.code == "content-changed" and problem.part != Part.OVERVIEW:
        return LinkedProblem(problem, lambda found: space.progress.part_url(found.part))
    if problem.code in ("late", "unchanged", "call-cancelled", "call-not-issued", "content-changed"):
        return LinkedProblem(problem, lambda _: "")
    return LinkedProblem(problem, lambda found: own.get(found.field) or space.progress.url_of(found))


@require_POST
@fresh_sign_in_required
def certify(request: SignedInRequest, pk: int) -> HttpResponse:
    """Certify exactly the content that was shown; needs a fresh sign-in."""
    space = whole_workspace(request, pk, "review")
    if not space.may_certify:
        raise PermissionDenied("Only an authorized representative of the anchor certifies.")
    form = CertificationForm(request.POST)
    if not form.is_valid():
        return review_page(request, space, certify=form, status=422)
    try:
        services.certify_proposal(Proposal.objects.get(pk=pk), by=request.user, **form.cleaned_data)
    except NotReady as refusal:
        rest = lay_beside(form, refusal.problems)
        shown = {"content_sha256": space.progress.package.sha256, "shown_at": clock.now().isoformat()}
        form.data = {**form.data.dict(), **shown}  # type: ignore[attr-defined]
        return review_page(request, space, certify=form, problems=rest, status=422)
    messages.success(
        request, "Certified. Any change to the package takes the certification away; submit it now."
    )
    return redirect(f"{reverse('proposals:review', args=[pk])}#submit")


@require_POST
@fresh_sign_in_required
def submit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Hand the certified package to Commerce; needs a fresh sign-in."""
    return _submit(request, pk, services.submit_proposal)


@require_POST
@fresh_sign_in_required
def resubmit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Replace the last version, or correct a returned one; needs a fresh sign-in."""
    return _submit(request, pk, services.resubmit_proposal)


def _submit(request: SignedInRequest, pk: int, service: Any) -> HttpResponse:
    """The service asks for the right; only who has none is asked whether they see the proposal at all."""
    proposal = get_object_or_404(Proposal, pk=pk)
    form = SubmissionForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    try:
        version = service(proposal, by=request.user, note=note)
    except PermissionDenied:
        seen(request, pk)
        raise
    except (WrongStatus, NotReady) as refusal:
        if received := received_a_moment_ago(proposal):
            who = "you" if received.submitted_by == request.user else received.submitted_by
            messages.info(
                request, f"Version {received.number} was received already: {who} submitted it a moment ago."
            )
            return redirect("proposals:receipt", pk)
        if isinstance(refusal, NotReady):
            return review_page(
                request, whole_workspace(request, pk, "review"), problems=refusal.problems, status=422
            )
        messages.warning(request, str(refusal))
        return redirect("proposals:detail", pk)
    messages.success(request, f"Version {version.number} of proposal {version.proposal.number} was received.")
    return redirect("proposals:receipt", pk)


def received_a_moment_ago(proposal: Proposal) -> Version | None:
    """The version that a press of the button just made, one's own or a colleague's, of the same content."""
    last = proposal.versions.select_related("submitted_by").order_by("-number").first()
    if last is None or proposal.status != ProposalStatus.SUBMITTED:
        return None
    is_repeat = clock.now() - last.received_at < REPEAT and compose(proposal).sha256 == last.sha256
    return last if is_repeat else None


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take the proposal back, with a reason, after a page that says what follows."""
    proposal = seen(request, pk)
    if not request.user.has_perm("proposals.withdraw_proposal", proposal):
        raise PermissionDenied("Only an authorized representative of the anchor withdraws.")
    if proposal.status not in WITHDRAW.sources:
        messages.warning(
            request, f"This proposal is “{proposal.get_status_display()}” and cannot be withdrawn."
        )
        return redirect("proposals:detail", pk)
    form = WithdrawalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.withdraw_proposal(proposal, by=request.user, note=form.cleaned_data["note"])
        except WrongStatus as refusal:
            messages.warning(request, str(refusal))
        except NotReady as refusal:
            form.add_error("note", str(refusal))
        else:
            messages.success(request, "The proposal is withdrawn.")
        if not form.errors:
            return redirect("proposals:detail", pk)
    return show(request, "proposals/withdraw.html", workspace(request, pk, "detail"), {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def report_change(request: SignedInRequest, pk: int) -> HttpResponse:
    """Report a material change of a submitted proposal."""
    proposal = seen(request, pk)
    if not request.user.has_perm("proposals.report_change_proposal", proposal):
        raise PermissionDenied(
            "Only administrators and authorized representatives report changes of a submitted proposal."
        )
    if not takes_changes(proposal):
        message = (
            f"This proposal is “{proposal.get_status_display()}”: no material change is reported any more."
        )
        messages.warning(request, message)
        return redirect("proposals:detail", pk)
    form = MaterialChangeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.report_material_change(proposal, by=request.user, **form.cleaned_data)
        except NotReady as refusal:
            for problem in refusal.problems:
                form.add_error(problem.field if problem.field in form.fields else None, problem.message)
        else:
            messages.success(request, "Your report is in the record, and the Program office is told.")
            return redirect("proposals:detail", pk)
    status = 422 if form.errors else 200
    space = workspace(request, pk, "detail")
    return show(request, "proposals/report_change.html", space, {"form": form}, status=status)


# What was submitted


@require_safe
def version_list(request: SignedInRequest, pk: int) -> HttpResponse:
    """Every version with its receipt, the newest first; a government reading is recorded, as of that."""
    proposal = seen(request, pk)
    rows = list(
        proposal.versions.select_related("receipt", "submitted_by", "certification")
        .defer("package")
        .order_by("-number")
    )
    if rows:
        rows[0].proposal = proposal
        services.record_reading(rows[0], by=request.user)
    return render(request, "proposals/versions.html", {**frame(request, proposal), "rows": rows})


def frame(request: SignedInRequest, proposal: Proposal) -> dict[str, Any]:
    """What the pages of versions print around; the side shows parts only to who has the working copy."""
    return {
        "proposal": proposal,
        "has_draft": request.user.has_perm("proposals.view_draft_proposal", proposal),
    }


def version_seen(request: SignedInRequest, pk: int, number: int) -> Version:
    rows = Version.objects.visible_to(request.user)
    found: Version = get_object_or_404(
        rows.select_related(
            "proposal__call", "proposal__consortium", "certification", "submitted_by", "receipt", "paper"
        ),
        proposal=pk,
        number=number,
    )
    return found


@require_safe
def version(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """One version as it was submitted; a government reading is recorded."""
    found = version_seen(request, pk, number)
    services.record_reading(found, by=request.user)
    progress = Progress(pk, found.value, rules_of(found.proposal.call, at=found.received_at))
    others = list(
        found.proposal.versions.exclude(number=number).order_by("-number").values_list("number", flat=True)
    )
    facts = {
        **frame(request, found.proposal),
        "standing": standings_of([found.proposal])[pk],
        "version": found,
        "package": found.value,
        "files": files_of_version(found),
        "progress": progress,
        "us_content": progress.us_content,
        "others": others,
        "paper": getattr(found, "paper", None),
        "now": clock.now(),
    }
    return render(request, "proposals/version.html", facts)


@require_POST
def package_ask(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """Have the PDF of a version made; it takes seconds to minutes, the page says how it stands."""
    found = version_seen(request, pk, number)
    paper = services.ask_package_pdf(found, by=request.user)
    if paper.state == PaperState.OWED:
        messages.success(request, "The PDF is being made. This page shows it when it is ready.")
    return redirect(f"{reverse('proposals:version', args=[pk, number])}#pdf")


@require_safe
def paper_state(request: SignedInRequest, pk: int, number: int, what: str) -> HttpResponse:
    """How the making of a PDF stands, for the page that waits; nothing while it stands as ``shown``."""
    found = version_seen(request, pk, number)
    owners = {"package": found, "receipt": found.receipt}
    if what not in owners:
        raise Http404
    paper = getattr(owners[what], "paper", None)
    if paper is not None and paper.stage == request.GET.get("shown"):
        return HttpResponse(status=204)
    template = "_version_pdf" if what == "package" else "_receipt_pdf"
    facts = {"proposal": found.proposal, "version": found, "paper": paper}
    return render(request, f"proposals/{template}.html", facts)


@require_safe
def package_pdf(request: SignedInRequest, pk: int, number: int) -> HttpResponseBase:
    """The PDF of a version, once it is made; a government reading is recorded."""
    found = version_seen(request, pk, number)
    paper = getattr(found, "paper", None)
    back = f"{reverse('proposals:version', args=[pk, number])}#pdf"
    if paper is None or paper.document is None:
        messages.info(request, "The PDF of this version is not made yet.")
        return redirect(back)
    try:
        answer = download_response(paper.document)
    except Withheld as reason:
        return withheld(request, reason, back)
    services.record_reading(found, by=request.user, document=paper.document)
    return answer


@require_safe
def version_compare(request: SignedInRequest, pk: int, number: int, other: int) -> HttpResponse:
    """What version ``number`` says otherwise than ``other``, part by part; 0 is the working copy."""
    before = version_seen(request, pk, other)
    services.record_reading(before, by=request.user)
    if number == 0:
        space = whole_workspace(request, pk, "versions")
        after, name = space.progress.package, "the working copy"
    else:
        later = version_seen(request, pk, number)
        services.record_reading(later, by=request.user)
        after, name = later.value, f"version {number}"
    names = names_in(before.value, after) | places_of_marks(before.value, after)
    changes = [shown_change(change, names) for change in compare(before.value, after)]
    groups = [(part, [change for change in changes if change["part"] == part]) for part in Part]
    facts = {
        **frame(request, before.proposal),
        "before": before,
        "after_name": name,
        "number": number,
        "groups": [(part, found) for part, found in groups if found],
        "change_count": len(changes),
    }
    return render(request, "proposals/compare.html", facts)


@require_safe
def receipt(request: SignedInRequest, pk: int, number: int | None = None) -> HttpResponse:
    """The receipt of a version: what was received, when, under which rule, and how anybody can check it."""
    proposal = seen(request, pk)
    found = version_seen(request, pk, number or proposal.version_count)
    services.record_reading(found, by=request.user)
    paper = getattr(found.receipt, "paper", None)
    facts = {
        **frame(request, proposal),
        "version": found,
        "receipt": found.receipt,
        "package": found.value,
        "files": files_of_version(found),
        "paper": paper,
        "check_url": request.build_absolute_uri(reverse("proposals:receipts"))
        + f"?code={found.receipt.sha256}",
    }
    return render(request, "proposals/receipt.html", facts)


@require_safe
def receipt_pdf(request: SignedInRequest, pk: int, number: int) -> HttpResponseBase:
    """The receipt as PDF, once it is made; a government reading of its version is recorded."""
    found = version_seen(request, pk, number)
    paper = getattr(found.receipt, "paper", None)
    back = reverse("proposals:receipt-of", args=[pk, number])
    if paper is None or paper.document is None:
        messages.info(request, "The PDF is being made. Try again in a minute.")
        return redirect(back)
    try:
        answer = download_response(paper.document)
    except Withheld as reason:
        return withheld(request, reason, back)
    services.record_reading(found, by=request.user)
    return answer


@require_safe
def receipt_json(request: SignedInRequest, pk: int, number: int, what: str) -> HttpResponse:
    """The canonical text of a receipt or of its package, byte for byte what was hashed."""
    found = version_seen(request, pk, number)
    texts = {"receipt": found.receipt.body, "package": found.package}
    if what not in texts:
        raise Http404
    services.record_reading(found, by=request.user)
    response = HttpResponse(texts[what], content_type="application/json")
    name = f"{found.receipt.number}-{what}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

"""Reading and scoring: the declaration before the first reading, then proposal and sheet side by side."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Case, F, When
from django.db.models.functions import JSONArray
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST, require_safe

from evaluation import checks, services
from evaluation.agency_tasks import next_sheets
from evaluation.conflicts import conflict_hints, who_takes_part
from evaluation.discussing import tally_of
from evaluation.enums import ReviewStatus
from evaluation.forms import ConflictForm, ReasonForm, ReviewForm, ScoreForm
from evaluation.models import Assignment, Review, Score
from evaluation.sheets import why_closed, why_sheet_closed
from evaluation.since import changes_shown
from evaluation.views.acting import carry_out, problems_of
from evaluation.views.saving import conflict_page, in_json, texts_of
from program import clock
from program.acts import lay_beside
from program.links import page_of
from program.models import AuditEvent
from program.order import implements
from program.prepared import Given, Prepared, PreparedByOffices
from program.revisions import StaleRevision, revision_read
from program.transitions import NotReady, Problem, WrongStatus
from proposals.enums import Part
from proposals.files import files_of_version
from proposals.models import Version
from proposals.querysets import offices_that_read
from proposals.services import record_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.db.models import QuerySet
    from django.forms import ModelForm

    from program.models import User
    from program.requests import SignedInRequest


@require_safe
def assignment(request: SignedInRequest, pk: int) -> HttpResponse:
    """Where a reviewer begins: declare first, then begin the sheet, then go on with it."""
    found = get_object_or_404(
        Assignment.objects.visible_to(request.user).held_by(request.user).for_list(), pk=pk
    )
    if getattr(found, "conflict", None) is None:
        return show_declaration(request, found, ConflictForm(is_cleared=found.is_cleared))
    review = Review.objects.filter(
        assignment=found, version__number=F("version__proposal__version_count")
    ).first()
    if review is None:
        return show_beginning(request, found)
    return redirect("evaluation:review", pk=review.pk)


def show_beginning(
    request: SignedInRequest, found: Assignment, problems: Iterable[Problem] = (), status: int = 200
) -> HttpResponse:
    """The button that begins the sheet for the latest version, or why none is begun; reading makes none."""
    facts = {
        "assignment": found,
        "problems": problems,
        "earlier": found.reviews.select_related("version").order_by("-version__number").first(),
        "closed": why_closed(found.proposal, found.agency),
    }
    return render(request, "evaluation/begin_review.html", facts, status=status)


@require_POST
def review_begin(request: SignedInRequest, pk: int) -> HttpResponse:
    """Begin the sheet for the latest version; pressed again, it opens the one that was begun."""
    found = get_object_or_404(
        Assignment.objects.visible_to(request.user).held_by(request.user).for_list(), pk=pk
    )
    try:
        review = services.open_review(found, by=request.user)
    except NotReady as refusal:
        return show_beginning(request, found, refusal.problems, status=422)
    return redirect("evaluation:review", pk=review.pk)


def show_declaration(
    request: SignedInRequest,
    found: Assignment,
    form: ConflictForm,
    problems: Iterable[Problem] = (),
    status: int = 200,
) -> HttpResponse:
    """The members and parties of the package are named, so that the reviewer can say whether one is known."""
    version = Version.objects.get(proposal=found.proposal_id, number=found.proposal.version_count)
    facts = {
        "assignment": found,
        "form": form,
        "problems": problems,
        "package": version.value,
        "parties": who_takes_part(version),
        "hints": conflict_hints(version, [request.user]).get(request.user, []),
    }
    return render(request, "evaluation/declaration.html", facts, status=status)


@require_POST
def conflict_declare(request: SignedInRequest, pk: int) -> HttpResponse:
    """Declare: no conflict begins the sheet, a question waits for the ethics official, the rest recuses."""
    own = Assignment.objects.filter(reviewer=request.user)
    found = own.visible_to(request.user).held_by(request.user).for_list().filter(pk=pk).first()
    if found is None:
        # What was declared has closed it; pressed again, it stays closed
        get_object_or_404(own.filter(conflict__has_conflict=True), pk=pk)
        messages.warning(request, "You have declared this already.")
        return redirect("evaluation:desk")
    form = ConflictForm(request.POST, is_cleared=found.is_cleared)

    def again(problems: list[Problem]) -> HttpResponse:
        return show_declaration(request, found, form, lay_beside(form, problems), status=422)

    if not form.is_valid():
        return again([])
    details = form.details
    is_closed = details["has_conflict"] and not details["is_cleared"]
    done = "Thank you. You are recused from it." if is_closed else "Thank you. You can read now."
    if details["about"]:
        done = f"Thank you. The ethics official of {found.agency} decides; until then it is closed to you."
    return carry_out(
        request, services.declare_and_begin, found, again=again, done=done, **details,
        to=page_of("evaluation:desk") if is_closed else reverse("evaluation:assignment", args=[pk]),
    )  # fmt: skip


@implements("s.3(d)")
@require_GET
def review(request: SignedInRequest, pk: int) -> HttpResponse:
    """The version left, the sheet right; without script the sheet is below."""
    return show_review(request, pk)


def show_review(
    request: SignedInRequest,
    pk: int,
    problems: Sequence[Problem] = (),
    status: int = 200,
    typed: ModelForm | None = None,
    refused: str = "This was not saved",
) -> HttpResponse:
    """The sheet; ``typed`` is the form that was refused, shown with what stands in it."""
    asked = sheets_seen.of(offices_that_read(request.user))
    found = next(iter(asked.rows(person=request.user.pk, sheet=pk, **clock.given())), None)
    if found is None:
        raise Http404
    is_own = found.reviewer_id == request.user.pk
    record_reading(found.version, by=request.user)
    scores = lines_of_sheet.rows(sheet=found.pk)
    is_open = is_own and found.status == ReviewStatus.DRAFT
    is_stale = found.version.number != found.version.proposal.version_count
    lines = [(score, _line(score, typed)) for score in scores] if is_open else []
    overall = (typed if isinstance(typed, ReviewForm) else ReviewForm(instance=found)) if is_open else None
    tell_beside([*(form for _, form in lines), *([overall] if overall else [])], problems)
    facts: dict[str, Any] = {
        "review": found,
        "proposal": found.version.proposal,
        "version": found.version,
        "package": found.version.value,
        "files": files_of_version(found.version),
        "problems": problems,
        "refused": refused,
        "scores": scores,
        "lines": lines,
        "form": overall,
        "is_open": is_open,
        "is_own": is_own,
        "given_back": given_back(found) if is_open and found.submitted_at else None,
        "is_stale": is_stale,
        "closed": why_sheet_closed(found),
        **changed_facts(found, is_own=is_own),
        "next": next_in_queue(found),
        "tally": tally_of(request.user, found.version.proposal),
        "may_reopen": found.status == ReviewStatus.SUBMITTED
        and request.user.has_perm("evaluation.reopen_review", found),
        "reopen_form": ReasonForm(label="Why it is given back"),
    }
    return render(request, "evaluation/review.html", facts, status=status)


def _line(score: Score, typed: ModelForm | None) -> ModelForm:
    """The form of one line: the one that was refused, else what is saved."""
    if typed is not None and typed.instance == score:
        return typed
    return ScoreForm(instance=score, prefix=f"criterion-{score.criterion_id}")


def tell_beside(forms: Iterable[ModelForm], problems: Iterable[Problem]) -> None:
    """Say each problem beside its field, too, where the form shows what is saved and was not sent itself."""
    places = {form.add_prefix(name): (form, name) for form in forms for name in form.fields}
    for problem in problems:
        form, name = places.get(problem.field, (None, ""))
        if form is not None and not form.is_bound:
            if not hasattr(form, "cleaned_data"):
                form.full_clean()
                form.cleaned_data = {}
            form.add_error(name, problem.message)


def own_sheet(user: User, pk: int) -> Review:
    """A sheet of ``user``'s own that is open to them today; raises Http404 for any other."""
    asked = own_sheets.of(offices_that_read(user))
    found: Review | None = next(iter(asked.rows(person=user.pk, sheet=pk, **clock.given())), None)
    if found is None:
        raise Http404
    return found


@PreparedByOffices
def own_sheets(reviewer: Any) -> QuerySet[Review]:
    sheet = Given("sheet", BigIntegerField())
    return Review.objects.visible_to(reviewer).filter(pk=sheet, reviewer=reviewer.pk).order_by()


@PreparedByOffices
def sheets_seen(reader: Any) -> QuerySet[Review]:
    """The sheet ``Given("sheet")`` with its version, for who may see it.

    ``queue`` tells the reader's first sheets that are not in, each by the key of its assignment and the
    number of its proposal; None on a sheet that is not the reader's own.
    """
    waiting = ArraySubquery(next_sheets(reader).values_list(JSONArray("pk", "proposal__number")))
    queue = Case(When(reviewer=reader.pk, then=waiting))
    return (
        Review.objects.visible_to(reader)
        .filter(pk=Given("sheet", BigIntegerField()))
        .order_by()
        .with_consultation()
        .annotate(queue=queue)
        .select_related(
            "version__proposal__call", "version__proposal__consortium", "agency", "reviewer", "assignment"
        )
    )


def next_in_queue(found: Any) -> dict[str, Any] | None:
    """The reader's next sheet after one that is their own: ``assignment`` and ``number`` of the proposal."""
    others = ((key, number) for key, number in found.queue or () if key != found.assignment_id)
    return next(({"assignment": key, "number": number} for key, number in others), None)


@Prepared
def lines_of_sheet() -> QuerySet[Score]:
    """Each criterion with what ``Given("sheet")`` says of it."""
    return Score.objects.filter(review=Given("sheet", BigIntegerField())).select_related("criterion")


def given_back(found: Review) -> AuditEvent | None:
    """The act by which the lead gave the sheet back last, with the reason."""
    acts = AuditEvent.objects.of(found).filter(act="review.reopen").select_related("actor")
    return acts.order_by("-sequence").first()


def changed_facts(found: Review, *, is_own: bool) -> dict[str, Any]:
    """What changed since the version that the reviewer knows, by part; whether each is shown."""
    before = known_before(found)
    if before is None:
        return {"changes": None, "changed": []}
    changes = changes_shown(before.version, found.version)
    answers = found.version.value.answers
    return {
        "changes": changes,
        "changed": [(part, part != Part.REQUIREMENTS or bool(answers)) for part in changes.by_part],
        "changed_heading": changed_heading(before, is_own=is_own),
    }


def known_before(found: Review) -> Review | None:
    """The reviewer's last sheet on an earlier version that ever came in, else the first one they began.

    A draft that never came in says nothing of what was read: what its version changed is shown, too.
    """
    if found.version.number == 1:
        return None
    number = F("version__number")
    place = Case(When(submitted_at=None, then=number), default=-number)  # those that came in are below zero
    earlier = Review.objects.filter(assignment=found.assignment_id, version__number__lt=found.version.number)
    return earlier.select_related("version").order_by(place).first()


def changed_heading(before: Review, *, is_own: bool) -> str:
    """Since which version; only of a sheet that came in it is said that its writer reviewed."""
    number = before.version.number
    if before.submitted_at is None:
        return (
            f"Changed since version {number}, of which {'you' if is_own else before.reviewer} began a sheet"
        )
    return f"Changed since {'you reviewed ' if is_own else ''}version {number}"


@require_POST
def review_save(request: SignedInRequest, pk: int) -> HttpResponse:
    """Save the overall part; answers a script in JSON, a person with the page."""
    found = own_sheet(request.user, pk)
    return _save(request, found, ReviewForm(request.POST, instance=found), services.save_review, found.pk)


@require_POST
def score_save(request: SignedInRequest, pk: int, score_pk: int) -> HttpResponse:
    """Save one line of the sheet."""
    own_sheet(request.user, pk)
    score = get_object_or_404(Score.objects.select_related("criterion", "review"), pk=score_pk, review=pk)
    form = ScoreForm(request.POST, instance=score, prefix=f"criterion-{score.criterion_id}")
    return _save(request, score, form, services.save_score, pk)


def _save(
    request: SignedInRequest,
    row: Review | Score,
    form: ModelForm,
    service: Callable[..., Any],
    review_pk: int,
) -> HttpResponse:
    """One answer for hand and script: saved, refused with the fields, or in conflict with both texts."""
    is_script = request.headers.get("X-Autosave") == "1"
    revision = revision_read(request.POST.get("revision", ""))
    place = form.prefix or "overall"
    back = f"{reverse('evaluation:review', args=[review_pk])}#{place}"

    def told(facts: dict[str, Any], status: int = 200) -> JsonResponse:
        news = overtaken(review_pk)
        return JsonResponse({**facts, **news, "of_page": bool(news)}, status=status)

    if not form.is_valid():
        if is_script:
            return told({"errors": form.errors}, status=422)
        return show_review(request, review_pk, problems_of(form), status=422, typed=form)
    mine = {name: form.cleaned_data[name] for name in form.Meta.fields}  # type: ignore[attr-defined]
    fresh = type(row).objects.get(pk=row.pk)
    try:
        saved = service(fresh, by=request.user, values=mine, revision=revision)
    except StaleRevision as stale:
        texts, held = texts_of(request, type(form)(instance=stale.record, prefix=form.prefix)), stale.record
        if is_script:
            return told({**in_json(texts), "revision": held.revision}, status=409)
        by = "You, in another window,"
        return conflict_page(request, texts, revision=held.revision, by=by, back=back)
    except WrongStatus as refusal:
        if is_script:
            return told({"errors": {"__all__": [refusal.on_open_page]}}, status=422)
        return show_review(request, review_pk, [_as_problem(refusal)], status=409)
    kept = form.kept_in_words if isinstance(form, ScoreForm) else ""
    if is_script:
        notice = {"notice": {"words": kept}} if kept else {}
        return told({"saved_at": timezone.now().isoformat(), "revision": saved.revision, **notice})
    if kept:
        messages.warning(request, kept, extra_tags=place)
    else:
        messages.success(request, saved_in_words(row), extra_tags=place)
    return redirect(back)


def saved_in_words(row: Review | Score) -> str:
    return f"“{row.criterion}” is saved." if isinstance(row, Score) else "The overall part is saved."


def overtaken(review_pk: int) -> dict[str, Any]:
    """What a script tells who types on a sheet that cannot be handed in as things stand; else nothing."""
    found = Review.objects.with_consultation().defer("version__package").get(pk=review_pk)
    closed, number = why_sheet_closed(found), found.version.number
    if number != found.version.proposal.version_count:
        return {"notice": replaced_notice(found, closed)}
    if closed:
        return {"notice": {"words": f"{closed.message} What you write here is kept."}}
    return {}


def replaced_notice(found: Review, closed: Problem | None) -> dict[str, str]:
    """Where to go on after a new version: in its sheet, which is begun only while one is asked for."""
    number, newest = found.version.number, found.version.proposal.version_count
    is_begun = Review.objects.filter(assignment=found.assignment_id, version__number=newest).exists()
    told = (
        f"The consortium has submitted version {newest}. This sheet speaks of version {number} and cannot be "
        "submitted any more. "
    )
    if closed and not is_begun:
        return {"words": f"{told}What you write here is kept{when_copied(closed, newest)}. {closed.message}"}
    goes_on = (
        f"Go on in your sheet for version {newest}; what you write here is not copied there any more."
        if is_begun
        else f"What you write here is kept and copied when you open your sheet for version {newest}."
    )
    return {
        "words": f"{told}{goes_on}",
        "link": f"Open the sheet for version {newest}",
        "url": reverse("evaluation:assignment", args=[found.assignment_id]),
    }


def when_copied(closed: Problem, newest: int) -> str:
    """That the text will stand in the next sheet, where one is begun later."""
    is_to_come = closed.code in ("at-intake", "returned")
    return f", and copied when you begin your sheet for version {newest}" if is_to_come else ""


def _as_problem(refusal: Exception) -> Problem:
    return Problem("refused", str(refusal))


@require_POST
def review_submit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Hand the sheet in, then on to the next proposal; ``check`` only looks whether anything is lacking.

    The page's script looks before it asks whether to go on.
    """
    found = own_sheet(request.user, pk)
    if "check" in request.POST:
        lacking = [problem for check in checks.REVIEW_CHECKS for problem in check(found)]
        return (
            _again(request, pk, "The review is not ready", lacking) if lacking else HttpResponse(status=204)
        )
    return carry_out(
        request, services.submit_review, found, done="Your review is in.",
        to=reverse("evaluation:review", args=[pk]),
        again=partial(_again, request, pk, "The review is not ready"),
    )  # fmt: skip


@require_POST
def review_reopen(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give a sheet back to its reviewer."""
    found = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    return carry_out(
        request, services.reopen_review, found, done=f"The review was given back to {found.reviewer}.",
        to=reverse("evaluation:proposal", args=[found.version.proposal.number]),
        again=partial(_again, request, pk, "The review was not given back"),
        note=request.POST.get("reason", ""),
    )  # fmt: skip


def _again(request: SignedInRequest, pk: int, refused: str, problems: list[Problem]) -> HttpResponse:
    return show_review(request, pk, problems, status=422, refused=refused)

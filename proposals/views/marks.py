"""Marks of confidentiality: one fold on each part and on each row, where they are set, changed, taken off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from program.requests import SignedInRequest
from program.revisions import StaleRevision, revision_read
from proposals import services
from proposals.confidentiality import Blanket, PlacedMark, blanket_of_rows, marks_of, places_of_marks
from proposals.enums import Part
from proposals.forms.marks import ChangeMarkForm, MarkForm
from proposals.models import Attachment, Marking, OperatingRole, Site
from proposals.progress import ON_OWN_PAGE
from proposals.views.kinds import find_to_read, form_of, part_form
from proposals.views.saving import add_errors
from proposals.views.workspace import Workspace, show, to_edit, workspace
from proposals.wording import called

if TYPE_CHECKING:
    from django.forms import Form

    from proposals.forms.rows import RowForm

MEANWHILE = "somebody changed the mark after you opened it. Look again."


@dataclass
class ShownMark:
    """A mark with the form that changes it."""

    placed: PlacedMark
    row: Marking
    form: ChangeMarkForm
    is_open: bool


@dataclass
class Marks:
    """What the fold of a part or row holds; ``elsewhere`` are marks on rows that have pages of their own."""

    here: list[ShownMark]
    elsewhere: list[tuple[PlacedMark, str]]
    form: MarkForm
    part: str
    row_key: str
    blanket: Blanket | None


def marks_beside(space: Workspace, part: str, row: Any = None, form: RowForm | None = None) -> Marks | None:
    """The marks of one part, or of one of its rows; a file has its mark in its own form."""
    if isinstance(row, Attachment):
        return None
    key = row.key if row is not None else ""
    package = space.progress.with_early
    stored = {f"marking-{one.pk}": one for one in space.proposal.markings.all()}
    placed = [one for one in marks_of(package) if one.marking.part == part]
    own = {key, *(f"role-{one.pk}" for one in row.roles.all())} if isinstance(row, Site) else {key}
    on_pages = [one for one in placed if ON_OWN_PAGE.match(one.marking.row)]
    if key:
        here = [one for one in placed if one.marking.row in own]
    else:
        here = [one for one in placed if one not in on_pages]
    pk = space.proposal.pk
    return Marks(
        here=[_shown(space, one, stored[one.marking.key]) for one in here],
        elsewhere=[] if key else [(one, page_of(pk, part, one.marking.row)) for one in on_pages],
        form=MarkForm(places=places_in(space, part, row, form), prefix="mark"),
        part=part,
        row_key=key,
        blanket=blanket_of_rows(package),
    )


def _shown(space: Workspace, placed: PlacedMark, row: Marking) -> ShownMark:
    initial = {"mark": row.mark, "justification": row.justification}
    key, later = placed.marking.key, (p for each in space.progress.coming for p in each.problems)
    lacks = bool(space.progress.problems_of(key)) or any(p.field.startswith(f"{key}-") for p in later)
    return ShownMark(placed, row, ChangeMarkForm(initial=initial, prefix=placed.marking.key), lacks)


def places_in(space: Workspace, part: str, row: Any, form: RowForm | None) -> list[tuple[str, str]]:
    """What can be marked from a page, as ``row|field``: the whole, its fields, and rows without a page."""
    fields = [(name, str(form[name].label)) for name in form.fields] if form is not None else []
    if row is not None:
        inside = row.roles.all() if isinstance(row, Site) else ()
        return [
            (f"{row.key}|", "This row as a whole"),
            *((f"{row.key}|{name}", label) for name, label in fields),
            *((f"{one.key}|", f"Who it is for: {one.get_act_display()}") for one in inside),
        ]
    package = space.progress.with_early
    values: list[Any] = [one for one in package.provisions if one.layer == part]
    values += package.consortium.members if part == Part.CONSORTIUM else ()
    values += package.compliance.statements if part == Part.COMPLIANCE else ()
    values += package.answers if part == Part.REQUIREMENTS else ()
    names = {member.key: called(member) for member in package.consortium.members}
    rows = [(f"{one.key}|", names.get(getattr(one, "member", ""), "") or called(one)) for one in values]
    whole = ("|", "This part as a whole")
    return [whole, *((f"|{name}", label) for name, label in fields), *rows]


def page_of(pk: int, part: str, row_key: str) -> str:
    """The page on which a mark is changed."""
    if row_key and ON_OWN_PAGE.match(row_key):
        return reverse("proposals:row-edit", args=[pk, part, row_key])
    return reverse("proposals:part", args=[pk, part])


@require_POST
def mark_add(request: SignedInRequest, pk: int) -> HttpResponse:
    """Mark a part, a row or a field of it."""
    proposal = to_edit(request, pk)
    part, key = request.POST.get("part", ""), request.POST.get("row_key", "")
    if part not in Part:
        raise Http404
    space, row = workspace(request, pk, part), None
    fields: RowForm | None = part_form(proposal, part)
    if key:
        row, kind = find_to_read(request, pk, part, key)
        if not ON_OWN_PAGE.match(key):
            raise Http404
        fields = form_of(row, kind)
    form = MarkForm(request.POST, places=places_in(space, part, row, fields), prefix="mark")
    if form.is_valid():
        row_key, _, field = form.cleaned_data["place"].partition("|")
        try:
            services.set_mark(
                proposal, by=request.user, part=part, row_key=row_key, field=field,
                mark=form.cleaned_data["mark"], justification=form.cleaned_data["justification"],
            )  # fmt: skip
        except ValidationError as errors:
            add_errors(form, errors)
        else:
            messages.success(request, "Marked. Reviewers see the mark, and the package’s PDF bears it.")
            return redirect(f"{page_of(pk, part, key)}#marks")
    facts = {"form": form, "part": Part(part), "row_key": key, "back": page_of(pk, part, key)}
    return show(request, "proposals/mark.html", space, facts, status=422)


def mark_to_edit(request: SignedInRequest, pk: int, mark: int) -> tuple[Marking, str]:
    """The mark, and the page on which it stands."""
    proposal = to_edit(request, pk)
    found = get_object_or_404(Marking.objects.select_related("proposal"), proposal=proposal, pk=mark)
    key = found.row_key
    if key.startswith("role-"):
        role = OperatingRole.objects.select_related("site").filter(pk=key.removeprefix("role-")).first()
        key = role.site.key if role else ""
    return found, f"{page_of(pk, found.part, key)}#marks"


@require_POST
def mark_change(request: SignedInRequest, pk: int, mark: int) -> HttpResponse:
    """Change a mark or its justification; a stale form changes nothing and keeps what was typed in sight."""
    found, back = mark_to_edit(request, pk, mark)
    form = ChangeMarkForm(request.POST, prefix=f"marking-{mark}")
    if form.is_valid():
        try:
            services.change_mark(
                found, by=request.user, values=form.cleaned_data, revision=revision_of(request)
            )
        except StaleRevision as stale:
            return _stale(request, stale.record, form, back)
        messages.success(request, "The mark is saved.")
        return redirect(back)
    return _again(request, found, form, back, status=422)


@require_POST
def mark_remove(request: SignedInRequest, pk: int, mark: int) -> HttpResponse:
    """Take a mark off."""
    found, back = mark_to_edit(request, pk, mark)
    try:
        services.remove_mark(found, by=request.user, revision=revision_of(request))
    except StaleRevision:
        messages.warning(request, f"The mark was not taken off: {MEANWHILE}")
    else:
        messages.success(request, "The mark is taken off.")
    return redirect(back)


def revision_of(request: SignedInRequest) -> int | None:
    return revision_read(request.POST.get("revision", ""))


def _stale(request: SignedInRequest, record: Marking, form: ChangeMarkForm, back: str) -> HttpResponse:
    form.add_error(
        None,
        f"This was not saved: {MEANWHILE} It now says {record.get_mark_display()}"
        f"{f': {record.justification}' if record.justification else ''}. Save again to replace that.",
    )
    return _again(request, record, form, back, status=409)


def _again(request: SignedInRequest, found: Marking, form: Form, back: str, *, status: int) -> HttpResponse:
    space = workspace(request, found.proposal_id, found.part)
    place = places_of_marks(space.progress.with_early).get(f"marking-{found.pk}", "")
    facts = {"form": form, "part": Part(found.part), "mark": found, "place": place, "back": back}
    return show(request, "proposals/mark.html", space, facts, status=status)

"""Components as a table: edited row by row, taken out as a file, read in from one or from the clipboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from program.intake import Refused
from program.limits import limited
from program.models import Country
from program.order import implements
from program.requests import SignedInRequest, is_autosave
from program.spreadsheets import KINDS, Grid, Line, read, read_pasted, sent, words, write
from program.transitions import NotReady
from proposals import services
from proposals.enums import Part
from proposals.forms.tables import TABLE_FORMS, LayerTable, TableForm
from proposals.models import Component, Proposal, TableImport
from proposals.tables import CellProblem, all_problems
from proposals.views.kinds import LAYERS, find, members_read_with
from proposals.views.saving import as_json, conflict_page, save, token_of
from proposals.views.workspace import LOOK_ONLY, PER_PAGE, Page, seen, show, workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import StreamingHttpResponse

    from proposals.forms.rows import RowForm
    from proposals.forms.tables import Column
    from proposals.tables import Change, Plan

SHOWN_PROBLEMS: Final = 100


def inside(request: SignedInRequest, pk: int, part: str) -> Proposal:
    """The proposal whose working copy the person reads, in a part that has components; else 404."""
    proposal = seen(request, pk)
    if part not in LAYERS or not request.user.has_perm("proposals.view_draft_proposal", proposal):
        raise Http404
    return proposal


def to_import(request: SignedInRequest, pk: int, part: str) -> Proposal:
    """The same for who may change it; 403 for who may only look."""
    proposal = inside(request, pk, part)
    if not request.user.has_perm("proposals.change_proposal", proposal):
        raise PermissionDenied(LOOK_ONLY)
    return proposal


@implements("s.3(b)(i)")
@require_safe
def table_view(request: SignedInRequest, pk: int, part: str) -> HttpResponse:
    """The components of a layer side by side, a page at a time; each row saves by itself."""
    inside(request, pk, part)
    return table_page(request, pk, part)


def table_page(
    request: SignedInRequest, pk: int, part: str, refused_form: RowForm | None = None
) -> HttpResponse:
    space = workspace(request, pk, part)
    outline = space.progress.package.layer(part)
    place = None
    if refused_form is not None:
        key = refused_form.instance.key
        place = next((number for number, row in enumerate(outline) if row.key == key), None)
    page = Page.of(request, len(outline), "components", place=place)
    shown = []
    for row in space.proposal.components.filter(layer=part)[page.first : page.until]:
        row.proposal = space.proposal
        is_refused = refused_form is not None and refused_form.instance.pk == row.pk
        form = refused_form if is_refused and refused_form is not None else table_form(row)
        shown.append({"row": row, "form": form, "token": token_of(form)})
    blank = TABLE_FORMS[part](instance=Component(proposal=space.proposal, layer=part))
    facts: dict[str, Any] = {
        "part": Part(part),
        "rows": shown,
        "total": len(outline),
        "columns": [field.label for field in blank],
        "page": page,
        "error_form": refused_form,
        "countries": list(Country.objects.order_by("name").values_list("code", "name"))
        if part == Part.HARDWARE
        else [],
    }
    return show(request, "proposals/table.html", space, facts)


def table_form(row: Component, data: Any = None) -> RowForm:
    form: RowForm = TABLE_FORMS[row.layer](
        data,
        instance=row,
        prefix=row.key,
        consortium=row.proposal.consortium_id,
        members=members_read_with(row.proposal),
    )
    return form


@require_POST
def table_row(request: SignedInRequest, pk: int, part: str, key: str) -> HttpResponse:
    """Save one row of the table, by hand or while typing; only the columns that the table shows."""
    row, _ = find(request, pk, part, key)
    if not isinstance(row, Component):
        raise Http404
    saved = save(request, table_form(row, request.POST))
    if is_autosave(request):
        return as_json(saved)
    before = Component.objects.filter(proposal=pk, layer=part, sort_order__lt=row.sort_order).count()
    before += Component.objects.filter(
        proposal=pk, layer=part, sort_order=row.sort_order, pk__lt=row.pk
    ).count()
    back = f"{reverse('proposals:table', args=[pk, part])}?page={before // PER_PAGE + 1}#{row.key}"
    if saved.conflict is not None:
        return conflict_page(request, saved, pk, back)
    if not saved.is_done:
        return table_page(request, pk, part, saved.form)
    messages.success(request, f"Saved: {row}.")
    return redirect(back)


@require_safe
@limited("export")
def table_export(
    request: SignedInRequest, pk: int, part: str, kind: str
) -> HttpResponse | StreamingHttpResponse:
    """All fields of all components of a layer as CSV or XLSX, to be read in again after editing."""
    proposal = inside(request, pk, part)
    if kind not in KINDS:
        raise Http404
    table = LayerTable(proposal, part)
    rows = Component.objects.filter(proposal=proposal, layer=part)
    content = write(kind, Part(part).label, table.headings, table.rows(rows))
    return sent(kind, f"{proposal.number or f'draft-{proposal.pk}'}-{part}", content)


@require_http_methods(["GET", "HEAD", "POST"])
@limited("upload", method="POST")
def table_import(request: SignedInRequest, pk: int, part: str) -> HttpResponse:
    """Read a table in, from a file or from the clipboard; nothing changes before it was shown."""
    proposal = to_import(request, pk, part)
    if request.method != "POST":
        return import_page(request, pk, part, TableForm())
    form = TableForm(request.POST, request.FILES)
    if not form.is_valid():
        return import_page(request, pk, part, form)
    file = form.cleaned_data["file"]
    try:
        grid: Grid = read(file, file.name) if file else read_pasted(form.cleaned_data["text"])
    except Refused as refusal:
        form.add_error("file" if file else "text", f"{refusal.message} {refusal.what_to_do}")
        return import_page(request, pk, part, form)
    reading = LayerTable(proposal, part).read(grid, demands_headings=bool(file))
    problems = all_problems(
        reading.problems,
        services.planned(proposal, part, reading.entries).problems if reading.entries else (),
    )
    if problems:
        return import_page(request, pk, part, form, problems)
    kept = services.keep_table(
        proposal, by=request.user, layer=part, source=file.name if file else "", lines=grid.lines
    )
    return redirect("proposals:table-preview", pk, part, kept.pk)


def import_page(
    request: SignedInRequest,
    pk: int,
    part: str,
    form: TableForm,
    problems: list[CellProblem] | None = None,
) -> HttpResponse:
    space = workspace(request, pk, part)
    table = LayerTable(space.proposal, part)
    headings = {column.name: column.heading for column in table.columns}
    found = problems or []
    facts = {
        "part": Part(part),
        "form": form,
        "problems": found[:SHOWN_PROBLEMS],
        "problem_count": len(found),
        "row_count": len({problem.number for problem in found if problem.number}),
        "order": [headings[name] for name in table.main()],
        "headings": table.headings,
        "total": len(space.progress.package.layer(part)),
    }
    return show(request, "proposals/table_import.html", space, facts, status=422 if found else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def table_preview(request: SignedInRequest, pk: int, part: str, number: int) -> HttpResponse:
    """Exactly what a table would add, change and remove; a POST does that, whole and once."""
    proposal = to_import(request, pk, part)
    rows = TableImport.objects.filter(proposal=proposal, layer=part, read_by=request.user)
    kept = get_object_or_404(rows.select_related("event"), pk=number)
    table = LayerTable(proposal, part)
    back = reverse("proposals:part", args=[pk, part])
    if kept.event is not None:
        messages.info(request, f"{kept} was taken over already. Nothing was done twice.")
        return redirect(back)
    grid = Grid([Line(line, cells) for line, cells in kept.lines])
    reading = table.read(grid, demands_headings=bool(kept.source))
    if reading.problems:
        # What was right when it was read is not any more: a member has left, a country is gone
        return import_page(request, pk, part, TableForm(), reading.problems)
    if request.method != "POST":
        plan = services.planned(proposal, part, reading.entries)
        return preview_page(request, pk, part, kept, table, plan, is_headed=reading.is_headed)
    try:
        event = services.import_components(
            kept,
            by=request.user,
            entries=reading.entries,
            shown=request.POST.get("shown", ""),
            remove_absent=request.POST.get("remove") == "yes",
        )
    except services.TableChanged as changed:
        return preview_page(
            request, pk, part, kept, table, changed.plan, is_headed=reading.is_headed, has_changed=True
        )
    except NotReady:
        plan = services.planned(proposal, part, reading.entries)
        return preview_page(request, pk, part, kept, table, plan, is_headed=reading.is_headed)
    done = event.said["after"]
    messages.success(
        request,
        f"The table was taken over: {done['added']:,} added, {done['changed']:,} changed, "
        f"{done['removed']:,} removed.",
    )
    return redirect(back)


def preview_page(
    request: SignedInRequest,
    pk: int,
    part: str,
    kept: TableImport,
    table: LayerTable,
    plan: Plan,
    *,
    is_headed: bool,
    has_changed: bool = False,
) -> HttpResponse:
    space = workspace(request, pk, part)
    lines = list(lines_of(plan, table))
    page = Page.of(request, len(lines), "rows", per=SHOWN_PROBLEMS)
    facts = {
        "part": Part(part),
        "kept": kept,
        "plan": plan,
        "is_headed": is_headed,
        "has_changed": has_changed,
        "order": [column.heading for name in table.main() for column in table.columns if column.name == name],
        "lines": lines[page.first : page.until],
        "page": page,
    }
    return show(request, "proposals/table_preview.html", space, facts, status=409 if has_changed else 200)


@dataclass(frozen=True)
class Shown:
    """One row of the preview: what happens to which component, with its values in words."""

    what: str
    tone: str
    name: str
    number: int = 0
    values: tuple[tuple[str, str, str], ...] = ()
    by: str = ""
    alike: str = ""


def lines_of(plan: Plan, table: LayerTable) -> Iterator[Shown]:
    """Each row that a table touches, leaves alone or would remove."""
    columns = {column.attribute: column for column in table.columns}

    def said(name: str, value: Any) -> str:
        found = table.said(columns[name], value)
        return "(empty)" if found is None else words(found)

    for entry in plan.added:
        given = ((name, value) for name, value in entry.values.items() if value not in (None, ""))
        values = tuple((columns[name].heading, "", said(name, value)) for name, value in given)
        name = entry.values.get("name") or "Component without a name"
        yield Shown("Add", "good", name, entry.number, values, alike=plan.alike.get(entry.number, ""))
    for change in plan.changed:
        yield Shown("Change", "info", str(change.row), change.number, _both(change, columns, said))
    for change in plan.stale:
        by = str(change.row.saved_by or "Somebody")
        yield Shown(
            "Leave alone", "waiting", str(change.row), change.number, _both(change, columns, said), by=by
        )
    for row in plan.absent:
        yield Shown("Not in the table", "neutral", str(row))


def _both(
    change: Change, columns: dict[str, Column], said: Callable[[str, Any], str]
) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (columns[name].heading, said(name, change.before[name]), said(name, value))
        for name, value in change.after.items()
    )

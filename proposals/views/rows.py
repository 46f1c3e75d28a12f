"""One row of the working copy: add it, edit it (also while typing), remove it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from program.requests import SignedInRequest, is_autosave, number_said
from program.revisions import StaleRevision, revision_read
from program.transitions import NotReady
from program.withheld import withheld_for
from proposals import services
from proposals.enums import OperatingAct, Part
from proposals.forms.rows import RowForm, in_words
from proposals.forms.submissions import AgainForm, EvidenceForm, IncomingFile, UploadForm
from proposals.models import Attachment, Component, OperatingRole, Proposal, RemovedRow, Site
from proposals.views.kinds import ADDED, KINDS, Kind, find, form_of, form_shown, place_of, rows_in
from proposals.views.parts import part_page
from proposals.views.saving import add_errors, as_json, conflict_page, save, token_of
from proposals.views.together import beside
from proposals.views.workspace import Workspace, show, to_edit, workspace


@require_http_methods(["GET", "HEAD", "POST"])
def row_edit(request: SignedInRequest, pk: int, part: str, key: str) -> HttpResponse:
    """One row with all its fields; a POST saves it, by hand or while typing."""
    row, kind = find(request, pk, part, key)
    back = place_of(row, kind, pk, part, key)
    if request.method != "POST":
        return row_page(request, pk, part, row, kind) if kind.has_page else redirect(back)
    saved = save(request, form_of(row, kind, request.POST, prefix=key))
    if is_autosave(request):
        return as_json(saved)
    if saved.conflict is not None:
        return conflict_page(request, saved, pk, back)
    if not saved.is_done:
        return refused(request, pk, part, row, kind, saved.form)
    messages.success(request, f"Saved: {row}.")
    return redirect(back)


def refused(
    request: SignedInRequest, pk: int, part: str, row: Any, kind: Kind, form: RowForm
) -> HttpResponse:
    """The same page again with the errors beside the fields."""
    if kind.has_page:
        return row_page(request, pk, part, row, kind, form)
    if isinstance(row, OperatingRole):
        site = get_object_or_404(rows_in("site", row.site.proposal), pk=row.site_id)
        return row_page(request, pk, part, site, KINDS["site"], refused_role=form)
    return part_page(request, pk, part, refused_form=form)


def row_page(
    request: SignedInRequest,
    pk: int,
    part: str,
    row: Any,
    kind: Kind,
    form: RowForm | None = None,
    refused_role: RowForm | None = None,
) -> HttpResponse:
    space = workspace(request, pk, part)
    row.proposal = space.proposal
    form = form or form_of(row, kind)
    facts: dict[str, Any] = {
        "row": row,
        "noun": kind.noun,
        "part": Part(part),
        "form": form,
        "token": token_of(form),
        "shown_error_form": refused_role or form,
        "missing": space.progress.problems_of(row.key),
        "remove_url": reverse("proposals:row-remove", args=[pk, part, row.key]),
        "beside": beside(request, space, part, row, form),
    }
    if isinstance(row, Site):
        facts["acts"] = list(acts_at(row, refused_role))
    if isinstance(row, Attachment):
        facts |= facts_of_file(space, row)
    if isinstance(row, Component):
        proves = [a for a in space.attachments if a.row_key == row.key]
        facts |= {
            "upload": UploadForm(),
            "evidence": proves,
            "known": EvidenceForm(files=others(space, proves), auto_id="known_%s"),
        }
    return show(request, "proposals/row.html", space, facts)


def others(space: Workspace, evidence: list[Attachment]) -> list[Attachment]:
    """The files of the package that prove something else; a file in several places is offered once."""
    taken = {file.document_id for file in evidence}
    return list(
        {file.document_id: file for file in space.attachments if file.document_id not in taken}.values()
    )


@require_POST
def evidence_add(request: SignedInRequest, pk: int, part: str, key: str) -> HttpResponse:
    """Let a file that is in the package prove this component, too; it is stored once."""
    row, kind = find(request, pk, part, key)
    if not isinstance(row, Component):
        raise Http404
    space = workspace(request, pk, part)
    files = others(space, [file for file in space.attachments if file.row_key == row.key])
    form = EvidenceForm(request.POST, files=files)
    if not form.is_valid():
        messages.error(request, "Nothing was added. Choose a file that does not prove this component yet.")
        return redirect(f"{place_of(row, kind, pk, part)}#evidence")
    chosen = next(file for file in files if file.pk == form.cleaned_data["attachment"])
    try:
        new = services.attach_again(
            chosen, by=request.user, part=part, row_key=row.key, caption=form.cleaned_data["caption"]
        )
    except NotReady as refusal:
        messages.warning(request, " ".join(problem.message for problem in refusal.problems))
    else:
        messages.success(request, f"{new.document.name} is now evidence for {row}, too.")
    return redirect(f"{place_of(row, kind, pk, part)}#evidence")


def facts_of_file(space: Workspace, row: Attachment) -> dict[str, Any]:
    """The file's earlier versions, the other parts that point to it, and forms for a newer one."""
    return {
        "earlier": row.replaced_files.select_related("document__uploaded_by", "replaced_by"),
        "elsewhere": [a for a in space.attachments if a.document_id == row.document_id and a.pk != row.pk],
        "newer": IncomingFile(),
        "again": AgainForm(),
        "withheld": withheld_for(row.document),
    }


def acts_at(site: Site, refused_form: RowForm | None = None) -> list[dict[str, Any]]:
    """Build, own, operate: who does it, and a form to say so."""
    roles = list(site.roles.select_related("membership__organization", "third_party_country"))
    acts = []
    for act in OperatingAct:
        forms = []
        for role in (role for role in roles if role.act == act):
            role.site = site
            form = form_shown(role, KINDS["role"], refused_form)
            forms.append({"role": role, "form": form, "token": token_of(form)})
        blank = OperatingRole(site=site, act=act)
        new = form_shown(blank, KINDS["role"], refused_form, prefix=f"new-{act}")
        acts.append({"act": act, "forms": forms, "new": new})
    return acts


@require_POST
def row_add(request: SignedInRequest, pk: int, part: str, kind: str) -> HttpResponse:
    """Add a row with the little that is typed beside the button; its own page asks the rest."""
    found = KINDS.get(kind)
    if found is None or kind not in ADDED or part not in found.parts:
        raise Http404
    row, prefix = _blank(request, to_edit(request, pk), part, kind)
    form = form_of(row, found, request.POST, prefix=prefix)
    for name in set(form.fields) - set(found.starts_with):
        del form.fields[name]
    if form.is_valid() and form.fields and not any(form.cleaned_data.values()):
        form.add_error(None, f"Say first which {found.noun} it is, then add it.")
    elif form.is_valid():
        try:
            services.add_row(row, by=request.user, values=form.values)
        except ValidationError as errors:
            add_errors(form, errors)
    if form.errors:
        if isinstance(row, OperatingRole):
            return refused(request, pk, part, row, found, form)
        return part_page(request, pk, part, refused_form=form, refused_kind=kind)
    messages.success(request, f"Added: {row}.")
    return redirect(place_of(row, found, pk, part))


def _blank(request: SignedInRequest, proposal: Proposal, part: str, kind: str) -> tuple[Any, str]:
    """A new row that already knows where it belongs, and the prefix of its form."""
    if kind == "role":
        act, site = request.POST.get("act", ""), number_said(request.POST.get("site", ""))
        if act not in OperatingAct.values:
            raise Http404
        place = get_object_or_404(Site.objects.select_related("proposal"), proposal=proposal, pk=site)
        return OperatingRole(site=place, act=act), f"new-{act}"
    if kind in ("component", "provision"):
        return KINDS[kind].model(proposal=proposal, layer=part), f"new-{kind}"
    return KINDS[kind].model(proposal=proposal), f"new-{kind}"


@require_http_methods(["GET", "HEAD", "POST"])
def row_remove(request: SignedInRequest, pk: int, part: str, key: str) -> HttpResponse:
    """Ask, then remove the row that was shown."""
    row, kind = find(request, pk, part, key)
    if row.pk is None or key.startswith(("statement-", "answer-", "later-")):
        raise Http404
    back = reverse("proposals:part", args=[pk, part])
    if isinstance(row, OperatingRole):
        back = reverse("proposals:row-edit", args=[pk, part, row.site.key])
    if request.method == "POST":
        name, revision = str(row), revision_read(request.POST.get("revision", ""))
        remove = services.remove_attachment if isinstance(row, Attachment) else services.remove_row
        try:
            remove(row, by=request.user, revision=revision)
        except StaleRevision as stale:
            messages.warning(
                request, f"{name} was not removed: somebody saved it after you opened it. Look again."
            )
            return redirect(place_of(stale.record, kind, pk, part))
        kept = RemovedRow.objects.filter(proposal=pk, key=key).values_list("pk", flat=True).first()
        return redirect(f"{back}?removed={kept}")
    to_edit(request, pk)  # who may only look is not asked
    space = workspace(request, pk, part)
    form = form_of(row, kind)
    said = [(field.label, in_words(field, form.shown()[field.html_name])) for field in form]
    facts = {
        "row": row,
        "noun": kind.noun,
        "part": Part(part),
        "back": back,
        "said": [pair for pair in said if pair[1]],
    }
    return show(request, "proposals/row_remove.html", space, facts)

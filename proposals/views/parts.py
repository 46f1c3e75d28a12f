"""One part of the package: its rows, its own fields, and what is missing in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from program.demanded import answered_ahead, coming_under, demanded
from program.models import Requirement
from program.order import implements
from program.requests import SignedInRequest, is_autosave
from proposals.answering import answer_to, earlier_answer
from proposals.checks.particular import ANSWER_FIELDS
from proposals.enums import OperatingAct, Part
from proposals.forms.rows import PartForm, RowForm
from proposals.models import Answer
from proposals.questionnaire import SUBJECTS, Group
from proposals.views.documents import facts_of_documents
from proposals.views.kinds import ADDED, KINDS, LAYERS, form_shown, form_to_begin, part_form
from proposals.views.saving import as_json, conflict_page, save, token_of
from proposals.views.together import beside
from proposals.views.workspace import Page, Workspace, show, to_edit, workspace


@implements(
    "s.3(b)(i)", "s.3(b)(i)(A)", "s.3(b)(i)(B)", "s.3(b)(i)(C)", "s.3(b)(i)(D)", "s.3(b)(i)(E)",
    "s.3(b)(ii)", "s.3(b)(iii)", "s.3(b)(iv)", "s.3(b)(v)",
)  # fmt: skip
@require_http_methods(["GET", "HEAD", "POST"])
def part_view(request: SignedInRequest, pk: int, part: str) -> HttpResponse:
    """One part of the package; a POST saves the proposal's own fields that it shows."""
    if request.method != "POST":
        return part_page(request, pk, part)
    form = part_form(to_edit(request, pk), part, request.POST)
    if form is None:
        raise Http404
    saved = save(request, form)
    if is_autosave(request):
        return as_json(saved)
    back = reverse("proposals:part", args=[pk, part])
    if saved.conflict is not None:
        return conflict_page(request, saved, pk, back)
    if not saved.is_done:
        return part_page(request, pk, part, refused_form=form)
    messages.success(request, f"Saved: {Part(part).label}.")
    return redirect(back)


def part_page(
    request: SignedInRequest,
    pk: int,
    part: str,
    *,
    refused_form: RowForm | None = None,
    refused_kind: str = "",
) -> HttpResponse:
    """The part with its rows, its own fields, and what is missing in it."""
    space = workspace(request, pk, part)
    facts = facts_of_part(space, part, refused_form, refused_kind)
    if part in LAYERS:
        total = len(space.progress.package.layer(part))
        facts |= facts_of_layer(space, part, Page.of(request, total, "components"))
    facts["beside"] = beside(request, space, part, form=facts["form"])
    return show(request, f"proposals/parts/{_template(part)}.html", space, facts)


def _template(part: str) -> str:
    return "layer" if part in LAYERS else part.replace("-", "_")


def facts_of_part(
    space: Workspace, part: str, refused_form: RowForm | None, refused_kind: str
) -> dict[str, Any]:
    """What the template of a part prints, beside the workspace."""
    proposal, progress = space.proposal, space.progress
    is_own = isinstance(refused_form, PartForm)
    form = refused_form if is_own else part_form(proposal, part)
    facts: dict[str, Any] = {
        "part": Part(part),
        "form": form,
        "token": token_of(form) if form else "",
        "error_form": refused_form,
        "missing": [problem for problem in progress.problems if problem.part == part],
        "coming": [
            (later.day, found)
            for later in progress.coming
            if (found := [problem for problem in later.problems if problem.part == part])
        ],
        "requirements": [line for line in progress.checklist if any(p.part == part for p in line.problems)],
    }
    for kind in ADDED - {"role"}:
        if part in KINDS[kind].parts:
            blank = KINDS[kind].model(
                proposal=proposal, **({"layer": part} if kind in ("component", "provision") else {})
            )
            refused = refused_form if refused_kind == kind else None
            facts[f"new_{kind}"] = form_to_begin(blank, KINDS[kind], refused, prefix=f"new-{kind}")
    facts |= FACTS[part](space, refused_form) if part in FACTS else {}
    return facts


def facts_of_layer(space: Workspace, part: str, page: Page) -> dict[str, Any]:
    layer = next(layer for layer in space.progress.layers if layer.layer == part)
    names = {
        member.key: member.organization.legal_name for member in space.progress.package.consortium.members
    }
    components = space.proposal.components.filter(layer=part)[page.first : page.until]
    rows = [
        (row, names.get(f"member-{row.supplier_id}", ""), len(space.progress.problems_of(row.key)))
        for row in components
    ]
    provisions = [
        (row, names.get(f"member-{row.membership_id}", ""))
        for row in space.proposal.provisions.all()
        if row.layer == part
    ]
    declared = {f"member-{row.membership_id}" for row, _ in provisions}
    lines = Counter(component.supplier for component in space.progress.package.layer(part))
    others = [(name, lines[key]) for key, name in names.items() if key not in declared and lines[key]]
    return {"layer": layer, "rows": rows, "provisions": provisions, "others": others, "page": page}


def facts_of_markets(space: Workspace, refused_form: RowForm | None) -> dict[str, Any]:
    rows = {row.key: row for row in space.proposal.markets.all()}
    found = space.destinations
    shown = [
        (rows[market.key], market, len(space.progress.problems_of(market.key)), found.get(market.key))
        for market in space.progress.package.markets
    ]
    return {"rows": shown}


def facts_of_operating_model(space: Workspace, refused_form: RowForm | None) -> dict[str, Any]:
    names = {
        member.key: member.organization.legal_name for member in space.progress.package.consortium.members
    }
    rows = []
    for site in space.progress.package.operating_model.sites:
        held = [
            (
                act,
                ", ".join(
                    names.get(role.member or "", role.third_party_name)
                    for role in site.roles
                    if role.act == act
                ),
            )
            for act in OperatingAct
        ]
        rows.append((site, held, len(space.progress.problems_of(site.key))))
    return {"rows": rows, "acts": list(OperatingAct)}


def facts_of_support(space: Workspace, refused_form: RowForm | None) -> dict[str, Any]:
    rows = list(space.proposal.support_requests.all())
    known = [row.amount_usd for row in rows if row.amount_usd is not None]
    shown = [(row, len(space.progress.problems_of(row.key))) for row in rows]
    return {"rows": shown, "total": sum(known) if known else None, "open_count": len(rows) - len(known)}


def facts_of_compliance(space: Workspace, refused_form: RowForm | None) -> dict[str, Any]:
    from_rows = {row.subject: row for row in space.proposal.compliance_statements.all()}
    groups = []
    for group in Group:
        shown: list[dict[str, Any]] = []
        todo = 0
        for subject in SUBJECTS:
            row = from_rows.get(subject.code)
            if subject.group != group or row is None:
                continue
            row.proposal = space.proposal
            form = form_shown(row, KINDS["statement"], refused_form)
            explained = bool(row.explanation) or row.answer in subject.explained or form is refused_form
            facts = {
                "subject": subject,
                "row": row,
                "form": form,
                "token": token_of(form),
                "is_explained": explained,
            }
            shown.append(facts)
            todo += not row.answer or form is refused_form
        note = f"{todo} to answer" if todo else f"All {len(shown)} answered"
        groups.append({"group": group, "rows": shown, "note": note, "is_open": todo > 0})
    parties = [
        (row, len(space.progress.problems_of(row.key))) for row in space.proposal.outside_parties.all()
    ]
    return {"groups": groups, "parties": parties}


def facts_of_requirements(space: Workspace, refused_form: RowForm | None) -> dict[str, Any]:
    """What the call demands beyond the package, and what comes later, with the fields to answer it."""
    call, answers = space.proposal.call, list(space.proposal.answers.all())
    asked = {row.code: row for row in demanded(call.requirements.all())}

    def shown(requirement: Requirement, *, is_beside: bool = False) -> dict[str, Any]:
        row = answer_to(requirement, answers) or Answer()
        row.proposal, row.requirement = space.proposal, requirement
        key = f"later-{requirement.pk}" if is_beside else row.key
        form = form_shown(row, KINDS["answer"], refused_form, prefix=key)
        return {
            "requirement": requirement,
            "row": row,
            "key": key,
            "form": form,
            "token": token_of(form),
            "is_beside": is_beside,
            "earlier": None if is_beside or row.pk else earlier_answer(requirement, answers),
        }

    later, fields = [], set(asked)
    ahead = {row.pk for row in answered_ahead(call.requirements.all())}
    for each in coming_under(call):
        changes = []
        for change in each.changes:
            row = change.after
            one = shown(row, is_beside=row.code in fields) if row and row.pk in ahead else None
            fields.add(change.row.code)
            changes.append((change, one, opening_place(row) if row and one and one["is_beside"] else ""))
        later.append((each.day, changes))
    return {
        "rows": [shown(row) for row in asked.values() if row.evidence_type != "package"],
        "later": later,
    }


def opening_place(requirement: Requirement) -> str:
    """The place to which problems lead of a requirement that is answered in another way from its day on."""
    return f"id_answer-{requirement.code}-{ANSWER_FIELDS.get(requirement.evidence_type, 'text')}"


def facts_of_consortium(space: Workspace, refused_form: RowForm | None) -> dict[str, Any]:
    """The members as the package will name them, with what is missing at each."""
    supplied = {member.key: layers for member, layers in space.progress.supply}
    rows = []
    for row in space.members:
        key = f"member-{row.pk}"
        value = space.progress.package.member(key)
        names = [layer.label for layer, yes in zip(space.progress.layers, supplied[key], strict=True) if yes]
        rows.append((row, value, names, space.progress.problems_of(key)))
    return {"rows": rows}


FACTS: Final[dict[str, Callable[[Workspace, RowForm | None], dict[str, Any]]]] = {
    Part.MARKETS: facts_of_markets,
    Part.OPERATING_MODEL: facts_of_operating_model,
    Part.SUPPORT: facts_of_support,
    Part.COMPLIANCE: facts_of_compliance,
    Part.REQUIREMENTS: facts_of_requirements,
    Part.CONSORTIUM: facts_of_consortium,
    Part.DOCUMENTS: lambda space, _: facts_of_documents(space),
}

"""The kinds of rows of a working copy: where each is shown, what it is called, what form edits it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse

from program.demanded import answered_ahead, is_dated, to_answer
from program.enums import CallStatus, StackLayer
from program.models import Requirement
from program.prepared import Given, Prepared
from program.requests import SignedInRequest
from proposals.answering import answer_to
from proposals.enums import Part
from proposals.forms.rows import (
    COMPONENT_FORMS,
    PART_FORMS,
    AnswerForm,
    MarketForm,
    PartForm,
    PartyForm,
    ProvisionForm,
    RoleForm,
    RowForm,
    SiteForm,
    StatementForm,
    SupportForm,
)
from proposals.forms.submissions import AttachmentForm
from proposals.models import (
    Answer,
    Attachment,
    ComplianceStatement,
    Component,
    Membership,
    OperatingRole,
    OutsideParty,
    Proposal,
    Provision,
    Site,
    SupportRequest,
    TargetMarket,
)
from proposals.views.workspace import LOOK_ONLY, seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

LAYERS: Final = frozenset(layer.value for layer in StackLayer)
KEY: Final = re.compile(r"^([a-z]+)-([A-Za-z0-9_-]+)$")


@dataclass(frozen=True)
class Kind:
    """A kind of row: its model, its form, the parts that show it and what people call one of it."""

    model: Any
    form: type[RowForm]
    noun: str
    parts: frozenset[str]
    starts_with: tuple[str, ...] = ()
    has_page: bool = True


def _kind(
    model: Any,
    form: type[RowForm],
    noun: str,
    parts: set[str] | frozenset[str],
    *starts: str,
    page: bool = True,
) -> Kind:
    return Kind(model, form, noun, frozenset(parts), starts, page)


KINDS: Final[dict[str, Kind]] = {
    "component": _kind(Component, COMPONENT_FORMS["hardware"], "component", LAYERS, "name"),
    "provision": _kind(Provision, ProvisionForm, "supplier", LAYERS, "membership", "description", page=False),
    "market": _kind(TargetMarket, MarketForm, "market", {Part.MARKETS}, "country", "bloc", "list_name"),
    "site": _kind(Site, SiteForm, "site", {Part.OPERATING_MODEL}, "name", "country"),
    "role": _kind(
        OperatingRole,
        RoleForm,
        "role",
        {Part.OPERATING_MODEL},
        "membership",
        "third_party_name",
        "third_party_country",
        page=False,
    ),
    "support": _kind(SupportRequest, SupportForm, "request", {Part.SUPPORT}, "mechanism"),
    "statement": _kind(ComplianceStatement, StatementForm, "statement", {Part.COMPLIANCE}, page=False),
    "party": _kind(OutsideParty, PartyForm, "party", {Part.COMPLIANCE}, "legal_name", "role"),
    "answer": _kind(Answer, AnswerForm, "answer", {Part.REQUIREMENTS}, page=False),
    "later": _kind(Answer, AnswerForm, "answer", {Part.REQUIREMENTS}, page=False),
    "attachment": _kind(Attachment, AttachmentForm, "file", {Part.DOCUMENTS}),
}
ADDED: Final = frozenset({"component", "provision", "market", "site", "role", "support", "party"})


def form_class(row: Any, kind: Kind) -> type[RowForm]:
    return COMPONENT_FORMS[row.layer] if isinstance(row, Component) else kind.form


def form_of(row: Any, kind: Kind, data: Any = None, *, prefix: str = "", only: Sequence[str] = ()) -> RowForm:
    """The form of one row, with the members of its consortium to choose from."""
    consortium = row.proposal.consortium_id
    return form_class(row, kind)(
        data,
        instance=row,
        prefix=prefix or row.key,
        consortium=consortium,
        members=members_read_with(row.proposal),
        only=only,
    )


def members_read_with(proposal: Proposal) -> Sequence[Membership]:
    """Organizations that are invited or in, where a page has read them with the proposal; else none."""
    consortium = proposal._state.fields_cache.get("consortium")
    return getattr(consortium, "present_members", ())


def form_shown(row: Any, kind: Kind, refused: RowForm | None, *, prefix: str = "") -> RowForm:
    """The form of one row, or the refused one when it is this row's, with what was typed and its errors."""
    if refused is not None and type(refused.instance) is type(row):
        places = ("pk", "act", "requirement_id")
        if all(getattr(refused.instance, name, None) == getattr(row, name, None) for name in places):
            return refused
    return form_of(row, kind, prefix=prefix)


def form_to_begin(row: Any, kind: Kind, refused: RowForm | None, *, prefix: str) -> RowForm:
    """The few fields with which a row begins; of a refused form too."""
    shown = refused or form_of(row, kind, prefix=prefix, only=kind.starts_with)
    for name in set(shown.fields) - set(kind.starts_with):
        del shown.fields[name]
    return shown


def part_form(proposal: Proposal, part: str, data: Any = None) -> PartForm | None:
    """The form of the proposal's own fields that ``part`` shows, if it shows any."""
    made = PART_FORMS.get(part)
    if made is None:
        return None
    members = members_read_with(proposal)
    return made(data, instance=proposal, consortium=proposal.consortium_id, members=members)


def rows_in(kind: str, proposals: QuerySet[Proposal] | Proposal) -> QuerySet[Any]:
    """Rows of a kind in proposals, each with its proposal; attachments that were removed are left out."""
    many = [proposals] if isinstance(proposals, Proposal) else proposals
    if kind == "role":
        return OperatingRole.objects.select_related("site__proposal").filter(site__proposal__in=many)
    rows = KINDS[kind].model._default_manager.filter(proposal__in=many)
    if kind == "attachment":
        return rows.filter(removed_at=None).select_related(
            "proposal", "document__uploaded_by", "document__released_by"
        )
    if kind in ("answer", "later"):
        return rows.select_related("proposal", "requirement")
    return rows.select_related("proposal")


@lru_cache
def numbered(kind: str) -> Prepared:
    """One row of a kind by its number: it is saved while somebody types, and the question is written once."""
    proposal, row = (Given(name, BigIntegerField()) for name in ("proposal", "row"))
    return Prepared(lambda: rows_in(kind, Proposal.objects.filter(pk=proposal)).filter(pk=row))


def find(request: SignedInRequest, pk: int, part: str, key: str) -> tuple[Any, Kind]:
    """The row called ``key`` in a proposal that the person may see, or for a POST may edit.

    404 for everything else, 403 for who may only look. For a POST the rule is asked, as the service asks it
    again: a row saves while somebody types, and the rule answers sooner than the filter of a list.
    """
    if request.method != "POST":
        return find_to_read(request, pk, part, key)
    row, kind = _find(request, None, pk, part, key)
    proposal = row.site.proposal if isinstance(row, OperatingRole) else row.proposal
    if not request.user.has_perm("proposals.change_proposal", proposal):
        find_to_read(request, pk, part, key)
        raise PermissionDenied(LOOK_ONLY)
    return row, kind


def find_to_read(request: SignedInRequest, pk: int, part: str, key: str) -> tuple[Any, Kind]:
    """As ``find``, for an act that changes no row."""
    return _find(request, Proposal.objects.visible_to(request.user).filter(pk=pk), pk, part, key)


def place_of(row: Any, kind: Kind, pk: int, part: str, key: str = "") -> str:
    """The page that shows the row: its own, its site's, or its part's, where it is called ``key``."""
    if isinstance(row, OperatingRole):
        return f"{reverse('proposals:row-edit', args=[pk, part, row.site.key])}#{row.act}"
    if kind.has_page:
        return reverse("proposals:row-edit", args=[pk, part, row.key])
    return f"{reverse('proposals:part', args=[pk, part])}#{key or row.key}"


def _find(
    request: SignedInRequest, proposals: QuerySet[Proposal] | None, pk: int, part: str, key: str
) -> tuple[Any, Kind]:
    """The row in one of ``proposals``; in whatever proposal has this key, where none are said."""
    match = KEY.match(key)
    kind = KINDS.get(match[1]) if match else None
    if match is None or kind is None or part not in kind.parts:
        raise Http404
    rows = rows_in(match[1], Proposal.objects.filter(pk=pk) if proposals is None else proposals)
    if match[1] == "statement":
        return get_object_or_404(rows, subject=match[2]), kind
    if match[1] == "answer":
        return _find_answer(request, list(rows.filter(requirement__code=match[2])), pk, match[2]), kind
    if not match[2].isdecimal() or len(match[2]) > 18:
        raise Http404
    if match[1] == "later":
        return _find_later(request, rows, pk, int(match[2])), kind
    if proposals is not None:
        row = get_object_or_404(rows, pk=int(match[2]))
    elif found := numbered(match[1]).rows(proposal=pk, row=int(match[2])):
        row = found[0]
    else:
        raise Http404
    if isinstance(row, Component | Provision) and row.layer != part:
        raise Http404
    return row, kind


def _find_answer(request: SignedInRequest, given: list[Answer], pk: int, code: str) -> Answer:
    """The answer to what the call demands under ``code``, or a new one; before its day to what comes."""
    if len(given) == 1 and not is_dated(given[0].requirement):
        return given[0]
    proposal = given[0].proposal if given else seen(request, pk)
    asked = Requirement.objects.filter(call=proposal.call_id, code=code).exclude(evidence_type="package")
    requirement = to_answer(asked)
    if requirement is None:
        raise Http404
    answer = answer_to(requirement, given) or Answer(proposal=proposal)
    answer.requirement = requirement
    return answer


def _find_later(request: SignedInRequest, rows: QuerySet[Answer], pk: int, number: int) -> Answer:
    """The answer, given before its day or new, to a requirement that will be answered in another way."""
    proposal = seen(request, pk)
    call = proposal.call
    listed = list(call.requirements.all()) if call.status == CallStatus.ISSUED else []
    requirement = next((row for row in answered_ahead(listed) if row.pk == number), None)
    if requirement is None:
        raise Http404
    given = list(rows.filter(requirement__code=requirement.code))
    answer = answer_to(requirement, given) or Answer(proposal=proposal)
    answer.requirement = requirement
    return answer

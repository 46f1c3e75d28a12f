"""Begin a draft with the rows of an earlier proposal of the same anchor, under this or another call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from program import audit
from program.transitions import NotReady, require
from proposals.composition import compose
from proposals.merging import merge
from proposals.models import Consortium, Proposal
from proposals.services.beginning import begin_proposal
from proposals.services.consents import renew_consents, shares_in
from proposals.services.imports import counts, locked_rows, lookups, told, with_problems, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program.models import Call, User
    from proposals.merging import Merge

CLAUSE = "E.O. 14320 s.3(b)"


@transaction.atomic
def copy_proposal(
    source: Proposal,
    call: Call,
    *,
    by: User,
    title: str = "",
    consortium: Consortium | None = None,
    **begun: Any,
) -> Proposal:
    """Begin a draft under ``call`` that says what ``source`` says, as far as it fits.

    It is the draft of the same consortium, unless another one of the same anchor is named or begun. No
    consents or certifications are carried, no reasons of marks, no answers that the call does not ask for:
    its event lists what is not. Raises NotReady when the call takes no draft or a row cannot stand in one.
    """
    require("proposals.view_draft_proposal", by, source)
    if consortium is None and not begun.get("organization"):
        consortium = source.consortium
    proposal = begin_proposal(call, by=by, title=title, consortium=consortium, **begun)
    if _anchor(proposal) != _anchor(source):
        raise PermissionDenied("A draft begins from an earlier proposal of the same anchor.")
    said = compose(source)
    said = said.model_copy(update={"title": title or said.title})
    known, keys = lookups(proposal, by=by, sources=[source.pk])
    found = with_problems(merge(compose(proposal), said, known, strict=False), keys)
    if found.errors:
        raise NotReady(list(found.errors))
    write(proposal, found, keys, locked_rows(proposal), by=by)
    renew_consents(shares_in(proposal), by=by)
    audit.record(
        proposal,
        "proposal.copy",
        by=by,
        before={"proposal": source.pk, "number": source.number or ""},
        after={**counts(found), "left_out": list(dict.fromkeys(_not_carried(source, found)))},
        note=told(found),
        clause=CLAUSE,
    )
    return proposal


def _anchor(proposal: Proposal) -> int | None:
    anchor = proposal.consortium.anchor
    return anchor.organization_id if anchor else None


def _not_carried(source: Proposal, found: Merge) -> Iterator[str]:
    """What the copy does not have, in words."""
    yield from found.left_out
    files, markings = source.attachments.filter(removed_at=None), source.markings.all()
    if reasons := files.exclude(justification="").count() + markings.exclude(justification="").count():
        yield (
            f"Why {reasons} {'file or part is' if reasons == 1 else 'files or parts are'} confidential: "
            "the marks are carried, their reasons have to be given again."
        )
    if source.versions.exists():
        yield "Certifications, receipts and versions: the new draft is certified and submitted by itself."

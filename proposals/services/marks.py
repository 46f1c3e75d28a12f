"""Marks of confidentiality on parts, rows and fields: set, changed, taken off; each is in the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction

from program import audit
from program.enums import Mark
from program.revisions import hold
from program.transitions import require
from proposals.models import Marking
from proposals.services.drafts import add_row, save_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from program.models import AuditEvent, User
    from proposals.models import Proposal

CLAUSE: Final = "5 U.S.C. 552(b)(4)"
NOT_OURS: Final = "Only an office of the Government marks “Government only”. Choose another mark."
TWICE: Final = "This is marked already. Change the mark that stands there."


@transaction.atomic
def set_mark(
    proposal: Proposal, *, by: User, part: str, mark: str, justification: str = "", row_key: str = "",
    field: str = "",
) -> Marking:  # fmt: skip
    """Mark a part, a row or one field of a row; raises ValidationError where a mark lies already."""
    _require_ours(mark)
    if Marking.objects.filter(proposal=proposal, part=part, row_key=row_key, field=field).exists():
        raise ValidationError({"place": TWICE})
    marking = Marking(proposal=proposal, part=part, row_key=row_key, field=field)
    add_row(marking, by=by, values={"mark": mark, "justification": justification})
    audit.record(proposal, "proposal.mark", by=by, after=said_of(marking), clause=CLAUSE)
    return marking


@transaction.atomic
def change_mark(
    marking: Marking, *, by: User, values: Mapping[str, Any], revision: int | None
) -> AuditEvent | None:
    """Change the mark or its justification; None when nothing changes. Raises StaleRevision."""
    _require_ours(values.get("mark", marking.mark))
    hold(marking, revision=revision)
    before = said_of(marking)
    changed = {name: value for name, value in values.items() if getattr(marking, name) != value}
    if not changed:
        return None
    save_row(marking, by=by, values=changed, revision=marking.revision)
    return audit.record(
        marking.proposal, "proposal.change_mark", by=by, before=before, after=said_of(marking), clause=CLAUSE
    )


@transaction.atomic
def remove_mark(marking: Marking, *, by: User, revision: int | None) -> AuditEvent:
    """Take a mark off. Raises StaleRevision when somebody changed it since it was read."""
    hold(marking, revision=revision, with_related=("proposal",))
    require("proposals.change_proposal", by, marking.proposal)
    before, proposal = said_of(marking), marking.proposal
    marking.delete()
    return audit.record(proposal, "proposal.unmark", by=by, before=before, clause=CLAUSE)


def said_of(marking: Marking) -> dict[str, str]:
    """Where the mark lies and which it is; its justification may be confidential and stays in the package."""
    place = {"part": marking.part, "row": marking.row_key, "field": marking.field}
    return {name: value for name, value in place.items() if value} | {"mark": marking.mark}


def _require_ours(mark: str) -> None:
    if mark == Mark.GOVERNMENT_ONLY:
        raise ValidationError({"mark": NOT_OURS})

"""Take a row out of the working copy so that it can come back as it was; ADR 11 says why by a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import transaction

from program import audit, clock
from program.transitions import require
from proposals.enums import Part
from proposals.models import (
    Attachment,
    OperatingRole,
    OutsideParty,
    Proposal,
    RemovedRow,
    Site,
    SupportRequest,
    TargetMarket,
)
from proposals.services.consents import renew_consents, shares_of

if TYPE_CHECKING:
    from django.db.models import Model

    from program.models import User

PARTS: Final[dict[type[Model], str]] = {
    TargetMarket: Part.MARKETS,
    Site: Part.OPERATING_MODEL,
    OperatingRole: Part.OPERATING_MODEL,
    SupportRequest: Part.SUPPORT,
    OutsideParty: Part.COMPLIANCE,
    Attachment: Part.DOCUMENTS,
}


def keep_removed(row: Any, *, by: User) -> RemovedRow:
    """Keep a row that is about to be taken out, with the rows that go with it; part of the caller's act."""
    kept = copy_of(row, by=by)
    kept.save()
    return kept


def can_come_back(row: Any) -> bool:
    """Whether a row is of a kind that is kept when it is taken out."""
    return type(row) in PARTS or hasattr(row, "layer")


def copy_of(row: Any, *, by: User) -> RemovedRow:
    """The copy that ``keep_removed`` saves, for an act that takes out many rows."""
    rows = [] if isinstance(row, Attachment) else [row, *(row.roles.all() if isinstance(row, Site) else ())]
    return RemovedRow(
        proposal_id=row.proposal.pk,
        part=PARTS.get(type(row)) or row.layer,
        key=row.key,
        name=str(row)[:400],
        content=serializers.serialize("python", rows),
        removed_by=by,
        removed_at=clock.instant(),
    )


@transaction.atomic
def restore_row(removed: RemovedRow, *, by: User) -> Any:
    """Put a removed row back as it was, under its old key; return the row.

    Comments, marks and evidence files name a row by its key, so they fit again. Raises ValidationError when
    it is back already, or when another row now stands in its place.
    """
    require("proposals.change_proposal", by, Proposal.objects.get(pk=removed.proposal_id))
    held = RemovedRow.objects.select_for_update().filter(pk=removed.pk).first()
    if held is None:
        raise ValidationError(f"“{removed.name}” is back already: somebody was quicker.")
    row = _file_back(held) if held.key.startswith("attachment-") else _rows_back(held)
    key, proposal = held.key, held.proposal
    held.delete()
    model, _, number = key.rpartition("-")
    renew_consents(shares_of(row), by=by)
    audit.record(proposal, "proposal.restore_row", by=by, after={"row": f"{model} {number}"})
    return row


def _file_back(held: RemovedRow) -> Attachment:
    pk = int(held.key.rpartition("-")[2])
    row: Attachment = Attachment.objects.select_for_update().get(pk=pk, proposal=held.proposal_id)
    row.removed_at = None
    row.revision += 1
    row.save(update_fields=["removed_at", "revision", "updated_at"])
    return row


def _rows_back(held: RemovedRow) -> Any:
    found = list(serializers.deserialize("python", held.content, ignorenonexistent=True))
    for each in found:
        row: Any = each.object
        _require_surroundings(row, held.name, inside=[other.object for other in found])
        row.revision += 1
        try:
            row.validate_constraints()
        except ValidationError as error:
            raise ValidationError(
                f"“{held.name}” cannot come back: the draft now holds another row that says the same. "
                "Remove that one first, or leave this one out."
            ) from error
        each.save(force_insert=True)
    return found[0].object


def _require_surroundings(row: Any, name: str, *, inside: list[Any]) -> None:
    """What the row points to may have gone meanwhile: what can be empty is emptied, the rest is refused."""
    for column in row._meta.concrete_fields:
        key = getattr(row, column.attname)
        if not column.is_relation or key is None:
            continue
        model = column.related_model
        if any(type(other) is model and other.pk == key for other in inside):
            continue
        if model._base_manager.filter(pk=key).exists():
            continue
        if not column.null:
            raise ValidationError(
                f"“{name}” cannot come back alone: its {model._meta.verbose_name} was removed too. "
                f"Bring back the {model._meta.verbose_name} first."
            )
        setattr(row, column.attname, None)

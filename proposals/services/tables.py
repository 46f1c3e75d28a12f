"""Components that come as a table: kept as they were read, then taken over whole and once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from program import audit
from program.canonical import sha256_hex
from program.transitions import NotReady, Problem, require
from proposals.models import Component, Membership, Proposal, RemovedRow, TableImport
from proposals.services.consents import renew_consents, shares_in
from proposals.services.removal import copy_of
from proposals.tables import Plan, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from program.models import AuditEvent, User
    from program.spreadsheets import Line
    from proposals.tables import Entry

BATCH = 200
CLAUSE = "E.O. 14320 s.3(b)(i)"


@dataclass
class TableChanged(Exception):
    """The components are others than those that were shown; nothing was changed."""

    plan: Plan


@transaction.atomic
def keep_table(
    proposal: Proposal, *, by: User, layer: str, source: str, lines: Sequence[Line]
) -> TableImport:
    """Keep a table that was read, to be shown and then taken over; the person's earlier one goes."""
    require("proposals.change_proposal", by, proposal)
    mine = TableImport.objects.filter(proposal=proposal, layer=layer, read_by=by, event=None)
    mine.delete()
    texts = [[line.number, line.cells] for line in lines]
    return TableImport.objects.create(
        proposal=proposal,
        layer=layer,
        source=source[:200],
        sha256=sha256_hex(repr(texts)),
        lines=texts,
        read_by=by,
    )


def planned(proposal: Proposal | int, layer: str, entries: Sequence[Entry]) -> Plan:
    """What ``entries`` would do to the layer as it stands."""
    rows = Component.objects.filter(proposal=proposal, layer=layer).select_related("saved_by")
    return plan(entries, rows)


@transaction.atomic
def import_components(
    kept: TableImport, *, by: User, entries: Sequence[Entry], shown: str, remove_absent: bool = False
) -> AuditEvent:
    """Take over a table exactly as it was shown (``shown`` is the plan's digest), all of it or nothing.

    Said twice it is done once. Components that were saved since the export stay as they are, and those that
    the table leaves out stay unless ``remove_absent``. Raises TableChanged when anything is no longer as
    shown, and NotReady when the table has problems.
    """
    kept.refresh_from_db(from_queryset=TableImport.objects.select_for_update(of=("self",)))
    if kept.event is not None:
        return kept.event
    # One table at a time: the next one sees what this one did
    proposal = Proposal.objects.select_for_update(of=("self",), no_key=True).get(pk=kept.proposal_id)
    require("proposals.change_proposal", by, proposal)
    rows = Component.objects.select_for_update(of=("self",)).filter(proposal=proposal, layer=kept.layer)
    now = plan(entries, rows)
    if now.digest != shown:
        raise TableChanged(now)
    if now.problems:
        raise NotReady([Problem("table", str(problem), CLAUSE) for problem in now.problems])
    _require_own_members(proposal, entries)
    at, shares = timezone.now(), shares_in(proposal)
    added = [
        Component(proposal=proposal, layer=kept.layer, saved_by=by, **entry.values) for entry in now.added
    ]
    Component.objects.bulk_create(added, batch_size=BATCH)
    names: set[str] = set()
    for change in now.changed:
        for name, value in change.after.items():
            setattr(change.row, name, value)
            names.add(name)
        change.row.revision += 1
        change.row.saved_by, change.row.updated_at = by, at
    if now.changed:
        Component.objects.bulk_create(
            [change.row for change in now.changed],
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*sorted(names), "revision", "saved_by", "updated_at"],
        )
    removed = now.absent if remove_absent else []
    RemovedRow.objects.bulk_create([copy_of(row, by=by) for row in removed], batch_size=BATCH)
    Component.objects.filter(pk__in=[row.pk for row in removed]).delete()
    renew_consents(shares ^ shares_in(proposal), by=by)
    event = audit.record(
        proposal,
        "proposal.import_components",
        by=by,
        before={"removed": [row.key for row in removed]} if removed else "",
        after={
            "layer": kept.layer,
            "added": len(added),
            "changed": len(now.changed),
            "removed": len(removed),
            "left_alone": len(now.stale),
            "sha256": kept.sha256,
        },
        clause=CLAUSE,
    )
    kept.event, kept.lines = event, []
    kept.save(update_fields=["event", "lines", "updated_at"])
    return event


def _require_own_members(proposal: Proposal, entries: Sequence[Entry]) -> None:
    """Suppliers are members of the proposal's own consortium, as the rows of any other way in."""
    named: set[Any] = {entry.values.get("supplier_id") for entry in entries} - {None}
    own = Membership.objects.filter(consortium=proposal.consortium_id, pk__in=named).values_list(
        "pk", flat=True
    )
    if foreign := named - set(own):
        message = "A supplier is not a member of the consortium."
        raise NotReady([Problem("supplier", message, CLAUSE) for _ in foreign])

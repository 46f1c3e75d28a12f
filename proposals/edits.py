"""Who changed what of a working copy after a moment: said where a certification no longer fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db.models import CharField, Q
from django.db.models.functions import Cast

from program import moments
from program.models import AuditEvent, Organization
from proposals.enums import Part
from proposals.models import (
    Answer,
    ComplianceStatement,
    Component,
    Membership,
    OperatingRole,
    OutsideParty,
    Provision,
    RemovedRow,
    Site,
    SupportRequest,
    TargetMarket,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from proposals.models import Proposal

PARTS: Final[tuple[tuple[type[Any], Part], ...]] = (
    (TargetMarket, Part.MARKETS),
    (Site, Part.OPERATING_MODEL),
    (SupportRequest, Part.SUPPORT),
    (ComplianceStatement, Part.COMPLIANCE),
    (OutsideParty, Part.COMPLIANCE),
    (Answer, Part.REQUIREMENTS),
)
WITH_FILES: Final = ("proposal.attach", "proposal.detach", "proposal.replace_file")
MOST: Final = 5


class Edit(NamedTuple):
    """A person's newest change of one part."""

    by: str
    part: Part
    at: datetime

    def __str__(self) -> str:
        return f"{self.by or 'a colleague'} changed “{self.part.label}” ({moments.moment(self.at)})"


def edits_since(proposal: Proposal, moment: datetime) -> list[Edit]:
    """The newest change of each part by each person after ``moment``, the last one first."""
    newest: dict[tuple[str, Part], Edit] = {}
    for edit in sorted(_edits(proposal, moment), key=lambda edit: edit.at, reverse=True):
        newest.setdefault((edit.by, edit.part), edit)
    return list(newest.values())[:MOST]


def _edits(proposal: Proposal, moment: datetime) -> Iterator[Edit]:
    later = {"updated_at__gt": moment}
    told = ("saved_by__name", "updated_at")
    layered: tuple[type[Any], ...] = (Component, Provision)
    for model in layered:
        rows = model._default_manager.filter(proposal=proposal, **later)
        rows = rows.order_by("layer", "saved_by", "-updated_at").distinct("layer", "saved_by")
        for layer, by, at in rows.values_list("layer", *told):
            yield Edit(by, Part(layer), at)
    newest = ("saved_by", "-updated_at")
    for model, part in PARTS:
        rows = model._default_manager.filter(proposal=proposal, **later).order_by(*newest)
        yield from (Edit(by, part, at) for by, at in rows.distinct("saved_by").values_list(*told))
    roles = OperatingRole.objects.filter(site__proposal=proposal, **later).order_by(*newest)
    for by, at in roles.distinct("saved_by").values_list(*told):
        yield Edit(by, Part.OPERATING_MODEL, at)
    if proposal.saved_at and proposal.saved_at > moment:
        yield Edit(str(proposal.saved_by or ""), Part.OVERVIEW, proposal.saved_at)
    gone = RemovedRow.objects.filter(proposal=proposal, removed_at__gt=moment)
    gone = gone.order_by("part", "removed_by", "-removed_at").distinct("part", "removed_by")
    for where, by, at in gone.values_list("part", "removed_by__name", "removed_at"):
        yield Edit(by, Part(where), at)
    yield from _recorded(proposal, moment)


def _recorded(proposal: Proposal, moment: datetime) -> Iterator[Edit]:
    """What the record holds of files, members and their organizations."""
    members = Membership.objects.filter(consortium=proposal.consortium_id)
    keys = {
        Membership: members.annotate(key=Cast("pk", CharField())).values("key"),
        Organization: members.annotate(key=Cast("organization_id", CharField())).values("key"),
    }
    about = Q(subject_type=proposal._meta.label_lower, subject_id=str(proposal.pk), act__in=WITH_FILES)
    for model, found in keys.items():
        about |= Q(subject_type=model._meta.label_lower, subject_id__in=found)
    events = AuditEvent.objects.filter(about, at__gt=moment)
    events = events.order_by("act", "actor", "-at").distinct("act", "actor")
    for act, by, at in events.values_list("act", "actor__name", "at"):
        yield Edit(by, Part.DOCUMENTS if act in WITH_FILES else Part.CONSORTIUM, at)

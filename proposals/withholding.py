"""Who may still be told of a proposal or a consortium: asked when a mail goes out, and of the inbox.

What a person may no longer see is not mailed to them any more and stands in their inbox no longer, but for
the notices that tell them that it was closed to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import CharField, Q
from django.db.models.functions import Cast

from program import clock
from program.models import Notice
from program.notice_kinds import CATALOGUE
from program.querysets import events_about, households
from proposals.models import Proposal

if TYPE_CHECKING:
    from program.models import User


def withheld(notice: Notice) -> str:
    """Why the recipient of ``notice`` may not be told any more, or ""."""
    event, person = notice.event, notice.recipient
    if person is None:  # an address without an account is told of public matter only
        return ""
    try:
        model: Any = apps.get_model(event.subject_type)
    except LookupError:
        return ""
    if path := getattr(model, "proposal_path", ""):
        about = model._base_manager.filter(pk=event.subject_id).values(path)
        seen = Proposal.objects.visible_to(person).filter(pk__in=about).exists()
        return "" if seen else "The recipient may no longer read the proposal."
    if event.subject_type in households():
        seen = model.objects.visible_to(person).filter(pk=event.subject_id).exists()
        return "" if seen else "The recipient is no longer on the team."
    return ""


def close_out_of_sight(person: User) -> int:
    """Take back the notices about what ``person`` may not see any more; returns how many."""
    outsiders = [kind.code for kind in CATALOGUE.values() if kind.tells_outsiders]
    told = Notice.objects.filter(recipient=person, closed_at=None).exclude(kind__in=outsiders)
    seen = Proposal.objects.visible_to(person).order_by().values("pk")
    hidden = events_about(Proposal.objects.exclude(pk__in=seen).order_by().values("pk"), prefix="event__")
    for label in households():
        model: Any = apps.get_model(label)
        keys = model.objects.visible_to(person).order_by().values(key=Cast("pk", CharField()))
        hidden |= Q(event__subject_type=label) & ~Q(event__subject_id__in=keys)
    return told.filter(hidden).update(closed_at=clock.instant())

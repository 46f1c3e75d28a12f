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
from program.querysets import deliberations, events_about, households
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from program.models import User


def withheld(person: User, notices: Sequence[Notice]) -> dict[int, str]:
    """Which of these notices ``person`` may not be told any more, by their keys, and why.

    Asked once for all whose events are of one kind of record. An address without an account is told of public
    matter only, and never asked about.
    """
    by_model: dict[str, list[Notice]] = {}
    for notice in notices:
        by_model.setdefault(notice.event.subject_type, []).append(notice)
    reasons: dict[int, str] = {}
    for label, told in by_model.items():
        try:
            model: Any = apps.get_model(label)
        except LookupError:
            continue
        rows = model._base_manager.filter(pk__in={notice.event.subject_id for notice in told})
        if path := getattr(model, "proposal_path", ""):
            seen = (
                Proposal.objects.visible_to(person).filter(pk__in=rows.values(path)).order_by().values("pk")
            )
            rows, reason = (
                rows.filter(**{f"{path}__in": seen}),
                "The recipient may no longer read the proposal.",
            )
            if label in deliberations():
                rows = rows.filter(pk__in=_listed(model, person))
        elif label in households():
            seen = model.objects.visible_to(person).order_by().values("pk")
            rows, reason = rows.filter(pk__in=seen), "The recipient is no longer on the team."
        else:
            continue
        open_to = {str(pk) for pk in rows.values_list("pk", flat=True)}
        reasons |= {notice.pk: reason for notice in told if notice.event.subject_id not in open_to}
    return reasons


def _listed(model: Any, person: User) -> Any:
    return model.objects.visible_to(person).order_by().values("pk")


def close_out_of_sight(person: User) -> int:
    """Take back the notices about what ``person`` may not see any more; returns how many."""
    outsiders = [kind.code for kind in CATALOGUE.values() if kind.tells_outsiders]
    told = Notice.objects.filter(recipient=person, closed_at=None).exclude(kind__in=outsiders)
    seen = Proposal.objects.visible_to(person).order_by().values("pk")
    hidden = events_about(Proposal.objects.exclude(pk__in=seen).order_by().values("pk"), prefix="event__")
    for label in (*households(), *deliberations()):
        model: Any = apps.get_model(label)
        keys = model.objects.visible_to(person).order_by().values(key=Cast("pk", CharField()))
        hidden |= Q(event__subject_type=label) & ~Q(event__subject_id__in=keys)
    return told.filter(hidden).update(closed_at=clock.instant())

"""Over which proposals a reader is told figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from evaluation.models import Assignment
from proposals.models import Proposal
from proposals.querysets import closed_to

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from program.models import Call, User


def left_out_of(user: User, call: Call) -> list[int]:
    """Keys of the submitted proposals of a call that no figure may tell ``user`` of.

    Those that one works for or is recused from, and those of which one still owes a review.
    """
    owed = Assignment.objects.owed_by(user)
    closed = closed_to(user) | Q(pk__in=owed.values("proposal"))
    rows = Proposal.objects.filter(closed, call=call, submitted_at__isnull=False)
    return sorted(rows.order_by().values_list("pk", flat=True))


def counted_for(user: User, call: Call) -> QuerySet[Proposal]:
    """The submitted proposals of a call over which ``user`` reads figures and exports."""
    rows = Proposal.objects.filter(call=call, submitted_at__isnull=False)
    return rows.exclude(pk__in=left_out_of(user, call)).order_by("pk")

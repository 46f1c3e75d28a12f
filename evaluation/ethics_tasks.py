"""What waits for an ethics official at the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from evaluation.models import ConflictCase
from program.enums import OfficeRole
from program.waiting import Task, at_the_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program.models import User

MOST = 20


@at_the_desk
def conflicts_to_decide(user: User) -> Iterator[Task]:
    """Each person about whom the ethics official is asked, what is due first."""
    if not user.holds(OfficeRole.ETHICS_OFFICIAL):
        return
    for case in ConflictCase.objects.to_decide(user).for_list().order_by("due_at", "pk")[:MOST]:
        address = reverse("evaluation:conflict-case", args=[case.pk])
        what = f"Decide whether {case.person} may review {case.proposal.number}"
        yield Task(what, str(case.agency), address, case.due_at)

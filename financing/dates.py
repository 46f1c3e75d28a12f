"""When actions of the EDAG are due, for those who own them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from financing.models import Action
from financing.querysets import agencies_in_edag
from program.dates import DueDate, has_dates
from program.deadlines import end_of_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program.models import User


@has_dates
def actions_to_finish(user: User) -> Iterator[DueDate]:
    """Actions that a meeting gave to this person and that are open."""
    if not agencies_in_edag(user):
        return
    for row in (
        Action.objects.visible_to(user).unfinished().filter(owner=user).select_related("item__meeting")
    ):
        title = f"Your action of the meeting “{row.item.meeting.title}”"
        page = reverse("financing:action_finish", args=[row.pk])
        yield DueDate(f"action-{row.pk}", title, page, end_of_day(row.due_on), row.updated_at)

"""When a team's work is due, drafts and returned proposals; and when their calls ask for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from program import clock
from program.dates import DueDate, has_dates, title_of_demands
from program.deadlines import start_of_day
from program.demanded import coming_under
from proposals.enums import Part, ProposalStatus
from proposals.models import Proposal, TeamMember
from proposals.notices import address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from program.models import User


def worked_on_by(user: User) -> QuerySet[Proposal]:
    """The drafts and returned proposals of the person's teams, with their calls."""
    teams = TeamMember.objects.of(user).values("membership__consortium")
    rows = Proposal.objects.visible_to(user).filter(
        consortium__in=teams,
        status__in=[ProposalStatus.DRAFT, ProposalStatus.RETURNED],
        call__cancelled_at=None,
    )
    return rows.select_related("call")


@has_dates
def work_to_submit(user: User) -> Iterator[DueDate]:
    """Drafts and returned proposals of the person's teams; each draft stands in the place of its call."""
    for row in worked_on_by(user):
        call = row.call
        saved = max(call.updated_at, row.updated_at)
        if row.status == ProposalStatus.DRAFT and row.closes_at and row.closes_at > clock.now():
            title = f"{call.number}: your draft is due"
            yield DueDate(f"draft-{row.pk}", title, address(row), row.closes_at, saved, f"call-{call.number}")
        elif row.status == ProposalStatus.RETURNED and row.closes_at:
            title = f"Correct and submit proposal {row.number}"
            yield DueDate(f"proposal-{row.pk}", title, address(row), row.closes_at, saved)


@has_dates
def demands_to_meet(user: User) -> Iterator[DueDate]:
    """Days on which the calls of the person's drafts begin to ask for something else."""
    for row in worked_on_by(user).prefetch_related("call__requirements"):
        for each in coming_under(row.call):
            yield DueDate(
                f"demands-{row.pk}-{each.day}",
                title_of_demands(row.call),
                reverse("proposals:part", args=[row.pk, Part.REQUIREMENTS]),
                start_of_day(each.day),
                max(row.call.updated_at, row.updated_at),
                f"demands-{row.call.number}-{each.day}",
            )

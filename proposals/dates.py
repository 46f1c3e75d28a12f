"""When a team's work is due: drafts with their call, returned proposals with their cure period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from program import clock
from program.dates import DueDate, has_dates
from proposals.enums import ProposalStatus
from proposals.models import Proposal, TeamMember
from proposals.notices import address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program.models import User


@has_dates
def work_to_submit(user: User) -> Iterator[DueDate]:
    """Drafts and returned proposals of the person's teams; each draft stands in the place of its call."""
    teams = TeamMember.objects.of(user).values("membership__consortium")
    rows = Proposal.objects.visible_to(user).filter(
        consortium__in=teams,
        status__in=[ProposalStatus.DRAFT, ProposalStatus.RETURNED],
        call__cancelled_at=None,
    )
    for row in rows.select_related("call"):
        call = row.call
        if row.status == ProposalStatus.DRAFT and row.closes_at and row.closes_at > clock.now():
            title = f"{call.number}: your draft is due"
            saved = max(call.updated_at, row.updated_at)
            yield DueDate(f"draft-{row.pk}", title, address(row), row.closes_at, saved, f"call-{call.number}")
        elif row.status == ProposalStatus.RETURNED and row.closes_at:
            title = f"Correct and submit proposal {row.number}"
            yield DueDate(f"proposal-{row.pk}", title, address(row), row.closes_at, row.updated_at)

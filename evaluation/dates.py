"""What the evaluation is waiting for: answers and conditions of a consortium, positions of an agency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.models import Condition, InformationRequest, Referral
from evaluation.notices import desk_page, questions_page
from program.dates import DueDate, has_dates, nearest_rows
from program.deadlines import end_of_day
from program.enums import OfficeRole
from proposals.enums import ProposalStatus
from proposals.models import TeamMember

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program.models import User

OVER = (ProposalStatus.WITHDRAWN, ProposalStatus.NOT_SELECTED)


@has_dates
def questions_to_answer(user: User) -> Iterator[DueDate]:
    """Open questions of the Government to the person's teams."""
    teams = TeamMember.objects.of(user).values("membership__consortium")
    rows = InformationRequest.objects.visible_to(user).open().filter(proposal__consortium__in=teams)
    rows = rows.exclude(proposal__status__in=OVER).select_related("proposal")
    for row in nearest_rows(rows, "due_at"):
        title = f"Answer question {row.number} on proposal {row.proposal.number}"
        yield DueDate(f"question-{row.pk}", title, questions_page(row.proposal), row.due_at, row.updated_at)


@has_dates
def conditions_to_meet(user: User) -> Iterator[DueDate]:
    """Conditions that are not met, of designations of the person's teams."""
    teams = TeamMember.objects.of(user).values("membership__consortium")
    rows = Condition.objects.visible_to(user).open()
    rows = rows.filter(designation__proposal__consortium__in=teams, due_on__isnull=False)
    for row in nearest_rows(rows.select_related("designation__proposal"), "due_on"):
        if row.designation and row.due_on:
            title = f"Condition {row.number} of designation {row.designation.number}"
            page = f"{questions_page(row.designation.proposal)}#conditions"
            yield DueDate(f"condition-{row.pk}", title, page, end_of_day(row.due_on), row.updated_at)


@has_dates
def positions_to_file(user: User) -> Iterator[DueDate]:
    """Consultations whose clock runs, of the agencies for which the person leads or reviews."""
    agencies = user.agencies_as(OfficeRole.LEAD, OfficeRole.REVIEWER)
    if not agencies:
        return
    rows = Referral.objects.visible_to(user).running().filter(agency__code__in=agencies)
    rows = rows.select_related("agency", "version__proposal").defer("version__package")
    for row in nearest_rows(rows, "due_at"):
        proposal = row.version.proposal
        title = f"Position of {row.agency} on proposal {proposal.number}"
        yield DueDate(f"referral-{row.pk}", title, desk_page(proposal), row.due_at, row.updated_at)

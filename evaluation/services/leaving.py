"""What an office that ends leaves behind: its holder reviews for that agency no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from evaluation.models import Assignment
from evaluation.notice_kinds import REVIEWER_LEFT
from evaluation.notices import leads_of
from evaluation.querysets.consultation import EVALUATED
from evaluation.services.assignments import end_assignment
from evaluation.services.ethics import assignments_page
from program import notices
from program.clock_account import clock_account
from program.enums import OfficeRole
from program.models import Office
from proposals.models import Proposal

if TYPE_CHECKING:
    from program.models import AuditEvent


@transaction.atomic
def end_assignments_of(office: Office) -> list[AuditEvent]:
    """End what the holder of an office that has ended reviews for its agency; what they submitted stays.

    It follows from the end of the office, and the clock does it: an officer who is recused from one of the
    proposals ends an office too, and has no act there. Leads are told where a review is still asked for.
    """
    if office.role != OfficeRole.REVIEWER or _still_reviews(office):
        return []
    rows = Assignment.objects.active().filter(reviewer=office.user_id, agency=office.agency_id)
    # The proposals before the assignments, as a recusal locks them
    held = Proposal.objects.select_for_update().filter(pk__in=rows.order_by().values("proposal"))
    proposals = {proposal.pk: proposal for proposal in held.order_by("pk")}
    account = clock_account()
    events = []
    for assignment in rows.filter(proposal__in=proposals).select_related("agency", "reviewer", "proposal"):
        reason = f"{assignment.reviewer} is not a reviewer of {assignment.agency} any more."
        event = end_assignment(assignment, by=account, reason=reason)
        proposal = proposals[assignment.proposal_id]
        if proposal.status in EVALUATED:
            notices.owe(
                event, REVIEWER_LEFT, leads_of(assignment.agency, proposal), url=assignments_page(proposal),
                number=proposal.number, agency=str(assignment.agency),
            )  # fmt: skip
        events.append(event)
    return events


def _still_reviews(office: Office) -> bool:
    """Whether another office in force lets them review for the same agency."""
    rows = Office.objects.in_force().filter(user=office.user_id, agency=office.agency_id, role=office.role)
    return rows.exists()

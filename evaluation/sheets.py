"""Whether a score sheet is asked for: each agency works on exactly what was sent to it, while it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from django.db.models import BigIntegerField, OuterRef

from evaluation.enums import ReferralStatus
from evaluation.querysets.reviews import OVER, what_closes_sheets
from program.moments import day, last_minute
from program.prepared import Given, Prepared
from program.transitions import Problem
from proposals.enums import ProposalStatus
from proposals.models import Proposal

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from evaluation.models import Review
    from program.models import Agency

ORDER: Final = "E.O. 14320 s.3(d)"


class Consulted(NamedTuple):
    """How an agency is consulted on the latest version; ``is_signed``: a decision on it is signed."""

    status: str | None
    due_at: datetime | None
    is_signed: bool


def why_closed(proposal: Proposal, agency: Agency) -> Problem | None:
    """Why no sheet is begun on the latest version, handed in or given back; asked in one statement."""
    if closed := _not_evaluated(proposal):
        return closed
    found = consulted.ask(proposal=proposal.pk, agency=agency.pk)
    return _closed(agency, Consulted(*found or (None, None, False)))


@Prepared
def consulted() -> QuerySet[Proposal, tuple[str | None, datetime | None, bool]]:
    """What closes the sheets of ``Given("agency")`` on the latest version of ``Given("proposal")``."""
    proposal, agency = (Given(name, BigIntegerField()) for name in ("proposal", "agency"))
    facts = what_closes_sheets(OuterRef("pk"), OuterRef("version_count"), agency)
    return Proposal.objects.filter(pk=proposal).order_by().values_list(*facts.values())


def why_sheet_closed(review: Review) -> Problem | None:
    """As ``why_closed`` of a sheet that was read ``with_consultation``, without asking again."""
    proposal = review.version.proposal
    facts: tuple[str | None, datetime | None, bool] = (
        review.consulted, review.consulted_until, review.is_decided,  # type: ignore[attr-defined]
    )  # fmt: skip
    return _not_evaluated(proposal) or _closed(review.agency, Consulted(*facts))


def _not_evaluated(proposal: Proposal) -> Problem | None:
    if proposal.status == ProposalStatus.SUBMITTED:
        message = (
            f"Version {proposal.version_count} waits at intake. You can begin the review once the Program "
            "office has accepted that version; it stands among your tasks then."
        )
        return Problem("at-intake", message, ORDER)
    if proposal.status == ProposalStatus.RETURNED:
        message = (
            "The proposal is back with the consortium to be completed. You can begin the review once the "
            "Program office has accepted what it submits."
        )
        return Problem("returned", message, ORDER)
    if proposal.status != ProposalStatus.UNDER_EVALUATION:
        return Problem("evaluated", "The evaluation of this proposal is over. No review is asked for.", ORDER)
    return None


def _closed(agency: Agency, consulted: Consulted) -> Problem | None:
    """What closes the sheets of a proposal under evaluation; who reviews is not told what was signed."""
    if consulted.is_signed:
        message = "The record of this version is closed while it is decided on. No review is asked for."
        return Problem("decided-on", message, ORDER)
    if consulted.status not in OVER:
        return None
    if consulted.status == ReferralStatus.LAPSED and consulted.due_at is not None:
        message = (
            f"The time for a position of {agency} ended on {day(last_minute(consulted.due_at))}, and the "
            "consultation with it. No review is asked for unless the Program office opens it again."
        )
        return Problem("over", message, ORDER)
    return Problem("over", f"The consultation of {agency} has ended. No review is asked for.", ORDER)

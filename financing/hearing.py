"""What the EDAG and the holders of tools are told when a designation begins, is changed or ends."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.urls import reverse

from evaluation.hearers import hears_of_designations, is_told_of_changes, is_told_of_new_designations
from evaluation.terms import MARKET
from financing import notice_kinds, notices
from financing.enums import ReferralStatus
from financing.models import ToolReferral
from program import moments
from program.notices import owe

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet

    from evaluation.models import Designation
    from program.models import AuditEvent, User
    from proposals.models import Proposal

BEGIN = "designation.begin"
AMEND = "designation.amend"
IN_FORCE = "designation.amendment_in_force"
OPEN = ("proposed", "referred", "accepted", "suspended")
HELD = ("referred", "accepted", "committed", "suspended")


@is_told_of_new_designations
def told_of_new(proposal: Proposal) -> QuerySet[User]:
    return notices.members(proposal)


@is_told_of_changes
def told_of_amendment(designation: Designation, removed: Collection[str] = ()) -> QuerySet[User]:
    """The chairs, who holds a referral of the package or has committed, and leads for a removed market."""
    people = _told_of_any(designation)
    for lead, _ in leads_for(designation, removed):
        people |= lead
    return people.distinct()


def _told_of_any(designation: Designation) -> QuerySet[User]:
    people = notices.chairs(designation.proposal)
    held = ToolReferral.objects.filter(designation=designation, status__in=HELD)
    for referral in held.select_related("agency"):
        people |= notices.holders(referral.agency, designation.proposal)
    return people


def leads_for(
    designation: Designation, markets: Collection[str]
) -> list[tuple[QuerySet[User], list[ToolReferral]]]:
    """The lead officers in office of referrals that are open for one of ``markets``, each with these."""
    rows = ToolReferral.objects.filter(designation=designation, market__in=markets, status__in=OPEN)
    held: dict[tuple[int, int], list[ToolReferral]] = {}
    for referral in rows.select_related("agency").order_by("pk"):
        held.setdefault((referral.lead_officer_id, referral.agency_id), []).append(referral)
    return [
        (notices.holders(found[0].agency, designation.proposal).filter(pk=lead), found)
        for (lead, _), found in held.items()
    ]


@hears_of_designations
def tell_edag(event: AuditEvent, designation: Designation) -> None:
    """A new designation is the whole EDAG's to know; a change is its chair's, and theirs who committed.

    Who holds an open referral hears of a change when the clock lets that referral rest or go on.
    """
    url = reverse("financing:designation", args=[designation.number])
    proposal = designation.proposal
    if event.act == BEGIN:
        owe(event, notice_kinds.DESIGNATED, told_of_new(proposal), url=url, designation=designation.number)
        return
    if event.act == AMEND:
        after = event.said["after"]
        facts = {
            "designation": designation.number,
            "amendment": after["amendment"],
            "day": moments.day(date.fromisoformat(after["effective_on"])),
        }
        people = _told_of_any(designation).distinct()
        owe(event, notice_kinds.DESIGNATION_AMENDED, people, url=url, **facts)
        markets = {line["before"] for line in after["changes"] if line["kind"] == MARKET}
        for lead, held in leads_for(designation, markets):
            owe(
                event, notice_kinds.MARKET_REMOVED, lead,
                url=reverse("financing:referral", args=[held[0].number]),
                numbers=", ".join(referral.number for referral in held),
                markets=", ".join(sorted({referral.market for referral in held})),
                **facts,
            )  # fmt: skip
        return
    if event.act == IN_FORCE:
        removed = designation.matches.current().filter(market_key__in=designation.removed_markets)
        removed.update(superseded_at=event.at)
        return
    committed = ToolReferral.objects.filter(designation=designation, status=ReferralStatus.COMMITTED)
    people = notices.chairs(proposal)
    for referral in committed.select_related("agency"):
        people |= notices.holders(referral.agency, proposal)
    status = designation.get_status_display().lower()
    owe(
        event,
        notice_kinds.DESIGNATION_CHANGED,
        people.distinct(),
        url=url,
        designation=designation.number,
        status=status,
    )

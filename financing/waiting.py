"""What waits for a person of the EDAG: cases to accept, commitments to record, decisions, actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from evaluation.models import Designation
from financing.enums import MeetingStatus, ReferralStatus
from financing.models import Action, AgendaItem, Meeting, ToolReferral
from financing.querysets import agencies_in_edag, chairs_edag
from program import clock
from program.deadlines import end_of_day
from program.enums import OfficeRole
from program.models import Office
from program.waiting import Task, at_the_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from financing.querysets import ToolReferralQuerySet
    from program.models import User

MOST = 20
#: What a referral asks of the person for whom it waits.
ASKS = {
    ReferralStatus.PROPOSED: "Decide whether to refer",
    ReferralStatus.REFERRED: "Accept or decline",
    ReferralStatus.ACCEPTED: "Record what your agency commits",
}


@at_the_desk
def waiting_for(user: User) -> list[Task]:
    """What this person has to do, dated tasks first; nothing and no statement for who is not in the EDAG."""
    if not agencies_in_edag(user):
        return []
    return [*actions_of(user), *referrals_for(user), *meetings_for(user), *packages_for(user)]


def actions_of(user: User) -> Iterator[Task]:
    """Actions that a meeting gave to this person and that are open."""
    rows = Action.objects.visible_to(user).unfinished().filter(owner=user).for_list()
    for row in rows.order_by("due_on", "pk")[:MOST]:
        yield Task(
            row.text,
            row.item.meeting.title,
            reverse("financing:action_finish", args=[row.pk]),
            end_of_day(row.due_on),
        )


def referrals_for(user: User) -> Iterator[Task]:
    """Referrals whose next act is this person's, the longest waiting first."""
    for row in open_for(user).for_list().order_by("pk")[:MOST]:
        yield Task(
            f"{ASKS[ReferralStatus(row.status)]}: {row.tool.name} for {row.market}",
            f"{row.number}, {row.designation.proposal.consortium.name}",
            reverse("financing:referral", args=[row.number]),
        )


def open_for(user: User) -> ToolReferralQuerySet:
    """What is proposed waits for the chair, what is referred for every officer of the holder.

    What is accepted waits for its lead officer, or for all officers of the agency once the lead has left.
    """
    own = agencies_in_edag(user, OfficeRole.EDAG_OFFICER)
    lead = Office.objects.in_force().filter(
        user=OuterRef("lead_officer"), role=OfficeRole.EDAG_OFFICER, agency=OuterRef("agency")
    )
    follows = Q(lead_officer=user) | Q(~Exists(lead))
    mine = Q(status=ReferralStatus.REFERRED) | (Q(status=ReferralStatus.ACCEPTED) & follows)
    asked = Q(agency__code__in=own) & mine
    if chairs_edag(user):
        asked |= Q(status=ReferralStatus.PROPOSED)
    return ToolReferral.objects.visible_to(user).filter(asked, designation__status="active")


def meetings_for(user: User) -> Iterator[Task]:
    """For the chair: meetings that are over and not recorded, and held ones with items to decide."""
    if not chairs_edag(user):
        return
    undecided = AgendaItem.objects.visible_to(user).filter(meeting=OuterRef("pk"), decision="")
    over = Q(status=MeetingStatus.PLANNED, starts_at__lt=clock.now())
    to_decide = Q(Exists(undecided), status=MeetingStatus.HELD)
    for row in Meeting.objects.visible_to(user).filter(over | to_decide).order_by("starts_at", "pk")[:MOST]:
        what = "Record what was decided" if row.status == MeetingStatus.HELD else "Record that it was held"
        yield Task(f"{what}: {row.title}", "Meeting of the EDAG", reverse("financing:meeting", args=[row.pk]))


def packages_for(user: User) -> Iterator[Task]:
    """For the chair: designated packages for which no tool was proposed yet, the oldest first."""
    if not chairs_edag(user):
        return
    begun = ToolReferral.objects.filter(designation=OuterRef("pk"))
    rows = Designation.objects.of_office(user).active().filter(~Exists(begun))
    for row in rows.select_related("proposal__consortium").order_by("designated_at", "pk")[:MOST]:
        yield Task(
            f"Match federal tools and propose referrals: {row.number}",
            f"{row.proposal.submitted_title}, {row.proposal.consortium.name}",
            reverse("financing:designation", args=[row.number]),
        )

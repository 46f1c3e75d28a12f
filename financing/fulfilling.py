"""How many records of the EDAG fulfil a duty of E.O. 14320 s.4; none of them is public."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.urls import reverse

from financing.enums import MeetingStatus, WorkstreamCode
from financing.models import EdagMember, MarketBarrier, Meeting, Partnership, ToolReferral, Workstream
from program import clock
from program.figures import Figure, figure, fulfils_inside

if TYPE_CHECKING:
    from program.models import User


@fulfils_inside("14320", "4(a)")
def meetings_held(user: User) -> Figure:
    rows = Meeting.objects.visible_to(user).filter(status=MeetingStatus.HELD)
    url = reverse("financing:meetings")
    return figure(rows.count(), "meeting of the EDAG held", "meetings of the EDAG held", url)


@fulfils_inside("14320", "4(b)")
def places_given(user: User) -> Figure:
    """Places of the two agencies whose heads may appoint members, in force today."""
    rows = EdagMember.objects.visible_to(user).in_force(clock.today())
    found = rows.filter(agency__code__in=["SBA", "OSTP"]).count()
    return Figure(found, "of 2 places in the EDAG in force, SBA and OSTP", reverse("financing:edag"))


@fulfils_inside("14320", "4(c)(iii)")
def partnerships(user: User) -> Figure:
    found = Partnership.objects.visible_to(user).count()
    return figure(found, "partnership on file", "partnerships on file", reverse("financing:partnerships"))


@fulfils_inside("14320", "4(c)(v)")
def barriers(user: User) -> Figure:
    found = MarketBarrier.objects.visible_to(user).count()
    return figure(found, "market barrier on file", "market barriers on file", reverse("financing:barriers"))


@fulfils_inside("14320", "4(d)")
def tools_referred(user: User) -> Figure:
    rows = ToolReferral.objects.visible_to(user).exclude(referred_at=None)
    url = reverse("financing:edag")
    return figure(rows.count(), "referral to the holder of a tool", "referrals to the holders of tools", url)


@fulfils_inside("14320", "4(d)")
def tools_committed(user: User) -> Figure:
    rows = ToolReferral.objects.visible_to(user).exclude(commitment=None)
    url = reverse("financing:edag")
    return figure(rows.count(), "commitment of a federal tool", "commitments of federal tools", url)


def workstream_written(code: str) -> Callable[[User], Figure]:
    """Whether the officials of s.4(c) have written where a workstream stands."""

    def count(user: User) -> Figure:
        rows = Workstream.objects.visible_to(user).filter(code=code).exclude(status_text="")
        address = reverse("financing:workstream", args=[code])
        return Figure(rows.count(), "of 1 workstream says where it stands", address)

    return count


for _code in WorkstreamCode:
    fulfils_inside("14320", f"4(c)({_code})")(workstream_written(_code))

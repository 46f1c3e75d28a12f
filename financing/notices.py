"""What the EDAG, the agencies that hold tools and the anchor's team are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from financing.enums import MemberRole
from financing.models import EdagMember
from program import clock
from program.enums import OfficeRole
from program.models import Office, User
from proposals.enums import MembershipStatus
from proposals.models import TeamMember

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from financing.models import ToolReferral
    from program.models import Agency
    from proposals.models import Proposal


def holders(agency: Agency, proposal: Proposal) -> QuerySet[User]:
    """EDAG officers of ``agency`` in office today who are not recused from the proposal."""
    return _in_office(OfficeRole.EDAG_OFFICER, proposal=proposal, agency=agency)


def chairs(proposal: Proposal | None = None) -> QuerySet[User]:
    """Who chairs the EDAG today, but for the recused."""
    return _in_office(OfficeRole.EDAG_CHAIR, proposal=proposal)


def members(proposal: Proposal | None = None) -> QuerySet[User]:
    """Chairs and officers of the EDAG today, but for those recused from ``proposal``."""
    return _in_office(OfficeRole.EDAG_CHAIR, OfficeRole.EDAG_OFFICER, proposal=proposal)


def _in_office(*roles: str, proposal: Proposal | None = None, agency: Agency | None = None) -> QuerySet[User]:
    places = EdagMember.objects.in_force(clock.today()).exclude(role=MemberRole.OBSERVER)
    offices = Office.objects.in_force().filter(role__in=roles, agency__in=places.values("agency"))
    if agency:
        offices = offices.filter(agency=agency)
    people = User.objects.filter(pk__in=offices.values("user"))
    return people.exclude(pk__in=proposal.recusals.values("user")) if proposal else people


def anchor_team(referral: ToolReferral) -> QuerySet[User]:
    """The team of the package, for its anchor."""
    places = TeamMember.objects.active().filter(
        membership__is_anchor=True,
        membership__status=MembershipStatus.CONSENTED,
        membership__consortium=referral.designation.proposal.consortium_id,
    )
    return User.objects.filter(pk__in=places.values("user"))

"""What the consortium and the Program office are told; the matter itself stays behind the link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q

from program.enums import OfficeRole
from program.models import Office, User
from program.notices import Audience, owe_each
from proposals.enums import TeamRole
from proposals.querysets import readers_of_working_copy

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from program.models import AuditEvent
    from program.notice_kinds import NoticeKind
    from proposals.models import AnchorOffer, Comment, Consortium, Membership, Proposal, TimeRequest


def team_of(consortium: Consortium | int) -> QuerySet[User]:
    """Everybody on the team today, for organizations that are in the consortium."""
    return User.objects.filter(
        team_places__removed_at=None,
        team_places__membership__consortium=consortium,
        team_places__membership__status="consented",
        is_active=True,
    ).distinct()


def people_of(membership: Membership) -> QuerySet[User]:
    """Everybody on the team for one member."""
    return User.objects.filter(
        team_places__removed_at=None, team_places__membership=membership, is_active=True
    ).distinct()


def speakers_of(membership: Membership) -> QuerySet[User]:
    """Who speaks for one member: its administrators and authorized representatives."""
    leading = [TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE]
    return User.objects.filter(
        team_places__removed_at=None,
        team_places__membership=membership,
        team_places__role__in=leading,
        is_active=True,
    ).distinct()


def intake_officers(proposal: Proposal) -> QuerySet[User]:
    """Program officers in office today who neither work for the proposal nor are recused from it."""
    officers = Office.objects.in_force().filter(role=OfficeRole.PROGRAM_OFFICER)
    people = User.objects.filter(pk__in=officers.values("user"))
    people = people.exclude(pk__in=readers_of_working_copy(proposal).order_by().values("pk"))
    return people.exclude(pk__in=proposal.recusals.values("user"))


def tell_both(
    event: AuditEvent, proposal: Proposal, *, team: NoticeKind, officers: NoticeKind, **facts: Any
) -> int:
    """Owe the team and the intake officers each their kind of notice; return how many are owed."""
    on_team = team_of(proposal.consortium_id).values("pk")
    on_intake = intake_officers(proposal).values("pk")
    people = User.objects.annotate(on_team=Q(pk__in=on_team), on_intake=Q(pk__in=on_intake)).filter(
        Q(on_team=True) | Q(on_intake=True)
    )
    return owe_each(
        event,
        Audience(team, [person for person in people if person.on_team], address(proposal)),
        Audience(officers, [person for person in people if person.on_intake], desk_address(proposal)),
        **facts,
    )


def address(proposal: Proposal) -> str:
    """Where the consortium reads about its proposal."""
    return f"/proposals/{proposal.pk}/"


def desk_address(proposal: Proposal) -> str:
    """Where government reads about a submitted proposal."""
    return f"/desk/proposals/{proposal.number}/"


def time_request_address(request: TimeRequest) -> str:
    """Where the Program office answers a request for more time."""
    return f"/desk/more-time/{request.pk}/"


def consortium_address(consortium_id: int) -> str:
    return f"/consortia/{consortium_id}/"


def anchor_offer_address(offer: AnchorOffer) -> str:
    return f"/anchor-offers/{offer.pk}/"


def comment_address(comment: Comment) -> str:
    """Leads on to the place where the comment stands, wherever that is by then."""
    return f"/proposals/{comment.proposal_id}/comments/{comment.pk}/"

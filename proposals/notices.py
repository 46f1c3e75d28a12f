"""What the consortium and the Program office are told; the matter itself stays behind the link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, Q

from program import clock
from program.enums import OfficeRole
from program.models import Office, User
from program.notices import Audience, owe_each
from program.prepared import Given, Prepared
from proposals.enums import TeamRole
from proposals.models import Recusal
from proposals.querysets import readers_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.db.models.functions import TruncDate

    from program.models import AuditEvent
    from program.notice_kinds import NoticeKind
    from proposals.models import AnchorOffer, Comment, Consortium, Membership, Proposal, TimeRequest


def team_of(consortium: Consortium | int | Given) -> QuerySet[User]:
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
    return _intake_officers(proposal.pk, proposal.consortium_id)


def _intake_officers(
    proposal: int | Given, consortium: int | Given, *, on: TruncDate | None = None
) -> QuerySet[User]:
    officers = Office.objects.in_force(on=on).filter(role=OfficeRole.PROGRAM_OFFICER)
    people = User.objects.filter(pk__in=officers.values("user"))
    people = people.exclude(pk__in=readers_of(proposal, consortium).order_by().values("pk"))
    return people.exclude(pk__in=Recusal.objects.filter(proposal=proposal).values("user"))


@Prepared
def team_and_officers() -> QuerySet[User]:
    """Who is ``on_team`` of a proposal's consortium, or on intake: nobody is both."""
    proposal, consortium = (Given(name, BigIntegerField()) for name in ("proposal", "consortium"))
    team = team_of(consortium).values("pk")
    officers = _intake_officers(proposal, consortium, on=clock.today_in_prepared()).values("pk")
    people = User.objects.filter(pk__in=team.union(officers, all=True))
    return people.annotate(on_team=Q(pk__in=team))


def tell_both(
    event: AuditEvent, proposal: Proposal, *, team: NoticeKind, officers: NoticeKind, **facts: Any
) -> int:
    """Owe the team and the intake officers each their kind of notice; return how many are owed."""
    asked = {"proposal": proposal.pk, "consortium": proposal.consortium_id, **clock.given()}
    people = team_and_officers.rows(**asked)
    return owe_each(
        event,
        Audience(team, [person for person in people if person.on_team], address(proposal)),
        Audience(officers, [person for person in people if not person.on_team], desk_address(proposal)),
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

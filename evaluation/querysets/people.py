"""Who in government reads everything, decides, and signs for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q

from program import clock
from program.enums import OfficeRole
from program.models import Delegation, Paper
from proposals.models import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AnonymousUser
    from django.db.models.functions import TruncDate

    from program.models import User

P = TypeVar("P", bound=Paper)
OFFICIALS = (OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR)
COUNSEL_MAY = ("view_proposal", "change_proposal")
SIGN_FOR_AGENCY = (OfficeRole.LEAD, OfficeRole.REVIEWER)
DELEGATED_BY = {
    Delegation.SIGN_POSITION: OfficeRole.LEAD,
    Delegation.SIGN_DETERMINATION: OfficeRole.DECISION_OFFICIAL,
}


def is_official(user: User | AnonymousUser) -> bool:
    """Whether the person works in the Program office, decides or audits."""
    return user.is_authenticated and user.holds(*OFFICIALS)


def closed_people(proposals: Iterable[int]) -> dict[int, set[int]]:
    """Of each proposal the people of the Government to whom it is closed: three statements.

    They are recused from it, on its team, or counsel to it. One whose account was closed may come back.
    """
    keys = list(proposals)
    closed: dict[int, set[int]] = {key: set() for key in keys}
    recusals = apps.get_model("proposals", "Recusal").objects.filter(proposal__in=keys)
    teams = apps.get_model("proposals", "TeamMember").objects.filter(
        removed_at=None, user__offices__isnull=False, membership__consortium__proposals__in=keys
    )
    counsel = apps.get_model("proposals", "ProposalGrant").objects.filter(
        user__offices__isnull=False,
        permission__codename__in=COUNSEL_MAY,
        content_object__in=keys,
    )
    for proposal, person in (
        *recusals.values_list("proposal", "user"),
        *teams.values_list("membership__consortium__proposals", "user"),
        *counsel.values_list("content_object", "user"),
    ):
        if proposal in closed:
            closed[proposal].add(person)
    return closed


def reads_every_consultation(user: User | AnonymousUser) -> bool:
    """Officials, and leads of agencies; a reviewer sees only that of their own agency."""
    return is_official(user) or (user.is_authenticated and user.holds(OfficeRole.LEAD))


def delegations_that_hold(*acts: str, on: TruncDate | None = None) -> models.QuerySet[Delegation]:
    """The delegations of ``acts`` in force today (``on``), of givers who hold the office themselves."""
    offices = apps.get_model("program", "Office").objects.in_force(on=on)
    given = offices.filter(user=OuterRef("given_by"), agency=OuterRef("agency"))
    holds = Q(pk__in=[])
    for act in acts:
        holds |= Q(Exists(given.filter(role=DELEGATED_BY[act])), act=act)
    return Delegation.objects.in_force(on=on).filter(holds)


def delegations_in_force(user: User, act: str) -> models.QuerySet[Delegation]:
    """The delegations by which ``user`` may do ``act`` today, of givers who hold the office themselves."""
    return delegations_that_hold(act, on=clock.today_of(user)).filter(given_to=user.pk)


def delegations_reaching(user: User, act: str, proposal: Proposal) -> models.QuerySet[Delegation]:
    """Those of them that reach ``proposal``: a delegation carries its giver's authority and no more.

    From what its giver is recused, nobody signs for them.
    """
    recused = apps.get_model("proposals", "Recusal").objects.filter(proposal=proposal.pk)
    return delegations_in_force(user, act).filter(~Exists(recused.filter(user=OuterRef("given_by"))))


def reached(user: User, act: str, proposal: str, **of: Any) -> Exists:
    """Of rows, ``proposal`` being the path to theirs: whether a delegation of ``act`` reaches it."""
    recused = apps.get_model("proposals", "Recusal").objects.filter(
        proposal=OuterRef(OuterRef(proposal)), user=OuterRef("given_by")
    )
    return Exists(delegations_in_force(user, act).filter(~Exists(recused), **of))


def signs_for(user: User, proposal: str, agency: str = "") -> Exists:
    """Of rows: whether ``user``, a reviewer there, signs by delegation for the agency at ``agency``, or any.

    It reaches the proposal at ``proposal``; both are paths.
    """
    of_it: dict[str, Any] = {
        "agency__is_evaluating": True,
        "agency__code__in": user.agencies_as(OfficeRole.REVIEWER),
    }
    if agency:
        of_it["agency"] = OuterRef(agency)
    return reached(user, Delegation.SIGN_POSITION, proposal, **of_it)


def decides(user: User | AnonymousUser) -> bool:
    """Whether the person holds the decision or signs for who holds it."""
    if not user.is_authenticated:
        return False
    if user.holds(OfficeRole.DECISION_OFFICIAL):
        return True
    return user.is_government and delegations_in_force(user, Delegation.SIGN_DETERMINATION).exists()


def acts_by_office(user: User | AnonymousUser) -> bool:
    """Whether the person accepts, signs or clears what concerns a proposal, by office or for who holds it."""
    if not user.is_authenticated or not user.is_government:
        return False
    if user.holds(OfficeRole.PROGRAM_OFFICER, OfficeRole.LEAD, OfficeRole.DECISION_OFFICIAL):
        return True
    acts = (Delegation.SIGN_DETERMINATION, Delegation.SIGN_POSITION)
    return any(delegations_in_force(user, act).exists() for act in acts)


def papers_of(kind: type[P], user: User) -> models.QuerySet[P]:
    """PDFs whose proposal ``user`` reads by office; nobody's own proposal is among them."""
    proposals = Proposal.objects.read_by_office(user).order_by()
    rows = kind._default_manager.filter(**{f"{kind.proposal_by}__in": proposals.values("pk")})
    return rows.select_related(kind.proposal_by).defer(*kind.texts)

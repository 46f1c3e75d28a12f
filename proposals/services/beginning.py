"""Acts that join several: begin a consortium with its proposal, name and invite a member, keep owners."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from program import audit, clock
from program.models import Country, Organization, User
from program.revisions import hold
from program.services.organizations import name_organization
from proposals.enums import ProposalStatus
from proposals.models import Membership, Proposal
from proposals.services.consortia import CLAUSE, create_consortium, invite_member
from proposals.services.drafts import create_proposal

if TYPE_CHECKING:
    from program.models import AuditEvent, Call
    from proposals.models import Consortium, Holding, Invitation


SECOND_PRESS: Final = timedelta(minutes=1)


class AlreadyBegun(Exception):
    """The same person has just begun the same: ``proposal`` is that draft."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__(f"{proposal} has just been begun.")
        self.proposal = proposal


@transaction.atomic
def begin_proposal(
    call: Call,
    *,
    by: User,
    title: str = "",
    consortium: Consortium | None = None,
    consortium_name: str = "",
    organization: Organization | None = None,
    role_text: str = "",
) -> Proposal:
    """Begin a draft for ``consortium``, or for a new one that ``organization`` anchors; both or neither.

    Raises AlreadyBegun when the same person pressed the same a moment ago.
    """
    if consortium is not None:
        _hold(consortium)
        _refuse_second_press(call, by, consortium=consortium)
    elif organization is not None:
        _hold(organization)
        anchored = Membership.objects.filter(organization=organization, is_anchor=True)
        same = {"consortium__name": consortium_name, "consortium__in": anchored.values("consortium")}
        _refuse_second_press(call, by, **same)
        consortium = create_consortium(consortium_name, organization, by=by, role_text=role_text)
    else:
        raise PermissionDenied("A new consortium needs an anchor.")
    return create_proposal(call, consortium, by=by, title=title)


def _hold(record: Consortium | Organization) -> None:
    """Let two presses at once come one after another."""
    type(record)._default_manager.select_for_update().get(pk=record.pk)


def _refuse_second_press(call: Call, by: User, **same: Any) -> None:
    drafts = Proposal.objects.filter(call=call, created_by=by, status=ProposalStatus.DRAFT, **same)
    if twin := drafts.filter(created_at__gt=clock.now() - SECOND_PRESS).first():
        raise AlreadyBegun(twin)


@transaction.atomic
def invite_organization(
    consortium: Consortium,
    *,
    by: User,
    legal_name: str,
    incorporated_in: Country,
    headquartered_in: Country,
    role_text: str,
    email: str,
) -> Invitation:
    """Invite an organization by a person of it.

    An organization that is already registered is meant only when that person is its administrator: nobody
    can join a registered organization by being invited in its name.
    """
    if not by.has_perm("proposals.invite_consortium", consortium):
        raise PermissionDenied("Only an administrator of the anchor may invite members.")
    administered = Organization.objects.filter(
        legal_name__iexact=legal_name.strip(),
        affiliations__is_administrator=True,
        affiliations__user__email=email.strip().lower(),
    )
    organization = administered.first() or name_organization(
        legal_name, by=by, incorporated_in=incorporated_in, headquartered_in=headquartered_in
    )
    return invite_member(consortium, organization, by=by, email=email, role_text=role_text)


@transaction.atomic
def update_consortium(
    consortium: Consortium, *, by: User, revision: int, values: Mapping[str, Any]
) -> Consortium:
    """Save name and description of a consortium, read at ``revision``."""
    if not by.has_perm("proposals.change_consortium", consortium):
        raise PermissionDenied("Only an administrator of the anchor may change the consortium.")
    hold(consortium, revision=revision)
    names = [name for name in ("name", "description") if name in values]
    for name in names:
        setattr(consortium, name, values[name])
    consortium.full_clean()
    consortium.revision += 1
    consortium.save(update_fields=[*names, "revision", "updated_at"])
    audit.record(consortium, "consortium.change", by=by, after=names, clause=CLAUSE)
    return consortium


@transaction.atomic
def save_holding(holding: Holding, *, by: User, revision: int | None, values: Mapping[str, Any]) -> Holding:
    """Add or change an owner of an organization; ``revision`` is None for a new one."""
    _require_administrator(holding.organization, by)
    is_new = holding.pk is None
    if not is_new:
        hold(holding, revision=revision)
        holding.revision += 1
    for name in ("holder_name", "holder_country", "share", "owned", "has_control", "is_ultimate"):
        if name in values:
            setattr(holding, name, values[name])
    holding.full_clean()
    holding.save()
    act = "organization.add_owner" if is_new else "organization.change_owner"
    audit.record(holding.organization, act, by=by, after=holding.holder_name, clause=CLAUSE)
    return holding


@transaction.atomic
def remove_holding(holding: Holding, *, by: User, revision: int | None) -> AuditEvent:
    """Remove an owner that was named by mistake or has sold, and who owns it; the record keeps the names."""
    _require_administrator(holding.organization, by)
    hold(holding, revision=revision)
    organization, names = holding.organization, [str(row) for row in with_its_owners(holding)]
    holding.delete()
    return audit.record(
        organization, "organization.remove_owner", by=by, before="; ".join(names), clause=CLAUSE
    )


def with_its_owners(holding: Holding) -> list[Holding]:
    """The owner and those above it in the list of its organization, which leave with it."""
    by_owned: dict[int | None, list[Holding]] = {}
    for row in holding.organization.holdings.all():
        by_owned.setdefault(row.owned_id, []).append(row)
    found = {holding.pk: holding}
    queue = [holding]
    while queue:
        for row in by_owned.get(queue.pop().pk, ()):
            if row.pk not in found:
                found[row.pk] = row
                queue.append(row)
    return list(found.values())


def _require_administrator(organization: Organization, by: User) -> None:
    if not by.has_perm("program.change_organization", organization):
        raise PermissionDenied("Only an administrator of the organization may change its owners.")

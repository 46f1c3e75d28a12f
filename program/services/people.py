"""Who holds which office, who acts for whom, and the machine accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q

from program import audit, clock
from program.clock_account import clock_account
from program.enums import CONFIRMED_OFFICES, OfficeRole
from program.models import Affiliation, Agency, Delegation, Office, Organization, User
from program.publish import after_commit

#: Questions of the apps above: whether a person already works for one side of a proposal.
WORKS_FOR_PROPOSERS: Final[list[Callable[[User], bool]]] = []


def bars_from_office(works: Callable[[User], bool]) -> Callable[[User], bool]:
    """Keep people of whom ``works`` is true from every government office."""
    WORKS_FOR_PROPOSERS.append(works)
    return works


#: What the apps above do when an office has ended, in the same transaction.
ENDED: Final[list[Callable[[Office], object]]] = []


def when_office_ends(follow: Callable[[Office], object]) -> Callable[[Office], object]:
    """Call ``follow`` with each office that has ended, as part of that act."""
    if follow not in ENDED:
        ENDED.append(follow)
    return follow


def holds_office(person: User) -> bool:
    """Whether ``person`` holds an office or will; locks the account, so that no appointment runs beside.

    The other half of ``require_impartial``: whoever comes second is refused.
    """
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    return Office.objects.filter(
        Q(effective_to=None) | Q(effective_to__gt=clock.today()), user=person
    ).exists()


def require_impartial(person: User) -> None:
    """Raise ValidationError when ``person`` works for a consortium: nobody proposes and decides."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    if any(works(person) for works in WORKS_FOR_PROPOSERS):
        raise ValidationError("This person works for a consortium and cannot hold a government office.")


@transaction.atomic
def appoint(
    person: User,
    *,
    agency: Agency,
    role: str,
    by: User,
    basis: str = "",
    effective_from: date | None = None,
    confirmed_by: User | None = None,
) -> Office:
    """Give ``person`` an office; who appoints does not appoint themselves.

    An office whose holder acts for the Government alone is ``confirmed_by`` a second officer, as
    ``confirm_appointment`` does; neither of the two is the person.
    """
    if not by.has_perm("program.appoint_office") or by == person:
        raise PermissionDenied("You may not appoint this person.")
    if role in CONFIRMED_OFFICES and (
        confirmed_by is None
        or confirmed_by in (by, person)
        or not confirmed_by.has_perm("program.appoint_office")
    ):
        raise PermissionDenied("A second program officer confirms an appointment to this office.")
    require_impartial(person)
    office = Office(
        user=person,
        agency=agency,
        role=role,
        appointed_by=by,
        confirmed_by=confirmed_by,
        basis=basis,
        effective_from=effective_from or clock.today(),
    )
    office.full_clean()
    office.save()
    after = {"user": person.email, "agency": agency.code, "role": role}
    after |= {"proposed_by": by.email} if confirmed_by else {}
    audit.record(office, "office.appoint", by=confirmed_by or by, after=after)
    return office


#: By how many people an office is opened: one who proposes and one who confirms
FOUNDERS: Final = 2


@transaction.atomic
def appoint_first_officer(person: User, *, basis: str) -> Office:
    """Open the Program office of a new portal, under the name of the Program's clock.

    Raises PermissionDenied once two people hold that office: from then on one of them proposes and another
    confirms who is appointed.
    """
    desk = Office.objects.in_force().filter(role=OfficeRole.PROGRAM_OFFICER).values_list("user", flat=True)
    if len(set(desk)) >= FOUNDERS:
        raise PermissionDenied(
            "There are two program officers already, who appoint others on the page of offices."
        )
    require_impartial(person)
    machine = clock_account()
    office = Office(
        user=person,
        agency=Agency.objects.get(code="COMMERCE"),
        role=OfficeRole.PROGRAM_OFFICER,
        appointed_by=machine,
        basis=basis,
        effective_from=clock.today(),
    )
    office.full_clean()
    office.save()
    after = {"user": person.email, "agency": "COMMERCE", "role": OfficeRole.PROGRAM_OFFICER}
    audit.record(office, "office.appoint", by=machine, after=after, note=basis)
    return office


@transaction.atomic
def end_office(office: Office, *, by: User, note: str = "") -> Office:
    """End an office as of today; its holder loses the rights with the next request.

    What hangs on the office ends with it: see ``when_office_ends``.
    The last program officer stays: without one nobody could appoint anybody.
    """
    if not by.has_perm("program.appoint_office"):
        raise PermissionDenied("You may not end this office.")
    if office.role == OfficeRole.PROGRAM_OFFICER:
        desk = Office.objects.select_for_update(of=("self",)).in_force().filter(role=office.role)
        desk = desk.order_by("pk")  # two who end each other's offices lock in one order
        if not [other for other in desk if other.user_id != office.user_id and other.user.is_active]:
            raise PermissionDenied(
                "This is the last program officer. Appoint another one first: nobody else can appoint."
            )
    office.effective_to = max(clock.today(), office.effective_from)
    office.save(update_fields=["effective_to", "updated_at"])
    audit.record(office, "office.end", by=by, before=str(office), after=str(office.effective_to), note=note)
    for follow in ENDED:
        follow(office)
    after_commit("program.tasks.close_notices", office.user_id)
    return office


#: Who may be asked to sign in another's stead: the reviewers of the same agency, or any office.
SIGNERS: Final[dict[str, tuple[OfficeRole, ...]]] = {
    Delegation.SIGN_POSITION: (OfficeRole.REVIEWER, OfficeRole.LEAD),
    Delegation.SIGN_DETERMINATION: tuple(role for role in OfficeRole if role != OfficeRole.CLOCK),
}
NOT_A_SIGNER: Final[dict[str, str]] = {
    Delegation.SIGN_POSITION: "Choose a reviewer or lead of your agency: nobody else signs its positions.",
    Delegation.SIGN_DETERMINATION: "Choose somebody who holds a government office.",
}


@transaction.atomic
def delegate(
    *,
    by: User,
    to: User,
    agency: Agency,
    act: str,
    authority: str,
    effective_from: date,
    effective_to: date | None,
) -> Delegation:
    """Record that ``by`` lets ``to`` sign in their stead, from one day to another."""
    needed = {
        Delegation.SIGN_POSITION: OfficeRole.LEAD,
        Delegation.SIGN_DETERMINATION: OfficeRole.DECISION_OFFICIAL,
    }[act]
    if not by.holds(needed, agency=agency.code):
        raise PermissionDenied("Only the holder of the office may delegate its acts.")
    if effective_to is not None and effective_to <= clock.today():
        raise ValidationError("Its last day is over: the delegation would never hold.")
    require_impartial(to)
    roles = SIGNERS[act]
    if not to.holds(*roles, agency=agency.code if act == Delegation.SIGN_POSITION else None):
        raise ValidationError(NOT_A_SIGNER[act])
    delegation = Delegation(
        given_by=by,
        given_to=to,
        agency=agency,
        act=act,
        authority=authority,
        effective_from=effective_from,
        effective_to=effective_to,
    )
    delegation.full_clean()
    delegation.save()
    audit.record(delegation, "delegation.give", by=by, after=str(delegation))
    return delegation


@transaction.atomic
def end_delegation(delegation: Delegation, *, by: User) -> Delegation:
    """End a delegation as of today; what was signed under it stays signed."""
    if delegation.given_by_id != by.pk:
        raise PermissionDenied("Only who gave a delegation ends it.")
    delegation.effective_to = max(clock.today(), delegation.effective_from)
    delegation.save(update_fields=["effective_to", "updated_at"])
    audit.record(
        delegation, "delegation.end", by=by, before=str(delegation), after=str(delegation.effective_to)
    )
    return delegation


@transaction.atomic
def register_organization(organization: Organization, *, by: User) -> Organization:
    """Enter an organization; who enters it becomes its administrator."""
    organization.full_clean()
    organization.save()
    Affiliation.objects.create(user=by, organization=organization, is_administrator=True, added_by=by)
    audit.record(organization, "organization.register", by=by, after=organization.legal_name)
    return organization

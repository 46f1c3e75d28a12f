"""Form a consortium: invite, consent, decline, leave, and keep the team."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from program import audit, clock, moments, notices
from program.canonical import sha256_hex
from program.enums import DeliveryState
from program.models import Affiliation, Organization, User
from program.publish import after_commit
from program.revisions import hold
from program.services.people import holds_office
from program.transitions import Problem, perform, require
from proposals import declaration
from proposals.enums import MembershipStatus, TeamRole
from proposals.invitations import InvitationRefused, find_invitation
from proposals.lifecycle import CONSENT, DECLINE, LEAVE, REMOVE, WITHDRAW_ANCHOR
from proposals.models import (
    Consent,
    Consortium,
    Invitation,
    Membership,
    TeamMember,
)
from proposals.models.consortia import new_nonce
from proposals.notice_kinds import (
    ADDED_TO_TEAM,
    CONSENTED,
    DECLINED,
    INVITED,
    LEFT,
    MEMBER_REMOVED,
    REMOVED,
    ROLE_CHANGED,
)
from proposals.notices import consortium_address, people_of, team_of
from proposals.rules import administers_anchor
from proposals.services.consents import terms_of
from proposals.withholding import close_out_of_sight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program.models import AuditEvent

CLAUSE = "E.O. 14320 s.3(b)"
INVITATION_DAYS = 14


@transaction.atomic
def create_consortium(
    name: str, organization: Organization, *, by: User, role_text: str, description: str = ""
) -> Consortium:
    """Found a consortium with ``organization`` as its anchor, which consents by founding it."""
    require("proposals.add_consortium", by)
    require("program.change_organization", by, organization)
    require_outsider(by)
    consortium = Consortium(name=name, description=description, created_by=by)
    consortium.full_clean()
    consortium.save()
    at = clock.instant()
    anchor = Membership.objects.create(
        consortium=consortium,
        organization=organization,
        is_anchor=True,
        status=MembershipStatus.CONSENTED,
        role_text=role_text,
        consented_role=role_text,
        declaration_version=declaration.VERSION,
        invited_by=by,
        consented_by=by,
        consented_at=at,
    )
    _keep_consent(anchor, by=by)
    TeamMember.objects.create(membership=anchor, user=by, role=TeamRole.ADMINISTRATOR, added_by=by)
    audit.record(
        consortium, "consortium.create", by=by, after={"anchor": organization.legal_name}, clause=CLAUSE
    )
    return consortium


def require_outsider(person: User) -> None:
    """Raise PermissionDenied when ``person`` holds a government office: nobody proposes and decides."""
    if holds_office(person):
        raise PermissionDenied("Who holds a government office cannot be on the team of a consortium.")


@transaction.atomic
def invite_member(
    consortium: Consortium,
    organization: Organization,
    *,
    by: User,
    email: str,
    role_text: str = "",
    role: str = TeamRole.ADMINISTRATOR,
) -> Invitation:
    """Invite an organization; the person at ``email`` gets a link that ends after two weeks."""
    require("proposals.invite_consortium", by, consortium)
    membership = Membership(
        consortium=consortium,
        organization=organization,
        role_text=role_text,
        invited_by=by,
        invited_email=email.strip().lower(),
    )
    membership.full_clean()
    membership.save()
    audit.record(membership, "membership.invite", by=by, after=MembershipStatus.INVITED.value, clause=CLAUSE)
    return _send(membership, email=email, role=role, by=by)


@transaction.atomic
def invite_person(membership: Membership, *, by: User, email: str, role: str) -> Invitation:
    """Invite one more person to a member's team; who does so is an administrator of that member.

    While it has none, an administrator of the anchor may invite one: as administrator, never as its
    authorized representative, and of an organization that is registered only who administers it.
    """
    _require_staffing(membership, by, role=role)
    if not by.has_perm("proposals.staff_membership", membership) and not _may_open(membership, email):
        raise PermissionDenied("Only an administrator of this organization can join first in its name.")
    return _send(membership, email=email, role=role, by=by)


def _require_staffing(membership: Membership, by: User, *, role: str) -> None:
    """Raise PermissionDenied unless ``by`` may put somebody on the member's team in ``role``."""
    if by.has_perm("proposals.staff_membership", membership):
        return
    if role != TeamRole.ADMINISTRATOR or not by.has_perm("proposals.open_membership", membership):
        raise PermissionDenied("Only an administrator of the member may choose its people.")


def _may_open(membership: Membership, email: str) -> bool:
    """Whether the person at ``email`` may be the first of a member's team that the anchor invites."""
    people = membership.organization.affiliations.all()
    address = email.strip().lower()
    return not people.exists() or people.filter(is_administrator=True, user__email=address).exists()


def _send(membership: Membership, *, email: str, role: str, by: User) -> Invitation:
    invitation = Invitation(
        membership=membership,
        email=email.strip().lower(),
        role=role,
        sent_by=by,
        expires_at=clock.now() + timedelta(days=INVITATION_DAYS),
    )
    invitation.full_clean()
    invitation.save()
    event = audit.record(
        membership, "membership.send_invitation", by=by, after={"role": str(role)}, clause=CLAUSE
    )
    if known := User.objects.filter(email=invitation.email, is_active=True).first():
        until = moments.day(invitation.expires_at)
        notices.owe(event, INVITED, [known], url="/tasks/", until=until)
    after_commit("proposals.tasks.mail_invitation", invitation.pk)
    return invitation


@transaction.atomic
def resend_invitation(invitation: Invitation, *, by: User) -> Invitation:
    """Send a new link; the earlier one ends."""
    invitation.refresh_from_db(from_queryset=Invitation.objects.select_for_update())
    _require_staffing(invitation.membership, by, role=invitation.role)
    if invitation.accepted_at or invitation.revoked_at:
        raise InvitationRefused("This invitation has ended.")
    afresh = {
        "nonce": new_nonce(),
        "expires_at": clock.now() + timedelta(days=INVITATION_DAYS),
        "mail_state": DeliveryState.OWED,
        "mail_attempts": 0,
        "mail_claimed_at": None,
        "mail_not_before": None,
        "mailed_at": None,
        "sent_by": by,
    }
    for name, value in afresh.items():
        setattr(invitation, name, value)
    invitation.save(update_fields=[*afresh, "updated_at"])
    audit.record(invitation.membership, "membership.resend_invitation", by=by, clause=CLAUSE)
    after_commit("proposals.tasks.mail_invitation", invitation.pk)
    return invitation


@transaction.atomic
def revoke_invitation(invitation: Invitation, *, by: User) -> Invitation:
    """End a link that was not used yet."""
    invitation.refresh_from_db(from_queryset=Invitation.objects.select_for_update())
    _require_staffing(invitation.membership, by, role=invitation.role)
    if invitation.accepted_at or invitation.revoked_at:
        raise InvitationRefused("This invitation has ended.")
    invitation.revoked_at = clock.instant()
    invitation.save(update_fields=["revoked_at", "updated_at"])
    audit.record(invitation.membership, "membership.revoke_invitation", by=by, clause=CLAUSE)
    return invitation


@transaction.atomic
def accept_invitation(token: str, *, by: User) -> TeamMember:
    """Join the team that the link names; the address must be that of the person who is signed in."""
    invitation = find_invitation(token)
    # The membership first, as everybody who changes a team locks it
    membership = Membership.objects.select_for_update().get(pk=invitation.membership_id)
    Invitation.objects.select_for_update().get(pk=invitation.pk)
    invitation = find_invitation(token)
    if by.email != invitation.email:
        raise InvitationRefused("This link was sent to another address. Sign in with that one.")
    if holds_office(by):
        raise InvitationRefused("Who holds a government office cannot be on the team of a consortium.")
    if not _still_stands(invitation, membership):
        raise InvitationRefused("This link has ended: the member now chooses its people itself.")
    place, _ = TeamMember.objects.get_or_create(
        membership=membership,
        user=by,
        role=invitation.role,
        removed_at=None,
        defaults={"added_by": invitation.sent_by},
    )
    first = not membership.organization.affiliations.exists()
    Affiliation.objects.get_or_create(
        user=by,
        organization=membership.organization,
        defaults={"is_administrator": first, "added_by": invitation.sent_by},
    )
    invitation.accepted_by, invitation.accepted_at = by, clock.instant()
    invitation.save(update_fields=["accepted_by", "accepted_at", "updated_at"])
    audit.record(
        membership, "membership.accept_invitation", by=by, after={"role": invitation.role}, clause=CLAUSE
    )
    return place


def _still_stands(invitation: Invitation, membership: Membership) -> bool:
    """Whether who sent the link could still send it: the member's administrator, or the anchor's before.

    Who was taken off the team brings nobody in by a link that is still out.
    """
    administrators = membership.team.active().filter(role=TeamRole.ADMINISTRATOR)
    if administrators.filter(user=invitation.sent_by_id).exists():
        return True
    return (
        invitation.role == TeamRole.ADMINISTRATOR
        and not administrators.exists()
        and _may_open(membership, invitation.email)
        and administers_anchor.test(invitation.sent_by, membership.consortium)
    )


@transaction.atomic
def consent(membership: Membership, *, by: User, terms_sha256: str | None = None) -> AuditEvent:
    """Accept the member's role, part and declaration, word for word as they stand.

    ``terms_sha256`` is the hash of what the person was shown; raises ValidationError when it has changed.
    """
    event = perform(CONSENT, membership, by=by)
    if terms_sha256 is not None and terms_sha256 != sha256_hex(terms_of(membership)):
        raise ValidationError(
            "Your role, your part or the declaration has changed since it was shown to you. Read it again."
        )
    membership.consented_by = by
    membership.consented_role = membership.role_text
    membership.declaration_version = declaration.VERSION
    membership.is_part_accepted = True
    membership.part_changed_at = membership.consent_asked_at = None
    membership.revision += 1
    accepted = ["consented_by", "consented_role", "declaration_version", "is_part_accepted"]
    accepted += ["part_changed_at", "consent_asked_at"]
    membership.save(update_fields=[*accepted, "revision", "updated_at"])
    _keep_consent(membership, by=by)
    team = team_of(membership.consortium_id)
    name = membership.organization.legal_name
    notices.owe(event, CONSENTED, team, url=consortium_address(membership.consortium_id), organization=name)
    return event


def _keep_consent(membership: Membership, *, by: User) -> Consent:
    terms = terms_of(membership)
    return Consent.objects.create(
        membership=membership, terms=terms, sha256=sha256_hex(terms), given_by=by, given_at=clock.instant()
    )


@transaction.atomic
def decline_membership(membership: Membership, *, by: User, note: str = "") -> AuditEvent:
    """Do not join."""
    event = perform(DECLINE, membership, by=by, note=note)
    team = team_of(membership.consortium_id)
    notices.owe(event, DECLINED, team, url=consortium_address(membership.consortium_id))
    return event


@transaction.atomic
def leave_consortium(membership: Membership, *, by: User, note: str = "") -> AuditEvent:
    """Leave; the member's people lose their access with this act. The anchor cannot leave."""
    event = perform(LEAVE, membership, by=by, note=note)
    for person in people_of(membership):
        close_out_of_sight(person)
    team = team_of(membership.consortium_id)
    notices.owe(event, LEFT, team, url=consortium_address(membership.consortium_id))
    return event


@transaction.atomic
def remove_member(membership: Membership, *, by: User, note: str = "") -> AuditEvent:
    """Take a member out, who leads the consortium: one that has consented only with a reason.

    Its people are told and lose their access with this act; its links end. What names it in the working copy
    stays there and is shown as missing a supplier. Versions that were submitted keep it.
    """

    def says_why(held: Membership) -> Iterator[Problem]:
        """Who took part by consent is told why it no longer does."""
        if held.status == MembershipStatus.CONSENTED and not note.strip():
            message = f"Say why {held.organization} is taken out: it has consented, and is told the reason."
            yield Problem("removal-reason", message, CLAUSE, "", "note")

    people = list(people_of(membership))
    invited = membership.invitations.filter(accepted_at=None, revoked_at=None)
    people += list(User.objects.filter(email__in=invited.values("email"), is_active=True))
    event = perform(replace(REMOVE, checks=(says_why,)), membership, by=by, note=note)
    invited.update(revoked_at=event.at, updated_at=event.at)
    for offer in membership.anchor_offers.open():
        perform(WITHDRAW_ANCHOR, offer, by=by)
    consortium = membership.consortium
    notices.owe_each(
        event,
        notices.Audience(REMOVED, people, "/tasks/"),
        notices.Audience(MEMBER_REMOVED, list(team_of(consortium)), consortium_address(consortium.pk)),
        organization=membership.organization.legal_name,
        consortium=consortium.name,
        reason=f"The reason given: {note.strip()}" if note.strip() else "No reason is given.",
    )
    return event


@transaction.atomic
def change_role(membership: Membership, *, by: User, role_text: str, revision: int | None) -> AuditEvent:
    """Change what a member contributes; its consent is asked again."""
    hold(membership, revision=revision)
    require("proposals.change_membership", by, membership)
    membership.role_text = role_text
    membership.full_clean(validate_constraints=False)
    membership.revision += 1
    if membership.status == MembershipStatus.CONSENTED and not membership.is_consent_current:
        membership.consent_asked_at = clock.instant()
    membership.save(update_fields=["role_text", "consent_asked_at", "revision", "updated_at"])
    event = audit.record(membership, "membership.change_role", by=by, clause=CLAUSE)
    if not membership.is_consent_current:
        url = consortium_address(membership.consortium_id)
        notices.owe(event, ROLE_CHANGED, people_of(membership), url=url)
    return event


@transaction.atomic
def add_team_member(membership: Membership, user: User, *, by: User, role: str) -> TeamMember:
    """Put a person of the member organization on the team."""
    require("proposals.staff_membership", by, membership)
    if not membership.organization.affiliations.filter(user=user).exists():
        raise PermissionDenied("Only people of the organization can be on its team; invite them by e-mail.")
    require_outsider(user)
    place = TeamMember(membership=membership, user=user, role=role, added_by=by)
    place.full_clean()
    place.save()
    event = audit.record(
        membership,
        "membership.add_team_member",
        by=by,
        after={"user": user.email, "role": str(role)},
        clause=CLAUSE,
    )
    url = consortium_address(membership.consortium_id)
    notices.owe(event, ADDED_TO_TEAM, [user], url=url, role=place.get_role_display().lower())
    return place


@transaction.atomic
def remove_team_member(place: TeamMember, *, by: User, note: str = "") -> TeamMember:
    """Take a person off the team; the last administrator of the anchor stays."""
    place.refresh_from_db(from_queryset=TeamMember.objects.select_for_update())
    membership = Membership.objects.select_for_update().get(pk=place.membership_id)
    require("proposals.staff_membership", by, membership)
    if place.removed_at:
        return place
    others = membership.team.active().filter(role=TeamRole.ADMINISTRATOR).exclude(pk=place.pk)
    if membership.is_anchor and place.role == TeamRole.ADMINISTRATOR and not others.exists():
        raise PermissionDenied("The anchor keeps at least one administrator.")
    place.removed_at, place.removed_by = clock.instant(), by
    place.save(update_fields=["removed_at", "removed_by", "updated_at"])
    _end_links_of(place, by=by)
    close_out_of_sight(place.user)
    audit.record(
        membership,
        "membership.remove_team_member",
        by=by,
        before={"user": place.user.email, "role": place.role},
        note=note,
        clause=CLAUSE,
    )
    return place


def _end_links_of(place: TeamMember, *, by: User) -> None:
    """Take back the open invitations of who was taken off the team, where they could not be sent any more."""
    sent = Invitation.objects.select_for_update(of=("self",)).filter(
        sent_by=place.user_id,
        membership__consortium=place.membership.consortium_id,
        accepted_at=None,
        revoked_at=None,
    )
    for invitation in sent.select_related("membership"):
        if not _still_stands(invitation, invitation.membership):
            invitation.revoked_at = clock.instant()
            invitation.save(update_fields=["revoked_at", "updated_at"])
            note = f"{place.user} was taken off the team."
            audit.record(
                invitation.membership, "membership.revoke_invitation", by=by, note=note, clause=CLAUSE
            )

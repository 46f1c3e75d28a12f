from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError

from program import clock
from program.models import Affiliation, AuditEvent, Notice
from program.transitions import WrongStatus
from proposals import services
from proposals.enums import MembershipStatus, TeamRole
from proposals.mail import mail_invitation, owed_invitations
from proposals.models import Consent, Consortium, Membership, Proposal, TeamMember
from proposals.services import InvitationRefused
from tests.factories.program import OrganizationFactory, UserFactory, officer
from tests.factories.proposals import ConsortiumFactory, ProposalFactory, TeamMemberFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def consortium():
    return ConsortiumFactory()


@pytest.fixture
def invitation(consortium):
    return services.invite_member(
        consortium, OrganizationFactory(), by=consortium.created_by, email="New@Firm.example",
        role_text="Supplies data.",
    )  # fmt: skip


@pytest.fixture
def guest(invitation):
    """The invited person, on the team, before the organization consented."""
    person = UserFactory(email=invitation.email)
    services.accept_invitation(services.token_of(invitation), by=person)
    return person


def test_founder_anchors_and_administers():
    organization, person = OrganizationFactory(), UserFactory()
    with pytest.raises(PermissionDenied):
        services.create_consortium("Stack", organization, by=person, role_text="Leads.")
    Affiliation.objects.create(user=person, organization=organization, is_administrator=True)
    consortium = services.create_consortium("Stack", organization, by=person, role_text="Leads.")
    anchor = consortium.anchor
    assert (anchor.organization, anchor.status) == (organization, MembershipStatus.CONSENTED)
    assert anchor.is_consent_current and Consent.objects.get().membership == anchor
    assert anchor.team.get().role == TeamRole.ADMINISTRATOR


def test_government_founds_no_consortium():
    organization, person = OrganizationFactory(), officer()
    Affiliation.objects.create(user=person, organization=organization, is_administrator=True)
    with pytest.raises(PermissionDenied):
        services.create_consortium("Stack", organization, by=person, role_text="Leads.")


def test_invitation_is_mailed_once_and_its_token_is_stored_nowhere(invitation):
    assert owed_invitations() == [invitation.pk]
    assert (mail_invitation(invitation.pk), mail_invitation(invitation.pk)) == (True, False)
    (message,) = mail.outbox
    token = services.token_of(invitation)
    assert message.to == ["new@firm.example"] and f"/invitations/{token}/" in message.body
    assert token not in str(list(AuditEvent.objects.values())) + str(list(Notice.objects.values()))


def test_opening_the_link_changes_nothing(invitation):
    before = list(Membership.objects.values())
    assert services.find_invitation(services.token_of(invitation)) == invitation
    assert list(Membership.objects.values()) == before and TeamMember.objects.count() == 2


def test_link_works_once_and_only_for_its_address(invitation):
    token = services.token_of(invitation)
    with pytest.raises(InvitationRefused):
        services.accept_invitation(token, by=UserFactory())
    person = UserFactory(email=invitation.email)
    place = services.accept_invitation(token, by=person)
    assert (place.membership, place.role) == (invitation.membership, TeamRole.ADMINISTRATOR)
    assert Affiliation.objects.get(user=person).is_administrator
    with pytest.raises(InvitationRefused):
        services.accept_invitation(token, by=person)


@pytest.mark.parametrize("ended", ["expired", "revoked", "resent", "forged"])
def test_ended_link_opens_nothing(invitation, consortium, ended):
    token, by = services.token_of(invitation), consortium.created_by
    person, at = UserFactory(email=invitation.email), clock.now()
    if ended == "expired":
        at += timedelta(days=15)
    elif ended == "revoked":
        services.revoke_invitation(invitation, by=by)
    elif ended == "resent":
        services.resend_invitation(invitation, by=by)
    else:
        token = token[:-1] + ("A" if token[-1] != "A" else "B")
    with clock.moved_to(at), pytest.raises(InvitationRefused):
        services.accept_invitation(token, by=person)


def test_access_begins_with_consent(consortium, invitation, guest):
    proposal = ProposalFactory(consortium=consortium)
    assert Consortium.objects.visible_to(guest).contains(consortium)
    assert not Proposal.objects.visible_to(guest).exists()
    services.consent(invitation.membership, by=guest, role_text="Supplies data.")
    assert Proposal.objects.visible_to(guest).contains(proposal)
    assert Notice.objects.filter(kind="proposals.consented", recipient=consortium.created_by).exists()


def test_consent_is_to_the_words_that_were_shown(invitation, guest):
    with pytest.raises(ValidationError):
        services.consent(invitation.membership, by=guest, role_text="Something else.")
    assert Membership.objects.get(pk=invitation.membership_id).status == MembershipStatus.INVITED


def test_changed_role_asks_for_consent_again(consortium, invitation, guest):
    membership = invitation.membership
    services.consent(membership, by=guest)
    services.change_role(
        membership, by=consortium.created_by, role_text="Supplies models.", revision=membership.revision
    )
    assert not membership.is_consent_current
    assert Notice.objects.filter(kind="proposals.role_changed", recipient=guest).exists()
    services.consent(membership, by=guest)
    assert membership.is_consent_current
    assert [("models" in row.terms, row.given_by) for row in Consent.objects.all()] == [
        (False, guest), (True, guest),
    ]  # fmt: skip


def test_who_declines_or_leaves_is_out_at_once(consortium, invitation, guest):
    ProposalFactory(consortium=consortium)
    services.consent(invitation.membership, by=guest)
    with pytest.raises(PermissionDenied):
        services.decline_membership(invitation.membership, by=guest)
    services.leave_consortium(invitation.membership, by=guest)
    assert not Proposal.objects.visible_to(guest).exists()
    assert not Consortium.objects.visible_to(guest).exists()
    with pytest.raises((PermissionDenied, WrongStatus)):
        services.consent(invitation.membership, by=guest)


def test_declined_organization_may_be_invited_again(consortium, invitation, guest):
    with pytest.raises(ValidationError):
        services.invite_member(
            consortium, invitation.membership.organization, by=consortium.created_by, email="a@b.example"
        )
    services.decline_membership(invitation.membership, by=guest)
    again = services.invite_member(
        consortium, invitation.membership.organization, by=consortium.created_by, email="a@b.example"
    )
    assert again.membership != invitation.membership


def test_anchor_cannot_leave_and_keeps_an_administrator(consortium):
    by, anchor = consortium.created_by, consortium.anchor
    with pytest.raises(PermissionDenied):
        services.leave_consortium(anchor, by=by)
    last = anchor.team.get(role=TeamRole.ADMINISTRATOR)
    with pytest.raises(PermissionDenied):
        services.remove_team_member(last, by=by)
    TeamMemberFactory(membership=anchor, role=TeamRole.ADMINISTRATOR)
    services.remove_team_member(last, by=by)
    assert last.removed_at is not None


def test_only_administrators_keep_the_team(consortium):
    contributor = TeamMemberFactory(membership=consortium.anchor).user
    colleague = UserFactory()
    Affiliation.objects.create(user=colleague, organization=consortium.anchor.organization)
    with pytest.raises(PermissionDenied):
        services.add_team_member(consortium.anchor, colleague, by=contributor, role=TeamRole.CONTRIBUTOR)
    services.add_team_member(
        consortium.anchor, colleague, by=consortium.created_by, role=TeamRole.AUTHORIZED_REPRESENTATIVE
    )
    with pytest.raises(PermissionDenied):
        services.add_team_member(
            consortium.anchor, UserFactory(), by=consortium.created_by, role=TeamRole.CONTRIBUTOR
        )
    with pytest.raises(PermissionDenied):
        services.invite_member(consortium, OrganizationFactory(), by=contributor, email="a@b.example")


def test_organization_may_be_in_many_consortia():
    organization = OrganizationFactory()
    for consortium in (ConsortiumFactory(), ConsortiumFactory()):
        services.invite_member(consortium, organization, by=consortium.created_by, email="a@b.example")
    assert organization.memberships.count() == 2

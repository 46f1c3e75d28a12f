"""The pages of a consortium: members, team, counsel and owners, and who keeps them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from program.models import Affiliation, AuditEvent
from proposals import services
from proposals.composition import compose
from proposals.enums import MembershipStatus
from proposals.models import Holding, Membership, Proposal, TeamMember
from tests.factories.program import OrganizationFactory, UserFactory
from tests.proposals import pages
from tests.proposals.pages import address, sign_in

pytestmark = pytest.mark.django_db

proposal = pages.proposal
member = pages.member
contributor = pages.contributor


def test_member_is_invited_accepts_by_post_and_consents(client, proposal, member, places):
    sign_in(client, member)
    data = {
        "legal_name": "Partner LLC",
        "incorporated_in": "KE",
        "headquartered_in": "KE",
        "role_text": "Labels data.",
        "email": "p@partner.example",
    }
    assert client.post(reverse("proposals:invite", args=[proposal.consortium_id]), data).status_code == 302
    membership = Membership.objects.get(organization__legal_name="Partner LLC")
    token = services.token_of(membership.invitations.get())
    url = reverse("proposals:invitation", args=[token])
    person = UserFactory(email="p@partner.example")
    sign_in(client, person)
    assert client.get(url).status_code == 200
    assert not TeamMember.objects.filter(user=person).exists()
    assert client.get(address("detail", proposal)).status_code == 404
    assert client.post(url).url == reverse("proposals:consent", args=[membership.pk])
    page = client.get(reverse("proposals:consent", args=[membership.pk]))
    assert "Labels data." in page.content.decode() and "An authorized representative consents" in page.text
    shown = page.context["form"].initial["terms_sha256"]
    yes = {"terms_sha256": shown, "accepts_role": "on", "accepts_declaration": "on"}
    assert client.post(page.request["PATH_INFO"], yes).status_code == 403
    role = {"user": person.pk, "role": "authorized_representative", "next": "consent"}
    chosen = client.post(reverse("proposals:team-add", args=[membership.pk]), role)
    assert chosen.url == page.request["PATH_INFO"]
    for other in ("0" * 64, ""):
        assert client.post(page.request["PATH_INFO"], {**yes, "terms_sha256": other}).status_code == 200
    assert client.post(page.request["PATH_INFO"], yes).status_code == 302
    membership.refresh_from_db()
    assert (membership.status, membership.consented_by) == (MembershipStatus.CONSENTED, person)
    assert client.get(address("detail", proposal)).status_code == 200
    assert client.get(url).url == address("member", membership)


def test_registered_organization_cannot_be_joined_by_being_invited_in_its_name(
    client, proposal, member, places
):
    target = OrganizationFactory(legal_name="Famous Corp")
    Affiliation.objects.create(
        user=UserFactory(email="boss@famous.example"), organization=target, is_administrator=True
    )
    sign_in(client, member)
    data = {"legal_name": "Famous Corp", "incorporated_in": "US", "headquartered_in": "US", "role_text": "R"}
    url = reverse("proposals:invite", args=[proposal.consortium_id])
    client.post(url, {**data, "email": "impostor@evil.example"})
    assert not target.memberships.exists()
    client.post(url, {**data, "email": "boss@famous.example"})
    assert target.memberships.count() == 1


def test_team_invitations_and_roles_are_kept_by_administrators(client, proposal, member, contributor):
    anchor = proposal.consortium.anchor
    posts = [
        ("person-invite", {"email": "x@firm.example", "role": "contributor"}),
        ("team-add", {"user": contributor.pk, "role": "administrator"}),
        ("member-role", {"role_text": "Leads more.", "revision": "1"}),
    ]
    sign_in(client, contributor)
    for name, data in posts:
        assert client.post(reverse(f"proposals:{name}", args=[anchor.pk]), data).status_code == 403
    sign_in(client, member)
    for name, data in posts:
        assert client.post(reverse(f"proposals:{name}", args=[anchor.pk]), data).status_code == 302
    invitation = anchor.invitations.get()
    client.post(reverse("proposals:invitation-resend", args=[invitation.pk]))
    client.post(reverse("proposals:invitation-revoke", args=[invitation.pk]))
    invitation.refresh_from_db()
    anchor.refresh_from_db()
    assert (invitation.revoked_at is None, anchor.role_text, anchor.is_consent_current) == (
        False,
        "Leads more.",
        False,
    )
    stale = client.post(
        reverse("proposals:member-role", args=[anchor.pk]), {"role_text": "Else", "revision": "1"}
    )
    assert stale.status_code == 409
    place = contributor.team_places.get(role="administrator")
    assert client.get(reverse("proposals:team-remove", args=[place.pk])).status_code == 200
    client.post(reverse("proposals:team-remove", args=[place.pk]))
    place.refresh_from_db()
    assert place.removed_at is not None


def test_refused_removal_of_the_last_administrator_is_on_the_record(client, proposal, member):
    sign_in(client, member)
    place = member.team_places.get(role="administrator")
    client.post(reverse("proposals:team-remove", args=[place.pk]))
    place.refresh_from_db()
    assert place.removed_at is None
    (event,) = AuditEvent.objects.of(member).filter(act="user.refused")
    assert "The anchor keeps at least one administrator." in event.body


def test_counsel_is_given_access_and_loses_it(client, proposal, member):
    person = UserFactory()
    sign_in(client, member)
    url = address("access", proposal)
    assert client.post(url, {"email": person.email, "right": "proposals.change_proposal"}).status_code == 302
    assert Proposal.objects.visible_to(person).contains(proposal)
    assert (
        "Nobody with this address"
        in client.post(url, {"email": "no@body.example", "right": "proposals.view_proposal"}).content.decode()
    )
    assert client.post(address("access-revoke", proposal, person.pk)).status_code == 302
    assert not Proposal.objects.visible_to(person).contains(proposal)


def test_owners_are_kept_by_administrators_of_the_organization(client, proposal, member, contributor):
    organization = proposal.consortium.anchor.organization
    Affiliation.objects.filter(user=member, organization=organization).update(is_administrator=True)
    url = reverse("proposals:owners", args=[organization.pk])
    sign_in(client, contributor)
    assert client.get(url).status_code == 200
    assert client.post(url, {"holder_name": "X"}).status_code == 403
    sign_in(client, member)
    assert (
        client.post(url, {"holder_name": "Fund", "holder_country": "KE", "percent": "12.5"}).status_code
        == 302
    )
    holding = organization.holdings.get(holder_name="Fund")
    one = reverse("proposals:owner", args=[organization.pk, holding.pk])
    assert client.post(one, {"holder_name": "Fund II", "percent": "101", "revision": "1"}).status_code == 200
    assert (
        client.post(one, {"holder_name": "Fund II", "percent": "49.99", "revision": "1"}).status_code == 302
    )
    holding.refresh_from_db()
    assert (holding.holder_name, str(holding.share)) == ("Fund II", "0.499900")
    assert client.post(one, {"holder_name": "Late", "revision": "1"}).status_code == 409
    assert client.post(one, {"remove": "1", "revision": "2"}).status_code == 302
    assert not organization.holdings.filter(pk=holding.pk).exists()


def test_an_owner_of_an_owner_is_stated_in_the_list_and_leaves_with_it(client, proposal, member):
    """Another list's owner is no choice; the package says the chain, and the record who left."""
    organization, elsewhere = proposal.consortium.anchor.organization, OrganizationFactory()
    Affiliation.objects.filter(user=member, organization=organization).update(is_administrator=True)
    other = Holding.objects.create(organization=elsewhere, holder_name="Elsewhere")
    url = reverse("proposals:owners", args=[organization.pk])
    sign_in(client, member)
    client.post(url, {"holder_name": "Hub", "percent": "60"})
    hub = organization.holdings.get(holder_name="Hub")
    refused = client.post(url, {"holder_name": "Fund", "percent": "50", "owned": other.pk})
    assert client.post(url, {"holder_name": "Fund", "percent": "50", "owned": hub.pk}).status_code == 302
    fund = organization.holdings.get(holder_name="Fund")
    one = reverse("proposals:owner", args=[organization.pk, hub.pk])

    facts = compose(proposal).anchor.organization
    page = client.get(one)
    assert (refused.status_code, "owned" in refused.context["form"].errors) == (200, True)
    assert [(row.name, facts.owned_by(row)) for row in facts.holders][-2:] == [
        ("Hub", organization.legal_name),
        ("Fund", "Hub"),
    ]
    assert [row.pk for row in page.context["leaving"]] == [fund.pk]
    assert client.post(one, {"remove": "1", "revision": "1"}).status_code == 302
    assert not organization.holdings.filter(pk__in=[hub.pk, fund.pk]).exists()
    event = AuditEvent.objects.filter(act="organization.remove_owner").last()
    assert event.said["before"] == "Hub; Fund"

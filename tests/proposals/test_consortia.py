from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from smtplib import SMTPRecipientsRefused
from unittest.mock import Mock

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.urls import reverse

from program import clock
from program.canonical import sha256_hex
from program.enums import OfficeRole, StackLayer
from program.models import Affiliation, AuditEvent, Notice, Suppression
from program.services.clockwork import clock_account
from program.services.people import appoint
from program.transitions import NotReady, WrongStatus
from proposals import declaration, services
from proposals.checks import all_problems
from proposals.composition import compose
from proposals.enums import MembershipStatus, TeamRole
from proposals.mail import MOST_ATTEMPTS, mail_invitation, owed_invitations
from proposals.models import (
    Component,
    Consent,
    Consortium,
    Invitation,
    Membership,
    OperatingRole,
    Proposal,
    Provision,
    Site,
    TeamMember,
)
from proposals.schedule import ask_consents
from proposals.services import InvitationRefused, find_invitation
from proposals.services.consents import renew_consents, shares_in
from proposals.tasks import sweep_invitations
from tests.beside import act_while
from tests.factories.program import AgencyFactory, OrganizationFactory, UserFactory, officer
from tests.factories.proposals import ConsortiumFactory, ProposalFactory, TeamMemberFactory, issued_call
from tests.proposals.test_imports import signed_in

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
    place = services.accept_invitation(services.token_of(invitation), by=person)
    services.add_team_member(place.membership, person, by=person, role=TeamRole.AUTHORIZED_REPRESENTATIVE)
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
    (token,) = re.findall(r"/invitations/([^/\s]+)/", message.body)
    lead = invitation.membership.consortium.anchor.organization.legal_name
    for text in (message.body, message.alternatives[0].content):
        assert f"{invitation.sent_by.name} of {lead} invites you" in text
        assert f"“{invitation.membership.consortium.name}”" in text
    assert message.to == ["new@firm.example"] and find_invitation(token) == invitation
    assert token not in str(list(AuditEvent.objects.values())) + str(list(Notice.objects.values()))


def test_opening_the_link_changes_nothing(invitation):
    before = list(Membership.objects.values())
    assert services.find_invitation(services.token_of(invitation)) == invitation
    assert list(Membership.objects.values()) == before and TeamMember.objects.count() == 2


def test_used_link_leads_its_owner_to_the_membership_and_tells_nobody_else(client, invitation, guest):
    address = reverse("proposals:invitation", args=[services.token_of(invitation)])
    signed_in(client, guest)
    assert client.get(address).url == reverse("proposals:member", args=[invitation.membership_id])
    client.force_login(UserFactory())
    assert client.get(address).status_code == 410


def test_link_tells_nothing_to_another_address(client, invitation):
    address, other = reverse("proposals:invitation", args=[services.token_of(invitation)]), UserFactory()
    member = invitation.membership
    secrets = [member.consortium.name, str(member.organization), member.role_text, str(invitation.sent_by)]
    told = {}
    for person in (other, UserFactory(email=invitation.email)):
        signed_in(client, person)
        page = client.get(address).text
        told[person] = [words in page for words in secrets]
    assert list(told.values()) == [[False] * 4, [True] * 4]
    signed_in(client, other)
    assert "sent to another address" in client.get(address).text
    assert client.post(address).status_code == 410


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


@pytest.mark.parametrize("status", [MembershipStatus.DECLINED, MembershipStatus.LEFT])
def test_link_of_an_organization_that_is_out_opens_nothing(invitation, status):
    Membership.objects.filter(pk=invitation.membership_id).update(status=status)
    with pytest.raises(InvitationRefused):
        services.accept_invitation(services.token_of(invitation), by=UserFactory(email=invitation.email))
    assert not TeamMember.objects.filter(membership=invitation.membership).exists()


def test_link_that_a_mail_scanner_opens_does_nothing(client, invitation):
    """It follows the link signed in or not, with GET and HEAD, as often as it likes."""
    url = reverse("proposals:invitation", args=[services.token_of(invitation)])
    person = UserFactory(email=invitation.email)
    told = AuditEvent.objects.filter(act__startswith="membership.")
    before = (Invitation.objects.values().get(), TeamMember.objects.count(), told.count())
    for ask in (client.get, client.head):
        assert ask(url).status_code == 302
    client.force_login(person)
    for ask in (client.get, client.head, client.options):
        ask(url)
    assert client.get(url).status_code == 200
    assert (Invitation.objects.values().get(), TeamMember.objects.count(), told.count()) == before
    client.post(url)
    assert TeamMember.objects.filter(user=person, membership=invitation.membership).exists()
    assert client.post(url).url == reverse("proposals:member", args=[invitation.membership_id])


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
    services.consent(invitation.membership, by=guest)
    assert Proposal.objects.visible_to(guest).contains(proposal)
    assert Notice.objects.filter(kind="proposals.consented", recipient=consortium.created_by).exists()


def test_nobody_consents_for_an_organization_but_who_speaks_for_it(consortium, invitation, guest):
    """Not the anchor that invites, not its administrator, not a contributor, not a stranger."""
    contributor, administrator = (
        TeamMemberFactory(membership=invitation.membership, role=role).user
        for role in (TeamRole.CONTRIBUTOR, TeamRole.ADMINISTRATOR)
    )
    for person in (consortium.created_by, contributor, administrator, UserFactory()):
        with pytest.raises(PermissionDenied):
            services.consent(invitation.membership, by=person)
    assert not Consent.objects.filter(membership=invitation.membership).exists()


def test_consent_is_to_the_words_that_were_shown(invitation, guest):
    with pytest.raises(ValidationError):
        services.consent(invitation.membership, by=guest, terms_sha256="0" * 64)
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


@pytest.fixture
def partner(consortium, invitation, guest):
    """A member that has consented, and supplies nothing yet."""
    services.consent(invitation.membership, by=guest)
    return Membership.objects.get(pk=invitation.membership_id)


@pytest.fixture
def proposal(consortium, partner):
    return ProposalFactory(consortium=consortium)


def supplies(proposal, member, by):
    return services.add_row(
        Provision(proposal=proposal, layer="data"),
        by=by,
        values={"membership": member, "description": "Ten."},
    )


def is_component_of(proposal, member, by):
    return services.add_row(
        Component(proposal=proposal, layer="data"), by=by, values={"supplier": member, "name": "Labels"}
    )


def operates(proposal, member, by):
    site = Site.objects.create(proposal=proposal, name="Nairobi data center")
    return services.add_row(OperatingRole(site=site, act="operate"), by=by, values={"membership": member})


def consent_again(member, guest):
    member.refresh_from_db()
    services.consent(member, by=guest)
    return Membership.objects.get(pk=member.pk).is_consent_current


CHANGES = {
    "a layer is described otherwise": (supplies, lambda row, other: {"description": "Twenty."}),
    "a layer goes to another member": (supplies, lambda row, other: {"membership": other}),
    "its component goes to another member": (is_component_of, lambda row, other: {"supplier": other}),
    "a site is operated by another": (operates, lambda row, other: {"membership": other}),
}


@pytest.mark.parametrize("give", [supplies, is_component_of, operates])
def test_what_is_given_to_a_member_asks_for_its_consent(give, consortium, proposal, partner, guest):
    by = consortium.created_by
    row = give(proposal, partner, by)
    assert not Membership.objects.get(pk=partner.pk).is_consent_current
    member = next(m for m in compose(proposal).consortium.members if m.key == f"member-{partner.pk}")
    assert not member.consent.is_current
    assert consent_again(partner, guest)
    (part,) = json.loads(Consent.objects.last().terms)["part"]
    assert part["proposal"] == proposal.pk and (part["layers"] or part["sites"])
    services.remove_row(row, by=by, revision=row.revision)
    assert not Membership.objects.get(pk=partner.pk).is_consent_current


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_members_part_asks_again(change, consortium, proposal, partner, guest):
    give, values = CHANGES[change]
    row = give(proposal, partner, consortium.created_by)
    assert consent_again(partner, guest)
    other = consortium.anchor
    services.save_row(row, by=consortium.created_by, values=values(row, other), revision=row.revision)
    assert not Membership.objects.get(pk=partner.pk).is_consent_current
    assert Membership.objects.get(pk=other.pk).is_consent_current  # its representative certifies it


def test_what_leaves_the_part_as_it_is_asks_nobody(consortium, proposal, partner, guest):
    by = consortium.created_by
    supplies(proposal, partner, by)
    component = is_component_of(proposal, partner, by)
    assert consent_again(partner, guest)
    told = Notice.objects.count()
    services.save_row(
        component, by=by, values={"description": "A typo, mended."}, revision=component.revision
    )
    services.save_row(proposal, by=by, values={"title": "Another title"}, revision=proposal.revision)
    assert Membership.objects.get(pk=partner.pk).is_consent_current and Notice.objects.count() == told


class TestAskingAgain:
    """Consent covers lines with their numbers; nobody is asked at each keystroke, and each once."""

    @pytest.fixture
    def line(self, consortium, proposal, partner, guest):
        row = services.add_row(
            Component(proposal=proposal, layer="hardware"),
            by=consortium.created_by,
            values={"supplier": partner, "name": "Racks", "quantity": 10, "total_value_usd": Decimal(1000)},
        )
        assert consent_again(partner, guest)
        return Component.objects.get(pk=row.pk)

    def change(self, row, by, **values):
        services.save_row(row, by=by, values=values, revision=row.revision)

    @pytest.mark.parametrize(
        "values", [{"quantity": 20}, {"total_value_usd": Decimal(2000)}, {"us_content_value_usd": Decimal(9)}]
    )
    def test_number_of_a_line_renews_and_asks_once_when_the_anchor_says_so(
        self, client, consortium, proposal, partner, guest, line, values
    ):
        by = consortium.created_by
        for _ in range(2):
            self.change(line, by, **values)
        partner.refresh_from_db()
        assert not partner.is_consent_current
        assert not Notice.objects.filter(kind="proposals.part_changed").exists()
        signed_in(client, by)
        address = reverse("proposals:member-ask", args=[partner.pk])
        assert address in client.get(reverse("proposals:member", args=[partner.pk])).text
        for _ in range(2):
            client.post(address, {})
        told = Notice.objects.get(kind="proposals.part_changed")
        assert told.recipient == guest and str(partner.organization) in told.text
        assert told.url == reverse("proposals:consent", args=[partner.pk])
        assert consent_again(partner, guest)

    def test_table_of_lines_renews_what_the_layer_already_named(self, consortium, proposal, partner, line):
        lines = [
            Component(proposal=proposal, layer="hardware", supplier=partner, name=f"Server {n}", quantity=1)
            for n in range(200)
        ]
        before = shares_in(proposal)
        Component.objects.bulk_create(lines)
        renew_consents(before ^ shares_in(proposal), by=consortium.created_by)
        assert not Membership.objects.get(pk=partner.pk).is_consent_current

    def test_clock_asks_after_a_day_and_once(self, consortium, partner, guest, line):
        self.change(line, consortium.created_by, quantity=20)
        now = clock.instant()
        asked = Notice.objects.filter(kind="proposals.part_changed", recipient=guest)
        for hours, told in ((23, 0), (25, 1), (26, 1), (60, 1)):
            with clock.moved_to(now + timedelta(hours=hours)):
                ask_consents()
            assert asked.count() == told
        assert asked.get().event.actor == clock_account()

    def test_nobody_is_asked_about_what_is_again_as_it_was(self, consortium, partner, line):
        for quantity in (20, 10):
            self.change(line, consortium.created_by, quantity=quantity)
        services.ask_consent(partner, by=consortium.created_by)
        assert Membership.objects.get(pk=partner.pk).is_consent_current
        assert not Notice.objects.filter(kind="proposals.part_changed").exists()

    def test_only_the_anchor_asks(self, partner, guest, consortium, line):
        self.change(line, consortium.created_by, quantity=20)
        for person in (guest, UserFactory(), TeamMemberFactory(membership=consortium.anchor).user):
            with pytest.raises(PermissionDenied):
                services.ask_consent(partner, by=person)

    def test_page_shows_every_line_with_sums_and_what_changed_in_words(
        self, client, consortium, proposal, partner, guest, line
    ):
        by = consortium.created_by
        self.change(line, by, quantity=20, total_value_usd=Decimal(2500))
        for name, value in (("Switches", 500), ("Chillers", 1000)):
            services.add_row(
                Component(proposal=proposal, layer="hardware"),
                by=by,
                values={"supplier": partner, "name": name, "total_value_usd": Decimal(value)},
            )
        signed_in(client, guest)
        page = client.get(reverse("proposals:consent", args=[partner.pk])).text
        for words in (
            "Racks: Quantity was 10, now 20; Total value was $1,000, now $2,500.",
            f"Added to “{StackLayer.HARDWARE.label}”: 2 lines, $1,500 together (Switches, Chillers).",
            "Total value: <strong>$4,000</strong>",
            "Chillers",
        ):
            assert words in page


@pytest.mark.django_db(transaction=True)
class TestConsentBesideASave:
    """Whoever comes second sees what the first one did."""

    def test_consent_that_waits_for_a_save_is_to_another_part(self, consortium, proposal, partner, guest):
        shown = sha256_hex(services.terms_of(partner))
        refused = act_while(
            lambda: services.consent(Membership.objects.get(pk=partner.pk), by=guest, terms_sha256=shown),
            lambda: supplies(proposal, partner, consortium.created_by),
        )
        assert isinstance(refused, ValidationError)
        assert not Membership.objects.get(pk=partner.pk).is_consent_current

    def test_save_that_waits_for_a_consent_has_it_renewed(self, consortium, proposal, partner, guest):
        row, by = supplies(proposal, partner, consortium.created_by), consortium.created_by
        act_while(
            lambda: services.save_row(row, by=by, values={"description": "Twenty."}, revision=row.revision),
            lambda: services.consent(Membership.objects.get(pk=partner.pk), by=guest),
        )
        assert not Membership.objects.get(pk=partner.pk).is_consent_current


def test_copy_gives_a_member_a_part_that_it_has_not_read(consortium, proposal, partner, guest):
    by = consortium.created_by
    supplies(proposal, partner, by)
    assert consent_again(partner, guest)
    services.copy_proposal(proposal, issued_call(), by=by)
    assert not Membership.objects.get(pk=partner.pk).is_consent_current


@pytest.mark.parametrize("act", ["renamed", "removed"])
def test_site_at_which_a_member_acts_is_part_of_its_consent(act, consortium, proposal, partner, guest):
    by = consortium.created_by
    site = operates(proposal, partner, by).site
    assert consent_again(partner, guest)
    if act == "renamed":
        services.save_row(site, by=by, values={"name": "Mombasa data center"}, revision=site.revision)
    else:
        services.remove_row(site, by=by, revision=site.revision)
    assert not Membership.objects.get(pk=partner.pk).is_consent_current


def test_another_wording_of_the_declaration_asks_again(partner, monkeypatch):
    monkeypatch.setattr(declaration, "VERSION", "2")
    assert not partner.is_consent_current


def test_part_that_changed_since_it_was_shown_is_not_consented_to(consortium, proposal, partner, guest):
    shown = sha256_hex(services.terms_of(partner))
    supplies(proposal, partner, consortium.created_by)
    partner.refresh_from_db()
    with pytest.raises(ValidationError):
        services.consent(partner, by=guest, terms_sha256=shown)
    assert not Membership.objects.get(pk=partner.pk).is_consent_current
    services.consent(partner, by=guest, terms_sha256=sha256_hex(services.terms_of(partner)))
    assert Membership.objects.get(pk=partner.pk).is_consent_current


def test_submission_names_the_declaration_that_each_member_accepted(consortium, proposal, partner, guest):
    supplies(proposal, partner, consortium.created_by)
    consent_again(partner, guest)
    accepted = [m.consent for m in compose(proposal).consortium.members]
    assert [(c.declaration_version, c.is_current, bool(c.given_at)) for c in accepted] == [
        ("1", True, True)
    ] * 2


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


def test_who_is_only_invited_reads_its_own_part_and_no_other(client, consortium, invitation, guest):
    """Not what the others supply, nor their owners and people: a rival may be invited, too."""
    anchor, own = consortium.anchor, invitation.membership
    anchor.organization.holdings.create(holder_name="Secret Holdings", share="0.3")
    colleague = TeamMemberFactory(membership=anchor).user
    signed_in(client, guest)
    addresses = [
        reverse("proposals:member", args=[anchor.pk]),
        reverse("proposals:consent", args=[anchor.pk]),
        reverse("proposals:owners", args=[anchor.organization_id]),
    ]
    assert [client.get(address).status_code for address in addresses] == [404] * 3
    assert client.get(reverse("proposals:consent", args=[own.pk])).status_code == 200
    page = client.get(reverse("proposals:consortium", args=[consortium.pk])).text
    assert str(anchor.organization) in page
    assert anchor.role_text not in page and str(colleague) not in page
    services.consent(own, by=guest)
    assert [client.get(address).status_code for address in addresses] == [200] * 3
    page = client.get(reverse("proposals:consortium", args=[consortium.pk])).text
    assert anchor.role_text in page and str(colleague) in page


def joined(membership, role=TeamRole.ADMINISTRATOR, *, by, email):
    services.accept_invitation(
        services.token_of(services.invite_person(membership, by=by, email=email, role=role)),
        by=UserFactory(email=email),
    )


class TestWhoStaffsAMember:
    def test_only_its_own_administrator_once_it_has_one(self, consortium, invitation, guest):
        member, anchors = invitation.membership, consortium.created_by
        for role in TeamRole:
            with pytest.raises(PermissionDenied):
                services.invite_person(member, by=anchors, email="x@firm.example", role=role)
        joined(member, TeamRole.CONTRIBUTOR, by=guest, email="colleague@firm.example")
        colleague = member.team.get(role=TeamRole.CONTRIBUTOR)
        with pytest.raises(PermissionDenied):
            services.add_team_member(member, colleague.user, by=anchors, role=TeamRole.ADMINISTRATOR)
        with pytest.raises(PermissionDenied):
            services.remove_team_member(colleague, by=anchors)
        services.remove_team_member(colleague, by=guest)

    def test_first_person_comes_as_administrator_and_never_as_representative(self, consortium, invitation):
        for role in (TeamRole.AUTHORIZED_REPRESENTATIVE, TeamRole.CONTRIBUTOR):
            with pytest.raises(PermissionDenied):
                services.invite_person(
                    invitation.membership, by=consortium.created_by, email="x@firm.example", role=role
                )
        joined(invitation.membership, by=consortium.created_by, email="first@firm.example")

    def test_second_link_of_the_anchor_ends_when_the_member_has_its_administrator(
        self, consortium, invitation
    ):
        by = consortium.created_by
        other = services.invite_person(
            invitation.membership, by=by, email="other@firm.example", role=TeamRole.ADMINISTRATOR
        )
        services.accept_invitation(services.token_of(invitation), by=UserFactory(email=invitation.email))
        with pytest.raises(InvitationRefused):
            services.accept_invitation(services.token_of(other), by=UserFactory(email=other.email))
        with pytest.raises(PermissionDenied):
            services.resend_invitation(other, by=by)
        assert not Affiliation.objects.filter(user__email=other.email).exists()

    def test_who_was_taken_off_the_team_brings_nobody_in(self, consortium):
        """By no link of the member, nor by one to an organization that nobody staffs yet."""
        anchor, by = consortium.anchor, consortium.created_by
        joined(anchor, by=by, email="second@firm.example")
        second = anchor.team.get(user__email="second@firm.example")
        links = [
            services.invite_person(
                anchor, by=second.user, email="back@door.example", role=TeamRole.AUTHORIZED_REPRESENTATIVE
            ),
            services.invite_member(
                consortium, OrganizationFactory(), by=second.user, email="other@door.example"
            ),
        ]
        kept = services.invite_person(anchor, by=by, email="new@firm.example", role=TeamRole.CONTRIBUTOR)
        services.remove_team_member(second, by=by)
        for link in links:
            with pytest.raises(InvitationRefused):
                services.accept_invitation(services.token_of(link), by=UserFactory(email=link.email))
            assert AuditEvent.objects.of(link.membership).filter(act="membership.revoke_invitation").exists()
        assert services.accept_invitation(services.token_of(kept), by=UserFactory(email=kept.email))

    def test_link_of_who_no_longer_administers_is_refused_although_nobody_took_it_back(self, consortium):
        anchor, by = consortium.anchor, consortium.created_by
        link = services.invite_person(anchor, by=by, email="back@door.example", role=TeamRole.CONTRIBUTOR)
        anchor.team.filter(user=by, role=TeamRole.ADMINISTRATOR).update(removed_at=clock.now())
        with pytest.raises(InvitationRefused):
            services.accept_invitation(services.token_of(link), by=UserFactory(email=link.email))

    def test_registered_organization_is_joined_first_by_who_administers_it(self, consortium):
        organization, owner = OrganizationFactory(), UserFactory()
        Affiliation.objects.create(user=owner, organization=organization, is_administrator=True)
        first = services.invite_member(
            consortium, organization, by=consortium.created_by, email="stranger@firm.example"
        )
        with pytest.raises(InvitationRefused):
            services.accept_invitation(
                services.token_of(first), by=UserFactory(email="stranger@firm.example")
            )
        with pytest.raises(PermissionDenied):
            services.invite_person(
                first.membership,
                by=consortium.created_by,
                email="x@firm.example",
                role=TeamRole.ADMINISTRATOR,
            )
        again = services.invite_person(
            first.membership, by=consortium.created_by, email=owner.email, role=TeamRole.ADMINISTRATOR
        )
        assert services.accept_invitation(services.token_of(again), by=owner).user == owner

    def test_page_offers_the_anchor_the_first_administrator_and_then_nothing(
        self, client, consortium, invitation, settings
    ):
        settings.DEMONSTRATION = True  # no second factor; what it leaves out is tested in test_sign_in.py
        client.force_login(consortium.created_by)
        address = reverse("proposals:member", args=[invitation.membership_id])
        before = client.get(address).content.decode()
        assert "Invite a person by e-mail" in before and "authorized_representative" not in before
        services.accept_invitation(services.token_of(invitation), by=UserFactory(email=invitation.email))
        after = client.get(address).content.decode()
        assert "Invite a person by e-mail" not in after and "Change what it contributes" in after


class TestNobodyProposesAndDecides:
    @pytest.mark.parametrize("role", [OfficeRole.REVIEWER, OfficeRole.EDAG_OFFICER])
    def test_holder_of_an_office_joins_no_team(self, consortium, invitation, role):
        person = officer(role)
        Invitation.objects.update(email=person.email)
        with pytest.raises(InvitationRefused, match="government office"):
            services.accept_invitation(services.token_of(invitation), by=person)
        Affiliation.objects.create(user=person, organization=consortium.anchor.organization)
        with pytest.raises(PermissionDenied, match="government office"):
            services.add_team_member(
                consortium.anchor, person, by=consortium.created_by, role=TeamRole.CONTRIBUTOR
            )
        organization = OrganizationFactory()
        Affiliation.objects.create(user=person, organization=organization, is_administrator=True)
        with pytest.raises(PermissionDenied):
            services.create_consortium("Stack", organization, by=person, role_text="Leads.")
        assert not TeamMember.objects.filter(user=person).exists()

    def test_member_of_a_team_and_counsel_are_appointed_to_no_office(self, consortium):
        proposal, counsel, by = ProposalFactory(consortium=consortium), UserFactory(), officer()
        services.grant_access(proposal, to=counsel, by=consortium.created_by)
        for person in (consortium.created_by, counsel):
            with pytest.raises(ValidationError, match="works for a consortium"):
                appoint(person, agency=AgencyFactory(code="DOE"), role=OfficeRole.REVIEWER, by=by)
            assert not person.offices.exists()
        services.revoke_access(proposal, of=counsel, by=consortium.created_by)
        appoint(counsel, agency=AgencyFactory(code="DOE"), role=OfficeRole.REVIEWER, by=by)

    def test_member_of_a_team_does_not_open_the_program_office(self, consortium):
        AgencyFactory(code="COMMERCE")
        with pytest.raises(CommandError, match="works for a consortium"):
            call_command("appoint_first_officer", consortium.created_by.email, basis="Memorandum")

    @pytest.mark.parametrize(
        ("role", "verbs"),
        [
            (OfficeRole.PROGRAM_OFFICER, ["accept", "return"]),
            (OfficeRole.DECISION_OFFICIAL, ["designate", "decline"]),
        ],
    )
    def test_right_of_an_office_ends_where_its_holder_is_on_the_team(self, role, verbs):
        proposal = ProposalFactory(status="under_evaluation")
        person = officer(role)
        held = [person.has_perm(f"proposals.{verb}_proposal", proposal) for verb in verbs]
        TeamMemberFactory(membership=proposal.consortium.anchor, user=person)
        after = [person.has_perm(f"proposals.{verb}_proposal", proposal) for verb in verbs]
        assert (held, after) == ([True, True], [False, False])


class TestMailOfAnInvitation:
    def test_second_worker_finds_it_claimed(self, invitation, monkeypatch):
        found = []

        def meanwhile(self, messages):
            found.extend([mail_invitation(invitation.pk), owed_invitations()])
            return len(messages)

        monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", meanwhile)
        assert mail_invitation(invitation.pk) and found == [False, []]

    def test_mail_server_away_for_hours_loses_nothing(self, invitation, monkeypatch):
        away = Mock(side_effect=ConnectionRefusedError)
        monkeypatch.setattr("proposals.mail.hand_over", away)
        moment = clock.instant()
        for minutes in range(0, 180, 5):
            with clock.moved_to(moment + timedelta(minutes=minutes)):
                for pk in owed_invitations():
                    assert not mail_invitation(pk)
        assert 5 < away.call_count < 20
        monkeypatch.undo()
        with clock.moved_to(moment + timedelta(hours=5)):
            assert owed_invitations() == [invitation.pk] and mail_invitation(invitation.pk)
        assert len(mail.outbox) == 1

    def test_what_fails_at_one_keeps_no_other_from_being_sent(self, consortium, monkeypatch, caplog):
        sent = [
            services.invite_member(
                consortium, OrganizationFactory(), by=consortium.created_by, email=f"{name}@firm.example",
                role_text="Supplies data.",
            )
            for name in "abc"
        ]  # fmt: skip

        def fails_at_first(message, **rest):
            if message.to == [sent[0].email]:
                raise RuntimeError

        monkeypatch.setattr("proposals.mail.hand_over", fails_at_first)
        assert sweep_invitations() == 2
        found = list(Invitation.objects.order_by("pk").values_list("mail_state", "mail_attempts"))
        assert found == [("owed", 1), ("sent", 1), ("sent", 1)]
        assert "An invitation could not be sent." in caplog.messages
        at = clock.instant() - timedelta(minutes=10)
        Invitation.objects.filter(pk=sent[0].pk).update(
            mail_state="claimed", mail_claimed_at=at, mail_attempts=MOST_ATTEMPTS
        )
        assert owed_invitations() == []
        assert Invitation.objects.get(pk=sent[0].pk).mail_state == "failed"

    @pytest.mark.parametrize(
        ("answer", "state", "listed"),
        [
            (b"5.1.1 No such\nperson\x00", "failed", ["550 5.1.1 No such person"]),
            (b"5.7.1 Relay access denied", "owed", []),
        ],
        ids=["no mailbox", "relay"],
    )
    def test_only_an_answer_about_the_address_puts_it_on_the_list(
        self, invitation, monkeypatch, answer, state, listed
    ):
        refusal = SMTPRecipientsRefused({invitation.email: (550, answer)})
        monkeypatch.setattr("proposals.mail.hand_over", Mock(side_effect=refusal))
        AgencyFactory(code="COMMERCE")
        assert not mail_invitation(invitation.pk)
        assert Invitation.objects.get(pk=invitation.pk).mail_state == state
        assert list(Suppression.objects.values_list("note", flat=True)) == listed

    def test_refusal_of_a_worker_that_lost_its_claim_changes_nothing(self, invitation, monkeypatch):
        AgencyFactory(code="COMMERCE")

        def stalls(*args, **facts):
            monkeypatch.undo()
            Invitation.objects.update(mail_claimed_at=clock.instant() - timedelta(minutes=10))
            assert owed_invitations() == [invitation.pk] and mail_invitation(invitation.pk)
            raise SMTPRecipientsRefused({invitation.email: (550, b"5.1.1 No such person")})

        monkeypatch.setattr("proposals.mail.hand_over", stalls)
        assert not mail_invitation(invitation.pk)
        assert Invitation.objects.get(pk=invitation.pk).mail_state == "sent"
        assert not Suppression.objects.exists()

    def test_worker_that_died_before_sending_gives_it_back_and_while_sending_does_not(self, invitation):
        at = clock.instant() - timedelta(minutes=10)
        for state, owed in (("claimed", [invitation.pk]), ("sending", [])):
            Invitation.objects.update(mail_state=state, mail_claimed_at=at)
            assert owed_invitations() == owed
        invitation.refresh_from_db()
        assert invitation.is_undelivered and not mail_invitation(invitation.pk)

    def test_inviter_reads_that_it_was_given_up_and_sends_it_again(
        self, client, consortium, invitation, monkeypatch, settings
    ):
        settings.DEMONSTRATION = True  # no second factor; what it leaves out is tested in test_sign_in.py
        monkeypatch.setattr("proposals.mail.hand_over", Mock(side_effect=ConnectionRefusedError))
        Invitation.objects.update(mail_attempts=MOST_ATTEMPTS - 1)
        mail_invitation(invitation.pk)
        monkeypatch.undo()
        client.force_login(consortium.created_by)
        page = client.get(reverse("proposals:member", args=[invitation.membership_id]))
        assert "may not have arrived" in page.content.decode()
        services.resend_invitation(invitation, by=consortium.created_by)
        assert mail_invitation(invitation.pk)

    def test_inviter_reads_that_mail_does_not_reach_the_address_until_it_is_off_the_list(
        self, client, consortium, invitation, settings
    ):
        settings.DEMONSTRATION = True  # no second factor
        row = Suppression.objects.create(
            email=invitation.email, cause="bounced", added_by=consortium.created_by
        )
        assert not mail_invitation(invitation.pk)
        assert Invitation.objects.get(pk=invitation.pk).mail_state == "failed"
        client.force_login(consortium.created_by)
        address = reverse("proposals:member", args=[invitation.membership_id])
        assert "Mail to this address is not delivered." in client.get(address).text
        row.delete()
        assert "Mail to this address is not delivered." not in client.get(address).text
        services.resend_invitation(invitation, by=consortium.created_by)
        assert mail_invitation(invitation.pk)


class TestRemovingAMember:
    def test_invited_one_goes_at_any_time_and_blocks_nothing(self, client, consortium, invitation):
        by, member = consortium.created_by, invitation.membership
        known = UserFactory(email=invitation.email)
        proposal = ProposalFactory(consortium=consortium)
        signed_in(client, by)
        page = client.get(reverse("proposals:consortium", args=[consortium.pk])).text
        address = reverse("proposals:member-remove", args=[member.pk])
        assert f'href="{address}"' in page and client.get(address).status_code == 200
        assert client.post(address, {"note": ""}).url == reverse("proposals:consortium", args=[consortium.pk])
        member.refresh_from_db()
        assert member.status == MembershipStatus.REMOVED and member.left_at
        assert not any(row.key == f"member-{member.pk}" for row in compose(proposal).consortium.members)
        event = AuditEvent.objects.get(act="membership.remove")
        said = event.said
        assert (event.actor, said["before"], said["after"]) == (by, "invited", "removed")
        assert Notice.objects.filter(kind="proposals.removed", recipient=known, event=event).exists()
        with pytest.raises(InvitationRefused):
            services.find_invitation(services.token_of(invitation))
        assert not owed_invitations()
        page = client.get(reverse("proposals:detail", args=[proposal.pk])).text
        assert "Member removed by the anchor" in page and str(member.organization) in page
        services.invite_member(consortium, member.organization, by=by, email="right@firm.example")

    def test_one_that_consented_goes_with_a_reason_that_it_is_told(
        self, client, consortium, proposal, partner, guest
    ):
        by = consortium.created_by
        component = is_component_of(proposal, partner, by)
        provision = supplies(proposal, partner, by)
        with pytest.raises(NotReady):
            services.remove_member(Membership.objects.get(pk=partner.pk), by=by, note=" ")
        signed_in(client, by)
        address = reverse("proposals:member-remove", args=[partner.pk])
        assert "Say why" in client.post(address, {"note": ""}).text
        assert Membership.objects.get(pk=partner.pk).status == MembershipStatus.CONSENTED
        client.post(address, {"note": "It was sold."})
        told = Notice.objects.get(kind="proposals.removed")
        assert told.recipient == guest and "It was sold." in told.text
        assert not Proposal.objects.visible_to(guest).exists()
        missing = {(problem.code, problem.field) for problem in all_problems(compose(proposal))}
        assert {
            ("data-supplier", f"{component.key}-supplier"),
            ("data-provision", f"{provision.key}-membership"),
        } <= missing

    def test_nobody_but_the_anchor_removes_and_never_itself(self, client, consortium, invitation, guest):
        contributor = TeamMemberFactory(membership=consortium.anchor).user
        for person in (guest, contributor, UserFactory()):
            with pytest.raises(PermissionDenied):
                services.remove_member(invitation.membership, by=person, note="No.")
        with pytest.raises(PermissionDenied):
            services.remove_member(consortium.anchor, by=consortium.created_by, note="No.")
        signed_in(client, contributor)
        assert (
            client.get(reverse("proposals:member-remove", args=[invitation.membership_id])).status_code == 403
        )

"""The anchor's place changes hands by the consent of both, and never under a proposal that was sent."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from program.models import AuditEvent, Notice
from program.transitions import NotReady, WrongStatus
from proposals import services
from proposals.composition import compose
from proposals.enums import ProposalStatus, TeamRole
from proposals.handing_over import SENT
from proposals.lifecycle import ANCHOR_TRANSITIONS
from proposals.models import AnchorOffer, Proposal
from proposals.readiness import Candidate
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import (
    MembershipFactory,
    ProposalFactory,
    TeamMemberFactory,
    certified,
    representative_of,
)
from tests.proposals.pages import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal(places):
    return ProposalFactory(complete=True)


@pytest.fixture
def consortium(proposal):
    return proposal.consortium


@pytest.fixture
def ada(proposal):
    return representative_of(proposal)


@pytest.fixture
def member(consortium):
    return MembershipFactory(consortium=consortium)


@pytest.fixture
def ben(member):
    """Administrator of the other member, and its authorized representative."""
    person = UserFactory(name="Ben Okafor", title="Director")
    for role in (TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE):
        TeamMemberFactory(membership=member, user=person, role=role)
    return person


def offered(consortium, member, ada):
    return services.offer_anchor(consortium, to=member, by=ada, note="They integrate from now on.")


def anchors(consortium):
    return [row.organization for row in consortium.memberships.filter(is_anchor=True)]


def test_offer_changes_nothing_but_that_it_stands(consortium, member, ada, ben, proposal):
    certified(proposal)
    before = compose(proposal).sha256
    offer = offered(consortium, member, ada)
    assert (anchors(consortium), compose(proposal).sha256) == ([offer.from_member.organization], before)
    assert Candidate(Proposal.objects.get(pk=proposal.pk)).certification is not None
    assert list(
        Notice.objects.filter(kind="proposals.anchor_offered").values_list("recipient", flat=True)
    ) == [ben.pk]
    with pytest.raises(ValidationError, match="An offer is open already"):
        offered(consortium, member, ada)


def test_acceptance_moves_the_lead_and_voids_the_certification(consortium, member, ada, ben, proposal):
    certified(proposal)
    offer = offered(consortium, member, ada)
    assert ben.has_perm("proposals.submit_proposal", proposal) is False
    services.accept_anchor(offer, by=ben)
    assert anchors(consortium) == [member.organization]
    rights = ["proposals.submit_proposal", "proposals.certify_proposal", "proposals.share_proposal"]
    assert [ben.has_perm(right, proposal) for right in rights] == [True] * 3
    assert [ada.has_perm(right, proposal) for right in rights] == [False] * 3
    assert ada.has_perm("proposals.change_proposal", proposal)
    with pytest.raises(NotReady):
        services.submit_proposal(proposal, by=ben)
    with pytest.raises(PermissionDenied):
        services.submit_proposal(proposal, by=ada)
    assert {one.recipient for one in Notice.objects.filter(kind="proposals.anchor_changed")} == {ada, ben}
    event = AuditEvent.objects.of(consortium).get(act="consortium.change_anchor")
    assert event.actor == ben
    offer.refresh_from_db()
    assert (offer.status, offer.answered_at is not None) == ("accepted", True)


@pytest.mark.parametrize("status", ProposalStatus)
def test_only_what_is_with_the_government_keeps_the_anchor(consortium, member, ada, ben, proposal, status):
    offer = offered(consortium, member, ada)
    sent = ProposalFactory(consortium=consortium, status=status)
    if status in SENT:
        with pytest.raises(NotReady) as refusal:
            services.accept_anchor(offer, by=ben)
        assert [(p.code, sent.number in p.message) for p in refusal.value.problems] == [
            ("proposal-sent", True)
        ]
        assert anchors(consortium) != [member.organization]
        services.withdraw_anchor_offer(offer, by=ada)
        with pytest.raises(NotReady):
            offered(consortium, member, ada)
    else:
        services.accept_anchor(offer, by=ben)
        assert anchors(consortium) == [member.organization]


def test_member_that_left_or_has_nobody_cannot_lead(consortium, member, ada, ben):
    offer = offered(consortium, member, ada)
    member.team.filter(role=TeamRole.ADMINISTRATOR).update(removed_at=offer.created_at)
    with pytest.raises(NotReady, match="needs an administrator"):
        services.accept_anchor(offer, by=ben)
    bare = MembershipFactory(consortium=consortium)
    services.withdraw_anchor_offer(offer, by=ada)
    with pytest.raises(NotReady, match="needs an administrator"):
        offered(consortium, bare, ada)
    foreign = MembershipFactory(consortium=ProposalFactory().consortium)
    with pytest.raises(NotReady, match="another member of this consortium"):
        offered(consortium, foreign, ada)


def test_to_lead_binds_a_member_and_takes_its_authorized_representative(client, consortium, member, ada, ben):
    offer = offered(consortium, member, ada)
    administrator = TeamMemberFactory(membership=member, role=TeamRole.ADMINISTRATOR).user
    with pytest.raises(PermissionDenied):
        services.accept_anchor(offer, by=administrator)
    sign_in(client, administrator)
    page = client.get(reverse("proposals:anchor-answer", args=[offer.pk])).text
    assert "Accept the anchor role" not in page and "Decline" in page
    member.team.filter(role=TeamRole.AUTHORIZED_REPRESENTATIVE).update(removed_at=offer.created_at)
    services.withdraw_anchor_offer(offer, by=ada)
    with pytest.raises(NotReady, match="needs an authorized representative"):
        offered(consortium, member, ada)


def test_each_side_does_only_its_own_act(consortium, member, ada, ben):
    stranger = UserFactory()
    with pytest.raises(PermissionDenied):
        offered(consortium, member, ben)
    offer = offered(consortium, member, ada)
    barred = [
        (services.accept_anchor, ada), (services.decline_anchor, ada), (services.withdraw_anchor_offer, ben),
        (services.accept_anchor, stranger), (services.decline_anchor, officer()),
    ]  # fmt: skip
    for service, person in barred:
        with pytest.raises(PermissionDenied):
            service(offer, by=person)
    services.decline_anchor(offer, by=ben)
    for service, person in [
        (services.accept_anchor, ben),
        (services.decline_anchor, ben),
        (services.withdraw_anchor_offer, ada),
    ]:
        with pytest.raises(WrongStatus):
            service(offer, by=person)
    assert {t.target for t in ANCHOR_TRANSITIONS} == {"accepted", "declined", "withdrawn"}
    assert list(
        Notice.objects.filter(kind="proposals.anchor_declined").values_list("recipient", flat=True)
    ) == [ada.pk]


def test_pages_of_the_offer(client, consortium, member, ada, ben, proposal):
    sign_in(client, ada)
    offering = reverse("proposals:anchor-offer", args=[consortium.pk])
    assert (
        "Hand over the anchor role" in client.get(reverse("proposals:consortium", args=[consortium.pk])).text
    )
    assert client.get(offering).status_code == 200
    page = client.post(offering, {"anchor-to_member": member.pk, "anchor-note": "Why"}, follow=True).text
    assert "The anchor role is offered" in page
    offer = AnchorOffer.objects.get()
    answer = reverse("proposals:anchor-answer", args=[offer.pk])
    assert "Withdraw the offer" in client.get(answer).text
    assert client.post(answer).status_code == 403
    for person in (UserFactory(), officer()):
        assert sign_in(client, person).get(answer).status_code == 404
    sign_in(client, TeamMemberFactory(membership=member).user)
    assert client.post(answer).status_code == 403
    assert client.get(offering).status_code == 403
    sign_in(client, ben)
    assert "offers the anchor role" in client.get(reverse("proposals:tasks")).text
    ProposalFactory(consortium=consortium, status="submitted")
    refused = client.post(answer)
    assert refused.status_code == 422
    assert "withdraw the proposal first" in refused.text
    Proposal.objects.filter(status="submitted").update(status="withdrawn")
    assert "is now the anchor" in client.post(answer, follow=True).text
    assert anchors(consortium) == [member.organization]

"""Who has left is mailed nothing more, whatever was owed, and keeps no notices of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from evaluation.notice_kinds import POSITION_DUE
from program import audit, clock, notice_kinds, notices
from program.enums import DeliveryState, OfficeRole
from program.models import Delivery, Notice, Office
from program.schedule import close_notices_of_the_departed
from program.services import people
from program.tasks import close_notices
from proposals import services
from proposals.models import Proposal, TeamMember
from proposals.notice_kinds import ARRIVED, CONSENTED, LAPSED, NO_LONGER_SHARED, SHARED
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, issued_call, officer
from tests.factories.proposals import MembershipFactory, ProposalFactory, TeamMemberFactory

pytestmark = pytest.mark.django_db


def owed(kind, person, about, **facts):
    event = audit.record(about, "tests.act", by=person)
    notices.owe(event, kind, [person], url="/", **facts)
    return Delivery.objects.get(notice__event=event)


def outcome(delivery):
    notices.deliver(delivery.pk)
    delivery.refresh_from_db()
    return delivery.state, delivery.reason


def inbox(person):
    return list(Notice.objects.visible_to(person).order_by("pk").values_list("kind", flat=True))


SENT = (DeliveryState.SENT, "")
NOT_THE_PROPOSAL = (DeliveryState.DROPPED, "The recipient may no longer read the proposal.")
TAKEN_BACK = (DeliveryState.DROPPED, "The recipient may no longer read this.")
NOT_THE_TEAM = (DeliveryState.DROPPED, "The recipient is no longer on the team.")


@pytest.fixture
def proposal():
    return ProposalFactory()


@pytest.fixture
def place(proposal):
    return TeamMemberFactory(membership=proposal.consortium.anchor)


def test_member_taken_off_the_team_is_mailed_nothing_and_keeps_nothing(proposal, place):
    person, stays = place.user, proposal.created_by
    about = (proposal, proposal.consortium.anchor)
    rows = [
        (
            owed(LAPSED, each, about[0], over="", moves=""),
            owed(CONSENTED, each, about[1], organization="A firm"),
        )
        for each in (person, stays)
    ]
    assert inbox(person) == inbox(stays) == [LAPSED.code, CONSENTED.code]
    services.remove_team_member(place, by=stays)
    assert (inbox(person), inbox(stays)) == ([], [LAPSED.code, CONSENTED.code])
    assert [[outcome(row) for row in pair] for pair in rows] == [[TAKEN_BACK] * 2, [SENT] * 2]
    assert {message.to[0] for message in mail.outbox} == {stays.email}


def test_who_lost_the_place_unnoticed_is_asked_again_when_the_mail_goes_out(proposal, place):
    rows = [
        owed(LAPSED, place.user, proposal, over="", moves=""),
        owed(CONSENTED, place.user, proposal.consortium.anchor, organization="A firm"),
    ]
    TeamMember.objects.filter(pk=place.pk).update(removed_at=clock.instant())
    assert [outcome(row) for row in rows] == [NOT_THE_PROPOSAL, NOT_THE_TEAM]
    assert not mail.outbox


def test_notice_of_something_else_stays_with_who_left(proposal, place):
    other = TeamMemberFactory(user=place.user, membership=ProposalFactory().consortium.anchor)
    kept = owed(
        LAPSED, place.user, Proposal.objects.get(consortium=other.membership.consortium), over="", moves=""
    )
    services.remove_team_member(place, by=proposal.created_by)
    assert (inbox(place.user), outcome(kept)) == ([LAPSED.code], SENT)


def test_people_of_a_member_that_left_keep_nothing_of_the_consortium(proposal):
    place = TeamMemberFactory(
        membership=MembershipFactory(consortium=proposal.consortium), role="administrator"
    )
    owed(LAPSED, place.user, proposal, over="", moves="")
    services.leave_consortium(place.membership, by=place.user)
    assert inbox(place.user) == []


def test_counsel_whose_access_ended_is_told_that_and_nothing_else(proposal):
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=proposal.created_by)
    services.revoke_access(proposal, of=counsel, by=proposal.created_by)
    assert inbox(counsel) == [NO_LONGER_SHARED.code]
    states = {row.notice.kind: outcome(row) for row in Delivery.objects.filter(notice__recipient=counsel)}
    assert states == {SHARED.code: TAKEN_BACK, NO_LONGER_SHARED.code: SENT}


def test_officer_whose_office_ended_is_mailed_nothing_and_keeps_nothing():
    proposal, gone, stays = make.at_intake(), officer(), officer()
    facts = {"number": proposal.number, "version": 1, "received_at": "today"}
    rows = [owed(ARRIVED, each, proposal, **facts) for each in (gone, stays)]
    asked = owed(notice_kinds.QUESTION_ASKED, gone, issued_call(), number="1")
    Office.objects.filter(user=gone).update(effective_to=clock.today() - timedelta(days=1))
    assert [outcome(row) for row in rows] == [NOT_THE_PROPOSAL, SENT]
    assert outcome(asked) == (DeliveryState.DROPPED, "The recipient no longer holds the office.")
    kept = set(inbox(gone))
    assert {ARRIVED.code, notice_kinds.QUESTION_ASKED.code} <= kept
    assert close_notices_of_the_departed() >= 2
    assert {ARRIVED.code, notice_kinds.QUESTION_ASKED.code}.isdisjoint(inbox(gone))
    assert ARRIVED.code in inbox(stays)


def test_end_of_an_office_at_the_desk_closes_the_notices_at_once(django_capture_on_commit_callbacks):
    lead = make.lead("STATE")
    proposal = make.accepted()
    referral = make.referral_of(proposal, "STATE")
    owed(POSITION_DUE, lead, referral, left="3 days", agency="State", number=proposal.number, due="Friday")
    with django_capture_on_commit_callbacks() as owing:
        people.end_office(Office.objects.get(user=lead), by=officer())
    assert owing
    assert close_notices(lead.pk) > 0
    assert inbox(lead) == []
    assert OfficeRole.LEAD not in dict(Office.objects.in_force().filter(user=lead).values_list("role", "pk"))

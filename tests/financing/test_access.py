"""Lists and records agree on who may see what; strangers, other teams and the recused see nothing."""

from __future__ import annotations

import pytest

from financing.enums import ReferralStatus
from financing.models import AgendaItem, Match, Tool, ToolReferral
from financing.services.matching import match_tools
from program import clock
from program.enums import OfficeRole
from program.models import User
from proposals.enums import TeamRole
from proposals.models import Proposal
from tests.factories.financing import chair, designated, edag_officer, meeting, proposed, referral
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import ConsortiumFactory, MembershipFactory, TeamMemberFactory


def recused(record):
    person = chair()
    record.designation.proposal.recusals.create(
        user=person, reason="Kin.", recused_by=officer(), recused_at=clock.now()
    )
    return person


def of_other_member(record):
    membership = MembershipFactory(consortium=record.designation.proposal.consortium)
    return TeamMemberFactory(membership=membership, role=TeamRole.ADMINISTRATOR).user


def removed_from_team(record):
    anchor = record.designation.proposal.consortium.anchor
    return TeamMemberFactory(membership=anchor, removed_at=clock.now()).user


def inactive_officer(record):
    person = edag_officer()
    person.is_active = False
    person.save()
    return User.objects.get(pk=person.pk)


ROLES = {
    "chair": lambda r: chair(),
    "officer of the holder": lambda r: edag_officer("EXIM"),
    "officer of another agency": lambda r: edag_officer("DFC"),
    "program officer": lambda r: officer(),
    "decision official": lambda r: officer(OfficeRole.DECISION_OFFICIAL),
    "auditor": lambda r: officer(OfficeRole.AUDITOR),
    "reviewer": lambda r: officer(OfficeRole.REVIEWER, "DOE"),
    "lead": lambda r: officer(OfficeRole.LEAD, "STATE"),
    "recused chair": recused,
    "inactive officer": inactive_officer,
    "anchor": lambda r: r.designation.proposal.created_by,
    "other member": of_other_member,
    "removed from team": removed_from_team,
    "other consortium": lambda r: ConsortiumFactory().created_by,
    "stranger": lambda r: UserFactory(),
}
SEES = {
    "chair", "officer of the holder", "officer of another agency", "program officer", "decision official",
    "auditor",
}  # fmt: skip


@pytest.mark.parametrize("status", [ReferralStatus.PROPOSED, ReferralStatus.REFERRED])
def test_list_and_record_agree_on_who_may_view(status):
    record = referral(status)
    match = match_tools(record.designation, by=chair())[0]
    item = meeting(referral=proposed(record.designation, tool="equity")).items.get()
    for role, person in ((role, make(record)) for role, make in ROLES.items()):
        sees = role in SEES
        for row in (record, match, item):
            listed = type(row).objects.visible_to(person).contains(row)
            assert listed == person.has_perm(f"financing.view_{row._meta.model_name}", row) == sees, (
                role,
                row,
            )
        knows = role in SEES or role == "recused chair"
        tool = Tool.objects.get(code="equity")
        assert (
            Tool.objects.visible_to(person).contains(tool)
            == person.has_perm("financing.view_tool", tool)
            == knows
        )
        followed = ToolReferral.objects.followed_by(person).contains(record)
        assert followed == person.has_perm("financing.follow_toolreferral", record), role
        assert followed == (role == "anchor" and status == ReferralStatus.REFERRED), role


def test_item_without_referral_is_seen_by_a_recused_member_too():
    record = proposed()
    person = recused(record)
    with_referral, without = meeting(referral=record).items.get(), meeting().items.get()
    assert set(AgendaItem.objects.visible_to(person)) == {without}
    assert not person.has_perm("financing.view_agendaitem", with_referral)
    assert not Match.objects.visible_to(person).exists()


def test_an_office_of_an_agency_whose_place_has_ended_reads_no_designated_proposal(financing_data):
    """Outside these pages too: the reader, the versions and the API ask the same question."""
    proposal = designated().proposal
    sees = {
        code: Proposal.objects.visible_to(person).contains(proposal)
        for code in ("EXIM", "USAID")
        for person in [edag_officer(code)]
    }
    assert sees == {"EXIM": True, "USAID": False}
    assert not edag_officer("USAID").has_perm("proposals.view_proposal", proposal)

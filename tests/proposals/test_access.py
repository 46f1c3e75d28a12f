from __future__ import annotations

import pytest

from evaluation.models import Assignment
from program import clock
from program.clock_account import clock_account
from program.enums import OfficeRole
from program.grants import grant
from program.models import User
from proposals.enums import MembershipStatus, ProposalStatus, TeamRole
from proposals.models import Membership, Proposal, TeamMember, Version
from tests.factories.program import AgencyFactory, UserFactory, officer
from tests.factories.proposals import (
    MembershipFactory,
    ProposalFactory,
    RecusalFactory,
    TeamMemberFactory,
    representative_of,
)

pytestmark = pytest.mark.django_db

S = ProposalStatus
SENT = {S.SUBMITTED, S.RETURNED, S.UNDER_EVALUATION, S.DESIGNATED, S.NOT_SELECTED}
ACCEPTED = {S.UNDER_EVALUATION, S.DESIGNATED, S.NOT_SELECTED}
EDITABLE = {S.DRAFT, S.SUBMITTED, S.RETURNED, S.UNDER_EVALUATION}  # the call is open


def person_of(member_status=MembershipStatus.CONSENTED, role=TeamRole.CONTRIBUTOR):
    def make(proposal):
        member = MembershipFactory(consortium=proposal.consortium)
        user = TeamMemberFactory(membership=member, role=role).user
        Membership.objects.filter(pk=member.pk).update(status=member_status)
        return user

    return make


def granted_to(make, permission):
    def made(proposal):
        user = make(proposal)
        grant(permission, on=proposal, to=user, by=user)
        return user

    return made


def assigned_for(agency):
    """A reviewer of Commerce who was assigned for ``agency``."""

    def made(proposal):
        user = granted_to(reviewer, "proposals.evaluate_proposal")(proposal)
        Assignment.objects.create(
            proposal=proposal, agency=AgencyFactory(code=agency), reviewer=user, assigned_by=user,
            assigned_at=clock.now(),
        )  # fmt: skip
        return user

    return made


def removed(proposal):
    user = person_of()(proposal)
    TeamMember.objects.filter(user=user).update(removed_at=proposal.created_at)
    return user


def closed_account(proposal):
    user = representative_of(proposal)
    User.objects.filter(pk=user.pk).update(is_active=False)
    return user


def reviewer(proposal=None):
    return officer(OfficeRole.REVIEWER)


# role -> (who, where the proposal is seen, where its working copy is changed)
ROLES = {
    "anchor": (representative_of, set(S), EDITABLE),
    "contributor": (person_of(), set(S), EDITABLE),
    "invited only": (person_of(MembershipStatus.INVITED), set(), set()),
    "of a member that left": (person_of(MembershipStatus.LEFT), set(), set()),
    "removed from the team": (removed, set(), set()),
    "account closed": (closed_account, set(), set()),
    "counsel, reading": (granted_to(lambda p: UserFactory(), "proposals.view_proposal"), set(S), set()),
    "counsel, editing": (granted_to(lambda p: UserFactory(), "proposals.change_proposal"), set(S), EDITABLE),
    "another consortium": (lambda p: representative_of(ProposalFactory(call=p.call)), set(), set()),
    "stranger": (lambda p: UserFactory(), set(), set()),
    "program officer": (lambda p: officer(), SENT, set()),
    "decision official": (lambda p: officer(OfficeRole.DECISION_OFFICIAL), SENT, set()),
    "auditor": (lambda p: officer(OfficeRole.AUDITOR), SENT, set()),
    "lead": (lambda p: officer(OfficeRole.LEAD, "STATE"), ACCEPTED, set()),
    "lead of no evaluating agency": (lambda p: officer(OfficeRole.LEAD, "EXIM"), set(), set()),
    "reviewer without a grant": (reviewer, set(), set()),
    "reviewer": (assigned_for("COMMERCE"), SENT, set()),
    "reviewer of another agency by now": (assigned_for("STATE"), set(), set()),
    "reviewer with a grant alone": (granted_to(reviewer, "proposals.evaluate_proposal"), set(), set()),
    "grant without the office": (
        granted_to(lambda p: UserFactory(), "proposals.evaluate_proposal"), set(), set()
    ),
    "EDAG chair": (lambda p: officer(OfficeRole.EDAG_CHAIR, "STATE"), {S.DESIGNATED}, set()),
    "EDAG officer": (lambda p: officer(OfficeRole.EDAG_OFFICER, "EXIM"), {S.DESIGNATED}, set()),
    "clock": (lambda p: clock_account(), set(), set()),
}  # fmt: skip


def seen(user, proposal):
    """The answer of list and record, which must be one."""
    user = User.objects.get(pk=user.pk)
    listed = Proposal.objects.visible_to(user).contains(proposal)
    assert listed == user.has_perm("proposals.view_proposal", proposal)
    by_office = Proposal.objects.read_by_office(user).contains(proposal)
    assert by_office == user.has_perm("proposals.read_by_office_proposal", proposal)
    assert by_office == (listed and not Proposal.objects.working_copies_of(user).contains(proposal))
    assert listed == Version.objects.visible_to(user).filter(proposal=proposal).exists() or not (
        proposal.version_count
    )
    return listed


@pytest.mark.parametrize("status", ProposalStatus)
def test_who_sees_and_who_changes(status):
    proposal = ProposalFactory(status=status)
    found = {}
    for role, (make, _, _) in ROLES.items():
        user = User.objects.get(pk=make(proposal).pk)
        found[role] = (seen(user, proposal), user.has_perm("proposals.change_proposal", proposal))
        RecusalFactory(proposal=proposal, user=user)
        assert not seen(user, proposal), f"{role} is recused and still sees it"
        assert not user.has_perm("proposals.change_proposal", proposal)
        User.objects.filter(pk=user.pk).update(is_active=True)
        proposal.recusals.all().delete()
    assert found == {role: (status in sees, status in changes) for role, (_, sees, changes) in ROLES.items()}


def test_withdrawn_draft_stays_unknown_and_withdrawn_submission_stays_seen():
    draft, sent = ProposalFactory(status=S.WITHDRAWN), ProposalFactory(status=S.SUBMITTED)
    Proposal.objects.filter(pk=sent.pk).update(status=S.WITHDRAWN)
    assert set(Proposal.objects.visible_to(officer())) == {sent}
    assert draft.submitted_at is None


def test_right_without_a_proposal_is_nobodys():
    for user in (officer(), officer(OfficeRole.AUDITOR), UserFactory()):
        for permission in ("view", "change", "submit", "accept", "designate", "evaluate"):
            assert not user.has_perm(f"proposals.{permission}_proposal")


@pytest.mark.parametrize(
    ("permission", "role"),
    [
        ("accept", OfficeRole.PROGRAM_OFFICER),
        ("return", OfficeRole.PROGRAM_OFFICER),
        ("designate", OfficeRole.DECISION_OFFICIAL),
        ("decline", OfficeRole.DECISION_OFFICIAL),
    ],
)
def test_act_of_government_belongs_to_one_office(permission, role):
    proposal = ProposalFactory(status=S.UNDER_EVALUATION)
    holders = {
        office for office in OfficeRole
        if officer(office).has_perm(f"proposals.{permission}_proposal", proposal)
    }  # fmt: skip
    assert holders == {role}
    person = officer(role)
    RecusalFactory(proposal=proposal, user=person)
    assert not person.has_perm(f"proposals.{permission}_proposal", proposal)


def test_visibility_is_one_statement(django_assert_num_queries):
    for _ in range(3):
        ProposalFactory()
    user = officer(OfficeRole.LEAD, "STATE")
    user.offices_held  # noqa: B018  # read once per request
    list(Proposal.objects.visible_to(user))
    with django_assert_num_queries(1):
        list(Proposal.objects.visible_to(user).for_list())

"""The list and the right agree, whoever asks; a recusal closes every list at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from evaluation import services
from evaluation.models import (
    AgencyScore,
    Assignment,
    CatalogEntry,
    ClockEvent,
    ComplianceCheck,
    Designation,
    DesignationAmendment,
    Determination,
    DiscussionComment,
    InformationRequest,
    Letter,
    NamedParty,
    PartyCheck,
    Position,
    Referral,
    Review,
    ScreeningRun,
)
from program import clock, grants
from program.enums import OfficeRole
from program.models import AuditEvent, User
from proposals.models import Proposal
from proposals.services import withdraw_proposal
from tests.evaluation.pages import sign_in
from tests.factories import evaluation as make
from tests.factories.financing import edag_officer
from tests.factories.program import CriterionFactory, UserFactory, officer
from tests.factories.proposals import ProposalFactory, TeamMemberFactory, representative_of
from tests.factories.remembered import remembered

pytestmark = pytest.mark.django_db
LISTED = [
    AgencyScore, Assignment, ClockEvent, ComplianceCheck, Designation, DesignationAmendment,
    Determination, DiscussionComment, InformationRequest, Letter, NamedParty, PartyCheck, Position,
    Referral, Review, ScreeningRun,
]  # fmt: skip
ROLES = {
    "stranger": lambda proposal: UserFactory(),
    "representative": representative_of,
    "program officer": lambda proposal: officer(),
    "decision official": lambda proposal: make.decision_official(),
    "auditor": lambda proposal: officer(OfficeRole.AUDITOR),
    "lead of State": lambda proposal: make.lead("STATE"),
    "lead of Energy": lambda proposal: make.lead("DOE"),
    "reviewer of State": lambda proposal: make.assigned(proposal, "STATE").reviewer,
    "reviewer of nothing": lambda proposal: make.reviewer("STATE"),
    "EDAG officer": lambda proposal: officer(OfficeRole.EDAG_OFFICER, "EXIM"),
}
#: Which of LISTED each may see while the decision is signed and not announced.
SEES_SIGNED = {
    "stranger": set(),
    "representative": {InformationRequest},
    "program officer": set(LISTED) - {Designation, DesignationAmendment, Letter},
    "decision official": set(LISTED) - {Designation, DesignationAmendment, Letter},
    "auditor": set(LISTED) - {Designation, DesignationAmendment, Letter},
    "lead of State": {
        Assignment,
        ClockEvent,
        DiscussionComment,
        InformationRequest,
        Position,
        Referral,
        Review,
    },
    "lead of Energy": {ClockEvent, DiscussionComment, InformationRequest, Position, Referral},
    "reviewer of State": {Assignment, ClockEvent, DiscussionComment, InformationRequest, Referral},
    "reviewer of nothing": set(),
    "EDAG officer": set(),
}


@remembered
def told(proposal):
    """A proposal with one of everything."""
    CriterionFactory(call=proposal.call)
    assignment = make.assigned(proposal)
    services.submit_review(make.filled_review(assignment), by=assignment.reviewer)
    make.asked(proposal)
    services.write_comment(
        proposal, by=assignment.reviewer, room="all_agencies", text="It is not secure.", sent_as=uuid4()
    )
    services.pause_clocks(
        proposal, by=officer(), referrals=[make.referral_of(proposal)], reason="offices_closed", note="Snow."
    )
    return make.signed(make.ready_to_sign(proposal))


def sees(user, proposal):
    paths = {
        AgencyScore: "version__proposal", PartyCheck: "run__version__proposal",
        ClockEvent: "referral__version__proposal", Position: "referral__version__proposal",
        ComplianceCheck: "run__version__proposal", NamedParty: "version__proposal",
        DiscussionComment: "version__proposal", DesignationAmendment: "designation__proposal",
        Referral: "version__proposal", Review: "version__proposal", ScreeningRun: "version__proposal",
    }  # fmt: skip
    return {
        model
        for model in LISTED
        if model.objects.visible_to(user).filter(**{paths.get(model, "proposal"): proposal}).exists()
    }


@pytest.mark.parametrize("role", ROLES)
def test_each_sees_exactly_what_is_theirs_before_the_announcement(role):
    proposal = make.accepted()
    user = ROLES[role](proposal)
    told(proposal)

    assert sees(User.objects.get(pk=user.pk), proposal) == SEES_SIGNED[role]


@pytest.mark.parametrize(
    "role", ["program officer", "decision official", "lead of State", "reviewer of State"]
)
def test_a_recusal_closes_every_list_at_once(role):
    proposal = make.accepted()
    person = ROLES[role](proposal)
    told(proposal)
    assert sees(person, proposal)

    services.recuse(proposal, person=person, by=officer(), reason="A former employer is a member.")

    person = User.objects.get(pk=person.pk)
    assert sees(person, proposal) == set()
    assert not Proposal.objects.visible_to(person).filter(pk=proposal.pk).exists()
    assert not person.has_perm("proposals.view_proposal", proposal)


@pytest.mark.parametrize("role", ROLES)
def test_list_and_right_agree(role):
    proposal = make.accepted()
    user = ROLES[role](proposal)
    told(proposal)
    user = User.objects.get(pk=user.pk)
    for model in LISTED:
        for row in model.objects.all():
            listed = model.objects.visible_to(user).filter(pk=row.pk).exists()
            assert listed == user.has_perm(f"evaluation.view_{model._meta.model_name}", row)


def test_after_the_announcement_the_consortium_reads_letter_and_designation():
    designation = make.designated()
    person = representative_of(designation.proposal)
    assert sees(person, designation.proposal) == {Designation, Letter}
    assert not CatalogEntry.objects.visible_to(UserFactory()).exists()


ROLES_OF_AMENDMENTS = {
    "draft": {"program officer", "decision official", "auditor"},
    "signed": {"program officer", "decision official", "auditor"},
    "announced": {"program officer", "decision official", "auditor", "team"},
    "in_force": {"program officer", "decision official", "auditor", "team"},
}


@pytest.mark.parametrize("status", ROLES_OF_AMENDMENTS)
def test_an_amendment_is_read_by_office_until_it_is_announced(status):
    designation = make.with_condition()
    proposal = designation.proposal
    later = clock.today() + timedelta(days=9)
    amendment = {
        "draft": lambda: make.drafted_amendment(designation),
        "signed": lambda: make.signed_amendment(designation=designation),
        "announced": lambda: make.amended(designation=designation, effective_on=later),
        "in_force": lambda: make.amended(designation=designation),
    }[status]()
    assert amendment.status == status
    people = {role: ROLES[role](proposal) for role in ("program officer", "decision official", "auditor")}
    people |= {"team": representative_of(proposal), "stranger": UserFactory(), "lead": make.lead("DOE")}
    seeing = {
        role
        for role, person in people.items()
        if DesignationAmendment.objects.visible_to(User.objects.get(pk=person.pk)).exists()
    }
    assert seeing - {"lead"} == ROLES_OF_AMENDMENTS[status]
    assert ("lead" in seeing) == (status in ("announced", "in_force"))
    for person in people.values():
        person = User.objects.get(pk=person.pk)
        listed = DesignationAmendment.objects.visible_to(person).exists()
        assert person.has_perm("evaluation.view_designationamendment", amendment) == listed
    services.recuse(proposal, person=people["program officer"], by=officer(), reason="A cousin.")
    recused = User.objects.get(pk=people["program officer"].pk)
    assert not DesignationAmendment.objects.visible_to(recused).exists()


def test_others_reviews_are_hidden_until_ones_own_is_in():
    proposal = make.accepted()
    first, second = make.assigned(proposal), make.assigned(proposal)
    services.submit_review(make.filled_review(first), by=first.reviewer)
    sheet = make.filled_review(second)

    assert set(Review.objects.visible_to(second.reviewer)) == {sheet}
    services.submit_review(sheet, by=second.reviewer)
    assert Review.objects.visible_to(second.reviewer).count() == 2


def test_another_agencys_position_shows_once_ones_own_is_filed():
    proposal = make.accepted()
    make.filed(proposal, "DOE", "object")
    lead = make.lead("STATE")
    assert not Position.objects.visible_to(lead).exists()

    services.file_position(make.referral_of(proposal), by=lead, stance="support", rationale="Yes.")

    assert Position.objects.visible_to(lead).count() == 2


RIGHTS = {
    "program officer": [
        ("add_completenessreview", Proposal), ("screen_version", Proposal),
        ("adjudicate_partycheck", PartyCheck), ("weigh_compliancecheck", ComplianceCheck),
        ("add_assignment", Assignment), ("end_assignment", Assignment),
        ("add_referral", Proposal), ("keep_referral", Referral), ("reopen_referral", Referral),
        ("pause_referral", Referral), ("resume_referral", Referral),
        ("add_informationrequest", InformationRequest),
        ("withdraw_informationrequest", InformationRequest), ("add_determination", Proposal),
        ("change_determination", Determination), ("renew_determination", Determination),
        ("clear_determination", Determination), ("send_back_determination", Determination),
    ],
    "lead of State": [
        ("add_assignment", Assignment), ("end_assignment", Assignment), ("reopen_review", Review),
        ("acknowledge_referral", Referral), ("answer_referral", Referral),
    ],
    "decision official": [
        ("sign_determination", Determination), ("recall_determination", Determination),
        ("announce_determination", Determination), ("send_back_determination", Determination),
    ],
}  # fmt: skip


@pytest.mark.parametrize("tie", ["team", "counsel"])
@pytest.mark.parametrize("role", RIGHTS)
def test_an_office_gives_nothing_on_a_proposal_that_one_works_for(role, tie):
    """Both doors refuse to make one person official and member; this holds if one was left open."""
    proposal = make.accepted()
    told(proposal)
    person = ROLES[role](proposal)

    def held():
        fresh = User.objects.get(pk=person.pk)
        return {
            right
            for right, model in RIGHTS[role]
            if fresh.has_perm(f"evaluation.{right}", of_state(model, proposal))
        }

    assert held() == {right for right, _ in RIGHTS[role]}
    assert sees(User.objects.get(pk=person.pk), proposal) == SEES_SIGNED[role]
    if tie == "team":
        TeamMemberFactory(user=person, membership=proposal.consortium.anchor)
    else:
        grants.grant("proposals.view_proposal", on=proposal, to=person, by=representative_of(proposal))
    assert held() == set()
    assert sees(User.objects.get(pk=person.pk), proposal) == {InformationRequest}


@pytest.mark.parametrize("tie", ["team", "counsel"])
def test_pages_of_an_office_are_closed_on_a_proposal_that_one_works_for(client, tie):
    """The queue with its consultations, the desk page with its history, the record, the financing."""
    designation = make.designated()
    proposal, desk = designation.proposal, officer()
    auditor, banker = officer(OfficeRole.AUDITOR), edag_officer("EXIM")
    pages = [
        (desk, reverse("evaluation:desk")),
        (desk, reverse("evaluation:proposal", args=[proposal.number])),
        (banker, reverse("financing:designation", args=[designation.number])),
    ]

    def readers():
        return [proposal.number in page_of(client, person, address) for person, address in pages]

    assert readers() == [True] * 3
    for person in (desk, auditor, banker):
        if tie == "team":
            TeamMemberFactory(user=person, membership=proposal.consortium.anchor)
        else:
            grants.grant("proposals.view_proposal", on=proposal, to=person, by=representative_of(proposal))
    assert readers() == [False] * 3
    of_the_package = AuditEvent.objects.of(proposal) | AuditEvent.objects.of(designation.determination)
    assert of_the_package.visible_to(officer(OfficeRole.AUDITOR)).count() == of_the_package.count() > 4
    assert not of_the_package.visible_to(User.objects.get(pk=auditor.pk)).exists()


def page_of(client, person, address):
    sign_in(client, person)
    found = client.get(address)
    return found.text if found.status_code == 200 else ""


def test_auditor_reads_nothing_of_a_draft_that_was_never_submitted():
    auditor = officer(OfficeRole.AUDITOR)
    draft, sent = ProposalFactory(complete=True), make.at_intake()
    for proposal in (draft, sent):
        withdraw_proposal(proposal, by=representative_of(proposal), note="Not now.")
    assert AuditEvent.objects.of(draft).exists()
    assert not AuditEvent.objects.of(draft).visible_to(auditor).exists()
    assert AuditEvent.objects.of(sent).visible_to(auditor).count() == AuditEvent.objects.of(sent).count()


def of_state(model, proposal):
    if model is Proposal:
        return proposal
    rows = model.objects.order_by("-pk")
    return rows.filter(agency__code="STATE").first() if model in (Assignment, Referral, Review) else rows[0]


def test_who_joined_the_team_meanwhile_hands_in_no_sheet():
    proposal = make.accepted()
    CriterionFactory(call=proposal.call)
    assignment = make.assigned(proposal)
    sheet = make.filled_review(assignment)
    TeamMemberFactory(user=assignment.reviewer, membership=proposal.consortium.anchor)
    with pytest.raises(PermissionDenied):
        services.submit_review(sheet, by=assignment.reviewer)
    with pytest.raises(PermissionDenied):
        services.save_review(sheet, by=assignment.reviewer, values={"rationale": "More."}, revision=None)


@pytest.mark.parametrize("name", ["review", "review-save", "review-submit", "score-save"])
def test_sheet_with_a_key_that_no_sheet_can_have_is_not_found(client, name):
    person = make.assigned(make.accepted()).reviewer
    sign_in(client, person)
    keys = [10**30, 1] if name == "score-save" else [10**30]
    address = reverse(f"evaluation:{name}", args=keys)
    answer = client.get(address) if name == "review" else client.post(address, {"revision": "0"})
    assert answer.status_code == 404

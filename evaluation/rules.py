"""Who may do what in the evaluation; a recusal or a place on the team stands above every office.

The right to view a record is asked of its queryset: ``visible_to`` is the one answer for page and list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rules

from evaluation.enums import AssignmentStatus, ConflictCaseStatus, DesignationStatus
from evaluation.models import ConflictCase
from evaluation.querysets.discussion import discussed_by
from evaluation.querysets.people import SIGN_FOR_AGENCY, acts_by_office, delegations_reaching
from program.enums import OfficeRole
from program.models import Delegation
from program.rules import granted, is_clock, is_decision_official, is_program_officer, permit
from proposals.enums import TeamRole
from proposals.models import Proposal, TeamMember
from proposals.rules import may_evaluate, recusals_read_with, ties

if TYPE_CHECKING:
    from program.models import User

CONSORTIUM_ROLES = (TeamRole.ADMINISTRATOR, TeamRole.AUTHORIZED_REPRESENTATIVE)


def proposal_of(record: Any) -> Proposal | None:
    """The proposal that a record of the evaluation belongs to."""
    return record if isinstance(record, Proposal) else getattr(record, "proposal", None)


@rules.predicate
def is_listed(user: User, record: Any) -> bool:
    """The record stands in the list that the person may see."""
    return record is not None and type(record).objects.visible_to(user).filter(pk=record.pk).exists()


@rules.predicate(bind=True)
def is_recused(self: rules.Predicate, user: User, record: Any) -> bool:
    """Also true where no proposal is known, so that its negation never opens anything by itself."""
    proposal = proposal_of(record)
    if proposal is None:
        return True
    if (known := recusals_read_with(proposal)) is not None:
        return user.pk in known
    return ties(self, user, proposal).is_recused


@rules.predicate(bind=True)
def is_on_team(self: rules.Predicate, user: User, record: Any) -> bool:
    """On the team of the consortium, for a member that has consented."""
    proposal = proposal_of(record)
    return proposal is not None and bool(ties(self, user, proposal).roles)


@rules.predicate(bind=True)
def is_inside(self: rules.Predicate, user: User, record: Any) -> bool:
    """On the team of the consortium, or counsel who was given a right on the proposal.

    A sheet that was locked for its reviewer says so itself; nothing is asked then.
    """
    proposal = proposal_of(record)
    if proposal is None:
        return False
    known: bool | None = getattr(record, "reviewer_is_inside", None)
    if known is not None and record.reviewer_id == user.pk:
        return known
    return ties(self, user, proposal).is_inside


may_change = granted("proposals.change_proposal")


@rules.predicate(bind=True)
def writes_for_consortium(self: rules.Predicate, user: User, record: Any) -> bool:
    """On the team, or counsel who was given the right to edit the working copy."""
    proposal = proposal_of(record)
    return proposal is not None and (
        bool(ties(self, user, proposal).roles) or may_change.test(user, proposal)
    )


stands_apart = ~is_recused & ~is_inside


@rules.predicate
def leads_agency(user: User, record: Any) -> bool:
    """Leads the agency that the record names."""
    return record is not None and user.holds(OfficeRole.LEAD, agency=record.agency.code)


@rules.predicate
def signs_for_agency(user: User, record: Any) -> bool:
    """Leads the agency, or holds a delegation in force from who leads it and is not recused."""
    if record is None:
        return False
    if leads_agency.test(user, record):
        return True
    if not user.holds(*SIGN_FOR_AGENCY, agency=record.agency.code):
        return False
    delegations = delegations_reaching(user, Delegation.SIGN_POSITION, record.proposal)
    return delegations.filter(agency=record.agency_id).exists()


@rules.predicate
def signs_determinations(user: User, record: Any) -> bool:
    """Holds the decision, or signs under a delegation of who holds it and is not recused."""
    if user.holds(OfficeRole.DECISION_OFFICIAL):
        return True
    proposal = proposal_of(record)
    if proposal is None or not user.is_government:
        return False
    return delegations_reaching(user, Delegation.SIGN_DETERMINATION, proposal).exists()


@rules.predicate
def is_preparer(user: User, record: Any) -> bool:
    """Began the draft, or has worked on it since."""
    return record is not None and (
        record.prepared_by_id == user.pk or record.written_by.filter(pk=user.pk or 0).exists()
    )


@rules.predicate
def has_cleared(user: User, record: Any) -> bool:
    """Gave the clearance on which the draft stands."""
    return record is not None and record.cleared_by_id == user.pk


@rules.predicate
def is_reviewer(user: User, record: Any) -> bool:
    """The reviewer whose assignment is still active, and who is a reviewer of its agency today."""
    assignment = getattr(record, "assignment", record)
    return (
        record is not None
        and assignment.reviewer_id == user.pk
        and assignment.status == AssignmentStatus.ACTIVE
        and user.holds(OfficeRole.REVIEWER, agency=record.agency.code)
        and may_evaluate.test(user, record.proposal)
    )


@rules.predicate
def asks_for_agency(user: User, record: Any) -> bool:
    """A program officer, or the lead of the agency in whose name it is asked."""
    return user.holds(OfficeRole.PROGRAM_OFFICER) or leads_agency.test(user, record)


@rules.predicate
def is_own_interest(user: User, interest: Any) -> bool:
    return interest is not None and interest.person_id == user.pk


@rules.predicate
def holds_an_office(user: User, record: Any) -> bool:
    return user.is_government


@rules.predicate
def is_ethics_official(user: User, record: Any) -> bool:
    """The ethics official of the agency that the record names."""
    return record is not None and user.holds(OfficeRole.ETHICS_OFFICIAL, agency=record.agency.code)


@rules.predicate
def is_person_of_case(user: User, case: Any) -> bool:
    """It is about the person themself, who holds an office."""
    return case is not None and case.person_id == user.pk and user.is_government


@rules.predicate
def settled_conflict(user: User, assignment: Any) -> bool:
    """Has recused the reviewer in a case of a conflict, with which every assignment to the proposal ends."""
    if assignment is None:
        return False
    return recused_by(user, assignment.proposal_id).filter(person=assignment.reviewer_id).exists()


@rules.predicate
def names_replacement(user: User, assignment: Any) -> bool:
    """The ethics official of the agency, where they recused a reviewer of it from the proposal."""
    if not is_ethics_official.test(user, assignment):
        return False
    return recused_by(user, assignment.proposal_id).filter(agency=assignment.agency_id).exists()


def recused_by(user: User, proposal: int) -> Any:
    """The cases on the proposal that ``user`` settled by a recusal."""
    cases = ConflictCase.objects.filter(proposal=proposal, status=ConflictCaseStatus.RECUSED)
    return cases.filter(decided_by=user.pk)


@rules.predicate
def acts_as_official(user: User, record: Any) -> bool:
    """Accepts, signs or clears by office, or for who holds it."""
    return acts_by_office(user)


@rules.predicate
def is_person_recused(user: User, recusal: Any) -> bool:
    return recusal is not None and recusal.user_id == user.pk


@rules.predicate
def leads_office_of(user: User, recusal: Any) -> bool:
    """Leads an agency in which the person to be recused holds an office."""
    if recusal is None:
        return False
    led = user.agencies_as(OfficeRole.LEAD)
    return bool(led) and recusal.user.offices.in_force().filter(agency__code__in=led).exists()


@rules.predicate
def speaks_for_anchor(user: User, record: Any) -> bool:
    """The anchor's administrator or authorized representative."""
    proposal = proposal_of(record)
    return (
        proposal is not None
        and TeamMember.objects.of(user)
        .filter(
            membership__consortium=proposal.consortium_id,
            membership__is_anchor=True,
            role__in=CONSORTIUM_ROLES,
        )
        .exists()
    )


@rules.predicate
def has_a_voice(user: User, record: Any) -> bool:
    """Takes part in the evaluation of the proposal, in another place than an auditor's."""
    proposal = proposal_of(record)
    return proposal is not None and discussed_by(user, writing=True).filter(pk=proposal.pk).exists()


@rules.predicate
def is_author(user: User, record: Any) -> bool:
    return record is not None and getattr(record, "author_id", None) == user.pk


@rules.predicate
def is_active_designation(user: User, designation: Any) -> bool:
    return designation is not None and designation.status == DesignationStatus.ACTIVE


for model in (
    "completenessreview", "namedparty", "screeningrun", "partycheck", "compliancecheck", "assignment",
    "review", "agencyscore", "referral", "position", "clockevent", "escalation", "escalationentry",
    "informationrequest", "determination", "announcement", "letter", "designation", "condition",
    "catalogentry", "catalogrelease", "discussioncomment", "designationamendment",
):  # fmt: skip
    permit(f"evaluation.view_{model}", is_listed)

# Intake and screening: the record asked about is the proposal, or the check
permit("evaluation.add_completenessreview", is_program_officer & stands_apart)
permit("evaluation.import_screeninglist", is_program_officer)
permit("evaluation.screen_version", (is_program_officer & stands_apart) | is_clock)
permit("evaluation.adjudicate_partycheck", is_program_officer & stands_apart)
permit("evaluation.weigh_compliancecheck", is_program_officer & stands_apart)

# A PDF that was set aside; the record asked about is the paper
permit("evaluation.remake_paper", is_program_officer & stands_apart)

# Assignment and review
permit("evaluation.add_assignment", (is_program_officer | leads_agency | names_replacement) & stands_apart)
permit(
    "evaluation.end_assignment",
    ((is_program_officer | leads_agency | is_reviewer) & stands_apart) | settled_conflict | is_clock,
)
permit("evaluation.change_reviewerprofile", is_program_officer | leads_agency)
permit("evaluation.name_reviewerprofile", is_program_officer)
permit("evaluation.change_reviewersneeded", is_program_officer | leads_agency)
permit("evaluation.declare_assignment", is_reviewer & stands_apart)
permit("evaluation.add_recusal", is_person_recused | ((is_program_officer | leads_office_of) & stands_apart))
permit("evaluation.change_review", is_reviewer & stands_apart)
permit("evaluation.submit_review", is_reviewer & stands_apart)
permit("evaluation.reopen_review", leads_agency & stands_apart)

# Discussion
permit("evaluation.add_discussioncomment", has_a_voice & stands_apart)
permit("evaluation.change_discussioncomment", is_author & is_listed & has_a_voice & stands_apart)

# What an ethics official is asked and decides
permit("evaluation.view_conflictcase", is_listed)
permit(
    "evaluation.add_conflictcase",
    is_person_of_case | ((is_program_officer | leads_agency | is_ethics_official) & stands_apart),
)
permit("evaluation.remind_conflictcase", is_clock)
permit("evaluation.clear_conflictcase", is_ethics_official & ~is_person_of_case & stands_apart)
permit(
    "evaluation.recuse_conflictcase",
    is_person_of_case | ((is_ethics_official | is_program_officer | leads_agency) & stands_apart),
)

# What a person in government declares about themself
permit("evaluation.view_officialdeclaration", is_listed)
permit("evaluation.add_officialdeclaration", acts_as_official & stands_apart)
permit("evaluation.view_interest", is_listed)
permit("evaluation.add_interest", is_own_interest & holds_an_office)
permit("evaluation.withdraw_interest", is_own_interest)
permit("evaluation.remind_interestconfirmation", is_clock)

# Consultation
permit("evaluation.add_referral", is_program_officer & stands_apart)
permit("evaluation.acknowledge_referral", leads_agency & stands_apart)
permit("evaluation.answer_referral", signs_for_agency & stands_apart)
permit("evaluation.keep_referral", is_program_officer & stands_apart)
permit("evaluation.lapse_referral", is_clock)
permit("evaluation.remind_referral", is_clock)
permit("evaluation.end_referral", is_clock)
permit("evaluation.reopen_referral", is_program_officer & stands_apart)
permit("evaluation.pause_referral", is_program_officer & stands_apart)
permit("evaluation.resume_referral", (is_program_officer & stands_apart) | is_clock)
permit("evaluation.escalate_position", is_clock)
permit("evaluation.change_escalation", is_program_officer & stands_apart)
permit("evaluation.remind_escalation", is_clock)
permit("evaluation.remind_informationrequest", is_clock)
permit("evaluation.add_informationrequest", asks_for_agency & stands_apart)
permit("evaluation.answer_informationrequest", is_on_team & ~is_recused)
permit("evaluation.draft_informationrequest", writes_for_consortium & ~is_recused)
permit("evaluation.withdraw_informationrequest", asks_for_agency & stands_apart)

# Determination and designation: written, cleared and signed by three
for written in ("determination", "designationamendment"):
    permit(f"evaluation.add_{written}", is_program_officer & stands_apart)
    permit(f"evaluation.change_{written}", is_program_officer & stands_apart)
    permit(f"evaluation.clear_{written}", is_program_officer & ~is_preparer & stands_apart)
    permit(
        f"evaluation.send_back_{written}",
        (is_program_officer | signs_determinations) & ~is_preparer & stands_apart,
    )
    permit(f"evaluation.sign_{written}", signs_determinations & ~is_preparer & ~has_cleared & stands_apart)
    permit(f"evaluation.recall_{written}", signs_determinations & stands_apart)
    permit(f"evaluation.announce_{written}", is_decision_official & stands_apart)
permit("evaluation.renew_determination", is_program_officer & stands_apart)
permit("evaluation.remind_determination", is_clock)
permit("evaluation.overtake_determination", is_clock)
permit("evaluation.undo_clearance_determination", is_clock)
permit("evaluation.suspend_designation", is_decision_official & stands_apart)
permit("evaluation.reinstate_designation", is_decision_official & stands_apart)
permit("evaluation.revoke_designation", is_decision_official & stands_apart)
permit("evaluation.expire_designation", is_clock)
permit("evaluation.remind_designation", is_clock)
permit("evaluation.drop_designationamendment", is_program_officer & stands_apart)
permit("evaluation.take_effect_designationamendment", (is_decision_official & stands_apart) | is_clock)
permit("evaluation.lapse_designationamendment", (is_decision_official & stands_apart) | is_clock)
permit("evaluation.release_designation", speaks_for_anchor & is_active_designation & ~is_recused)
permit("evaluation.publish_catalogrelease", is_program_officer & stands_apart)
permit("evaluation.return_catalogrelease", is_program_officer & stands_apart)
permit("evaluation.restore_catalogentry", is_program_officer & stands_apart)
permit("evaluation.withdraw_catalogrelease", speaks_for_anchor & ~is_recused)
permit("evaluation.meet_condition", is_program_officer & stands_apart)
permit("evaluation.remind_condition", is_clock)

"""A recusal takes every right on a proposal away: each rule is asked by name, a new one with them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from rules.permissions import permissions

from evaluation import services
from evaluation.models import Assignment, ComplianceCheck, InformationRequest, PartyCheck, Review
from evaluation.notice_kinds import LAPSED
from program import audit
from program.enums import DeliveryState, OfficeRole
from program.models import AuditEvent, Delivery, Notice, User
from program.notices import deliver, owe
from proposals.models import Recusal
from tests.evaluation.pages import page
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import ProposalFactory, RecusalFactory, representative_of

pytestmark = pytest.mark.django_db

# Rights on a list, a call, a company: no proposal stands behind them
WITHOUT_PROPOSAL = {
    "evaluation.import_screeninglist", "proposals.add_proposal",
    "evaluation.view_interest", "evaluation.add_interest", "evaluation.withdraw_interest",
    "evaluation.change_reviewerprofile", "evaluation.name_reviewerprofile",
    "evaluation.change_reviewersneeded",
}  # fmt: skip
# A person who is recused may still say so again, and reads what is decided about them
OWN = {
    "evaluation.add_recusal", "evaluation.view_conflictcase", "evaluation.add_conflictcase",
    "evaluation.recuse_conflictcase",
}  # fmt: skip
# Acts of the clock, which nobody recuses
CLOCKS = {
    "proposals.lapse_proposal", "proposals.remind_proposal", "proposals.note_loss_proposal",
    "evaluation.lapse_referral",
    "evaluation.escalate_position", "evaluation.overtake_determination",
    "evaluation.undo_clearance_determination",
    "evaluation.end_referral", "evaluation.remind_referral", "evaluation.remind_informationrequest",
    "evaluation.expire_designation", "evaluation.remind_condition", "evaluation.remind_determination",
    "evaluation.remind_designation", "evaluation.remind_escalation", "evaluation.remind_conflictcase",
    "evaluation.remind_interestconfirmation",
}  # fmt: skip


@pytest.fixture
def records():
    """Of each kind the records on which somebody holds a right; a new act begins at its proposal."""
    draft, inside = ProposalFactory(complete=True), make.accepted()
    assignment = make.assigned(inside)
    make.filled_review(assignment)
    case = services.ask_ethics_official(
        inside, person=make.reviewer("STATE"), agency=assignment.agency, by=make.lead("STATE"), text="A hint."
    )
    make.asked(inside)
    comment = services.write_comment(
        inside, by=assignment.reviewer, room="all_agencies", text="It is not secure.", sent_as=uuid4()
    )
    determination = make.signed(make.ready_to_sign(inside))
    designation = make.with_condition()
    amendment = make.signed_amendment(designation=designation)
    proposals = [draft, inside, designation.proposal]
    return {
        "proposal": proposals,
        "version": [make.version_of(inside)],
        "conflictcase": [case],
        "partycheck": [PartyCheck.objects.filter(run__version__proposal=inside).first()],
        "compliancecheck": [ComplianceCheck.objects.filter(run__version__proposal=inside).first()],
        "assignment": list(Assignment.objects.filter(proposal=inside)),
        "review": list(Review.objects.filter(assignment=assignment)),
        "referral": [make.referral_of(inside)],
        "informationrequest": list(InformationRequest.objects.filter(proposal=inside)),
        "determination": [determination],
        "designation": [designation],
        "discussioncomment": [comment],
        "designationamendment": [amendment],
    }


def people(records):
    proposals, assignment = records["proposal"], records["assignment"][0]
    return [
        *(representative_of(proposal) for proposal in proposals),
        officer(),
        officer(OfficeRole.AUDITOR),
        make.decision_official(),
        make.lead("STATE"),
        assignment.reviewer,
        officer(OfficeRole.EDAG_CHAIR, "STATE"),
        officer(OfficeRole.ETHICS_OFFICIAL, "STATE"),
    ]


def asked(records):
    """Every right on a proposal or on what belongs to one, with records to ask it of: else the proposals."""
    for name in sorted(permissions):
        app, _, right = name.partition(".")
        model = right.rpartition("_")[2]
        on_proposal = model == "proposal" if app == "proposals" else app == "evaluation"
        if on_proposal and name not in WITHOUT_PROPOSAL | OWN | CLOCKS:
            yield name, records.get(model, records["proposal"])


def holders(records, persons):
    """Who holds which right on which record, people as they are stored now."""
    now = [User.objects.get(pk=person.pk) for person in persons]
    return {
        (name, person.pk)
        for name, targets in asked(records)
        for target in targets
        for person in now
        if person.has_perm(name, target)
    }


def test_recused_people_hold_no_right_that_they_held(records):
    persons = people(records)
    held = holders(records, persons)
    unheld = {name for name, _ in asked(records)} - {name for name, _ in held}
    assert not unheld, f"Nobody here holds these, so the recusal proves nothing: {unheld}"
    for proposal in records["proposal"]:
        for person in persons:
            RecusalFactory(proposal=proposal, user=person)
    assert holders(records, persons) == set()


def test_recusal_takes_back_what_was_told_and_what_is_still_owed(mailoutbox):
    """Neither the list of notices nor a mail that was owed before names the proposal to who is recused."""
    proposal, other = make.accepted(), make.accepted()
    lead, desk = make.lead("STATE"), officer()
    for each in (proposal, other):
        referral = make.referral_of(each, "STATE")
        event = audit.record(referral, "referral.open", by=desk)
        owe(event, LAPSED, [lead, desk], url="/desk/", number=each.number, agency="State")
    services.recuse(proposal, person=lead, by=desk, reason="A cousin.")
    for pk in Delivery.objects.filter(state=DeliveryState.OWED).values_list("pk", flat=True):
        deliver(pk)
    closed = f"Proposal {proposal.number} is closed to you"
    titles = {notice.title for notice in Notice.objects.visible_to(lead)} - {closed}
    assert [other.number in title for title in titles] == [True]
    sent = [mail.subject for mail in mailoutbox if mail.to == [lead.email]]
    assert sum(closed in subject for subject in sent) == 1
    assert [other.number in subject for subject in sent if closed not in subject] == [True]
    dropped = Delivery.objects.get(notice__recipient=lead, notice__closed_at__isnull=False)
    assert (dropped.state, dropped.reason) == (
        DeliveryState.DROPPED,
        "The recipient may no longer read this.",
    )
    told = "\n".join(
        mail.subject for mail in mailoutbox if mail.to == [desk.email] and proposal.number in mail.subject
    )
    assert told.count(f"No response of State on {proposal.number}") == 1
    assert told.count(f"Nobody may sign for the Department of State on {proposal.number}") == 1


def test_why_somebody_is_recused_stands_with_the_recusal_and_in_no_history(client):
    """Between the person, who recused them and the ethics official; others read that it was."""
    proposal, reviewer, lead = make.accepted(), make.reviewer("STATE"), make.lead("STATE")
    make.assigned(proposal, person=reviewer)
    by, desk = officer(), officer()
    services.recuse(proposal, person=reviewer, by=by, reason="The spouse works for a supplier.")
    assert Recusal.objects.get(user=reviewer).reason == "The spouse works for a supplier."
    assert not [event for event in AuditEvent.objects.all() if "spouse" in event.body]
    for person in (desk, officer(OfficeRole.AUDITOR)):
        for name in ("proposal", "assignments"):
            shown = page(client, person, name, proposal.number).text
            assert "spouse" not in shown and str(reviewer) in shown
    assert "The spouse works" in page(client, by, "assignments", proposal.number).text
    assert "Describe no holding" in page(client, lead, "assignments", proposal.number).text
    assert "spouse" not in page(client, officer(OfficeRole.AUDITOR), "record").text


def test_the_reason_in_an_event_of_before_is_not_told(client):
    proposal, desk = make.accepted(), officer()
    audit.record(proposal, "proposal.recuse", by=desk, note="A cousin.", after={"person": "a@b.example"})
    assignment = make.assigned(proposal)
    audit.record(assignment, "assignment.end", by=desk, note="Recused: A cousin.")
    assert "A cousin." not in page(client, desk, "proposal", proposal.number).text

"""Who changed agency reads and scores for the old one no more, and what was assigned to them ends."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from evaluation import services
from evaluation.models import AgencyScore, Assignment, Referral, Review
from evaluation.querysets.interests import owes_declaration
from program import clock
from program.enums import OfficeRole
from program.models import Agency, AuditEvent, Notice, Office, User
from program.services import people
from proposals.models import Proposal, Recusal, Version
from tests.evaluation.pages import sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import ProposalFactory

pytestmark = pytest.mark.django_db


def now(person):
    """The person as the next request reads them."""
    return User.objects.get(pk=person.pk)


def appoint(person, agency, role=OfficeRole.REVIEWER):
    return people.appoint(
        person, agency=Agency.objects.get(code=agency), role=role, by=officer(), confirmed_by=officer()
    )


def lapse(person, agency):
    """The office is over by its day, and nobody has ended it by hand: its assignments still stand."""
    rows = Office.objects.filter(user=person, agency__code=agency)
    rows.update(effective_from="2026-01-01", effective_to=clock.today())


@pytest.fixture
def moved():
    """An assignment for State of somebody who is a reviewer of Energy by now, with a sheet begun."""
    proposal = make.accepted()
    assignment = make.assigned(proposal, "STATE")
    make.filled_review(assignment)
    appoint(assignment.reviewer, "DOE")
    return assignment


def addresses(assignment):
    """Every page of the proposal that its reviewer opens."""
    proposal, review = assignment.proposal, assignment.reviews.get()
    return [
        reverse("evaluation:proposal", args=[proposal.number]),
        reverse("evaluation:assignment", args=[assignment.pk]),
        reverse("evaluation:review", args=[review.pk]),
        reverse("evaluation:position", args=[make.referral_of(proposal, "STATE").pk]),
        reverse("evaluation:discussion", args=[proposal.number]),
    ]


def test_an_office_that_is_over_opens_nothing_in_the_name_of_its_agency(moved, client):
    person, proposal, sheet = moved.reviewer, moved.proposal, moved.reviews.get()
    sign_in(client, person)
    assert {client.get(address, follow=True).status_code for address in addresses(moved)} == {200}

    lapse(person, "STATE")

    assert moved.status == "active"
    reader = now(person)
    for model in (Proposal, Version, Assignment, Review, Referral):
        assert not model.objects.visible_to(reader).exists(), model
    assert not reader.has_perm("proposals.evaluate_proposal", proposal)
    assert not reader.has_perm("proposals.view_proposal", proposal)
    assert {client.get(address).status_code for address in addresses(moved)} == {404}
    with pytest.raises(PermissionDenied):
        services.save_review(sheet, by=reader, values={"rationale": "For Energy."}, revision=None)
    with pytest.raises(PermissionDenied):
        services.submit_review(sheet, by=reader)
    with pytest.raises(PermissionDenied):
        services.open_review(moved, by=reader)
    assert not AgencyScore.objects.exists()


def test_who_leads_an_agency_by_now_has_no_sheet_for_the_other(moved, client):
    """A lead reads every accepted proposal, and still nothing of what they wrote as State's reviewer."""
    person, sheet = moved.reviewer, moved.reviews.get()
    lapse(person, "STATE")
    appoint(person, "DOE", OfficeRole.LEAD)
    reader = now(person)
    assert list(Proposal.objects.visible_to(reader)) == [moved.proposal]
    assert not Review.objects.visible_to(reader).exists()
    assert not Assignment.objects.visible_to(reader).exists()
    sign_in(client, person)
    assert client.get(reverse("evaluation:review", args=[sheet.pk])).status_code == 404
    assert client.get(reverse("evaluation:assignment", args=[moved.pk])).status_code == 404
    page = client.get(reverse("evaluation:proposal", args=[moved.proposal.number]))
    assert page.context["my_assignment"] is None


def test_who_owes_a_declaration_for_another_agency_is_not_led_to_it_any_more(client):
    assignment = make.assigned(make.accepted(), "STATE", declared=False)
    person = assignment.reviewer
    appoint(person, "DOE", OfficeRole.LEAD)
    owing = Proposal.objects.filter(owes_declaration(now(person), "pk"))
    assert owing.exists()
    lapse(person, "STATE")
    assert not Proposal.objects.filter(owes_declaration(now(person), "pk")).exists()
    sign_in(client, person)
    address = reverse("evaluation:proposal", args=[assignment.proposal.number])
    assert client.get(address).status_code == 200


def test_an_office_that_ends_ends_its_assignments_and_tells_who_names_another(moved):
    person, proposal, lead = moved.reviewer, moved.proposal, make.lead("STATE")
    desk = officer()

    people.end_office(person.offices.get(agency__code="STATE"), by=desk)

    moved.refresh_from_db()
    assert (moved.status, moved.ended_reason) == (
        "ended", f"{person} is not a reviewer of {moved.agency} any more.",
    )  # fmt: skip
    event = AuditEvent.objects.of(moved).last()
    assert (event.act, event.actor.is_service, event.said["note"]) == (
        "assignment.end", True, moved.ended_reason,
    )  # fmt: skip
    assert not now(person).has_perm("proposals.evaluate_proposal", proposal)
    told = Notice.objects.filter(event=event).values_list("recipient", "kind")
    assert set(told) == {
        (person.pk, "evaluation.unassigned"), (lead.pk, "evaluation.reviewer_left"),
    }  # fmt: skip


def test_what_was_submitted_for_the_old_agency_still_counts(moved):
    person = moved.reviewer
    services.submit_review(moved.reviews.get(), by=person)
    people.end_office(person.offices.get(agency__code="STATE"), by=officer())
    assert {score.sheet_count for score in AgencyScore.objects.all()} == {1}


def test_an_officer_who_is_recused_from_one_of_the_proposals_ends_the_office_too(moved):
    desk = officer()
    services.recuse(moved.proposal, person=desk, by=desk, reason="A cousin.")
    people.end_office(moved.reviewer.offices.get(agency__code="STATE"), by=desk)
    moved.refresh_from_db()
    assert moved.status == "ended"


def test_other_offices_of_the_person_keep_their_assignments(moved):
    """Of a reviewer of two agencies the one that goes on keeps the proposal open, with its own sheet."""
    person, proposal = moved.reviewer, moved.proposal
    other = make.assigned(proposal, "DOE", person=now(person))
    appoint(person, "STATE", OfficeRole.LEAD)

    people.end_office(person.offices.get(agency__code="STATE", role=OfficeRole.LEAD), by=officer())
    assert set(Assignment.objects.active()) == {moved, other}

    people.end_office(person.offices.get(agency__code="STATE", role=OfficeRole.REVIEWER), by=officer())
    reader = now(person)
    assert list(Assignment.objects.active()) == [other]
    assert list(Assignment.objects.visible_to(reader)) == [other]
    assert reader.has_perm("proposals.evaluate_proposal", proposal)
    assert {row.agency.code for row in Referral.objects.visible_to(reader)} == {"DOE"}
    services.submit_review(make.filled_review(other), by=reader)
    assert {score.agency.code for score in AgencyScore.objects.all()} == {"DOE"}
    with pytest.raises(PermissionDenied):
        services.submit_review(moved.reviews.get(), by=reader)


def test_a_decided_proposal_asks_for_nobody_instead(moved):
    Proposal.objects.filter(pk=moved.proposal_id).update(status="not_selected")
    make.lead("STATE")
    people.end_office(moved.reviewer.offices.get(agency__code="STATE"), by=officer())
    moved.refresh_from_db()
    assert moved.status == "ended"
    assert not Notice.objects.filter(kind="evaluation.reviewer_left").exists()


def test_nothing_else_ends():
    other = make.assigned(make.accepted(), "STATE")
    person = make.reviewer("STATE")
    people.end_office(person.offices.get(), by=officer())
    assert list(Assignment.objects.active()) == [other]
    assert not Recusal.objects.exists()
    assert ProposalFactory().status == "draft"

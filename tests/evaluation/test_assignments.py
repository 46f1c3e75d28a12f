"""Who reviews for an agency: assigned, declared, recused and replaced."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from evaluation import services
from evaluation.models import AgencyScore, Assignment
from program.models import Notice, User
from program.transitions import NotReady
from proposals.models import Recusal
from tests.evaluation.pages import page, press
from tests.evaluation.refusals import codes
from tests.factories import evaluation as make
from tests.factories.program import CriterionFactory, officer

pytestmark = pytest.mark.django_db


def test_recused_reviewer_is_offered_nowhere(client):
    desk, proposal = officer(), make.accepted()
    person, other = make.reviewer(), make.reviewer()
    services.recuse(proposal, person=person, by=desk, reason="A share in the anchor.")
    shown = page(client, desk, "assignments", proposal.number).context
    offered = set(shown["assign_form"].fields["reviewer"].queryset)
    assert (person in offered, other in offered) == (False, True)
    assert person not in shown["recuse_form"].fields["replacement"].queryset


def test_assignments_page_assigns_and_recuses(client):
    desk, proposal, person = officer(), make.accepted(), make.reviewer()
    agency = make.AgencyFactory(code="STATE")
    press(
        client,
        desk,
        "reviewer-assign",
        proposal.number,
        **{"assign-agency": agency.pk, "assign-reviewer": person.pk},
    )
    shown = page(client, desk, "assignments", proposal.number)
    assert shown.status_code == 200 and f"{person}, {agency.display_name}" in shown.text
    assert proposal.assignments.get().reviewer == person
    press(
        client,
        desk,
        "person-recuse",
        proposal.number,
        **{"recuse-person": person.pk, "recuse-reason": "Cousin."},
    )
    assert proposal.recusals.get().user == person
    assert page(client, person, "proposal", proposal.number).status_code == 404


def test_refusals_about_reviewers_stand_beside_their_fields(client):
    desk, proposal, person = officer(), make.accepted(), make.reviewer()
    sent = {"recuse-person": person.pk, "recuse-reason": " "}
    refused = press(client, desk, "person-recuse", proposal.number, **sent)
    assert refused.context["recuse_form"].errors == {"reason": ["Give the reason for the recusal."]}
    assert 'href="#id_recuse-reason"' in refused.text
    assignment = make.assigned(proposal, person=person, by=desk)
    refused = press(client, desk, "assignment-end", proposal.number, assignment.pk, reason="")
    assert f'href="#id_end_{assignment.pk}"' in refused.text
    assert f'aria-describedby="end_{assignment.pk}_error"' in refused.text


def test_only_a_reviewer_of_the_agency_is_assigned():
    proposal, desk = make.accepted(), officer()
    state = make.AgencyFactory(code="STATE")
    wrong = {"reviewer": make.reviewer("DOE"), "agency": state}
    with pytest.raises(NotReady) as refusal:
        services.assign_reviewer(proposal, **wrong, by=desk)
    with pytest.raises(PermissionDenied):
        services.assign_reviewer(proposal, reviewer=make.reviewer(), agency=state, by=make.lead("DOE"))
    assignment = services.assign_reviewer(
        proposal, reviewer=make.reviewer(), agency=state, by=make.lead("STATE")
    )
    assert codes(refusal) == {"not-reviewer"}
    with pytest.raises(NotReady) as twice:
        services.assign_reviewer(proposal, reviewer=assignment.reviewer, agency=state, by=desk)
    assert codes(twice) == {"assigned"}


def test_nobody_reads_before_the_declaration_and_a_conflict_recuses():
    proposal = make.accepted()
    assignment = make.assigned(proposal, declared=False)
    with pytest.raises(NotReady):
        services.open_review(assignment, by=assignment.reviewer)

    services.declare_conflict(
        assignment, by=assignment.reviewer, has_conflict=True, text="I worked for the anchor."
    )

    assert Recusal.objects.get().user == assignment.reviewer
    person = User.objects.get(pk=assignment.reviewer_id)
    assert not person.has_perm("proposals.evaluate_proposal", proposal)
    assignment.refresh_from_db()
    assert assignment.status == "ended"


def test_a_recusal_tells_the_reviewer_that_it_is_closed_and_the_leads_to_name_another():
    assignment, lead = make.assigned(make.accepted()), make.lead("STATE")
    services.recuse(assignment.proposal, person=assignment.reviewer, by=officer(), reason="Cousin.")
    told = Notice.objects.filter(kind__in=["evaluation.unassigned", "evaluation.reviewer_recused"])
    assert set(told.values_list("recipient", "kind")) == {
        (assignment.reviewer_id, "evaluation.unassigned"),
        (lead.pk, "evaluation.reviewer_recused"),
    }


def test_a_recused_reviewer_is_replaced_from_the_same_agency_and_counts_no_more():
    proposal = make.accepted()
    CriterionFactory(call=proposal.call)
    assignment, desk = make.assigned(proposal), officer()
    services.submit_review(make.filled_review(assignment), by=assignment.reviewer)
    assert AgencyScore.objects.first().sheet_count == 1
    with pytest.raises(NotReady):
        services.recuse(
            proposal, person=assignment.reviewer, by=desk, reason="Cousin.", replacement=make.reviewer("DOE")
        )
    assert not Recusal.objects.exists()
    other = make.reviewer("STATE")

    services.recuse(proposal, person=assignment.reviewer, by=desk, reason="Cousin.", replacement=other)

    assert proposal.assignments.get(status="active").reviewer == other
    assert AgencyScore.objects.first().sheet_count == 0


def test_a_reviewer_who_is_recused_after_the_assignment_ended_counts_no_more():
    proposal, desk = make.accepted(), officer()
    CriterionFactory(call=proposal.call)
    of_state, of_doe = make.assigned(proposal, "STATE"), make.assigned(proposal, "DOE")
    for assignment in (of_state, of_doe):
        services.submit_review(make.filled_review(assignment), by=assignment.reviewer)
    services.end_assignment(of_state, by=desk, reason="The lead reads it.")
    before = set(AgencyScore.objects.values_list("agency__code", "sheet_count"))

    services.recuse(proposal, person=of_state.reviewer, by=desk, reason="Cousin.")

    assert before == {("STATE", 1), ("DOE", 1)}
    kept = AgencyScore.objects.values_list("agency__code", "sheet_count", "mean")
    assert set(kept) == {("STATE", 0, None), ("DOE", 1, 4)}


def test_nobody_replaces_themself():
    assignment, desk = make.assigned(make.accepted()), officer()
    person = assignment.reviewer
    with pytest.raises(NotReady, match="Name somebody else in the place of"):
        services.recuse(
            assignment.proposal, person=person, by=desk, reason="A former employer.", replacement=person
        )
    assert Assignment.objects.active().filter(reviewer=person).exists()


def test_page_of_a_decided_proposal_asks_for_no_reviewer(client):
    proposal, lead = make.accepted(), make.lead()
    make.assigned(proposal)
    asks = ("Assign a reviewer", "Suggest reviewers", "Why it ends")
    shown = page(client, lead, "assignments", proposal.number).text
    assert [words in shown for words in asks] == [True] * 3
    make.designated(proposal=proposal)
    shown = page(client, lead, "assignments", proposal.number).text
    assert [words in shown for words in asks] == [False] * 3
    assert "no reviewer is assigned or released any more" in shown and "Recuse a person" in shown

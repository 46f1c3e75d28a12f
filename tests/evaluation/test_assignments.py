"""Who reviews for an agency: assigned, declared, recused and replaced."""

from __future__ import annotations

import pytest

from evaluation import services
from tests.evaluation.pages import page, press
from tests.factories import evaluation as make
from tests.factories.program import officer

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

"""What the consortium's pages say of what happens here: its designation, open questions, corrections."""

from __future__ import annotations

import pytest
from django.urls import reverse

from evaluation import services
from tests.evaluation.test_pages import sign_in
from tests.factories import evaluation as make
from tests.factories.program import RequirementFactory, officer
from tests.factories.proposals import representative_of
from tests.statements import statements

pytestmark = pytest.mark.django_db


def shown(client, proposal, name="detail"):
    sign_in(client, representative_of(proposal))
    return client.get(reverse(f"proposals:{name}", args=[] if name in ("list", "tasks") else [proposal.pk]))


@pytest.mark.parametrize(
    ("act", "words", "heading"),
    [
        ("suspend", "is suspended. Federal tools are not matched", "Designation suspended"),
        ("revoke", "was revoked.", "Designation revoked"),
    ],
)
def test_consortium_reads_how_its_designation_stands(client, act, words, heading):
    by = make.decision_official()
    designation = make.designated(by=by)
    getattr(services, f"{act}_designation")(designation, by=by, reason="The end user was listed.")
    for name in ("list", "detail"):
        text = shown(client, designation.proposal, name).content.decode()
        assert f"Designation {designation.number} {words}" in text
        assert "Federal tools are matched and referred" not in text
    assert heading in text
    assert "Determination 1" not in text


def test_list_asks_once_for_all_designations(client):
    designation = make.designated()
    shown(client, designation.proposal, "list")
    with statements() as sent:
        client.get(reverse("proposals:list"))
    assert len([one for one in sent if 'FROM "evaluation_' in one]) == 2


def test_question_stands_on_the_overview_and_the_list_with_its_date(client):
    proposal = make.accepted()
    make.asked(proposal)
    link = f"{reverse('evaluation:questions', args=[proposal.pk])}#question-"
    detail = shown(client, proposal).content.decode()
    assert link in detail
    assert "Answer question 1 by" in detail
    assert "Answer question 1 by" in shown(client, proposal, "list").content.decode()


def test_returned_items_are_named_where_the_consortium_corrects_them(client):
    by, proposal = officer(), make.at_intake()
    requirement = RequirementFactory(call=proposal.call)
    make.screened(proposal, by)
    make.reviewed(proposal, by)
    services.review_completeness(
        make.version_of(proposal), requirement, by=by, finding="deficient", reason="The data center is unnamed."
    )
    services.return_proposal(proposal, by=by)
    for name in ("detail", "review"):
        text = shown(client, proposal, name).content.decode()
        assert "The data center is unnamed." in text
        assert requirement.title in text

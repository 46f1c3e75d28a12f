"""What a page and an act of the consortium cost: one number of statements, whatever the size."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.factories.proposals import ProposalFactory, certified, representative_of
from tests.proposals import pages
from tests.proposals.pages import address, autosave, row_url, sign_in

pytestmark = pytest.mark.django_db

proposal = pages.proposal
member = pages.member
contributor = pages.contributor
component = pages.component


def test_list_says_what_happens_now_with_a_fixed_number_of_statements(
    client, member, proposal, django_assert_num_queries
):
    sign_in(client, member)
    client.get(reverse("proposals:list"))
    for number in (1, 3):
        with django_assert_num_queries(LIST_STATEMENTS):
            response = client.get(reverse("proposals:list"))
        assert len(response.context["rows"]) == number
        if number == 1:
            for _ in range(2):
                ProposalFactory(consortium=proposal.consortium)
    assert "The consortium is working on the package." in response.content.decode()


#: Session, person, offices, proposals, the clock, unread notices.
LIST_STATEMENTS = 6


def counted(captured):
    """Statements without those that only frame transactions."""
    frames = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
    return [query["sql"] for query in captured if not query["sql"].startswith(frames)]


def test_saving_one_row_takes_at_most_eight_statements(
    client, proposal, contributor, component, django_assert_max_num_queries
):
    """With session, person and the session's renewal, as design.md section 13 asks."""
    sign_in(client, contributor)
    key = component.key
    data = {
        f"{key}-name": "N",
        f"{key}-supplier": component.supplier_id,
        f"{key}-jurisdiction": "ear",
        "revision": "1",
    }
    with django_assert_max_num_queries(100) as captured:
        assert autosave(client, row_url(proposal, component), **data).status_code == 200
    statements = counted(captured)
    assert len(statements) <= 8, "\n".join(statements)


def test_submitting_takes_the_same_number_of_statements_for_any_size(
    client, places, django_assert_max_num_queries
):
    """With session, person and fresh sign-in; composing the package reads each kind of row once."""
    numbers = []
    for extra in (0, 20):
        proposal = ProposalFactory(complete=True)
        member, row = representative_of(proposal), proposal.components.filter(layer="models").get()
        for _ in range(extra):
            row.pk = None
            row.save()
        sign_in(client, member, fresh=True)
        certified(proposal, member)
        with django_assert_max_num_queries(200) as captured:
            assert client.post(address("submit", proposal)).url == address("receipt", proposal)
        numbers.append(len(counted(captured)))
    assert len(set(numbers)) == 1
    assert numbers[0] <= SUBMIT_STATEMENTS


#: Of the whole request; design.md section 13 asks the act itself to take 20.
SUBMIT_STATEMENTS = 29

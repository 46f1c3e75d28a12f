"""What a page costs: one literal number of statements, with one row and with three."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from program.enums import OfficeRole
from tests.evaluation.pages import sign_in
from tests.factories import evaluation as make
from tests.factories.program import CriterionFactory, officer
from tests.statements import statements

pytestmark = pytest.mark.django_db
# Every page reads session, person, offices and notices; the session's end was written by the page before.
RECORD_STATEMENTS = 9


@pytest.mark.parametrize("rows", [1, 3])
def test_record_costs_the_same_whatever_its_length(client, warm, rows, django_assert_num_queries):
    auditor = officer(OfficeRole.AUDITOR)
    for _ in range(rows):
        make.accepted()
    sign_in(client, auditor)
    client.get(reverse("evaluation:record"), {"act": "proposal.accept"})
    with django_assert_num_queries(RECORD_STATEMENTS):
        shown = client.get(reverse("evaluation:record"), {"act": "proposal.accept"})
    assert len(shown.context["events"]) == rows


def test_record_costs_no_more_for_many_kinds_and_reads_no_package(client, warm):
    auditor = officer(OfficeRole.AUDITOR)
    sign_in(client, auditor)
    client.get(reverse("evaluation:record"))
    make.signed()
    with CaptureQueriesContext(connection) as ran:
        shown = client.get(reverse("evaluation:record"))
    kinds = {entry["event"].subject_type for entry in shown.context["events"]}
    assert {"evaluation.referral", "evaluation.determination", "proposals.proposal"} <= kinds
    assert len(ran) == RECORD_STATEMENTS
    assert not [query["sql"] for query in ran if '"package"' in query["sql"]]


@pytest.mark.parametrize("rows", [1, 3])
def test_desk_costs_the_same_whatever_its_length(client, warm, rows, django_assert_num_queries):
    person = make.lead()
    for _ in range(rows):
        make.filed(make.accepted(), "STATE")
    sign_in(client, person)
    client.get(reverse("evaluation:desk"))
    with django_assert_num_queries(10):
        response = client.get(reverse("evaluation:desk"))
    assert response.status_code == 200
    assert len(response.context["lines"]) == rows


def test_reader_with_score_sheet_costs_nine_statements(client, warm, django_assert_num_queries):
    assignment = make.assigned(make.accepted())
    address = reverse("evaluation:review", args=[make.filled_review(assignment).pk])
    sign_in(client, assignment.reviewer)
    client.get(address)
    with django_assert_num_queries(9):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("rows", [1, 3])
def test_catalog_costs_one_statement_until_a_change(client, warm, rows, django_assert_num_queries):
    for _ in range(rows):
        make.published(make.designated())
    with django_assert_num_queries(3):
        response = client.get(reverse("evaluation:catalog"))
    assert len(response.context["cards"]) == rows
    with django_assert_num_queries(1):
        client.get(reverse("evaluation:catalog"))


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    ("name", "count"),
    [("intake", 10), ("screening", 11), ("compliance-list", 6), ("determinations", 5), ("designations", 6)],
)
def test_lists_of_the_desk_cost_the_same_for_one_row_and_three(
    client, warm, rows, name, count, django_assert_num_queries
):
    desk, chief = officer(), make.decision_official()
    for _ in range(rows):
        if name == "intake":
            make.at_intake()
        elif name in ("screening", "compliance-list"):
            make.flagged(make.at_intake(), desk)
        else:
            make.designated(by=chief)
    sign_in(client, desk)
    client.get(reverse(f"evaluation:{name}"))
    with django_assert_num_queries(count):
        response = client.get(reverse(f"evaluation:{name}"))
    listed = {"intake": "proposals", "screening": "checks", "compliance-list": "checks"}.get(name, name)
    assert len(response.context[listed]) % rows == 0
    assert response.context[listed]


@pytest.mark.django_db(transaction=True)  # an act is no savepoint of the test, so that its own are counted
def test_page_that_submits_a_score_sheet_costs_twelve_statements(client, warm):
    proposal = make.accepted()
    CriterionFactory.create_batch(3, call=proposal.call)
    make.lead("STATE")
    assignment = make.assigned(proposal)
    sheet = make.filled_review(assignment)
    sign_in(client, assignment.reviewer)
    client.get(reverse("evaluation:review", args=[sheet.pk]))
    with statements(savepoints=True) as sent:
        response = client.post(reverse("evaluation:review-submit", args=[sheet.pk]))
    assert (response.status_code, response.url) == (302, reverse("evaluation:review", args=[sheet.pk]))
    assert len(sent) == 12, "\n".join(sent)

"""Who goes first by a standing rule is assigned with the acceptance, unless something stands against it."""

from __future__ import annotations

import pytest

from evaluation import services
from evaluation.models import Assignment
from program.models import AuditEvent, Notice
from proposals.enums import Sector
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import RecusalFactory

pytestmark = pytest.mark.django_db
#: The sector of the applications in every package of the factories, and one that none has
PRESENT, ABSENT = Sector.HEALTHCARE, Sector.AGRICULTURE


@pytest.fixture
def state(db):
    return {agency.code: agency for agency in make.five_agencies()}["STATE"]


def named(state, sector=PRESENT, capacity=None, agency="STATE"):
    person = make.reviewer(agency)
    services.describe_reviewer(
        person, agency=state, by=officer(), capacity=capacity, expertise=[], named_for=[str(sector)]
    )
    return person


def test_who_goes_first_is_assigned_with_the_acceptance_and_told(state):
    first, _ = named(state), named(state, ABSENT)
    make.reviewer()
    desk = officer()
    proposal = make.accepted(desk)
    assignment = Assignment.objects.get(proposal=proposal)
    assert (assignment.reviewer, assignment.agency, assignment.assigned_by) == (first, state, desk)
    event = AuditEvent.objects.of(assignment).get(act="assignment.assign")
    assert event.said["note"] == f"By the standing rule of who goes first for: {PRESENT.label}."
    assert Notice.objects.filter(recipient=first, kind="evaluation.assigned").count() == 1


def test_no_more_than_the_agency_needs_and_who_has_least_before_others(state):
    busy, free = named(state), named(state)
    make.assigned(make.at_intake(), person=busy)
    assert [row.reviewer for row in Assignment.objects.filter(proposal=make.accepted())] == [free]


@pytest.mark.parametrize("why", ["full", "hint", "no rule"])
def test_nobody_is_assigned_by_rule_where_something_stands_against_it(state, why):
    person = named(state, ABSENT if why == "no rule" else PRESENT, capacity=0 if why == "full" else None)
    proposal = make.at_intake()
    if why == "hint":
        member = proposal.consortium.anchor.organization.legal_name
        services.declare_interest(by=person, kind="holding", whose="own", name=member)
    make.accept(proposal, officer())
    assert not Assignment.objects.exists()


def test_who_is_recused_is_assigned_by_no_rule(state):
    person, proposal = named(state), make.at_intake()
    RecusalFactory(proposal=proposal, user=person)
    make.accept(proposal, officer())
    assert not Assignment.objects.exists()

"""Intake: what is accepted opens five consultations, what bars it, and what is returned until when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from evaluation import services
from evaluation.checks import has_no_blocked_party
from evaluation.models import CompletenessReview, Referral, Return, ScreeningEntry
from program import clock
from program.deadlines import Period, end_of_day, next_business_day
from program.models import Call, Closure, Notice, Requirement
from program.transitions import NotReady, WrongStatus
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from tests.evaluation.refusals import codes
from tests.factories import evaluation as make
from tests.factories.program import RequirementFactory, officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def test_acceptance_opens_five_consultations_on_exactly_this_version():
    proposal = make.accepted()
    referrals = Referral.objects.filter(version=make.version_of(proposal))
    assert sorted(referrals.values_list("agency__code", flat=True)) == sorted(make.EVALUATING)
    due = {referral.due_at for referral in referrals}
    assert len(due) == 1
    assert due.pop() - clock.now() > timedelta(days=proposal.call.consultation_days - 1)


def test_acceptance_pressed_twice_is_done_once():
    proposal = make.accepted()
    with pytest.raises(WrongStatus):
        services.accept_proposal(proposal, by=officer())
    assert Referral.objects.count() == 5


@pytest.mark.parametrize("person", [make.lead, make.reviewer, make.decision_official])
def test_only_a_program_officer_accepts(person):
    with pytest.raises(PermissionDenied):
        services.accept_proposal(make.at_intake(), by=person())


def test_a_confirmed_match_on_a_blocking_list_stops_acceptance():
    desk = officer()
    check = make.flagged(proposal := make.at_intake(), desk)
    make.reviewed(proposal, desk)
    services.adjudicate(check, by=desk, outcome="confirmed", reason="Same address.")

    with pytest.raises(NotReady) as refusal:
        services.accept_proposal(proposal, by=desk)

    assert codes(refusal) == {"blocked-party"}
    assert Proposal.objects.get(pk=proposal.pk).status == ProposalStatus.SUBMITTED


@pytest.mark.parametrize(
    ("code", "bars"),
    [("DPL", True), ("SDN", True), ("EL", True), ("FSE", True), ("MEU", False), ("UVL", False), ("", False)],
)
def test_a_confirmed_match_bars_on_the_lists_that_the_rules_of_the_day_name(code, bars):
    desk = officer()
    check = make.flagged(proposal := make.at_intake(), desk)
    ScreeningEntry.objects.filter(pk=check.entry_id).update(list_code=code)
    services.adjudicate(check, by=desk, outcome="confirmed", reason="Same address.")
    found = {problem.code for problem in has_no_blocked_party(proposal)}
    assert found == ({"blocked-party"} if bars else set())


def test_acceptance_asks_for_a_finding_on_every_mandatory_requirement_and_a_screening():
    desk, proposal = officer(), make.at_intake()
    mandatory, optional = proposal.call.requirements.first(), RequirementFactory(call=proposal.call)
    Requirement.objects.filter(pk=optional.pk).update(is_mandatory=False)
    make.reviewed(proposal, desk)
    CompletenessReview.objects.filter(requirement__in=[mandatory, optional]).delete()
    with pytest.raises(NotReady) as untouched:
        services.accept_proposal(proposal, by=desk)
    make.screened(proposal, desk)
    make.new_version(proposal)
    with pytest.raises(NotReady) as of_old_version:
        services.accept_proposal(proposal, by=desk)
    make.accept(proposal, desk)

    every = proposal.call.requirements.filter(is_mandatory=True)
    assert codes(untouched) == {f"not-found-{mandatory.code}", "not-screened"}
    assert codes(of_old_version) == {"not-screened", *(f"not-found-{row.code}" for row in every)}
    assert Proposal.objects.get(pk=proposal.pk).status == ProposalStatus.UNDER_EVALUATION


def test_return_names_its_items_and_the_end_of_the_cure_period():
    desk, proposal = officer(), make.at_intake()
    version, requirement = make.version_of(proposal), proposal.call.requirements.first()
    make.reviewed(proposal, desk)
    make.screened(proposal, desk)
    with pytest.raises(NotReady) as nothing:
        services.return_proposal(proposal, by=desk)
    services.review_completeness(version, requirement, by=desk, finding="deficient", reason="Name the maker.")
    with pytest.raises(NotReady) as deficient:
        services.accept_proposal(proposal, by=desk)

    services.return_proposal(proposal, by=desk, note="One item.")

    assert codes(nothing) == {"nothing-deficient"}
    assert codes(deficient) == {f"deficient-{requirement.code}"}
    sent = Return.objects.get()
    assert [item["reason"] for item in sent.items] == ["Name the maker."]
    assert Proposal.objects.get(pk=proposal.pk).cure_due_at == sent.due_at
    assert (
        Notice.objects.filter(kind="proposals.returned", recipient=representative_of(proposal)).count() == 1
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        Return.objects.update(note="Other words.")


def returned(proposal, **of_call):
    """What is sent back when the call of ``proposal`` says so."""
    desk = officer()
    Call.objects.filter(pk=proposal.call_id).update(**of_call)
    proposal = Proposal.objects.get(pk=proposal.pk)
    requirement = proposal.call.requirements.first()
    services.review_completeness(
        make.version_of(proposal), requirement, by=desk, finding="deficient", reason="Name the maker."
    )
    services.return_proposal(proposal, by=desk)
    return Return.objects.get(proposal=proposal)


def test_the_cure_period_does_not_end_on_a_day_that_offices_are_closed():
    proposal = make.at_intake()
    facts = {"cure_days": 10, "rolls_forward": True, "closes_at": clock.now() - timedelta(hours=1)}
    counted = Period(10).due_after(clock.now()).due_on
    Closure.objects.create(day=counted, authority="OPM memorandum", counts_as_holiday=True)

    sent = returned(proposal, **facts)

    assert sent.due_at == end_of_day(next_business_day(counted + timedelta(days=1)))
    assert sent.due_rule == Period(10).rule_text


def test_a_return_states_the_rule_that_gave_its_date():
    closes_at = clock.now() + timedelta(days=80)
    sent = returned(make.at_intake(), cure_days=10, closes_at=closes_at, rule_text="Day 90 of the call.")
    assert sent.due_at == closes_at
    assert sent.due_rule == (
        "The time to submit ends later than its cure period of 10 calendar days. Day 90 of the call. "
        "(E.O. 14320 s.3(c); 1 CFR 18.17(b))"
    )

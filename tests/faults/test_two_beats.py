"""Two clocks at once, calls that close while submissions arrive (R13): once each, none lost."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from evaluation import services as evaluating
from evaluation.models import Referral
from evaluation.schedule import lapse_due_referrals
from financing.reference import load_tools
from financing.schedule import follow_designations
from program import clock, schedule
from program.clock_account import clock_account
from program.models import AuditEvent, Call, Notice, Reminder
from program.reference import load_reference_data
from program.schedule import close_due_calls
from program.transitions import NotReady, WrongStatus
from proposals import services
from proposals.models import Proposal, Version
from proposals.schedule import lapse_drafts, remind_teams
from tests.factories import evaluation as make
from tests.factories import financing
from tests.factories.program import issued_call
from tests.factories.proposals import ProposalFactory, certified, representative_of

pytestmark = pytest.mark.django_db(transaction=True)
BEATS = 4


@pytest.fixture(autouse=True)
def account(db):
    """The clock has its account before several beats ask for it."""
    make.five_agencies()
    return clock_account()


def at_once(*works):
    """Do all of ``works`` in threads that start together; return what they return."""
    start = threading.Barrier(len(works))

    def work(act):
        try:
            start.wait(10)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return [each.result(60) for each in [threads.submit(work, act) for act in works]]


def close_in(call, seconds):
    Call.objects.filter(pk=call.pk).update(closes_at=clock.instant() + timedelta(seconds=seconds))


def test_beats_at_once_close_each_call_and_lapse_each_draft_once():
    calls = [issued_call() for _ in range(3)]
    drafts = [ProposalFactory(call=call) for call in calls for _ in range(3)]
    for call in calls:
        close_in(call, -3600)
    closed = at_once(*[close_due_calls] * BEATS)
    lapsed = at_once(*[lapse_drafts] * BEATS)
    assert (sum(closed), sum(lapsed)) == (len(calls), len(drafts))
    assert set(Call.objects.values_list("status", flat=True)) == {"closed"}
    assert set(Proposal.objects.values_list("status", flat=True)) == {"lapsed"}
    events = AuditEvent.objects.filter(act__in=["call.close", "proposal.lapse"])
    once = Counter(events.values_list("subject_type", "subject_id", "act"))
    assert len(once) == len(calls) + len(drafts) and set(once.values()) == {1}
    told = Notice.objects.filter(kind="proposals.lapsed")
    assert told.count() == len(drafts) == told.values("event", "recipient").distinct().count()


def test_beats_at_once_remind_each_team_once():
    call = issued_call()
    close_in(call, 6 * 3600)
    teams = [ProposalFactory(call=call) for _ in range(4)]
    assert sum(at_once(*[remind_teams] * BEATS)) >= len(teams)
    told = Notice.objects.filter(kind="proposals.reminded")
    assert sorted(told.values_list("recipient", flat=True)) == sorted(team.created_by_id for team in teams)
    assert AuditEvent.objects.filter(act="proposal.remind").count() == len(teams) == Reminder.objects.count()


def test_beats_at_once_end_each_consultation_once():
    proposal = make.accepted()
    Referral.objects.update(due_at=clock.instant() - timedelta(hours=1))
    assert sum(at_once(*[lapse_due_referrals] * BEATS)) == len(make.EVALUATING)
    assert AuditEvent.objects.filter(act="referral.lapse").count() == len(make.EVALUATING)
    assert set(proposal.versions.get().referrals.values_list("status", flat=True)) == {"lapsed"}


def test_beats_at_once_suspend_each_open_referral_of_a_tool_once():
    load_reference_data()
    load_tools()
    referral = financing.referral("referred")
    evaluating.suspend_designation(referral.designation, by=make.decision_official(), reason="A member left.")
    assert sum(at_once(*[follow_designations] * BEATS)) == 1
    referral.refresh_from_db()
    assert referral.status == "suspended"
    assert AuditEvent.objects.of(referral).filter(act="toolreferral.suspend").count() == 1


def test_calls_that_close_while_submissions_arrive_lose_none(monkeypatch, settings):
    """Two calls close within a second of each other while sixteen submissions come in and two beats tick."""
    settings.LAPSE_GRACE_SECONDS = 1
    monkeypatch.setattr(schedule, "SETTLING", timedelta(milliseconds=300))
    calls = [issued_call(), issued_call()]
    proposals = [ProposalFactory(call=calls[number % 2], complete=True) for number in range(16)]
    for proposal in proposals:
        certified(proposal)
    people = [representative_of(proposal) for proposal in proposals]
    close_in(calls[0], 1.0)
    close_in(calls[1], 1.5)
    over = threading.Event()

    def submit(number):
        def press():
            over.wait(number * 0.16)
            try:
                return services.submit_proposal(
                    Proposal.objects.get(pk=proposals[number].pk), by=people[number]
                )
            except NotReady as refusal:
                return [problem.code for problem in refusal.problems]
            except WrongStatus:
                return ["late"]  # its draft had lapsed already

        return press

    def beat():
        for _ in range(30):
            close_due_calls()
            lapse_drafts()
            over.wait(0.15)

    outcomes = at_once(*[submit(number) for number in range(16)], beat, beat)[:16]
    received = [outcome for outcome in outcomes if isinstance(outcome, Version)]
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Version)]
    assert received and refused, "both sides of the deadline must be met, or nothing is shown"
    assert all(version.on_time and version.received_at < version.closes_at for version in received)
    assert all(codes == ["late"] for codes in refused), refused
    assert Version.objects.count() == len(received)
    lapse_drafts()
    states = Counter(Proposal.objects.values_list("status", flat=True))
    assert states == {"submitted": len(received), "lapsed": len(refused)}
    assert AuditEvent.objects.filter(act="call.close").count() == 2
    assert AuditEvent.objects.filter(act="proposal.submit").count() == len(received)
    assert AuditEvent.objects.filter(act="proposal.lapse").count() == len(refused)

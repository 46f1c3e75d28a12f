"""Wrong clocks, summer time (R11, R12): the database's clock decides, the deadline never drifts."""

from __future__ import annotations

import random
from copy import copy
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from zoneinfo import ZoneInfo

import pytest
import time_machine
from celery.schedules import crontab
from django.urls import reverse

from config.celery import app
from evaluation import schedule as evaluation
from evaluation.models import Designation, Referral
from evaluation.schedule import expire_due_designations, lapse_due_referrals
from financing import schedule as financing
from program import clock
from program import schedule as program
from program.clock_account import clock_account
from program.deadlines import call_clock, end_of_day, start_of_day
from program.models import AuditEvent, Call, Notice
from program.schedule import close_due_calls
from proposals import schedule as proposals
from proposals.models import Proposal, Version
from proposals.readiness import Candidate
from proposals.schedule import lapse_drafts
from tests.factories import evaluation as make
from tests.factories.program import issued_call
from tests.factories.proposals import ProposalFactory, certified, representative_of
from tests.faults.web import session_of, web_server

WASHINGTON = ZoneInfo("America/New_York")
NEAR = timedelta(minutes=3)


SHIFTS = {"ten minutes fast": 600, "ten minutes slow": -600, "an hour fast": 3600, "an hour slow": -3600}


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
@pytest.mark.django_db(transaction=True)
def test_wrong_clock_of_the_web_machine_decides_nothing(shift):
    """A fast clock would make the open call's proposal late, a slow one the closed call's in time."""
    opened, closed = ProposalFactory(complete=True), ProposalFactory(complete=True)
    for proposal in (opened, closed):
        certified(proposal)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=shift)):  # they signed in there, too
        sessions = [session_of(representative_of(each)) for each in (opened, closed)]
    at = clock.instant()
    Call.objects.filter(pk=opened.call_id).update(closes_at=at + NEAR)
    Call.objects.filter(pk=closed.call_id).update(closes_at=at - NEAR)
    with web_server(
        application="tests.faults.shifted:application", preload=False, SHIFT_SECONDS=str(shift)
    ) as web:
        answers = [
            web.ask("POST", reverse("proposals:submit", args=[proposal.pk]), session=session)
            for proposal, session in zip((opened, closed), sessions, strict=True)
        ]
        assert abs(wrong_by(web) - shift) < 60, "the web machine's clock is not wrong, so nothing is shown"
    assert (answers[0].status, answers[0].location) == (302, reverse("proposals:receipt", args=[opened.pk]))
    assert answers[1].status == 422
    version = Version.objects.get()
    assert (version.proposal, version.on_time) == (opened, True)
    assert abs((version.received_at - at).total_seconds()) < 60
    assert Proposal.objects.get(pk=closed.pk).status == "draft"


def wrong_by(web):
    """Seconds by which the server's own clock is ahead, as its session cookies tell."""
    line = HTTPConnection("127.0.0.1", web.port, timeout=10)
    line.request("GET", "/accounts/login/", headers={"Host": "localhost"})
    cookies = line.getresponse().headers.get_all("Set-Cookie")
    line.close()
    expires = next(
        part.partition("=")[2]
        for cookie in cookies
        for part in cookie.split("; ")
        if part.startswith("expires")
    )
    ahead = parsedate_to_datetime(expires) - datetime.now(UTC)
    return ahead.total_seconds() - 31_449_600  # the CSRF cookie lives for a year of 52 weeks


@pytest.mark.django_db
def test_thousand_decisions_under_wrong_clocks_are_right():
    proposal = ProposalFactory()
    chance, wrong = random.Random(14320), []
    for _ in range(1000):
        shift = timedelta(seconds=chance.uniform(-600, 600))
        with time_machine.travel(datetime.now(UTC) + shift, tick=True):
            at = clock.now()
            left = timedelta(microseconds=chance.choice([1, -1, 0]) * chance.randint(0, 600_000_000))
            Call.objects.filter(pk=proposal.call_id).update(closes_at=at + left)
            if Candidate(proposal).on_time != (left > timedelta(0)):
                wrong.append((shift, left))
    assert wrong == []


# Dates of issue


def holidays_of(year):
    """The legal public holidays of 5 U.S.C. 6103(a) as observed, counted here without any library."""

    def nth(month, weekday, number):
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))

    last_of_may = date(year, 5, 31)
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    moved = [
        day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0)) for day in [*fixed, date(year + 1, 1, 1)]
    ]
    floating = [
        nth(1, 0, 3), nth(2, 0, 3), last_of_may - timedelta(days=last_of_may.weekday()), nth(9, 0, 1),
        nth(10, 0, 2), nth(11, 3, 4),
    ]  # fmt: skip
    return {day for day in moved + floating if day.year == year}


def test_every_date_of_issue_from_2025_to_2035_has_its_deadline():
    """The 90th day, moved to the next business day, ends at midnight on the wall in Washington."""
    closed = set().union(*(holidays_of(year) for year in range(2025, 2038)))
    day, checked = date(2025, 1, 1), 0
    while day <= date(2035, 12, 31):
        due = day + timedelta(days=90)
        while due.weekday() >= 5 or due in closed:
            due += timedelta(days=1)
        stated = call_clock(day)
        wall = stated.closes_at.astimezone(WASHINGTON)
        assert (stated.issued_on, stated.day_90, stated.due_on) == (day, day + timedelta(days=90), due)
        assert (wall.date(), wall.hour, wall.minute, wall.second) == (due + timedelta(days=1), 0, 0, 0)
        assert (stated.closes_at - timedelta(microseconds=1)).astimezone(WASHINGTON).date() == due
        day, checked = day + timedelta(days=1), checked + 1
    assert checked == 4017


@pytest.mark.django_db
@pytest.mark.parametrize(
    "issued",
    ["2026-03-07T23:59:59", "2026-03-08T01:59:59", "2026-03-08T03:00:00",
     "2026-11-01T00:30:00", "2026-11-01T23:59:59", "2027-12-31T23:59:59"],
)  # fmt: skip
def test_issued_call_keeps_the_deadline_that_was_computed(issued):
    """The stored clock is the computed one, whatever the hour and the season of its issue: no drift."""
    moment = datetime.fromisoformat(issued).replace(tzinfo=WASHINGTON)
    call = issued_call(at=moment)
    call.refresh_from_db()
    stated = call_clock(moment.date())
    assert (call.issued_on, call.due_on, call.closes_at) == (moment.date(), stated.due_on, stated.closes_at)
    assert call.closes_at.astimezone(WASHINGTON).timetz().isoformat()[:8] == "00:00:00"


# A year of ticks

CHANGES = [date(2026, 3, 8), date(2026, 11, 1), date(2027, 3, 14), date(2027, 11, 7)]
TABLES = (program.SCHEDULE, proposals.SCHEDULE, evaluation.SCHEDULE, financing.SCHEDULE)
BY_THE_CLOCK = {
    name: entry["schedule"]
    for table in TABLES
    for name, entry in table.items()
    if isinstance(entry["schedule"], crontab)
}


def firings(schedule, begin, end):
    """The moments at which beat runs ``schedule``, asked as beat asks: what is left after the last time?"""
    moment = begin
    while True:
        schedule.nowfun = lambda moment=moment: moment
        moment += schedule.remaining_estimate(moment)
        if moment >= end:
            return
        yield moment


@pytest.mark.parametrize("changed", CHANGES, ids=str)
@pytest.mark.parametrize("name", BY_THE_CLOCK)
def test_beat_runs_each_task_as_often_on_a_day_of_change_as_on_any_other(name, changed):
    """The clock of beat is UTC: no hour is left out in March and none comes twice in November."""
    assert app.conf.timezone == "UTC"
    schedule = copy(BY_THE_CLOCK[name])
    schedule.app = app

    def runs(day):
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(seconds=1)
        return sum(1 for _ in firings(schedule, begin, begin + timedelta(days=1)))

    ordinary = runs(date(2026, 6, 10))
    assert ordinary in (1, 24, 288, 1440)
    assert runs(changed) == ordinary


@pytest.mark.django_db
@pytest.mark.parametrize("changed", CHANGES, ids=str)
def test_what_falls_due_on_a_day_of_change_happens_once(changed):
    """Ticks of every ten minutes around the hour that is left out or comes twice."""
    make.five_agencies()
    with clock.moved_to(datetime(2026, 1, 1, 12, tzinfo=UTC)):
        clock_account()
    proposal = ProposalFactory()
    referral = make.referral_of(make.accepted())
    due = start_of_day(changed) + timedelta(hours=1, minutes=30)
    assert (Call.objects.update(closes_at=due), Referral.objects.update(due_at=due)) == (2, 5)
    seen = []
    for minutes in range(-120, 180, 10):
        with clock.moved_to(due + timedelta(minutes=minutes)):
            done = (close_due_calls(), lapse_drafts(), lapse_due_referrals())
        if any(done):
            seen.append((minutes, done))
    assert seen == [(10, (2, 1, 5))]
    for subject, act in ((proposal.call, "close"), (proposal, "lapse"), (referral, "lapse")):
        events = [event for event in AuditEvent.objects.of(subject) if event.act.endswith(act)]
        assert len(events) == 1, subject
        told = Notice.objects.filter(event__in=events).values_list("recipient", flat=True)
        assert len(told) == len(set(told))


@pytest.mark.django_db
def test_designation_whose_last_day_is_one_of_change_ends_once_in_a_year_of_ticks():
    """It holds until midnight in Washington: hourly ticks around each change, fewer between."""
    designation = make.designated()
    last_day = date(2026, 11, 1)
    Designation.objects.filter(pk=designation.pk).update(expires_on=last_day)
    hours = [
        start_of_day(changed) + timedelta(hours=hour, minutes=5)
        for changed in CHANGES[:2]
        for hour in range(-3, 30)
    ]
    days = [datetime(2026, 1, 1, 12, 5, tzinfo=UTC) + timedelta(days=day) for day in range(0, 365, 5)]
    ended = []
    for moment in sorted(hours + days):
        with clock.moved_to(moment):
            if expire_due_designations():
                ended.append(moment)
    assert ended == [end_of_day(last_day) + timedelta(minutes=5)]
    assert AuditEvent.objects.filter(act__endswith="expire").count() == 1

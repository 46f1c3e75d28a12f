"""Screening in the background: asked for once, kept once, again by itself when it does not hold any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError

from evaluation import services
from evaluation.models import PartyCheck, ScreeningJob, ScreeningRun
from evaluation.schedule import screen_again, screen_parties, sweep_screenings
from evaluation.services import screening_jobs
from program import clock
from program.leases import LEASE
from program.models import AuditEvent
from program.transitions import NotReady
from proposals.models import Version
from tests.beside import act_while
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, officer

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(reference_data):
    return officer()


def last_version(proposal):
    return Version.objects.get(proposal=proposal, number=proposal.version_count)


def test_what_was_asked_for_is_screened_once(desk):
    proposal = make.at_intake()
    make.screening_list(desk)
    version = last_version(proposal)
    job = services.ask_for_screening(version, by=desk)

    assert services.ask_for_screening(version, by=officer()) == job
    assert not ScreeningRun.objects.exists()
    parties = screen_parties(job.pk)
    assert parties > 0
    assert (screen_parties(job.pk), sweep_screenings()) == (0, 0)

    run = ScreeningRun.objects.get()
    job.refresh_from_db()
    assert (job.run, job.done_count, job.party_count, job.failure) == (run, parties, parties, "")
    assert (run.run_by, run.party_count, run.checks.count()) == (desk, parties, parties)
    acts = AuditEvent.objects.filter(act__startswith="proposal.ask_screening")
    assert acts.count() == 1
    assert services.ask_for_screening(version, by=desk) != job


def test_only_who_may_screen_asks_and_there_is_a_list(desk):
    version = last_version(make.at_intake())
    with pytest.raises(NotReady, match="Import a screening list first"):
        services.ask_for_screening(version, by=desk)
    make.screening_list(desk)
    for person in (UserFactory(), make.lead(), make.decision_official()):
        with pytest.raises(PermissionDenied):
            services.ask_for_screening(version, by=person)
    assert not ScreeningJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_are_one_screening(desk):
    proposal = make.at_intake()
    make.screening_list(desk)
    version = last_version(proposal)
    second = act_while(
        lambda: services.ask_for_screening(version, by=officer()),
        lambda: services.ask_for_screening(version, by=desk),
    )
    assert second == ScreeningJob.objects.get()
    assert second.asked_by == desk


def test_a_worker_that_died_is_followed_by_another_without_a_second_run(desk, monkeypatch):
    proposal = make.at_intake()
    make.screening_list(desk)
    job = services.ask_for_screening(last_version(proposal), by=desk)
    compare = screening_jobs.compare_parties

    def dies(version, progress):
        progress(0, 7)
        progress(3, 7)
        raise OperationalError("the worker was killed here")

    monkeypatch.setattr(screening_jobs, "PULSE_SECONDS", 0)
    monkeypatch.setattr(screening_jobs, "compare_parties", dies)
    with pytest.raises(OperationalError):
        screen_parties(job.pk)
    monkeypatch.setattr(screening_jobs, "compare_parties", compare)
    job.refresh_from_db()
    assert (job.done_count, job.party_count, job.finished_at) == (3, 7, None)
    assert (sweep_screenings(), ScreeningRun.objects.count()) == (0, 0)

    with clock.moved_to(clock.instant() + LEASE + timedelta(seconds=1)):
        assert (sweep_screenings(), sweep_screenings()) == (1, 0)
    run = ScreeningRun.objects.get()
    assert PartyCheck.objects.count() == run.checks.count() == run.party_count


def test_one_sweep_at_a_time_works_off_what_waits(desk):
    make.screening_list(desk)
    first, second = (services.ask_for_screening(last_version(make.at_intake()), by=desk) for _ in range(2))
    ScreeningJob.objects.filter(pk=second.pk).update(begun_at=clock.instant())
    assert sweep_screenings() == 0
    with clock.moved_to(clock.instant() + LEASE + timedelta(seconds=1)):
        assert sweep_screenings() == 2
    first.refresh_from_db()
    assert first.run is not None


def test_a_worker_thought_dead_keeps_nothing_once_another_has(desk, monkeypatch):
    proposal = make.at_intake()
    make.screening_list(desk)
    job = services.ask_for_screening(last_version(proposal), by=desk)
    compare = screening_jobs.compare_parties

    def is_overtaken(version, progress):
        compared = compare(version)
        monkeypatch.setattr(screening_jobs, "compare_parties", compare)
        with clock.moved_to(clock.instant() + LEASE + timedelta(seconds=1)):
            assert screen_parties(job.pk) > 0
        return compared

    monkeypatch.setattr(screening_jobs, "compare_parties", is_overtaken)
    assert screen_parties(job.pk) == 0
    assert ScreeningRun.objects.count() == 1


def test_what_fails_says_so_and_is_tried_again_after_a_day(desk, monkeypatch):
    proposal = make.accepted(desk)
    make.shorter_list(desk)
    assert screen_again() == 1
    compare = screening_jobs.compare_parties

    def fails(version, progress):
        raise ValueError("of a name")

    monkeypatch.setattr(screening_jobs, "compare_parties", fails)
    assert sweep_screenings() == 0
    monkeypatch.setattr(screening_jobs, "compare_parties", compare)
    job = ScreeningJob.objects.get()
    assert (job.failure, job.run, job.finished_at is None) == ("ValueError", None, False)
    assert (screen_again(), sweep_screenings()) == (0, 0)
    with clock.moved_to(clock.instant() + timedelta(days=1, seconds=1)):
        assert (screen_again(), sweep_screenings()) == (1, 1)
    assert last_version(proposal).screening_runs.count() == 2


def test_a_newer_list_screens_undecided_proposals_again_the_oldest_first(desk):
    later = make.accepted(desk)
    with clock.moved_to(clock.instant() - timedelta(days=1)):
        earlier = make.at_intake()
    make.screened(earlier, desk)
    make.at_intake()  # never screened: an officer begins
    withdrawn = make.at_intake()
    make.screened(withdrawn, desk)
    type(withdrawn).objects.filter(pk=withdrawn.pk).update(status="withdrawn")
    assert last_version(earlier).received_at < last_version(later).received_at
    assert screen_again() == 0

    newest = make.shorter_list(desk)
    assert (screen_again(), screen_again()) == (2, 0)
    jobs = list(ScreeningJob.objects.order_by("pk"))
    assert [job.version.proposal_id for job in jobs] == [earlier.pk, later.pk]
    assert all(job.asked_by.is_service and job.reason == "overtaken" for job in jobs)
    assert sweep_screenings() == 2
    assert last_version(earlier).screening_runs.first().screening_list == newest
    assert screen_again() == 0


def test_a_new_version_of_what_was_screened_is_screened_by_itself(desk):
    proposal = make.accepted(desk)
    assert screen_again() == 0
    make.new_version(proposal, {})
    assert screen_again() == 1
    assert ScreeningJob.objects.get().reason == "new_version"
    assert sweep_screenings() == 1
    proposal.refresh_from_db()
    assert last_version(proposal).screening_runs.count() == 1


def test_a_screening_older_than_the_call_allows_is_made_again(desk):
    proposal = make.accepted(desk)
    age = timedelta(days=proposal.call.check_max_age_days)
    with clock.moved_to(clock.instant() + age - timedelta(hours=1)):
        assert screen_again() == 0
    with clock.moved_to(clock.instant() + age + timedelta(hours=1)):
        assert screen_again() == 1


@pytest.mark.parametrize("is_stale", [False, True])
def test_a_determination_begins_with_a_screening_that_holds(desk, is_stale):
    proposal = make.accepted(desk)
    if is_stale:
        make.shorter_list(desk)
    services.prepare_determination(proposal, by=desk)
    asked = [(job.reason, job.asked_by) for job in ScreeningJob.objects.all()]
    assert asked == [("determination", desk)] * is_stale

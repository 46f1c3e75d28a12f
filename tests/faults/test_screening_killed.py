"""``kill -9`` of a worker in the middle of a screening or of an import (R05), in real time: again, and once.

And how long the import of a list of the real size takes, and of one eight times as long.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest
from django.db import connection, transaction

from evaluation import services
from evaluation.models import (
    ListImport,
    PartyCheck,
    ScreeningEntry,
    ScreeningJob,
    ScreeningList,
    ScreeningRun,
)
from program.leases import LEASE
from program.revisions import is_done_by_another
from proposals.package import OutsideParty
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.faults.test_worker_killed import BY_THE_SWEEP, TWO_SWEEPS
from tests.processes import celery_beat, celery_worker, children_of, kill, wait_until
from tests.program.test_notice_faults import empty_broker

__all__ = ["empty_broker"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.realtime]
ENTRIES, PARTIES = 6_000, 400
FACTS = {"name": "Consolidated Screening List", "file_date": date(2026, 11, 1)}
BOUNDS = {25_000: 30.0, 200_000: 240.0}
MORE_MEMORY_MB = 350


@pytest.fixture
def desk(reference_data):
    return officer()


def kill_child(worker):
    (child,) = children_of(worker)
    os.kill(child, signal.SIGKILL)


def keeps_a_list():
    """Whether a worker is in the transaction that keeps the entries of a file."""
    with transaction.atomic():
        return is_done_by_another("import-list")


def cpu_seconds():
    """What this process and its backend of the database have used: the time where nothing else runs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return time.process_time() + sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def of_many_parties(proposal):
    """The newest version, with as many end users as take seconds to compare."""
    before = make.version_of(proposal).value.compliance
    names = make.made_up(make.Random(1))
    parties = tuple(OutsideParty(key=f"row-{at}", legal_name=next(names)) for at in range(PARTIES))
    make.new_version(proposal, {"compliance": before.model_copy(update={"parties": parties})})
    return make.version_of(proposal)


@pytest.mark.parametrize("kill_part", [kill_child, kill])
def test_screening_of_a_killed_worker_is_made_again_whole_by_the_sweep(desk, kill_part, tmp_path):
    services.import_screening_list(make.long_list(ENTRIES), by=desk, **FACTS)
    version = of_many_parties(make.at_intake())
    with ExitStack() as stack:
        stack.enter_context(celery_beat(tmp_path))
        worker = stack.enter_context(celery_worker())
        wait_until(lambda: children_of(worker), seconds=60, what="the worker to start")
        job = services.ask_for_screening(version, by=desk)
        begun = ScreeningJob.objects.filter(pk=job.pk, party_count__gt=0, finished_at=None)
        wait_until(begun.exists, seconds=90, what="the worker to compare")
        kill_part(worker)
        killed_at = time.monotonic()
        job.refresh_from_db()
        assert (job.run, job.done_count < job.party_count) == (None, True)
        assert (ScreeningRun.objects.count(), PartyCheck.objects.count()) == (0, 0)
        first_begun = job.begun_at

        if kill_part is kill:
            stack.enter_context(celery_worker())
        done = ScreeningJob.objects.filter(pk=job.pk, finished_at__isnull=False)
        wait_until(done.exists, seconds=BY_THE_SWEEP, what="the screening to be made again")
        print(f"Made {time.monotonic() - killed_at:.1f} s after the kill.")
        time.sleep(TWO_SWEEPS)
        job.refresh_from_db()
        run = ScreeningRun.objects.get()
        assert (job.run, job.failure) == (run, "")
        assert job.begun_at >= first_begun + LEASE
        screened = set(run.checks.values_list("party_key", flat=True))
        assert screened == {party.key for party in version.value.parties()}
        assert len(screened) == run.party_count == job.done_count >= PARTIES
        assert PartyCheck.objects.count() == run.checks.count()


def test_import_of_a_killed_worker_is_made_again_whole_by_the_sweep(desk, tmp_path):
    with ExitStack() as stack:
        stack.enter_context(celery_beat(tmp_path))
        worker = stack.enter_context(celery_worker())
        wait_until(lambda: children_of(worker), seconds=60, what="the worker to start")
        wanted = services.ask_for_import(make.long_list(ENTRIES), by=desk, **FACTS)
        wait_until(keeps_a_list, seconds=90, what="the worker to keep the entries")
        kill_child(worker)
        killed_at = time.monotonic()
        assert (ScreeningList.objects.count(), ScreeningEntry.objects.count()) == (0, 0)

        done = ListImport.objects.filter(pk=wanted.pk, finished_at__isnull=False)
        wait_until(done.exists, seconds=BY_THE_SWEEP, what="the file to be imported again")
        print(f"Imported {time.monotonic() - killed_at:.1f} s after the kill.")
        time.sleep(TWO_SWEEPS)
        made = ScreeningList.objects.get()
        wanted.refresh_from_db()
        assert (wanted.screening_list, wanted.refusal) == (made, "")
        assert ScreeningEntry.objects.filter(screening_list=made).count() == made.entry_count == ENTRIES


@pytest.mark.parametrize(("entries", "seconds"), BOUNDS.items())
def test_a_list_is_imported_and_told_apart_within_its_time(desk, entries, seconds):
    """The second list, which is compared with the first as well; one in a hundred has another address."""
    services.import_screening_list(make.long_list(entries), by=desk, **FACTS)
    changed = make.long_list(entries).getvalue().replace(b"77 Fictional Road", b"78 Fictional Road")
    memory, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, cpu_seconds()
    made = services.import_screening_list(make.io.BytesIO(changed), by=desk, **FACTS)
    took = cpu_seconds() - begun
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    print(f"{entries:,} entries took {took:.1f} s of CPU, with {more:.0f} MB more memory.")
    assert made.entry_count == made.entries.count() == entries
    assert made.difference.changed_count == sum(f"{at}".endswith("77") for at in range(entries))
    assert took < seconds
    assert more < MORE_MEMORY_MB

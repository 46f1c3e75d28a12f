"""A submission and an amendment of the requirements at once: what is counted is what was checked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import connection, transaction

from program.enums import EvidenceType
from program.models import Call, Requirement
from program.services.demands import amend_requirements
from program.transitions import NotReady
from proposals import services
from proposals.models import Proposal, Version
from tests.factories.program import officer
from tests.factories.proposals import ProposalFactory, certified, representative_of
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def proposal():
    made = ProposalFactory(complete=True)
    certified(made)
    return made


def amend(call, by):
    plan = Requirement(
        code="plan", title="A plan of upkeep", clause="Program policy", evidence_type=EvidenceType.TEXT
    )
    return amend_requirements(
        Call.objects.get(pk=call.pk), by=by, added=[plan], summary="A plan.", reason="It was missing."
    )


def submit(proposal, by):
    return services.submit_proposal(Proposal.objects.get(pk=proposal.pk), by=by)


@contextmanager
def after(first, second):
    """Do ``second`` on another connection while ``first`` is done and not committed; yields its outcome."""

    def alone():
        try:
            return second()
        except NotReady as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            coming = pool.submit(alone)
            wait_until(somebody_waits, seconds=10, what="the second to wait for the first")
        yield coming.result(timeout=20)


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


def test_submission_that_begins_before_an_amendment_commits_is_checked_under_it(proposal):
    by, person = representative_of(proposal), officer()
    with after(partial(amend, proposal.call, person), partial(submit, proposal, by)) as refusal:
        assert [problem.code for problem in refusal.problems] == ["missing-plan"]
    assert not Version.objects.exists()


def test_amendment_waits_for_a_submission_which_stands_under_what_was_demanded(proposal):
    by, person = representative_of(proposal), officer()
    with after(partial(submit, proposal, by), partial(amend, proposal.call, person)) as amendment:
        version = Version.objects.get()
        added = amendment.added.get()
    assert added.demanded_from > version.received_at
    demanded = proposal.call.requirements.demanded(version.received_at)
    assert not demanded.filter(code="plan").exists()

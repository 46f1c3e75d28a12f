"""``kill -9`` of the web process in the middle of a submission (R04): draft or submitted, never between."""

from __future__ import annotations

import http.client
import itertools
import threading
from contextlib import contextmanager, suppress

import pytest
from django.db import connection
from django.urls import reverse

from program import audit
from program.models import AuditEvent, Delivery, Notice
from proposals import services
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Receipt, ReceiptPaper, Version
from tests.factories.proposals import ProposalFactory, certified, representative_of
from tests.faults.web import session_of, web_server
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
LOCK = 7_140_391  # no key that the portal locks by
INSIDE = [
    (moment, event, table)
    for event, table in [
        ("INSERT", "program_auditevent"),
        ("UPDATE", "proposals_proposal"),
        ("INSERT", "proposals_version"),
        ("INSERT", "proposals_receipt"),
        ("INSERT", "proposals_receiptpaper"),
        ("INSERT", "program_notice"),
        ("INSERT", "program_delivery"),
    ]
    for moment in ("BEFORE", "AFTER")
]
COMMITTING = [
    ("COMMIT", "INSERT", table)
    for table in ("program_auditevent", "proposals_version", "proposals_receipt", "program_delivery")
]
AFTERWARDS = [("BEFORE", "UPDATE", "django_session"), ("AFTER", "UPDATE", "django_session")]
POINTS = INSIDE + COMMITTING + AFTERWARDS


@contextmanager
def held_at(moment, event, table):
    """Whoever does ``event`` to ``table`` waits in the database for as long as this lasts."""
    deferred = "DEFERRABLE INITIALLY DEFERRED" if moment == "COMMIT" else ""
    kind = "CONSTRAINT TRIGGER" if deferred else "TRIGGER"
    when = "AFTER" if deferred else moment
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION tests_hold() RETURNS trigger LANGUAGE plpgsql AS "
            f"'BEGIN PERFORM pg_advisory_xact_lock_shared({LOCK}); RETURN NEW; END'"
        )
        cursor.execute(
            f"CREATE {kind} tests_hold {when} {event} ON {table} {deferred}"
            " FOR EACH ROW EXECUTE FUNCTION tests_hold()"
        )
        cursor.execute(f"SELECT pg_advisory_lock({LOCK})")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_unlock({LOCK})")
            wait_until(lambda: not others_at_work(), what="the database to end the dead process's work")
            cursor.execute(f"DROP TRIGGER tests_hold ON {table}")


def count(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def is_held():
    return count(
        f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {LOCK} AND NOT granted"
    )


def others_at_work():
    return count(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend' AND state <> 'idle'"
    )


def state_of(proposal):
    """Everything that a submission leaves, counted."""
    proposal.refresh_from_db()
    papers = ReceiptPaper.objects.filter(receipt__version__proposal=proposal).count()
    return (
        proposal.status,
        proposal.version_count,
        bool(proposal.number),
        bool(proposal.submitted_at),
        Version.objects.filter(proposal=proposal).count(),
        Receipt.objects.filter(version__proposal=proposal).count(),
        papers,
        AuditEvent.objects.of(proposal).filter(act__in=["proposal.submit", "proposal.resubmit"]).count(),
        Notice.objects.filter(kind="proposals.submitted", url=f"/proposals/{proposal.pk}/").count(),
        Delivery.objects.filter(notice__url=f"/proposals/{proposal.pk}/").count(),
    )


DRAFT = (ProposalStatus.DRAFT, 0, False, False, 0, 0, 0, 0, 0, 0)
SUBMITTED = (ProposalStatus.SUBMITTED, 1, True, True, 1, 1, 1, 1, 1, 1)
SUBMITTED_AGAIN = (ProposalStatus.SUBMITTED, 2, True, True, 2, 2, 2, 2, 2, 2)


def before_and_after(act):
    """A package ready for ``act``, the session of somebody who may do it, and the two states allowed."""
    proposal = ProposalFactory(complete=True)
    certified(proposal)
    person = representative_of(proposal)
    if act == "resubmit":
        services.submit_proposal(proposal, by=person)
        Proposal.objects.filter(pk=proposal.pk).update(title="Stack of the second version")
        certified(proposal)
    allowed = (SUBMITTED, SUBMITTED_AGAIN) if act == "resubmit" else (DRAFT, SUBMITTED)
    return proposal, session_of(person), allowed


@pytest.mark.parametrize("act", ["submit", "resubmit"])
def test_web_killed_at_each_of_fifty_points_of_its_talk_with_the_database(act):
    """Two acts make a hundred points: every statement on its way, and every statement answered."""
    states = []
    proposal, session, (before, after) = before_and_after(act)
    assert state_of(proposal) == before
    with web_server(application="tests.faults.dying:application", threads=1) as web:
        for point in itertools.count(1):
            path = f"{reverse(f'proposals:{act}', args=[proposal.pk])}?dies_at={point}"
            try:
                answer = web.ask("POST", path, session=session)
            except (OSError, http.client.HTTPException):
                wait_until(lambda: not others_at_work(), what="the database to end the dead process's work")
            else:
                break
            states.append(state_of(proposal))
            if states[-1] != before:
                proposal, session, _ = before_and_after(act)
            wait_until(web.answers, what="the next web process")
    assert len(states) >= 50
    undone = states.count(before)
    assert 0 < undone < len(states)
    assert states == [before] * undone + [after] * (len(states) - undone)
    # Past its last point the act is answered
    assert answer.location == reverse("proposals:receipt", args=[proposal.pk])
    assert state_of(proposal) == after
    assert audit.verify().is_sound


def test_web_killed_at_twenty_points_of_a_submission():
    assert len(POINTS) == 20
    spare = iter([ProposalFactory(complete=True) for _ in range(len(COMMITTING + AFTERWARDS) + 1)])
    proposal = next(spare)
    certified(proposal)
    session = session_of(representative_of(proposal))
    with web_server() as web:
        for point in POINTS:
            if proposal.status != ProposalStatus.DRAFT:
                proposal = next(spare)
                certified(proposal)
                session = session_of(representative_of(proposal))
            lost = []

            def press(pk=proposal.pk, session=session, lost=lost):
                try:
                    web.ask("POST", reverse("proposals:submit", args=[pk]), session=session)
                except (OSError, http.client.HTTPException) as error:
                    lost.append(error)

            with held_at(*point):
                presser = threading.Thread(target=press)
                presser.start()
                wait_until(is_held, what=f"the submission to come to {point}")
                web.kill_workers()
                presser.join(10)
            assert lost, f"{point}: the answer came although the process was killed"
            if point in INSIDE:
                assert state_of(proposal) == DRAFT, point
            else:
                assert state_of(proposal) == SUBMITTED, point
            wait_until(web.answers, what="the next web process")

        # What was killed and stayed a draft can be submitted, once
        proposal = next(spare, proposal)
        certified(proposal)
        with suppress(http.client.HTTPException):
            session = session_of(representative_of(proposal))
            answer = web.ask("POST", reverse("proposals:submit", args=[proposal.pk]), session=session)
        assert answer.location == reverse("proposals:receipt", args=[proposal.pk])
        assert state_of(proposal) == SUBMITTED
    assert audit.verify().is_sound
    assert Proposal.objects.filter(status=ProposalStatus.SUBMITTED).count() == Version.objects.count()

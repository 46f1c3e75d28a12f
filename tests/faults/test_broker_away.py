"""The broker stops or forgets everything (R08, R09): submissions stand, papers come later, once."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack

import pytest
from django.urls import reverse

from program.enums import DeliveryState, OfficeRole, PaperState
from program.models import Delivery, Notice, Office
from proposals.models import Proposal, Receipt, ReceiptPaper, Version
from tests.factories.program import issued_call
from tests.factories.proposals import ProposalFactory, certified, representative_of
from tests.faults.web import session_of, web_server
from tests.processes import (
    Broker,
    broker,
    celery_beat,
    celery_worker,
    mail_server,
    run_in_process,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)
SUBMISSIONS = 12
AWAY_SECONDS, PACE_SECONDS = 300, 5
SWEEP = (
    "from celery import current_app\n"
    "for name in ('program.tasks.sweep_deliveries', 'proposals.tasks.sweep_documents'):\n"
    "    current_app.send_task(name)\n"
    "    current_app.send_task(name)"
)


@pytest.fixture
def proposals():
    """Certified drafts with the sessions of those who may submit them; every officer is told of each."""
    call = issued_call()
    made = [ProposalFactory(call=call, complete=True) for _ in range(SUBMISSIONS)]
    for proposal in made:
        certified(proposal)
    return {proposal.pk: session_of(representative_of(proposal)) for proposal in made}


def submit(web, pk, session):
    return web.ask("POST", reverse("proposals:submit", args=[pk]), session=session)


def submit_all(web, proposals):
    answers = [submit(web, pk, session) for pk, session in proposals.items()]
    assert [answer.location for answer in answers] == [
        reverse("proposals:receipt", args=[pk]) for pk in proposals
    ]
    return answers


def assert_all_told_once(mail, submissions=SUBMISSIONS):
    """One mail for each notice, one paper for each receipt, none missing and none double."""
    assert Version.objects.count() == Receipt.objects.count() == submissions
    addresses = [message.rcpt_tos[0] for message in mail.messages]
    assert sorted(addresses) == sorted(Notice.objects.values_list("recipient__email", flat=True))
    assert Notice.objects.filter(kind="proposals.submitted").count() == submissions
    officers = Office.objects.filter(role=OfficeRole.PROGRAM_OFFICER).count()
    assert Notice.objects.filter(kind="proposals.arrived").count() == submissions * officers
    assert Notice.objects.values("event", "recipient", "kind").distinct().count() == Notice.objects.count()


def p95(seconds):
    return statistics.quantiles(seconds, n=20)[-1]


def is_everybody_told():
    return not Delivery.objects.exclude(state=DeliveryState.SENT).exists()


def is_all_done():
    return is_everybody_told() and not ReceiptPaper.objects.exclude(state=PaperState.MADE).exists()


def test_submissions_stand_while_the_broker_is_away_and_are_told_when_it_is_back(proposals):
    with mail_server() as mail, broker() as own:
        own.stop()
        with web_server(REDIS_URL=own.url) as web:
            seconds = [answer.seconds for answer in submit_all(web, proposals)]
            pages = [web.ask("GET", f"/proposals/{pk}/receipt/", session=s) for pk, s in proposals.items()]
        assert {page.status for page in pages} == {200}
        assert p95(seconds) <= 2
        assert not Proposal.objects.exclude(status="submitted").exists()
        assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.OWED}
        own.start()
        with celery_worker(mail=mail, REDIS_URL=own.url):
            run_in_process(SWEEP, REDIS_URL=own.url)
            wait_until(is_all_done, seconds=60, what="every notice and every paper")
        assert_all_told_once(mail)


def test_emptied_broker_loses_and_doubles_nothing(proposals):
    """What was in the queues is gone; the rows that owe it are not."""
    with mail_server() as mail, broker() as own:
        with web_server(REDIS_URL=own.url) as web:
            submit_all(web, proposals)
        own.stop()  # it keeps nothing on disk
        own.start()
        with celery_worker(mail=mail, REDIS_URL=own.url):
            run_in_process(SWEEP, REDIS_URL=own.url)
            run_in_process(SWEEP, REDIS_URL=own.url)
            wait_until(is_all_done, seconds=60, what="every notice and every paper")
        assert_all_told_once(mail)


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("leave", "come_back"), [(Broker.stop, Broker.start), (Broker.freeze, Broker.thaw)], ids=["gone", "mute"]
)
def test_five_minutes_without_the_broker_delay_no_submission_and_lose_no_notice(leave, come_back, tmp_path):
    """Workers and beat stay up all the time and find the broker again by themselves."""
    call = issued_call()
    drafts = [ProposalFactory(call=call, complete=True) for _ in range(1 + AWAY_SECONDS // PACE_SECONDS)]
    for draft in drafts:
        certified(draft)
    with ExitStack() as stack:
        mail, own = stack.enter_context(mail_server()), stack.enter_context(broker())
        running = [
            stack.enter_context(celery_worker(mail=mail, queues="notices", REDIS_URL=own.url)),
            stack.enter_context(celery_worker(queues="documents,clock", REDIS_URL=own.url)),
            stack.enter_context(celery_beat(tmp_path, REDIS_URL=own.url)),
        ]
        web = stack.enter_context(web_server(workers=2, REDIS_URL=own.url))
        first, *others = drafts
        submit(web, first.pk, session_of(representative_of(first)))
        wait_until(is_all_done, seconds=90, what="the first notice and the first paper")

        told = list(mail.messages)

        leave(own)
        left_at, seconds = time.monotonic(), []
        for number, draft in enumerate(others, start=1):
            answer = submit(web, draft.pk, session_of(representative_of(draft)))
            assert answer.location == reverse("proposals:receipt", args=[draft.pk])
            seconds.append(answer.seconds)
            time.sleep(max(0, left_at + number * PACE_SECONDS - time.monotonic()))
        assert Delivery.objects.filter(state=DeliveryState.SENT).count() == len(told)
        come_back(own)
        back_at = time.monotonic()
        wait_until(is_everybody_told, seconds=60, what="every notice")
        told_after = time.monotonic() - back_at
        wait_until(is_all_done, seconds=180, what="every paper")
        print(f"p95 {p95(seconds):.2f} s, slowest {max(seconds):.2f} s; all told after {told_after:.0f} s,")
        print(f"papers after {time.monotonic() - back_at:.0f} s")
        assert p95(seconds) <= 2
        assert [process.poll() for process in running] == [None] * 3
        assert_all_told_once(mail, submissions=len(drafts))

"""The broker stops or forgets everything (R08, R09): submissions stand, papers come later, once."""

from __future__ import annotations

import statistics

import pytest
from django.urls import reverse

from program.enums import DeliveryState, OfficeRole, PaperState
from program.models import Delivery, Notice, Office
from proposals.models import Proposal, Receipt, ReceiptPaper, Version
from tests.factories.program import issued_call
from tests.factories.proposals import ProposalFactory, certified, representative_of
from tests.faults.web import session_of, web_server
from tests.processes import broker, celery_worker, mail_server, run_in_process, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
SUBMISSIONS = 12
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


def submit_all(web, proposals):
    answers = [
        web.ask("POST", reverse("proposals:submit", args=[pk]), session=session)
        for pk, session in proposals.items()
    ]
    assert [answer.location for answer in answers] == [
        reverse("proposals:receipt", args=[pk]) for pk in proposals
    ]
    return answers


def assert_all_told_once(mail):
    """One mail for each notice, one paper for each receipt, none missing and none double."""
    assert Version.objects.count() == Receipt.objects.count() == SUBMISSIONS
    addresses = [message.rcpt_tos[0] for message in mail.messages]
    assert sorted(addresses) == sorted(Notice.objects.values_list("recipient__email", flat=True))
    assert Notice.objects.filter(kind="proposals.submitted").count() == SUBMISSIONS
    officers = Office.objects.filter(role=OfficeRole.PROGRAM_OFFICER).count()
    assert Notice.objects.filter(kind="proposals.arrived").count() == SUBMISSIONS * officers
    assert Notice.objects.values("event", "recipient", "kind").distinct().count() == Notice.objects.count()


def is_all_done():
    deliveries = Delivery.objects.exclude(state=DeliveryState.SENT)
    papers = ReceiptPaper.objects.exclude(state=PaperState.MADE)
    return not deliveries.exists() and not papers.exists()


def test_submissions_stand_while_the_broker_is_away_and_are_told_when_it_is_back(proposals):
    with mail_server() as mail, broker() as own:
        own.stop()
        with web_server(REDIS_URL=own.url) as web:
            seconds = [answer.seconds for answer in submit_all(web, proposals)]
            pages = [web.ask("GET", f"/proposals/{pk}/receipt/", session=s) for pk, s in proposals.items()]
        assert {page.status for page in pages} == {200}
        assert statistics.quantiles(seconds, n=20)[-1] <= 2
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

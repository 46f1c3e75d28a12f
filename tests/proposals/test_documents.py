from __future__ import annotations

from datetime import timedelta

import pytest

from program import clock, pdf
from program.documents import open_document
from program.services.people import clock_account
from proposals import documents
from proposals.documents import facts_of, owed_papers, render_receipt
from proposals.enums import PaperState, ProposalStatus
from proposals.models import Proposal, ReceiptPaper
from proposals.schedule import SCHEDULE, lapse_drafts
from proposals.tasks import sweep_documents
from tests.factories.proposals import ProposalFactory, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper():
    return submitted(ProposalFactory(complete=True)).receipt.paper


def test_receipt_becomes_a_pdf_once(paper):
    assert owed_papers() == [paper.pk]
    assert (render_receipt(paper.pk), render_receipt(paper.pk)) == (True, False)
    paper.refresh_from_db()
    assert (paper.state, paper.attempts, owed_papers()) == (PaperState.MADE, 1, [])
    with open_document(paper.document) as file:
        assert file.read(5) == b"%PDF-"
    assert paper.document.uploaded_by == clock_account()


def test_paper_is_made_from_the_stored_receipt_alone(paper):
    Proposal.objects.update(title="Changed since")
    facts = facts_of(paper.receipt)
    assert facts["title"] == "Full AI stack for district hospitals"
    assert facts["received_at"] == paper.receipt.version.received_at
    assert facts["receipt_sha256"] == paper.receipt.sha256


def test_paper_that_somebody_is_making_is_left_alone(paper):
    ReceiptPaper.objects.update(claimed_at=clock.instant(), attempts=1)
    assert not render_receipt(paper.pk) and owed_papers() == []


def test_paper_that_kills_its_worker_is_set_aside_at_the_fourth_attempt(paper, settings):
    class Killed(BaseException):
        """A worker that dies in the middle raises nothing that anybody catches."""

    real, at = pdf.render, clock.instant()
    documents.pdf.render = lambda *args, **kwargs: (_ for _ in ()).throw(Killed)
    try:
        for attempt in range(1, 4):
            at += documents.LEASE + timedelta(seconds=1)
            with clock.moved_to(at), pytest.raises(Killed):
                render_receipt(paper.pk)
            paper.refresh_from_db()
            assert (paper.state, paper.attempts) == (PaperState.OWED, attempt)
    finally:
        documents.pdf.render = real
    with clock.moved_to(at + documents.LEASE + timedelta(seconds=1)):
        assert not render_receipt(paper.pk)
    paper.refresh_from_db()
    assert (paper.state, paper.attempts) == (PaperState.QUARANTINED, 3)


def test_sweep_makes_what_no_message_brought(paper):
    assert (sweep_documents(), sweep_documents()) == (1, 0)


def test_drafts_lapse_only_after_the_grace(settings):
    settings.LAPSE_GRACE_SECONDS = 60
    draft = ProposalFactory()
    account = clock_account()
    sent = ProposalFactory(call=draft.call, status=ProposalStatus.SUBMITTED)
    for seconds, lapsed in ((-1, 0), (59, 0), (61, 1), (62, 0)):
        with clock.moved_to(draft.call.closes_at + timedelta(seconds=seconds)):
            assert lapse_drafts() == lapsed
    draft.refresh_from_db()
    sent.refresh_from_db()
    assert (draft.status, sent.status) == (ProposalStatus.LAPSED, ProposalStatus.SUBMITTED)
    assert account.offices.exists()


def test_beat_knows_every_task(settings):
    assert {entry["task"] for entry in SCHEDULE.values()} == {
        "proposals.schedule.lapse_drafts",
        "proposals.schedule.purge_abandoned_uploads",
        "proposals.tasks.sweep_documents",
        "proposals.tasks.sweep_invitations",
    }
    assert lapse_drafts.name == "proposals.schedule.lapse_drafts"
    assert settings.LAPSE_GRACE_SECONDS > settings.STATEMENT_TIMEOUT_MS / 1000

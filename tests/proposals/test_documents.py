from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pypdf
import pytest
from django.core.exceptions import PermissionDenied
from django.template.loader import render_to_string

from program import clock, leases, pdf
from program.clock_account import clock_account
from program.documents import open_document
from program.enums import PaperState
from program.leases import LEASE
from program.models import AuditEvent, Document
from program.papers import owed
from program.templatetags.portal import money
from program.ticks import PATIENCE_SECONDS
from proposals import documents, services, tasks
from proposals.documents import MARK, facts_of, package_facts, render_package, render_receipt
from proposals.enums import ProposalStatus
from proposals.models import Proposal, ReceiptPaper, VersionPaper
from proposals.schedule import SCHEDULE, lapse_drafts
from proposals.tasks import sweep_documents
from tests.factories.program import UserFactory
from tests.factories.proposals import ProposalFactory, representative_of, submitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper():
    return submitted(ProposalFactory(complete=True)).receipt.paper


def test_receipt_becomes_a_pdf_once(paper):
    assert owed(ReceiptPaper) == [paper.pk]
    assert (render_receipt(paper.pk), render_receipt(paper.pk)) == (True, False)
    paper.refresh_from_db()
    assert (paper.state, paper.attempts, owed(ReceiptPaper)) == (PaperState.MADE, 1, [])
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
    assert not render_receipt(paper.pk) and owed(ReceiptPaper) == []


def test_paper_that_kills_its_worker_is_set_aside_at_the_fourth_attempt(paper, settings):
    class Killed(BaseException):
        """A worker that dies in the middle raises nothing that anybody catches."""

    real, at = pdf.render, clock.instant()
    documents.pdf.render = lambda *args, **kwargs: (_ for _ in ()).throw(Killed)
    try:
        for attempt in range(1, 4):
            at += LEASE + timedelta(seconds=1)
            with clock.moved_to(at), pytest.raises(Killed):
                render_receipt(paper.pk)
            paper.refresh_from_db()
            assert (paper.state, paper.attempts) == (PaperState.OWED, attempt)
    finally:
        documents.pdf.render = real
    with clock.moved_to(at + LEASE + timedelta(seconds=1)):
        assert not render_receipt(paper.pk)
    paper.refresh_from_db()
    assert (paper.state, paper.attempts) == (PaperState.QUARANTINED, 3)


@pytest.fixture
def package_paper(paper):
    version = paper.receipt.version
    return services.ask_package_pdf(version, by=version.submitted_by)


def test_package_becomes_a_tagged_pdf_with_contents_marks_and_picture(package_paper):
    assert (render_package(package_paper.pk), render_package(package_paper.pk)) == (True, False)
    package_paper.refresh_from_db()
    assert (package_paper.state, owed(VersionPaper)) == (PaperState.MADE, [])
    with open_document(package_paper.document) as file:
        reader = pypdf.PdfReader(io.BytesIO(file.read()))
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert b'pdfuaid:part="1"' in reader.trailer["/Root"]["/Metadata"].get_data()
    headings = [entry["/Title"] for entry in flat(reader.outline)]
    assert {"Consortium", "Hardware and infrastructure", "Documents and marks"} <= set(headings)
    pages = [page.extract_text() for page in reader.pages]
    assert all("Page " in text for text in pages)
    assert not [text for text in pages if MARK in text]
    assert "marked nothing in this version" in " ".join(pages[0].split())
    whole = " ".join(" ".join(pages).split())
    for words in (
        "Accelerator board",
        "U.S. content 60.00%",
        "Kenya District Hospitals Authority",
        "Zero trust",
    ):
        assert words in whole


def test_only_pages_of_parts_that_hold_marked_matter_bear_the_mark():
    proposal = ProposalFactory(complete=True)
    row = proposal.components.filter(layer="hardware").first()
    by = representative_of(proposal)
    services.set_mark(
        proposal, by=by, part="hardware", row_key=row.key, field="maker", mark="business_confidential",
        justification="Rivals would learn who builds it.",
    )  # fmt: skip
    version = submitted(proposal)
    paper = services.ask_package_pdf(version, by=by)
    assert render_package(paper.pk)
    paper.refresh_from_db()
    with open_document(paper.document) as file:
        pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file.read())).pages]
    flat_pages = [" ".join(text.split()) for text in pages]
    marked = [MARK in text for text in flat_pages]
    holds = next(n for n, text in enumerate(flat_pages) if "Rivals would learn" in text)
    markets = next(n for n, text in enumerate(flat_pages) if "E.O. 14320 s.3(b)(ii)" in text)
    assert marked[holds] and not marked[0] and not marked[markets]
    assert f"Hardware and infrastructure: {row.name}, Maker" in flat_pages[0]
    assert version.sha256 in pages[0]  # on one line


def test_hardware_is_a_table_of_figures_for_each_kind_with_the_words_below(package_paper):
    html = render_to_string("pdf/package.html", package_facts(package_paper.version))
    kinds = {c.subtype for c in package_paper.version.value.hardware}
    assert html.count('<table class="figures">') == len(kinds)
    part = html[html.index('id="hardware"') : html.index('id="data"')]
    for line in package_paper.version.value.hardware:
        table = part.index(f"{money(line.total_value_usd)}</td>")
        assert table < part.index(f"Maker and model: {line.maker}", table)


def flat(outline):
    for entry in outline:
        if isinstance(entry, list):
            yield from flat(entry)
        else:
            yield entry


def test_package_pdf_is_of_the_version_never_of_the_working_copy(package_paper):
    Proposal.objects.update(title="Changed since")
    assert package_facts(package_paper.version)["package"].title == "Full AI stack for district hospitals"


def test_package_pdf_is_asked_for_once(package_paper):
    version = package_paper.version
    assert services.ask_package_pdf(version, by=version.submitted_by) == package_paper
    assert AuditEvent.objects.filter(act="proposal.ask_pdf").count() == 1
    with pytest.raises(PermissionDenied):
        services.ask_package_pdf(version, by=UserFactory())


def test_package_that_kills_its_worker_is_set_aside_and_stays_so(package_paper):
    for attempt in range(3):
        VersionPaper.objects.update(claimed_at=None, attempts=attempt + 1)
    assert not render_package(package_paper.pk)
    package_paper.refresh_from_db()
    assert (package_paper.state, owed(VersionPaper)) == (PaperState.QUARANTINED, [])
    version = package_paper.version
    assert services.ask_package_pdf(version, by=version.submitted_by).state == PaperState.QUARANTINED


@contextmanager
def pressed_by(press):
    """Let a press of the test's own set what is rendered."""
    real, pdf._press = pdf._press, press
    try:
        yield
    finally:
        press.stop()
        pdf._press = real


@pytest.mark.parametrize(
    ("reason", "state"), [("timeout", PaperState.OWED), ("memory", PaperState.QUARANTINED)]
)
def test_package_that_ran_out_of_time_is_tried_again(package_paper, reason, state):
    class Tight(pdf.Press):
        """The real press, told to give the document no time or no memory."""

        def set(self, markup, *, variant, limits):
            changes = {"wall_seconds": 0} if reason == "timeout" else {"memory_bytes": 1 << 20}
            return super().set(markup, variant=variant, limits=replace(limits, **changes))

    with pressed_by(Tight()):
        assert not render_package(package_paper.pk)
    package_paper.refresh_from_db()
    assert (package_paper.state, package_paper.reason != "") == (state, True)


class Watched(pdf.Press):
    """The real press, in whose way ``meddle`` comes when the worker has claimed the paper."""

    def __init__(self, meddle):
        super().__init__()
        self.meddle = meddle

    def set(self, markup, *, variant, limits):
        self.meddle()
        return super().set(markup, variant=variant, limits=limits)


@pytest.fixture
def quick_pulse(monkeypatch):
    monkeypatch.setattr(leases, "PULSE_SECONDS", 0.05)


@pytest.mark.usefixtures("quick_pulse")
def test_claim_is_renewed_while_the_press_works(package_paper):
    claims = []
    with pressed_by(Watched(lambda: claims.append(VersionPaper.objects.get().claimed_at))):
        assert render_package(package_paper.pk)
    package_paper.refresh_from_db()
    assert (package_paper.claimed_at > claims[0], package_paper.attempts) == (True, 1)


@pytest.mark.usefixtures("quick_pulse")
def test_worker_whose_claim_was_taken_over_neither_renews_it_nor_keeps_its_pdf(package_paper):
    theirs = clock.instant() + timedelta(minutes=1)
    files = Document.objects.count()
    with pressed_by(Watched(lambda: VersionPaper.objects.update(claimed_at=theirs, attempts=2))):
        assert not render_package(package_paper.pk)
    package_paper.refresh_from_db()
    assert (package_paper.state, package_paper.claimed_at) == (PaperState.OWED, theirs)
    assert Document.objects.count() == files


def test_package_task_ends_before_its_message_comes_again(settings):
    limit = tasks.render_package.time_limit
    assert documents.PACKAGE_LIMITS.wall_seconds < tasks.render_package.soft_time_limit < limit
    assert limit < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


def test_sweep_ends_its_last_paper_within_its_task(settings):
    longest = pdf.LIMITS.wall_seconds + pdf.GRACE_SECONDS
    assert PATIENCE_SECONDS + longest < settings.CELERY_TASK_SOFT_TIME_LIMIT


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
        "proposals.schedule.remind_teams",
        "proposals.schedule.recheck_drafts",
        "proposals.schedule.note_lost_certifications",
        "proposals.schedule.ask_consents",
        "proposals.schedule.purge_abandoned_uploads",
        "proposals.tasks.sweep_documents",
        "proposals.tasks.sweep_invitations",
    }
    assert lapse_drafts.name == "proposals.schedule.lapse_drafts"
    assert settings.LAPSE_GRACE_SECONDS > settings.STATEMENT_TIMEOUT_MS / 1000

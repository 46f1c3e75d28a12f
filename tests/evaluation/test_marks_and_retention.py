"""C35: what leaves the portal says who may read it, and what the clock removes leaves an event."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.insights.figures import insights_of
from evaluation.insights.listings import LISTINGS
from evaluation.models import Determination
from program import clock
from program.canonical import canonical_json, sha256_hex
from program.clock_account import clock_account
from program.enums import Mark, OfficeRole
from program.models import AuditEvent
from program.spreadsheets import KINDS
from program.workbooks import load_workbook
from proposals.models import PackageUpload, TableImport, Upload
from proposals.schedule import purge_abandoned_uploads
from proposals.services import begin_upload, keep_table
from tests.evaluation.pages import page, sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import ProposalFactory, representative_of

pytestmark = pytest.mark.django_db
WORDS = Mark.GOVERNMENT_ONLY.label


def taken(client, person, *address):
    """A table that ``person`` takes: its name, its rows, and what a workbook prints over each page."""
    sign_in(client, person)
    answer = client.get(reverse(f"evaluation:{address[0]}", args=address[1:]))
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if address[-1] == "csv":
        return (
            answer["Content-Disposition"],
            list(csv.reader(io.StringIO(content.decode("utf-8-sig")))),
            WORDS,
        )
    sheet = load_workbook(io.BytesIO(content)).active
    return (
        answer["Content-Disposition"],
        [list(row) for row in sheet.iter_rows(values_only=True)],
        sheet.oddHeader.center.text,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_of_protected_matter_says_its_mark_and_still_reads_as_a_table(client, kind):
    proposal, auditor = make.accepted(), officer(OfficeRole.AUDITOR)
    sheet = make.filled_review(make.assigned(proposal))
    services.submit_review(sheet, by=sheet.reviewer)
    make.filed(proposal, "STATE")
    figures = [figure.key for figure in insights_of(auditor, proposal.call).figures]
    tables = [("insight-export", key, kind) for key in (*figures, *LISTINGS)]
    for person, *address in [*((auditor, *table) for table in tables), (officer(), "reviewers-export", kind)]:
        name, (headings, *rows), printed = taken(client, person, *address)
        assert name.endswith(f'-government-only.{kind}"'), address
        assert headings[-1] == "Marking" and rows, address
        assert {row[-1] for row in rows} == {WORDS} == {printed}, address
        assert {len(row) for row in rows} == {len(headings)}, address


def test_the_packet_says_its_mark_and_one_that_was_signed_before_stays_verifiable(client):
    determination, desk = make.signed(), officer()
    said = page(client, desk, "packet", determination.pk)
    assert json.loads(said.text)["marking"] == Mark.GOVERNMENT_ONLY
    assert WORDS in page(client, desk, "determination", determination.pk).text
    # As it was signed before the packet knew its mark
    before = json.loads(determination.packet)
    del before["marking"], before["market_overlap_closed"]
    text = canonical_json(before)
    Determination.objects.filter(pk=determination.pk).update(packet=text, packet_sha256=sha256_hex(text))
    assert page(client, desk, "packet", determination.pk).text == text
    assert page(client, desk, "determination", determination.pk).context["packet_sha256"] == sha256_hex(text)
    services.announce_determination(
        Determination.objects.get(pk=determination.pk), by=make.decision_official()
    )
    assert sha256_hex(page(client, desk, "packet", determination.pk).text) == sha256_hex(text)


def test_what_the_clock_removes_leaves_an_event_of_whom_and_since_when():
    make.five_agencies()
    proposal = ProposalFactory()
    person = representative_of(proposal)
    began = clock.now()
    begin_upload(proposal, by=person, name="prices.csv", size=10)
    keep_table(proposal, by=person, layer="hardware", source="prices.csv", lines=[])
    PackageUpload.objects.create(proposal=proposal, uploaded_by=person, name="prices.json", content="{}")
    assert purge_abandoned_uploads() == 0
    with clock.moved_to(began + timedelta(days=8)):
        assert (purge_abandoned_uploads(), purge_abandoned_uploads()) == (3, 0)

    assert not any(model.objects.exists() for model in (Upload, PackageUpload, TableImport))
    events = AuditEvent.objects.of(proposal).filter(act="proposal.purge")
    said = [event.said["after"] for event in events.order_by("sequence")]
    assert [one["removed"] for one in said] == ["Unfinished upload", "Package file", "Table"]
    assert {(one["of"], event.actor) for one, event in zip(said, events, strict=True)} == {
        (person.email, clock_account())
    }
    assert not any("prices" in event.body for event in events)

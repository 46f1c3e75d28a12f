"""Receipts are checked by anybody; PDFs of a version are asked for, waited for and read by its readers."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from program import clock
from program.models import AuditEvent
from proposals import services
from proposals.models import Receipt, ReceiptPaper, VersionPaper
from proposals.package_file import write_file
from proposals.tasks import render_package, render_receipt
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import ProposalFactory, certified, submitted
from tests.proposals import pages
from tests.proposals.pages import address, sign_in

pytestmark = pytest.mark.django_db

proposal = pages.proposal
member = pages.member


def test_pdf_of_a_version_is_asked_for_by_its_readers_and_read_on_the_record(client, proposal, member):
    version = submitted(proposal)
    ask, pdf = address("package-ask", proposal, 1), address("package-pdf", proposal, 1)
    assert "Make the PDF" in sign_in(client, member).get(address("version", proposal, 1)).content.decode()
    assert client.get(ask).status_code == 405 and client.get(pdf).status_code == 302
    assert client.post(ask).url == f"{address('version', proposal, 1)}#pdf"
    assert (
        "It is set as soon as a worker is free"
        in client.get(address("version", proposal, 1)).content.decode()
    )
    render_package(VersionPaper.objects.get(version=version).pk)
    desk = officer()
    for reader in (member, desk):
        answer = sign_in(client, reader).get(pdf)
        assert b"".join(answer.streaming_content).startswith(b"%PDF-")
    made = VersionPaper.objects.get().document.sha256
    read = AuditEvent.objects.filter(act="proposal.read", body__contains=made)
    assert [event.actor for event in read] == [desk]
    stranger = sign_in(client, UserFactory())
    assert (stranger.get(pdf).status_code, stranger.post(ask).status_code) == (404, 404)
    VersionPaper.objects.update(state="quarantined")
    shown = sign_in(client, member).get(address("version", proposal, 1)).content.decode()
    assert "Could not be made" in shown


def test_anybody_checks_a_receipt_and_learns_nothing_else(client, proposal, member):
    certified(proposal, member)
    version = services.submit_proposal(proposal, by=member)
    receipt, url = Receipt.objects.get(), reverse("proposals:receipts")
    assert client.get(url).status_code == 200
    spelled = json.dumps(json.loads(version.package), indent=2).encode()
    good = [
        {"code": f" {receipt.sha256.upper()} "},
        {"code": version.sha256},
        {"file": SimpleUploadedFile("r.json", receipt.body.encode())},
        {"file": SimpleUploadedFile("p.json", spelled)},
    ]
    for data in good:
        text = client.post(url, data).content.decode()
        assert "It fits" in text
        assert proposal.title not in text
        assert proposal.consortium.name not in text
    render_receipt(receipt.paper.pk)
    content = ReceiptPaper.objects.get().document.file.read()
    paper = client.post(url, {"file": SimpleUploadedFile("r.pdf", content)}).content.decode()
    assert "It fits" in paper
    assert proposal.title not in paper
    assert "It fits" in client.post(url, {"code": hashlib.sha256(content).hexdigest()}).content.decode()
    bad = [
        {"file": SimpleUploadedFile("r.pdf", content + b"\n")},
        {"code": "0" * 64},
        {"code": "0" * 64, "file": SimpleUploadedFile("r.json", receipt.body.encode())},
        {"file": SimpleUploadedFile("x.json", b'{"a": NaN}')},
        {"file": SimpleUploadedFile("x.json", b"[" * 100_000)},
        {"file": SimpleUploadedFile("r.json", b'{"title":"Weapons",' + receipt.body.encode()[1:])},
        {"file": SimpleUploadedFile("p.json", b'{"title":"Weapons",' + version.package.encode()[1:])},
    ]
    for data in bad:
        assert "No match" in client.post(url, data).content.decode()
    assert "Give a hash" in client.post(url, {}).content.decode()
    told = [client.post(url, {"code": code}).content for code in (receipt.number, "AIX-2026-9999-R1")]
    assert b"A receipt&#x27;s number alone is not checked" in told[0]
    assert [text.count(b"It fits") + text.count(b"No match") for text in told] == [0, 0]


def test_check_of_a_receipt_says_what_was_the_same(client, proposal, member):
    certified(proposal, member)
    version = services.submit_proposal(proposal, by=member)
    receipt, url = Receipt.objects.get(), reverse("proposals:receipts")
    export = json.loads(write_file(version.value, proposal=proposal.pk, at=clock.now()))

    def said(content, code=""):
        page = client.post(url, {"file": SimpleUploadedFile("f.json", content), "code": code})
        return page.content.decode()

    spelled = json.dumps(json.loads(receipt.body), indent=1).encode()
    assert "is, byte for byte, a receipt that this portal issued" in said(receipt.body.encode())
    assert "is, byte for byte, a package that this portal received" in said(version.package.encode())
    assert "is not the same byte for byte" in said(spelled) and "is, byte for byte" not in said(spelled)
    exported = said(json.dumps(export).encode())
    assert "no part of the package and were not compared" in exported and "is, byte" not in exported
    assert "It fits" in said(version.package.encode(), receipt.sha256)
    for beside in ({"note": "Weapons"}, {"exported": {**export["exported"], "note": "Weapons"}}):
        assert "No match" in said(json.dumps({**export, **beside}).encode())


def test_file_and_hash_of_different_versions_do_not_fit(client, proposal, member):
    certified(proposal, member)
    services.submit_proposal(proposal, by=member)
    other = submitted(ProposalFactory(complete=True, title="Another"))
    receipt, url = proposal.versions.get().receipt, reverse("proposals:receipts")
    file = SimpleUploadedFile("r.json", receipt.body.encode())
    assert "No match" in client.post(url, {"file": file, "code": other.receipt.sha256}).content.decode()


@pytest.mark.parametrize("what", ["package", "receipt"])
def test_page_that_waits_for_a_pdf_asks_until_it_is_there(client, proposal, member, what):
    """Nothing while it stands as shown, then the next words; ready or impossible, it asks no more."""
    version = submitted(proposal)
    papers = VersionPaper if what == "package" else ReceiptPaper
    if what == "package":
        services.ask_package_pdf(version, by=member)
    url = address("paper-state", proposal, 1, what)
    sign_in(client, member)

    def said(shown=""):
        answer = client.get(url, {"shown": shown}, HTTP_HX_REQUEST="true")
        return answer.status_code, answer.content.decode()

    assert f"{url}?shown=waiting" in said()[1] and said("waiting") == (204, "")
    papers.objects.update(claimed_at=clock.instant(), attempts=1)
    code, words = said("waiting")
    assert (code, "Being set" in words, "hx-trigger" in words) == (200, True, True)
    assert said("set") == (204, "")
    papers.objects.update(claimed_at=None)
    (render_package if what == "package" else render_receipt)(papers.objects.get().pk)
    code, words = said("set")
    assert (code, "Ready, " in words, "hx-" in words) == (200, True, False)
    papers.objects.update(state="quarantined", document=None)
    code, words = said("set")
    assert (code, "Could not be made" in words, "hx-" in words, "mailto:" in words) == (
        200,
        True,
        False,
        True,
    )
    sign_in(client, UserFactory())
    assert client.get(url).status_code == 404

"""A PDF of a version is read in the page by the browser's viewer; nothing else is, and nothing unscanned."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from evaluation import services as evaluating
from program import clock
from program.enums import Mark, ScanState
from program.intake import examine
from program.models import AuditEvent, Document, User
from proposals import services
from proposals.files import ONLY_DOWNLOADED
from tests.evaluation.pages import sign_in
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import ProposalFactory, representative_of, submitted
from tests.program.files import makers

pytestmark = pytest.mark.django_db
PLAN = "plan.pdf"


@pytest.fixture
def proposal(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    make.five_agencies()
    proposal = ProposalFactory(complete=True)
    for name, content in ((PLAN, makers.pdf()), ("prices.csv", b"item,usd\nboard,5\n")):
        file = ContentFile(content, name=name)
        services.add_file(
            proposal, file, found=examine(file, name), by=representative_of(proposal), part="hardware",
            mark=Mark.PUBLIC, is_released=True,
        )  # fmt: skip
    submitted(proposal)
    make.accept(proposal, officer())
    Document.objects.update(scan_state=ScanState.CLEAN)
    return proposal


def address(proposal, what, name=PLAN):
    file = Document.objects.get(name=name)
    return reverse(f"proposals:version-document-{what}", args=[proposal.pk, 1, file.sha256])


def policy(response):
    return dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))


def get(client, person, at):
    sign_in(client, person)
    return client.get(at)


def test_the_page_frames_the_file_and_only_this_page_may(client, proposal):
    desk = officer()
    shown = get(client, desk, address(proposal, "page"))
    assert f'<iframe class="site-document" src="{address(proposal, "shown")}"' in shown.text
    assert policy(shown)["frame-src"] == "'self'"
    assert policy(shown)["frame-ancestors"] == "'none'"
    assert f"/desk/proposals/{proposal.number}/?version=1" in shown.text
    reader = get(client, desk, reverse("evaluation:proposal", args=[proposal.number]))
    assert address(proposal, "page") in reader.text
    assert "frame-src" not in policy(reader)


def test_the_file_is_framed_by_our_pages_alone_runs_nothing_and_is_recorded_as_read(client, proposal):
    desk = officer()
    got = get(client, desk, address(proposal, "shown"))
    assert b"".join(got.streaming_content) == Document.objects.get(name=PLAN).file.read()
    assert got["Content-Type"] == "application/pdf"
    assert got["Content-Disposition"].startswith("inline")
    assert (got["X-Frame-Options"], got["X-Content-Type-Options"]) == ("SAMEORIGIN", "nosniff")
    assert got["Cache-Control"] == "private, no-store"
    said = policy(got)
    assert (said["default-src"], said["frame-ancestors"]) == ("'none'", "'self'")
    assert "script-src" not in said
    read = [event.said["after"] for event in AuditEvent.objects.filter(act="proposal.read", actor=desk)]
    assert [facts.get("document") for facts in read] == [Document.objects.get(name=PLAN).sha256]


def test_what_guards_it_in_place_of_a_sandbox(client, proposal):
    """ADR 30: a browser's viewer starts in no sandbox. As a download the same file has one."""
    shown = get(client, officer(), address(proposal, "shown"))
    said = policy(shown)
    assert "sandbox" not in shown["Content-Security-Policy"]
    assert said["default-src"] == said["base-uri"] == said["form-action"] == "'none'"
    assert said["frame-ancestors"] == "'self'"
    loads = {"script-src", "connect-src", "frame-src", "img-src", "font-src", "media-src", "worker-src"}
    assert not loads & said.keys()
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Cross-Origin-Resource-Policy"] == "same-origin"
    around = policy(client.get(address(proposal, "page")))
    assert (around["frame-src"], around["frame-ancestors"]) == ("'self'", "'none'")
    download = address(proposal, "page").removesuffix("page/")
    got = client.get(download)
    assert got["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert got["Content-Disposition"].startswith("attachment")


def test_another_kind_is_never_shown_in_the_page(client, proposal):
    desk = officer()
    for what in ("page", "shown"):
        assert get(client, desk, address(proposal, what, "prices.csv")).status_code == 404
    reader = get(client, desk, reverse("evaluation:proposal", args=[proposal.number]))
    assert address(proposal, "page", "prices.csv") not in reader.text


@pytest.mark.parametrize("state", [ScanState.INFECTED, ScanState.PENDING, ScanState.NOT_SCANNED])
def test_what_is_withheld_or_not_scanned_is_not_shown_though_it_was_let_go(client, proposal, state):
    desk = officer()
    Document.objects.filter(name=PLAN).update(scan_state=state)
    for what in ("page", "shown"):
        got = get(client, desk, address(proposal, what))
        assert (got.status_code, got["Location"]) == (
            302, reverse("proposals:version", args=[proposal.pk, 1]),
        )  # fmt: skip
    assert not AuditEvent.objects.filter(act="proposal.read", actor=desk).exists()
    reader = get(client, desk, reverse("evaluation:proposal", args=[proposal.number]))
    assert address(proposal, "page") not in reader.text


def test_a_pdf_that_only_downloads_says_why(client, proposal):
    desk = officer()
    at = reverse("evaluation:proposal", args=[proposal.number])
    assert ONLY_DOWNLOADED not in get(client, desk, at).text
    Document.objects.update(scan_state=ScanState.NOT_SCANNED, released_at=clock.now())
    reader = get(client, desk, at).text
    assert reader.count(ONLY_DOWNLOADED) == 1  # beside the PDF, and not beside the table
    assert reverse("proposals:version-document", args=address_of(proposal)) in reader


def address_of(proposal):
    return [proposal.pk, 1, Document.objects.get(name=PLAN).sha256]


@pytest.mark.parametrize("what", ["page", "shown"])
def test_strangers_the_unassigned_and_the_recused_open_nothing(client, proposal, what):
    desk, at = officer(), address(proposal, what)
    assert get(client, representative_of(proposal), at).status_code == 200
    assert get(client, desk, at).status_code == 200
    for person in (UserFactory(), make.reviewer("DOE")):
        assert get(client, person, at).status_code == 404
    evaluating.recuse(proposal, person=desk, by=officer(), reason="A former employer is a member.")
    assert get(client, User.objects.get(pk=desk.pk), at).status_code == 404
    client.logout()
    assert client.get(at).status_code == 302


@pytest.mark.parametrize("what", ["page", "shown"])
def test_a_file_that_the_version_does_not_name_is_not_found(client, proposal, what):
    at = reverse(f"proposals:version-document-{what}", args=[proposal.pk, 1, "0" * 64])
    assert get(client, officer(), at).status_code == 404

"""A file in pieces in a real browser: the session ends, the line is cut, the page is loaded again (R17)."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest
from django.urls import reverse

from proposals.models import Attachment, Upload
from tests.factories.proposals import ProposalFactory, TeamMemberFactory

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PIECES = re.compile(r"/uploads/\d+/$")
CONTENT = b"item,usd\n" + b"".join(b"board %09d,5\n" % number for number in range(320_000))


def test_upload_goes_on_after_sign_in_and_after_a_cut_line(person, portal, faults, tmp_path):
    proposal = ProposalFactory()
    member = person(TeamMemberFactory(membership=proposal.consortium.anchor).user)
    page, address = member.page, portal + reverse("proposals:part", args=[proposal.pk, "documents"])
    file, sent = tmp_path / "boards.csv", []
    file.write_bytes(CONTENT)

    def watch(request):
        if PIECES.search(request.url) and request.method == "POST":
            sent.append(int(request.headers["upload-offset"]))

    def choose():
        page.set_input_files("input[type=file]", file)
        page.click("label[for=id_mark_0]")
        page.fill("#id_caption", "Bill of materials")
        page.get_by_role("button", name="Add the file").click()

    def sign_out_first(route):
        if len(sent) == 2:
            member.context.clear_cookies()
        route.continue_()

    member.visit(address)
    page.on("request", watch)
    page.route(PIECES, sign_out_first)
    choose()
    page.get_by_text("You are signed out.").first.wait_for()
    page.unroute(PIECES)
    assert Upload.objects.get().received == 1 << 20

    # signed in again in another tab, the same page goes on; then the line is cut
    other = member.page = member.context.new_page()
    member.sign_in()
    other.close()
    member.page = page
    page.route(PIECES, lambda route: route.abort() if len(sent) >= 4 else route.continue_())
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("The connection is broken.").first.wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("What has arrived is kept for a day.").first.wait_for()
    page.unroute(PIECES)
    faults[:] = [fault for fault in faults if "Failed to load resource" not in fault]

    # the page is loaded anew, the same file chosen again
    received = Upload.objects.get().received
    sent.clear()
    member.visit(address)
    assert page.get_by_role("heading", name="Unfinished uploads").is_visible()
    choose()
    page.get_by_text("boards.csv was added.").wait_for()
    attachment = Attachment.objects.select_related("document").get()
    assert attachment.document.sha256 == sha256(CONTENT).hexdigest()
    assert (attachment.caption, sent[0]) == ("Bill of materials", received)
    member.check()


def test_piece_that_came_too_slowly_is_sent_again(person, portal, faults, tmp_path):
    proposal = ProposalFactory()
    member = person(TeamMemberFactory(membership=proposal.consortium.anchor).user)
    page, refused = member.page, []
    file = tmp_path / "boards.csv"
    file.write_bytes(CONTENT)

    def refuse_once(route):
        if refused:
            return route.continue_()
        refused.append(route.request.url)
        return route.fulfill(status=408, content_type="text/plain", body="What you sent came too slowly.")

    member.visit(portal + reverse("proposals:part", args=[proposal.pk, "documents"]))
    page.route(PIECES, refuse_once)
    page.set_input_files("input[type=file]", file)
    page.click("label[for=id_mark_0]")
    page.fill("#id_caption", "Bill of materials")
    page.get_by_role("button", name="Add the file").click()
    page.get_by_text("boards.csv was added.").wait_for()
    assert Attachment.objects.get().document.sha256 == sha256(CONTENT).hexdigest()
    assert len(refused) == 1
    faults[:] = [fault for fault in faults if "Failed to load resource" not in fault]
    member.check()

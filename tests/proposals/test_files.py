"""Files of a package: replaced, in several parts, let go without a scan, within limits, marked."""

from __future__ import annotations

import contextlib
import io

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from program.documents import open_document
from program.enums import Mark, ScanState
from program.intake import Refused, examine
from program.models import AuditEvent, Document
from program.revisions import StaleRevision
from program.transitions import NotReady
from program.withheld import withheld_for
from proposals import services
from proposals.composition import compose
from proposals.confidentiality import blanket
from proposals.enums import Part, ProposalStatus
from proposals.models import Answer, Attachment, Version
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import (
    ProposalFactory,
    TeamMemberFactory,
    certified,
    representative_of,
    submitted,
)
from tests.proposals import pages
from tests.proposals.pages import address, sign_in

pytestmark = pytest.mark.django_db
FIRST, SECOND = b"item,usd\nboard,5\n", b"item,usd\nboard,7\n"
S = ScanState
member = pages.member


@pytest.fixture(autouse=True)
def media(settings, tmp_path, places):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def proposal(media):
    return ProposalFactory(complete=True)


@pytest.fixture
def by(proposal):
    return representative_of(proposal)


@pytest.fixture
def stranger(media):
    return representative_of(ProposalFactory())


def added(proposal, by, content=FIRST, name="prices.csv", **facts):
    facts = {"part": Part.MARKETS, "mark": Mark.PUBLIC, "is_released": True, **facts}
    file = ContentFile(content, name=name)
    return services.add_file(proposal, file, found=examine(file, name), by=by, **facts)


def replaced(attachment, by, content=SECOND, name="newer.csv", revision=None):
    file = ContentFile(content, name=name)
    revision = attachment.revision if revision is None else revision
    return services.replace_file(attachment, file, found=examine(file, name), by=by, revision=revision)


def body_of(answer):
    return b"".join(answer.streaming_content)


# A newer file


def test_newer_file_takes_the_place_and_the_earlier_one_stays_listed(client, proposal, by):
    attachment = added(proposal, by)
    earlier = attachment.document
    replaced(attachment, by)
    attachment.refresh_from_db()
    assert attachment.document.name == "newer.csv" and attachment.revision == 2
    kept = attachment.replaced_files.get()
    assert (kept.document, kept.replaced_by) == (earlier, by)
    sign_in(client, by)
    page = client.get(address("row-edit", proposal, "documents", attachment.key)).content.decode()
    assert "Earlier versions of this file" in page and "prices.csv" in page
    assert earlier.sha256[:8] in page and str(by) in page
    download = client.get(address("document-earlier", proposal, attachment.pk, kept.pk))
    assert body_of(download) == FIRST
    event = AuditEvent.objects.of(proposal).get(act="proposal.replace_file")
    assert event.actor == by and earlier.sha256 in event.body


def test_submitted_version_keeps_exactly_the_bytes_it_had(client, proposal, by):
    attachment = added(proposal, by)
    sha256 = attachment.document.sha256
    submitted(proposal)
    replaced(attachment, by)
    services.remove_attachment(attachment, by=by, revision=None)
    sign_in(client, by)
    url = reverse("proposals:version-document", args=[proposal.pk, 1, sha256])
    assert body_of(client.get(url)) == FIRST
    newer = Attachment.objects.get(pk=attachment.pk).document.sha256
    assert client.get(reverse("proposals:version-document", args=[proposal.pk, 1, newer])).status_code == 404
    certified(proposal)
    services.resubmit_proposal(proposal, by=by)
    assert body_of(client.get(url)) == FIRST
    assert [d.sha256 for d in Version.objects.get(number=1).value.documents] == [sha256]
    assert Version.objects.get(number=2).value.documents == ()


def test_replacing_changes_every_part_and_answer_that_points_to_the_file(proposal, by):
    attachment = added(proposal, by)
    other = services.attach_again(attachment, by=by, part=Part.HARDWARE)
    requirement = proposal.call.requirements.first()
    answer, _ = Answer.objects.update_or_create(
        proposal=proposal, requirement=requirement, defaults={"document": attachment.document}
    )
    before = answer.revision
    replaced(attachment, by)
    for row in (attachment, other, answer):
        row.refresh_from_db()
    assert other.document == attachment.document == answer.document
    assert answer.revision == before + 1 and other.replaced_files.count() == 1


def test_replacing_is_refused_when_stale_when_the_same_and_to_others(proposal, by, stranger):
    attachment = added(proposal, by)
    with pytest.raises(Refused) as refusal:
        replaced(attachment, by, FIRST)
    assert refusal.value.code == "same-file"
    with pytest.raises(StaleRevision):
        replaced(attachment, by, revision=7)
    with pytest.raises(PermissionDenied):
        replaced(attachment, stranger)
    attachment.refresh_from_db()
    assert attachment.document.name == "prices.csv" and Document.objects.count() == 1


def test_page_replaces_says_what_is_wrong_and_notices_a_stale_form(client, proposal, by):
    attachment = added(proposal, by)
    sign_in(client, by)
    url = address("document-replace", proposal, attachment.pk)

    def post(content, revision, name="newer.csv"):
        data = {"revision": revision, "file": ContentFile(content, name=name), "is_released": "on"}
        return client.post(url, data, follow=True).content.decode()

    assert "is now the file" in post(SECOND, 1)
    assert "somebody changed it after you opened it" in post(b"a,b\n", 1)
    assert "The file was not replaced." in post(b"MZ", 2, "evil.pdf")
    assert "Choose a file." in client.post(url, {"revision": 2}, follow=True).content.decode()
    attachment.refresh_from_db()
    assert attachment.document.name == "newer.csv" and attachment.document.released_by == by


# One file, several parts


def test_one_file_in_several_parts_is_stored_once_and_removed_from_one_alone(client, proposal, by):
    attachment = added(proposal, by)
    sign_in(client, by)
    url = address("document-again", proposal, attachment.pk)
    assert client.post(url, {"part": "hardware", "caption": "Prices of boards"}).status_code == 302
    again = "This part has the file already."
    assert again in client.post(url, {"part": "hardware"}, follow=True).content.decode()
    assert "Choose a part" in client.post(url, {"part": "nowhere"}, follow=True).content.decode()
    first, second = proposal.attachments.order_by("pk")
    assert first.document == second.document and Document.objects.count() == 1
    assert [document.caption for document in compose(proposal).documents] == ["", "Prices of boards"]
    services.remove_attachment(first, by=by, revision=1)
    assert [document.part for document in compose(proposal).documents] == [Part.HARDWARE]
    assert body_of(client.get(address("document", proposal, second.pk))) == FIRST


def test_file_of_the_package_proves_a_component_too(client, proposal, by):
    attachment = added(proposal, by)
    component = proposal.components.filter(layer="hardware").first()
    page = address("row-edit", proposal, "hardware", component.key)
    here = address("evidence-add", proposal, "hardware", component.key)
    sign_in(client, by)
    assert "Use a file of the package" in client.get(page).content.decode()
    nothing = client.post(here, {"attachment": "999"}, follow=True).content.decode()
    assert "Choose a file that does not prove this component yet." in nothing
    data = {"attachment": attachment.pk, "caption": "Where the boards are made"}
    shown = client.post(here, data, follow=True).content.decode()
    assert f"is now evidence for {component}, too." in shown
    assert "Use a file of the package" not in shown
    second = proposal.attachments.get(row_key=component.key)
    assert (second.document, second.mark) == (attachment.document, attachment.mark)
    assert "Nothing was added." in client.post(here, data, follow=True).content.decode()
    assert [document.row for document in compose(proposal).documents] == ["", component.key]


def test_file_of_another_proposal_proves_nothing_here(client, proposal, by, stranger):
    component = proposal.components.filter(layer="hardware").first()
    here = address("evidence-add", proposal, "hardware", component.key)
    other = ProposalFactory(complete=True)
    foreign = added(other, representative_of(other))
    sign_in(client, by)
    client.post(here, {"attachment": foreign.pk})
    assert not proposal.attachments.exists()
    sign_in(client, stranger)
    assert client.post(here, {"attachment": foreign.pk}).status_code == 404


# Without a scan


def test_file_that_was_not_scanned_opens_only_by_its_owners_choice(client, proposal, by, stranger):
    attachment = added(proposal, by, is_released=False)
    sign_in(client, by)
    part = client.get(address("part", proposal, "documents")).content.decode()
    assert "Not scanned: no scanner is configured" in part and "Allow download" in part
    with pytest.raises(PermissionDenied):
        services.release_file(attachment, by=stranger)
    services.release_file(attachment, by=by)
    assert services.release_file(attachment, by=by) is None
    attachment.document.refresh_from_db()
    assert attachment.document.released_by == by
    assert AuditEvent.objects.of(proposal).filter(act="proposal.release_file").count() == 1
    assert body_of(client.get(address("document", proposal, attachment.pk))) == FIRST


@pytest.mark.parametrize("state", [S.INFECTED, S.PENDING])
def test_nobody_lets_go_of_a_file_that_is_infected_or_waits(settings, proposal, by, state):
    settings.CLAMAV_URL = "unix:///nobody"
    attachment = added(proposal, by)
    assert attachment.document.released_at is None
    Document.objects.update(scan_state=state)
    with pytest.raises(NotReady):
        services.release_file(attachment, by=by)


def test_choice_is_offered_after_the_close_too(proposal, by):
    attachment = added(proposal, by, is_released=False)
    proposal.status = ProposalStatus.NOT_SELECTED
    assert not by.has_perm("proposals.change_proposal", proposal)
    attachment.proposal = proposal
    assert services.release_file(attachment, by=by)


def test_choice_can_be_made_while_adding_where_there_is_no_scanner(client, settings, proposal, by):
    sign_in(client, by)
    part = address("part", proposal, "documents")
    assert "no malware scanner" in client.get(part).content.decode()
    data = {"part": "documents", "mark": "public", "file": ContentFile(FIRST, name="a.csv")}
    client.post(address("document-add", proposal), {**data, "is_released": "on"})
    assert withheld_for(proposal.attachments.get().document) == ""
    settings.CLAMAV_URL = "unix:///nobody"
    assert "no malware scanner" not in client.get(part).content.decode()


def test_reviewer_gets_a_file_only_once_it_is_let_go(client, proposal, by):
    attachment = added(proposal, by, is_released=False)
    submitted(proposal)
    url = reverse("proposals:version-document", args=[proposal.pk, 1, attachment.document.sha256])
    sign_in(client, officer())
    assert client.get(url).status_code == 302
    services.release_file(attachment, by=by)
    assert body_of(client.get(url)) == FIRST


# Who gets a file (C18)


def test_download_asks_each_time_and_an_old_link_is_dead_after_revocation(client, proposal, by):
    attachment = added(proposal, by)
    kept = replaced(attachment, by).replaced_files.get()
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=by)
    links = [
        address("document", proposal, attachment.pk),
        address("document-earlier", proposal, attachment.pk, kept.pk),
    ]
    Document.objects.update(released_by=by, released_at=proposal.created_at)
    sign_in(client, counsel)
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200 and answer["Content-Disposition"].startswith("attachment")
        assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert body_of(answer) in (FIRST, SECOND)
    for name in ("document-replace", "document-again", "document-release"):
        assert client.post(address(name, proposal, attachment.pk), {"part": "hardware"}).status_code == 403
    services.revoke_access(proposal, of=counsel, by=by)
    assert {client.get(link).status_code for link in links} == {404}
    for name in ("document-replace", "document-again", "document-release"):
        assert client.post(address(name, proposal, attachment.pk)).status_code == 404


def test_file_of_another_proposal_is_not_found_by_its_number(client, proposal, by):
    other = ProposalFactory(complete=True)
    foreign = added(other, representative_of(other))
    kept = replaced(foreign, representative_of(other)).replaced_files.get()
    sign_in(client, by)
    assert client.get(address("document", proposal, foreign.pk)).status_code == 404
    assert client.get(address("document-earlier", proposal, foreign.pk, kept.pk)).status_code == 404
    mine = added(proposal, by)
    assert client.get(address("document-earlier", proposal, mine.pk, kept.pk)).status_code == 404
    for name in ("document-replace", "document-again", "document-release"):
        assert client.post(address(name, proposal, foreign.pk)).status_code == 404


# Limits


def test_files_of_a_proposal_have_a_quota_that_counts_earlier_ones(settings, proposal, by):
    settings.PROPOSAL_MAX_BYTES = 2 * len(FIRST) + 5
    attachment = added(proposal, by)
    replaced(attachment, by)
    with pytest.raises(Refused, match="MB are left") as refusal:
        added(proposal, by, b"a,b\n1,2\n")
    assert refusal.value.code == "quota"
    assert added(proposal, by, b"a,b\n").document.size == 4
    other = ProposalFactory()
    assert added(other, representative_of(other))


def test_files_of_a_proposal_have_a_number(settings, proposal, by):
    settings.PROPOSAL_MAX_FILES = 1
    attachment = added(proposal, by)
    services.remove_attachment(attachment, by=by, revision=1)
    with pytest.raises(Refused) as refusal:
        added(proposal, by)
    assert refusal.value.code == "too-many-files"


def test_refusal_of_a_full_portal_stands_beside_the_field(client, settings, proposal, by):
    settings.PROPOSAL_MAX_BYTES = 3
    sign_in(client, by)
    data = {
        "part": "documents",
        "mark": "public",
        "file": ContentFile(FIRST, name="a.csv"),
        "caption": "Mine",
    }
    answer = client.post(address("document-add", proposal), data)
    assert answer.status_code == 200 and "MB are left" in str(answer.context["error_form"].errors["file"])
    assert 'value="Mine"' in answer.content.decode()
    assert not Document.objects.exists()


# Marks


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        ("", None),
        ("c", None),
        ("cc", (2, 2)),
        ("cp", None),
        ("cccp", None),
        ("ccccp", (4, 5)),
        ("cccccpp", None),
        ("ppp", None),
    ],
)
def test_blanket_marking_is_nearly_everything(marks, found):
    words = {"c": Mark.BUSINESS_CONFIDENTIAL, "p": Mark.PUBLIC}
    assert blanket([words[mark] for mark in marks]) == found


def test_blanket_marking_is_warned_about_with_its_rule_and_refuses_nothing(client, proposal, by):
    for content in (FIRST, SECOND):
        added(proposal, by, content, mark=Mark.BUSINESS_CONFIDENTIAL, justification="It holds prices.")
    sign_in(client, by)
    page = client.get(address("part", proposal, "documents")).content.decode()
    assert "2 of 2 files are marked business confidential" in page
    assert "5 U.S.C. 552(b)(4)" in page and "15 CFR 4.9" in page
    Document.objects.update(released_by=None, released_at=None)
    review = client.get(address("review", proposal)).content.decode()
    assert "Nearly everything is marked" in review and "Some files cannot be opened" in review
    submitted(proposal)
    assert proposal.versions.count() == 1


def test_colleague_of_another_member_adds_and_replaces_too(proposal, by):
    colleague = TeamMemberFactory(membership=proposal.consortium.anchor).user
    attachment = added(proposal, by)
    with contextlib.closing(
        open_document(replaced(attachment, colleague).replaced_files.get().document)
    ) as f:
        assert io.BytesIO(f.read()).getvalue() == FIRST


def test_file_is_added_refused_downloaded_and_removed(client, proposal, member, stranger):
    sign_in(client, member)
    url = address("document-add", proposal)
    data = {
        "part": "documents",
        "mark": "business_confidential",
        "justification": "Prices.",
        "caption": "Letter",
    }
    refused = client.post(url, {**data, "file": SimpleUploadedFile("evil.pdf", b"MZ not a pdf")})
    assert refused.status_code == 200
    assert refused.context["error_form"].errors["file"]
    assert (
        client.post(
            url, {**data, "file": SimpleUploadedFile("../../prices.csv", b"item,usd\nboard,5\n")}
        ).status_code
        == 302
    )
    attachment = proposal.attachments.get()
    assert (attachment.document.name, attachment.mark) == ("prices.csv", "business_confidential")
    download = address("document", proposal, attachment.pk)
    held = client.get(download)
    assert (held.status_code, held.url) == (302, address("part", proposal, "documents"))
    release = address("document-release", proposal, attachment.pk)
    sign_in(client, stranger)
    assert client.post(release).status_code == 404
    sign_in(client, member)
    assert client.post(release).status_code == 302
    answer = client.get(download)
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, b"item,usd\nboard,5\n")
    key = f"attachment-{attachment.pk}"
    assert client.get(address("row-edit", proposal, "documents", key)).status_code == 200
    sign_in(client, stranger)
    assert client.get(download).status_code == 404
    sign_in(client, member)
    assert (
        client.post(address("row-remove", proposal, "documents", key), {"revision": "1"}).status_code == 302
    )
    assert client.get(download).status_code == 404

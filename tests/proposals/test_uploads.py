"""A file in pieces goes on where it stopped; cut, doubled, lying or left behind it harms nothing (R17)."""

from __future__ import annotations

import os
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.urls import reverse

from program import audit, clock, spool
from program.models import AuditEvent, Document
from proposals import services
from proposals.composition import compose
from proposals.models import Attachment, Proposal, Upload
from proposals.schedule import purge_abandoned_uploads
from proposals.services import uploads
from tests.factories.program import UserFactory
from tests.factories.proposals import ProposalFactory, TeamMemberFactory, representative_of
from tests.proposals.pages import address, sign_in

pytestmark = pytest.mark.django_db
CONTENT = b"item,usd\n" + b"".join(b"board %06d,5\n" % n for n in range(200_000))
DIGEST = sha256(CONTENT).hexdigest()
SIZE, PIECE = len(CONTENT), 1 << 20


@pytest.fixture(autouse=True)
def media(settings, tmp_path, places):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def proposal(media):
    return ProposalFactory()


@pytest.fixture
def by(proposal):
    return representative_of(proposal)


@pytest.fixture
def member(client, by):
    sign_in(client, by)
    return client


def stored(media):
    return sorted(path for path in media.rglob("*") if path.is_file())


def begin(client, proposal, name="table.csv", size=SIZE, digest=DIGEST):
    facts = {"name": name, "size": size, "sha256": digest}
    return client.post(address("upload-begin", proposal), facts)


def put(client, url, offset, content):
    return client.post(
        url, content, content_type="application/octet-stream", headers={"Upload-Offset": str(offset)}
    )


def send(client, proposal, upto=SIZE, content=CONTENT):
    """Begin, and send what is missing up to a byte; the answer to the last piece."""
    facts = begin(client, proposal, size=len(content), digest=sha256(content).hexdigest()).json()
    while facts["offset"] < upto:
        piece = content[facts["offset"] : min(facts["offset"] + facts["piece"], upto)]
        answer = put(client, facts["url"], facts["offset"], piece)
        assert answer.status_code == 200, answer.content
        facts = answer.json()
    return facts


def finish(client, proposal, upload, **more):
    data = {"upload": upload, "part": "documents", "mark": "public", "is_released": "on", **more}
    return client.post(address("document-add", proposal), data)


def test_file_in_pieces_becomes_a_document_with_its_hash(
    member, proposal, by, media, django_capture_on_commit_callbacks
):
    facts = send(member, proposal)
    assert (facts["offset"], facts["size"], len(stored(media))) == (len(CONTENT), len(CONTENT), 3)
    assert not Document.objects.exists() and compose(proposal).documents == ()
    with django_capture_on_commit_callbacks(execute=True):
        assert finish(member, proposal, facts["id"], caption="Prices").status_code == 302
    attachment = Attachment.objects.select_related("document").get()
    assert (attachment.caption, attachment.document.sha256) == ("Prices", DIGEST)
    assert attachment.document.uploaded_by == by
    [path] = stored(media)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_upload_that_was_cut_shows_nothing_and_goes_on_where_it_stopped(client, proposal, by, media, share):
    sign_in(client, by)
    cut = int(len(CONTENT) * share)
    send(client, proposal, upto=cut)
    assert not Document.objects.exists() and not Attachment.objects.exists()
    client.logout()
    sign_in(client, by)  # the session had ended; the same person, the same file
    again = begin(client, proposal)
    assert (again.status_code, again.json()["offset"]) == (200, cut)
    facts = send(client, proposal)
    assert Upload.objects.count() == 1
    finish(client, proposal, facts["id"])
    assert Document.objects.get().sha256 == DIGEST


def test_finishing_twice_adds_it_once(member, proposal):
    facts = send(member, proposal)
    for _ in range(2):
        assert finish(member, proposal, facts["id"]).status_code == 302
    assert (Attachment.objects.count(), Document.objects.count()) == (1, 1)


def test_finishing_too_early_says_how_much_is_missing_and_keeps_it(member, proposal):
    facts = send(member, proposal, upto=PIECE)
    answer = finish(member, proposal, facts["id"], caption="Prices")
    errors = str(answer.context["error_form"].errors["file"])
    assert (
        f"{PIECE:,} of {len(CONTENT):,} bytes have arrived." in errors
        and "goes on where it stopped" in errors
    )
    assert 'value="Prices"' in answer.content.decode()
    assert Upload.objects.get().received == PIECE


def test_same_piece_twice_changes_nothing(member, proposal, media):
    facts = begin(member, proposal).json()
    for _ in range(2):
        answer = put(member, facts["url"], 0, CONTENT[:PIECE])
        assert (answer.status_code, answer.json()["offset"]) == (200, PIECE)
    assert len(stored(media)) == 1


@pytest.mark.parametrize(
    ("offset", "content", "status", "code"),
    [
        (2 * PIECE, b"x", 409, "wrong-offset"),  # a gap
        (0, b"other bytes", 409, "wrong-offset"),  # another window, another file
        (5, CONTENT[5:PIECE], 409, "wrong-offset"),  # across a border of pieces
        (PIECE, b"", 422, "empty"),
        (PIECE, b"x" * (4 << 20), 422, "more-than-announced"),
        (PIECE, b"x" * (4 << 20) + b"x", 413, "piece-too-large"),
        (PIECE, b"x" * (6 << 20), 413, "piece-too-large"),
        ("x", b"x", 400, "offset"),
        ("-1", b"x", 400, "offset"),
        ("9" * 40, b"x", 400, "offset"),
    ],
)
def test_wrong_piece_is_answered_plainly_and_spoils_nothing(member, proposal, offset, content, status, code):
    facts = send(member, proposal, upto=PIECE)
    answer = put(member, facts["url"], offset, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]
    if status == 409:
        assert answer.json()["offset"] == PIECE
    assert Upload.objects.get().received == PIECE
    assert finish(member, proposal, send(member, proposal)["id"]).status_code == 302


def test_lying_hash_is_found_and_the_upload_is_over(
    member, proposal, media, django_capture_on_commit_callbacks
):
    facts = begin(member, proposal, size=4, digest="0" * 64).json()
    put(member, facts["url"], 0, b"a,b\n")
    with django_capture_on_commit_callbacks(execute=True):
        answer = finish(member, proposal, facts["id"])
    assert "SHA-256 differs" in str(answer.context["error_form"].errors["file"])
    assert not Upload.objects.exists() and not Document.objects.exists() and not stored(media)
    assert "not kept any more" in finish(member, proposal, facts["id"]).content.decode()


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"name": "evil.exe"}, "type-not-allowed"),
        ({"name": ""}, "type-not-allowed"),
        ({"size": 0}, "empty"),
        ({"size": "-5"}, "empty"),
        ({"size": "9" * 30}, "empty"),
        ({"size": 101 << 20}, "too-large"),
        ({"digest": "xyz"}, "hash-form"),
    ],
)
def test_what_will_not_be_taken_is_refused_before_a_byte_is_sent(member, proposal, facts, code):
    answer = begin(member, proposal, **facts)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not Upload.objects.exists()


def test_unfinished_uploads_count_against_the_quota(member, settings, proposal):
    settings.PROPOSAL_MAX_BYTES = len(CONTENT) + 3
    assert begin(member, proposal).status_code == 201
    assert begin(member, proposal).status_code == 201  # the same one
    answer = begin(member, proposal, size=4, digest="0" * 64)
    assert (answer.status_code, answer.json()["code"]) == (422, "quota")


def test_uploads_of_one_person_have_a_number(member, proposal):
    for _ in range(uploads.MOST_OPEN):
        assert begin(member, proposal, digest="").status_code == 201
    answer = begin(member, proposal, digest="")
    assert (answer.status_code, answer.json()["code"]) == (422, "too-many-uploads")


def test_structure_is_examined_when_it_is_whole(member, proposal):
    content = b"MZ" + b"\0" * 5000
    facts = begin(member, proposal, name="plan.pdf", size=len(content), digest="").json()
    put(member, facts["url"], 0, content)
    answer = finish(member, proposal, facts["id"], caption="Plan")
    assert "Windows program" in str(answer.context["error_form"].errors["file"])
    assert 'value="Plan"' in answer.content.decode()
    assert not Upload.objects.exists()


def test_nobody_but_who_began_it_sees_adds_finishes_or_discards_it(client, proposal, by):
    sign_in(client, by)
    facts = send(client, proposal, upto=PIECE)
    url, discard = facts["url"], address("upload-discard", proposal, facts["id"])
    colleague = TeamMemberFactory(membership=proposal.consortium.anchor).user
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=by)
    stranger = representative_of(ProposalFactory())
    for person, status in ((colleague, 404), (counsel, 403), (stranger, 404)):
        sign_in(client, person)
        answers = [
            client.get(url),
            put(client, url, PIECE, CONTENT[PIECE : 2 * PIECE]),
            client.post(discard),
            finish(client, proposal, facts["id"]) if status != 404 else client.get(url),
        ]
        assert [answer.status_code for answer in answers] == [status] * 4, person
    sign_in(client, colleague)
    assert "not kept any more" in finish(client, proposal, facts["id"]).content.decode()
    assert begin(client, proposal).json()["id"] != facts["id"]
    assert Upload.objects.get(pk=facts["id"]).received == PIECE
    page = client.get(address("part", proposal, "documents")).content.decode()
    assert "Unfinished uploads" in page and page.count("table.csv") == 2  # the colleague's own alone


def test_who_lost_the_right_in_the_middle_adds_nothing(client, proposal, by):
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=by, permission="proposals.change_proposal")
    sign_in(client, counsel)
    facts = send(client, proposal, upto=PIECE)
    services.revoke_access(proposal, of=counsel, by=by)
    assert put(client, facts["url"], PIECE, CONTENT[PIECE : 2 * PIECE]).status_code == 404
    assert begin(client, proposal).status_code == 404
    assert Upload.objects.get().received == PIECE


def test_closed_proposal_takes_no_piece(member, proposal):
    facts = send(member, proposal, upto=PIECE)
    Proposal.objects.filter(pk=proposal.pk).update(status="lapsed")
    assert put(member, facts["url"], PIECE, CONTENT[PIECE : 2 * PIECE]).status_code == 403
    assert finish(member, proposal, facts["id"]).status_code == 403


def test_state_gives_a_fresh_token_and_changes_nothing(member, proposal):
    facts = send(member, proposal, upto=PIECE)
    before = Upload.objects.values().get()
    answer = member.get(facts["url"]).json()
    assert (answer["offset"], bool(answer["token"])) == (PIECE, True)
    assert Upload.objects.values().get() == before


def test_signed_out_browser_is_sent_to_sign_in_and_nothing_is_lost(client, proposal, by):
    sign_in(client, by)
    facts = send(client, proposal, upto=PIECE)
    client.logout()
    answer = put(client, facts["url"], PIECE, CONTENT[PIECE : 2 * PIECE])
    assert (answer.status_code, answer.url.startswith(reverse("account_login"))) == (302, True)
    assert Upload.objects.get().received == PIECE


def test_discarding_leaves_nothing(member, proposal, media, django_capture_on_commit_callbacks):
    facts = send(member, proposal, upto=PIECE)
    with django_capture_on_commit_callbacks(execute=True):
        assert member.post(address("upload-discard", proposal, facts["id"])).status_code == 302
    assert not Upload.objects.exists() and not stored(media)


class FullDisk(FileSystemStorage):
    """A folder on a device that has no room: the kernel says so at the first byte."""

    def _save(self, name, content):
        with Path("/dev/full").open("wb", buffering=0) as device:
            device.write(content.read())
        raise AssertionError("There was room.")


def test_full_disk_is_said_and_the_upload_goes_on_when_there_is_room(member, proposal, monkeypatch):
    facts = send(member, proposal, upto=PIECE)
    events = AuditEvent.objects.count()
    with monkeypatch.context() as patch:
        patch.setattr(Document._meta.get_field("file"), "storage", FullDisk())
        answer = put(member, facts["url"], PIECE, CONTENT[PIECE : 2 * PIECE])
    assert (answer.status_code, answer.json()["code"]) == (507, "no-room")
    assert Upload.objects.get().received == PIECE
    facts = send(member, proposal)
    field = Document._meta.get_field("file")
    real = field.storage

    class FullLater(FullDisk):
        def open(self, name, mode="rb"):
            return real.open(name, mode)

    with monkeypatch.context() as patch:
        patch.setattr(field, "storage", FullLater())
        answer = finish(member, proposal, facts["id"])
    assert "no room for the file" in str(answer.context["error_form"].errors["file"])
    assert not Document.objects.exists() and AuditEvent.objects.count() == events
    assert audit.verify().is_sound
    assert finish(member, proposal, facts["id"]).status_code == 302


def test_full_disk_while_a_form_brings_a_large_file_is_said_beside_the_field(member, proposal, monkeypatch):
    class Full(TemporaryUploadedFile):
        """A temporary file on a device that has no room."""

        def write(self, content):
            with Path("/dev/full").open("wb", buffering=0) as device:
                device.write(content)

    monkeypatch.setattr("django.core.files.uploadhandler.TemporaryUploadedFile", Full)
    file = SimpleUploadedFile("table.csv", b"a,b\n" * 1_000_000)
    data = {"file": file, "part": "documents", "mark": "public", "caption": "Prices"}
    answer = member.post(address("document-add", proposal), data)
    assert "no room for the file" in str(answer.context["error_form"].errors["file"])
    assert 'value="Prices"' in answer.content.decode()
    assert not Document.objects.exists()


def test_abandoned_uploads_are_gone_within_a_day(
    reference_data, member, proposal, media, django_capture_on_commit_callbacks
):
    send(member, proposal, upto=PIECE)
    assert purge_abandoned_uploads() == 0
    hours = clock.instant() + timedelta(hours=23)
    with clock.moved_to(hours), django_capture_on_commit_callbacks(execute=True):
        assert purge_abandoned_uploads() == 1
    assert not Upload.objects.exists() and not stored(media)


def test_piece_whose_transaction_failed_is_gone_within_a_day(media):
    spool.put(b"a,b\n")
    assert purge_abandoned_uploads() == 0 and len(stored(media)) == 1
    for path in stored(media):
        os.utime(path, (0, 0))
    assert purge_abandoned_uploads() == 1 and not stored(media)


def test_piece_costs_few_statements(member, proposal, django_assert_max_num_queries):
    facts = send(member, proposal, upto=PIECE)
    with django_assert_max_num_queries(14):
        put(member, facts["url"], PIECE, CONTENT[PIECE : 2 * PIECE])

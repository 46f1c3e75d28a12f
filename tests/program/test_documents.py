from __future__ import annotations

import contextlib
import datetime as dt
import os
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db import DatabaseError, transaction

from program import audit, documents
from program.enums import Mark, ScanState
from program.intake import Refused
from program.models import AuditEvent, Document
from program.withheld import MOST_SCANS
from tests.factories.program import UserFactory
from tests.program.files import makers

pytestmark = pytest.mark.django_db
S = ScanState


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def person():
    return UserFactory()


def stored(media):
    return sorted(path for path in media.rglob("*") if path.is_file())


def upload(name="plan.pdf", content=None):
    return SimpleUploadedFile(name, makers.pdf() if content is None else content, "text/html")


def store(person, uploaded_as="plan.pdf", content=None, **facts):
    return documents.store_document(
        upload(uploaded_as, content),
        by=person,
        mark=Mark.BUSINESS_CONFIDENTIAL,
        justification="Prices.",
        **facts,
    )


def released(person, *args, **facts):
    """A stored file whose owner lets it be handed out although nothing scans it."""
    document = store(person, *args, **facts)
    document.released_by, document.released_at = person, document.created_at
    document.save()
    return document


def bytes_of(document):
    with documents.open_document(document) as file:
        return file.read()


def store_and_fail(person):
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        store(person)
        raise ZeroDivisionError


def test_upload_is_stored_as_what_it_is(person, media):
    content = makers.pdf()
    document = store(person, "../x/Plan: A.pdf", content)
    document = Document.objects.get(pk=document.pk)
    assert (document.name, document.kind, document.content_type) == ("Plan_ A.pdf", "pdf", "application/pdf")
    assert (document.size, document.sha256) == (len(content), sha256(content).hexdigest())
    assert (document.mark, document.justification) == (Mark.BUSINESS_CONFIDENTIAL, "Prices.")
    assert (document.uploaded_by, document.scan_state) == (person, S.NOT_SCANNED)
    assert not document.is_generated
    [path] = stored(media)
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert "Plan" not in str(path)
    assert not path.suffix


def test_large_upload_that_lies_in_a_temporary_file_is_stored(person, media):
    content = b"a,b\n" * 100_000
    with TemporaryUploadedFile("table.csv", "text/csv", len(content), None) as file:
        file.write(content)
        document = documents.store_document(file, by=person, mark=Mark.PUBLIC)
    with documents.stored_bytes(document) as kept:
        assert kept.read() == content


def test_given_name_wins_over_the_uploaded_one(person):
    assert store(person, "x.exe", name="Letter of intent.pdf").name == "Letter of intent.pdf"


def test_image_is_stored_encoded_anew(person):
    content = makers.image("JPEG", comment=b"taken at home")
    document = store(person, "a.jpg", content)
    kept = Path(document.file.path).read_bytes()
    assert b"taken at home" not in kept
    assert (document.size, document.sha256) == (len(kept), sha256(kept).hexdigest())


def test_same_bytes_twice_are_two_files(person, media):
    first, second = store(person), store(person)
    assert first.sha256 == second.sha256
    assert first.file.name != second.file.name
    assert len(stored(media)) == 2


def test_refused_upload_leaves_nothing(person, media):
    with pytest.raises(Refused):
        store(person, content=b"MZ")
    assert not stored(media)
    assert not Document.objects.exists()


def test_quota_is_asked_before_anything_is_written(person, media):
    told = []

    def quota(size):
        told.append(size)
        raise Refused("quota", "There is no room left for this proposal's files.", "Remove a file first.")

    content = makers.pdf()
    with pytest.raises(Refused, match="no room left"):
        store(person, content=content, quota=quota)
    assert told == [len(content)]
    assert not stored(media)


def test_file_goes_when_its_row_fails(person, media):
    with pytest.raises(DatabaseError), transaction.atomic():
        documents.store_document(upload(), by=person, mark="x" * 25)
    assert not stored(media)
    assert not Document.objects.exists()


def test_orphan_of_a_failed_transaction_is_removed_after_a_day(person, media):
    kept = store(person)
    store_and_fail(person)
    assert len(stored(media)) == 2
    assert documents.remove_orphans() == 0
    for path in stored(media):
        os.utime(path, (0, 0))
    assert documents.remove_orphans(older_than=dt.timedelta(hours=24)) == 1
    assert [str(path.relative_to(media)) for path in stored(media)] == [kept.file.name]


def test_no_orphans_where_nothing_was_ever_stored():
    assert documents.remove_orphans() == 0


def test_generated_file_is_kept_as_our_own(person, settings):
    document = documents.store_generated("Receipt 1.pdf", b"%PDF-1.7", by=person, mark=Mark.PUBLIC)
    assert document.is_generated
    assert (document.name, document.content_type, document.size) == ("Receipt 1.pdf", "application/pdf", 8)
    settings.CLAMAV_URL = "unix:///run/clamd"
    assert bytes_of(document) == b"%PDF-1.7"


# The scan


AWAY = "unix:///run/clamd"


@pytest.mark.parametrize(
    ("scanner", "state", "facts", "reason"),
    [
        ("", S.NOT_SCANNED, {}, "unscanned"),
        ("", S.NOT_SCANNED, {"released"}, None),
        ("", S.CLEAN, {}, None),
        ("", S.PENDING, {"released"}, "waiting"),
        ("", S.INFECTED, {"released"}, "infected"),
        (AWAY, S.NOT_SCANNED, {"released"}, "waiting"),
        (AWAY, S.NOT_SCANNED, {"set aside"}, "unscanned"),
        (AWAY, S.NOT_SCANNED, {"set aside", "released"}, None),
        (AWAY, S.CLEAN, {}, None),
        (AWAY, S.PENDING, {"released"}, "waiting"),
        (AWAY, S.INFECTED, {"set aside", "released"}, "infected"),
    ],
)
def test_file_is_withheld_until_it_is_clean_or_its_owner_lets_it_go(
    person, settings, scanner, state, facts, reason
):
    document = store(person)
    if "released" in facts:
        document.released_by, document.released_at = person, document.created_at
    document.scan_attempts = MOST_SCANS if "set aside" in facts else 0
    document.scan_state = state
    document.save()
    settings.CLAMAV_URL = scanner
    if reason is None:
        assert bytes_of(document).startswith(b"%PDF")
    else:
        with pytest.raises(documents.Withheld) as refusal:
            documents.download_response(document)
        assert refusal.value.reason == reason
        assert str(refusal.value).startswith(("This file", "A malware scan"))


def test_new_file_waits_for_the_scanner(person, settings):
    settings.CLAMAV_URL = "unix:///run/clamd"
    assert store(person).scan_state == S.PENDING


@pytest.mark.parametrize("before", S)
@pytest.mark.parametrize("found", S)
def test_scan_moves_only_along_its_states(person, before, found):
    document = store(person)
    Document.objects.filter(pk=document.pk).update(scan_state=before)
    moved = documents.record_scan(document, found)
    allowed = (before, found) in {
        (S.NOT_SCANNED, S.PENDING),
        (S.CLEAN, S.PENDING),
        (S.PENDING, S.CLEAN),
        (S.PENDING, S.NOT_SCANNED),
        (S.PENDING, S.INFECTED),
    }
    assert moved == allowed
    assert document.scan_state == (found if allowed else before)


def test_lost_file_is_said_to_be_missing(person):
    document = released(person)
    Path(document.file.path).unlink()
    with pytest.raises(documents.Withheld) as refusal:
        documents.download_response(document)
    assert refusal.value.reason == "missing"


class FullDisk(FileSystemStorage):
    """A folder on a device that has no room: the kernel says so at the first byte."""

    def _save(self, name, content):
        with Path("/dev/full").open("wb", buffering=0) as device:
            device.write(content.read())
        raise AssertionError("There was room.")


def test_full_disk_is_said_in_words_and_leaves_the_record_whole(person, media, monkeypatch):
    monkeypatch.setattr(Document._meta.get_field("file"), "storage", FullDisk())
    before = AuditEvent.objects.count()
    with pytest.raises(Refused, match="no room for the file") as refusal:
        store(person)
    assert refusal.value.code == "no-room"
    assert not Document.objects.exists() and not stored(media)
    assert AuditEvent.objects.count() == before and audit.verify().is_sound


# Handing out (C18)


def test_download_is_an_attachment_that_nothing_runs(person):
    content = makers.pdf()
    response = documents.download_response(released(person, "Plan \u201cA\u201d, Qu\u00e9bec.pdf", content))
    assert b"".join(response.streaming_content) == content
    response.close()
    assert dict(response.headers) == {
        "Content-Type": "application/pdf",
        "Content-Length": str(len(content)),
        "Content-Disposition": "attachment; filename*=utf-8''Plan%20%E2%80%9CA%E2%80%9D%2C%20Qu%C3%A9bec.pdf",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-store",
    }


def test_type_of_a_download_is_ours_even_when_the_row_was_changed(person):
    document = released(person)
    document.kind, document.content_type = "html", "text/html"
    with contextlib.closing(documents.download_response(document)) as response:
        assert response["Content-Type"] == "application/octet-stream"


def test_name_of_a_download_cannot_break_the_header(person):
    document = released(person)
    document.name = 'a"; filename="b.exe\r\nX-Evil: 1.pdf'
    response = documents.download_response(document)
    assert "X-Evil" not in response.headers
    assert "\n" not in response["Content-Disposition"]
    response.close()

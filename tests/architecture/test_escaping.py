"""Whatever people type is shown as text in mail and in papers (C15); pages and tables are in test_pages."""

from __future__ import annotations

import io
from copy import deepcopy

import pytest
from django.urls import reverse
from pypdf import PdfReader

from evaluation.models import LetterPaper
from evaluation.tasks import render_letter
from program import audit, notices
from program.models import Notice
from program.notice_kinds import NoticeKind
from tests.architecture.addresses import client_of
from tests.architecture.hostile import LONG, SHORT, hostile, scripts_in
from tests.factories.program import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def built(standing):
    return hostile()


@pytest.fixture
def world(built, monkeypatch):
    monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
    return deepcopy(built)


def test_reader_of_pages_sees_what_would_run():
    assert scripts_in(f"<p>{LONG}</p>") and scripts_in(f'<a title="{SHORT}">')
    assert scripts_in("<a href=' javascript:x'>") and not scripts_in("<script src='/a.js'></script>")


def test_every_mail_shows_what_was_typed_as_text(world):
    for notice in Notice.objects.select_related("recipient", "event"):
        message = notices._message(notice)
        assert "\n" not in message.subject and "\r" not in message.subject
        assert scripts_in(message.alternatives[0].content) == [], notice.kind
        message.message().as_bytes()


def test_braces_and_percent_signs_in_facts_of_a_notice_stay_as_they_are(world):
    """The words of a notice are filled in once; what stands in a fact is never filled in again."""
    person = UserFactory(name=SHORT)
    kind = NoticeKind(
        "tests.hostile",
        "About {title}",
        "It says: {title} for {name}",
        when="A test",
        who="Its person",
        sample={"title": "A", "name": "B"},
    )
    event = audit.record(person, "tests.act", by=person, note=LONG, after={"text": LONG})
    notices.owe(event, kind, [person], url="/", title="{0.__class__} {event.actor.password} %s", name=LONG)
    notice = Notice.objects.get(event=event)
    assert notice.title == "About {0.__class__} {event.actor.password} %s"
    assert notice.text.endswith(LONG)
    message = notices._message(notice)
    assert scripts_in(message.alternatives[0].content) == []
    assert "{event.actor.password}" in message.subject
    assert audit.verify().is_sound


def test_line_breaks_in_a_name_make_no_header_of_a_mail(world):
    person = UserFactory()
    kind = NoticeKind(
        "tests.hostile", "About {title}", "{title}", when="A test", who="Its person", sample={"title": "A"}
    )
    event = audit.record(person, "tests.act", by=person)
    notices.owe(event, kind, [person], url="/", title="x\r\nBcc: everybody@firm.example\n\nBody")
    message = notices._message(Notice.objects.get(event=event)).message()
    assert message["Bcc"] is None and "Bcc: everybody" in message["Subject"]


def test_papers_print_what_was_typed_as_text(world):
    paper = LetterPaper.objects.get(letter=world.letter)
    render_letter(paper.pk)
    client = client_of(world.people["our representative"])
    addresses = [
        reverse("proposals:receipt-pdf", args=[world.inside.pk, 1]),
        reverse("proposals:package-pdf", args=[world.inside.pk, 1]),
    ]  # fmt: skip
    for address in addresses:
        response = client.get(address)
        content = b"".join(response.streaming_content)
        assert content.startswith(b"%PDF-")
        text = "".join("".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages)
        assert "<imgsrc=xonerror=alert(1)>" in text, address
        assert b"/JavaScript" not in content and b"/Launch" not in content

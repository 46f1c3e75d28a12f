"""Whatever people type is shown as text (C15): on pages, in mail, in papers, in JSON and in calendars."""

from __future__ import annotations

import io
import json
import re
from copy import deepcopy
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from pypdf import PdfReader

from evaluation.models import LetterPaper
from evaluation.tasks import render_letter
from program import audit, notices
from program.models import Call, Notice
from program.notices import NoticeKind
from tests.architecture.test_isolation import client_of, keyed, lists
from tests.architecture.two_consortia import build, mark_texts
from tests.factories.program import UserFactory

pytestmark = pytest.mark.django_db
SHORT = "\"'><img src=x onerror=alert(1)>"
LONG = (
    SHORT
    + "</textarea></title></script><script>alert(2)</script><svg/onload=alert(3)>"
    + "{{ 7*7 }}{% debug %}{0.__class__}{event.actor.password}%s%(x)s${7*7}\u2028<!--]]>"
    + " javascript:alert(4) =HYPERLINK(1) @SUM(1) +1 -1 \u202eevil & &lt;b&gt;"
)
PERSONS = (
    "our representative", "counsel", "program_officer", "decision_official", "auditor", "lead of DOD",
    "assigned reviewer", "edag officer", "anonymous",
)  # fmt: skip


class Scripts(HTMLParser):
    """Everything on a page that would run: our own pages have no inline script at all."""

    def __init__(self):
        super().__init__()
        self.found, self.in_script = [], False

    def handle_starttag(self, tag, attributes):
        self.in_script = tag == "script"
        for name, value in attributes:
            if name.startswith("on") or (value or "").strip().lower().startswith(
                ("javascript:", "data:text")
            ):
                self.found.append(f"<{tag} {name}={value}>")
        if tag in ("img", "svg") and ("src", "x") in attributes:
            self.found.append(f"<{tag} src=x>")

    def handle_data(self, data):
        if self.in_script and data.strip():
            self.found.append(f"<script>{data[:60]}")

    def handle_endtag(self, tag):
        self.in_script = False


def scripts_in(text):
    reader = Scripts()
    reader.feed(text)
    return reader.found


@pytest.fixture(scope="module")
def built(standing):
    """Both consortia with the corpus in every free text, names of people and firms included."""
    made = build(tail=LONG, short_tail=SHORT)
    for call in Call.objects.all():
        mark_texts("zebracall", call, *call.requirements.all(), *call.criteria.all())
    for person in made.people.values():
        if person.is_authenticated:
            type(person).objects.filter(pk=person.pk).update(name=f"Per{SHORT}son", title=SHORT)
    return made


@pytest.fixture
def world(built, monkeypatch):
    monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
    return deepcopy(built)


def test_reader_of_pages_sees_what_would_run():
    assert scripts_in(f"<p>{LONG}</p>") and scripts_in(f'<a title="{SHORT}">')
    assert scripts_in("<a href=' javascript:x'>") and not scripts_in("<script src='/a.js'></script>")


def test_every_page_shows_what_was_typed_as_text(world):
    wrong, shown = [], 0
    for role in PERSONS:
        client = client_of(world.people[role])
        for address in [*lists(), *(reverse(name, kwargs=real) for name, real, *_ in keyed(world))]:
            response = client.get(address)
            if response.streaming or response.status_code >= 500:
                continue
            text, kind = response.content.decode("utf-8", "replace"), response.headers.get("Content-Type", "")
            if kind.startswith("text/html"):
                shown += "onerror=alert(1)&gt;" in text
                wrong += [f"{role} {address}: {each}" for each in scripts_in(text)]
                if "<title>" in text:
                    assert text.count("</title>") - text.count("<svg") <= 1 + text.count("<svg"), address
            elif "json" in kind:
                json.loads(text)
                assert response.headers["X-Content-Type-Options"] == "nosniff"
            elif kind.startswith("text/calendar"):
                lines = re.split(r"\r\n(?! )", text)
                assert all(re.match(r"[A-Z-]+[:;]", line) for line in lines if line), lines
    assert not wrong, "\n".join(sorted(set(wrong))[:40])
    assert shown > 50, f"Only {shown} pages show what was typed, so the crawl proves little."


def test_every_mail_shows_what_was_typed_as_text(world):
    for notice in Notice.objects.select_related("recipient", "event"):
        message = notices._message(notice)
        assert "\n" not in message.subject and "\r" not in message.subject
        assert scripts_in(message.alternatives[0].content) == [], notice.kind
        message.message().as_bytes()


def test_braces_and_percent_signs_in_facts_of_a_notice_stay_as_they_are(world):
    """The words of a notice are filled in once; what stands in a fact is never filled in again."""
    person = UserFactory(name=SHORT)
    kind = NoticeKind("tests.hostile", "About {title}", "It says: {title} for {name}")
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
    kind = NoticeKind("tests.hostile", "About {title}", "{title}")
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

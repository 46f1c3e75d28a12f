"""What everybody reads without an account: the home page, open calls, and no draft."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from program.models import Call
from program.services.questions import answer_question, ask_question
from tests.factories.program import (
    UserFactory,
    approved_call,
    closed_call,
    drafted_call,
    issued_call,
    officer,
)
from tests.program.pages import APRIL_FIRST, text_of

pytestmark = pytest.mark.django_db
PUBLIC = [
    "home", "calls", "directives", "accessibility", "privacy", "status", "security-txt",
]  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_public_page_opens_without_sign_in(client, reference_data, name):
    assert client.get(reverse(f"program:{name}")).status_code == 200


@pytest.mark.parametrize("make", [drafted_call, approved_call])
def test_call_that_was_not_issued_is_not_public(client, make):
    call = make()
    for path in (f"/calls/{call.number}/", f"/calls/{call.number}/deadline.ics"):
        assert client.get(path).status_code == 404
    assert call.number not in text_of(client.get("/calls/"))


def test_user_text_is_never_markup(client):
    call = issued_call(text="<script>alert(1)</script>", summary="<b>bold</b>")
    asked = ask_question(call, by=UserFactory(), text="<img src=x onerror=alert(1)>")
    answer_question(asked, by=officer(), answer="<a href=x>y</a>")
    page = client.get(f"/calls/{call.number}/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<a href=x>" not in page
    assert "<b>bold" not in page


def test_security_txt_expires_in_the_future(client):
    lines = dict(line.split(": ", 1) for line in client.get("/.well-known/security.txt").text.splitlines())
    assert datetime.fromisoformat(lines["Expires"]) > datetime.now(UTC)
    assert lines["Contact"].startswith("mailto:")


def test_home_shows_the_open_call_and_says_when_none_is(client, reference_data):
    assert "No call has been issued yet" in text_of(client.get("/"))
    closed = closed_call(APRIL_FIRST)
    assert "No call is open now" in text_of(client.get("/"))
    call = issued_call()
    page = text_of(client.get("/"))
    assert f"/calls/{call.number}/" in page
    assert f"/calls/{closed.number}/" not in page


def test_home_leads_to_the_call_that_closes_first_and_names_the_others(client, reference_data):
    first, later = issued_call(), issued_call()
    Call.objects.filter(pk=first.pk).update(closes_at=later.closes_at - timedelta(days=3))
    response = client.get("/")
    assert response.context["call"] == first
    assert f"/calls/{later.number}/" in text_of(response)


@pytest.mark.parametrize("number", ["AIX-C-1999-0001", "nothing"])
def test_absent_call_is_not_found(client, number):
    assert client.get(f"/calls/{number}/").status_code == 404

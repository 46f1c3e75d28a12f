"""Deny by default: what every address of the portal answers to a stranger, and to a stranger's form.

Each address is asked in a savepoint of its own, by a browser that knows nothing of the others; a test names
all that are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection
from django.test import Client
from django.urls import reverse

from program.enums import OfficeRole
from program.models import AuditEvent
from tests.architecture.addresses import client_of, content_of
from tests.architecture.routes import OURS, PUBLIC
from tests.architecture.tables import touched_since, writes
from tests.factories.program import UserFactory, officer
from tests.savepoints import taken_back
from tests.statements import as_learnt

pytestmark = pytest.mark.django_db
PRIVATE = [route for route in OURS if route.pattern not in PUBLIC]
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
#: That somebody was refused may be recorded; the chain of the record goes on by it
REFUSAL = {"AuditEvent", "AuditChain"}


@dataclass
class Heard:
    """What an address answers to a stranger and twice to a person without any role; what the second wrote."""

    stranger: object
    person: object
    again: object
    written: list[str]


def browser_of(session, **options):
    """A browser without any cookie but that of the session."""
    client = Client(raise_request_exception=False, **options)
    if session:
        client.cookies[settings.SESSION_COOKIE_NAME] = session
    return client


def acts_recorded():
    return AuditEvent.objects.exclude(act="user.refused").count()


@pytest.fixture(scope="module")
def session(standing):
    """The key of the session of somebody without any role."""
    return session_of(UserFactory())


def session_of(person):
    return client_of(person).session.session_key


@pytest.fixture(scope="module")
def heard(session):
    def ask(route):
        with taken_back():
            stranger = browser_of(None).get(route.address)
        with taken_back():
            person = browser_of(session)
            first = person.get(route.address)
            earlier, recorded = writes(), acts_recorded()
            again = person.get(route.address)
            written = [model.__name__ for model in touched_since(earlier, but=REFUSAL)]
            if acts_recorded() != recorded:
                written.append("AuditEvent")
        return Heard(stranger, first, again, written)

    return {route: ask(route) for route in OURS}


def test_every_public_route_exists():
    assert {route.pattern for route in OURS} >= PUBLIC


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_nobody_gets_in_without_sign_in(standing, method):
    wrong = []
    for route in PRIVATE:
        with taken_back():
            answer = getattr(browser_of(None), method)(route.address)
        if route.pattern.startswith("api/"):
            is_refused = answer.status_code in (401, 403)
        else:
            is_refused = answer.status_code == 302 and answer.url.startswith(reverse("account_login"))
        if not is_refused:
            wrong.append(f"{route} {answer.status_code}")
    assert wrong == []


def test_person_without_any_role_finds_nothing_of_others(heard):
    wrong = []
    for route in PRIVATE:
        status = heard[route].person.status_code
        names_one = "<" in route.pattern
        if status not in ((302, 403, 404, 405, 410) if names_one else (200, 204, 302, 403, 404, 405)):
            wrong.append(f"{route} {status}")
    assert wrong == []


def test_form_without_token_is_refused(session):
    wrong = []
    for route in OURS:
        with taken_back():
            status = browser_of(session, enforce_csrf_checks=True).post(route.address, {}).status_code
        if status not in (403, 404, 405, 410):
            wrong.append(f"{route} {status}")
    assert wrong == []


def test_reading_changes_nothing(heard):
    assert {str(route): heard[route].written for route in OURS if heard[route].written} == {}


def test_what_is_written_would_be_noticed(session):
    earlier = writes()
    UserFactory()
    assert "User" in {model.__name__ for model in touched_since(earlier, but=REFUSAL)}


def test_every_answer_carries_the_headers(heard):
    wrong = []
    for route in OURS:
        for answer in (heard[route].stranger, heard[route].person):
            policy = answer.headers.get("Content-Security-Policy", "")
            wrong += [f"{route} {name}" for name in HEADERS if answer.headers.get(name) != HEADERS[name]]
            if "default-src 'none'" not in policy or "unsafe" in policy:
                wrong.append(f"{route} Content-Security-Policy {policy}")
    assert wrong == []


def test_private_pages_are_not_kept(heard):
    kept = {str(route): heard[route].person.headers.get("Cache-Control", "") for route in PRIVATE}
    assert {route: said for route, said in kept.items() if "no-store" not in said} == {}


def test_forged_host_is_refused(client):
    assert client.get("/", HTTP_HOST="evil.example").status_code == 400


def test_every_cookie_is_bound_to_the_host(heard, session):
    """Whatever address sets it, to a stranger or to a person: no script, no other site, no plain HTTP."""
    wrong, seen = [], set()
    for route in OURS:
        with taken_back():
            posted = browser_of(session).post(route.address)
        for answer in (heard[route].stranger, heard[route].person, posted):
            for name, cookie in answer.cookies.items():
                seen.add(name)
                is_bound = (
                    name.startswith("__Host-")
                    and cookie["secure"]
                    and cookie["httponly"]
                    and (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
                )
                if not is_bound:
                    wrong.append(f"{route} {cookie.OutputString()}")
    assert wrong == []
    assert {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME} <= seen


#: What a page needs before its view begins: who asks.
WHO_ASKS = ("django_session", "program_user", "program_office", "usersessions")

ASKS_OR_WRITES = ("SELECT", "(SELECT", "WITH", "DECLARE", "EXECUTE", "INSERT", "UPDATE")


@pytest.mark.parametrize("office", [None, OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR])
def test_view_that_breaks_shows_the_plain_error_page(standing, office):
    """Fail closed: no page goes on without its data, none says what broke."""
    wrong, broken = [], []

    def break_off(execute, sql, params, many, context):
        if not sql.startswith(ASKS_OR_WRITES) or any(table in as_learnt(sql) for table in WHO_ASKS):
            return execute(sql, params, many, context)
        broken.append(sql)
        raise ProgrammingError("canary of the database")

    session = session_of(officer(office) if office else UserFactory())
    pages_broken = 0
    for route in OURS:
        broken.clear()
        with taken_back():
            with connection.execute_wrapper(break_off):
                answer = browser_of(session).get(route.address)
            content = content_of(answer)
        if not broken:
            # Readiness asks in its own way; whether it sees a database that is away is tested with the faults
            if answer.status_code >= 500 and route.pattern != "readyz":
                wrong.append(f"{route} {answer.status_code}")
            continue
        pages_broken += 1
        if answer.status_code not in (500, 503):
            wrong.append(f"{route} {answer.status_code} {broken[-1][:200]}")
        for word in (b"canary", b"Traceback", b"SELECT", b"ProgrammingError"):
            if word in content:
                wrong.append(f"{route} says {word.decode()}")
    assert wrong == []
    assert pages_broken > 100

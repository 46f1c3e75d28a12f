"""Deny by default: what every address of the portal answers to a stranger, and to a stranger's form."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection
from django.test import Client
from django.urls import reverse

from program.enums import OfficeRole
from program.models import AuditEvent
from tests.architecture.routes import OURS, PUBLIC
from tests.evaluation.test_pages import sign_in
from tests.factories.program import UserFactory, officer

pytestmark = pytest.mark.django_db
PRIVATE = [route for route in OURS if route.pattern not in PUBLIC]
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def counts():
    """Rows of every table of ours; that somebody was refused may be recorded."""
    models = [
        model
        for app in ("program", "proposals", "evaluation", "financing")
        for model in apps.get_app_config(app).get_models()
    ]
    found = {model.__name__: model.objects.count() for model in models}
    return found | {"AuditEvent": AuditEvent.objects.exclude(act="user.refused").count()}


def test_every_public_route_exists():
    assert {route.pattern for route in OURS} >= PUBLIC


@pytest.mark.parametrize("route", PRIVATE, ids=str)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_nobody_gets_in_without_sign_in(client, route, method):
    answer = getattr(client, method)(route.address)
    if route.pattern.startswith("api/"):
        assert answer.status_code in (401, 403)
    else:
        assert answer.status_code == 302, answer.status_code
        assert answer.url.startswith(reverse("account_login"))


@pytest.mark.parametrize("route", PRIVATE, ids=str)
def test_person_without_any_role_finds_nothing_of_others(client, route):
    client.force_login(UserFactory())
    answer = client.get(route.address)
    names_one = "<" in route.pattern
    assert answer.status_code in ((302, 403, 404, 405, 410) if names_one else (200, 204, 302, 403, 404, 405))


@pytest.mark.parametrize("route", OURS, ids=str)
def test_form_without_token_is_refused(route):
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory())
    assert client.post(route.address, {}).status_code in (403, 404, 405, 410)


@pytest.mark.parametrize("route", OURS, ids=str)
def test_reading_changes_nothing(client, route):
    client.force_login(UserFactory())
    client.get(route.address)
    before = counts()
    client.get(route.address)
    assert counts() == before


@pytest.mark.parametrize("route", OURS, ids=str)
def test_every_answer_carries_the_headers(client, route):
    answer = client.get(route.address)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("route", PRIVATE, ids=str)
def test_private_pages_are_not_kept(client, route):
    client.force_login(UserFactory())
    assert "no-store" in client.get(route.address).headers["Cache-Control"]


def test_forged_host_is_refused(client):
    assert client.get("/", HTTP_HOST="evil.example").status_code == 400


@pytest.mark.parametrize("route", OURS, ids=str)
def test_every_cookie_is_bound_to_the_host(client, route):
    """Whatever address sets it, to a stranger or to a person: no script, no other site, no plain HTTP."""
    answers = [client.get(route.address)]
    client.force_login(UserFactory())
    answers += [client.get(route.address), client.post(route.address)]
    for name, cookie in [each for answer in answers for each in answer.cookies.items()]:
        assert name.startswith("__Host-"), name
        assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Lax", name
        assert (cookie["path"], cookie["domain"]) == ("/", ""), name


#: What a page needs before its view begins: who asks.
WHO_ASKS = ("django_session", "program_user", "program_office", "usersessions")


@pytest.mark.parametrize("office", [None, OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR])
@pytest.mark.parametrize("route", OURS, ids=str)
def test_view_that_breaks_shows_the_plain_error_page(client, route, office):
    """Fail closed: no page goes on without its data, none says what broke."""
    sign_in(client, officer(office) if office else UserFactory())
    client.raise_request_exception = False
    broken = []

    def break_off(execute, sql, params, many, context):
        if any(table in sql for table in WHO_ASKS) or not sql.startswith(("SELECT", "INSERT", "UPDATE")):
            return execute(sql, params, many, context)
        broken.append(sql)
        raise ProgrammingError("canary of the database")

    with connection.execute_wrapper(break_off):
        answer = client.get(route.address)
    if not broken:
        # Readiness asks in its own way; whether it sees a database that is away is tested with the faults
        assert answer.status_code < 500 or route.pattern == "readyz"
        return
    assert answer.status_code in (500, 503), (answer.status_code, broken[-1][:200])
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert not [word for word in (b"canary", b"Traceback", b"SELECT", b"ProgrammingError") if word in content]

"""Deny by default: what every address of the portal answers to a stranger, and to a stranger's form."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from program.models import AuditEvent
from tests.architecture.routes import OURS, PUBLIC
from tests.factories.program import UserFactory

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
    assert client.post(route.address, {}).status_code in (403, 404, 405)


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

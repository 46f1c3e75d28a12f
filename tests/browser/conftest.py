from __future__ import annotations

import os
import shutil

import pytest
from django.core.cache import cache
from playwright.sync_api import sync_playwright

from program.reference import load_reference_data
from tests.browser.people import AHEAD, Person
from tests.processes import celery_worker, mail_server

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps a loop in this thread


@pytest.fixture(scope="session")
def chromium():
    """The distribution's browser; the tests never load one of their own."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def plain_http(settings):
    """Cookies that a browser keeps without TLS; everything else is as in production."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "portal_session", "portal_csrf"
    settings.AXES_ENABLED = False
    settings.MFA_TOTP_TOLERANCE = AHEAD
    cache.clear()


@pytest.fixture
def portal(plain_http, transactional_db, live_server):
    """The address of the running portal, with the Program's facts loaded."""
    load_reference_data()
    return live_server.url


@pytest.fixture
def post_office():
    """A mail server of the test's own and a real worker that delivers to it and makes papers."""
    with mail_server() as server, celery_worker(mail=server):
        yield server


@pytest.fixture
def faults():
    """What went wrong on any page; a test that ends with one fails."""
    found = []
    yield found
    assert not found, "\n".join(found)


@pytest.fixture
def person(chromium, portal, faults):
    """``person(user)``: a browser in which ``user`` is signed in; ``kind`` says how they use it."""
    opened, seen = [], set()

    def open_for(user, kind=Person, **options):
        opened.append(kind(chromium, portal, user, faults, seen=seen, **options))
        return opened[-1]

    yield open_for
    for one in opened:
        one.context.close()

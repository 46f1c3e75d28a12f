from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import RequestFactory, override_settings
from django.urls import include, path, reverse

from program.context_processors import Portal, portal
from program.enums import OfficeRole
from program.models import User

PUBLIC = ["Home", "Calls", "Catalog", "The order", "Directives"]
NAMES = {
    "program": "home calls directives notices organizations session signed-in accessibility privacy status",
    "evaluation": "catalog desk",
    "financing": "edag",
    "proposals": "list tasks receipts",
}


def page(request):
    return HttpResponse()


def address(app, name):
    places = {"home": "", "list": "proposals/", "receipts": "receipts/"}
    return path(places.get(name, f"{name}/"), page, name=name)


# The frame of a page, without the pages themselves
urlpatterns = [
    path("", include(([address(app, name) for name in names.split()], app))) for app, names in NAMES.items()
] + [
    path("accounts/", include("allauth.urls")),
    path("order/", page, name="order"),
    path("api/docs/", page, name="api-docs"),
]


def person(*roles):
    user = User(email="a@agency.example", name="Ada Moore")
    user.offices_held = frozenset((role, "DOC") for role in roles)
    return user


def entries(user, at="/"):
    request = RequestFactory().get(at)
    request.user = user
    return Portal(request).navigation


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("user", "more"),
    [
        (AnonymousUser(), []),
        (person(), ["My proposals", "Tasks"]),
        (person(OfficeRole.REVIEWER), ["Desk"]),
        (person(OfficeRole.LEAD), ["Desk"]),
        (person(OfficeRole.PROGRAM_OFFICER), ["Desk", "EDAG"]),
        (person(OfficeRole.DECISION_OFFICIAL), ["Desk", "EDAG"]),
        (person(OfficeRole.AUDITOR), ["Desk", "EDAG"]),
        (person(OfficeRole.ETHICS_OFFICIAL), ["Desk"]),
        (person(OfficeRole.EDAG_CHAIR), ["EDAG"]),
        (person(OfficeRole.EDAG_OFFICER), ["EDAG"]),
    ],
)
def test_navigation_shows_the_pages_of_the_role(user, more):
    assert [link.label for link in entries(user)] == PUBLIC + more


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("at", "current"),
    [("/", "Home"), ("/calls/AIX-2026-1/", "Calls"), ("/desk/calls/", "Desk"), ("/elsewhere/", None)],
)
def test_navigation_marks_the_entry_of_the_page(at, current):
    marked = [link.label for link in entries(person(OfficeRole.PROGRAM_OFFICER), at) if link.is_current]
    assert marked == ([current] if current else [])


def frame(user, **values):
    request = RequestFactory().get("/")
    request.user = user
    return render_to_string("base.html", portal(request) | {"user": user} | values)


@pytest.mark.urls(__name__)
def test_demonstration_says_so_and_shows_no_government_banner():
    with override_settings(DEMONSTRATION=True, OFFICIAL_SITE=False):
        html = frame(AnonymousUser())
    assert "Demonstration. Not a government website." in html
    assert "official website" not in html
    assert "usa-identifier" not in html


@pytest.mark.urls(__name__)
def test_official_site_shows_banner_and_identifier():
    with override_settings(DEMONSTRATION=False, OFFICIAL_SITE=True):
        html = frame(AnonymousUser())
    assert "An official website of the United States government" in html
    assert "usa-identifier" in html
    assert "Demonstration." not in html


@pytest.mark.urls(__name__)
def test_plain_site_shows_neither():
    with override_settings(DEMONSTRATION=False, OFFICIAL_SITE=False):
        html = frame(AnonymousUser())
    assert "official website" not in html
    assert "Demonstration." not in html


@pytest.mark.urls(__name__)
def test_frame_has_its_landmarks_skip_link_and_language():
    html = frame(AnonymousUser())
    assert '<html lang="en"' in html
    assert (
        html.index('href="#main"')
        < html.index("<header")
        < html.index('<main id="main"')
        < html.index("<footer")
    )
    assert re.search(r'<nav class="site-nav" aria-label="Main">', html)


@pytest.mark.urls(__name__)
@pytest.mark.django_db
def test_page_of_a_signed_in_person_reads_offices_and_notices_once(django_assert_num_queries):
    user = User.objects.create_user("dana@lakes.example", name="Dana <Reyes>")
    with django_assert_num_queries(2):  # offices and organizations, unread notices
        html = frame(user)
    assert "Dana &lt;Reyes&gt;" in html
    assert 'action="/accounts/logout/"' in html
    assert 'data-session-seconds="1740" data-session-url="/session/"' in html


@pytest.mark.parametrize(
    "name", ["order", *(f"{app}:{name}" for app, names in NAMES.items() for name in names.split())]
)
def test_address_of_the_frame_exists(name):
    assert reverse(name)

"""C24: what costs is counted by person, and one too many is answered 429 with the seconds to wait."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from program.enums import OfficeRole
from tests.factories.program import UserFactory, issued_call, officer
from tests.processes import await_whole_window
from tests.program.pages import text_of
from tests.program.test_cache import own  # noqa: F401 (a fixture)

pytestmark = pytest.mark.django_db
ABSENT = 99_999_999
TABLE = {"pk": ABSENT, "part": "hardware", "kind": "csv"}
COSTLY = {
    "evaluation:catalog": ("get", {}),
    "evaluation:record": ("get", {}),
    "program:directives-json": ("get", {}),
    "proposals:table-export": ("get", TABLE),
    "proposals:table-import": ("post", {"pk": ABSENT, "part": "hardware"}),
    "proposals:package-json": ("get", {"pk": ABSENT}),
    "proposals:package-workbook": ("get", {"pk": ABSENT}),
    "proposals:package-import": ("post", {"pk": ABSENT}),
    "proposals:upload-begin": ("post", {"pk": ABSENT}),
    "proposals:receipts": ("post", {}),
    "api-call-list": ("get", {}),
    "api-proposal-list": ("get", {}),
    "api-designation-list": ("get", {}),
}


@pytest.fixture(autouse=True)
def nothing_counted():
    await_whole_window()
    cache.clear()


@pytest.fixture
def call():
    return issued_call()


def search(client, call):
    return client.get(f"/calls/{call.number}/", {"q": "cloud"})


@pytest.mark.parametrize("name", COSTLY)
def test_what_costs_is_limited(signed_in, settings, name):
    method, keys = COSTLY[name]
    client = signed_in(officer(OfficeRole.AUDITOR))
    address = reverse(name, kwargs=keys)
    assert getattr(client, method)(address).status_code != 429
    settings.RATE_LIMIT_FACTOR = 0.001
    answer = getattr(client, method)(address)
    assert (answer.status_code, 0 < int(answer["Retry-After"]) <= 61) == (429, True)


def test_search_of_one_person_is_counted_and_nobody_elses(signed_in, client, settings, call):
    settings.RATE_LIMIT_FACTOR = 0.05
    one = signed_in(UserFactory())
    assert [search(one, call).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert one.get(f"/calls/{call.number}/").status_code == 200
    page = text_of(search(one, call))
    assert search(signed_in(UserFactory()), call).status_code == 200
    client.logout()
    assert search(client, call).status_code == 200
    assert ["You searched more often" in page, "Nothing was changed." in page] == [True, True]


def test_stranger_is_counted_by_address_and_cannot_claim_another(client, settings, call):
    settings.RATE_LIMIT_FACTOR = 0.05
    settings.TRUSTED_PROXY_COUNT = 1

    def ask(forwarded):
        where = f"/calls/{call.number}/?q=cloud"
        return client.get(where, headers={"X-Forwarded-For": forwarded}).status_code

    assert [ask(f"198.51.100.{n}, 192.0.2.7") for n in range(4)] == [200, 200, 200, 429]
    assert ask("192.0.2.8") == 200


def test_api_says_it_as_problem_details(client, settings):
    settings.RATE_LIMIT_FACTOR = 0.01
    answers = [client.get("/api/v1/calls/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    last = answers[-1]
    assert last["Content-Type"] == "application/problem+json"
    assert (last.json()["status"], last.json()["title"]) == (429, "Too many requests")
    assert 0 < int(last["Retry-After"]) <= 61


def test_script_is_told_in_json(signed_in, settings):
    settings.RATE_LIMIT_FACTOR = 0.001
    begin = reverse("proposals:upload-begin", args=[ABSENT])
    answer = signed_in(UserFactory()).post(begin, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many")
    assert "Try again in" in answer.json()["message"]


def test_lock_after_wrong_passwords_says_when_again(client):
    typed = {"login": UserFactory().email, "password": "wrong wrong wrong wrong"}
    answers = [client.post(reverse("account_login"), typed) for _ in range(6)]
    assert (answers[-1].status_code, answers[-1]["Retry-After"]) == (429, "900")


def test_requests_go_on_while_the_cache_is_away(own, client, settings, call, caplog):  # noqa: F811
    settings.RATE_LIMIT_FACTOR = 0.05
    own.stop()
    assert [search(client, call).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert "Shared cache not reached; this process counts alone." in caplog.messages

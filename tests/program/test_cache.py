from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from tests.factories.program import UserFactory
from tests.processes import broker


@pytest.fixture
def own(settings):
    """The cache of a broker of the test's own, which it may stop."""
    with broker() as started:
        settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": started.url}}
        yield started


def test_shared_cache_is_shared(own):
    cache.set("a", 1)
    assert cache.get("a") == 1
    assert cache.add("a", 2) is False
    assert cache.incr("a") == 2


@pytest.mark.django_db
def test_people_sign_in_while_redis_is_away_and_wrong_passwords_still_lock(own, client):
    person = UserFactory()
    own.stop()
    typed = {"login": person.email, "password": "wrong wrong wrong wrong"}
    for _ in range(5):
        client.post(reverse("account_login"), typed)
    right = typed | {"password": "correct horse battery staple"}
    assert client.post(reverse("account_login"), right).status_code == 429
    other = UserFactory()
    answer = client.post(reverse("account_login"), right | {"login": other.email})
    assert (answer.status_code, client.session["_auth_user_id"]) == (302, str(other.pk))


def test_it_is_shared_again_when_redis_is_back(own, monkeypatch):
    own.stop()
    cache.set("a", 1)
    assert cache.get("a") == 1
    own.start()
    cache._away_until = 0.0
    assert cache.get("a") is None

"""Sessions are Django's own: what one store wrote the other reads, for as long as it lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from program.sessions import SessionStore

pytestmark = pytest.mark.django_db
STORES = [db.SessionStore, SessionStore]


@pytest.fixture(params=[(0, 1), (1, 0)], ids=["before", "after"])
def stores(request):
    """The store that wrote a session, and the one that reads it."""
    return [STORES[number] for number in request.param]


def test_session_of_either_store_is_read_by_the_other(stores):
    writes, reads = stores
    session = writes()
    session["person"] = 7
    session.create()
    found = reads(session.session_key)
    assert (found["person"], found.session_key) == (7, session.session_key)
    found["person"] = 8
    found.save()
    assert writes(session.session_key)["person"] == 8


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("end", ["expired", "flushed", "unknown", "malformed"])
def test_session_that_is_over_is_empty_and_gives_its_key_away(end, store):
    session = store()
    session["person"] = 7
    session.create()
    key = session.session_key
    if end == "expired":
        Session.objects.filter(pk=key).update(expire_date=timezone.now() - timedelta(seconds=1))
    elif end == "flushed":
        store(key).flush()
    else:
        key = {"unknown": "a" * 32, "malformed": "a' OR 1=1"}[end]
    found = store(key)
    assert found.get("person") is None
    assert found.session_key is None


@pytest.mark.parametrize("store", STORES)
def test_session_that_somebody_altered_in_the_database_says_nothing(store):
    session = store()
    session["person"] = 7
    session.create()
    Session.objects.update(session_data="tampered")
    assert store(session.session_key).get("person") is None

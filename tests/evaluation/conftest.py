from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType


@pytest.fixture
def warm(db):
    """The cache of content types is filled, so that statement counts do not depend on earlier tests."""
    ContentType.objects.get_for_models(*apps.get_models())


@pytest.fixture
def freshly_signed_in(monkeypatch):
    """The challenge of a fresh sign-in has its own tests; here the person has just signed in."""
    monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)

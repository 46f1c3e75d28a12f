from __future__ import annotations

import pytest


@pytest.fixture
def signed_in(client):
    """Sign a person in as if with a second factor, which government offices need."""

    def sign_in(user):
        client.force_login(user)
        session = client.session
        session["second_factor_verified"] = user.pk
        session.save()
        return client

    return sign_in

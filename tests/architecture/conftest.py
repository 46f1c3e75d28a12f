"""What the crawls of a file stand on, built once for all of them."""

from __future__ import annotations

import pytest
from django.db import transaction


@pytest.fixture(scope="module")
def standing(financing_data, django_db_blocker):
    """One transaction around all tests of a file: what is built in it stands for each of them.

    Every test works in a savepoint of its own, which is taken back when it ends. No test of such a file
    may commit.
    """
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock(), transaction.atomic():
        # The client copies the context of every template for tests that read it; crawls read answers alone
        patch.setattr("django.test.client.store_rendered_templates", lambda store, **kwargs: None)
        yield
        transaction.set_rollback(True)

"""One world for many cases: what one of them does is undone before the next begins."""

from __future__ import annotations

from contextlib import contextmanager

from django.db import transaction


@contextmanager
def taken_back():
    """Whatever is written meanwhile is undone; callbacks that wait for the commit are dropped with it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)

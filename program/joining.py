"""One transaction for an act and for what it does by others, without a savepoint for each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def joined() -> Iterator[None]:
    """Within the running transaction, or within one of its own where none is running.

    A savepoint costs two statements. It is for what writes something and may be refused after that; this is
    for what refuses before it writes, so that a caller who goes on has nothing of it to take back.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        yield

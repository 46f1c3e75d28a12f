"""What a page or a service sends to the database, statement by statement."""

from __future__ import annotations

from contextlib import contextmanager

from django.db import connection


@contextmanager
def statements(*, savepoints=False):
    """The statements sent meanwhile, without those that only mark a savepoint unless they are asked for."""
    sent = []

    def note(execute, sql, params, many, context):
        if savepoints or not sql.startswith(("SAVEPOINT", "RELEASE")):
            sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent

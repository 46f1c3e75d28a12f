"""What a page or a service sends to the database, statement by statement."""

from __future__ import annotations

import re
from contextlib import contextmanager

from django.db import connection

PREPARED = re.compile(r"EXECUTE (\w+)")


@contextmanager
def statements(*, savepoints=False):
    """The statements sent meanwhile, without those that only mark a savepoint unless they are asked for.

    Once the block is left, a prepared question stands as the connection learnt it, so that what it reads can
    be seen.
    """
    sent = []

    def note(execute, sql, params, many, context):
        if savepoints or not sql.startswith(("SAVEPOINT", "RELEASE")):
            sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent
    if any(map(PREPARED.match, sent)):
        sent[:] = map(as_learnt, sent)


def as_learnt(sql):
    """The statement; of a prepared question, what the connection learnt under its name."""
    if not (found := PREPARED.match(sql)):
        return sql
    with connection.connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE name = %s", [found[1]])
        return cursor.fetchone()[0]

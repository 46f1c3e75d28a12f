"""What a page or a service sends to the database, statement by statement."""

from __future__ import annotations

import re
from contextlib import contextmanager

from django.db import connection

PREPARED = re.compile(r"EXECUTE (\w+)")


@contextmanager
def statements(*, savepoints=False):
    """The statements sent meanwhile, without those that only mark a savepoint unless they are asked for.

    A prepared question stands, once its block is left, as the connection learnt it, so that what it reads
    can be seen.
    """
    sent = []

    def note(execute, sql, params, many, context):
        if savepoints or not sql.startswith(("SAVEPOINT", "RELEASE")):
            sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent
    if any(map(PREPARED.match, sent)):
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, statement FROM pg_prepared_statements")
            learnt = dict(cursor.fetchall())
        sent[:] = [learnt[found[1]] if (found := PREPARED.match(sql)) else sql for sql in sent]

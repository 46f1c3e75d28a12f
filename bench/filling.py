"""Bring the database to a size, and let PostgreSQL look at what it holds."""

from __future__ import annotations

import sys

from django.core.management import call_command
from django.db import connection

from config.database_roles import as_owner
from demonstration import scale


def fill(wanted: int) -> int:
    """Add proposals until there are ``wanted``; returns how many there are, more when there were more."""
    if missing := max(wanted - scale.count(), 0):
        call_command("scale_data", proposals=missing, append=True, stdout=sys.stdout)
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("ANALYZE")
    return scale.count()

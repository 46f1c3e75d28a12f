"""The record altered behind the portal's back, for tests that demand that somebody notices."""

from __future__ import annotations

from django.db import connection


def alter(sql, *values):
    """Change the record behind the portal's back, as the owner of the table with its trigger off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE program_auditevent DISABLE TRIGGER program_auditevent_is_kept")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE program_auditevent ENABLE TRIGGER program_auditevent_is_kept")

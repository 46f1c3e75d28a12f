"""Whose the record is in the database: never the role's under which the portal works (control C27)."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

#: Whether the role of DATABASE_URL could switch off the triggers of the record: its owner, or a superuser.
OWNS_THE_RECORD = """
SELECT coalesce(bool_or(pg_has_role(current_user, relowner, 'USAGE')), false)
FROM pg_class WHERE oid = to_regclass('program_auditevent')
"""


def is_record_at_risk() -> bool:
    """Whether the portal's own role could rewrite the record; a demonstration may. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(OWNS_THE_RECORD)
        owns: bool = cursor.fetchone()[0]
    return owns and not settings.DEMONSTRATION

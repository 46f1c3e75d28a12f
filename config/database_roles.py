"""Who may do what in the database: the owner migrates, the portal's own role owns nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from psycopg2 import sql

from program.ownership import is_record_at_risk

logger = logging.getLogger(__name__)
AT_RISK = (
    "The role of DATABASE_URL owns the tables of the record, or is a superuser. "
    "Name a role that owns nothing there, and the owner in DATABASE_OWNER_URL for manage.py prepare."
)


@contextmanager
def as_owner() -> Iterator[None]:
    """Work on the same database as the role of ``DATABASE_OWNER_URL``, which owns the tables."""
    application = connection.settings_dict
    credentials = {name: settings.DATABASE_OWNER[name] for name in ("USER", "PASSWORD", "HOST", "PORT")}
    connection.close()
    # A migration may take longer than a request.
    connection.settings_dict = {
        **application,
        **credentials,
        "OPTIONS": {**application["OPTIONS"], "options": "-c lock_timeout=10000 -c timezone=UTC"},
    }
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = application


def append_only_tables() -> list[str]:
    """The tables of the models that say ``append_only = True``: nobody changes or removes a row of theirs."""
    models = apps.get_models(include_auto_created=True)
    return sorted(model._meta.db_table for model in models if getattr(model, "append_only", False))


def grant_application_role(role: str) -> bool:
    """Give ``role`` what the portal needs and no more; False when that role owns the tables itself.

    Rows may be read and written in every table; those of append-only tables only read and added. The history
    of migrations may be read. No table is owned, no definition changed, no table emptied.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user = %s", [role])
        if cursor.fetchone()[0]:
            return False
        name, schema = sql.Identifier(role), sql.Identifier("public")
        tables = sql.SQL("SELECT, INSERT, UPDATE, DELETE ON TABLES")
        for statement in (
            sql.SQL("GRANT USAGE ON SCHEMA {schema} TO {role}"),
            sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}"),
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"),
            sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"),
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {tables} TO {role}"),
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {role}"),
        ):
            cursor.execute(statement.format(schema=schema, role=name, tables=tables))
        revoke = sql.SQL("REVOKE {rights} ON {table} FROM {role}")
        for table in append_only_tables():
            rights = sql.SQL("UPDATE, DELETE, TRUNCATE")
            cursor.execute(revoke.format(rights=rights, table=sql.Identifier(table), role=name))
        history = sql.Identifier(MigrationRecorder.Migration._meta.db_table)
        cursor.execute(revoke.format(rights=sql.SQL("INSERT, UPDATE, DELETE"), table=history, role=name))
    return True


def refuse_owner() -> None:
    """Stop what is about to serve where its role could rewrite the record: raises ImproperlyConfigured.

    A database that is away stops nothing: pages say so, and ``/readyz`` asks again.
    """
    try:
        if is_record_at_risk():
            raise ImproperlyConfigured(AT_RISK)
    except DatabaseError as error:
        logger.warning("The owner of the record is not known yet.", extra={"error": type(error).__name__})

"""While a portal is deployed, the code before runs beside it on tables that are migrated already."""

from __future__ import annotations

import pytest
from django.db import connection, migrations
from django.db.migrations.loader import MigrationLoader

#: The first migration of each app that is held to it
SINCE = {
    "evaluation": "0036_awaited_by_agency", "financing": "0007", "program": "0041_appointments",
    "proposals": "0020",
}  # fmt: skip


def columns_added():
    """Table and column of every field that was added to a table which the code before writes to."""
    loader = MigrationLoader(connection)
    rows = [
        (label, migration)
        for (label, name), migration in sorted(loader.disk_migrations.items())
        if label in SINCE and name >= SINCE[label]
    ]
    made = {
        (label, operation.name_lower)
        for label, migration in rows
        for operation in migration.operations
        if isinstance(operation, migrations.CreateModel)
    }
    state = loader.project_state()
    for label, migration in rows:
        for operation in migration.operations:
            if not isinstance(operation, migrations.AddField):
                continue
            if (label, operation.model_name_lower) in made or operation.field.many_to_many:
                continue
            model = state.apps.get_model(label, operation.model_name)
            names = {field.name: field.column for field in model._meta.concrete_fields}
            if operation.name in names:
                yield model._meta.db_table, names[operation.name]


@pytest.mark.django_db
def test_code_that_does_not_know_a_column_still_writes_its_rows():
    """It names no such column in its INSERT, so the database has a value for it, or takes none."""
    added = set(columns_added())
    assert ("evaluation_partycheck", "identity") in added
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema AND is_nullable = 'NO' AND column_default IS NULL"
            " AND is_generated = 'NEVER' AND is_identity = 'NO'"
        )
        demanded = set(cursor.fetchall())
    assert added & demanded == set()

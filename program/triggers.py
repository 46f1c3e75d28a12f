"""Database triggers that keep what was recorded: no update, no delete, not even by a mistake of ours."""

from __future__ import annotations

from django.db import migrations

FUNCTION = migrations.RunSQL(
    sql="""
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: its rows are kept as they were written', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
""",
    reverse_sql="DROP FUNCTION IF EXISTS refuse_change();",
)


def append_only(table: str) -> migrations.RunSQL:
    """The migration operation that refuses update and delete on ``table``."""
    return migrations.RunSQL(
        sql=f'CREATE TRIGGER "{table}_is_kept" BEFORE UPDATE OR DELETE ON "{table}"'
        " FOR EACH ROW EXECUTE FUNCTION refuse_change();",
        reverse_sql=f'DROP TRIGGER IF EXISTS "{table}_is_kept" ON "{table}";',
    )


def never_emptied(table: str) -> migrations.RunSQL:
    """The migration operation that refuses TRUNCATE of ``table``, which no trigger on rows sees."""
    return migrations.RunSQL(
        sql=f'CREATE TRIGGER "{table}_is_never_emptied" BEFORE TRUNCATE ON "{table}"'
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();",
        reverse_sql=f'DROP TRIGGER IF EXISTS "{table}_is_never_emptied" ON "{table}";',
    )

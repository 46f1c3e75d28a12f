from django.db import migrations

# Each statement of a volatile function sees what was committed before it: the last event is read after the wait.
FUNCTION = """
CREATE FUNCTION chain_end(
    kind text, key text, seal_lock bigint, OUT at timestamptz, OUT sequence bigint, OUT digest text
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(seal_lock), pg_advisory_xact_lock(hashtext(kind), hashtext(key));
    at := clock_timestamp();
    SELECT event.sequence, event.digest INTO sequence, digest
        FROM program_auditevent AS event
        WHERE event.subject_type = kind AND event.subject_id = key
        ORDER BY event.sequence DESC LIMIT 1;
END
$$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('program', '0041_appointments'),
    ]

    operations = [
        migrations.RunSQL(FUNCTION, reverse_sql="DROP FUNCTION chain_end(text, text, bigint)"),
    ]

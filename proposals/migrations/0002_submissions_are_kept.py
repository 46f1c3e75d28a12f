from __future__ import annotations

from django.db import migrations

from program.triggers import append_only


class Migration(migrations.Migration):
    """What was certified, submitted, received and consented to is kept; numbers come from one sequence."""

    dependencies = [("proposals", "0001_initial"), ("program", "0002_record_is_kept")]

    operations = [
        append_only("proposals_certification"),
        append_only("proposals_version"),
        append_only("proposals_receipt"),
        append_only("proposals_consent"),
        migrations.RunSQL(
            sql="CREATE SEQUENCE proposals_number_seq;",
            reverse_sql="DROP SEQUENCE IF EXISTS proposals_number_seq;",
        ),
    ]

from __future__ import annotations

from django.db import migrations

from program.triggers import append_only


class Migration(migrations.Migration):
    """What was found, decided and sent is kept; designations are numbered from one sequence."""

    dependencies = [("evaluation", "0001_initial"), ("program", "0002_record_is_kept")]

    operations = [
        append_only("evaluation_return"),
        append_only("evaluation_reading"),
        append_only("evaluation_screeninglist"),
        append_only("evaluation_screeningrun"),
        append_only("evaluation_partycheck"),
        append_only("evaluation_adjudication"),
        append_only("evaluation_conflict"),
        append_only("evaluation_position"),
        append_only("evaluation_letter"),
        migrations.RunSQL(
            sql="CREATE SEQUENCE evaluation_designation_number_seq;",
            reverse_sql="DROP SEQUENCE IF EXISTS evaluation_designation_number_seq;",
        ),
    ]

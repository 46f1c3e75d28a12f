from __future__ import annotations

from django.db import migrations

from program.triggers import append_only


class Migration(migrations.Migration):
    """A commitment is kept as it was recorded."""

    dependencies = [("financing", "0001_initial"), ("program", "0002_record_is_kept")]

    operations = [append_only("financing_commitment")]

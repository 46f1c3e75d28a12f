from __future__ import annotations

from django.db import migrations

from program.triggers import FUNCTION, append_only


class Migration(migrations.Migration):
    dependencies = [("program", "0001_initial")]

    operations = [FUNCTION, append_only("program_auditevent"), append_only("program_seal")]

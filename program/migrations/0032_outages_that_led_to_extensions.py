from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("program", "0031_refused_addresses")]

    operations = [
        migrations.AddField(
            model_name="amendment",
            name="outage",
            field=models.ForeignKey(
                editable=False,
                help_text="The entry of the outage log that an extension was proposed from.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="extensions",
                to="program.outage",
            ),
        ),
    ]

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    """The one commitment that a referral had is the one that stands."""

    dependencies = [("financing", "0003_commitments_supersede")]

    operations = [
        migrations.RunSQL(
            sql="UPDATE financing_toolreferral AS referral SET commitment_id = kept.id"
            " FROM financing_commitment AS kept WHERE kept.referral_id = referral.id;",
            reverse_sql=migrations.RunSQL.noop,
        )
    ]

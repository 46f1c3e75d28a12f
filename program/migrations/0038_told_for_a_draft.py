from django.db import migrations, models

#: What was told before to teams and followers alike: who stands there by no subscription may have had a draft
TOLD_BEFORE = """
UPDATE program_notice SET is_for_draft = true
WHERE recipient_id IS NOT NULL AND subscription_id IS NULL AND kind IN (
    'call-amended', 'call-extended', 'call-cancelled', 'call-closed', 'answer-published', 'answer-corrected'
)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('program', '0037_mail_by_the_databases_clock'),
    ]

    operations = [
        migrations.AddField(
            model_name='notice',
            name='is_for_draft',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='spread',
            name='is_for_draft',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.RunSQL(TOLD_BEFORE, migrations.RunSQL.noop),
    ]

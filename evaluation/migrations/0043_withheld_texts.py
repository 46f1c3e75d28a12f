from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("evaluation", "0042_one_course"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='catalogentry',
            options={'ordering': ['-released_at', '-pk'], 'permissions': [('restore_catalogentry', 'restore')], 'verbose_name_plural': 'catalog entries'},
        ),
        migrations.AddField(
            model_name='catalogentry',
            name='withheld',
            field=models.JSONField(blank=True, db_default={}, default=dict, editable=False, help_text='{field or layer: text} that names a component which an amendment removed.'),
        ),
        migrations.AddField(
            model_name='catalogentry',
            name='withheld_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]

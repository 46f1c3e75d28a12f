import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('program', '0038_told_for_a_draft'),
    ]

    operations = [
        migrations.AlterField(
            model_name='requirement',
            name='max_characters',
            field=models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]),
        ),
        migrations.AlterField(
            model_name='suppression',
            name='email',
            field=models.EmailField(error_messages={'unique': 'This address is on the list already.'}, max_length=254, unique=True, verbose_name='e-mail address'),
        ),
    ]

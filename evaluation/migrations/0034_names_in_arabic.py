from django.db import migrations

from evaluation.names import normalize


def write_anew(apps, schema_editor):
    """Names with Arabic letters once more as they are compared now; the earlier rows stay."""
    Named = apps.get_model("evaluation", "NamedParty")
    rows = Named.objects.filter(compared__regex="[\u0621-\u06d3]").order_by("pk")
    anew = [
        Named(
            version_id=row.version_id, party_key=row.party_key, name=row.name, role=row.role,
            is_anchor=row.is_anchor, compared=compared,
        )
        for row in rows.iterator()
        if (compared := normalize(row.compared)) != row.compared
    ]
    Named.objects.bulk_create(anew, batch_size=500, ignore_conflicts=True)


class Migration(migrations.Migration):

    dependencies = [
        ('evaluation', '0033_reviewers'),
    ]

    operations = [
        migrations.RunPython(write_anew, migrations.RunPython.noop),
    ]

import json

from django.db import migrations, models

from evaluation.folding import folded_words


def fill(apps, schema_editor):
    """The words and countries of the entries that are there, as they were designated."""
    rows = apps.get_model("evaluation", "CatalogEntry").objects.select_related("designation__version")
    for entry in rows.iterator(chunk_size=100):
        entry.folded = folded_words(entry)
        if entry.shows_markets:
            entry.countries = countries_of(json.loads(entry.designation.version.package)["markets"])
        entry.save(update_fields=["folded", "countries"])


def countries_of(markets):
    found = {each["code"]: each["name"] for m in markets if m["kind"] == "bloc" for each in m["countries"]}
    found |= {market["code"]: market["name"] for market in markets if market["kind"] == "country"}
    return [{"code": code, "name": found[code]} for code in sorted(found)]


class Migration(migrations.Migration):

    dependencies = [
        ('evaluation', '0024_catalog_texts'),
    ]

    operations = [
        migrations.AddField(
            model_name='catalogentry',
            name='countries',
            field=models.JSONField(blank=True, db_default=[], default=list, editable=False, help_text='[{code, name}] of the countries that are shown markets or that a shown bloc holds.'),
        ),
        migrations.AddField(
            model_name='catalogentry',
            name='folded',
            field=models.TextField(blank=True, db_default='', default='', editable=False, help_text='Its words, to search in.'),
        ),
        migrations.AddField(
            model_name='catalogrelease',
            name='countries',
            field=models.JSONField(blank=True, db_default=[], default=list, editable=False, help_text='[{code, name}] of the countries that are shown markets or that a shown bloc holds.'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]

from django.db import migrations

TEXT = (
    "title", "summary", "layers", "shows_markets", "shows_sectors", "shows_consortium", "shows_members",
    "markets", "countries", "sectors", "consortium", "members", "contact_name", "contact_email",
    "contact_url",
)


def put_to_review(apps, schema_editor):
    """What was public before texts were reviewed waits for an officer, as its anchor released it.

    Where a text of the anchor waits already, that one is decided on.
    """
    Entry, Release = (apps.get_model("evaluation", name) for name in ("CatalogEntry", "CatalogRelease"))
    for entry in Entry.objects.filter(withdrawn_at=None).order_by("pk"):
        texts = Release.objects.filter(designation=entry.designation_id)
        if texts.filter(status__in=["published", "proposed"]).exists():
            continue
        last = texts.order_by("-number").values_list("number", flat=True).first() or 0
        Release.objects.create(
            designation_id=entry.designation_id, number=last + 1, released_by_id=entry.released_by_id,
            released_at=entry.released_at, **{name: getattr(entry, name) for name in TEXT},
        )


class Migration(migrations.Migration):

    dependencies = [("evaluation", "0043_withheld_texts")]

    operations = [migrations.RunPython(put_to_review, migrations.RunPython.noop)]

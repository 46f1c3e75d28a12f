from django.db import migrations, models


def number_answers(apps, schema_editor):
    """What was published so far is numbered in the order in which it was, each answer its first revision."""
    question, revision = (apps.get_model("program", name) for name in ("Question", "AnswerRevision"))
    question.objects.update(asked_at=models.F("created_at"))
    last = {}
    for answered in question.objects.filter(status="answered").order_by("answered_at", "pk"):
        if not answered.is_confidential:
            answered.number = last[answered.call_id] = last.get(answered.call_id, 0) + 1
            answered.save(update_fields=["number"])
        revision.objects.create(
            question=answered, number=1, published_text=answered.published_text, answer=answered.answer,
            given_by_id=answered.answered_by_id, given_at=answered.answered_at,
        )


class Migration(migrations.Migration):

    dependencies = [
        ("program", "0025_asking_answers"),
    ]

    operations = [migrations.RunPython(number_answers, migrations.RunPython.noop)]

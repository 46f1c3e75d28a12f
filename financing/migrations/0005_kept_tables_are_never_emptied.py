from __future__ import annotations

from django.db import migrations

from program.triggers import never_emptied

KEPT = (
    "evaluation_adjudication",
    "evaluation_answerfile",
    "evaluation_conflict",
    "evaluation_letter",
    "evaluation_partycheck",
    "evaluation_position",
    "evaluation_return",
    "evaluation_screeninglist",
    "evaluation_screeningrun",
    "financing_commitment",
    "program_auditevent",
    "program_seal",
    "proposals_certification",
    "proposals_consent",
    "proposals_receipt",
    "proposals_version",
)


class Migration(migrations.Migration):
    """What is kept row by row is not emptied as a whole either, whichever app it belongs to."""

    dependencies = [
        ("financing", "0004_commitment_that_stands"),
        ("evaluation", "0006_files_of_answers"),
        ("proposals", "0007_consent_to_parts_and_package_pdf"),
        ("program", "0005_documents_scanned"),
    ]

    operations = [never_emptied(table) for table in KEPT]

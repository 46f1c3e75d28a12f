"""``manage.py verify_record``: is the record what was written?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from program import audit


class Command(BaseCommand):
    """Check every chain, seal and kept root; end with an error that names what does not fit."""

    help = (
        "Verify every subject's chain, every seal, and the roots kept outside the database; "
        "exits with 1 when something does not fit."
    )

    def handle(self, **options: Any) -> None:
        found = audit.verify()
        for misfit in found.misfits:
            place = f"event {misfit.event} ({misfit.subject})" if misfit.event else misfit.subject
            self.stderr.write(f"{place}: {misfit.reason}")
        told = (
            f"{found.event_count} events of {found.subject_count} subjects, {found.seal_count} seals, "
            f"{found.unsealed_count} events since the last seal, {found.kept_count} kept roots"
        )
        if not found.is_sound:
            raise CommandError(f"The record was altered. {told}.")
        self.stdout.write(self.style.SUCCESS(f"The record is whole: {told}."))
        if found.unkept_count:
            self.stdout.write(f"Not kept outside the database yet: {found.unkept_count} seals.")
        if found.late_count:
            self.stdout.write(f"Kept more than two hours after they were made: {found.late_count} seals.")

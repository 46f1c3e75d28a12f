"""``manage.py verify_record``: is the record what was written?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from program import audit


class Command(BaseCommand):
    """Check every chain and seal; end with an error that names the first event that does not fit."""

    help = "Verify every subject's chain and every seal; exits with 1 when something does not fit."

    def handle(self, **options: Any) -> None:
        found = audit.verify()
        for misfit in found.misfits:
            place = f"event {misfit.event}" if misfit.event else "seal"
            self.stderr.write(f"{place} ({misfit.subject}): {misfit.reason}")
        told = (
            f"{found.event_count} events of {found.subject_count} subjects, {found.seal_count} seals, "
            f"{found.unsealed_count} events since the last seal"
        )
        if not found.is_sound:
            raise CommandError(f"The record was altered. {told}.")
        self.stdout.write(self.style.SUCCESS(f"The record is whole: {told}."))

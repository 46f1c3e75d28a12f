"""``manage.py begin_kept_roots``: the file of kept roots begins with the seals that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from program import roots


class Command(BaseCommand):
    """Make the file of kept roots for a record that has seals already; never touches one that is there."""

    help = "Begin RECORD_ROOTS_FILE with all seals there are; say in a memorandum why it was not there."

    def handle(self, **options: Any) -> None:
        if not settings.RECORD_ROOTS_FILE:
            raise CommandError("RECORD_ROOTS_FILE names no file.")
        if Path(settings.RECORD_ROOTS_FILE).exists():
            raise CommandError(f"{settings.RECORD_ROOTS_FILE} is there already; nothing was changed.")
        self.stdout.write(f"Kept {roots.keep(begin=True)} roots in {settings.RECORD_ROOTS_FILE}.")

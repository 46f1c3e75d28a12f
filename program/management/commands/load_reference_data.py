"""Load the reference data; run it after every migration."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from program.reference import load_reference_data


class Command(BaseCommand):
    help = "Bring countries, groups, embargoes, blocs, agencies and directives to what program/data says."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Reference data: {load_reference_data()}.")

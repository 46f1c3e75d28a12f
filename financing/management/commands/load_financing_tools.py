"""Load the facts of federal financing; run it after the Program's reference data."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from financing.reference import load_tools


class Command(BaseCommand):
    help = "Bring tools, EDAG members, country classes and workstreams to what financing/data says."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Financing: {load_tools()}.")

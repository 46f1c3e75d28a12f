"""``manage.py scale_data``: many proposals to measure the portal with."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from demonstration import loading, scale


class Command(BaseCommand):
    """Bulk rows with reviews and scores; only in a demonstration, and never mixed in by mistake."""

    help = "Add proposals for measuring: bulk rows with components, reviews, scores and designations."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--proposals", type=int, required=True, metavar="N", help="how many to add")
        parser.add_argument("--append", action="store_true", help="add to those that are there")

    def handle(self, **options: Any) -> None:
        if not settings.DEMONSTRATION:
            raise CommandError("Data for measuring is made only with DEMONSTRATION=1.")
        if options["proposals"] < 1:
            raise CommandError("--proposals must be 1 or more.")
        if (there := scale.count()) and not options["append"]:
            raise CommandError(f"There are {there} proposals for measuring already; --append adds to them.")
        for _ in loading.load():
            pass
        started = time.monotonic()
        for made in scale.add(options["proposals"]):
            if options["verbosity"] > 1:
                self.stdout.write(f"  {made} of {options['proposals']}")
        if options["verbosity"]:
            took = time.monotonic() - started
            self.stdout.write(f"{options['proposals']} proposals for measuring made in {took:.0f} s.")

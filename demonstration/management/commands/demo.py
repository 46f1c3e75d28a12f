"""``manage.py demo``: fictional consortia and their people, in every state a proposal can be in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from demonstration.loading import load
from demonstration.people import PASSWORD, sign_ins


class Command(BaseCommand):
    """Running it again changes nothing; what people did since stays."""

    help = "Load the demonstration data; --who prints who can sign in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--who", action="store_true", help="print the sign-ins by role and load nothing")

    def handle(self, **options: Any) -> None:
        if options["who"]:
            self.print_sign_ins()
            return
        for line in load():
            if options["verbosity"]:
                self.stdout.write(line)

    def print_sign_ins(self) -> None:
        people = sign_ins()
        width = max(len(person.role) for person in people)
        self.stdout.write(f"Sign in as (password of all: {PASSWORD})\n")
        for person in people:
            self.stdout.write(f"  {person.role:<{width}}  {person.email}")

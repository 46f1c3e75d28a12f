"""``manage.py grant_application_role``: the rights of the role that the portal works under."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.database_roles import append_only_tables, as_owner, grant_application_role


class Command(BaseCommand):
    """Run after every migration; ``prepare`` does."""

    help = "Give the application role its rights on the tables: no ownership, no change of the record."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", default="", help="the role (default: that of DATABASE_URL)")

    def handle(self, **options: Any) -> None:
        role = options["role"] or settings.DATABASES["default"]["USER"]
        with as_owner():
            if grant_application_role(role):
                self.stdout.write(
                    f"{role} reads and writes rows; {len(append_only_tables())} tables only grow."
                )
            else:
                self.stdout.write(
                    f"{role} owns the tables itself: set DATABASE_OWNER_URL to an owner of its own, "
                    "so that only triggers need not guard the record."
                )

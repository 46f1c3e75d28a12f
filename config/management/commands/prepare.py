"""``manage.py prepare``: everything that must have happened before a new release answers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.database_roles import as_owner, refuse_owner


class Command(BaseCommand):
    """Migrate as the owner, grant, refuse a portal that owns its record; then load and collect files."""

    help = "Bring tables, rights and static files up to this release; running it again does nothing twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--demonstration",
            type=Path,
            metavar="FILE",
            help="load the demonstration data; write the sign-ins to FILE",
        )

        parser.add_argument("--no-static", action="store_true", help="static files are in the image already")

    def handle(self, **options: Any) -> None:
        with as_owner():
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", interactive=False, stdout=self.stdout)
        call_command("grant_application_role", stdout=self.stdout)
        try:
            refuse_owner()
        except ImproperlyConfigured as refusal:
            raise CommandError(str(refusal)) from refusal
        call_command("load_reference_data", stdout=self.stdout)
        call_command("load_financing_tools", stdout=self.stdout)
        if not options["no_static"]:
            self._collect_static()
        if (file := options["demonstration"]) and "demo" in get_commands():
            call_command("demo", stdout=self.stdout)
            with file.open("w") as sign_ins:
                call_command("demo", who=True, stdout=sign_ins)

    def _collect_static(self) -> None:
        """Collect static files when one of them has changed since the last time."""
        digest = hashlib.sha256()
        for finder in get_finders():
            for path, storage in finder.list([]):
                stat = Path(storage.path(path)).stat()
                digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        mark = Path(settings.STATIC_ROOT) / ".collected"
        if mark.exists() and mark.read_text() == digest.hexdigest():
            return
        call_command("collectstatic", interactive=False, clear=True, verbosity=0, stdout=self.stdout)
        mark.write_text(digest.hexdigest())

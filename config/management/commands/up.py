"""``manage.py up``: the whole portal on this machine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.supervisor.folders import Folder
from config.supervisor.portal import CHECKOUT, Portal
from config.supervisor.refusal import Refused


class Command(BaseCommand):
    """Start database, broker, web, worker and beat, and stop them on Ctrl-C."""

    help = "Start the whole portal: database, broker, web, worker, beat. Ctrl-C stops it; the data stay."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=None, help="port of the web server (PORT, else 8000)")
        parser.add_argument(
            "--folder", type=Path, default=CHECKOUT / ".local", help="where everything is kept"
        )
        parser.add_argument("--servers", action="store_true", help="start database and broker only")
        parser.add_argument(
            "--run",
            nargs=argparse.REMAINDER,
            metavar="COMMAND",
            help="run COMMAND against database and broker, and stop what was started for it",
        )

    def handle(self, **options: Any) -> None:
        try:
            port = options["port"] or _port(os.environ.get("PORT") or "8000")
            portal = Portal(Folder(options["folder"]), dict(os.environ), port)
            if options["run"]:
                sys.exit(portal.run(options["run"]))
            portal.up(servers_only=options["servers"])
        except Refused as refusal:
            self.stderr.write(str(refusal))
            sys.exit(1)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise Refused(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)

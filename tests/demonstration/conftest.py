"""A demonstration in a scratch database of the test server; the tests' own settings know no demonstration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.migrated import migrated_copy

CHECKOUT = Path(__file__).resolve().parent.parent.parent


class Portal:
    """Commands of the portal against the scratch database, each a process of its own."""

    def __init__(self, environment):
        self.environment = environment

    def run(self, *command, check=True):
        return subprocess.run(
            [sys.executable, *command],
            cwd=CHECKOUT,
            env=self.environment,
            check=check,
            text=True,
            capture_output=True,
            timeout=600,
        )

    def manage(self, *arguments, check=True):
        return self.run("manage.py", *arguments, check=check)

    def facts(self):
        return json.loads(self.run("-m", "tests.demonstration.facts").stdout)


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    """Tables without a row, with DEMONSTRATION=1; dropped afterwards."""
    address, name = os.environ["DATABASE_URL"], f"scratch_{uuid4().hex[:12]}"
    folder = tmp_path_factory.mktemp("demonstration")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")} | {
        "DATABASE_URL": f"{address.rpartition('/')[0]}/{name}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only-for-the-test-run-0123456789-abcdefghijklmnopqrstuvwxyz",
        "SITE_URL": "http://localhost:8000",
        "ALLOWED_HOSTS": "localhost",
        "DEMONSTRATION": "1",
        "INSECURE_HTTP": "1",
        "STATEMENT_TIMEOUT_MS": "60000",
        "EMAIL_URL": "filemail://",
        "EMAIL_FILE_PATH": str(folder / "mail"),
        "MEDIA_ROOT": str(folder / "media"),
        "STATIC_ROOT": str(folder / "static"),
    }
    environment.pop("DATABASE_OWNER_URL", None)
    with migrated_copy(address, name):
        yield Portal(environment)

"""A database with every table, migrated once and copied by each run: migrations take half a minute.

It is named after what it was made from, so that a migration which is added or changed makes another.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from environ import Env
from psycopg2 import sql

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PREFIX = "migrated_"


def migrated_database(address: str, lock: Path) -> str:
    """The name of the migrated database on the server at ``address``; it is made when there is none.

    ``lock`` is a file that all who might make it hold meanwhile.
    """
    name = PREFIX + digest()
    with held(lock), closing(connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{PREFIX}%"])
        found = {row[0] for row in cursor.fetchall()}
        for old in found - {name}:
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
        if name not in found:
            half = sql.Identifier(f"{PREFIX}half")
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(half))
            migrate(address, f"{PREFIX}half")
            cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(half, sql.Identifier(name)))
    return name


def digest() -> str:
    """Of every migration, of the modules of ours that migrations name, and of the libraries with theirs."""
    files = set(ROOT.glob("*/migrations/*.py"))
    files |= {source for file in files for source in sources_named_in(file)}
    whole = hashlib.sha256()
    for file in sorted(files | {ROOT / name for name in LOCKS}):
        whole.update(f"{file.relative_to(ROOT)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()[:16]


def sources_named_in(migration: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(migration.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            place = ROOT.joinpath(*module.split("."))
            yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())


def migrate(address: str, name: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_OWNER_URL"}
    environment |= {
        "DATABASE_URL": f"{address.rpartition('/')[0]}/{name}",
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
    }
    command = [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def connect(address: str) -> psycopg2.extensions.connection:
    facts = Env.db_url_config(address)
    connection = psycopg2.connect(
        host=facts["HOST"] or None,
        port=facts["PORT"] or None,
        user=facts["USER"],
        password=facts["PASSWORD"],
        dbname=facts["NAME"],
    )
    connection.autocommit = True
    return connection


@contextmanager
def held(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

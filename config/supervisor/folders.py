"""The private folder of one running portal: its lock, its secrets, its sockets."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from config.supervisor.refusal import Refused

LONGEST_SOCKET_PATH = 99
"""A socket path beyond about 104 bytes is cut off by the system without a word."""


def private_folder(path: Path) -> Path:
    """The folder at ``path``, made for this user alone; a folder that is there already stays as it is."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def short_digest(path: Path) -> str:
    """Twelve characters that stand for a folder's place, for names beside other portals' names."""
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to a file that only this user can read, whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    beside.replace(path)


class Folder:
    """Where one portal keeps what must outlive a stop; everything confidential in it is 0600 or 0700."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            # Root's database runs under another account, which must be able to pass through, not to look in.
            if not self.path.is_dir():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.mkdir()
                self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            self.state = private_folder(self.path / "run")
            self.logs = private_folder(self.path / "logs")
        except OSError as error:
            raise Refused(f"This user cannot write to {self.path}: {error.strerror}.") from error
        if not os.access(self.state, os.W_OK):
            raise Refused(f"{self.path} belongs to another user; start as that user, or remove the folder.")

    def secret(self, name: str, length: int = 48) -> str:
        """The random secret called ``name``, made on first use and kept in a file of mode 0600."""
        file = private_folder(self.path / "secrets") / name
        if not file.exists():
            write_private(file, secrets.token_urlsafe(length))
        return file.read_text().strip()

    def socket_folder(self, name: str, *, socket: str, reachable: Callable[[Path], bool]) -> Path:
        """A folder of mode 0700 for the socket file ``socket``, short enough for the system's limit.

        Inside the private folder when it fits and ``reachable`` says that the server's account can come
        there; otherwise a fresh folder under the runtime directory, which the next start removes.
        """
        self.forget_socket_folder(name)
        inside = self.path / f"sockets-{name}"
        if len(os.fsencode(inside / socket)) <= LONGEST_SOCKET_PATH and reachable(self.path):
            return private_folder(inside)
        for runtime in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108
            if runtime and os.access(runtime, os.W_OK) and reachable(Path(runtime)):
                fresh = Path(tempfile.mkdtemp(prefix="portal-", dir=runtime))
                if len(os.fsencode(fresh / socket)) <= LONGEST_SOCKET_PATH:
                    write_private(self.state / f"{name}.sockets", str(fresh))
                    return fresh
                fresh.rmdir()
        raise Refused(f"No folder is short enough for the socket of {name}; set XDG_RUNTIME_DIR.")

    def forget_socket_folder(self, name: str) -> None:
        """Remove the folder that an earlier start made outside the private folder."""
        note = self.state / f"{name}.sockets"
        if note.exists():
            shutil.rmtree(note.read_text(), ignore_errors=True)
            note.unlink()


class Lock:
    """At most one starter per folder. The system frees the lock when its holder dies, however it dies."""

    def __init__(self, folder: Folder) -> None:
        self.file = folder.state / "lock"
        self.address_file = folder.state / "address"
        self.descriptor = -1

    def __enter__(self) -> Self:
        self.descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.descriptor)
            raise Refused(self.holder()) from None
        self.address_file.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.address_file.unlink(missing_ok=True)
        os.close(self.descriptor)

    def announce(self, address: str) -> None:
        """Leave word for a second starter where this one answers."""
        write_private(self.address_file, f"{address} (process {os.getpid()})")

    def holder(self) -> str:
        """One line about the starter that holds the lock."""
        try:
            return f"The portal is running already: {self.address_file.read_text()}."
        except OSError:
            return "The portal is being started already by another process."

"""A private Valkey (or Redis): socket only, password, append-only file, never evicts."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis

from config.supervisor.binaries import valkey_program
from config.supervisor.folders import Folder, private_folder, write_private
from config.supervisor.processes import Child, StopSteps

STOP: StopSteps = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


@dataclass
class Valkey:
    """One broker in ``folder``."""

    folder: Folder
    program: Path
    home: Path
    socket: Path

    @classmethod
    def prepare(cls, folder: Folder) -> Valkey:
        """Find the program and write its settings; they hold the password, so not on the command line."""
        sockets = folder.socket_folder("valkey", socket="valkey", reachable=lambda path: True)
        home = private_folder(folder.path / "valkey")
        server = cls(folder, valkey_program(), home, sockets / "valkey")
        settings = {
            "port": "0",
            "unixsocket": _quoted(server.socket),
            "unixsocketperm": "700",
            "requirepass": server._password,
            "dir": _quoted(home),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        write_private(home / "valkey.conf", "".join(f"{name} {value}\n" for name, value in settings.items()))
        return server

    def child(self) -> Child:
        """The server process."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        command = [str(self.program), str(self.home / "valkey.conf")]
        return Child("broker", command, environment, self.folder, stop_steps=STOP, directory=self.home)

    def is_ready(self) -> bool:
        """Whether it answers to the password."""
        client = redis.Redis(unix_socket_path=str(self.socket), password=self._password, socket_timeout=2)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    @property
    def url(self) -> str:
        """Its address, as ``REDIS_URL`` takes it."""
        return f"unix://:{quote(self._password, safe='')}@{quote(str(self.socket))}?db=0"

    @property
    def _password(self) -> str:
        return self.folder.secret("broker")


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'

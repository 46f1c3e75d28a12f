"""The whole portal, from an empty folder to an address that answers, and down again."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.supervisor.folders import Folder, Lock, private_folder, write_private
from config.supervisor.processes import Child, Watch, end_survivors
from config.supervisor.refusal import Refused, Stopped
from config.supervisor.servers import STOP_STEPS, start_servers, stop_servers

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SETTINGS_OF_THE_STARTER = "config.supervisor.settings"
QUEUES = "notices,documents,clock"
TRUE = ("1", "true", "yes", "on", "y", "t", "ok")


def say(text: str) -> None:
    """One line for the person at the terminal, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def environment_of_children(
    folder: Folder, outside: Mapping[str, str], addresses: Mapping[str, str], port: int
) -> dict[str, str]:
    """The settings of ``make run``; whatever is set outside wins."""
    defaults = {
        "SECRET_KEY": folder.secret("django", 64),
        "SITE_URL": f"http://localhost:{port}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "MEDIA_ROOT": str(private_folder(folder.path / "media")),
        "STATIC_ROOT": str(folder.path / "static"),
        "EMAIL_FILE_PATH": str(private_folder(folder.path / "mail")),
        "RECORD_ROOTS_FILE": str(private_folder(folder.path / "record") / "roots.jsonl"),
        "BEAT_SCHEDULE": str(folder.state / "beat-schedule"),
        "TRUSTED_PROXY_COUNT": "0",
        "PYTHONUNBUFFERED": "1",
        "DEMONSTRATION": "1",
    }
    if outside.get("DEMONSTRATION", "1").lower() in TRUE:
        defaults |= {"INSECURE_HTTP": "1", "EMAIL_URL": "filemail://"}
    environment = {**defaults, **addresses, **{name: value for name, value in outside.items() if value != ""}}
    if environment.get("DJANGO_SETTINGS_MODULE") == SETTINGS_OF_THE_STARTER:
        environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    return environment


class Portal:
    """One start of the portal in ``folder``, with the environment ``outside``, on ``port``."""

    def __init__(self, folder: Folder, outside: Mapping[str, str], port: int) -> None:
        self.folder = folder
        self.outside = outside
        self.port = port
        self.bind = outside.get("BIND") or "127.0.0.1"
        self.watch = Watch(lambda text: say(f"  {text}"))
        self.environment: dict[str, str] = {}

    def up(self, *, servers_only: bool = False) -> None:
        """Start everything and watch over it until Ctrl-C; raises Refused with one line when it cannot."""
        began = time.monotonic()
        with Lock(self.folder) as lock, self.watch.signals():
            try:
                end_survivors(self.folder, STOP_STEPS)
                if not servers_only:
                    self._refuse_taken_port()
                    lock.announce(self._address)
                self._start_servers()
                if servers_only:
                    say(f"Database and broker are up; addresses in {self._note}. Ctrl-C stops them.")
                else:
                    self._start_portal()
                    took = time.monotonic() - began
                    say(f"\nReady after {took:.0f} s: {self._address}/  (Ctrl-C stops everything)\n")
                    say(self._sign_ins())
                self.watch.run()
            except Stopped:
                say("\nStopping; what was entered is kept.")
            finally:
                self._note.unlink(missing_ok=True)
                stop_servers(self.folder, self.watch)

    def run(self, command: Sequence[str]) -> int:
        """Run ``command`` against this portal's servers, which are started and stopped for it if need be."""
        if environment := self._running_environment():
            return subprocess.run(list(command), env=environment).returncode
        with Lock(self.folder), self.watch.signals():
            try:
                self._start_servers()
                self._prepare(demonstration=False)
                return self._in_foreground(command)
            except Stopped:
                return 130
            finally:
                self._note.unlink(missing_ok=True)
                stop_servers(self.folder, self.watch)

    def _running_environment(self) -> dict[str, str] | None:
        """The environment of the portal that is running in this folder now, if one is."""
        if not self._note.exists():
            return None
        try:
            with Lock(self.folder):
                return None
        except Refused:
            return {**self.outside, **json.loads(self._note.read_text())}

    def _in_foreground(self, command: Sequence[str]) -> int:
        """Run ``command`` at the terminal to its end; a stop of the starter stops it."""
        process = subprocess.Popen(list(command), env=self.environment, start_new_session=True)
        try:
            while process.poll() is None:
                self.watch.pause(0.05)
                self.watch.look()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        return process.wait()

    @staticmethod
    def _manage_command(command: Sequence[str]) -> list[str]:
        return [sys.executable, str(CHECKOUT / "manage.py"), *command]

    @property
    def _address(self) -> str:
        return self.outside.get("SITE_URL") or f"http://localhost:{self.port}"

    @property
    def _note(self) -> Path:
        """What differs from the person's own environment, for commands beside the running portal."""
        return self.folder.state / "environment.json"

    @property
    def _sign_in_file(self) -> Path:
        return self.folder.state / "sign-ins"

    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.bind, self.port))
            except OSError as error:
                raise Refused(
                    f"Port {self.port} cannot be used ({error.strerror}); "
                    f"choose another: make run PORT={self.port + 1}"
                ) from error

    def _start_servers(self) -> None:
        addresses = start_servers(self.folder, self.watch, self.outside)
        self.environment = environment_of_children(self.folder, self.outside, addresses, self.port)
        differing = self.environment.items() - self.outside.items()
        write_private(self._note, json.dumps(dict(sorted(differing)), indent=1))

    def _prepare(self, *, demonstration: bool) -> None:
        self._sign_in_file.unlink(missing_ok=True)
        command = ["prepare"]
        if demonstration and self.environment["DEMONSTRATION"].lower() in TRUE:
            command += ["--demonstration", str(self._sign_in_file)]
        self.watch.finish(
            Child("prepare", self._manage_command(command), self.environment, self.folder, directory=CHECKOUT)
        )

    def _start_portal(self) -> None:
        say("  tables, static files and demonstration data" + self._first_time())
        self._prepare(demonstration=True)
        address, schedule = f"{self.bind}:{self.port}", self.environment["BEAT_SCHEDULE"]
        web = self._child("web", ["gunicorn", "--config", "deploy/gunicorn.py", "--bind", address])
        worker = [
            "celery",
            "-A",
            "config",
            "worker",
            "-Q",
            QUEUES,
            "--concurrency",
            "2",
            "--loglevel",
            "INFO",
        ]
        beat = ["celery", "-A", "config", "beat", "--pidfile=", "--schedule", schedule]
        self.watch.start(web)
        # A person waits for the pages; what works in the background can begin a moment later.
        self.watch.wait_for(self._answers, web, seconds=90)
        self.watch.start(self._child("worker", [*worker, "--without-gossip", "--without-mingle"]))
        self.watch.start(self._child("beat", beat))

    def _first_time(self) -> str:
        return "" if (self.folder.path / "static").exists() else " (the first time this takes up to a minute)"

    def _child(self, name: str, arguments: Sequence[str]) -> Child:
        command = [sys.executable, "-m", *arguments]
        return Child(name, command, self.environment, self.folder, directory=CHECKOUT)

    def _answers(self) -> bool:
        host = "127.0.0.1" if self.bind == "0.0.0.0" else self.bind  # noqa: S104
        connection = http.client.HTTPConnection(host, self.port, timeout=5)
        try:
            connection.request("GET", "/healthz", headers={"Host": self._host_header()})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _host_header(self) -> str:
        return self.environment["ALLOWED_HOSTS"].split(",")[0]

    def _sign_ins(self) -> str:
        try:
            return self._sign_in_file.read_text()
        except OSError:
            return "No demonstration people are loaded."

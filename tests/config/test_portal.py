"""The whole portal as ``make run`` starts it: web, worker and beat over real servers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from config.supervisor.processes import birth
from tests.processes import free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_START = 170
"""Three minutes are promised on two cores; here other tests run beside it."""


class Run:
    """One start of the portal in ``folder``, waited for until it says its address."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.output = folder.parent / f"output-{time.monotonic_ns()}"
        with self.output.open("w") as written:
            self.process = self.popen(stdout=written, stderr=subprocess.STDOUT)

    def popen(self, **streams):
        drop = ("DATABASE", "REDIS", "DJANGO_SETTINGS", "SECRET_KEY", "SITE_URL", "ALLOWED_HOSTS", "TEST_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
        command = [sys.executable, str(ROOT / "manage.py"), "up", "--folder", str(self.folder)]
        return subprocess.Popen(
            command, env=kept | {"PORT": str(self.port)}, start_new_session=True, **streams
        )

    def is_ready(self):
        assert self.process.poll() is None, self.output.read_text()
        return "Ready after" in self.output.read_text()

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection):
            connection.request("GET", path, headers={"Host": f"localhost:{self.port}"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def processes(self):
        return {note.stem: json.loads(note.read_text())["pid"] for note in self.folder.glob("run/*.process")}

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.mark.slow
def test_portal_starts_from_nothing_survives_a_kill_and_stops_whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a portal") / "local"
    port = free_port()
    first = Run(folder, port)
    try:
        wait_until(first.is_ready, seconds=LONGEST_START, what="the first start")
        assert first.get("/healthz") == (200, "ok")
        status, parts = first.get("/readyz")
        assert (status, json.loads(parts)) == (
            200,
            {"database": True, "record_is_another_roles": True, "broker": True},
        )
        assert first.get("/")[0] == 200
        assert set(first.processes()) == {"database", "broker", "web", "worker", "beat"}
        worker_log = folder / "logs" / "worker.log"
        wait_until(lambda: "ready." in worker_log.read_text(), what="the worker")

        second = Run(folder, port)
        assert second.process.wait(60) == 1
        address = f"http://localhost:{port}"
        assert second.output.read_text().strip() == (
            f"The portal is running already: {address} (process {first.process.pid})."
        )
        assert first.get("/healthz") == (200, "ok")
        left = first.processes()
    finally:
        first.process.kill()
        first.process.wait()

    again = Run(folder, port)
    try:
        wait_until(again.is_ready, seconds=LONGEST_START, what="the start after a kill")
        assert [name for name, pid in left.items() if birth(pid) is not None] == []
        assert again.get("/readyz")[0] == 200
        running = again.processes()
    finally:
        code = again.end()
    assert code == 0
    wait_until(lambda: not any(map(birth, running.values())), what="every process to end")
    assert again.processes() == {}

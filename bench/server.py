"""The portal under gunicorn with two workers, as it is served elsewhere, on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.client import Client, Unexpected

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


@contextmanager
def serving() -> Iterator[int]:
    """Serve the portal with the settings of the measurement; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.py", "--workers", "2"]
    process = subprocess.Popen(
        [*command, "--log-level", "warning", "--max-requests", "0", "--bind", f"127.0.0.1:{port}"],
        cwd=CHECKOUT,
        env=os.environ.copy(),
    )
    try:
        wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if Client(port).get("/bench/empty/").status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise Unexpected("The portal did not start.")

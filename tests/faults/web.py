"""A real gunicorn on the test database, and people who talk to it over HTTP."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client

from config.second_factor import VERIFIED
from tests.processes import ROOT, children_of, environment_of_process, free_port, kill, wait_until

TOKEN = "t" * 32


@dataclass
class Answer:
    status: int
    location: str
    text: str
    seconds: float
    retry_after: str = ""


@dataclass
class Web:
    """The server: ``process`` is gunicorn's master, ``workers`` are the processes that answer."""

    process: subprocess.Popen
    port: int
    origin: ClassVar[str] = "http://localhost"

    def line(self, timeout):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def workers(self):
        return children_of(self.process)

    def answers(self):
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/healthz").status == 200

    def ask(self, method, path, *, session="", form=None, content=None, timeout=20, **more):
        """Ask as a browser would; ``more`` are headers of its scripts."""
        line = self.line(timeout)
        cookies = f"{settings.CSRF_COOKIE_NAME}={TOKEN}; {settings.SESSION_COOKIE_NAME}={session}"
        headers = {"Host": "localhost", "Cookie": cookies, "X-CSRFToken": TOKEN, "Origin": self.origin}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        body = content if content is not None else urlencode(form or {}) if method == "POST" else None
        if body is not None:
            kind = "x-www-form-urlencoded" if content is None else "octet-stream"
            headers["Content-Type"] = f"application/{kind}"
        started = time.monotonic()
        try:
            line.request(method, path, body=body, headers=headers)
            response = line.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            line.close()
        place = response.headers.get("Location", "")
        again = response.headers.get("Retry-After", "")
        return Answer(response.status, place, text, time.monotonic() - started, again)

    def kill_workers(self):
        """``kill -9`` of whoever is answering; the master starts another at once."""
        for pid in self.workers():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def web_server(*, application="config.wsgi:application", workers=1, threads=8, preload=True, **environment):
    """gunicorn, its workers of several threads; killed with all its children at the end."""
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(workers),
        "--worker-class", "config.web_worker.WebWorker", "--threads", str(threads), "--log-level", "warning",
        *(["--preload"] if preload else []), application,
    ]  # fmt: skip
    environment = environment_of_process(**environment)
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        web = Web(process, port)
        wait_until(web.answers, seconds=60, what="the web process to answer")
        yield web
    finally:
        kill(process)


def session_of(person):
    """The cookie of somebody who signed in freshly and with a second factor."""
    client = Client()
    client.force_login(person)
    session = client.session
    session[VERIFIED] = person.pk
    session["account_authentication_methods_user"] = str(person.pk)
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "email": person.email}
    ]
    session.save()
    return client.cookies[settings.SESSION_COOKIE_NAME].value

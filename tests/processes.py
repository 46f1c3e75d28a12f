"""Real processes for tests: a Celery worker on the test database, a mail server that can misbehave."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.conf import settings
from django.db import connection

from config.supervisor.binaries import valkey_program

ROOT = Path(__file__).resolve().parent.parent


def wait_until(condition, *, seconds=20.0, what="the condition"):
    """Wait until ``condition()`` is true; return its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    pytest.fail(f"Waited {seconds} s in vain for {what}.")


def await_whole_window(*, seconds=6):
    """Let a minute begin that ends in fewer ``seconds``: rates are counted by the minutes of the clock."""
    left = 60 - time.time() % 60
    if left < seconds:
        time.sleep(left)


def test_database_url():
    """The address of the database that the running test uses, for another process."""
    facts = connection.settings_dict
    user = f"{quote(facts['USER'], safe='')}:{quote(facts['PASSWORD'], safe='')}"
    host, port = facts["HOST"], facts["PORT"]
    if host.startswith("/"):
        return f"postgres://{user}@/{quote(host)}/{facts['NAME']}"
    return f"postgres://{user}@{host}:{port or 5432}/{facts['NAME']}"


test_database_url.__test__ = False


def environment_of_process(**values):
    """What a process of the portal on the test database finds in its environment."""
    own = {
        "DATABASE_URL": test_database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings_process",
        "EMAIL_URL": "dummymail://",
        "TEST_MEDIA_ROOT": str(settings.MEDIA_ROOT),
    }
    environment = os.environ | own | values
    environment.pop("DATABASE_OWNER_URL", None)
    return environment


@contextmanager
def celery(*arguments, **environment):
    """A process of Celery in a session of its own; killed with all its children at the end."""
    command = [sys.executable, "-m", "celery", "-A", "config", *arguments, "-l", "WARNING"]
    environment = environment_of_process(**environment)
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        kill(process)


def celery_worker(*, mail=None, queues="notices,documents,clock", **environment):
    """A real worker: a parent and the child that does the tasks."""
    if mail:
        environment["EMAIL_URL"] = f"smtp://{mail.hostname}:{mail.port}"
    return celery("worker", "-Q", queues, "-c", "1", **environment)


def celery_beat(folder, **environment):
    """A real beat that runs the portal's schedule; it keeps in ``folder`` what it ran last."""
    return celery("beat", "--pidfile=", "--schedule", str(folder / "beat-schedule"), **environment)


def children_of(process):
    """The ids of the processes that ``process`` started itself."""
    return children_of_pid(process.pid)


def children_of_pid(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Broker:
    """A Valkey of the test's own, which it may stop and start again."""

    def __init__(self):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        command = [
            valkey_program(),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--loglevel",
            "warning",
        ]
        self.process = subprocess.Popen(command, start_new_session=True)
        wait_until(self.answers, what="the broker to start")

    def answers(self):
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def stop(self):
        kill(self.process)

    def freeze(self):
        """Take connections and answer nothing, like a machine that is cut off."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def broker():
    own = Broker()
    try:
        yield own
    finally:
        own.stop()


def run_in_process(code, **environment):
    """Run ``code`` in a fresh process of the portal on the test database; return what it printed."""
    program = f"import django\ndjango.setup()\n{code}"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment_of_process(**environment),
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def kill(process):
    """``kill -9`` of a process and everything it started; nobody gets to tidy up."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


def free_port():
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MailServer(Controller):
    """An SMTP server on this machine that keeps what it accepted, and misbehaves when told to.

    ``refuses`` names addresses it does not take, with the words of ``refusal``; ``refuses_for_now`` those
    it asks to try later; ``hangs_at`` ("MAIL") never answers that command;
    ``drops_after_data`` accepts the text and then closes the line without saying so.
    """

    def __init__(self):
        self.messages, self.refuses, self.hangs_at, self.drops_after_data = [], set(), "", False
        self.refusal = "550 No such person"
        self.refuses_for_now, self.seen, self.lines = set(), [], 0
        super().__init__(self, hostname="127.0.0.1", port=free_port())

    def factory(self):
        self.lines += 1
        return SMTP(self.handler, hostname="mail.test", loop=self.loop)

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.seen.append("MAIL")
        if self.hangs_at == "MAIL":
            await asyncio.sleep(60)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuses:
            return self.refusal
        if address in self.refuses_for_now:
            return "451 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(envelope)
        if self.drops_after_data:
            server.transport.abort()
        return "250 Accepted"


@contextmanager
def mail_server():
    server = MailServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()

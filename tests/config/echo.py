"""An application that says what it received, for the tests of the web worker; its disk takes 1 MB a file."""

from __future__ import annotations

import json
import os
import resource
from contextlib import suppress
from hashlib import sha256

import django

from config import web_worker

django.setup()
web_worker.HEAD_SECONDS = web_worker.SILENCE_SECONDS = 2
web_worker.GRACE_SECONDS = 4
web_worker.MOST_KEPT = 8 << 20
posted = 0


def held():
    """How many files without a name and how many sockets this process has open."""
    opened = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the listing itself
            opened.append(os.readlink(f"/proc/self/fd/{number}"))
    files = sum(name.endswith(" (deleted)") for name in opened)
    return files, sum(name.startswith("socket:") for name in opened)


def application(environ, start_response):
    global posted
    posted += environ["REQUEST_METHOD"] == "POST"
    if environ["PATH_INFO"] == "/small-disk/":
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    body = environ["wsgi.input"].read()
    facts = {
        "posted": posted,
        "path": environ["PATH_INFO"],
        "sha256": sha256(body).hexdigest(),
        "held": held(),
    }
    answer = json.dumps(facts).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]

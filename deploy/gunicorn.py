"""How gunicorn serves the portal, here and in production; the address comes from the command line."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

wsgi_app = "config.wsgi:application"
# gthread, whose threads wait for no slow body
worker_class = "config.web_worker.WebWorker"
workers = 2
threads = 8
# Those who are sending count too; each may hold a socket and a file, of the 1,024 that a process mostly has.
worker_connections = 400
# Loaded once and shared: half the memory, and a worker that is replaced answers at once.
preload_app = True
timeout = 30
graceful_timeout = 30
keepalive = 5
# Whoever may set a header is not the one who says where the portal stands
forwarder_headers = ""
max_requests = 2000
max_requests_jitter = 200
accesslog = None  # the proxy writes a line for each request, without what its path keeps secret
errorlog = "-"
control_socket_disable = True  # several portals of one person would share it
# A heartbeat file on a slow disk makes a healthy worker look dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def on_starting(server: Any) -> None:
    """Serve nobody under a role that could rewrite the record; ``preload_app`` has read the settings.

    What was loaded stays: the collector of no worker goes through it again, nor copies its pages.
    """
    from django.db import connection  # what needs the settings is read after them

    from config.database_roles import refuse_owner

    refuse_owner()
    connection.close()  # the workers that are forked from here must not share it
    gc.collect()
    gc.freeze()

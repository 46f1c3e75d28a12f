"""How gunicorn serves the portal, here and in production; the address comes from the command line."""

from __future__ import annotations

from pathlib import Path

wsgi_app = "config.wsgi:application"
worker_class = "gthread"
workers = 2
threads = 8
# Loaded once and shared: half the memory, and a worker that is replaced answers at once.
preload_app = True
timeout = 30
graceful_timeout = 30
keepalive = 5
max_requests = 2000
max_requests_jitter = 200
accesslog = None  # the portal writes its own line for each request
errorlog = "-"
control_socket_disable = True  # several portals of one person would share it
# A heartbeat file on a slow disk makes a healthy worker look dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

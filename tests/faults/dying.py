"""The portal, which kills itself with ``kill -9`` at the point of a request that ``?dies_at=`` names.

Points are counted in the talk with the database: each statement, BEGIN and COMMIT has been sent and is not
answered (the odd ones), and has been answered (the even ones).
"""

from __future__ import annotations

import os
import select
import signal
from urllib.parse import parse_qs

from django.db import connection
from psycopg2 import extensions as psycopg

from config.wsgi import application as portal

left = 0


def pass_point():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def talk(line):
    """Wait for the database as psycopg does, past both points of a statement."""
    is_sent = False
    while (state := line.poll()) != psycopg.POLL_OK:
        if state == psycopg.POLL_READ and not is_sent:
            is_sent = True
            pass_point()
        reading = state == psycopg.POLL_READ
        select.select([line] if reading else [], [] if reading else [line], [], 10)
    pass_point()


psycopg.set_wait_callback(talk)


def application(environ, start_response):
    global left
    connection.ensure_connection()
    left = int(parse_qs(environ["QUERY_STRING"]).get("dies_at", ["0"])[0])
    return portal(environ, start_response)

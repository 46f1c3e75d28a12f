"""The portal's WSGI application on a machine whose clock is wrong by ``SHIFT_SECONDS``."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import time_machine

time_machine.travel(
    datetime.now(UTC) + timedelta(seconds=int(os.environ["SHIFT_SECONDS"])), tick=True
).start()

from config.wsgi import application  # noqa: E402  # the clock is wrong before anything is read

__all__ = ["application"]

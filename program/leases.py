"""A claim on a row lasts for a lease: short, so that another worker soon takes what a dead one held.

Who waits on a line for longer renews it meanwhile: with ``meanwhile``, ``receive`` and ``send`` call an act
of the holder every ``PULSE_SECONDS``.
"""

from __future__ import annotations

import contextlib
import socket
import time
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.db.models import Q

from program import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from django.db.models import Model, QuerySet

Done = TypeVar("Done")

LEASE: Final = timedelta(seconds=40)
PULSE_SECONDS = 10.0


class Pulse:
    """When ``act`` is due next."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act
        self.due = time.monotonic() + PULSE_SECONDS

    def beat(self) -> None:
        if time.monotonic() >= self.due:
            self.due = time.monotonic() + PULSE_SECONDS
            self.act()


_pulse: ContextVar[Pulse | None] = ContextVar("pulse", default=None)


@contextlib.contextmanager
def meanwhile(act: Callable[[], object]) -> Iterator[None]:
    """Call ``act`` every ``PULSE_SECONDS`` for as long as this thread sends and receives."""
    token = _pulse.set(Pulse(act))
    try:
        yield
    finally:
        _pulse.reset(token)


def receive(line: socket.socket, size: int, *, deadline: float) -> bytes:
    """Up to ``size`` bytes as soon as there are some, or TimeoutError at ``deadline``."""
    return _patiently(line, lambda: line.recv(size), deadline)


def send(line: socket.socket, content: bytes, *, deadline: float) -> None:
    """Send all of ``content``, or raise TimeoutError at ``deadline``."""
    left = memoryview(content)
    while left:
        left = left[_patiently(line, lambda left=left: line.send(left), deadline) :]  # type: ignore[misc]


def _patiently(line: socket.socket, talk: Callable[[], Done], deadline: float) -> Done:
    while (left := deadline - time.monotonic()) > 0:
        line.settimeout(min(left, PULSE_SECONDS))
        with contextlib.suppress(TimeoutError):
            done = talk()
            _beat()
            return done
        _beat()
    raise TimeoutError


def _beat() -> None:
    if pulse := _pulse.get():
        pulse.beat()


def is_free(field: str, *, at: datetime) -> Q:
    """Rows that nobody claimed, or whose lease since ``field`` is over."""
    return Q(**{field: None}) | Q(**{f"{field}__lt": at - LEASE})


def renew(held: QuerySet[Any], record: Model, field: str) -> None:
    """Begin the lease on ``record`` anew if ``held`` still finds it; whoever took the row since keeps it."""
    at = clock.instant()
    if held.update(**{field: at}):
        setattr(record, field, at)

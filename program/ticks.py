"""How long a tick works: shorter than its task may run, and the next one goes on where it stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")
PATIENCE_SECONDS = 60.0


def timely(items: Iterable[Item], *, seconds: float = PATIENCE_SECONDS) -> Iterator[Item]:
    """``items`` one by one, until ``seconds`` are over; what is left stays owed."""
    end = time.monotonic() + seconds
    for item in items:
        if time.monotonic() > end:
            return
        yield item

"""An act carried out and taken back at once: what it would refuse, and what it would make."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.db import transaction

if TYPE_CHECKING:
    from collections.abc import Callable

_rehearsed: ContextVar[bool] = ContextVar("rehearsed", default=False)


def is_rehearsed() -> bool:
    """Whether what runs will be taken back: it writes to nobody and so holds its locks a moment only."""
    return _rehearsed.get()


def rehearse(service: Callable[..., Any], *args: Any, **details: Any) -> Any:
    """Carry out an act and take it back at once: raises what the act refuses, and changes nothing.

    Returns what the act would have made; none of it is stored.
    """
    token = _rehearsed.set(True)
    try:
        with transaction.atomic():
            made = service(*args, **details)
            transaction.set_rollback(True)
    finally:
        _rehearsed.reset(token)
    return made

"""Addresses of pages, looked up once: a page has dozens of them, and the next reader's page the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.urls import get_script_prefix, reverse


def page_of(name: str, *args: Any) -> str:
    """As ``reverse``; raises NoReverseMatch as it does. ``args`` are keys and numbers, as a list has them."""
    return _page_of(get_script_prefix(), name, args)


@lru_cache(maxsize=4096)
def _page_of(prefix: str, name: str, args: tuple[Any, ...]) -> str:
    return reverse(name, args=args)

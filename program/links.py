"""Addresses of pages, looked up once: a page has dozens of them, and the next reader's page the same."""

from __future__ import annotations

from functools import cache, lru_cache

from django.urls import NoReverseMatch, reverse


@cache
def address_of(name: str) -> str:
    """Where a page stands that needs nothing but its name; empty where the portal has none of this name."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@lru_cache(maxsize=4096)
def page_of(name: str, key: int | str) -> str:
    """Where the page of one row of a list stands."""
    return reverse(name, args=[key])

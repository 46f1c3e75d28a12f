"""Addresses of pages that need nothing but their name, each looked up once: a page has dozens of them."""

from __future__ import annotations

from functools import cache

from django.urls import NoReverseMatch, reverse


@cache
def address_of(name: str) -> str:
    """Where the page stands; empty where the portal has none of this name."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""

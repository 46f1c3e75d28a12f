"""What the sign-in page of the demonstration shows besides its form."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from demonstration.people import sign_ins


def demonstration(request: HttpRequest) -> dict[str, Any]:
    """``demonstration_sign_ins``: made only when a page prints them; no query."""
    return {"demonstration_sign_ins": SimpleLazyObject(sign_ins)}

"""What a request is on a page that is closed to strangers: it has a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from program.models import User


class SignedInRequest(HttpRequest):
    """A request behind ``LoginRequiredMiddleware``; a word for the type checker, never made."""

    user: User


def is_autosave(request: HttpRequest) -> bool:
    """Whether the page's script sends what was typed and reads the answer, by the contract of ``site.js``."""
    return request.headers.get("X-Autosave") == "1"

"""What a request is on a page that is closed to strangers: it has a person."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import is_valid_path, reverse
from django.utils.encoding import escape_uri_path

if TYPE_CHECKING:
    from program.models import User


class SignedInRequest(HttpRequest):
    """A request behind ``LoginRequiredMiddleware``; a word for the type checker, never made."""

    user: User


def page_of_form(request: HttpRequest) -> str:
    """The page on which the form of a POST stood, as far as the browser says so; else where people begin.

    For the way back after a sign-in: the address of the form itself cannot be opened like a page.
    """
    said = urlsplit(request.headers.get("Referer", ""))
    if said.path and said.netloc == request.get_host():
        return f"{said.path}?{said.query}" if said.query else said.path
    return reverse("program:start")


def page_above(path: str) -> str:
    """The nearest address above ``path`` that the portal has: mostly the page of the form sent there."""
    steps = path.strip("/").split("/")
    for number in range(len(steps) - 1, 0, -1):
        above = f"/{'/'.join(steps[:number])}/"
        if is_valid_path(above):
            return escape_uri_path(above)
    return reverse("program:start")


def code_said(text: str) -> str:
    """A code or a number of a record as it was posted; what no such code holds makes it none."""
    return text if text.isprintable() else ""


def number_said(text: str, *, digits: int = 18) -> int | None:
    """The whole number that an address or a form says; None where it says none, or one that no row bears."""
    return int(text) if text.isdecimal() and len(text) <= digits else None


def is_autosave(request: HttpRequest) -> bool:
    """Whether the page's script sends what was typed and reads the answer, by the contract of ``site.js``."""
    return request.headers.get("X-Autosave") == "1"


def client_address(request: HttpRequest) -> str:
    """The address of the client: what the last trusted proxy saw, never what the client claims."""
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    trusted = settings.TRUSTED_PROXY_COUNT
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    return request.META.get("REMOTE_ADDR", "")

"""What a public page prints, as it was written, until a row that it was written from is another (ADR 31).

The key of a text holds all that the text was made from: for rows their ``WRITES``, which one cheap statement
reads at each request. Nothing has to be told of a change, and nobody reads what was before it. What differs
from one request to the next (the moment, the token of a form) is put in anew each time.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string

from program.context_processors import Portal

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from django.http import HttpRequest


class Kept:
    """The texts that this process wrote last, ``most`` of them, each under what it was made from.

    None of more than ``largest`` characters is kept, so that a process stays small.
    """

    def __init__(self, most: int, *, largest: int = 200_000) -> None:
        self.most, self.largest = most, largest
        self._texts: OrderedDict[Hashable, str] = OrderedDict()
        self._lock = Lock()

    def text(self, made_from: Hashable, write: Callable[[], str]) -> str:
        """What ``write`` once wrote from exactly this, or writes now."""
        with self._lock:
            if (kept := self._texts.get(made_from)) is not None:
                self._texts.move_to_end(made_from)
                return kept
        written = write()
        if len(written) > self.largest:
            return written
        with self._lock:
            self._texts[made_from] = written
            while len(self._texts) > self.most:
                self._texts.popitem(last=False)
        return written


#: What strangers were shown last; a page has some 50 kB
PAGES: Final = Kept(64)
#: What stands in a kept page in the place of what is put in anew; nobody can know them, so as to write them
MOMENT, TOKEN = f"moment-{secrets.token_hex(16)}", f"token-{secrets.token_hex(16)}"


class AnyMoment(Portal):
    """The facts of the site on a page that is shown at more than one moment."""

    stamp = MOMENT


def is_like_any(request: HttpRequest) -> bool:
    """Whether who asks is shown nothing of their own: nobody is signed in and nothing is to be told."""
    return not request.user.is_authenticated and not len(get_messages(request))


def shown(
    request: HttpRequest, template: str, facts: Callable[[], Mapping[str, Any]], *, made_from: Hashable
) -> HttpResponse:
    """The page of a person, or for strangers the one that was written from the same.

    ``made_from`` is all that decides what strangers read on it, but for the address itself.
    """
    if not is_like_any(request):
        return render(request, template, {**facts()})

    def write() -> str:
        return render_to_string(
            template, {**facts(), "portal": AnyMoment(request), "csrf_token": TOKEN}, request
        )

    page = PAGES.text((template, request.scheme, request.get_host(), request.path, made_from), write)
    page = page.replace(MOMENT, Portal(request).stamp)
    return HttpResponse(page.replace(TOKEN, get_token(request)) if TOKEN in page else page)

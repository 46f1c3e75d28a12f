"""Who comes in: for anybody else a page of the EDAG does not exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpResponse

from financing.querysets import follows_financing
from program.requests import SignedInRequest

View = Callable[..., HttpResponse]
FORM = ["GET", "HEAD", "POST"]
PAGE_SIZE = 25


def edag_desk(view: View) -> View:
    """A page for people whose office follows federal financing."""

    @wraps(view)
    def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not follows_financing(request.user):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded

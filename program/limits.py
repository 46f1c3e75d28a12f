"""How often a person may do what costs the portal or its people something, and when they may again.

Counted in the shared cache, so for all processes together. While it is away each process counts alone and
says so in the log (``program.cache``): nobody is kept out because of that.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from program.requests import client_address
from program.transitions import TooMany

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """``most`` times in ``seconds``; ``act`` says what, as in "you searched"."""

    most: int
    seconds: int
    act: str


#: What is counted for each person, or for each address of people who are not signed in
LIMITS: Final = {
    "search": Limit(60, 60, "searched"),
    "export": Limit(30, 60, "asked for files"),
    "suggest": Limit(20, 60, "asked for suggestions"),
    "upload": Limit(120, 60, "sent files"),
    "check": Limit(30, 60, "checked files"),
    "api": Limit(300, 60, "asked the API"),
    "calendar": Limit(30, 60, "asked for this calendar"),
}


def count_use(request: HttpRequest, name: str, *, whose: str = "") -> None:
    """Count one more use of what ``LIMITS`` calls ``name``; raise TooMany when that is one too many.

    ``whose`` is counted in the place of the person or address: services that fetch for many share an address.
    The clock of this machine says in which stretch of time it falls: the counts of one stretch are dropped
    with the next.
    """
    limit, now = LIMITS[name], time.time()
    stretch, into = divmod(now, limit.seconds)
    key = f"limit:{name}:{whose or who_asks(request)}:{int(stretch)}"
    if counted(key, limit.seconds) > limit.most * settings.RATE_LIMIT_FACTOR:
        seconds = max(1, int(limit.seconds - into) + 1)
        logger.warning("Rate limit reached.", extra={"limit": name, "user": request.user.pk})
        raise TooMany(f"You {limit.act} more often than the portal takes from one person.", seconds)


def counted(key: str, seconds: int) -> int:
    """One more under ``key``; what it comes to."""
    try:
        return cache.incr(key)
    except ValueError:
        return 1 if cache.add(key, 1, timeout=2 * seconds) else cache.incr(key)


def who_asks(request: HttpRequest) -> str:
    """A signed-in person by their key, anybody else by the address they come from."""
    user = request.user
    return f"person-{user.pk}" if user.is_authenticated else f"address-{client_address(request)}"


def limited(name: str, method: str = "") -> Callable[..., Any]:
    """Count each use of a view, or each with ``method`` alone."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def counting(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if method in ("", request.method):
                count_use(request, name)
            return view(request, *args, **kwargs)

        return counting

    return decorate


class SayWhenAgain:
    """Answer what was one too many: 429, in words, with the seconds to wait; after wrong passwords, too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 429:
            response.setdefault("Retry-After", str(int(settings.AXES_COOLOFF_TIME.total_seconds())))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, TooMany):
            return None
        answer = too_many(request, exception)
        answer["Retry-After"] = str(exception.seconds)
        return answer


def too_many(request: HttpRequest, refusal: TooMany) -> HttpResponse:
    if request.headers.get("Accept", "").startswith("application/json"):
        words = f"{refusal} Try again in {refusal.seconds} seconds."
        return JsonResponse({"code": "too-many", "message": words}, status=429)
    facts = {"message": str(refusal), "seconds": refusal.seconds}
    return render(request, "too_many.html", facts, status=429)

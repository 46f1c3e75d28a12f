"""What a supervisor asks: is the process alive, can it do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpResponse, JsonResponse
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; asks nothing of any other service."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers (else 503); a broker that is away is told but stops nothing."""
    parts = {"database": True, "broker": True}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        parts["database"] = False
    try:
        cache.get("readyz")
    except (RedisError, OSError):
        parts["broker"] = False
    return JsonResponse(parts, status=200 if parts["database"] else 503)

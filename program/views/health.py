"""What a supervisor asks: is the process alive, can it do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpResponse, JsonResponse
from redis.exceptions import RedisError

from program.ownership import is_record_at_risk

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; asks nothing of any other service."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers, to a role that cannot rewrite the record (else 503).

    A broker that is away is told but stops nothing.
    """
    parts = {"database": True, "record_is_another_roles": True, "broker": True}
    try:
        parts["record_is_another_roles"] = not is_record_at_risk()
    except DatabaseError:
        parts["database"] = False
    try:
        cache.get("readyz")
    except (RedisError, OSError):
        parts["broker"] = False
    is_ready = parts["database"] and parts["record_is_another_roles"]
    return JsonResponse(parts, status=200 if is_ready else 503)

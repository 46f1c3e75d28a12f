"""What a supervisor asks: is the process alive, can it do its work."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.core.cache import caches
from django.db import DatabaseError
from django.http import HttpResponse, JsonResponse

from program.cache import SteadyRedisCache
from program.enums import PartOfPortal
from program.ownership import is_record_at_risk
from program.pulse import note_parts

if TYPE_CHECKING:
    from django.http import HttpRequest

logger = logging.getLogger(__name__)


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; asks nothing of any other service."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers, to a role that cannot rewrite the record (else 503).

    A broker that is away is told but stops nothing. What is missing is kept for the outage log.
    """
    parts = {"database": True, "record_is_another_roles": True, "broker": broker_answers()}
    try:
        parts["record_is_another_roles"] = not is_record_at_risk()
    except DatabaseError:
        parts["database"] = False
    if parts["database"]:
        keep(parts)
    is_ready = parts["database"] and parts["record_is_another_roles"]
    return JsonResponse(parts, status=200 if is_ready else 503)


def broker_answers() -> bool:
    """Whether Redis itself does: the cache has a stand-in while it is away."""
    shared = caches["default"]
    return not isinstance(shared, SteadyRedisCache) or shared.answers()


def keep(parts: dict[str, bool]) -> None:
    """Keep what was found where the database can; the answer does not depend on it."""
    found = {
        PartOfPortal.BROKER: parts["broker"],
        PartOfPortal.RECORD: parts["record_is_another_roles"],
    }
    try:
        note_parts(found)
    except DatabaseError:
        logger.warning("What this process lacks could not be kept.", exc_info=True)

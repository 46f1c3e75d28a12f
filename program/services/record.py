"""Verifying the record at somebody's request, or the clock's: in the background, a while at a time."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, connection, transaction

from program import audit, clock
from program.models import Verification
from program.publish import after_commit

if TYPE_CHECKING:
    from program.models import User

logger = logging.getLogger(__name__)
# One tick's work, in one transaction: a worker that is killed loses no more than this
WHILE_SECONDS = 15.0


@transaction.atomic
def ask_for_verification(*, by: User) -> Verification:
    """Have the whole record verified; the verification that is under way, when there is one."""
    if not by.has_perm("program.verify_record"):
        raise PermissionDenied("The record as a whole is open to auditors.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('verify-record'))")
    if under_way := Verification.objects.filter(finished_at=None).first():
        return under_way
    verification = Verification.objects.create(asked_by=by, asked_at=clock.instant())
    audit.record(verification, "record.verify", by=by)
    after_commit("program.schedule.verify_record")
    return verification


def verify_for_a_while() -> int:
    """Go on with the verification under way for a quarter of a minute; returns the events checked so far."""
    under_way = Verification.objects.filter(finished_at=None).order_by("pk")
    if not (verification := under_way.first()):
        return 0
    try:
        # In a transaction of its own: for a moment it holds writers back
        begun = audit.Walk.from_json(verification.walk) if verification.walk else audit.Walk.begin()
        return _go_on(verification.pk, begun)
    except (OperationalError, InterfaceError):
        raise  # the database was busy or away: the next tick goes on
    except Exception as error:
        logger.exception("A verification failed.", extra={"verification": verification.pk})
        return _fail(verification.pk, type(error).__name__)


@transaction.atomic
def _fail(pk: int, reason: str) -> int:
    """Close a verification that cannot go on, so that another may begin. It says nothing about the record."""
    rows = Verification.objects.select_for_update().filter(pk=pk, finished_at=None)
    if verification := rows.first():
        walk = audit.Walk(horizon=0, newest_seal=0, is_over=True, failure=reason)
        verification.walk = walk.as_json()
        verification.finished_at = clock.instant()
        verification.save(update_fields=["walk", "finished_at"])
    return 0


@transaction.atomic
def _go_on(pk: int, begun: audit.Walk) -> int:
    """Go on with one verification; of two workers one does, the other leaves."""
    rows = Verification.objects.select_for_update(skip_locked=True).filter(pk=pk, finished_at=None)
    if not (verification := rows.first()):
        return 0
    walk = audit.Walk.from_json(verification.walk) if verification.walk else begun
    end = time.monotonic() + WHILE_SECONDS
    walk.go_on()
    while not walk.is_over and time.monotonic() < end:
        walk.go_on()
    verification.walk = walk.as_json()
    if walk.is_over:
        verification.finished_at = clock.instant()
        if not walk.is_sound:
            logger.error("The record was altered.", extra={"verification": verification.pk})
    verification.save(update_fields=["walk", "finished_at"])
    return walk.event_count

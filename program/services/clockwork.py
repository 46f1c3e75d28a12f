"""What the clock does to many records: each alone, under its own name, whatever befalls one of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError

from program.clock_account import clock_account
from program.ticks import timely
from program.transitions import NotReady, WrongStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.db.models import Model

logger = logging.getLogger(__name__)


class InHand(Exception):
    """Another worker does the same to the record at this moment."""


def do_each(act: Callable[..., Any], records: Iterable[Model]) -> int:
    """Do ``act`` to each record as the clock, each in its own transaction; returns how many were done.

    What another act overtook, or holds locked, is left for the next tick; so is what fails otherwise, which
    the log shows. The records behind it get their turn.
    """
    account, done = None, 0
    for record in timely(records):
        account = account or clock_account()
        try:
            act(record, by=account)
        except (InHand, WrongStatus, NotReady, PermissionDenied, OperationalError) as refusal:
            facts = {"record": f"{record._meta.label_lower} {record.pk}", "reason": str(refusal)}
            logger.info("The clock left a record alone.", extra=facts)
        except Exception:
            facts = {"record": f"{record._meta.label_lower} {record.pk}"}
            logger.exception("The clock failed at a record.", extra=facts)
        else:
            done += 1
    return done

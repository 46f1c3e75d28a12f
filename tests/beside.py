"""Two people at one moment: an act on a connection of its own, begun before another one commits."""

from __future__ import annotations

import threading

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction

from program.transitions import NotReady, WrongStatus

REFUSALS = NotReady, WrongStatus, PermissionDenied, ValidationError


def act_while(act, first, then=lambda: None):
    """Do ``first``, begin ``act``, which must wait, do ``then`` and commit; return what came of ``act``.

    Needs a test whose database has real transactions.
    """
    outcome = []

    def work():
        try:
            outcome.append(act())
        except REFUSALS as refusal:
            outcome.append(refusal)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    with transaction.atomic():
        first()
        thread.start()
        thread.join(1.5)
        assert not outcome, "It did not wait."
        then()
    thread.join(20)
    return outcome[0]

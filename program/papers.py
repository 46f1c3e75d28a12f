"""How a PDF is made: claimed for a lease, pressed by a worker, kept; set aside where that does not help.

The lease is renewed while the press works.
An attempt is counted before its work begins, so that a document which kills its worker is set aside when it
is taken for the fourth time. Whoever runs the desk sees what was set aside and may have it made again.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from django.db import transaction

from program import clock, leases, pdf
from program.clock_account import clock_account
from program.documents import store_generated
from program.enums import PaperState
from program.models import Paper

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet

P = TypeVar("P", bound=Paper)

logger = logging.getLogger(__name__)

MOST_ATTEMPTS: Final = 3
STOPPED: Final = "The worker stopped each time."


def make(kind: type[P], pk: int, press: Callable[[P], tuple[str, bytes]]) -> bool:
    """Make one owed paper with ``press``, which gives its name and bytes; True when this call made it.

    Repeatable, and safe to run twice at once.
    """
    paper = _claim(kind, pk)
    if paper is None:
        return False
    try:
        with leases.meanwhile(partial(_renew, paper)):
            name, content = press(paper)
    except pdf.PdfFailed as failure:
        # A busy machine may be why the time was not enough: that is tried again like a worker that died.
        if failure.permanent and failure.reason != "timeout":
            _set_aside(paper, str(failure))
        else:
            _held(paper).update(reason=str(failure)[:300])
        return False
    return _keep(paper, name, content)


def _held(paper: P) -> QuerySet[P]:
    """The row as long as this worker's claim on it stands."""
    return type(paper)._default_manager.filter(
        pk=paper.pk, state=PaperState.OWED, claimed_at=paper.claimed_at
    )


def _claim(kind: type[P], pk: int) -> P | None:
    """Take the row for the length of a lease; set it aside when it was taken too often."""
    with transaction.atomic():
        at = clock.instant()
        paper = (
            kind._default_manager.select_for_update(skip_locked=True, of=("self",))
            .select_related(kind.proposal_by)
            .filter(leases.is_free("claimed_at", at=at), pk=pk, state=PaperState.OWED)
            .first()
        )
        if paper is None:
            return None
        if paper.attempts >= MOST_ATTEMPTS:
            _set_aside(paper, paper.reason or STOPPED)
            return None
        paper.attempts += 1
        paper.claimed_at = at
        paper.save(update_fields=["attempts", "claimed_at", "updated_at"])
        return paper


def _renew(paper: Paper) -> None:
    leases.renew(_held(paper), paper, "claimed_at")


def _set_aside(paper: Paper, reason: str) -> None:
    if _held(paper).update(state=PaperState.QUARANTINED, reason=reason[:300], updated_at=clock.instant()):
        facts = {"kind": paper._meta.label, "paper": paper.pk, "reason": reason}
        logger.error("A PDF was set aside.", extra=facts)


def _keep(paper: Paper, name: str, content: bytes) -> bool:
    with transaction.atomic():
        held = _held(paper).select_for_update().first()
        if held is None:
            return False
        held.document = store_generated(name, content, by=clock_account(), mark=held.mark)
        held.state, held.reason = PaperState.MADE, ""
        held.save(update_fields=["document", "state", "reason", "updated_at"])
    return True


def owed(kind: type[Paper], *, most: int = 100) -> list[int]:
    """Keys of the papers that are still to be made and that nobody is making."""
    free = leases.is_free("claimed_at", at=clock.instant())
    rows = kind._default_manager.filter(free, state=PaperState.OWED).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:most])


def owe_again(paper: Paper) -> bool:
    """Owe a paper that was set aside once more, from the first attempt; False when it is set aside no more.

    Part of the caller's transaction, which also sends it on its way.
    """
    rows = type(paper)._default_manager.filter(pk=paper.pk, state=PaperState.QUARANTINED)
    again = {"state": PaperState.OWED, "attempts": 0, "claimed_at": None, "reason": ""}
    return bool(rows.update(**again, updated_at=clock.instant()))

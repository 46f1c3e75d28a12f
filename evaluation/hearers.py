"""Who hears, in the apps above, that a designation began or changed; each writes in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluation.models import Designation
    from program.models import AuditEvent

HEARERS: Final[list[Callable[[AuditEvent, Designation], None]]] = []


def hears_of_designations(
    hearer: Callable[[AuditEvent, Designation], None],
) -> Callable[[AuditEvent, Designation], None]:
    """Call ``hearer`` with the event and the designation whenever one begins, is suspended or ends."""
    if hearer not in HEARERS:
        HEARERS.append(hearer)
    return hearer


def tell_hearers(event: AuditEvent, designation: Designation) -> None:
    for hearer in HEARERS:
        hearer(event, designation)

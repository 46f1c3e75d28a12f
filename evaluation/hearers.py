"""Who hears, in the apps above, that a designation began or changed; each writes in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from evaluation.models import Designation
    from program.models import AuditEvent, User
    from proposals.models import Proposal

HEARERS: Final[list[Callable[[AuditEvent, Designation], None]]] = []
TOLD_OF_CHANGES: Final[list[Callable[[Designation, Collection[str]], Iterable[User]]]] = []
TOLD_AT_FIRST: Final[list[Callable[[Proposal], Iterable[User]]]] = []


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


def is_told_of_new_designations(
    people: Callable[[Proposal], Iterable[User]],
) -> Callable[[Proposal], Iterable[User]]:
    """Name ``people`` in the preview of an announcement; the hearer owes its notice to the same."""
    if people not in TOLD_AT_FIRST:
        TOLD_AT_FIRST.append(people)
    return people


def is_told_of_changes(
    people: Callable[[Designation, Collection[str]], Iterable[User]],
) -> Callable[[Designation, Collection[str]], Iterable[User]]:
    """Name ``people`` in the preview of a change; the hearer owes its notices to the same."""
    if people not in TOLD_OF_CHANGES:
        TOLD_OF_CHANGES.append(people)
    return people


def told_of_change(designation: Designation, removed: Collection[str] = ()) -> list[User]:
    """Everybody in the apps above whom a change of ``designation`` would be told to.

    ``removed`` are the names of the markets that it removes.
    """
    return [person for people in TOLD_OF_CHANGES for person in people(designation, removed)]


def told_of_new_designation(proposal: Proposal) -> list[User]:
    """Everybody in the apps above whom a designation of ``proposal`` would be told to."""
    return [person for people in TOLD_AT_FIRST for person in people(proposal)]

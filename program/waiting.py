"""What waits for a person at the desk, as the apps above contribute it: each task leads to its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from program.models import User


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do, for whom or about what, on which page, and by when if there is a day.

    ``instead`` says why no day is shown where one would be expected.
    """

    what: str
    who: str
    url: str
    due_at: datetime | None = None
    instead: str = ""


SOURCES: Final[list[Callable[[User], Iterable[Task]]]] = []


def at_the_desk(source: Callable[[User], Iterable[Task]]) -> Callable[[User], Iterable[Task]]:
    """Show what ``source`` answers among a person's tasks; it asks nothing for whom it does not concern."""
    SOURCES.append(source)
    return source


def desk_tasks(user: User) -> list[Task]:
    """What waits for ``user`` in government: what is due, the first due first, then what has no day."""
    found = [task for source in SOURCES for task in source(user)]
    dated = [(task.due_at, number, task) for number, task in enumerate(found) if task.due_at]
    return [task for *_, task in sorted(dated)] + [task for task in found if not task.due_at]


TEAM_SOURCES: Final[list[Callable[[User, Any], Iterable[Task]]]] = []


def for_the_team(source: Callable[[User, Any], Iterable[Task]]) -> Callable[[User, Any], Iterable[Task]]:
    """Show what ``source`` answers among the tasks of a consortium's people, of one proposal or of all."""
    TEAM_SOURCES.append(source)
    return source


def team_tasks(user: User, proposal: Any = None) -> list[Task]:
    """What waits for ``user`` as one of a team, on ``proposal`` where it is named."""
    return [task for source in TEAM_SOURCES for task in source(user, proposal)]

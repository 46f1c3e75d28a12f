"""Who else is on a part of the working copy: kept in the shared cache for a minute, told to its readers only.

It is a courtesy, not a lock: when the cache is away nobody is shown, and everything else works.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.core.cache import cache

from program import clock, moments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from program.models import User

#: A page that is looked at says so every 25 seconds; who said nothing for so long has left.
SECONDS: Final = 70


@dataclass(frozen=True)
class Here:
    """A person who is on the part, and since when."""

    person: User
    since: datetime

    @property
    def words(self) -> str:
        return f"{self.person.name} is on this part since {moments.time_of_day(self.since)}."


def arrive(proposal: int, part: str, person: User) -> None:
    """Say that ``person`` looks at the part now; how long they have been there is kept."""
    key = _key(proposal, part, person.pk)
    cache.set(key, cache.get(key) or clock.instant().isoformat(), SECONDS)


def leave(proposal: int, part: str, person: User) -> None:
    """Say that ``person`` has left the part."""
    cache.delete(_key(proposal, part, person.pk))


def others_on(proposal: int, part: str, people: Iterable[User], *, besides: User) -> list[Here]:
    """Who of ``people`` is on the part, who came first first."""
    keys = {_key(proposal, part, one.pk): one for one in people if one.pk != besides.pk}
    found = cache.get_many(keys) if keys else {}
    here = [Here(keys[key], datetime.fromisoformat(since)) for key, since in found.items()]
    return sorted(here, key=lambda one: (one.since, one.person.pk))


def _key(proposal: int, part: str, person: int) -> str:
    return f"presence:{proposal}:{part}:{person}"

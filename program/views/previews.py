"""Before anything goes to many: its mail as it will read, and whom it reaches."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from program.notices import mail_of
from program.services.subscriptions import Readers, reach_of, readers_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.http import HttpRequest

    from program.models import Call, User
    from program.services.subscriptions import Reach, Telling


#: Fields of a form that change nothing of what is published
NOT_PUBLISHED: Final = ("csrfmiddlewaretoken", "seen", "understood")


@dataclass(frozen=True)
class Letter:
    """The mail as so many read it, in words."""

    words: str
    count: int
    text: str
    is_below: bool = False


@dataclass(frozen=True)
class Preview:
    """The mail of one telling; ``seen`` is what a form sends back that was posted with it in view.

    ``text`` reads as for those whom the matter concerns, ``letters`` as for each who is told;
    ``typed`` is what else changes what is published.
    """

    reach: Reach
    subject: str
    text: str
    also: int = 0
    letters: tuple[Letter, ...] = ()
    typed: str = ""

    @property
    def seen(self) -> str:
        return hashlib.sha256(f"{self.subject}\n{self.text}\n{self.typed}".encode()).hexdigest()

    @property
    def known(self) -> int:
        return self.reach.known + self.also

    @property
    def below(self) -> int:
        return self.reach.below + self.also

    @property
    def is_any(self) -> bool:
        return bool(self.also) or self.reach.is_any


def preview_of(
    call: Call,
    telling: Telling,
    *,
    but: Collection[User] = (),
    also: int = 0,
    reach: Reach | None = None,
    typed: str = "",
) -> Preview:
    """The mail that ``telling`` would send; ``also`` people are told besides, and ``but`` are not."""
    message, reach = mail_of(telling.kind, telling.url, telling.facts), reach or reach_of(call, but=but)
    readers = [Readers("who asked", also)] if also else []
    letters = tuple(
        Letter(each.words, each.count, text_of(telling, follows=each.follows or ""), each.is_below)
        for each in (*readers, *readers_of(call, reach, but=but))
    )
    return Preview(reach, str(message.subject), str(message.body), also, letters, typed)


def text_of(telling: Telling, *, follows: str = "") -> str:
    return str(mail_of(telling.kind, telling.url, telling.facts, follows=follows).body)


def typed_into(request: HttpRequest, *names: str) -> str:
    """What a form sent (in the fields ``names``, or in all), to be known again."""
    sent = ((name, request.POST.getlist(name)) for name in sorted(names or request.POST))
    return json.dumps([each for each in sent if each[0] not in NOT_PUBLISHED])


def to_be_seen(request: HttpRequest, preview: Preview, *, always: bool = False) -> bool:
    """Whether somebody is told, and the person has not seen yet what; ``always`` also where nobody is."""
    return (always or preview.is_any) and request.POST.get("seen", "") != preview.seen

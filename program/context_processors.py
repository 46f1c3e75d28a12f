"""What every page shows around its content: the site's facts, the way for this person's roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils import timezone

from program.clock import WASHINGTON
from program.enums import OfficeRole
from program.links import page_of
from program.models.notices import unread

AT_THE_DESK = (
    OfficeRole.PROGRAM_OFFICER,
    OfficeRole.REVIEWER,
    OfficeRole.LEAD,
    OfficeRole.DECISION_OFFICIAL,
    OfficeRole.AUDITOR,
    OfficeRole.ETHICS_OFFICIAL,
)
IN_THE_EDAG = (
    OfficeRole.EDAG_CHAIR,
    OfficeRole.EDAG_OFFICER,
    OfficeRole.PROGRAM_OFFICER,
    OfficeRole.DECISION_OFFICIAL,
    OfficeRole.AUDITOR,
)


def address_of(name: str) -> str:
    """Where a page stands; empty where this portal has none of the name."""
    try:
        return page_of(name)
    except NoReverseMatch:
        return ""


@dataclass(frozen=True)
class Link:
    """One entry of the navigation."""

    label: str
    url: str
    is_current: bool


class Portal:
    """What ``base.html`` asks; a page that extends nothing asks nothing and costs no query."""

    site_name = settings.SITE_NAME

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = getattr(request, "user", None)

    @property
    def is_demonstration(self) -> bool:
        return settings.DEMONSTRATION

    @property
    def is_official(self) -> bool:
        return settings.OFFICIAL_SITE

    @property
    def support_email(self) -> str:
        return settings.SUPPORT_EMAIL

    @property
    def security_contact(self) -> str:
        return settings.SECURITY_CONTACT

    @property
    def session_seconds(self) -> int:
        """How long the session surely lives from now on: it may be up to a minute old already."""
        return settings.SESSION_COOKIE_AGE - settings.SESSION_RENEWAL_SECONDS

    @property
    def stamp(self) -> str:
        """The moment at which the page was made, for its scripts: ISO 8601."""
        return timezone.now().astimezone(WASHINGTON).isoformat(timespec="seconds")

    @cached_property
    def navigation(self) -> list[Link]:
        """The entries for this person; the longest address that the page's begins with is current."""
        entries = [(label, url) for label, name in self.entries() if (url := address_of(name))]
        matching = [url for _, url in entries if self.request.path.startswith(url) and url != "/"]
        current = max(matching, key=len, default=self.request.path)
        return [Link(label, url, url == current) for label, url in entries]

    def entries(self) -> Iterator[tuple[str, str]]:
        """Label and URL name: the public pages, then those of a consortium or of a government office."""
        yield from (
            ("Home", "program:home"),
            ("Calls", "program:calls"),
            ("Catalog", "evaluation:catalog"),
            ("The order", "order"),
            ("Directives", "program:directives"),
        )
        if self.user is None or not self.user.is_authenticated:
            return
        if self.user.holds(*AT_THE_DESK):
            yield "Desk", "evaluation:desk"
        if self.user.holds(*IN_THE_EDAG):
            yield "EDAG", "financing:edag"
        if not self.user.is_government:
            yield "My proposals", "proposals:list"
            yield "Tasks", "proposals:tasks"

    @cached_property
    def unread_notices(self) -> int:
        """How many notices the person has not read."""
        found = unread.ask(person=self.user.pk) if self.user else None
        return found[0] if found else 0


def portal(request: HttpRequest) -> dict[str, Portal]:
    """``portal``: lazy, so that a fragment or a public page pays only for what it prints."""
    return {"portal": Portal(request)}

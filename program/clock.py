"""The one clock: the database's, so that no web machine's wrong clock makes anybody late.

``now()`` is the start of the running transaction, ``instant()`` the very moment. Demonstration data and
tests may move both with ``moved_to``; a production portal refuses that.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import DateTimeField, Func, Value
from django.db.models.functions import Coalesce, TruncDate

from program.prepared import Given, Whoever

if TYPE_CHECKING:
    from collections.abc import Iterator

WASHINGTON = ZoneInfo("America/New_York")
MOVED: Final = Given("moved_clock", DateTimeField())
_moved: ContextVar[datetime | None] = ContextVar("moved_clock", default=None)
_page: ContextVar[list[datetime] | None] = ContextVar("moment_of_page", default=None)


def now() -> datetime:
    """When the running transaction began (outside one: now), aware, in UTC.

    A page that only shows, and so has no transaction, stands at the moment when it first asked.
    """
    page = _page.get()
    if _moved.get() or page is None or connection.in_atomic_block:
        return _moved.get() or _ask("SELECT transaction_timestamp()")
    if not page:
        page.append(_ask("SELECT transaction_timestamp()"))
    return page[0]


@contextmanager
def one_page() -> Iterator[None]:
    """Let the clock stand, outside of transactions, from the first time that it is asked within."""
    token = _page.set([])
    try:
        yield
    finally:
        _page.reset(token)


def instant() -> datetime:
    """The database's time at this very moment, aware, in UTC."""
    return _moved.get() or _ask("SELECT clock_timestamp()")


def today() -> date:
    """The date in Washington when the running transaction began."""
    return now().astimezone(WASHINGTON).date()


def in_query() -> Value | Func:
    """When the running transaction began, as part of a query: nothing is asked beforehand."""
    moment = _moved.get()
    return TransactionTimestamp() if moment is None else Value(moment, output_field=DateTimeField())


def today_in_query() -> TruncDate:
    """The date in Washington when the running transaction began, as part of a query."""
    return TruncDate(in_query(), tzinfo=WASHINGTON)


def in_prepared() -> Coalesce:
    """As ``in_query`` for a prepared question, which is asked with ``**clock.given()``."""
    return Coalesce(MOVED, TransactionTimestamp())


def today_in_prepared() -> TruncDate:
    """As ``today_in_query`` for a prepared question, which is asked with ``**clock.given()``."""
    return TruncDate(in_prepared(), tzinfo=WASHINGTON)


def today_of(asker: Any) -> TruncDate:
    """Today as part of a query, prepared where ``asker`` is whoever will ask it."""
    return today_in_prepared() if isinstance(asker, Whoever) else today_in_query()


def given(asker: Any = None) -> dict[str, Any]:
    """What a prepared question needs of the clock: to be asked, or to stand in a question of ``asker``."""
    return {"moved_clock": MOVED if isinstance(asker, Whoever) else _moved.get()}


class TransactionTimestamp(Func):
    function = "TRANSACTION_TIMESTAMP"
    output_field = DateTimeField()


def moved() -> datetime | None:
    """The moment that ``moved_to`` set, if any."""
    return _moved.get()


@contextmanager
def moved_to(moment: datetime) -> Iterator[None]:
    """Let the clock stand at ``moment``: for demonstration data and tests only."""
    if not getattr(settings, "CLOCK_MAY_BE_MOVED", False):
        raise ImproperlyConfigured("The clock of a production portal cannot be moved.")
    token = _moved.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _moved.reset(token)


def _ask(query: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(query)
        moment: datetime = cursor.fetchone()[0]
    return moment

"""Two people, one row: a save names the revision it read, and a later one is not overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import BigIntegerField

from program.prepared import Given, Prepared
from program.requests import number_said

if TYPE_CHECKING:
    from django.db.models import Model


def revision_read(posted: str) -> int:
    """The revision that a form says it read; 0, at which no saved record is, where it says none."""
    return number_said(posted, digits=9) or 0


@dataclass
class StaleRevision(Exception):
    """Somebody saved ``record`` after the revision ``read`` was shown; nothing was changed."""

    record: Any
    read: int

    def __str__(self) -> str:
        noun = self.record._meta.verbose_name
        known = "after you opened it" if self.read else "and your page does not say what of it you read"
        kept = "Nothing of yours was saved; both texts are shown below."
        return f"Somebody else saved this {noun} {known}. {kept}"


def hold(record: Any, *, revision: int | None = None, with_related: tuple[str, ...] = ()) -> None:
    """Lock the row of ``record`` and read it again; raise StaleRevision when it is not at ``revision``.

    Part of the caller's transaction, which then raises ``record.revision`` by one as it saves. The records
    named ``with_related`` are read in the same statement, and not locked.
    """
    if with_related:
        _read_again(record, with_related)
    else:
        record.refresh_from_db(from_queryset=type(record)._base_manager.select_for_update(of=("self",)))
    if revision is not None and record.revision != revision:
        raise StaleRevision(record, revision)


def _read_again(record: Any, with_related: tuple[str, ...]) -> None:
    model: type[Model] = type(record)
    found = _held(model, with_related).rows(key=record.pk)
    if not found:
        raise type(record).DoesNotExist
    record.__dict__.pop("_prefetched_objects_cache", None)
    record.__dict__.update(found[0].__dict__)


@lru_cache
def _held(model: type[Model], with_related: tuple[str, ...]) -> Prepared:
    """One locked row: it is saved while somebody types, and the question is written once."""
    rows = model._base_manager.select_for_update(of=("self",)).select_related(*with_related)
    return Prepared(lambda: rows.filter(pk=Given("key", BigIntegerField())))


def one_at_a_time(act: str, *keys: int) -> None:
    """Let one transaction wait for another that does ``act`` to the same."""
    name = "-".join([act, *map(str, keys)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])


def is_done_by_another(act: str) -> bool:
    """Whether another transaction does ``act`` at this moment; if none does, this one has begun it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [act])
        (is_free,) = cursor.fetchone()
    return not is_free

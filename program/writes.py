"""Whether anything was written since somebody read: one number over many rows, another after each write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import BigIntegerField, Func, Subquery

if TYPE_CHECKING:
    from django.db.models import QuerySet

#: Of a set of rows: where each lies and which transaction wrote it, in one number
WRITES: Final = Func(
    template="BIT_XOR(HASHTIDEXTENDED(CTID, XMIN::text::bigint))", output_field=BigIntegerField()
)


def writes_of(rows: QuerySet) -> Subquery:
    """The ``WRITES`` of these rows, as part of another statement. They stand in one table, each once."""
    return Subquery(rows.order_by().values(writes=WRITES))

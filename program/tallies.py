"""How many rows there are, up to a bound: a number on a desk reads no more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField

if TYPE_CHECKING:
    from django.db.models import QuerySet

MOST: Final = 1_000


def tallied(rows: QuerySet[Any]) -> Func:
    """The number of ``rows`` within another statement; one more than ``MOST`` where there are more."""
    return tallied_keys(rows.order_by().values("pk")[: MOST + 1])


def tallied_keys(keys: QuerySet[Any, Any]) -> Func:
    """The number of ``keys``, a question of one column, within another statement."""
    sql = "COALESCE(CARDINALITY(%(expressions)s::bigint[]), 0)"  # null where Django knows that none can be
    return Func(ArraySubquery(keys), template=sql, output_field=IntegerField())


def tally_words(number: int, most: int | None = None) -> str:
    """``number`` as it is shown: "over 1,000" where it was counted no further than ``most``, or ``MOST``."""
    most = MOST if most is None else most
    return f"over {most:,}" if number > most else f"{number:,}"

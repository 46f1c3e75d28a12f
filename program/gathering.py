"""A record with all the rows that hang on it, in one statement.

``prefetch_related`` asks once for each kind of row, and a proposal has fifteen kinds. Here every kind is a
subquery that PostgreSQL answers as JSON: for each row an array of its columns in the model's order, then an
array for each record it points to, then one for each kind of row that hangs on it in turn. What comes out are
the same model instances with the same caches filled, so that readers cannot tell the difference.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Expression, Func, JSONField, Model, OuterRef, Q, QuerySet
from django.db.models.query import ModelIterable
from django.utils.dateparse import parse_date, parse_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field
    from django.db.models.sql.compiler import SQLCompiler

Q_ = TypeVar("Q_", bound=QuerySet)
READERS: Final[dict[str, Callable[[str], Any]]] = {"DateField": parse_date, "DateTimeField": parse_datetime}


@dataclass(frozen=True)
class Rows:
    """Rows that hang on a record, by the name of their accessor.

    The name may be a path through a record that is loaded too, such as ``consortium__memberships``. ``one``
    are paths of single records that come with each row, as for ``select_related``; ``many`` the rows that
    hang on each row. ``where`` picks rows, for which ``to_attr`` names another place, as for ``Prefetch``.
    """

    name: str
    one: tuple[str, ...] = ()
    many: tuple[Rows, ...] = ()
    where: Q = field(default_factory=Q)
    to_attr: str = ""


class ExactDecoder(json.JSONDecoder):
    """Reads numbers with a decimal point as the database keeps them, never as floats."""

    def __init__(self, **options: Any) -> None:
        super().__init__(parse_float=Decimal, **options)


ANSWER: Final[JSONField] = JSONField(decoder=ExactDecoder)


class Columns(Func):
    """Columns and arrays as one JSON array; at most a hundred, which is PostgreSQL's limit."""

    function = "JSONB_BUILD_ARRAY"
    output_field = ANSWER


class Written(Expression):
    """The question for one kind of row, its SQL written once: Django takes milliseconds over each.

    Raises:
        ValueError: in a query that does not call the record's table by its own name, as a subquery may.
    """

    output_field = ArrayField(ANSWER)

    def __init__(self, rows: Rows, model: type[Model]) -> None:
        super().__init__()
        self.rows, self.model = rows, model

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        if (name := compiler.query.base_table) != self.model._meta.db_table:
            message = f"Rows are gathered in the outermost query only, and this one calls the table {name}."
            raise ValueError(message)
        return _written(self.rows, self.model)


def gather(queryset: Q_, *kinds: Rows) -> Q_:
    """``queryset`` whose records come with these kinds of rows, all in its one statement."""
    aliases = {f"gathered_{number}": rows for number, rows in enumerate(kinds)}

    class Gathered(ModelIterable):
        def __iter__(self) -> Iterator[Any]:
            for record in super().__iter__():
                for alias, rows in aliases.items():
                    _hang(rows, record, record.__dict__.pop(alias))
                yield record

    found = queryset.annotate(**{alias: Written(rows, queryset.model) for alias, rows in aliases.items()})
    found._iterable_class = Gathered
    return found


# The question


@cache
def _written(rows: Rows, model: type[Model]) -> tuple[str, Any]:
    query = model._base_manager.annotate(rows=_subquery(rows, model)).query
    return query.get_compiler(DEFAULT_DB_ALIAS).compile(query.annotations["rows"])


def _subquery(rows: Rows, model: type[Model]) -> ArraySubquery:
    path, _, name = rows.name.rpartition("__")
    relation = _at(model, path)._meta.get_field(name)
    owner = f"{path}__pk" if path else "pk"
    found = relation.related_model._default_manager.filter(rows.where)
    if relation.many_to_many:
        pairs = relation.remote_field.through._default_manager.filter(
            **{relation.m2m_field_name(): OuterRef(OuterRef(owner))}
        )
        found = found.filter(pk__in=pairs.values(relation.m2m_reverse_field_name()))
    else:
        found = found.filter(**{relation.field.name: OuterRef(owner)})
    return ArraySubquery(found.values_list(_array(rows, relation.related_model)))


def _array(rows: Rows, model: type[Model]) -> Columns:
    return Columns(
        *_columns(model),
        *(Columns(*_columns(_at(model, path), f"{path}__")) for path in rows.one),
        *(_subquery(each, model) for each in rows.many),
    )


def _at(model: type[Model], path: str) -> Any:
    """The model at the end of a path of single records."""
    for name in filter(None, path.split("__")):
        model = model._meta.get_field(name).related_model  # type: ignore[assignment]
    return model


def _columns(model: type[Model], prefix: str = "") -> list[str]:
    return [prefix + column.attname for column in model._meta.concrete_fields]


# The answer


def _hang(rows: Rows, record: Any, answer: list[list[Any]]) -> None:
    """Put the rows that ``answer`` tells of where readers look for them."""
    path, _, name = rows.name.rpartition("__")
    owner = _follow(record, path)
    if owner is None:
        return
    relation = owner._meta.get_field(name)
    found = [_row(rows, relation.related_model, values, owner._state.db) for values in answer]
    if relation.one_to_many:
        for row in found:
            relation.field.set_cached_value(row, owner)
    if rows.to_attr:
        setattr(owner, rows.to_attr, found)
        return
    queryset = getattr(owner, name).get_queryset()
    queryset._result_cache, queryset._prefetch_done = found, True
    owner.__dict__.setdefault("_prefetched_objects_cache", {})[name] = queryset


def _row(rows: Rows, model: type[Model], values: list[Any], db: str) -> Any:
    width = len(model._meta.concrete_fields)
    row = _record(model, values[:width], db)
    ones, many = values[width : width + len(rows.one)], values[width + len(rows.one) :]
    for path, columns in zip(rows.one, ones, strict=True):
        before, _, name = path.rpartition("__")
        owner = _follow(row, before)
        key = owner._meta.get_field(name) if owner else None
        if key and getattr(owner, key.attname) is not None:
            key.set_cached_value(owner, _record(key.related_model, columns, db))
    for each, answer in zip(rows.many, many, strict=True):
        _hang(each, row, answer)
    return row


def _follow(record: Any, path: str) -> Any:
    for name in filter(None, path.split("__")):
        record = getattr(record, name) if record else None
    return record


def _record(model: type[Model], values: list[Any], db: str) -> Any:
    fields = model._meta.concrete_fields
    return model.from_db(db, [column.attname for column in fields], list(map(_value, fields, values)))


def _value(column: Field, value: Any) -> Any:
    read = READERS.get(column.get_internal_type())
    return read(value) if read and value is not None else value

"""What a factory made once is put back as rows, not made again: a test that begins alike begins quickly.

To bring a proposal to its designation takes some six hundred statements, and a hundred tests begin so.
A ``remembered`` factory does it once in a process; where another test stands at the same point, the rows
that it wrote then are inserted again in one statement, with their keys, and the result is a fresh copy.

The same point is: nothing was written in this transaction but by the same remembered factories, in the same
order, with the same arguments. A statement of anybody else, a moved clock, changed settings or a transaction
that commits, and the factory works as if it were not remembered. Rows and sequences are the database's own:
nothing is written that the services had not written themselves.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, wraps
from time import monotonic
from typing import Any

from django.conf import UserSettingsHolder, settings
from django.db import connection, transaction
from django.db.models import Model
from factory.django import DjangoModelFactory

from program import clock

#: Statements that change nothing
READS = ("SELECT", "EXECUTE", "SAVEPOINT", "RELEASE", "SET CONSTRAINTS")
PLAIN = (str, int, bool, Decimal, date, timedelta, type(None))
#: As many worlds are kept, and for so long: what a service reads of the time that has gone by stays small
MOST, SECONDS = 300, 600.0
#: What takes as many seconds is noted the first time
DEAR = 0.05


class Unlike(Exception):
    """Arguments or writings that cannot be told apart or put back."""


class Place:
    """Where a record stood that the caller gave."""


@dataclass
class World:
    """What one call wrote, as a script with its rows; what it returned; what it left in its arguments.

    Where these hold a record that was given, they hold one of ``places``.
    """

    script: str
    rows: list[str]
    result: Any
    left: list[dict[str, Any]]
    places: list[Place]
    on_commit: list[tuple[Any, bool]]
    made: float = field(default_factory=monotonic)


class Memory:
    def __init__(self) -> None:
        self.worlds: OrderedDict[Any, World | None] = OrderedDict()
        self.unlike: set[Any] = set()
        self.seconds: dict[Any, float] = {}
        self.statements = 0
        self.point: tuple[Any, ...] | None = None
        self.at = 0
        self.is_making = False
        self.is_open = False

    def begin(self) -> None:
        """A test begins: so far nothing is written."""
        self.point, self.at, self.is_making, self.is_open = (), self.statements, False, True

    def forget(self) -> None:
        """The tables were emptied, and the Program's facts have other keys now."""
        self.worlds.clear()
        self.is_open = False

    def count(self, execute, sql, params, many, context):
        if not str(sql).startswith(READS):
            self.statements += 1
        return execute(sql, params, many, context)

    def is_usable(self) -> bool:
        return (
            self.is_open
            and not self.is_making
            and self.point is not None
            and self.at == self.statements
            and bool(connection.atomic_blocks)
            and connection.atomic_blocks[0]._from_testcase
            and not connection.needs_rollback
            and clock._moved.get() is None
            and not isinstance(settings._wrapped, UserSettingsHolder)
        )

    def call(self, make: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self.is_usable() or (self.point == () and has_written()):
            return self.plainly(make, args, kwargs)
        kwargs = dict(sorted(kwargs.items()))
        given = [value for value in (*args, *kwargs.values()) if isinstance(value, Model)]
        try:
            told = tuple(map(sign_of, args)), tuple((name, sign_of(value)) for name, value in kwargs.items())
        except Unlike:
            return self.plainly(make, args, kwargs)
        key = (*self.point, (make.__module__, make.__qualname__, *told, clock.today()))
        if key in self.unlike:
            return self.plainly(make, args, kwargs)
        if (world := self.known(key)) is not None:
            result = put_back(world, given)
        elif len(key) > 1 and key not in self.worlds and self.seconds.get(maker(make, args), 0) < DEAR:
            self.keep(key, None)  # the first who goes on like this may be the only one
            return self.plainly(make, args, kwargs)
        else:
            with self.making(maker(make, args)):
                world, result = recorded(make, args, kwargs, given)
            if world is None:
                self.unlike.add(key)
                return result
            self.keep(key, world)
        self.point, self.at = key, self.statements
        return result

    def plainly(self, make, args, kwargs):
        with self.making(maker(make, args)):
            return make(*args, **kwargs)

    @contextmanager
    def making(self, who: Any) -> Iterator[None]:
        """Factories that are called by a factory are part of it."""
        before, self.is_making, began = self.is_making, True, monotonic()
        try:
            yield
        finally:
            self.is_making = before
            self.seconds[who] = monotonic() - began

    def known(self, key) -> World | None:
        world = self.worlds.get(key)
        if world is not None and monotonic() - world.made > SECONDS:
            del self.worlds[key]
            return None
        return world

    def keep(self, key, world: World | None) -> None:
        self.worlds[key] = world
        while len(self.worlds) > MOST:
            self.worlds.popitem(last=False)


memory = Memory()


def remembered(make: Callable[..., Any]) -> Callable[..., Any]:
    """A factory whose rows are put back where it was called at the same point before."""

    @wraps(make)
    def made(*args, **kwargs):
        return memory.call(make, args, kwargs)

    return made


class RememberedFactory(DjangoModelFactory):
    """A factory of records whose every record is remembered."""

    class Meta:
        abstract = True

    @classmethod
    @remembered
    def create(cls, **kwargs):
        return super().create(**kwargs)


def maker(make: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The factory: a function, or the class whose ``create`` it is."""
    return args[0] if args and isinstance(args[0], type) else make


def sign_of(value: Any) -> Any:
    """What tells one argument from another; a record by its key and its columns."""
    if isinstance(value, Model):
        columns = [value.__dict__.get(column.attname) for column in value._meta.concrete_fields]
        return value._meta.label, value.pk, repr(columns)
    if isinstance(value, PLAIN):
        return type(value).__name__, value
    if isinstance(value, list | tuple):
        return type(value).__name__, *map(sign_of_plain, value)
    if isinstance(value, dict):
        return "dict", *((name, sign_of_plain(value[name])) for name in sorted(value))
    if isinstance(value, type):  # a factory
        return value.__module__, value.__qualname__
    raise Unlike


def sign_of_plain(value: Any) -> Any:
    """As ``sign_of``, in a list: a record there is not looked after."""
    if isinstance(value, Model):
        raise Unlike
    return sign_of(value)


def has_written() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
        return cursor.fetchone()[0]


def recorded(make, args, kwargs, given) -> tuple[World | None, Any]:
    """Make it, and note what was written meanwhile; None for what cannot be put back."""
    with connection.cursor() as cursor:
        before = counted(cursor)
        last = last_number(cursor, before)
        waiting = len(connection.run_on_commit)
        with transaction.atomic():  # of its own, so that its rows bear a later number
            result = make(*args, **kwargs)
        on_commit = [(each[1], each[2]) for each in connection.run_on_commit[waiting:]]
        script, rows = [], []
        for table, (inserted, updated, deleted) in counted(cursor).items():
            earlier = before.get(table, (0, 0, 0))
            if deleted != earlier[2]:
                return None, result
            if (inserted, updated) == earlier[:2]:
                continue
            columns, key = columns_of(table)
            named = ", ".join(f'"{column}"' for column in columns)
            cursor.execute(
                f'SELECT json_agg(row)::text FROM (SELECT {named} FROM "{table}"'
                " WHERE xmin::text::bigint > %s) AS row",
                [last],
            )
            if (found := cursor.fetchone()[0]) is None:
                continue
            rows.append(found)
            written = f'INSERT INTO "{table}" ({named}) SELECT {named}'
            written += f' FROM json_populate_recordset(NULL::"{table}", %s)'
            if updated != earlier[1]:
                changed = ", ".join(f'"{column}" = EXCLUDED."{column}"' for column in columns)
                written += f' ON CONFLICT ("{key}") DO UPDATE SET {changed}'
            script.append(written)
    places = [Place() for _ in given]
    memo = {id(record): place for record, place in zip(given, places, strict=True)}
    try:
        kept, left = copy.deepcopy((result, [record.__dict__ for record in given]), memo)
    except TypeError:
        return None, result
    return World("; ".join(script), rows, kept, left, places, on_commit), result


def last_number(cursor, tables) -> int:
    """The number of the last transaction, or part of this one, of which a row can be read."""
    asked = ["SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1 AS number"]
    asked += [f'SELECT max(xmin::text::bigint) FROM "{table}"' for table in tables]
    cursor.execute(f"SELECT max(number) FROM ({' UNION ALL '.join(asked)}) AS numbers")
    return cursor.fetchone()[0]


def put_back(world: World, given: list[Model]) -> Any:
    if world.rows:
        with connection.cursor() as cursor:
            cursor.execute(world.script, world.rows)
    memo = {id(place): record for place, record in zip(world.places, given, strict=True)}
    result, left = copy.deepcopy((world.result, world.left), memo)
    for record, facts in zip(given, left, strict=True):
        record.__dict__.update(facts)
    for callback, robust in world.on_commit:
        transaction.on_commit(callback, robust=robust)
    return result


def counted(cursor) -> dict[str, tuple[int, int, int]]:
    """Of every table that this transaction wrote: rows inserted, changed, removed."""
    cursor.execute(
        "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables"
        " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
    )
    return {table: tuple(counts) for table, *counts in cursor.fetchall()}


@cache
def columns_of(table: str) -> tuple[list[str], str]:
    """The columns that are written, without those that the database computes, and the key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
            [f'"{table}"'],
        )
        columns = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
            " WHERE indrelid = %s::regclass AND indisprimary",
            [f'"{table}"'],
        )
        return columns, cursor.fetchone()[0]

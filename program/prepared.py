"""A question asked at every request, its SQL written once: Django takes milliseconds over each.

Whatever differs from one asking to the next is ``Given`` in the queryset and said when it is asked. The
database plans it once for each connection, too: over the questions of a desk it takes longer than over their
answer (ADR 32).
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from enum import Enum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakKeyDictionary

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connection
from django.db.models import BigIntegerField, BooleanField, Expression, Func, Value
from psycopg2.extensions import AsIs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.db.models import Field, QuerySet
    from django.db.models.sql.compiler import SQLCompiler


EXISTS = "EXISTS(SELECT %s "
#: A code, a status, a right, a time zone; of longer text, or with blanks and marks, somebody typed it
CODE: Final = re.compile(r"[\w./-]{0,40}")
LARGEST_KEY: Final = BigIntegerField.MAX_BIGINT
MOST_SHAPES: Final = 256
#: As many plans a connection keeps; a long one takes a megabyte of the server
MOST_PLANS: Final = 100
#: Names of the questions that each connection of psycopg knows, the one asked last at the end
_PLANNED: Final[WeakKeyDictionary[Any, OrderedDict[str, None]]] = WeakKeyDictionary()


class Given(Expression):
    """A value that is known when the question is asked, by its name."""

    def __init__(self, name: str, output_field: Field) -> None:
        super().__init__(output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)


class Constant(Value):
    """A number of the rules, which stays the same for ever, written into the SQL itself."""

    value: int

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return f"{self.value:d}", ()


class Whoever:
    """Who asks a prepared question: of them it knows the offices, and the key only as ``Given("person")``.

    What depends on the day is asked with ``**clock.given()``.

    ``offices`` are pairs of role and agency code; of ``roles`` the agency is not known. For questions whose
    answer depends on no other office that somebody with ``roles`` may hold beside.
    """

    is_authenticated = is_active = True

    def __init__(self, *roles: str, offices: Iterable[tuple[str, str]] = ()) -> None:
        self.pk = Given("person", BigIntegerField())
        self.offices_held = frozenset(offices) | {(role, "") for role in roles}

    @property
    def is_government(self) -> bool:
        return bool(self.offices_held)

    def holds(self, *roles: str) -> bool:
        return any(role in roles for role, _ in self.offices_held)

    def agencies_as(self, *roles: str) -> set[str]:
        return {code for role, code in self.offices_held if role in roles}


def is_code(value: Any) -> bool:
    """Whether a value is one of those that the code or an enumeration names, as far as its look tells."""
    return isinstance(value, str) and (isinstance(value, Enum) or CODE.fullmatch(value) is not None)


class AnyOf(Func):
    """Whether the first is among the second, an array: ``AnyOf(F("pk"), Given("keys", ArrayField(…)))``."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()


class Answered:
    """What Django asks of a queryset when it makes records of its rows, where the rows are there already."""

    db = DEFAULT_DB_ALIAS
    _known_related_objects: Final[dict[Any, Any]] = {}

    def __init__(self, compiler: SQLCompiler, found: list[tuple[Any, ...]]) -> None:
        self.compiler, self.found = compiler, found

    @property
    def query(self) -> Self:
        return self

    def get_compiler(self, using: str) -> Self:
        return self

    def execute_sql(self, **how: Any) -> list[list[tuple[Any, ...]]]:
        return [self.found]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.compiler, name)


class Prepared:
    """The question that ``build`` asks: a queryset of ``values_list``, or one of records for ``rows``.

    Raises ValueError when it is first asked and holds a key, a number, a moment or a text that was not
    ``Given``. Of a single word nothing tells that a person typed it: what is typed is ``Given`` in any case,
    and a ``shape`` is one of few values that the code names.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self.build = build

    @cached_property
    def _written(self) -> tuple[SQLCompiler, str, tuple[Any, ...]]:
        """Threads that ask first at once each write a question of their own; one of them stays."""
        queryset = self.build()
        self._iterable_class = queryset._iterable_class
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        exists = iter(range(sql.count(EXISTS)))  # Django lets each EXISTS select 1
        fixed = [one for one in params if not isinstance(one, Given | bool) and not is_code(one)]
        fixed = [one for one in fixed if one != 1 or next(exists, None) is None]
        if fixed:
            raise ValueError(f"Such a value would be the same for ever; let it be Given: {fixed}")
        return compiler, sql, params

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """Of what differs, in the order in which the database is told."""
        return tuple(dict.fromkeys(one.name for one in self._written[2] if isinstance(one, Given)))

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        """Of what differs, the keys: no row has one that the database cannot write, as an address may."""
        return tuple(
            dict.fromkeys(
                one.name
                for one in self._written[2]
                if isinstance(one, Given) and isinstance(one.output_field, BigIntegerField)
            )
        )

    @cached_property
    def _planned(self) -> tuple[str, str]:
        """The name of the question within a connection, and the statement that makes it known there."""
        _, sql, params = self._written
        places = {name: number for number, name in enumerate(self._names, start=1)}
        said = [
            AsIs(f"${places[one.name]}::{one.output_field.db_type(connection)}")
            if isinstance(one, Given)
            else one
            for one in params
        ]
        with connection.connection.cursor() as cursor:
            whole = cursor.mogrify(sql, said).decode()
        name = f"asked_{hashlib.sha256(whole.encode()).hexdigest()[:24]}"
        return name, f"PREPARE {name} AS {whole}"

    def ask(self, **given: Any) -> tuple[Any, ...] | None:
        """The row, or None. Raises KeyError for a value that the question needs and nobody gave."""
        return next(iter(self.ask_all(**given)), None)

    def ask_all(self, **given: Any) -> list[tuple[Any, ...]]:
        """Every row, in the question's order. Raises KeyError as ``ask`` does."""
        if not (found := self._found(given)):
            return []
        compiler = self._written[0]
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        return list(map(tuple, compiler.apply_converters(found, converters))) if converters else found

    def rows(self, **given: Any) -> list[Any]:
        """Every record, as the queryset would make them. Raises KeyError as ``ask`` does."""
        if not (found := self._found(given)):
            return []
        return list(self._iterable_class(Answered(self._written[0], found)))  # type: ignore[arg-type, call-overload]

    def _found(self, given: dict[str, Any]) -> list[tuple[Any, ...]]:
        try:
            _, sql, params = self._written
        except EmptyResultSet:  # of such offices, nobody sees anything
            return []
        if any(abs(given[name] or 0) > LARGEST_KEY for name in self._keys):
            return []
        with connection.cursor() as cursor:
            if settings.PLAN_ONCE:
                self._execute(cursor, [given[name] for name in self._names])
            else:
                cursor.execute(sql, [given[one.name] if isinstance(one, Given) else one for one in params])
            return cursor.fetchall()

    def _execute(self, cursor: Any, values: list[Any]) -> None:
        """Ask by the name under which the connection knows the question.

        Where a column has become another since, as by a migration, the connection learns it anew; within a
        transaction, which then has failed, it ends with the request.
        """
        places = f"({', '.join(['%s'] * len(values))})" if values else ""
        asked = f"EXECUTE {self._known()}{places}"
        try:
            cursor.execute(asked, values)
        except NotSupportedError:
            if connection.in_atomic_block:
                connection.close_at = 0
                raise
            self._forget(self._planned[0])
            self._known()
            cursor.execute(asked, values)

    def _known(self) -> str:
        """The name by which this connection of the database knows the question; it knows the last ones."""
        name, statement = self._planned
        known = _PLANNED.setdefault(connection.connection, OrderedDict())
        if name not in known:
            self._tell(statement)
            known[name] = None
            while len(known) > MOST_PLANS:
                self._forget(next(iter(known)))
        known.move_to_end(name)
        return name

    def _forget(self, name: str) -> None:
        _PLANNED[connection.connection].pop(name, None)
        self._tell(f"DEALLOCATE {name}")

    @staticmethod
    def _tell(statement: str) -> None:
        with connection.wrap_database_errors, connection.connection.cursor() as cursor:
            cursor.execute(statement)


class Keys(Expression):
    """The keys that a prepared question of one column finds, for ``pk__in`` of another statement."""

    def __init__(self, question: Prepared, **given: Any) -> None:
        super().__init__(BigIntegerField())
        self.question = question
        self.given = given

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        _, sql, params = self.question._written
        given = (self.given[one.name] if isinstance(one, Given) else one for one in params)
        return f"({sql})", tuple(given)


class KeysRead(Keys):
    """As ``Keys``, read once before the other statement looks at its rows: an array, for ``AnyOf``."""

    def __init__(self, question: Prepared, **given: Any) -> None:
        super().__init__(question, **given)
        self.output_field = ArrayField(BigIntegerField())

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = super().as_sql(compiler, connection)
        return f"ARRAY{sql}", params


class Holds(Keys):
    """Whether a prepared question finds anything, as a condition of another statement."""

    def __init__(self, question: Prepared, **given: Any) -> None:
        super().__init__(question, **given)
        self.output_field = BooleanField()

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = super().as_sql(compiler, connection)
        return f"EXISTS{sql}", params


class PreparedByOffices:
    """A prepared question for each set of offices, which ``build`` is given as a ``Whoever``.

    ``shape`` is what else makes another question of it, such as the filter of a list.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self.build = build
        self.of = lru_cache(maxsize=MOST_SHAPES)(self._of)

    def _of(self, offices: frozenset[tuple[str, str]], *shape: Any) -> Prepared:
        return Prepared(lambda: self.build(Whoever(offices=offices), *shape))

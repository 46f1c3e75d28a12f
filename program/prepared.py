"""A question asked at every request, its SQL written once: Django takes milliseconds over each.

Whatever differs from one asking to the next is ``Given`` in the queryset and said when it is asked.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BigIntegerField, BooleanField, Expression, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.db.models import Field, QuerySet
    from django.db.models.sql.compiler import SQLCompiler


EXISTS = "EXISTS(SELECT %s "


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


class Prepared:
    """The question that ``build`` asks, a queryset of ``values_list``.

    Raises ValueError when it is first asked and holds a key, a number or a moment that was not ``Given``.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, tuple[Any, ...]]]) -> None:
        self.build = build

    @cached_property
    def _written(self) -> tuple[SQLCompiler, str, tuple[Any, ...]]:
        compiler = self.build().query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        exists = iter(range(sql.count(EXISTS)))  # Django lets each EXISTS select 1
        fixed = [one for one in params if not isinstance(one, Given | str)]
        fixed = [one for one in fixed if one != 1 or next(exists, None) is None]
        if fixed:
            raise ValueError(f"Such a value would be the same for ever; let it be Given: {fixed}")
        return compiler, sql, params

    def ask(self, **given: Any) -> tuple[Any, ...] | None:
        """The row, or None. Raises KeyError for a value that the question needs and nobody gave."""
        return next(iter(self.ask_all(**given)), None)

    def ask_all(self, **given: Any) -> list[tuple[Any, ...]]:
        """Every row, in the question's order. Raises KeyError as ``ask`` does."""
        compiler, sql, params = self._written
        with connection.cursor() as cursor:
            cursor.execute(sql, [given[one.name] if isinstance(one, Given) else one for one in params])
            found = cursor.fetchall()
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        return list(map(tuple, compiler.apply_converters(found, converters))) if converters else found


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


class Holds(Keys):
    """Whether a prepared question finds anything, as a condition of another statement."""

    def __init__(self, question: Prepared, **given: Any) -> None:
        super().__init__(question, **given)
        self.output_field = BooleanField()

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = super().as_sql(compiler, connection)
        return f"EXISTS{sql}", params

"""What a table of components would change in one layer: a value that is shown before it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from program.canonical import canonical_json, sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from proposals.models import Component


MOST_COMPONENTS: Final = 5_000
US_CONTENT: Final = "Value of U.S. content, USD"
VALUES: Final = frozenset({US_CONTENT, "Total value, USD"})


@dataclass(frozen=True)
class CellProblem:
    """What is wrong in one place of a table, and what to do about it; ``column`` is its heading."""

    number: int
    column: str
    message: str

    @property
    def place(self) -> str:
        if not self.number:
            return f"Column “{self.column}”" if self.column else "The table"
        return f"Row {self.number:,}, column “{self.column}”" if self.column else f"Row {self.number:,}"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True)
class Entry:
    """A row of a table as values by the names of columns; only those that the table has.

    Without ``key`` it is a new component; ``revision`` is the one that was exported.
    """

    number: int
    key: str
    revision: int | None
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What one entry changes in a component that is there."""

    number: int
    row: Component
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass
class Plan:
    """Everything that a table would do to a layer. With ``problems`` it does nothing at all."""

    added: list[Entry] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    stale: list[Change] = field(default_factory=list)
    absent: list[Component] = field(default_factory=list)
    alike: dict[int, str] = field(default_factory=dict)
    same: int = 0
    problems: list[CellProblem] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed)

    @cached_property
    def digest(self) -> str:
        """Over all that it would do and all that it leaves alone: what was shown is what is done."""
        facts = {
            "added": [[entry.number, _said(entry.values)] for entry in self.added],
            "changed": [
                [change.row.key, change.row.revision, _said(change.before), _said(change.after)]
                for change in self.changed
            ],
            "stale": [[change.row.key, change.row.revision] for change in self.stale],
            "absent": [[row.key, row.revision] for row in self.absent],
            "alike": sorted(f"{number} {key}" for number, key in self.alike.items()),
            "same": self.same,
            "problems": [str(problem) for problem in self.problems],
        }
        return sha256_hex(canonical_json(facts))


def _said(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: repr(_plain(value)) for name, value in sorted(values.items())}


def _plain(value: Any) -> Any:
    """A value by which two are compared: 12.50 is 12.5."""
    return value.normalize() if isinstance(value, Decimal) else value


def plan(entries: Iterable[Entry], rows: Iterable[Component]) -> Plan:
    """Compare a table with the components of its layer; nothing is read or written."""
    known = {row.key: row for row in rows}
    made = Plan()
    seen: dict[str, int] = {}
    texts = {_content(row): key for key, row in known.items()}
    for entry in entries:
        problem = _problem(entry, known, seen)
        if problem:
            made.problems.extend([problem, *_worth(entry, entry.values)])
            continue
        if not entry.key:
            made.problems.extend(_worth(entry, entry.values))
            made.added.append(entry)
            if twin := texts.get(_content_of(entry)):
                made.alike[entry.number] = twin
            continue
        row = known[entry.key]
        before = {name: getattr(row, name) for name in entry.values}
        named = [name for name in entry.values if _plain(before[name]) != _plain(entry.values[name])]
        change = Change(
            entry.number,
            row,
            {name: before[name] for name in named},
            {name: entry.values[name] for name in named},
        )
        if not named:
            made.same += 1
        elif entry.revision != row.revision:
            made.stale.append(change)
        else:
            whole = {name: getattr(row, name) for name in ("total_value_usd", "us_content_value_usd")}
            made.problems.extend(_worth(entry, {**whole, **entry.values}))
            made.changed.append(change)
    made.absent.extend(row for key, row in known.items() if key not in seen)
    if made.added and len(known) + len(made.added) > MOST_COMPONENTS:
        message = (
            f"with it the part would hold more than {MOST_COMPONENTS:,} components. Join lines of the same "
            "kind, or remove some first."
        )
        made.problems.append(CellProblem(0, "", message))
    return made


def _problem(entry: Entry, known: Mapping[str, Component], seen: dict[str, int]) -> CellProblem | None:
    """Why this row cannot be told from others."""
    if not entry.key:
        if entry.revision is None:
            return None
        return CellProblem(
            entry.number,
            "Revision",
            "it has a revision but no key. Empty both to add a new component, or restore the key.",
        )
    if first := seen.get(entry.key):
        return CellProblem(
            entry.number,
            "Key",
            f"“{entry.key}” stands in row {first:,} already. Keep one of the two rows; for a copy, "
            "empty its key and revision.",
        )
    if entry.key not in known:
        return CellProblem(
            entry.number,
            "Key",
            f"“{entry.key}” is no component of this part; somebody may have removed it. To add it anew, "
            "empty its key and revision.",
        )
    seen[entry.key] = entry.number
    if entry.revision is None:
        return CellProblem(
            entry.number,
            "Revision",
            "it is empty. Restore the number from the export: it shows whether somebody saved the row since.",
        )
    return None


def _worth(entry: Entry, values: Mapping[str, Any]) -> Iterator[CellProblem]:
    total, us = values.get("total_value_usd"), values.get("us_content_value_usd")
    if total is not None and us is not None and us > total:
        yield CellProblem(
            entry.number,
            US_CONTENT,
            "it is worth more than the whole. Correct it or the total value.",
        )


def all_problems(cells: list[CellProblem], rows: Iterable[CellProblem]) -> list[CellProblem]:
    """What stands in the way in cells and in whole rows, by row; nothing follows from a refused cell."""
    refused: dict[int, set[str]] = {}
    for problem in cells:
        refused.setdefault(problem.number, set()).add(problem.column)
    known = [
        p for p in rows if not refused.get(p.number, set()) & (VALUES if p.column in VALUES else {p.column})
    ]
    return sorted([*cells, *known], key=lambda problem: problem.number)


TELLING: Final = ("name", "maker", "model", "quantity", "description")


def _content(row: Component) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in TELLING)


def _content_of(entry: Entry) -> tuple[Any, ...]:
    empty = {"quantity": None}
    return tuple(entry.values.get(name, empty.get(name, "")) for name in TELLING)

"""What changed between two packages, part by part: rows added, removed and changed, with their fields."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from proposals.enums import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from proposals.package import Package


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field with its value before and after, as JSON data."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs; ``key`` is empty for the facts of a part that stand in no row."""

    part: Part
    kind: Kind
    key: str
    name: str
    fields: tuple[FieldChange, ...]


Row = tuple[Part, str, dict[str, Any]]


def compare(a: Package, b: Package) -> tuple[Change, ...]:
    """What is different in ``b``, in the order of the parts; empty when both say the same."""
    before = {(part, key): row for part, key, row in _rows(a)}
    after = {(part, key): row for part, key, row in _rows(b)}
    places = [*before, *(place for place in after if place not in before)]
    order = list(Part)
    changes = [
        change for place in places if (change := change_between(place, before.get(place), after.get(place)))
    ]
    return tuple(sorted(changes, key=lambda change: order.index(change.part)))


def changed_parts(a: Package, b: Package) -> frozenset[Part]:
    """The parts that are not the same in both."""
    return frozenset(change.part for change in compare(a, b))


def change_between(
    place: tuple[Part, str], before: dict[str, Any] | None, after: dict[str, Any] | None
) -> Change | None:
    """What became of one row, as JSON data; None when both say the same."""
    part, key = place
    old, new = before or {}, after or {}
    names = [*old, *(name for name in new if name not in old)]
    fields = tuple(
        FieldChange(name, old.get(name), new.get(name))
        for name in names
        if name != "key" and (before is None or after is None or old.get(name) != new.get(name))
    )
    kind = Kind.ADDED if before is None else Kind.REMOVED if after is None else Kind.CHANGED
    if kind is Kind.CHANGED and not fields:
        return None
    return Change(part, kind, key, _name(new or old), fields)


def _name(row: dict[str, Any]) -> str:
    """What a reader calls the row."""
    organization = row.get("organization") or {}
    words = (
        row.get("name"),
        organization.get("legal_name"),
        row.get("legal_name"),
        row.get("title"),
        row.get("mechanism"),
        row.get("subject"),
        row.get("requirement"),
    )
    return next((word for word in words if word), "")


def _rows(package: Package) -> Iterator[Row]:
    """Every row with its part; what stands in no row becomes one row with an empty key."""
    data = package.to_data()
    consortium, model, compliance = data["consortium"], data["operating_model"], data["compliance"]
    yield (
        Part.OVERVIEW,
        "",
        {
            "title": data["title"],
            "summary": data["summary"],
            "contact": data["contact"],
            "call": data["call"],
        },
    )
    yield Part.CONSORTIUM, "", {name: consortium[name] for name in ("name", "description")}
    yield from _keyed(Part.CONSORTIUM, consortium["members"])
    for provision in data["provisions"]:
        yield Part(provision["layer"]), provision["key"], provision
    for component in data["components"]:
        yield Part(component["layer"]), component["key"], component
    yield from _keyed(Part.MARKETS, data["markets"])
    yield Part.OPERATING_MODEL, "", {"overview": model["overview"]}
    yield from _keyed(Part.OPERATING_MODEL, model["sites"])
    yield from _keyed(Part.SUPPORT, data["support_requests"])
    yield (
        Part.COMPLIANCE,
        "",
        {name: value for name, value in compliance.items() if name not in ("statements", "parties")},
    )
    yield from _keyed(Part.COMPLIANCE, compliance["statements"])
    yield from _keyed(Part.COMPLIANCE, compliance["parties"])
    yield from _keyed(Part.REQUIREMENTS, data["answers"])
    yield from _keyed(Part.DOCUMENTS, data["documents"])
    for marking in data["markings"]:
        yield Part(marking["part"]), marking["key"], marking


def _keyed(part: Part, rows: Iterable[dict[str, Any]]) -> Iterator[Row]:
    for row in rows:
        yield part, row["key"], row

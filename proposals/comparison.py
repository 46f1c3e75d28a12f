"""What changed between two packages, part by part: rows added, removed and changed, with their fields."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from program.differences import compare_texts
from proposals.enums import Part
from proposals.package import CallReference, Marking, Text, Value
from proposals.rows import ComplianceFacts, OperatingFacts, OverviewFacts, facts_of
from proposals.wording import called, label_of, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from proposals.package import Package


HIDDEN = {"layer", "key"}
PLACE = {"part", "row", "field"}  # of a mark; its name says them


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
    """One row that differs; ``key`` is empty for the facts of a part that stand in no row.

    ``of`` is what the row is, by which ``proposals.wording`` says its fields in words.
    """

    part: Part
    kind: Kind
    key: str
    name: str
    of: type[Value]
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class FieldInWords:
    """A field by the label of its form, with what stood in it and what stands there, as a reader reads it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """What changed since the version ``number``, with its digest ``sha256``, by part as shown."""

    number: int
    sha256: str
    by_part: dict[Part, list[dict[str, Any]]]


class Heading(OverviewFacts):
    """What the overview says, with the call that it answers."""

    call: CallReference | None = None


class ConsortiumHeading(Value):
    name: Text = ""
    description: Text = ""


def compare(a: Package, b: Package) -> tuple[Change, ...]:
    """What is different in ``b``, in the order of the parts; empty when both say the same."""
    before = {(part, key): value for part, key, value in _rows(a)}
    after = {(part, key): value for part, key, value in _rows(b)}
    places = [*before, *(place for place in after if place not in before)]
    order = list(Part)
    changes = [
        change for place in places if (change := change_between(place, before.get(place), after.get(place)))
    ]
    return tuple(sorted(changes, key=lambda change: order.index(change.part)))


def in_words(change: Change, names: Mapping[str, str]) -> list[FieldInWords]:
    """The fields of a change that read otherwise; ``names`` say what keys stand for."""
    hidden = HIDDEN | PLACE if change.of is Marking else HIDDEN
    said = (
        FieldInWords(
            label_of(change.of, field.field),
            *(say(change.of, field.field, data, names) for data in (field.before, field.after)),
        )
        for field in change.fields
        if field.field not in hidden
    )
    return [field for field in said if field.before != field.after]


def shown_change(change: Change, names: Mapping[str, str]) -> dict[str, Any]:
    """A change with the words of its fields, long texts word by word; ``names`` say what keys stand for."""
    fields = [
        {
            "label": field.label,
            "before": field.before,
            "after": field.after,
            "segments": compare_texts(field.before, field.after) if field.before and field.after else None,
        }
        for field in in_words(change, names)
    ]
    is_mark = change.of is Marking
    name = f"Mark on {names.get(change.key, change.part.label)}" if is_mark else change.name
    return {"part": change.part, "kind": change.kind.value, "name": name, "fields": fields}


def changed_parts(a: Package, b: Package) -> frozenset[Part]:
    """The parts that are not the same in both."""
    return frozenset(change.part for change in compare(a, b))


def change_between(place: tuple[Part, str], before: Value | None, after: Value | None) -> Change | None:
    """What became of one row; None when both say the same."""
    part, key = place
    one = after or before
    if one is None or before == after:
        return None
    old, new = (value.model_dump(mode="json") if value else {} for value in (before, after))
    names = [*old, *(name for name in new if name not in old)]
    fields = tuple(
        FieldChange(name, old.get(name), new.get(name))
        for name in names
        if name != "key" and (before is None or after is None or old.get(name) != new.get(name))
    )
    kind = Kind.ADDED if before is None else Kind.REMOVED if after is None else Kind.CHANGED
    if kind is Kind.CHANGED and not fields:
        return None
    return Change(part, kind, key, called(one), type(one), fields)


def _rows(package: Package) -> Iterator[tuple[Part, str, Value]]:
    """Every row with its part; what stands in no row becomes one row with an empty key."""
    consortium, model, compliance = package.consortium, package.operating_model, package.compliance
    yield Part.OVERVIEW, "", facts_of(Heading, package)
    yield Part.CONSORTIUM, "", facts_of(ConsortiumHeading, consortium)
    yield from _keyed(Part.CONSORTIUM, consortium.members)
    for provision in package.provisions:
        yield Part(provision.layer), provision.key, provision
    for component in package.components:
        yield Part(component.layer), component.key, component
    yield from _keyed(Part.MARKETS, package.markets)
    yield Part.OPERATING_MODEL, "", facts_of(OperatingFacts, model)
    yield from _keyed(Part.OPERATING_MODEL, model.sites)
    yield from _keyed(Part.SUPPORT, package.support_requests)
    yield Part.COMPLIANCE, "", facts_of(ComplianceFacts, compliance)
    yield from _keyed(Part.COMPLIANCE, compliance.statements)
    yield from _keyed(Part.COMPLIANCE, compliance.parties)
    yield from _keyed(Part.REQUIREMENTS, package.answers)
    yield from _keyed(Part.DOCUMENTS, package.documents)
    for marking in package.markings:
        yield marking.part, marking.key, marking


def _keyed(part: Part, values: Iterable[Any]) -> Iterator[tuple[Part, str, Value]]:
    for value in values:
        yield part, value.key, value

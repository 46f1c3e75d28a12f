"""Marks of confidentiality: where they lie, in words, and when so many are set that they say nothing.

5 U.S.C. 552(b)(4) protects trade secrets and confidential commercial information; 15 CFR 4.9 is how the
Department asks about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from program.enums import Mark
from proposals.enums import Part
from proposals.package import OperatingRole
from proposals.rows import entries
from proposals.wording import called, field_called

if TYPE_CHECKING:
    from proposals.package import Marking, Package, Value

FEWEST: Final = 2
NEARLY_ALL: Final = 0.8


class Blanket(NamedTuple):
    """How many of how many are marked: nearly all of them."""

    marked: int
    of: int


class PlacedMark(NamedTuple):
    """A mark with the words for what it covers; ``row`` and ``field`` are "" where it covers more."""

    marking: Marking
    row: str
    field: str

    @property
    def place(self) -> str:
        """Part, row and field, as far as it goes."""
        return ": ".join(
            filter(None, [self.marking.part.label, ", ".join(filter(None, [self.row, self.field]))])
        )


def blanket(marks: Sequence[str]) -> Blanket | None:
    """What to warn about where nearly everything is marked business confidential; it refuses nothing."""
    marked = sum(1 for mark in marks if mark == Mark.BUSINESS_CONFIDENTIAL)
    if len(marks) < FEWEST or marked < NEARLY_ALL * len(marks):
        return None
    return Blanket(marked, len(marks))


def blanket_of_rows(package: Package) -> Blanket | None:
    """The same of the rows of a package: a mark on a part covers them all, a mark on one field none."""
    whole = {(marking.part, marking.row): marking.mark for marking in package.markings if not marking.field}
    if not whole:
        return None
    rows = [entry for entry in entries(package) if entry.kind not in ("attachment", "marking")]
    return blanket([whole.get((e.part, e.key)) or whole.get((e.part, ""), Mark.PUBLIC) for e in rows])


def marks_of(package: Package) -> list[PlacedMark]:
    """Every mark on a part, row or field of the package, in words."""
    if not package.markings:
        return []
    rows = rows_of(package)
    return [_placed(marking, rows) for marking in package.markings]


def places_of_marks(*packages: Package) -> dict[str, str]:
    """What each mark of the packages covers, by its key."""
    return {one.marking.key: one.place for package in packages for one in marks_of(package)}


def by_place(marks: Sequence[PlacedMark]) -> dict[tuple[str, str], list[PlacedMark]]:
    """Marks by part and row: what a page shows beside the row."""
    found: dict[tuple[str, str], list[PlacedMark]] = {}
    for mark in marks:
        found.setdefault((str(mark.marking.part), mark.marking.row), []).append(mark)
    return found


def rows_of(package: Package) -> dict[str, Value]:
    """What marks can name beside a part: its rows and the members, by their keys."""
    rows: dict[str, Value] = {entry.key: entry.value for entry in entries(package)}
    return rows | {member.key: member for member in package.consortium.members}


def marked_parts(package: Package) -> dict[Part, list[str]]:
    """The parts that hold matter marked as confidential, each with what is marked in it.

    A file stands under Documents, where it is listed; its content is in no other part.
    """
    found: dict[Part, list[str]] = {}
    for mark in marks_of(package):
        if mark.marking.mark != Mark.PUBLIC:
            words = ", ".join(filter(None, [mark.row, mark.field])) or "the whole part"
            found.setdefault(mark.marking.part, []).append(words)
    files = Counter(file.mark for file in package.documents if file.mark != Mark.PUBLIC).total()
    if files:
        found.setdefault(Part.DOCUMENTS, []).append("1 file" if files == 1 else f"{files} files")
    return {part: found[part] for part in Part if part in found}


def _placed(marking: Marking, rows: Mapping[str, Value]) -> PlacedMark:
    value = rows.get(marking.row)
    if not marking.row:
        return PlacedMark(marking, "", field_called(None, marking.field))
    if value is None:
        return PlacedMark(marking, "a row that is not in the package", field_called(None, marking.field))
    name = str(value.act.label) if isinstance(value, OperatingRole) else called(value)
    return PlacedMark(marking, name or "a row without a name", field_called(type(value), marking.field))

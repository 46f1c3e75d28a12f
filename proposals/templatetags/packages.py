"""Tags that show a package; each gets the value and works for a working copy and a version alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import template
from django.template.loader import render_to_string

from proposals.confidentiality import by_place, marked_parts, marks_of
from proposals.picture import picture_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proposals.confidentiality import PlacedMark
    from proposals.enums import Part
    from proposals.files import Files, ShownFile
    from proposals.package import Package
    from proposals.progress import LayerState

register = template.Library()

SHOWN_MARKS: Final = 3


@register.filter
def proving(files: Files, row: str) -> list[ShownFile]:
    """The files that are evidence for a row."""
    return files.proving(row)


@register.simple_tag
def placed_marks(package: Package) -> dict[tuple[str, str], list[PlacedMark]]:
    """The marks of a package by part and row, for ``marks_at``."""
    return by_place(marks_of(package))


@register.simple_tag
def marks_at(
    marked: dict[tuple[str, str], list[PlacedMark]], part: str, row: str = "", *, brief: bool = False
) -> str:
    """The marks on a part, or on a row and its fields; nothing where there are none.

    ``brief`` leaves the justifications to the page of the row.
    """
    found = marked.get((str(part), row)) if marked else None
    return render_to_string("proposals/_marks_at.html", {"marks": found, "brief": brief}) if found else ""


@register.simple_tag
def marked_parts_of(package: Package) -> list[tuple[Part, str]]:
    """Each part that holds marked matter, with the first few things that are marked in it."""
    found = []
    for part, marked in marked_parts(package).items():
        more = len(marked) - SHOWN_MARKS
        words = ", ".join(marked[:SHOWN_MARKS])
        found.append((part, f"{words} and {more} more" if more > 0 else words))
    return found


@register.filter
def of_hash(files: Files, sha256: str) -> ShownFile | None:
    return files.of_hash(sha256)


@register.inclusion_tag("proposals/_picture.html")
def package_picture(
    package: Package, *, states: Iterable[LayerState] = (), id: str = "picture"
) -> dict[str, Any]:
    """The five layers with their suppliers, drawn and as a table; ``states`` link each layer to its part."""
    picture = picture_of(package)
    by_layer = {state.layer: state for state in states}
    rows = [(layer, by_layer.get(layer.layer)) for layer in picture.layers]
    drawings = (("wide", picture.wide), ("narrow", picture.narrow))
    return {"picture": picture, "rows": rows, "drawings": drawings, "id": id, "has_states": bool(by_layer)}


@register.inclusion_tag("pdf/_picture.html")
def printed_picture(package: Package) -> dict[str, Any]:
    """The same picture for paper."""
    picture = picture_of(package)
    rows = list(zip(picture.layers, picture.printed, strict=True))
    return {"picture": picture, "rows": rows}

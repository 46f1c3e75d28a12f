"""Tags that show a package; each gets the value and works for a working copy and a version alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from proposals.picture import picture_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proposals.files import Files, ShownFile
    from proposals.package import Package
    from proposals.progress import LayerState

register = template.Library()


@register.filter
def proving(files: Files, row: str) -> list[ShownFile]:
    """The files that are evidence for a row."""
    return files.proving(row)


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

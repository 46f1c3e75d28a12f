"""The five-layer picture of a package: which member supplies what in each layer, and what is missing.

A pure function of a ``Package``, so the working copy, a version and its PDF show the same picture. The
drawing is laid out here, in plain units, because an SVG breaks no lines; the template only writes it down.
What the drawing says stands as well in a table beside it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from program.enums import StackLayer
from program.templatetags.portal import money_short
from proposals.package import HardwareComponent
from proposals.us_content import us_content

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from decimal import Decimal

    from proposals.package import AnyComponent, Package

    Found: TypeAlias = dict[str | None, list[AnyComponent]]

LETTERS: Final = dict(zip(StackLayer, "ABCDE", strict=True))
NO_SUPPLIER: Final = "No supplier named"
UNNAMED: Final = "Member without a name"
MOST_LINES: Final = 2


@dataclass(frozen=True, slots=True)
class Supply:
    """What one member supplies in one layer; without ``is_named`` the components that name no supplier.

    ``lacking`` counts its components that lack something.
    """

    name: str
    is_named: bool
    component_count: int
    total_usd: Decimal | None
    percent: Decimal | None
    has_consented: bool = True
    lacking: int = 0

    @property
    def is_open(self) -> bool:
        """Whether something of it is still to come."""
        return self.is_empty or not self.is_named or not self.has_consented or bool(self.lacking)

    @property
    def to_come(self) -> str:
        """What is still to come of a member that is named for components, in words."""
        said = ["" if self.has_consented else "has not consented"]
        said.append(f"{in_number(self.lacking, 'component')} to complete" if self.lacking else "")
        return ", ".join(filter(None, said))

    @property
    def is_empty(self) -> bool:
        """Named for the layer, but no component says what it supplies."""
        return not self.component_count

    @property
    def words(self) -> str:
        """``2 components, $3.1 million``."""
        if self.is_empty:
            return "no component listed yet"
        counted = in_number(self.component_count, "component")
        return f"{counted}, {money_short(self.total_usd)}" if self.total_usd else counted


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its suppliers, its value where the layer has values, and what is missing in words."""

    layer: StackLayer
    supplies: tuple[Supply, ...]
    component_count: int
    total_usd: Decimal | None
    percent: Decimal | None
    missing: tuple[str, ...]

    @property
    def letter(self) -> str:
        return LETTERS[self.layer]

    @property
    def clause(self) -> str:
        return f"s.3(b)(i)({self.letter})"

    @property
    def has_values(self) -> bool:
        """Whether the order's U.S. content is asked for here: values are given for hardware lines only."""
        return self.layer == StackLayer.HARDWARE

    @property
    def words(self) -> str:
        counted = in_number(self.component_count, "component")
        return f"{counted}, {money_short(self.total_usd)}" if self.total_usd else counted


def in_number(number: int, noun: str) -> str:
    """``1 component``, ``2 components``."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


@dataclass(frozen=True)
class Picture:
    """The five layers in the order of s.3(b)(i)(A)-(E), and the members that supply none of them."""

    layers: tuple[Layer, ...]
    idle: tuple[str, ...]

    @property
    def wide(self) -> Drawing:
        """For a page."""
        return draw(self.layers, width=960, side=230, across=3)

    @property
    def narrow(self) -> Drawing:
        """For a telephone: the words stand above the boxes."""
        return draw(self.layers, width=360, side=0, across=1)

    @property
    def printed(self) -> list[Drawing]:
        """For sheets of paper: a drawing for each layer, because none breaks across pages."""
        return [draw([layer], width=680, side=190, across=2) for layer in self.layers]


def picture_of(package: Package, *, lacking: Collection[str] = ()) -> Picture:
    """The picture of ``package``; one pass over its components, ``lacking`` names those to complete."""
    by_layer: dict[str, Found] = {layer: defaultdict(list) for layer in StackLayer}
    known = {member.key: member.organization.legal_name or UNNAMED for member in package.consortium.members}
    for provision in package.provisions:
        if provision.member in known:
            by_layer[provision.layer][provision.member]  # an entry without components
    for component in package.components:
        key = component.supplier if component.supplier in known else None
        by_layer[component.layer][key].append(component)
    pending = {member.key for member in package.consortium.members if not member.consent.is_current}
    layers = tuple(_layer(layer, by_layer[layer], known, pending, lacking) for layer in StackLayer)
    busy = {key for found in by_layer.values() for key in found}
    return Picture(layers, tuple(name for key, name in known.items() if key not in busy))


def _layer(
    layer: StackLayer, found: Found, known: dict[str, str], pending: set[str], lacking: Collection[str]
) -> Layer:
    supplies = [
        _supply(name, True, found[key], key not in pending, lacking)
        for key, name in known.items()
        if key in found
    ]
    if None in found:
        supplies.append(_supply(NO_SUPPLIER, False, found[None], True, lacking))
    every = [component for components in found.values() for component in components]
    total, percent, incomplete = _values(every)
    return Layer(
        layer, tuple(supplies), len(every), total, percent, tuple(_missing(supplies, every, incomplete))
    )


def _supply(
    name: str, is_named: bool, components: list[AnyComponent], has_consented: bool, lacking: Collection[str]
) -> Supply:
    total, percent, incomplete = _values(components)
    to_complete = max(incomplete, sum(component.key in lacking for component in components))
    return Supply(name, is_named, len(components), total, percent, has_consented, to_complete)


def _values(components: Iterable[AnyComponent]) -> tuple[Decimal | None, Decimal | None, int]:
    """Total value, U.S. share in percent where computable, and how many lines lack a value."""
    lines = [component for component in components if isinstance(component, HardwareComponent)]
    if not lines:
        return None, None, 0
    content = us_content(lines)
    return content.whole.total_usd, content.percent, len(content.incomplete)


def _missing(supplies: list[Supply], components: list[AnyComponent], incomplete: int) -> Iterator[str]:
    if not components:
        yield "No component yet"
    if not any(supply.is_named for supply in supplies):
        yield "No member supplies this layer yet"
    for supply in supplies:
        if not supply.is_named:
            yield f"{in_number(supply.component_count, 'component')} without a supplier"
    if components and (empty := sum(supply.is_empty for supply in supplies)):
        yield f"{in_number(empty, 'member')} named without a component"
    if incomplete:
        yield f"{in_number(incomplete, 'line')} without both values"
    elif to_complete := sum(supply.lacking for supply in supplies):
        yield f"something in {in_number(to_complete, 'component')}"
    if pending := sum(not supply.has_consented for supply in supplies):
        yield f"the consent of {in_number(pending, 'member')}"


# The drawing


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text at a place; ``kind`` is title, name, words or missing."""

    x: int
    y: int
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Box:
    """What one member supplies; ``is_open`` where something is missing. ``bar`` is the U.S. share drawn."""

    x: int
    y: int
    width: int
    height: int
    is_open: bool
    bar: Bar | None


@dataclass(frozen=True, slots=True)
class Bar:
    """The U.S. share of a value as a filled part of a frame."""

    x: int
    y: int
    width: int
    filled: int


@dataclass
class Drawing:
    """Everything to be drawn, in units of the view box."""

    width: int
    height: int = 0
    bands: list[Box] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


PAD: Final = 12
GAP: Final = 10
BAR_HEIGHT: Final = 8
SIZES: Final = {"title": 17, "name": 15, "words": 14, "missing": 14}
LEADING: Final = {"title": 22, "name": 19, "words": 18, "missing": 18}
BOLD: Final = {"title", "name", "missing"}


def draw(layers: Iterable[Layer], *, width: int, side: int, across: int) -> Drawing:
    """Lay ``layers`` out: ``side`` is the room for a layer's words at its left, 0 puts them above."""
    drawing = Drawing(width)
    top = 1
    for layer in layers:
        top = _band(drawing, layer, top, side, across) + GAP
    drawing.height = top - GAP + 1
    return drawing


def _band(drawing: Drawing, layer: Layer, top: int, side: int, across: int) -> int:
    """One layer from ``top`` down; returns where it ends."""
    words_width = (side or drawing.width) - 2 * PAD
    y = _write(drawing, PAD, top + PAD, words_width, f"{layer.letter}. {layer.layer.label}", "title")
    y = _write(drawing, PAD, y, words_width, layer.words, "words")
    if layer.has_values and layer.percent is not None:
        y = _share(drawing, PAD, y, words_width, layer.percent)
    for words in layer.missing:
        y = _write(drawing, PAD, y, words_width, f"Missing: {words[0].lower()}{words[1:]}", "missing")
    left, start = (side, top + PAD) if side else (PAD, y + GAP)
    end = _boxes(drawing, layer, left, start, drawing.width - left - PAD, across)
    bottom = max(y, end) + PAD
    drawing.bands.append(Box(1, top, drawing.width - 2, bottom - top, bool(layer.missing), None))
    return bottom


def _boxes(drawing: Drawing, layer: Layer, left: int, top: int, room: int, across: int) -> int:
    """The suppliers of a layer, at most ``across`` to a row, each row as high as its highest box."""
    across = max(1, min(across, len(layer.supplies)))
    width = (room - GAP * (across - 1)) // across
    y = top
    for start in range(0, len(layer.supplies), across):
        row = layer.supplies[start : start + across]
        places = [left + number * (width + GAP) for number in range(len(row))]
        ends = [_supplier(drawing, supply, x, y, width) for x, supply in zip(places, row, strict=True)]
        height = max(ends) + PAD - y
        for x, supply in zip(places, row, strict=True):
            drawing.boxes.append(Box(x, y, width, height, supply.is_open, None))
        y += height + GAP
    return y - GAP if layer.supplies else top


def _supplier(drawing: Drawing, supply: Supply, x: int, y: int, width: int) -> int:
    room = width - 2 * PAD
    y = _write(drawing, x + PAD, y + PAD, room, supply.name, "name")
    y = _write(drawing, x + PAD, y, room, supply.words, "words")
    if supply.percent is not None:
        y = _share(drawing, x + PAD, y, room, supply.percent)
    if to_come := supply.to_come:
        y = _write(drawing, x + PAD, y, room, f"{to_come[0].upper()}{to_come[1:]}", "missing")
    return y


def _share(drawing: Drawing, x: int, y: int, room: int, percent: Decimal) -> int:
    """A bar and its number; a share above the whole, which a line can claim by mistake, fills the bar."""
    filled = min(room, int(room * percent / 100))
    drawing.bars.append(Bar(x, y + 4, room, filled))
    return _write(drawing, x, y + 4 + BAR_HEIGHT + 3, room, f"U.S. content {percent}%", "words")


def _write(drawing: Drawing, x: int, y: int, room: int, text: str, kind: str) -> int:
    """Write ``text`` in at most two lines from ``y`` down; returns where the next may begin."""
    for piece in wrapped(text, room, SIZES[kind], is_bold=kind in BOLD):
        y += LEADING[kind]
        drawing.lines.append(Line(x, y - LEADING[kind] + SIZES[kind], piece, kind))
    return y


def wrapped(text: str, room: int, size: int, *, is_bold: bool = False, most: int = MOST_LINES) -> list[str]:
    """``text`` in at most ``most`` lines that fit ``room``; what does not fit ends with an ellipsis."""
    scale = size * (1.07 if is_bold else 1.0)
    lines: list[str] = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if extent(joined) * scale <= room:
            lines[-1] = joined
            continue
        pieces = list(_broken(word, room / scale))
        if not lines[-1]:
            lines.pop()
        lines.extend(pieces)
        if len(lines) > most:
            break
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and extent(f"{last}…") * scale > room:
        last = last[:-1].rstrip()
    return [*lines[: most - 1], f"{last}…"]


def _broken(word: str, room: float) -> Iterator[str]:
    """A word, or its pieces where it is wider than the room."""
    piece = ""
    for letter in word:
        if piece and extent(piece + letter) > room:
            yield piece
            piece = ""
        piece += letter
    yield piece


SLIM: Final = frozenset("iljtfrI.,;:'’|!()[]- ")
BROAD: Final = frozenset("mwMW@%&—")


def extent(text: str) -> float:
    """How wide ``text`` is in letters' heights, on the safe side for the faces of the page and the PDF."""
    return sum(map(_extent, text))


def _extent(letter: str) -> float:
    if letter in SLIM:
        return 0.36
    if letter in BROAD:
        return 0.95
    if letter.isascii():
        return 0.68 if letter.isupper() else 0.58
    if unicodedata.combining(letter):
        return 0.0
    return 1.05 if unicodedata.east_asian_width(letter) in "WF" else 0.7

"""Where a country stands on the map of the world that ``static/world.svg`` draws."""

from __future__ import annotations

import json
from functools import cache
from math import hypot
from pathlib import Path
from typing import Final, NamedTuple

from program.reference import read

#: The drawing is equirectangular: 2 units per degree, from 180 degrees west and 84 degrees north
UNITS: Final = 2
WEST, NORTH, SOUTH = -180, 84, -57
WIDTH: Final = 360 * UNITS
HEIGHT: Final = (NORTH - SOUTH) * UNITS


#: A target of 24 pixels (WCAG 2.2, 2.5.8) on a map as wide as the narrowest screen leaves it
TARGET, NARROWEST = 24, 340
#: How often marks are pushed apart at most
ROUNDS: Final = 400


class Point(NamedTuple):
    x: float
    y: float


class Region(NamedTuple):
    """A part of the map to zoom to, by its corner and size in the drawing's units; it states no borders."""

    name: str
    x: float
    y: float
    width: float
    height: float

    @property
    def target(self) -> float:
        """How wide a mark must be so that it can be hit on a narrow screen."""
        return self.width * TARGET / NARROWEST


def _region(name: str, west: float, east: float, south: float, north: float) -> Region:
    return Region(
        name, (west - WEST) * UNITS, (NORTH - north) * UNITS, (east - west) * UNITS, (north - south) * UNITS
    )


REGIONS: Final[dict[str, Region]] = {
    "north-america": _region("North and Central America and the Caribbean", -128, -48, 4, 62),
    "south-america": _region("South America", -96, -30, -57, 14),
    "europe": _region("Europe", -28, 48, 33, 70),
    "africa": _region("Africa", -30, 62, -38, 40),
    "west-asia": _region("Western and Central Asia", 30, 84, 8, 54),
    "asia": _region("South, East and Southeast Asia", 64, 148, -14, 54),
    "oceania": _region("Oceania", 108, 236, -50, 24),
}
#: Places that the lines between regions cut off from theirs
ACROSS: Final[dict[str, str]] = {
    "PA": "north-america", "CR": "north-america", "TT": "north-america", "TN": "africa", "DZ": "africa",
    "ER": "africa", "TR": "west-asia", "CY": "europe", "GL": "north-america", "TF": "africa", "IO": "asia",
    "TL": "asia", "BN": "asia", "GS": "south-america", "GU": "oceania", "MP": "oceania", "PW": "oceania",
    "PG": "oceania",
    "UM": "oceania", "SJ": "europe", "BM": "north-america",
}  # fmt: skip


def region_of(code: str) -> str:
    """The region of the map in which the place of a country lies."""
    point = places()[code]
    if point is None:
        return ""
    if code in ACROSS:
        return ACROSS[code]
    east, north = point.x / UNITS + WEST, NORTH - point.y / UNITS
    if east < -125 or east > 150 or (east > 110 and north < -10):
        return "oceania"
    if east < -30:
        return "north-america" if north > 11 else "south-america"
    if east < 34 or (east < 60 and north < 12):
        return "europe" if north > 35 else "africa"
    if north > 50 or (east < 41 and north > 44):
        return "europe"
    return "west-asia" if east < 78 and north > 23 else "west-asia" if east < 60 else "asia"


def spread(points: dict[str, Point], region: Region) -> dict[str, Point]:
    """The points moved as little as makes marks of the region's target stand side by side within it.

    Pairs that are too near are pushed apart by half of what is missing each, until none is.
    """
    apart, half = region.target * 1.02, region.target / 2
    found = {code: [_unrolled(points[code], region).x, points[code].y] for code in sorted(points)}
    codes = list(found)
    for _ in range(ROUNDS):
        moved = False
        for index, code in enumerate(codes):
            for other in codes[index + 1 :]:
                moved |= _push(found[code], found[other], apart)
        for place in found.values():
            place[0] = min(max(place[0], region.x + half), region.x + region.width - half)
            place[1] = min(max(place[1], region.y + half), region.y + region.height - half)
        if not moved:
            break
    return {code: Point(round(x, 2), round(y, 2)) for code, (x, y) in found.items()}


def _unrolled(point: Point, region: Region) -> Point:
    """The point where a region that goes on beyond the right edge shows it."""
    goes_on = region.x + region.width > WIDTH and point.x < region.x
    return Point(point.x + WIDTH, point.y) if goes_on else point


def _push(one: list[float], other: list[float], apart: float) -> bool:
    """Push two places apart; whether they stood too near."""
    dx, dy = other[0] - one[0], other[1] - one[1]
    far = hypot(dx, dy)
    if far >= apart - 0.01:
        return False
    if far < 0.01:
        dx, dy, far = 1.0, 0.0, 1.0
        push = apart / 2
    else:
        push = (apart - far) / 2
    one[0], one[1] = one[0] - dx / far * push, one[1] - dy / far * push
    other[0], other[1] = other[0] + dx / far * push, other[1] + dy / far * push
    return True


@cache
def places() -> dict[str, Point | None]:
    """Every country by its code: its point, if the drawing holds one."""
    file = json.loads((Path(__file__).parent / "data" / "country_places.json").read_text(encoding="utf-8"))
    points = {code: point_of(north, east) for code, (north, east) in file["places"].items()}
    return points | dict.fromkeys(file["without_a_place"])


def point_of(north: float, east: float) -> Point | None:
    if not SOUTH < north < NORTH:
        return None
    return Point(round((east - WEST) * UNITS, 1), round((NORTH - north) * UNITS, 1))


@cache
def blocs_like_countries() -> dict[str, str]:
    """The names of the blocs whose code is that of a country too, such as AU."""
    blocs = read("regional_blocs")["blocs"]
    return {code: blocs[code]["name"] for code in blocs.keys() & places().keys()}

"""Where a country stands on the map of the world that ``static/world.svg`` draws."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from program.reference import read

#: The drawing is equirectangular: 2 units per degree, from 180 degrees west and 84 degrees north
UNITS: Final = 2
WEST, NORTH, SOUTH = -180, 84, -57
WIDTH: Final = 360 * UNITS
HEIGHT: Final = (NORTH - SOUTH) * UNITS


class Point(NamedTuple):
    x: float
    y: float


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

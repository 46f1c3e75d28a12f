"""Addresses: the country one ends with, and what two have in common. They explain, a person decides."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from django.conf import settings

from evaluation.names import normalize, words

COUNTRIES: Final = Path(settings.BASE_DIR) / "program" / "data" / "countries.json"
HOME: Final = "US"
STATES: Final = words(
    """
    AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY
    OH OK OR PA PR RI SC SD TN TX UT VA VT WA WI WV WY
    """
)

# Words of an address that tell of no place, and what is short for them.
TELLING_NOTHING: Final = words(
    """
    apartment apt area attn avenue ave bldg block blvd boulevard box building business center centre city
    county district division drive east economic estate first flat floor free hall highway house industrial
    international jalan lane level lot main new north number office old park parkway plaza plot pob post
    prospekt province rd region republic road room second sector shi sheng south square state str strasse
    street suite technology third tower town trade ulitsa unit village west wing zone
    """
)
POSTAL: Final = re.compile(r"[a-z]{0,2}\d{4,}[a-z]{0,2}")
SHORTEST, ENOUGH = 4, 2


def country_at_end(address: str) -> str:
    """The code of the country that an address ends with, in the order of the list's columns; empty without.

    A state of the United States whose code is that of no country stands for them. Some codes are both: "CA"
    is read as Canada there, since the column of the country is the last, and never lowers a score.
    """
    code = address.rpartition(",")[2].strip()
    if code in _countries():
        return code
    return HOME if code in STATES else ""


def is_country(code: str) -> bool:
    return code in _countries()


@cache
def _countries() -> dict[str, str]:
    """ISO 3166-1 codes and the names of the countries."""
    read: dict[str, str] = json.loads(COUNTRIES.read_text(encoding="utf-8"))["countries"]
    return read


@cache
def _telling_nothing() -> frozenset[str]:
    """Words that tell of no place within a country, with those of the names of the countries."""
    names = map(normalize, _countries().values())
    return TELLING_NOTHING | {word for name in names for word in name.split()}


class Agreement(NamedTuple):
    """Whether two addresses agree, unknown where either says too little, and the words they share."""

    agrees: bool | None
    shared: tuple[str, ...] = ()


UNKNOWN: Final = Agreement(None)


def compared(ours: str, theirs: str) -> Agreement:
    """Our address against the addresses of an entry, which semicolons part; the one most alike counts.

    They agree where a postal code is the same, or two words that tell of a place. They disagree where each
    says that much and they share nothing.
    """
    mine = _telling(ours)
    others = [other for other in map(_telling, theirs.split(";")) if other]
    if not mine or not others:
        return UNKNOWN
    shared = max((mine & other for other in others), key=lambda one: (_counts(one), sorted(one)))
    if _counts(shared) >= ENOUGH:
        return Agreement(True, tuple(sorted(shared)))
    is_known = len(mine) >= ENOUGH and any(len(other) >= ENOUGH for other in others)
    return Agreement(False) if is_known and not shared else Agreement(None, tuple(sorted(shared)))


def _counts(shared: frozenset[str]) -> int:
    """A postal code tells as much as two words."""
    return sum(ENOUGH if POSTAL.fullmatch(word) else 1 for word in shared)


@lru_cache(maxsize=1 << 12)
def _telling(address: str) -> frozenset[str]:
    """The postal codes of an address, and its words that may name a street or a town."""
    return frozenset(
        word
        for word in normalize(address).split()
        if POSTAL.fullmatch(word)
        or (len(word) >= SHORTEST and word.isalpha() and word not in _telling_nothing())
        or not word.isascii()
    )

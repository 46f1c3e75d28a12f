"""The ways to read a name that mixes scripts: by sound, by look, and what is in Latin letters alone."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evaluation.names import CYRILLIC, is_letter, is_readable, normalize, script_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LOOK_ALIKES: Final = Path(__file__).parent / "data" / "look_alikes.json"
WORD: Final = re.compile(r"\w+")
TELLING: Final = 3


def spellings(name: str) -> tuple[str, ...]:
    """Every reading of a name that is to be compared, normalized; the name as it stands comes first.

    Where it mixes scripts: letters that only look Latin or Cyrillic are read as these; where that leaves two
    scripts, they are told apart, and each part stands alone where it tells of a party.
    """
    whole = normalize(name)
    if name.isascii():
        return (whole,)
    written = unicodedata.normalize("NFKC", name)
    readings = [whole, normalize(_by_word(_as_latin, written)), normalize(_by_word(_as_cyrillic, written))]
    is_one = any(is_readable(reading) for reading in readings)
    parts = [] if is_one else [part for reading in dict.fromkeys(readings) for part in _parts(reading)]
    return tuple(dict.fromkeys([whole, *filter(None, readings), *parts]))


def all_spellings(names: Iterable[str]) -> tuple[str, ...]:
    """Every reading of all the names of one party, each once, in order."""
    return tuple(sorted({reading for name in names for reading in spellings(name)} - {""}))


def tells(reading: str) -> bool:
    """Whether a reading is long enough to say of which party it is: two Latin letters are not."""
    return len(reading) >= TELLING or not is_readable(reading)


def _by_word(read: Callable[[str], str], text: str) -> str:
    return WORD.sub(lambda word: read(word[0]), text)


def _as_latin(word: str) -> str:
    """The word in the Latin letters that it looks like, where it mixes scripts or looks Latin throughout."""
    seen = word.translate(_looks())
    return seen if _is_mixed(word) or seen.isascii() else word


def _as_cyrillic(word: str) -> str:
    """A word that mixes other letters with Cyrillic in the Cyrillic letters that it looks like."""
    if not _is_mixed(word) or not any(script_of(letter) == "CYRILLIC" for letter in word):
        return word
    return "".join(one if script_of(one) == "CYRILLIC" else _cyrillic_looks().get(one, one) for one in word)


def _is_mixed(word: str) -> bool:
    return len({script_of(letter) for letter in word if is_letter(letter)}) > 1


def _parts(reading: str) -> Iterator[str]:
    """A reading with its scripts told apart, and each of the two kinds of words alone."""
    if is_readable(reading):
        return
    apart = normalize("".join(_apart(reading)))
    yield apart
    words = [(word, _kind(next(filter(is_letter, word), ""))) for word in apart.split()]
    if {"", *(kind for _, kind in words)} - {""} > {"LATIN"}:
        latin = " ".join(word for word, kind in words if kind in ("LATIN", ""))
        others = " ".join(word for word, kind in words if kind != "LATIN")
        yield from filter(tells, (latin, others))


def _apart(reading: str) -> Iterator[str]:
    """The runs of one kind of letters, a space between; what is no letter stays with the run before it."""
    kind = ""

    def of(sign: str) -> str:
        nonlocal kind
        kind = (_kind(sign) or kind) if not sign.isspace() else ""
        return kind

    yield " ".join("".join(run).strip() for _, run in groupby(reading, key=of))


def _kind(letter: str) -> str:
    """Latin, Arabic or another script: Chinese characters stand in one word with those of Japan."""
    if not letter or not is_letter(letter):
        return ""
    script = script_of(letter)
    return script if script in ("LATIN", "ARABIC") else "OTHER"


@cache
def _letters() -> dict[str, str]:
    read: dict[str, str] = json.loads(LOOK_ALIKES.read_text())["letters"]
    return {other: latin for latin, others in read.items() for other in others}


@cache
def _looks() -> dict[int, str]:
    return str.maketrans(_letters())


@cache
def _cyrillic_looks() -> dict[str, str]:
    """Of Latin and Greek letters the Cyrillic letter that looks like them, where that has a sound here."""
    twins = {latin: other for other, latin in _letters().items() if other in CYRILLIC}
    twins |= {latin: other.casefold() for other, latin in _letters().items() if other.casefold() in CYRILLIC}
    both = twins | {latin.upper(): twin for latin, twin in twins.items()}
    return both | {other: twins[latin] for other, latin in _letters().items() if latin in twins}

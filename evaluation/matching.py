"""Comparing names with a screening list: pure functions, no database. A score flags, a person decides.

Names are normalized, then compared by tokens whatever their order (rapidfuzz) and by Jaro-Winkler. A
country that agrees raises a score, one that disagrees lowers it, but never out of its band.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RULESET: Final = "2026-11.1"
CITATION: Final = "15 CFR 744.11, 744.15, 744.16, 744.21; 31 CFR chapter V"
TWO_PEOPLE: Final = 95.0
REVIEW_FROM: Final = 85.0
KEPT_BELOW: Final = 3
SHORT: Final = 4
COUNTRY_WEIGHT: Final = 3.0
PREFILTER: Final = 60.0

LEGAL_FORMS: Final = frozenset(
    [
        "inc",
        "incorporated",
        "ltd",
        "limited",
        "llc",
        "llp",
        "lp",
        "plc",
        "gmbh",
        "ag",
        "kg",
        "co",
        "company",
        "corp",
        "corporation",
        "sa",
        "sas",
        "sarl",
        "spa",
        "srl",
        "bv",
        "nv",
        "oy",
        "oyj",
        "ab",
        "as",
        "asa",
        "kk",
        "pte",
        "pty",
        "bhd",
        "sdn",
        "jsc",
        "pjsc",
        "ojsc",
        "ooo",
        "oao",
        "zao",
        "pao",
        "fze",
        "fzco",
        "kft",
        "sro",
        "doo",
    ]
)
JOINING: Final = frozenset(["and", "the", "of", "for", "de", "la", "le", "und", "et"])
CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "є": "ye", "ж": "zh", "з": "z",
    "и": "i", "і": "i", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch",
    "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
LETTERS: Final = str.maketrans(
    CYRILLIC | {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"}
)


@lru_cache(maxsize=4096)
def normalize(name: str) -> str:
    """Folded, without marks, punctuation and legal forms, Cyrillic in Latin letters; tokens keep their order.

    A name that consists of nothing but legal forms keeps them.
    """
    folded = unicodedata.normalize("NFKC", name).casefold().translate(LETTERS)
    plain = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    spelled = re.sub(r"(?<=\b\w)\.(?=\w\b)", "", plain.replace("&", " and "))
    tokens = re.sub(r"[^\w]+|_", " ", re.sub(r"['’`]", "", spelled)).split()
    kept = [token for token in tokens if token not in LEGAL_FORMS and token not in JOINING]
    return " ".join(kept or tokens)


def is_readable(normalized: str) -> bool:
    """Whether a normalized name has Latin letters or digits to compare; lists are written in these."""
    return any("a" <= letter <= "z" or letter.isdigit() for letter in normalized)


def similarity(a: str, b: str) -> float:
    """How alike two normalized names are, 0 to 100.

    Names of four letters or fewer match only as a whole token: "zte" is in "zte kangxun", not in "aztec".
    """
    if not a or not b:
        return 0.0
    if a == b:
        return 100.0
    short = min(a, b, key=len)
    if len(short) <= SHORT:
        other = b if short == a else a
        return 96.0 if short in other.split() else 0.0
    ordered = fuzz.token_sort_ratio(a, b)
    jaro = 100.0 * JaroWinkler.similarity(" ".join(sorted(a.split())), " ".join(sorted(b.split())))
    joined = fuzz.ratio(a.replace(" ", ""), b.replace(" ", ""))
    return max(ordered, joined, (fuzz.token_set_ratio(a, b) + jaro) / 2)


def weighed(score: float, ours: Sequence[str], theirs: Sequence[str]) -> float:
    """``score`` with what the countries say; a disagreement never carries a flag out of its band."""
    if not ours or not theirs or score <= 0:
        return score
    if set(ours) & set(theirs):
        return min(100.0, score + COUNTRY_WEIGHT)
    floor = next((band for band in (TWO_PEOPLE, REVIEW_FROM) if score >= band), 0.0)
    return max(floor, score - COUNTRY_WEIGHT)


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry as matching needs it: its key, its normalized names and the countries known for it."""

    key: int
    names: tuple[str, ...]
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry with the best score of all pairs of names, and the pair that gave it."""

    key: int
    score: float
    ours: str
    theirs: str
    countries_agree: bool | None


@dataclass(frozen=True, slots=True)
class Screened:
    """What the list says of one party: flags at 85 and above, the nearest three below, or not comparable."""

    flags: tuple[Hit, ...]
    nearest: tuple[Hit, ...]
    is_readable: bool


class Matcher:
    """A list held ready: the entries and their distinct names."""

    def __init__(self, entries: Iterable[Listed]) -> None:
        self.entries = {entry.key: entry for entry in entries}
        self.names: dict[str, list[int]] = {}
        for entry in self.entries.values():
            for name in entry.names:
                self.names.setdefault(name, []).append(entry.key)

    def screen(self, names: Iterable[str], countries: Sequence[str] = ()) -> Screened:
        """Compare every name of one party with every name of the list; best first."""
        queries = sorted({normalize(name) for name in names} - {""})
        readable = [query for query in queries if is_readable(query)]
        best: dict[int, Hit] = {}
        for query in readable:
            for theirs, keys in self.names.items():
                if len(query) > SHORT and len(theirs) > SHORT and fuzz.QRatio(query, theirs) < PREFILTER / 2:
                    continue
                score = similarity(query, theirs)
                if score < PREFILTER:
                    continue
                for key in keys:
                    self._keep_best(best, key, score, query, theirs, countries)
        hits = sorted(best.values(), key=lambda hit: (-hit.score, hit.key))
        flags = tuple(hit for hit in hits if hit.score >= REVIEW_FROM)
        rest = tuple(hit for hit in hits if hit.score < REVIEW_FROM)[:KEPT_BELOW]
        return Screened(flags, rest, bool(readable))

    def _keep_best(
        self, best: dict[int, Hit], key: int, score: float, ours: str, theirs: str, countries: Sequence[str]
    ) -> None:
        known = self.entries[key].countries
        final = round(weighed(score, countries, known), 2)
        if key not in best or final > best[key].score:
            agree = bool(set(countries) & set(known)) if countries and known else None
            best[key] = Hit(key, final, ours, theirs, agree)

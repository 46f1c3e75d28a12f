"""Comparing names with a screening list: pure functions, no database. A score flags, a person decides.

Two normalized names are compared as strings, whatever the order and the spacing of their words, and word by
word, where a word that tells little weighs little. A country or an address that agrees raises a score, one
that disagrees lowers it, but never out of its band.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from rapidfuzz import fuzz

from evaluation.addresses import STATES, UNKNOWN, Agreement, compared
from evaluation.candidates import LIKE_WORD, SOUGHT, Candidates
from evaluation.names import (
    COMMON,
    in_order,
    initials,
    is_readable,
    joined,
    known_as,
    leading,
    normalize,
    sound,
    squeezed,
    weight,
)
from evaluation.spellings import spellings, tells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RULESET: Final = "2026-11.5"
CITATION: Final = "15 CFR 744.11, 744.15, 744.16, 744.21; 31 CFR chapter V"
TWO_PEOPLE: Final = 95.0
REVIEW_FROM: Final = 85.0
KEPT_BELOW: Final = 3
SHORT: Final = 4
COUNTRY_WEIGHT: Final = 3.0
ADDRESS_WEIGHT: Final = 2.0
KEPT_FROM: Final = 60.0

SAME_SHORT, SAME_INITIALS = 96.0, 88.0
SAME_SOUND, FUZZY_FROM = 0.95, 5
MISSING, DIFFERING = 0.25, 0.75
MISSING_AFTER: Final = 0.12
OTHER_NUMBER: Final = 0.85


def similarity(a: str, b: str) -> float:
    """How alike two normalized names are, 0 to 100.

    Names of four letters or fewer match only as a whole token: "zte" is in "zte kangxun", not in "aztec".
    """
    if not a or not b:
        return 0.0
    if a == b:
        return 100.0
    if a in initials(b) or b in initials(a):
        return SAME_INITIALS
    if joined(a) == joined(b) or squeezed(a) == squeezed(b):
        return 100.0
    short, other = sorted((a, b), key=len)
    if len(short) <= SHORT and (is_readable(short) or (len(other) == len(short) and is_readable(other))):
        return SAME_SHORT if short in other.split() and weight(short) > COMMON else 0.0
    score = max(
        fuzz.ratio(in_order(a), in_order(b)),
        fuzz.ratio(joined(a), joined(b)),
        _by_words(a.split(), b.split(), short=leading(a) if leading(a) == leading(b) else ""),
    )
    return score * OTHER_NUMBER if _numbered_otherwise(a, b) else score


def nearness(a: str, b: str) -> float:
    """How alike two names are letter by letter, for the record only: never enough for a flag."""
    return min(SOUGHT, max(fuzz.ratio(in_order(a), in_order(b)), fuzz.ratio(joined(a), joined(b))))


def _by_words(ours: Sequence[str], theirs: Sequence[str], short: str) -> float:
    """How much of the weight of both names is in words that agree; one left out costs less than another.

    Least where one name is the other cut down and both begin with ``short``, as a company is called.
    """
    shared = sum(_shared(ours, theirs))
    if not shared:
        return 0.0
    missing = [sum(map(weight, name)) - shared for name in (ours, theirs)]
    left_out = MISSING_AFTER if short and not min(missing) else MISSING
    return 100.0 * shared / (shared + left_out * sum(missing) + DIFFERING * min(missing))


def _shared(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[float]:
    """The weight of each pair of words that agree; every word is used once, the most alike first."""
    same = Counter(ours) & Counter(theirs)
    yield from (float(weight(word)) * count for word, count in same.items())
    ours, theirs = list((Counter(ours) - same).elements()), list((Counter(theirs) - same).elements())
    pairs = [
        (-likeness * min(weight(a), weight(b)), min(a, b), max(a, b), a, b)
        for a in ours
        for b in theirs
        if (likeness := word_likeness(a, b))
    ]
    for negative, _, _, a, b in sorted(pairs):
        if a in ours and b in theirs:
            ours.remove(a)
            theirs.remove(b)
            yield -negative


def word_likeness(a: str, b: str) -> float:
    """How alike two words are, 0 to 1, as they sound; 0 where they are not taken for one another."""
    if a == b:
        return 1.0
    shorter = min(len(a), len(b))
    if shorter < FUZZY_FROM:
        return SAME_SOUND if shorter >= SHORT and sound(a) == sound(b) else 0.0
    return min(SAME_SOUND, fuzz.ratio(sound(a), sound(b), score_cutoff=LIKE_WORD) / 100)


def _numbered_otherwise(a: str, b: str) -> bool:
    """Institute 14 is not institute 38, whatever else agrees."""
    ours, theirs = ({token for token in name.split() if token[0].isdigit()} for name in (a, b))
    return bool(ours and theirs and not ours & theirs)


def weighed(
    score: float, ours: Sequence[str], theirs: Sequence[str], address_agrees: bool | None = None
) -> float:
    """``score`` with what countries and addresses say; a disagreement never carries a flag out of its band.

    Together they raise it by no more than the countries alone: the candidates are sought with that.
    """
    if score <= 0:
        return score
    most = min(100.0, score + COUNTRY_WEIGHT)
    if countries_agree(ours, theirs) is not None:
        score = most if countries_agree(ours, theirs) else _lowered(score, COUNTRY_WEIGHT)
    if address_agrees is not None:
        score = min(most, score + ADDRESS_WEIGHT) if address_agrees else _lowered(score, ADDRESS_WEIGHT)
    return score


def _lowered(score: float, by: float) -> float:
    floor = next((band for band in (TWO_PEOPLE, REVIEW_FROM) if score >= band), 0.0)
    return max(floor, score - by)


def countries_agree(ours: Sequence[str], theirs: Sequence[str]) -> bool | None:
    """Whether one country is known on both sides; unknown where a side says nothing, or may mean a state."""
    if set(ours) & set(theirs):
        return True
    return False if ours and set(theirs) - STATES else None


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry as matching needs it: its key, its normalized names, and what is known of where it is."""

    key: int
    names: tuple[str, ...]
    countries: tuple[str, ...] = ()
    addresses: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry with the best score of all pairs of names, and the pair that gave it.

    ``likeness`` is that of the names alone, to which ``score`` adds what the places say.
    """

    key: int
    score: float
    likeness: float
    ours: str
    theirs: str
    countries_agree: bool | None
    address: Agreement


class Place(NamedTuple):
    """Where a party is: the codes of its countries, and its address as it wrote it."""

    countries: Sequence[str] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class Screened:
    """What the list says of one party: flags at 85 and above, the nearest three below, and what is not known.

    ``unread`` are the names with letters that the list does not use, and like none that it has.
    """

    flags: tuple[Hit, ...]
    nearest: tuple[Hit, ...]
    unread: tuple[str, ...]


class Matcher:
    """A list held ready: the entries, their distinct names, and which names may be like another."""

    def __init__(self, entries: Iterable[Listed]) -> None:
        self.entries = {entry.key: entry for entry in entries}
        self.names: dict[str, list[int]] = {}
        for entry in self.entries.values():
            for name in entry.names:
                self.names.setdefault(name, []).append(entry.key)
        self._candidates = Candidates(self.names)

    def screen(self, names: Iterable[str], countries: Sequence[str] = (), address: str = "") -> Screened:
        """Compare the names of one party with the list, the best first.

        A name with other letters is compared with the names that the list has in these, and its Latin part
        by itself; where none is like it, it is not known to be clear. The nearest below the band are those
        of the names compared, and where they are fewer than three, those that look most alike.
        """
        spelled = {normalize(name): name for name in names}
        best: dict[int, Hit] = {}
        where = Place(countries, address)
        flagged = set()
        for query, name in sorted(spelled.items()):
            for reading in filter(None, spellings(name)):
                if self._flags(best, reading, where):
                    flagged.add(query)
        if sum(hit.score < REVIEW_FROM for hit in best.values()) < KEPT_BELOW:
            for name in spelled.values():
                for reading in filter(None, spellings(name)):
                    self._keep_near(best, reading, where)
        hits = sorted(best.values(), key=lambda hit: (-hit.score, hit.key))
        flags = tuple(hit for hit in hits if hit.score >= REVIEW_FROM)
        rest = tuple(hit for hit in hits if hit.score < REVIEW_FROM)[:KEPT_BELOW]
        unread = {
            query: name for query, name in spelled.items() if not is_readable(query) and query not in flagged
        }
        if len(unread) > 1 or len(spelled) > 1:
            unread.pop("", None)
        return Screened(flags, rest, tuple(unread.values()))

    def _flags(self, best: dict[int, Hit], reading: str, where: Place) -> bool:
        """Compare one reading and keep the best of each entry; whether a name that tells is flagged."""
        flagged = False
        for ours in (reading, *known_as(reading)):
            for theirs in self._candidates.of(ours):
                score = similarity(ours, theirs)
                if ours != reading:
                    score = min(score, SAME_INITIALS)
                if score < KEPT_FROM:
                    continue
                for key in self.names[theirs]:
                    final = self._keep_best(best, key, score, ours, theirs, where)
                    flagged |= final >= REVIEW_FROM and tells(theirs)
        return flagged

    def _keep_near(self, best: dict[int, Hit], ours: str, where: Place) -> None:
        """Add the entries whose names look most like one reading, of those that are not among the best."""
        scored = ((nearness(ours, theirs), theirs) for theirs in self._candidates.near(ours))
        near = sorted((one for one in scored if one[0] >= KEPT_FROM), key=lambda one: (-one[0], one[1]))
        known = set(best)
        for score, theirs in near[: 2 * KEPT_BELOW]:
            for key in set(self.names[theirs]) - known:
                self._keep_best(best, key, score, ours, theirs, where)

    def _keep_best(
        self, best: dict[int, Hit], key: int, score: float, ours: str, theirs: str, where: Place
    ) -> float:
        entry = self.entries[key]
        address = compared(where.address, entry.addresses) if where.address else UNKNOWN
        final = round(weighed(score, where.countries, entry.countries, address.agrees), 2)
        if key not in best or final > best[key].score:
            agree = countries_agree(where.countries, entry.countries)
            best[key] = Hit(key, final, round(score, 2), ours, theirs, agree, address)
        return final

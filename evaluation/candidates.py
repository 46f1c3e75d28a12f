"""Which names of a list may be like another name: an index in memory that leaves out no match worth a flag.

A set of names is one integer with a bit for each. The pieces of a name (letters, pairs of letters, words)
each have the set of names that contain them, and `Tally` adds sets up, all names at once. Every bound here
is a necessary condition of `evaluation.matching.similarity` reaching the score that is sought.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz

from evaluation.names import in_order, initials, joined, leading, sound, squeezed, weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SOUGHT: Final = 81.99
LIKE_WORD: Final = 80.0
# Of the pairs of letters of two names so many are common; the next share where that finds fewer than WANTED.
COMMON_PAIRS: Final = (0.5, 0.4, 0.3)
WANTED: Final = 12
# As a quarter of the missing weight counts, a name of which less than this is shared does not reach SOUGHT.
LEAST_SHARED: Final = 0.53
SLACK: Final = 1e-6
FILLED: Final = re.compile(rb"[^\0]")


def members(names: int) -> Iterator[int]:
    """The bits of a set, in order."""
    data = names.to_bytes((names.bit_length() + 7) // 8, "little")
    for found in FILLED.finditer(data):
        at, byte = found.start() * 8, data[found.start()]
        yield from (at + bit for bit in range(8) if byte >> bit & 1)


def set_of(numbers: Iterable[int], size: int) -> int:
    buffer = bytearray(size // 8 + 1)
    for number in numbers:
        buffer[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(buffer, "little")


class Tally:
    """A count for every name at once; plane ``i`` holds bit ``i`` of all counts."""

    def __init__(self) -> None:
        self.planes: list[int] = []

    def add(self, names: int, times: int = 1) -> None:
        shift = 0
        while times:
            if times & 1:
                self._carry(names, shift)
            times >>= 1
            shift += 1

    def _carry(self, names: int, plane: int) -> None:
        planes = self.planes
        while names:
            while plane >= len(planes):
                planes.append(0)
            planes[plane], names = planes[plane] ^ names, planes[plane] & names
            plane += 1

    def at_least(self, bound: int, among: int) -> int:
        """Those of ``among`` whose count is ``bound`` or more."""
        if bound <= 0:
            return among
        if bound >> len(self.planes):
            return 0
        above, equal = 0, among
        for bit in range(len(self.planes) - 1, -1, -1):
            plane = self.planes[bit]
            if bound >> bit & 1:
                equal &= plane
            else:
                above |= equal & plane
                equal &= ~plane
            if not equal:
                break
        return above | equal


class Strings:
    """Strings that may reach a ratio of ``sought`` with another, by their common letters and pairs.

    Of strings whose longest common subsequence has n letters with d left over, n letters agree, and at least
    n - 1 - d neighbours do.
    """

    def __init__(self, strings: Iterable[str], sought: float) -> None:
        self.share = sought / 100
        size = 0
        pieces: dict[tuple[str, int], array[int]] = {}
        lengths: dict[int, array[int]] = {}
        for number, string in enumerate(strings):
            size = number + 1
            lengths.setdefault(len(string), array("I")).append(number)
            for piece in (*_letters(string), *_pairs(string)):
                pieces.setdefault(piece, array("I")).append(number)
        self.with_piece = {piece: set_of(numbers, size) for piece, numbers in pieces.items()}
        self.of_length = {length: set_of(numbers, size) for length, numbers in sorted(lengths.items())}

    def like(self, query: str) -> int:
        length, share = len(query), self.share
        shortest, longest = length * share / (2 - share) - SLACK, length * (2 - share) / share + SLACK
        wanted = {n: names for n, names in self.of_length.items() if shortest <= n <= longest}
        if not wanted:
            return 0
        pairs, letters, found = self._tally(_pairs(query)), self._tally(_letters(query)), 0
        for other, names in wanted.items():
            common = ceil(share * (length + other) / 2 - SLACK)
            left = length + other - 2 * common
            names = pairs.at_least(common - 1 - left, names)
            if names:
                found |= letters.at_least(common, names)
        return found

    def nearest(self, query: str) -> int:
        """Some strings with the most pairs in common with another, more than WANTED where there are."""
        length, pairs, found = len(query), self._tally(_pairs(query)), 0
        for share in COMMON_PAIRS:
            for other, names in self.of_length.items():
                if length / 2 - 2 <= other <= 2 * length + 4:
                    found |= pairs.at_least(max(1, ceil(share * (length + other - 2) / 2)), names)
            if found.bit_count() >= WANTED:
                break
        return found

    def _tally(self, pieces: Iterable[tuple[str, int]]) -> Tally:
        tally = Tally()
        for piece in pieces:
            if names := self.with_piece.get(piece):
                tally.add(names)
        return tally


def _counted(pieces: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Each piece with the number of times it came before, so that sets count like multisets."""
    seen: Counter[str] = Counter()
    for piece in pieces:
        yield piece, seen[piece]
        seen[piece] += 1


def _letters(string: str) -> Iterator[tuple[str, int]]:
    return _counted(string)


def _pairs(string: str) -> Iterator[tuple[str, int]]:
    return _counted(a + b for a, b in pairwise(string))


class Words:
    """Names that may share enough of the weight of their words with another."""

    def __init__(self, names: list[str]) -> None:
        self.size = len(names)
        self.having: dict[str, array[int]] = {}
        by_weight: dict[int, list[int]] = {}
        for number, name in enumerate(names):
            words = name.split()
            by_weight.setdefault(sum(map(weight, words)), []).append(number)
            for word in set(words):
                self.having.setdefault(word, array("I")).append(number)
        self.of_weight = {total: set_of(numbers, self.size) for total, numbers in by_weight.items()}
        self.sounding: dict[str, list[str]] = {}
        for word in self.having:
            self.sounding.setdefault(sound(word), []).append(word)
        self.spelled = list(self.sounding)
        self.sounds = Strings(self.spelled, LIKE_WORD)
        self.with_like = lru_cache(maxsize=1 << 10)(self._with_like)

    def like(self, query: str) -> int:
        words = query.split()
        ours, tally, found = sum(map(weight, words)), Tally(), 0
        for word, times in Counter(words).items():
            tally.add(self.with_like(word), weight(word) * times)
        for total, names in self.of_weight.items():
            found |= tally.at_least(ceil(LEAST_SHARED * max(ours, total)), names)
        return found

    def having_word(self, word: str) -> int:
        return set_of(self.having.get(word, ()), self.size)

    def _with_like(self, word: str) -> int:
        """Names with the word or with one that sounds nearly like it."""
        sounds = [self.spelled[number] for number in members(self.sounds.like(sound(word)))]
        near = {word} & self.having.keys()
        for other in sounds:
            if fuzz.ratio(sound(word), other) >= LIKE_WORD:
                near.update(self.sounding[other])
        return set_of((number for other in near for number in self.having[other]), self.size)


class Candidates:
    """The names of a list that `similarity` may find like a query; the others need no comparison."""

    def __init__(self, names: Iterable[str], short: int = 4) -> None:
        self.names = list(names)
        self.short = short
        self.number = {name: number for number, name in enumerate(self.names)}
        self.words = Words(self.names)
        self.ordered = Strings(map(in_order, self.names), SOUGHT)
        self.joined = Strings(map(joined, self.names), SOUGHT)
        self.shortened: dict[str, list[int]] = {}
        self.led_by: dict[str, list[int]] = {}
        self.squeezed: dict[str, list[int]] = {}
        for number, name in enumerate(self.names):
            for initial in initials(name):
                self.shortened.setdefault(initial, []).append(number)
            if first := leading(name):
                self.led_by.setdefault(first, []).append(number)
            self.squeezed.setdefault(squeezed(name), []).append(number)

    def of(self, query: str) -> list[str]:
        found = self.ordered.like(in_order(query)) | self.joined.like(joined(query)) | self.words.like(query)
        if len(query) <= self.short:
            found |= self.words.having_word(query)
        known = [*query.split(), *initials(query)]
        numbers = {self.number[name] for name in known if name in self.number}
        numbers.update(self.shortened.get(query, ()), self.squeezed.get(squeezed(query), ()))
        numbers.update(self.led_by.get(leading(query), ()), members(found))
        return [self.names[number] for number in sorted(numbers)]

    def near(self, query: str) -> list[str]:
        """Names that look most like the query, for the record of what was nearest: `of` leaves them out."""
        return [self.names[number] for number in members(self.ordered.nearest(in_order(query)))]

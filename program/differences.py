"""What changed between two texts, for people to read: word by word within the lines that differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

MOST_WORDS: Final = 2_000


@dataclass(frozen=True)
class Segment:
    """A stretch of text that is ``same``, ``removed`` or ``added``."""

    kind: str
    text: str


@lru_cache(maxsize=128)
def compare_texts(before: str, after: str) -> tuple[Segment, ...]:
    """The segments of both texts in reading order; joined without the added ones they give ``before``."""
    return tuple(_joined(_by_lines(before, after)))


def _by_lines(before: str, after: str) -> Iterator[Segment]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "replace":
            yield from _segments(_words("".join(old[i1:i2])), _words("".join(new[j1:j2])))
        else:
            yield from _of(tag, "".join(old[i1:i2]), "".join(new[j1:j2]))


def _segments(old: list[str], new: list[str]) -> Iterator[Segment]:
    """Word by word; in a long stretch frequent words begin no match, so that the time is not squared."""
    is_long = max(len(old), len(new)) > MOST_WORDS
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=is_long).get_opcodes():
        yield from _of(tag, "".join(old[i1:i2]), "".join(new[j1:j2]))


def _of(tag: str, old: str, new: str) -> Iterator[Segment]:
    if tag == "equal":
        yield Segment("same", old)
        return
    if old:
        yield Segment("removed", old)
    if new:
        yield Segment("added", new)


def _words(text: str) -> list[str]:
    return re.split(r"(?<=\s)(?=\S)", text)


def _joined(segments: Iterator[Segment]) -> Iterator[Segment]:
    held: Segment | None = None
    for segment in segments:
        if held and held.kind == segment.kind:
            held = Segment(held.kind, held.text + segment.text)
            continue
        if held:
            yield held
        held = segment
    if held:
        yield held

"""Marks of confidentiality, and when so many are set that they say nothing (5 U.S.C. 552(b)(4))."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from program.enums import Mark

FEWEST: Final = 2
NEARLY_ALL: Final = 0.8


class Blanket(NamedTuple):
    """How many of how many are marked: nearly all of them."""

    marked: int
    of: int


def blanket(marks: Sequence[str]) -> Blanket | None:
    """What to warn about where nearly everything is marked business confidential; it refuses nothing."""
    marked = sum(1 for mark in marks if mark == Mark.BUSINESS_CONFIDENTIAL)
    if len(marks) < FEWEST or marked < NEARLY_ALL * len(marks):
        return None
    return Blanket(marked, len(marks))

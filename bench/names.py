"""Party screening at size, 5,000 names against 25,000 entries, and how well it tells names apart."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from bench.report import cell
from evaluation.matching import REVIEW_FROM, Listed, Matcher, similarity
from evaluation.names import GENERIC, normalize

ENTRIES: Final = 25_000
NAMES: Final = 5_000
SECONDS: Final = 60.0
RECALL: Final = 0.98
PAIRS: Final = Path(__file__).resolve().parent.parent / "tests" / "evaluation"
SETS: Final = {"tuned on": "name_pairs_tuning.csv", "held out": "name_pairs_held_out.csv"}
SYLLABLES: Final = (
    "ba be bu da di do ev ka ki ko kov la li lo mal ma mi mo na ne no ov ra ri ro sa se so shan ski ta ter "
    "ti tian to va ve vi wei xing za zhen zhong hua bur dor gen"
)


@dataclass(frozen=True)
class Names:
    """Seconds to make the index and to screen all names in one process; how the labelled pairs came out."""

    index_seconds: float
    seconds: float
    recall: float
    precision: float

    def lines(self) -> Iterator[str]:
        row = f"screen {NAMES:,} names against {ENTRIES:,} entries"
        yield f"{row:52}{cell(self.index_seconds + self.seconds, SECONDS, '.1f'):>14} s, one process"
        missed = " " if self.recall >= RECALL else "!"
        yield (
            f"{'labelled pairs of names at 85':52}{self.recall:.3f} / {RECALL}{missed} recall, "
            f"{self.precision:.3f} precision"
        )


def measure_names(entries: int = ENTRIES, names: int = NAMES) -> Names:
    chance = Random(14320)  # noqa: S311 (data to measure with)
    made = made_up(chance)
    listed = [
        Listed(key, (normalize(next(made)), normalize(next(made))), (chance.choice(["CN", "IR", "RU"]),))
        for key in range(entries)
    ]
    begun = time.monotonic()
    matcher = Matcher(listed)
    ready = time.monotonic()
    for number in range(names):
        # Every tenth is a listed name with a letter missing.
        like = listed[number % entries].names[0][1:] if number % 10 == 0 else next(made)
        matcher.screen([like], ["CN"])
    return Names(round(ready - begun, 1), round(time.monotonic() - ready, 1), *quality())


def made_up(chance: Random) -> Iterator[str]:
    """Names of one to three made-up words out of 20,000 and up to three that many names have."""
    syllables, generic = SYLLABLES.split(), sorted(GENERIC)
    words = ["".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(20_000)]
    while True:
        own = chance.choices(words, k=chance.randint(1, 3))
        yield " ".join([*own, *chance.choices(generic, k=chance.randint(len(own) == 1, 3))])


def quality() -> tuple[float, float]:
    """Recall and precision at the review band over the labelled pairs."""
    with PAIRS.open(encoding="utf-8", newline="") as file:
        pairs = list(csv.DictReader(line for line in file if not line.startswith("#")))
    flagged = [
        pair["is_same"] == "1"
        for pair in pairs
        if similarity(normalize(pair["name"]), normalize(pair["listed"])) >= REVIEW_FROM
    ]
    same = sum(pair["is_same"] == "1" for pair in pairs)
    return sum(flagged) / same, sum(flagged) / len(flagged)

"""Measure rows in turns with the empty page, and hold the medians against the budgets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from statistics import median

from bench.client import Client, Unexpected
from bench.rows import Row

WARM_UP = 5
CONNECTIONS = 5


@dataclass(frozen=True)
class Measured:
    """What one row took at one size; ``refused`` says why it could not be measured."""

    row: str
    times_empty: float = 0.0
    statements: int = 0
    refused: str = ""


def measure(row: Row, port: int, *, times: int) -> Measured:
    """The median of ``times`` answers as a multiple of that of as many empty pages, asked in between.

    A connection stays with one worker: of several, some are with that of the row, and others are not.
    """
    connections = cycle([Client(port) for _ in range(CONNECTIONS)])
    try:
        ask = row.prepare(port)
        for _ in range(WARM_UP):
            next(connections).get("/bench/empty/")
            if (status := ask().status) != row.expected:
                raise Unexpected(f"answered {status} instead of {row.expected}")
        empties, answers = [], []
        for _ in range(times):
            empties.append(next(connections).get("/bench/empty/").seconds)
            answers.append(ask())
    except Exception as error:  # one row that fails must not hide the others
        return Measured(row.name, refused=f"{type(error).__name__}: {error}"[:300])
    ratio = median(answer.seconds for answer in answers) / median(empties)
    return Measured(row.name, round(ratio, 1), max(answer.statements for answer in answers))

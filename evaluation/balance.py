"""The best choice of reviewers: an integer program over plain values, solved in a process of its own.

Nothing here knows the portal: the numeric libraries are loaded where this runs, and never in a web process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
#: After these the process is ended, whatever it does
SECONDS: Final = 20
#: What the fit of a person and a proposal counts; the page of the suggestion says it in words
NAMED_FIRST: Final = 4
KNOWS_SECTOR: Final = 2
KNOWS_LAYER: Final = 1


@dataclass(frozen=True)
class Person:
    """A reviewer of one agency: open reviews, and how many may be open at once."""

    key: int
    load: int
    capacity: int

    @property
    def room(self) -> int:
        return max(0, self.capacity - self.load)


@dataclass(frozen=True)
class Gap:
    """The proposal ``of``, which lacks ``missing`` reviewers of the agency, and the fit of who may read it.

    ``fits`` are pairs of a person's key and a number; who may not read it stands in none.
    """

    key: int
    of: int
    missing: int
    fits: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Choice:
    """Which person reads which proposal, as pairs of a gap's key and a person's."""

    pairs: list[tuple[int, int]]


class NoChoice(Exception):
    """Nothing was found in time."""


def choose(rooms: list[tuple[list[Gap], list[Person]]]) -> list[Choice]:
    """The best choice for each agency, from a process that is ended when it takes too long."""
    asked = [[[asdict(gap) for gap in gaps], [asdict(person) for person in people]] for gaps, people in rooms]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "evaluation.balance"], input=json.dumps(asked), capture_output=True,
            text=True, check=True, timeout=SECONDS, cwd=ROOT,
        )  # fmt: skip
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise NoChoice from error
    return [Choice([(gap, person) for gap, person in pairs]) for pairs in json.loads(done.stdout)]


def best(gaps: list[Gap], people: list[Person]) -> Choice:
    """As many places filled as can be, then the greatest sum of fits, then the most even load.

    Nobody above their capacity, nobody where they may not read. Loads are most even when the sum of their
    squares is least. It is a flow from proposals through people, whose vertices are whole numbers.
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    place = {person.key: number for number, person in enumerate(people)}
    pairs = [
        (g, place[key], fit)
        for g, gap in enumerate(gaps)
        for key, fit in gap.fits
        if gap.missing > 0 and key in place and people[place[key]].room
    ]
    if not pairs:
        return Choice([])
    steps = [(p, person.load + step) for p, person in enumerate(people) for step in range(person.room)]
    cells = [(g, column, 1) for column, (g, _, _) in enumerate(pairs)]
    cells += [(len(gaps) + p, column, 1) for column, (_, p, _) in enumerate(pairs)]
    cells += [(len(gaps) + p, column, -1) for column, (p, _) in enumerate(steps, len(pairs))]
    rows, columns, values = zip(*cells, strict=True)
    size = len(pairs) + len(steps)
    matrix = coo_array((values, (rows, columns)), shape=(len(gaps) + len(people), size)).tocsr()
    kept = LinearConstraint(
        matrix,
        np.repeat([-np.inf, 0], [len(gaps), len(people)]),
        np.array([gap.missing for gap in gaps] + [0] * len(people)),
    )
    is_pair = np.repeat([1.0, 0.0], [len(pairs), len(steps)])
    exactly: dict[str, Any] = {"integrality": is_pair, "bounds": Bounds(0, 1), "options": {"mip_rel_gap": 0}}

    filled = milp(-is_pair, constraints=kept, **exactly)
    if filled.x is None:
        raise NoChoice
    most = round(-filled.fun)
    rises = np.array([2 * load + 1 for _, load in steps])
    ordered = np.sort(rises)
    outweighs = 1 + ordered[len(steps) - most :].sum() - ordered[:most].sum()
    cost = np.concatenate([[-outweighs * fit for _, _, fit in pairs], rises])
    found = milp(cost, constraints=[kept, LinearConstraint(is_pair, most, most)], **exactly)
    if found.x is None:
        raise NoChoice
    taken = zip(pairs, found.x, strict=False)
    return Choice([(gaps[g].key, people[p].key) for (g, p, _), value in taken if value > 0.5])


def best_of_each(rooms: list[tuple[list[Gap], list[Person]]]) -> list[Choice]:
    """One agency after another: who reviews for two reads no proposal for both, and has one load."""
    choices: list[Choice] = []
    taken: set[tuple[int, int]] = set()
    for gaps, people in rooms:
        added = Counter(person for _, person in taken)
        choice = best(
            [replace(gap, fits=[fit for fit in gap.fits if (gap.of, fit[0]) not in taken]) for gap in gaps],
            [replace(person, load=person.load + added[person.key]) for person in people],
        )
        of = {gap.key: gap.of for gap in gaps}
        taken |= {(of[gap], person) for gap, person in choice.pairs}
        choices.append(choice)
    return choices


def main() -> None:
    """Read what is asked from the standard input, and write the choices to the standard output."""
    asked: list[Any] = json.load(sys.stdin)
    rooms = [
        ([Gap(**gap) for gap in gaps], [Person(**person) for person in people]) for gaps, people in asked
    ]
    json.dump([choice.pairs for choice in best_of_each(rooms)], sys.stdout)


if __name__ == "__main__":
    main()

"""The table on the screen and the file that a later run is compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measuring import Measured
from bench.rows import ROWS, Row

if TYPE_CHECKING:
    from bench.names import Names

Results = dict[int, list[Measured]]


def table(results: Results, rows: Sequence[Row] = ROWS) -> Iterator[str]:
    """A line for each row and size; what exceeds its budget is marked, and a note says by what."""
    small, large = min(results), max(results)
    yield f"{'':52}{'x empty':>16}{'statements':>14}{'slower':>12}"
    for number, row in enumerate(rows):
        first, last = results[small][number], results[large][number]
        if refused := first.refused or last.refused:
            yield f"{row.name:52}  not measured: {refused}"
            continue
        slower = last.times_empty / first.times_empty
        cells = (
            (last.times_empty, row.times_empty, ".1f"),
            (max(first.statements, last.statements), row.statements, "d"),
            (slower, row.slower, ".2f"),
        )
        yield f"{row.name:52}" + "".join(f"{cell(*values):>14}" for values in cells)
    yield f"At {large} proposals, slower against {small}. Value / budget; ! is over budget."


def cell(value: float, budget: float, form: str) -> str:
    """``7.9 / 8``, with a mark when it is more than it may be."""
    mark = "!" if value > budget else " "
    return f"{value:{form}} / {budget:g}{mark}"


def write(
    results: Results, rows: Sequence[Row], folder: Path, *, times: int, names: Names | None = None
) -> Path:
    """Keep the results as JSON; ``latest.json`` is the same once more."""
    folder.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC)
    content = {
        "at": at.isoformat(timespec="seconds"),
        "times": times,
        "sizes": {str(size): [vars(one) for one in rows] for size, rows in results.items()},
        "budgets": [
            {
                "row": row.name,
                "times_empty": row.times_empty,
                "statements": row.statements,
                "slower": row.slower,
            }
            for row in rows
        ],
        "names": asdict(names) if names else None,
    }
    text = json.dumps(content, indent=1)
    file = folder / f"{at:%Y%m%d-%H%M%S}.json"
    for path in (file, folder / "latest.json"):
        path.write_text(text + "\n", encoding="utf-8")
    return file

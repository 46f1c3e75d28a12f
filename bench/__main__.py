"""``python -m bench``: fill the portal to one size, measure, fill it to the next, measure again.

By default 200 and 2,000 proposals, some minutes; ``--full`` measures at 2,000 and 20,000, which takes a
quarter of an hour the first time. The data stay in the folder: a second run begins with what is there.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

QUICK = (200, 2_000)
FULL = (2_000, 20_000)
FOLDER = Path(__file__).resolve().parent.parent / ".local" / "bench"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="2,000 and 20,000 proposals")
    parser.add_argument("--sizes", type=int, nargs="+", help="other sizes, the smallest first")
    parser.add_argument("--times", type=int, default=60, help="answers measured for each row")
    parser.add_argument("--only", default="", help="only the rows whose name has these words")
    parser.add_argument("--strict", action="store_true", help="end with 1 when a budget is exceeded")
    options = parser.parse_args(arguments)
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ.setdefault("DEMONSTRATION", "1")

    import django

    django.setup()

    from bench.filling import fill
    from bench.measuring import measure
    from bench.names import measure_names
    from bench.report import table, write
    from bench.rows import ROWS
    from bench.server import serving

    rows = [row for row in ROWS if options.only in row.name]
    results = {}
    for wanted in sorted(options.sizes or (FULL if options.full else QUICK)):
        size = fill(wanted)
        sys.stdout.write(f"Measuring at {size} proposals.\n")
        with serving() as port:
            results[size] = [measure(row, port, times=options.times) for row in rows]
    names = measure_names()
    lines = [*table(results, rows), *names.lines()]
    file = write(results, rows, FOLDER, times=options.times, names=names)
    sys.stdout.write("\n".join(lines) + f"\nWritten to {file}\n")
    is_over = any("! " in f"{line} " or "not measured" in line for line in lines[1:])
    return int(options.strict and is_over)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

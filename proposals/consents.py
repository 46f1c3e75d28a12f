"""What a member consents to, compared in words: pure functions of the terms it accepted and those of today.

ADR 14 says which change of its part asks a member again.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from program.enums import StackLayer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

COUNTED: Final = (
    ("quantity", "Quantity"),
    ("total_value_usd", "Total value"),
    ("us_content_value_usd", "U.S. content"),
)
SHOWN: Final = 20


def amount(name: str, said: str) -> str:
    """A number of a line as a page writes it."""
    if not said:
        return "not given"
    value = Decimal(said)
    digits = f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.2f}"
    return f"${digits}" if name.endswith("_usd") else digits


def together(lines: Iterable[Mapping[str, Any]], name: str) -> str:
    """The sum of one column over the lines that say it; empty where none does."""
    said = [Decimal(line[name]) for line in lines if line[name]]
    return str(sum(said)) if said else ""


def changes(before: str, now: str, titles: Mapping[int, str]) -> list[str]:
    """What differs between the terms that were accepted and those of ``now``, in sentences."""
    was, says = json.loads(before), json.loads(now)
    found = [f"The {words} has changed." for name, words in HEADS.items() if was[name] != says[name]]
    parts = {row["proposal"]: row for row in was["part"]}
    present = {row["proposal"]: row for row in says["part"]}
    nothing: dict[str, Any] = {"layers": {}, "sites": [], "lines": []}
    for proposal in sorted(parts.keys() | present.keys()):
        about = f"{titles.get(proposal) or 'Untitled proposal'}: " if len(parts | present) > 1 else ""
        told = _in_part(parts.get(proposal, nothing), present.get(proposal, nothing))
        found += [f"{about}{sentence}" for sentence in told]
    return found


HEADS: Final = {
    "role": "wording of the role",
    "declaration_version": "declaration",
    "consortium": "name of the consortium",
    "organization": "legal name of the organization",
}


def _in_part(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for layer in StackLayer:
        before, words = was["layers"].get(layer), now["layers"].get(layer)
        if before is None and words is not None:
            yield f"New layer to supply: “{layer.label}”."
        elif before is not None and words is None:
            yield f"No longer to supply: “{layer.label}”."
        elif before != words:
            yield f"What is supplied in “{layer.label}” said “{before}” and now says “{words}”."
    yield from (f"New: {words}." for words in now["sites"] if words not in was["sites"])
    yield from (f"No longer: {words}." for words in was["sites"] if words not in now["sites"])
    yield from _in_lines(was.get("lines"), now["lines"])


def _in_lines(was: list[dict[str, str]] | None, now: list[dict[str, str]]) -> Iterator[str]:
    """Lines added and taken out by layer, those that changed one by one."""
    if was is None:
        if now:
            yield f"Lines are named one by one for the first time: {_count(now)}."
        return
    old, new = ({line["key"]: line for line in lines} for lines in (was, now))
    for layer in StackLayer:
        for words, lines in (
            ("Added to", [line for line in now if line["key"] not in old]),
            ("Taken out of", [line for line in was if line["key"] not in new]),
        ):
            if own := [line for line in lines if line["layer"] == layer]:
                yield f"{words} “{layer.label}”: {_count(own)} ({_names(own)})."
    changed = [(old[key], line) for key, line in new.items() if key in old and old[key] != line]
    for before, line in changed[:SHOWN]:
        yield f"{line['name'] or 'A line without a name'}: {_differing(before, line)}."
    if len(changed) > SHOWN:
        yield f"{len(changed) - SHOWN:,} more lines have changed."


def _count(lines: list[dict[str, str]]) -> str:
    number = f"{len(lines):,} {'line' if len(lines) == 1 else 'lines'}"
    total = together(lines, "total_value_usd")
    return f"{number}, {amount('total_value_usd', total)} together" if total else number


def _names(lines: list[dict[str, str]]) -> str:
    names = [line["name"] or "without a name" for line in lines[:3]]
    return ", ".join(names) + (f" and {len(lines) - 3:,} more" if len(lines) > 3 else "")


def _differing(before: Mapping[str, str], line: Mapping[str, str]) -> str:
    said = [
        f"{label} was {amount(name, before[name])}, now {amount(name, line[name])}"
        for name, label in COUNTED
        if before[name] != line[name]
    ]
    if before["name"] != line["name"]:
        said.insert(0, f"it was called “{before['name']}”")
    if before["layer"] != line["layer"]:
        said.append(f"it moved to “{StackLayer(line['layer']).label}”")
    return "; ".join(said)

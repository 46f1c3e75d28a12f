"""The rules of the compliance checks as data with dates, and the version of what holds on a day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from program.canonical import canonical_json, sha256_hex
from program.destinations import mark_of_places

if TYPE_CHECKING:
    from collections.abc import Mapping

DAYS: Final = ("effective_from", "effective_to")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule says of itself: from when until when it stands so, where it is found, how sure that is."""

    code: str
    title: str
    state: str
    citation: str
    confidence: str
    source: str
    effective_from: date | None = None
    effective_to: date | None = None
    countries: tuple[str, ...] = ()

    def holds(self, on: date) -> bool:
        begun = self.effective_from is None or self.effective_from <= on
        return begun and (self.effective_to is None or on < self.effective_to)


def rulebook() -> tuple[str, tuple[Rule, ...]]:
    """The edition of the file in use and its rules."""
    return _read(settings.COMPLIANCE_RULES_FILE)


@cache
def _read(file: str) -> tuple[str, tuple[Rule, ...]]:
    read: dict[str, Any] = json.loads(Path(file).read_text())
    return read["edition"], tuple(_rule(row) for row in read["rules"])


def _rule(row: Mapping[str, Any]) -> Rule:
    days = {name: date.fromisoformat(row[name]) if row[name] else None for name in DAYS}
    return Rule(**{**row, **days, "countries": tuple(row.get("countries", ()))})


def rules_of(on: date) -> dict[str, Rule]:
    """The rules that stand on a day, by code; one that does not stand yet is not among them."""
    return {rule.code: rule for rule in rulebook()[1] if rule.holds(on)}


def version_on(on: date) -> str:
    """The edition, and a mark of the rules that stand on the day; one statement.

    It changes when a country enters or leaves a group, and when a rule begins, is suspended or ends.
    """
    edition, _ = rulebook()
    standing = [str(rule) for _, rule in sorted(rules_of(on).items())]
    return f"{edition}-{sha256_hex(canonical_json([standing, mark_of_places(on)]))[:10]}"

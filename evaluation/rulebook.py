"""The rules of the compliance checks as data with dates, and the version of what holds on a day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from program.canonical import canonical_json, sha256_hex
from program.destinations import mark_of_places

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS: Final = Path(__file__).parent / "data" / "compliance_rules.json"
DAYS: Final = ("effective_from", "effective_to")


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a country with a rule of its own, and the words that tell of it in a text."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedByRule:
    """A party that a rule names, until when, and what to know of it."""

    name: str
    until: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A class of chips: from which performance and density, and below which."""

    code: str
    tpp: Decimal
    tpp_below: Decimal | None = None
    density: Decimal = Decimal(0)
    density_below: Decimal | None = None

    def reached(self, tpp: Decimal, density: Decimal) -> bool:
        return (
            tpp >= self.tpp
            and density >= self.density
            and (self.tpp_below is None or tpp < self.tpp_below)
            and (self.density_below is None or density < self.density_below)
        )


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
    regions: tuple[Region, ...] = ()
    parties: tuple[NamedByRule, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    lists: tuple[str, ...] = ()

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
    days = {name: _day(row[name]) for name in DAYS}
    lists = {
        "countries": tuple(row.get("countries", ())),
        "lists": tuple(row.get("lists", ())),
        "regions": tuple(Region(one["name"], tuple(one["words"])) for one in row.get("regions", ())),
        "parties": tuple(
            NamedByRule(one["name"], _day(one.get("until")), one.get("note", ""))
            for one in row.get("parties", ())
        ),
        "thresholds": tuple(
            Threshold(one["code"], **{name: Decimal(value) for name, value in one.items() if name != "code"})
            for one in row.get("thresholds", ())
        ),
    }
    return Rule(**{**row, **days, **lists})


def _day(said: str | None) -> date | None:
    return date.fromisoformat(said) if said else None


def rules_of(on: date) -> dict[str, Rule]:
    """The rules that stand on a day, by code; one that does not stand yet is not among them."""
    return {rule.code: rule for rule in rulebook()[1] if rule.holds(on)}


def barring_lists(on: date) -> frozenset[str]:
    """The lists on which a confirmed match bars an acceptance and a designation on a day.

    A file in place of ours that was copied before it said so leaves nothing out: then ours says it.
    """
    books = rulebook()[1], _read(str(OURS))[1]
    rules = next(book for book in books if any(rule.lists for rule in book))
    return frozenset(code for rule in rules if rule.holds(on) for code in rule.lists)


def version_on(on: date) -> str:
    """The edition, and a mark of the rules that stand on the day; one statement.

    It changes when a country enters or leaves a group, and when a rule begins, is suspended or ends.
    """
    edition, _ = rulebook()
    standing = [str(rule) for _, rule in sorted(rules_of(on).items())]
    return f"{edition}-{sha256_hex(canonical_json([standing, mark_of_places(on)]))[:10]}"

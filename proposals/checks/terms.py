"""What every check reads and writes: the call's rules as data, and words for components."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from program.enums import EvidenceType
from program.transitions import Problem
from proposals.package import Component, Package

LISTED_CLAUSE: Final = "Call, eligibility of members"


@dataclass(frozen=True, slots=True)
class Ineligible:
    """A listed jurisdiction: for one layer, or (empty) for the whole entity."""

    country: str
    layer: str = ""
    reason: str = ""
    source: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class RequirementRule:
    """A requirement of the call, as its row says it."""

    code: str
    title: str
    clause: str
    is_mandatory: bool = True
    evidence_type: str = EvidenceType.PACKAGE
    choices: tuple[str, ...] = ()
    max_characters: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a call demands beyond the order itself; all of it is data of the call."""

    requirements: tuple[RequirementRule, ...] = ()
    ineligible: tuple[Ineligible, ...] = ()
    anchor_must_be_us: bool = False
    us_content_threshold: Decimal = field(default=Decimal(51))

    def waives(self, code: str) -> bool:
        """Whether the call has a row for ``code`` and does not make it mandatory."""
        return any(rule.code == code and not rule.is_mandatory for rule in self.requirements)

    def reason(self, countries: Iterable[str], layer: str = "") -> Ineligible | None:
        """The rule that lists one of ``countries``, if any."""
        wanted = set(countries)
        return next(
            (rule for rule in self.ineligible if rule.layer == layer and rule.country in wanted), None
        )


NO_RULES: Final = Rules()
Check = Callable[[Package, Rules], Iterator[Problem]]


def is_blank(text: str) -> bool:
    """Whether nothing is said, blanks aside."""
    return not text.strip()


def called(component: Component) -> str:
    """What a message calls a component."""
    return component.name.strip() or "A component without a name"


def layer_of(component: Component) -> str:
    return str(component.layer.value)  # type: ignore[attr-defined]

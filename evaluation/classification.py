"""What a package states of the class of its components, held against the thresholds of the day.

Pure functions. They compare what is stated with what is stated; whether an item is of a class, its maker and
BIS determine.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from evaluation.checked import ORDER, Checked, found
from evaluation.enums import ComplianceKind as Kind
from evaluation.enums import ComplianceResult as Result
from proposals.checks.compliance import NEEDS_CLASSIFICATION, is_advanced
from proposals.enums import ComputeBand, Jurisdiction, Weights
from proposals.package import HardwareComponent, ModelComponent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evaluation.rulebook import Rule
    from proposals.package import AnyComponent, Package


class Flag(NamedTuple):
    result: Result
    words: str


def classification(package: Package, rules: Mapping[str, Rule]) -> Iterator[Checked]:
    """A row for each component whose class does not fit what is stated of it, or one that all fit."""
    rule, weights = rules.get("classification"), rules.get("model-weights")
    flagged = False
    for part in package.components:
        name = part.name or part.key
        if rule and (flags := list(_of_component(part, rule))):
            flagged = True
            worst = min((flag.result for flag in flags), key=ORDER.index)
            words = " ".join(flag.words for flag in flags)
            yield found(rule, Kind.CLASSIFICATION, part.key, name, worst, words, _stated(part))
        if weights and isinstance(part, ModelComponent) and _may_be_4e091(part):
            flagged = True
            words = (
                "Closed weights, trained above 10^26 operations, and no class 4E091 is stated. That class "
                "stands in the text of January 2025, and BIS has said that it does not enforce it: ask which "
                "class the maker sees."
            )
            yield found(weights, Kind.CLASSIFICATION, part.key, name, Result.REVIEW, words, _stated(part))
    if rule and not flagged and package.components:
        words = "No component states a class that what is said of it contradicts, and none leaves it out."
        yield found(rule, Kind.CLASSIFICATION, "package", "All components", Result.CLEAR, words)


def _of_component(part: AnyComponent, rule: Rule) -> Iterator[Flag]:
    if part.jurisdiction == Jurisdiction.ITAR:
        yield Flag(
            Result.REVIEW,
            "Stated to fall under the ITAR, 22 CFR parts 120-130: the Department of State licenses it, and "
            "none of these checks looks at that.",
        )
    if not isinstance(part, HardwareComponent):
        return
    eccn = part.eccn.strip()
    if part.subtype in NEEDS_CLASSIFICATION:
        if not eccn or "unclassified" in eccn.casefold():
            yield Flag(Result.NOT_ENOUGH, "A chip, accelerator or server without a class.")
        if part.tpp is None:
            yield Flag(Result.NOT_ENOUGH, "Its total processing performance is not stated.")
    if part.tpp is None or is_advanced(eccn) or part.is_datacenter is False:
        return
    density = part.performance_density or Decimal(0)
    if reached := [limit.code for limit in rule.thresholds if limit.reached(part.tpp, density)]:
        yield Flag(
            Result.RED_FLAG,
            f"With a total processing performance of {part.tpp:f} and a performance density of "
            f"{_density(part)} it reaches {reached[0]}, but the stated class is {eccn or 'none'}.",
        )
    elif part.performance_density is None and (
        may := [limit.code for limit in rule.thresholds if limit.reached(part.tpp, limit.density)]
    ):
        yield Flag(
            Result.NOT_ENOUGH,
            f"With a total processing performance of {part.tpp:f} it may reach {may[0]}: its performance "
            "density decides, and is not stated.",
        )


def _may_be_4e091(part: ModelComponent) -> bool:
    closed = part.weights != Weights.OPEN
    return closed and part.compute_band == ComputeBand.ABOVE_26 and not is_advanced(part.eccn)


def _density(part: HardwareComponent) -> str:
    return "which is not stated" if part.performance_density is None else f"{part.performance_density:f}"


def _stated(part: AnyComponent) -> list[str]:
    facts = [f"Stated class: {part.eccn.strip() or 'none'}."]
    if part.eccn_reference.strip():
        facts.append(f"Reference: {part.eccn_reference.strip()}.")
    if part.license_basis.strip():
        facts.append(f"License or exception: {part.license_basis.strip()}.")
    return facts

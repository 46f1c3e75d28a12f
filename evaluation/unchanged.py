"""Which findings on an earlier version may be taken over: what their requirement concerns did not change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from program.enums import EvidenceType
from proposals.comparison import changed_parts
from proposals.enums import Part
from proposals.models import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evaluation.models import CompletenessReview
    from program.models import Requirement
    from proposals.package import Package

#: The parts that answer a requirement by the check that decides it; any other concerns the whole package.
CONCERNS: Final[dict[str, set[Part]]] = {
    "layer-hardware": {Part.HARDWARE},
    "layer-data": {Part.DATA},
    "layer-models": {Part.MODELS},
    "layer-security": {Part.SECURITY},
    "layer-applications": {Part.APPLICATIONS},
    "us-manufacture": {Part.HARDWARE},
    "target-markets": {Part.MARKETS},
    "national-interest": {Part.MARKETS},
    "operating-model": {Part.OPERATING_MODEL, Part.CONSORTIUM},
    "support-requested": {Part.SUPPORT},
    "compliance": {Part.COMPLIANCE, Part.CONSORTIUM, Part.MARKETS},
    "consortium": {Part.CONSORTIUM},
}


def findings_that_hold(
    version: Version, requirements: Iterable[Requirement], earlier: Mapping[int, CompletenessReview]
) -> dict[int, CompletenessReview]:
    """Of the ``earlier`` findings, by requirement, those on what did not change since their version.

    A document may prove anything: where one changed, only findings on answers of their own hold.
    """
    numbers = {review.version.number for review in earlier.values()}
    if not numbers:
        return {}
    before = {
        one.number: one.value
        for one in Version.objects.filter(proposal=version.proposal_id, number__in=numbers)
    }
    changed = {number: changed_parts(package, version.value) for number, package in before.items()}
    held = {}
    for requirement in requirements:
        review = earlier.get(requirement.pk)
        if review is None:
            continue
        if requirement.evidence_type == EvidenceType.PACKAGE:
            concerned = {Part.DOCUMENTS, *CONCERNS.get(requirement.code, Part)}
            is_same = not concerned & changed[review.version.number]
        else:
            old = answer_to(requirement, before[review.version.number])
            is_same = old == answer_to(requirement, version.value)
        if is_same:
            held[requirement.pk] = review
    return held


def answer_to(requirement: Requirement, package: Package) -> dict[str, Any] | None:
    """What a package answers to a requirement of its own, None where it says nothing."""
    found = next((one for one in package.answers if one.requirement == requirement.code), None)
    return found.model_dump(mode="json", exclude={"key", "title"}) if found else None

"""Requirements particular to a call: records with evidence type, limits and clause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from program.enums import EvidenceType
from program.transitions import Problem
from proposals.checks.terms import RequirementRule, is_blank
from proposals.enums import Part
from proposals.package import Package

ANSWER_FIELDS: Final[dict[str, str]] = {
    EvidenceType.TEXT: "text",
    EvidenceType.NUMBER: "number",
    EvidenceType.CHOICE: "choice",
    EvidenceType.DATE: "day",
    EvidenceType.FILE: "document",
}


def answers_requirement(package: Package, rule: RequirementRule) -> Iterator[Problem]:
    """One requirement particular to the call."""
    answer = next((answer for answer in package.answers if answer.requirement == rule.code), None)
    place = f"answer-{rule.code}" if answer is None else answer.key
    field_name = f"{place}-{ANSWER_FIELDS.get(rule.evidence_type, 'text')}"

    def problem(code: str, message: str) -> Problem:
        return Problem(f"{code}-{rule.code}", message, rule.clause, Part.REQUIREMENTS, field_name)

    if answer is None or not _is_given(
        answer_value := getattr(answer, ANSWER_FIELDS.get(rule.evidence_type, "text"))
    ):
        if rule.is_mandatory:
            yield problem("missing", f"Answer: {rule.title}.")
        return
    if (
        rule.max_characters
        and rule.evidence_type == EvidenceType.TEXT
        and len(answer_value) > rule.max_characters
    ):
        yield problem(
            "too-long", f"{rule.title}: {len(answer_value):,} characters, at most {rule.max_characters:,}."
        )
    if rule.evidence_type == EvidenceType.CHOICE and answer_value not in rule.choices:
        yield problem("not-offered", f"{rule.title}: choose one of the answers offered.")
    if rule.evidence_type == EvidenceType.FILE and all(d.sha256 != answer_value for d in package.documents):
        yield problem("file-gone", f"{rule.title}: its file is no longer among the documents.")


def _is_given(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and is_blank(value))

"""One compliance check of one subject, as it is kept: what every kind of check yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from evaluation.enums import ComplianceKind as Kind
from evaluation.enums import ComplianceResult as Result
from program.canonical import canonical_json, sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluation.rulebook import Rule

ORDER: Final = tuple(Result)
FACTS_KEPT: Final = 30
ADVICE: Final = {
    Result.BLOCKED: "Do not go on before the place or the party is out of the package, or what authorizes it "
    "is on file. Two people can decide otherwise, with their reasons.",
    Result.PROHIBITED: "Ask the consortium for the transaction and its date, and consult the Treasury before "
    "anything is decided.",
    Result.DENIAL_LIKELY: "Ask which license or exception the consortium relies on, and hear BIS first.",
    Result.LICENSE_LIKELY: "Compare the license or exception that each component states, and the exceptions "
    "for named parties.",
    Result.NOTIFIABLE: "Ask for date and number of the notification, or when the transaction is completed.",
    Result.INCONSISTENT: "Ask the consortium for its register of owners and a corrected list.",
    Result.RED_FLAG: "Ask the consortium what stands behind it, and record what you found.",
    Result.NOT_ENOUGH: "Ask the consortium to answer what is missing.",
    Result.REVIEW: "Look into it by hand, and record what you found.",
}


@dataclass(frozen=True)
class Checked:
    """One check of one subject, as it is kept; ``sources`` are the other proposals that it rests on."""

    kind: Kind
    subject_key: str
    subject_name: str
    result: Result
    explanation: str
    rule_code: str
    rule: str
    citation: str
    effective_from: date | None = None
    effective_to: date | None = None
    confidence: str = "U"
    facts: list[str] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)

    @property
    def advice(self) -> str:
        return ADVICE.get(self.result, "")

    @property
    def fingerprint(self) -> str:
        """A decision holds for the same finding on the same facts under the same rule."""
        said = [self.kind, self.subject_key, self.subject_name, self.result, self.rule_code, self.rule]
        return sha256_hex(canonical_json([*map(str, said), self.explanation, self.facts]))


def found(
    rule: Rule, kind: Kind, key: str, name: str, result: Result, explanation: str, facts: Iterable[str] = ()
) -> Checked:
    kept = list(facts)
    if len(kept) > FACTS_KEPT:
        kept = [*kept[:FACTS_KEPT], f"{len(kept) - FACTS_KEPT} more lines are in the package."]
    return Checked(
        kind=kind,
        subject_key=key,
        subject_name=name[:300],
        result=result,
        explanation=explanation,
        rule_code=rule.code,
        rule=rule.title,
        citation=rule.citation,
        effective_from=rule.effective_from,
        effective_to=rule.effective_to,
        confidence=rule.confidence,
        facts=kept,
    )

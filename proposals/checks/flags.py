"""What does not stop a submission, but a person must look at; the system flags, people determine."""

from __future__ import annotations

from collections.abc import Iterator

from program.transitions import Problem
from proposals.checks.terms import LISTED_CLAUSE, NO_RULES, Rules
from proposals.enums import ComplianceAnswer, Part
from proposals.holdings import Tree
from proposals.package import Package
from proposals.questionnaire import BY_CODE


def flags(package: Package, rules: Rules = NO_RULES) -> list[Problem]:
    """What does not stop a submission, but a person must look at; the system flags, people determine."""
    return [
        *_holder_flags(package, rules),
        *_tree_flags(package),
        *_outside_flags(package, rules),
        *_answer_flags(package),
    ]


def _holder_flags(package: Package, rules: Rules) -> Iterator[Problem]:
    for member in package.consortium.members:
        for holder in member.organization.holders:
            if holder.country and (rule := rules.reason([holder.country.code])):
                share = "an unknown share" if holder.share is None else f"{holder.share * 100:f} percent"
                yield Problem(
                    "holder-listed",
                    f"{holder.name or 'A holder'} ({rule.country}) holds {share} of "
                    f"{member.organization.owned_by(holder)}.",
                    LISTED_CLAUSE,
                    Part.CONSORTIUM,
                    f"{holder.key}-share",
                )
        if not member.organization.holders:
            yield Problem(
                "holders-unknown",
                f"{member.organization.legal_name}: no owners are given.",
                LISTED_CLAUSE,
                Part.CONSORTIUM,
                f"{member.key}-holders",
            )


def _tree_flags(package: Package) -> Iterator[Problem]:
    """Owners that go in a circle, that add up to too much or whom two lists say differently."""
    tree = Tree.of(package)
    for words in tree.troubles(list(tree.names)):
        yield Problem("holdings-do-not-fit", words, LISTED_CLAUSE, Part.CONSORTIUM)


def _outside_flags(package: Package, rules: Rules) -> Iterator[Problem]:
    for place in package.destinations():
        if rule := rules.reason([place.code]):
            yield Problem(
                "destination-listed",
                f"{place.name or place.code} is a destination. {rule.reason}",
                LISTED_CLAUSE,
                Part.MARKETS,
            )


def _answer_flags(package: Package) -> Iterator[Problem]:
    for statement in package.compliance.statements:
        if statement.answer in (ComplianceAnswer.YES, ComplianceAnswer.EXPLAIN):
            subject = BY_CODE.get(statement.subject)
            yield Problem(
                f"answered-{statement.answer}",
                statement.text or statement.subject,
                subject.citation if subject else statement.citation,
                Part.COMPLIANCE,
                f"{statement.key}-answer",
            )

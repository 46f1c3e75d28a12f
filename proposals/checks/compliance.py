"""Compliance with export controls, outbound investment rules and end-user policies, s.3(b)(v)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from program.enums import Mark
from program.transitions import Problem
from proposals.checks.terms import Rules, called, is_blank, layer_of
from proposals.enums import HardwareType, Part
from proposals.package import HardwareComponent, ModelComponent, Package
from proposals.questionnaire import SUBJECTS

ADVANCED: Final = re.compile(r"(3A090|4A090|4E091)\b|\d[A-E]\d{3}\.z\b", re.IGNORECASE)
NEEDS_CLASSIFICATION: Final = (HardwareType.CHIP, HardwareType.ACCELERATOR, HardwareType.SERVER)


def states_compliance(package: Package, rules: Rules) -> Iterator[Problem]:
    """Export controls, 50 U.S.C. ch. 58, outbound investment, end-user policies, BIS guidance, s.3(b)(v)."""
    clause, part = "E.O. 14320 s.3(b)(v)", Part.COMPLIANCE
    compliance = package.compliance
    given = {statement.subject: statement for statement in compliance.statements}
    for subject in SUBJECTS:
        statement = given.get(subject.code)
        place = f"{statement.key}-answer" if statement else f"statement-{subject.code}-answer"
        if statement is None or statement.answer not in subject.answers:
            yield Problem(f"compliance-{subject.code}", f"Answer: {subject.text}", clause, part, place)
        elif statement.answer in subject.explained and is_blank(statement.explanation):
            yield Problem(
                f"compliance-{subject.code}-explained",
                f"Explain your answer: {subject.text}",
                clause,
                part,
                f"{statement.key}-explanation",
            )
    for name, words in (("name", "name"), ("email", "e-mail address")):
        if is_blank(getattr(compliance.officer, name)):
            yield Problem(
                f"compliance-officer-{name}",
                f"Give the {words} of the compliance officer.",
                clause,
                part,
                f"compliance_officer_{name}",
            )
    for name, words in (
        ("program_summary", "the export compliance program"),
        ("end_uses", "the end uses"),
        ("remote_access_policy", "the policy for customers with remote access"),
    ):
        if is_blank(getattr(compliance, name)):
            yield Problem(f"compliance-{name.replace('_', '-')}", f"Describe {words}.", clause, part, name)
    yield from _classifications(package, clause)


def is_advanced(eccn: str) -> bool:
    """Whether a class is one of advanced computing, 15 CFR part 774 supp. 1: 3A090, 4A090, 4E091 or a .z."""
    return bool(ADVANCED.match(eccn.strip()))


def _classifications(package: Package, clause: str) -> Iterator[Problem]:
    """Chips, accelerators and servers need ECCN, TPP and data center flag; models weights and compute.

    A class of advanced computing needs the license or exception that its export relies on.
    """
    for component in package.components:
        part, name = Part(layer_of(component)), called(component)
        if component.jurisdiction is None:
            yield Problem(
                "jurisdiction",
                f"{name}: say which export control regime it falls under.",
                clause,
                part,
                f"{component.key}-jurisdiction",
            )
        if is_advanced(component.eccn) and is_blank(component.license_basis):
            yield Problem(
                "license-basis",
                f"{name}: name the license or exception that it relies on under {component.eccn.strip()}, "
                "or say why it needs none.",
                clause,
                part,
                f"{component.key}-license_basis",
            )
        if isinstance(component, HardwareComponent) and component.subtype in NEEDS_CLASSIFICATION:
            if is_blank(component.eccn):
                yield Problem(
                    "eccn",
                    f"{name}: give its ECCN, EAR99, or “unclassified yet”.",
                    clause,
                    part,
                    f"{component.key}-eccn",
                )
            if component.tpp is None:
                yield Problem(
                    "tpp",
                    f"{name}: give its total processing performance; 0 if none.",
                    clause,
                    part,
                    f"{component.key}-tpp",
                )
            if component.is_datacenter is None:
                yield Problem(
                    "is-datacenter",
                    f"{name}: say whether it is designed or marketed for data centers.",
                    clause,
                    part,
                    f"{component.key}-is_datacenter",
                )
        if isinstance(component, ModelComponent):
            if component.weights is None:
                yield Problem(
                    "weights",
                    f"{name}: say whether its weights are open or closed.",
                    clause,
                    part,
                    f"{component.key}-weights",
                )
            if component.compute_band is None:
                yield Problem(
                    "compute-band",
                    f"{name}: choose the band of its training compute.",
                    clause,
                    part,
                    f"{component.key}-compute_band",
                )


def justifies_marks(package: Package, rules: Rules) -> Iterator[Problem]:
    """Business confidential matter is marked with a justification, 5 U.S.C. 552(b)(4)."""
    clause, part = "5 U.S.C. 552(b)(4)", Part.DOCUMENTS
    for document in package.documents:
        if document.mark == Mark.BUSINESS_CONFIDENTIAL and is_blank(document.justification):
            yield Problem(
                "mark-justification",
                f"{document.name}: say why it is business confidential.",
                clause,
                part,
                f"{document.key}-justification",
            )
    for marking in package.markings:
        if marking.mark == Mark.BUSINESS_CONFIDENTIAL and is_blank(marking.justification):
            yield Problem(
                "mark-justification",
                f"{marking.part.label}: say why it is business confidential.",
                clause,
                marking.part,
                f"{marking.key}-justification",
            )

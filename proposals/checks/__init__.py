"""What makes a package ready to submit, one function per clause: pure, complete, never raising.

Every check yields all it finds, each problem with its clause, its part and its field
(``<row key>-<field>``). Country lists, limits and requirements come from the call as ``Rules``.
"""

from __future__ import annotations

from typing import Final

from program.enums import EvidenceType
from program.transitions import Problem
from proposals.checks.compliance import justifies_marks, states_compliance
from proposals.checks.eligibility import identifies_consortium
from proposals.checks.flags import flags
from proposals.checks.layers import (
    describes_applications,
    describes_data,
    describes_hardware,
    describes_models,
    describes_security,
    says_us_manufacture,
)
from proposals.checks.particular import answers_requirement
from proposals.checks.plans import (
    details_support_requested,
    explains_national_interest,
    names_target_markets,
    says_who_builds_owns_operates,
)
from proposals.checks.terms import NO_RULES, Check, Ineligible, RequirementRule, Rules
from proposals.package import Package

__all__ = [
    "NO_RULES",
    "REQUIREMENTS",
    "WAIVABLE",
    "Ineligible",
    "RequirementRule",
    "Rules",
    "all_problems",
    "flags",
    "problems_by_requirement",
]

REQUIREMENTS: Final[dict[str, tuple[str, str, Check]]] = {
    "layer-hardware": (
        "AI-optimized hardware and related infrastructure",
        "E.O. 14320 s.3(b)(i)(A)",
        describes_hardware,
    ),
    "layer-data": ("Data pipelines and labeling systems", "E.O. 14320 s.3(b)(i)(B)", describes_data),
    "layer-models": ("AI models and systems", "E.O. 14320 s.3(b)(i)(C)", describes_models),
    "layer-security": ("Security and cybersecurity measures", "E.O. 14320 s.3(b)(i)(D)", describes_security),
    "layer-applications": (
        "Applications for specific use cases",
        "E.O. 14320 s.3(b)(i)(E)",
        describes_applications,
    ),
    "us-manufacture": ("U.S. manufacture of the hardware", "E.O. 14320 s.3(b)(i)(A)", says_us_manufacture),
    "target-markets": ("Target countries or regional blocs", "E.O. 14320 s.3(b)(ii)", names_target_markets),
    "national-interest": (
        "National interest in each market",
        "Call, national interest",
        explains_national_interest,
    ),
    "operating-model": (
        "Who builds, owns and operates",
        "E.O. 14320 s.3(b)(iii)",
        says_who_builds_owns_operates,
    ),
    "support-requested": ("Federal support requested", "E.O. 14320 s.3(b)(iv)", details_support_requested),
    "compliance": ("Compliance with U.S. rules", "E.O. 14320 s.3(b)(v)", states_compliance),
    "consortium": ("Anchor and members", "E.O. 14320 s.3(b)", identifies_consortium),
}
WAIVABLE: Final = frozenset({"national-interest"})


def problems_by_requirement(package: Package, rules: Rules = NO_RULES) -> dict[str, list[Problem]]:
    """The checklist: every requirement's code with its problems, an empty list where all is given."""
    found = {
        code: [] if code in WAIVABLE and rules.waives(code) else list(check(package, rules))
        for code, (_, _, check) in REQUIREMENTS.items()
    }
    for rule in rules.requirements:
        if rule.evidence_type != EvidenceType.PACKAGE:
            found[rule.code] = list(answers_requirement(package, rule))
    return {**found, "marks": list(justifies_marks(package, rules))}


def all_problems(package: Package, rules: Rules = NO_RULES) -> list[Problem]:
    """Everything that keeps ``package`` from being submitted, all at once."""
    return [problem for problems in problems_by_requirement(package, rules).values() for problem in problems]

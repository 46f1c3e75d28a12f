"""E.O. 14320, clause by clause, in our own words; the order's text governs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

CLAUSES: Final[dict[str, str]] = {
    "s.3(a)": (
        "Commerce sets up and runs the Program, consulting State and OSTP, within 90 days of the order."
    ),
    "s.3(b)": "Commerce issues a public call for proposals to consortia led by industry.",
    "s.3(b)(i)": "Every proposal includes a full-stack package: all five layers.",
    "s.3(b)(i)(A)": (
        "Layer one: AI-optimized hardware, storage, cloud services and networking, and to what "
        "extent they are made in the United States."
    ),
    "s.3(b)(i)(B)": "Layer two: data pipelines and labeling systems.",
    "s.3(b)(i)(C)": "Layer three: AI models and systems.",
    "s.3(b)(i)(D)": "Layer four: measures for the security and cybersecurity of AI models and systems.",
    "s.3(b)(i)(E)": "Layer five: applications for specific uses.",
    "s.3(b)(ii)": "It names target countries or regional blocs.",
    "s.3(b)(iii)": (
        "It says, at a high level, who will build, own and operate data centers and what belongs to them."
    ),
    "s.3(b)(iv)": "It details the federal incentives and support it asks for.",
    "s.3(b)(v)": (
        "It complies with export controls, outbound investment rules and end-user policies, 50 "
        "U.S.C. ch. 58 and BIS guidance among them."
    ),
    "s.3(c)": (
        "Proposals come in no later than 90 days after the call is issued, and are considered on "
        "a rolling basis."
    ),
    "s.3(d)": (
        "Commerce evaluates in consultation with the Secretaries of State, Defense and Energy and the "
        "Director of OSTP, selects, and designates priority AI export packages."
    ),
    "s.4(a)": "The EDAG, chaired by State, coordinates federal financing tools for priority packages.",
    "s.4(b)": "SBA and OSTP may appoint members of the EDAG.",
    "s.4(c)": "State leads six workstreams with the EDAG.",
    "s.4(c)(i)": "One federal strategy for exporting American AI technologies and standards.",
    "s.4(c)(ii)": "Technical, financial and diplomatic resources brought together.",
    "s.4(c)(iii)": "Multilateral initiatives and partnerships with single countries.",
    "s.4(c)(iv)": "Help for partner countries with rules, data and infrastructure.",
    "s.4(c)(v)": "Analysis of market access and its barriers.",
    "s.4(c)(vi)": "With SBA: investment in American small businesses.",
    "s.4(d)": "EDAG members deploy the federal tools that the order names, as far as the law permits.",
    "s.5(b)": "All of it consistent with law and subject to appropriations.",
    "s.5(c)": "The order gives nobody an enforceable right.",
}


def implements(*clauses: str) -> Callable[[View], View]:
    """Say which clauses of the order a page carries out; the coverage page lists it there.

    Raises KeyError at import for a clause that the order does not have.
    """
    for clause in clauses:
        CLAUSES[clause]

    def mark(view: View) -> View:
        view.clauses = clauses  # type: ignore[attr-defined]
        return view

    return mark


def clauses_in(citation: str) -> list[str]:
    """The clauses of E.O. 14320 that ``citation`` names: ``s.3(b)-(c)`` names two.

    Citations of other law name none.
    """
    found = []
    if "14320" not in citation and not citation.startswith("s."):
        return []
    for number, rest, span in re.findall(r"s\.(\d)((?:\(\w+\))*)(-\(\w+\))?", citation):
        start = f"s.{number}{rest}"
        found.append(start)
        if span:
            found.append(f"{start[: start.rindex('(')]}{span[1:]}")
    return [clause for clause in found if clause in CLAUSES]

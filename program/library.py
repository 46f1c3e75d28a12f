"""The library from which a draft call is seeded: requirements, a default rubric, texts, ineligible places.

The requirements follow s.3(b)(i) to (v), which every call must carry. The rest is program policy or comes
from summaries of the first call, not from its text, which could not be had: each entry says so, and each call
may change it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from program.enums import EvidenceType, StackLayer

FIRST_CALL = "Summaries of the call for pre-set consortia, FR Doc. 2026-06952"
ORDER = "Text of E.O. 14320, read in full"


@dataclass(frozen=True)
class LibraryRequirement:
    """One requirement as the library offers it; ``code`` names the check that decides a package one."""

    code: str
    title: str
    clause: str
    guidance: str
    source: str = ORDER
    confidence: str = "S"
    evidence_type: EvidenceType = EvidenceType.PACKAGE
    is_mandatory: bool = True
    max_characters: int | None = None


@dataclass(frozen=True)
class LibraryCriterion:
    """One criterion of the default rubric."""

    code: str
    title: str
    clause: str
    guidance: str
    weight: int
    is_independent: bool = False
    anchors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedPlace:
    """A country whose entities may not take part, altogether or (``layer``) as provider of one layer."""

    country: str
    reason: str
    source: str
    confidence: str
    layer: str = ""


REQUIREMENTS = (
    LibraryRequirement(
        "consortium",
        "Identity and consent of the anchor and the members",
        "E.O. 14320 s.3(b)",
        "Name the anchor member, which submits, and every other member. Each member confirms its own part.",
        confidence="I",
    ),
    LibraryRequirement(
        "layer-hardware",
        "AI-optimized hardware and related infrastructure",
        "E.O. 14320 s.3(b)(i)(A)",
        "Chips, servers, accelerators, data center storage, cloud services and networking, line by line with"
        " maker, quantity and value.",
    ),
    LibraryRequirement(
        "us-manufacture",
        "Whether and to what extent the hardware is made in the United States",
        "E.O. 14320 s.3(b)(i)(A)",
        "For each line of hardware: place of manufacture and value of U.S. content. From the share of"
        " the hardware layer that the call states, the U.S.-content part of the national interest test is"
        " presumed met; below, nothing is presumed and nothing is ruled out.",
    ),
    LibraryRequirement(
        "layer-data",
        "Data pipelines and labeling systems",
        "E.O. 14320 s.3(b)(i)(B)",
        "Where the data is held, where it comes from, who labels it, and under which privacy rules.",
    ),
    LibraryRequirement(
        "layer-models",
        "AI models and systems",
        "E.O. 14320 s.3(b)(i)(C)",
        "Each model with its developer, open or closed weights, training-compute band, hosting and custody of"
        " the weights.",
    ),
    LibraryRequirement(
        "layer-security",
        "Security and cybersecurity measures",
        "E.O. 14320 s.3(b)(i)(D)",
        "Frameworks, controls, certifications, incident response, and how model weights are protected.",
    ),
    LibraryRequirement(
        "layer-applications",
        "Applications for specific use cases",
        "E.O. 14320 s.3(b)(i)(E)",
        "At least one use case: its sector, who uses it, in which languages.",
    ),
    LibraryRequirement(
        "target-markets",
        "Target countries or regional blocs",
        "E.O. 14320 s.3(b)(ii)",
        "At least one country or regional bloc for which the package is meant.",
    ),
    LibraryRequirement(
        "national-interest",
        "How the package serves the national interest in each market",
        "Call for proposals (summaries); not in E.O. 14320",
        "For each market, say how United States national interests are advanced there.",
        source=FIRST_CALL,
        confidence="S2",
    ),
    LibraryRequirement(
        "operating-model",
        "Who builds, owns and operates",
        "E.O. 14320 s.3(b)(iii)",
        "At a high level: which entities will build, own and operate data centers and associated"
        " infrastructure.",
    ),
    LibraryRequirement(
        "support-requested",
        "Federal incentives and support requested",
        "E.O. 14320 s.3(b)(iv)",
        "Each kind of support with its purpose and an amount, or “to be determined”.",
    ),
    LibraryRequirement(
        "compliance",
        "Compliance with export control, outbound investment and end-user rules",
        "E.O. 14320 s.3(b)(v)",
        "Including chapter 58 of title 50, United States Code, and guidance of the Bureau of Industry and"
        " Security.",
    ),
)

SCALE = {
    "1": "Not shown, or contradicted by the proposal",
    "2": "Weak: shown in part, with serious gaps",
    "3": "Adequate: shown, with gaps that can be closed",
    "4": "Good: shown well, with small gaps",
    "5": "Outstanding: shown fully and with evidence",
}
#: What a call's page says of outages, and the page that answers while the portal is away says too
OUTAGE_RULE = (
    "An outage of this portal by itself moves no deadline. When the portal was away while a call was open, "
    "the call's page says when and what was affected. The Program office then decides whether the call is "
    "extended for all, and publishes the extension with its reason. A consortium that an outage kept from "
    "submitting in time can ask the Program office for more time for its own proposal, also after the close."
)
RUBRIC_NOTE = "Criteria, weights and scales are program policy of this call: the order gives none."
RUBRIC = (
    LibraryCriterion(
        "national-interest",
        "National interest in the chosen markets",
        "E.O. 14320 s.3(d)",
        "How far the package would advance United States interests in each market, contested ones included.",
        30,
        anchors=SCALE,
    ),
    LibraryCriterion(
        "full-stack",
        "Completeness and strength of the five layers",
        "E.O. 14320 s.3(b)(i)",
        "Whether the five layers fit together and can be delivered as one package.",
        25,
        anchors=SCALE,
    ),
    LibraryCriterion(
        "operating-model",
        "Business and operational model",
        "E.O. 14320 s.3(b)(iii)",
        "Whether those who build, own and operate are named, able and committed.",
        15,
        anchors=SCALE,
    ),
    LibraryCriterion(
        "adoption",
        "Likely adoption and lasting use",
        "E.O. 14320 s.2",
        "Demand in the market and long-term use, rather than the sums announced.",
        15,
        anchors=SCALE,
    ),
    LibraryCriterion(
        "security",
        "Security of models and systems",
        "E.O. 14320 s.3(b)(i)(D)",
        "Strength of the security measures and of the custody of model weights.",
        15,
        anchors=SCALE,
    ),
    LibraryCriterion(
        "compliance-risk",
        "Export-control and end-use risk",
        "E.O. 14320 s.3(b)(v)",
        "An independent view beside the total: 5 means no concern, 1 a grave one.",
        0,
        is_independent=True,
        anchors={"1": "Grave concern", "3": "Concern that conditions could meet", "5": "No concern"},
    ),
)

CONCERN = "Country of concern: entities located there, or owned or controlled from there, may not take part."
CAN_COMPEL = "National-security law may compel providers to share sensitive data."
LAYERS_OF_DATA = (StackLayer.DATA, StackLayer.MODELS, StackLayer.SECURITY, StackLayer.APPLICATIONS)
INELIGIBLE = (
    *(ListedPlace(country, CONCERN, FIRST_CALL, "S2") for country in ("CN", "HK", "MO")),
    *(
        ListedPlace(country, CAN_COMPEL, "Press reports on the call; the exact list is not known", "U", layer)
        for layer in LAYERS_OF_DATA
        for country in ("CN", "HK", "MO", "RU")
    ),
)

CERTIFICATION = (
    "I am authorized to sign for the anchor member. To the best of my knowledge this proposal is accurate and"
    " complete in all material respects. I understand that false statements may be punished under 18 U.S.C."
    " 1001."
)
CONFIDENTIALITY = (
    "Mark what is business confidential and say why. We protect marked information as the law allows,"
    " including 5 U.S.C. 552(b)(4) and 18 U.S.C. 1905. Marking does not by itself decide a FOIA request."
)
DISCLAIMER = (
    "Designation is not an export license, a financing commitment or an endorsement, and gives no enforceable"
    " right. Support depends on applicable law and available funds."
)
PRIVACY = (
    "Authority: E.O. 14320. Purpose: to receive and evaluate proposals for the American AI Exports Program"
    " and to tell you what became of yours. Routine uses: review by the Department of Commerce and the four"
    " agencies that section 3(d) of the order has it consult, and by holders of federal tools after a"
    " designation."
    " Answering is voluntary; without the information a proposal cannot be evaluated."
)


def burden_notice(hours: int, contact: str, control_number: str, expires: str) -> str:
    """What the first screen of a collection tells respondents, 5 CFR 1320.8(b)(3)."""
    estimate = (
        f"We estimate this application takes about {hours} hours. Send comments about this estimate to"
        f" {contact}. You do not have to answer unless this page shows a valid OMB control number."
    )
    shown = (
        f"OMB Control No. {control_number}, expires {expires}." if control_number else "No number is shown."
    )
    return f"{estimate} {shown}"

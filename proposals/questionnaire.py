"""What a package states about compliance, E.O. 14320 s.3(b)(v): regimes, attestations, questions, red flags.

The wording that was asked is frozen with each answer, so that a later edition changes no earlier proposal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import TextChoices

from proposals.enums import ComplianceAnswer as A

EDITION: Final = "2026-11"


class Group(TextChoices):
    REGIME = "regime", "Statements of compliance"
    ATTESTATION = "attestation", "Attestations"
    OUTBOUND = "outbound", "Outbound investment"
    RED_FLAG = "red_flag", "Red flags"


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to state; ``explained`` are the answers that need an explanation."""

    code: str
    group: Group
    text: str
    citation: str
    answers: tuple[str, ...]
    explained: tuple[str, ...]


def _regime(code: str, text: str, citation: str) -> Subject:
    answers = (A.COMPLIES, A.DOES_NOT_APPLY, A.EXPLAIN)
    return Subject(code, Group.REGIME, text, citation, answers, (A.DOES_NOT_APPLY, A.EXPLAIN))


def _attestation(code: str, text: str, citation: str) -> Subject:
    return Subject(code, Group.ATTESTATION, text, citation, (A.COMPLIES, A.EXPLAIN), (A.EXPLAIN,))


def _question(group: Group, code: str, text: str, citation: str) -> Subject:
    return Subject(code, group, text, citation, (A.NO, A.YES), (A.YES,))


def _outbound(code: str, text: str, citation: str) -> Subject:
    return _question(Group.OUTBOUND, code, text, citation)


def _red_flag(code: str, text: str, citation: str = "BIS red-flag guidance") -> Subject:
    return _question(Group.RED_FLAG, code, text, citation)


SUBJECTS: Final[tuple[Subject, ...]] = (
    _regime(
        "export-controls",
        "Every export, reexport and in-country transfer of this package will comply with the Export Control "
        "Reform Act and the Export Administration Regulations.",
        "50 U.S.C. ch. 58; 15 CFR parts 730-774",
    ),
    _regime(
        "itar",
        "Any defense article or defense service of this package is handled under the International "
        "Traffic in Arms Regulations.",
        "22 CFR parts 120-130",
    ),
    _regime(
        "sanctions",
        "No part of this package reaches a person or place barred by OFAC sanctions.",
        "31 CFR ch. V",
    ),
    _regime(
        "outbound-investment",
        "No member makes a prohibited outbound transaction in connection with this package; notifiable ones "
        "are notified.",
        "31 CFR part 850",
    ),
    _regime(
        "end-user",
        "End users and end uses are checked against the end-user and end-use rules before each delivery.",
        "15 CFR part 744",
    ),
    _regime(
        "bis-guidance",
        "The package follows the guidance of BIS on advanced computing items, data centers and access to "
        "computing as a service.",
        "BIS guidance of May 13, 2025 and May 31, 2026",
    ),
    _regime("recordkeeping", "Records of all transactions are kept for at least five years.", "15 CFR 762.6"),
    _attestation(
        "classifications-reviewed",
        "The classification of every component has been reviewed by a competent person.",
        "15 CFR part 774",
    ),
    _attestation(
        "parties-screened",
        "All parties have been screened against the Consolidated Screening List; say how and when.",
        "15 CFR part 744",
    ),
    _attestation("no-prohibited-use", "No member knows of a prohibited end use.", "15 CFR part 744"),
    _attestation(
        "no-prohibited-outbound", "No member knows of a prohibited outbound transaction.", "31 CFR 850.224"
    ),
    _attestation(
        "will-update",
        "The consortium will report a material change within 30 calendar days of learning of it.",
        "pattern of 31 CFR 850.406",
    ),
    _attestation(
        "false-statements", "The members know that false statements may be punished.", "18 U.S.C. 1001"
    ),
    _outbound(
        "outbound-relation",
        "Does any member invest in, form a joint venture with, or lend convertible debt to a person of a "
        "country of concern in connection with this package?",
        "31 CFR 850.210, 850.221",
    ),
    _outbound(
        "outbound-24-months",
        "Did any member do so in the last 24 months?",
        "31 CFR part 850",
    ),
    _outbound(
        "outbound-covered-activity",
        "Is a covered activity involved, such as chip design, advanced packaging, or AI trained above the "
        "thresholds of the rule?",
        "31 CFR 850.217, 850.224",
    ),
    _outbound(
        "outbound-notified",
        "Was a notification filed with the Treasury? Give its date and number.",
        "31 CFR 850.404",
    ),
    _red_flag(
        "customer-headquarters",
        "Is a customer headquartered in, or owned from, a Country Group D:5 destination or Macau?",
        "BIS guidance of May 31, 2026",
    ),
    _red_flag("new-company", "Was a customer formed after 2022 without a record of buying advanced chips?"),
    _red_flag("shared-address", "Does a party share its address with a listed party?"),
    _red_flag("odd-destination", "Is a ship-to address a residence, a forwarder or a trading company?"),
    _red_flag("no-power", "Is a data center unable to show power and cooling for the quantity ordered?"),
    _red_flag(
        "refuses-statement", "Did a customer refuse an end-use statement or the place of installation?"
    ),
    _red_flag("unidentified-resale", "Is computing resold as a service without identifying its customers?"),
    _red_flag("unknown-ownership", "Is a listed party's share in a party's ownership unknown?"),
    _red_flag("third-country-payment", "Does payment come from a third country?"),
    _red_flag("sudden-change", "Did the size of an order change suddenly after a change of the rules?"),
    _red_flag(
        "military-training",
        "Would models be trained for military, intelligence or surveillance end users?",
        "15 CFR 744.21, 744.22",
    ),
    _red_flag("re-export", "Is a re-export intended?"),
)
BY_CODE: Final[dict[str, Subject]] = {subject.code: subject for subject in SUBJECTS}


class ComplianceSubject(TextChoices):
    """The codes of ``SUBJECTS``, as a column stores them."""

    EXPORT_CONTROLS = "export-controls", "Export controls"
    ITAR = "itar", "ITAR"
    SANCTIONS = "sanctions", "Sanctions"
    OUTBOUND_INVESTMENT = "outbound-investment", "Outbound investment"
    END_USER = "end-user", "End users and end uses"
    BIS_GUIDANCE = "bis-guidance", "BIS guidance"
    RECORDKEEPING = "recordkeeping", "Recordkeeping"
    CLASSIFICATIONS_REVIEWED = "classifications-reviewed", "Classifications reviewed"
    PARTIES_SCREENED = "parties-screened", "Parties screened"
    NO_PROHIBITED_USE = "no-prohibited-use", "No prohibited end use known"
    NO_PROHIBITED_OUTBOUND = "no-prohibited-outbound", "No prohibited outbound transaction"
    WILL_UPDATE = "will-update", "Duty to report changes"
    FALSE_STATEMENTS = "false-statements", "False statements"
    OUTBOUND_RELATION = "outbound-relation", "Relation to a country of concern"
    OUTBOUND_24_MONTHS = "outbound-24-months", "Relation in the last 24 months"
    OUTBOUND_COVERED_ACTIVITY = "outbound-covered-activity", "Covered activity"
    OUTBOUND_NOTIFIED = "outbound-notified", "Notification filed"
    CUSTOMER_HEADQUARTERS = "customer-headquarters", "Customer's headquarters"
    NEW_COMPANY = "new-company", "New company"
    SHARED_ADDRESS = "shared-address", "Shared address"
    ODD_DESTINATION = "odd-destination", "Unusual ship-to address"
    NO_POWER = "no-power", "Power and cooling not shown"
    REFUSES_STATEMENT = "refuses-statement", "End-use statement refused"
    UNIDENTIFIED_RESALE = "unidentified-resale", "Resale without identification"
    UNKNOWN_OWNERSHIP = "unknown-ownership", "Ownership unknown"
    THIRD_COUNTRY_PAYMENT = "third-country-payment", "Third-country payment"
    SUDDEN_CHANGE = "sudden-change", "Sudden change of order size"
    MILITARY_TRAINING = "military-training", "Military, intelligence or surveillance training"
    RE_EXPORT = "re-export", "Re-export"

"""What the receipt and the letter are made from, as the apps above hand it over."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from hashlib import sha256


def fingerprint(text):
    return sha256(text.encode()).hexdigest()


def receipt(**changes):
    values = {
        "number": "AIX-R-2026-000117",
        "proposal_number": "AIX-P-2026-0042",
        "title": "Clinic imaging and triage for district hospitals",
        "consortium": "Blue Mesa Health Stack",
        "anchor": "Blue Mesa Systems, Inc.",
        "call_number": "AIX-C-2026-02",
        "call_title": "Call for proposals from pre-set consortia, second window",
        "version_number": 2,
        "received_at": dt.datetime(2026, 11, 12, 21, 14, 9, tzinfo=dt.UTC),
        "closes_at": dt.datetime(2027, 1, 16, 5, 0, tzinfo=dt.UTC),
        "on_time": True,
        "rule_text": (
            "The issue day is day 0 and the 90th day, January 15, 2027, is the last. The window ends at "
            "midnight at the end of that day in Washington, D.C. The time that counts is the "
            "one at which the portal "
            "received the submission."
        ),
        "rule_citation": "E.O. 14320 s.3(c)",
        "content_sha256": fingerprint("content"),
        "files": [
            {"name": "Annex A, bill of materials.xlsx", "sha256": fingerprint("a"), "size": 48_211},
            {"name": "Security plan for model weights.pdf", "sha256": fingerprint("b"), "size": 1_912_004},
            {"name": "Letter of intent, ministry of health.pdf", "sha256": fingerprint("c"), "size": 204_880},
        ],
        "previous_receipt_sha256": fingerprint("before"),
        "receipt_sha256": fingerprint("this"),
        "signer_name": "Dana Whitfield",
        "signer_title": "Chief Executive Officer",
        "certified_at": dt.datetime(2026, 11, 12, 21, 13, 40, tzinfo=dt.UTC),
        "certification_text": (
            "I am authorized to sign for Blue Mesa Systems, Inc. To the best of my knowledge "
            "this proposal is "
            "accurate and complete in all material respects. I understand that false statements "
            "may be punished "
            "under 18 U.S.C. 1001."
        ),
        "certification_version": "2026-04",
        "verify_url": "https://portal.test/receipts/",
    }
    return values | changes


def letter(**changes):
    values = {
        "designation_number": "AIX-D-2026-0001",
        "designated_on": dt.date(2026, 11, 19),
        "announced_at": dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC),
        "consortium": "Blue Mesa Health Stack",
        "anchor": "Blue Mesa Systems, Inc.",
        "proposal_number": "AIX-P-2026-0042",
        "version_number": 2,
        "content_sha256": fingerprint("content"),
        "title": "Clinic imaging and triage for district hospitals",
        "markets": ["Kenya", "Ghana", "East African Community"],
        "layers": [
            {
                "label": "AI-optimized hardware, storage, cloud and networking",
                "summary": (
                    "Forty-two inference servers in two regional sites, with storage and "
                    "networking, assembled in "
                    "Texas and Arizona, and a managed cloud service for training runs.\n"
                    "Spare parts for five years are held in Nairobi."
                ),
            },
            {
                "label": "Data pipelines and labeling systems",
                "summary": (
                    "De-identified images stay in the country of origin; labeling is done by "
                    "trained radiographers."
                ),
            },
            {
                "label": "AI models and systems",
                "summary": "Two imaging models and one triage model, weights held by the anchor member.",
            },
            {
                "label": "Security and cybersecurity of models and systems",
                "summary": (
                    "Hardware-backed custody of weights, signed updates, incident response within four hours."
                ),
            },
            {
                "label": "Applications",
                "summary": (
                    "Reading of chest images and queue triage in 61 district hospitals, in English "
                    "and Swahili."
                ),
            },
        ],
        "conditions": [
            {
                "number": 1,
                "text": (
                    "Report each transfer of model weights out of the anchor member's custody "
                    "before it takes place."
                ),
                "owner": "Blue Mesa Systems, Inc.",
                "due_on": dt.date(2027, 2, 1),
                "effect": "The designation may be suspended.",
            },
            {
                "number": 2,
                "text": (
                    "Hold a current export license or a recorded determination that none is needed "
                    "for each site."
                ),
                "owner": "Blue Mesa Systems, Inc.",
                "due_on": None,
                "effect": "",
            },
        ],
        "reason": "The package serves the national interest.\nIt reaches three markets.",
        "expires_on": dt.date(2029, 11, 18),
        "consulted": [
            "Department of Commerce",
            "Department of State",
            "Department of Energy",
        ],
        "us_content": {
            "state_words": (
                "Presumed met: at least 51 percent of the value of the hardware layer is U.S. content."
            ),
            "percent": Decimal("63.41"),
        },
        "signer_name": "Morgan Ellery",
        "signer_title": "Under Secretary of Commerce for International Trade",
        "delegation": "D-2026-004, for the Secretary of Commerce",
        "authority": "Executive Order 14320, section 3(d) and section 4",
        "disclaimer": (
            "Designation is not an export license, a financing commitment or an endorsement, and gives no "
            "enforceable right. Support depends on applicable law and available funds."
        ),
    }
    return values | changes

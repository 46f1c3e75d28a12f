"""The PDFs of receipts and versions, made by a worker from what the submission stored and nothing else."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.conf import settings

from program import papers, pdf
from proposals.composition import rules_of
from proposals.confidentiality import by_place, marked_parts, marks_of
from proposals.enums import HardwareType
from proposals.models import Receipt, ReceiptPaper, Version, VersionPaper
from proposals.us_content import us_content

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from proposals.package import HardwareComponent

MARK: Final = "Business confidential. Exemption from disclosure is claimed under 5 U.S.C. 552(b)(4)."

#: A package of 2,000 components takes a minute: its task may last longer, less than its message waits.
PACKAGE_SECONDS: Final = 160
PACKAGE_LIMITS: Final = pdf.Limits(wall_seconds=PACKAGE_SECONDS - 15, cpu_seconds=PACKAGE_SECONDS - 20)


def render_receipt(pk: int) -> bool:
    """Make one owed PDF; True when this call made it. Repeatable, and safe to run twice at once."""

    def press(paper: ReceiptPaper) -> tuple[str, bytes]:
        receipt = paper.receipt
        title = f"Receipt {receipt.number}"
        return f"{receipt.number}.pdf", pdf.render("pdf/receipt.html", facts_of(receipt), title=title)

    return papers.make(ReceiptPaper, pk, press)


def render_package(pk: int) -> bool:
    """Make one owed PDF of a version as ``render_receipt`` makes a receipt's."""

    def press(paper: VersionPaper) -> tuple[str, bytes]:
        version = paper.version
        number = version.proposal.number
        content = pdf.render(
            "pdf/package.html",
            package_facts(version),
            title=f"Proposal {number}, version {version.number}",
            limits=PACKAGE_LIMITS,
        )
        return f"{number}-version-{version.number}.pdf", content

    return papers.make(VersionPaper, pk, press)


def facts_of(receipt: Receipt) -> dict[str, Any]:
    """What the paper prints: the stored text, its moments read as moments, and where to check it."""
    body: dict[str, Any] = json.loads(receipt.body)
    moments = {
        name: datetime.fromisoformat(body[name]) for name in ("received_at", "closes_at", "certified_at")
    }
    return {
        **body,
        **moments,
        "receipt_sha256": receipt.sha256,
        "verify_url": f"{settings.SITE_URL}/receipts/",
    }


class HardwareLine(NamedTuple):
    """A line of hardware with its number in the file; its own U.S. share is None where not computable."""

    number: int
    said: HardwareComponent
    percent: Decimal | None


def by_subtype(lines: Iterable[HardwareComponent]) -> list[tuple[str, list[HardwareLine]]]:
    """The lines under the name of their kind, in the order of the kinds, numbered through."""
    kinds: dict[str, list[HardwareComponent]] = {kind.label: [] for kind in HardwareType}
    for line in lines:
        kinds.setdefault(line.subtype.label if line.subtype else "Kind not chosen", []).append(line)
    number = count(1)
    return [
        (kind, [HardwareLine(next(number), line, us_content([line]).percent) for line in found])
        for kind, found in kinds.items()
        if found
    ]


def package_facts(version: Version) -> dict[str, Any]:
    """What the PDF of a version prints: the frozen package and what stands in the version's own row."""
    package = version.value
    threshold = rules_of(version.proposal.call).us_content_threshold
    return {
        "package": package,
        "version": version,
        "proposal_number": version.proposal.number,
        "us_content": us_content(package.hardware, threshold=threshold),
        "hardware": by_subtype(package.hardware),
        "marked": by_place(marks_of(package)),
        "marked_parts": [(part, ", ".join(words)) for part, words in marked_parts(package).items()],
        "marked_names": {part.value for part in marked_parts(package)},
        "foot_mark": MARK,
        "names": {member.key: member.organization.legal_name for member in package.consortium.members},
        "verify_url": f"{settings.SITE_URL}/receipts/",
    }

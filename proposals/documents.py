"""The PDFs of receipts and versions, made by a worker from what the submission stored and nothing else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from program import clock, pdf
from program.documents import store_generated
from program.enums import Mark
from program.services.people import clock_account
from proposals.composition import rules_of
from proposals.enums import PaperState
from proposals.models import Receipt, ReceiptPaper, Version, VersionPaper
from proposals.us_content import us_content

if TYPE_CHECKING:
    from collections.abc import Callable

P = TypeVar("P", ReceiptPaper, VersionPaper)

LEASE: Final = timedelta(minutes=3)
MOST_ATTEMPTS: Final = 3
MARK: Final = "Business confidential. Exemption from disclosure is claimed under 5 U.S.C. 552(b)(4)."

#: A package of 2,000 components takes a minute: its task may last longer than others, less than a lease.
PACKAGE_SECONDS: Final = 160
PACKAGE_LIMITS: Final = pdf.Limits(wall_seconds=PACKAGE_SECONDS - 15, cpu_seconds=PACKAGE_SECONDS - 20)


def render_receipt(pk: int) -> bool:
    """Make one owed PDF; True when this call made it. Repeatable, and safe to run twice at once."""

    def press(paper: ReceiptPaper) -> tuple[str, bytes]:
        receipt = paper.receipt
        title = f"Receipt {receipt.number}"
        return f"{receipt.number}.pdf", pdf.render("pdf/receipt.html", facts_of(receipt), title=title)

    return _make(ReceiptPaper, "receipt", pk, press)


def render_package(pk: int) -> bool:
    """Make one owed PDF of a version as ``render_receipt`` makes a receipt's."""

    def press(paper: VersionPaper) -> tuple[str, bytes]:
        version = paper.version
        number = version.proposal.number
        content = pdf.render(
            "pdf/package.html",
            package_facts(version),
            title=f"Proposal {number}, version {version.number}",
            mark=MARK,
            limits=PACKAGE_LIMITS,
        )
        return f"{number}-version-{version.number}.pdf", content

    return _make(VersionPaper, "version__proposal__call", pk, press)


def _make(kind: type[P], way: str, pk: int, press: Callable[[P], tuple[str, bytes]]) -> bool:
    """Claim the paper, press it, keep it.

    The attempt is counted before the work begins, so that a document which kills its worker is set aside
    when it is taken for the fourth time.
    """
    paper = _claim(kind, way, pk)
    if paper is None:
        return False
    try:
        name, content = press(paper)
    except pdf.PdfFailed as failure:
        # A busy machine may be why the time was not enough: that is tried again like a worker that died.
        is_hopeless = failure.permanent and failure.reason != "timeout"
        state = PaperState.QUARANTINED if is_hopeless else PaperState.OWED
        kind.objects.filter(pk=pk, state=PaperState.OWED, claimed_at=paper.claimed_at).update(
            state=state, reason=str(failure.reason)[:300]
        )
        return False
    return _keep(paper, name, content)


def _claim(kind: type[P], way: str, pk: int) -> P | None:
    """Take the row for the length of a lease; set it aside when it was taken too often."""
    with transaction.atomic():
        at = clock.instant()
        paper = (
            kind.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related(way)
            .filter(Q(claimed_at=None) | Q(claimed_at__lt=at - LEASE), pk=pk, state=PaperState.OWED)
            .first()
        )
        if paper is None:
            return None
        if paper.attempts >= MOST_ATTEMPTS:
            paper.state, paper.reason = (
                PaperState.QUARANTINED,
                paper.reason or "The worker stopped each time.",
            )
            paper.save(update_fields=["state", "reason", "updated_at"])
            return None
        paper.attempts += 1
        paper.claimed_at = at
        paper.save(update_fields=["attempts", "claimed_at", "updated_at"])
        return paper


def _keep(paper: P, name: str, content: bytes) -> bool:
    with transaction.atomic():
        held = type(paper).objects.select_for_update().get(pk=paper.pk)
        if held.state != PaperState.OWED or held.claimed_at != paper.claimed_at:
            return False
        held.document = store_generated(name, content, by=clock_account(), mark=Mark.BUSINESS_CONFIDENTIAL)
        held.state, held.reason = PaperState.MADE, ""
        held.save(update_fields=["document", "state", "reason", "updated_at"])
    return True


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


def package_facts(version: Version) -> dict[str, Any]:
    """What the PDF of a version prints: the frozen package and what stands in the version's own row."""
    package = version.value
    threshold = rules_of(version.proposal.call).us_content_threshold
    return {
        "package": package,
        "version": version,
        "proposal_number": version.proposal.number,
        "us_content": us_content(package.hardware, threshold=threshold),
        "names": {member.key: member.organization.legal_name for member in package.consortium.members},
        "verify_url": f"{settings.SITE_URL}/receipts/",
    }


def owed_papers(kind: type[ReceiptPaper | VersionPaper] = ReceiptPaper, *, most: int = 100) -> list[int]:
    """Keys of the papers that are still to be made and that nobody is making."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=clock.instant() - LEASE)
    rows = kind.objects.filter(free, state=PaperState.OWED).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:most])

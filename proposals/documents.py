"""The receipt as a PDF, made by a worker from the stored receipt and nothing else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from program import clock, pdf
from program.documents import store_generated
from program.enums import Mark
from program.services.people import clock_account
from proposals.enums import PaperState
from proposals.models import Receipt, ReceiptPaper

LEASE: Final = timedelta(minutes=3)
MOST_ATTEMPTS: Final = 3


def render_receipt(pk: int) -> bool:
    """Make one owed PDF; True when this call made it. Repeatable, and safe to run twice at once.

    The attempt is counted before the work begins, so that a document which kills its worker is set aside
    when it is taken for the fourth time.
    """
    paper = _claim(pk)
    if paper is None:
        return False
    receipt = paper.receipt
    try:
        content = pdf.render("pdf/receipt.html", facts_of(receipt), title=f"Receipt {receipt.number}")
    except pdf.PdfFailed as failure:
        state = PaperState.QUARANTINED if failure.permanent else PaperState.OWED
        ReceiptPaper.objects.filter(pk=pk, state=PaperState.OWED, claimed_at=paper.claimed_at).update(
            state=state, reason=str(failure.reason)[:300]
        )
        return False
    return _keep(paper, content)


def _claim(pk: int) -> ReceiptPaper | None:
    """Take the row for the length of a lease; set it aside when it was taken too often."""
    with transaction.atomic():
        at = clock.instant()
        paper = (
            ReceiptPaper.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("receipt")
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


def _keep(paper: ReceiptPaper, content: bytes) -> bool:
    with transaction.atomic():
        held = ReceiptPaper.objects.select_for_update().get(pk=paper.pk)
        if held.state != PaperState.OWED or held.claimed_at != paper.claimed_at:
            return False
        held.document = store_generated(
            f"{paper.receipt.number}.pdf", content, by=clock_account(), mark=Mark.BUSINESS_CONFIDENTIAL
        )
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


def owed_papers(*, most: int = 100) -> list[int]:
    """Keys of the papers that are still to be made and that nobody is making."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=clock.instant() - LEASE)
    rows = ReceiptPaper.objects.filter(free, state=PaperState.OWED).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:most])

"""How a proposal stands here, for the pages of its consortium: designation, open questions, corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Subquery
from django.urls import reverse

from evaluation.enums import (
    CatalogReleaseStatus,
    DeterminationStatus,
    InformationRequestStatus,
    Outcome,
)
from evaluation.models import (
    CatalogEntry,
    CatalogRelease,
    Designation,
    Determination,
    InformationRequest,
    Referral,
    Return,
)
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from proposals.standing import Correction, OpenQuestion, tells_standing

if TYPE_CHECKING:
    from proposals.standing import Standing


@tells_standing
def tell_designations(standings: dict[int, Standing], proposals: list[Proposal]) -> None:
    """The newest designation of each designated proposal."""
    asked = [row.pk for row in proposals if row.status == ProposalStatus.DESIGNATED]
    if not asked:
        return
    texts = CatalogRelease.objects.filter(designation=OuterRef("pk")).order_by("-number")
    entries = CatalogEntry.objects.filter(designation=OuterRef("pk"), withdrawn_at=None)
    newest = Subquery(texts.values("status")[:1])
    rows = Designation.objects.filter(proposal__in=asked)
    rows = rows.annotate(newest_text=newest, is_public=Exists(entries))
    for designation in rows.order_by("designated_at", "pk"):
        standing = standings[designation.proposal_id]
        standing.designation, standing.designation_status = designation.number, designation.status
        standing.reason = designation.status_reason
        standing.is_in_catalog = designation.is_public
        standing.owes_catalog_text = designation.newest_text == CatalogReleaseStatus.RETURNED or (
            designation.newest_text is None and not designation.is_public
        )
        standing.records = [designation]


@tells_standing
def tell_questions(standings: dict[int, Standing], proposals: list[Proposal]) -> None:
    """What the Government has asked and the consortium has not answered, the earliest date first."""
    drafts = (ProposalStatus.DRAFT, ProposalStatus.LAPSED)
    asked = [row.pk for row in proposals if row.status not in drafts]
    if not asked:
        return
    rows = InformationRequest.objects.filter(proposal__in=asked, status=InformationRequestStatus.OPEN)
    for row in rows.order_by("due_at", "pk"):
        url = f"{reverse('evaluation:questions', args=[row.proposal_id])}#question-{row.pk}"
        standings[row.proposal_id].questions.append(OpenQuestion(row.number, row.due_at, url))


@tells_standing
def tell_corrections(standings: dict[int, Standing], proposals: list[Proposal]) -> None:
    """The items that the newest return of each returned proposal names."""
    asked = [row.pk for row in proposals if row.status == ProposalStatus.RETURNED]
    if not asked:
        return
    for row in Return.objects.filter(proposal__in=asked).order_by("pk"):
        standing = standings[row.proposal_id]
        standing.note = row.note
        standing.corrections = [
            Correction(item["code"], item["title"], item["clause"], item["reason"]) for item in row.items
        ]


@tells_standing
def tell_evaluations(standings: dict[int, Standing], proposals: list[Proposal]) -> None:
    """The announced deferral of the decision, while nothing newer was announced, and the agencies' time.

    Of the agencies a consortium is told when the time of the last ends, whether it has answered or not, and
    that a clock is paused: neither of which agency, nor why.
    """
    asked = [row.pk for row in proposals if row.status == ProposalStatus.UNDER_EVALUATION]
    if not asked:
        return
    announced = Determination.objects.filter(proposal=OuterRef("pk"), status=DeterminationStatus.ANNOUNCED)
    newest = announced.order_by("-announced_at")[:1]
    consulted = Referral.objects.filter(version__proposal=OuterRef("pk")).current()
    last = consulted.order_by("-due_at")[:1]
    for pk, outcome, deferred_until, until, is_paused in Proposal.objects.filter(pk__in=asked).values_list(
        "pk",
        Subquery(newest.values("outcome")),
        Subquery(newest.values("defer_until")),
        Subquery(last.values("due_at")),
        Exists(consulted.filter(paused_at__isnull=False)),
    ):
        standing = standings[pk]
        standing.deferred_until = deferred_until if outcome == Outcome.DEFER else None
        standing.consulted_until, standing.is_clock_paused = until, is_paused

"""What waits for the Program office, counted and listed in one question that is written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q
from django.db.models.functions import JSONArray

from evaluation.enums import AmendmentStatus, DeterminationStatus
from evaluation.models import (
    CatalogRelease,
    ComplianceCheck,
    Condition,
    DesignationAmendment,
    Determination,
    Escalation,
    PartyCheck,
)
from evaluation.querysets import papers_of
from evaluation.services.papers import PAPERS
from program import clock
from program.enums import CallStatus, OfficeRole, PaperState, QuestionStatus
from program.models import Call, Question, User
from program.prepared import Prepared, Whoever
from program.tallies import tallied
from proposals.enums import ProposalStatus
from proposals.models import Proposal, TimeRequest

if TYPE_CHECKING:
    from django.db.models import QuerySet

SHOWN = 20


@Prepared
def waiting_for_officers() -> QuerySet[User, tuple[Any, ...]]:
    """Of an officer: counts of what waits, then what lists of the desk hold, from calls to intake.

    A draft waits for somebody else than its drafter, an approved call for whoever issues it.
    """
    officer: Any = Whoever(OfficeRole.PROGRAM_OFFICER)
    matches = PartyCheck.objects.visible_to(officer).newest().waiting().order_by()
    flags = ComplianceCheck.objects.visible_to(officer).of_last_versions().open().order_by()
    questions = Question.objects.visible_to(officer).filter(status=QuestionStatus.ASKED).order_by()
    requests = TimeRequest.objects.read_by_office(officer).to_answer().order_by()
    calls = Call.objects.visible_to(officer)
    drafts, approved = calls.filter(status=CallStatus.DRAFT), calls.filter(status=CallStatus.APPROVED)
    papers = [papers_of(kind, officer).filter(state=PaperState.QUARANTINED) for kind in PAPERS.values()]
    named = JSONArray("number", "title")
    handed_in = Proposal.objects.read_by_office(officer).filter(status=ProposalStatus.SUBMITTED)
    conditions = Condition.objects.visible_to(officer).open()
    deferred = (
        Determination.objects.visible_to(officer)
        .deferrals()
        .filter(defer_until__lte=clock.today_in_prepared())
    )
    come = JSONArray("proposal__number", "proposal__consortium__name", "defer_until")
    pending = JSONArray("designation__number", "number", "owner", "due_on")
    escalated = Escalation.objects.visible_to(officer).open()
    raised = JSONArray(
        "pk", "agency__display_name", "proposal__number", "proposal__consortium__name", "due_at"
    )
    texts = CatalogRelease.objects.visible_to(officer).waiting()
    released = JSONArray("designation__number", "title")
    determinations = Determination.objects.visible_to(officer)
    sent_back = determinations.filter(status=DeterminationStatus.DRAFT, clearance_asked_at=None)
    drafted = JSONArray("pk", "proposal__number", "proposal__consortium__name")
    amendments = DesignationAmendment.objects.visible_to(officer)
    amended = JSONArray("pk", "designation__number", "designation__proposal__consortium__name")
    amended_back = amendments.filter(status=AmendmentStatus.DRAFT, clearance_asked_at=None)
    return User.objects.filter(pk=officer.pk).values_list(
        tallied(matches),
        tallied(flags),
        tallied(questions),
        tallied(requests),
        *(tallied(rows) for rows in papers),
        ArraySubquery(
            drafts.exclude(created_by=officer.pk)
            .exclude(written_by=officer.pk)
            .order_by("pk")
            .values_list(named)[:SHOWN]
        ),
        ArraySubquery(
            calls.sent_back()
            .filter(Q(created_by=officer.pk) | Q(pk__in=calls.filter(written_by=officer.pk).values("pk")))
            .order_by("pk")
            .values_list(named)[:SHOWN]
        ),
        ArraySubquery(approved.order_by("pk").values_list(named)[:SHOWN]),
        ArraySubquery(conditions.order_by("due_on", "pk").values_list(pending)[:SHOWN]),
        ArraySubquery(deferred.order_by("defer_until", "pk").values_list(come)[:SHOWN]),
        ArraySubquery(escalated.order_by("due_at", "pk").values_list(raised)[:SHOWN]),
        ArraySubquery(texts.order_by("released_at", "pk").values_list(released)[:SHOWN]),
        ArraySubquery(
            determinations.to_clear()
            .exclude(written_by=officer.pk)
            .order_by("clearance_asked_at", "pk")
            .values_list(drafted)[:SHOWN]
        ),
        ArraySubquery(
            sent_back.filter(written_by=officer.pk)
            .exclude(clearance_note="")
            .order_by("pk")
            .values_list(drafted)[:SHOWN]
        ),
        ArraySubquery(
            amendments.to_clear()
            .exclude(written_by=officer.pk)
            .order_by("clearance_asked_at", "pk")
            .values_list(amended)[:SHOWN]
        ),
        ArraySubquery(
            amended_back.filter(written_by=officer.pk)
            .exclude(clearance_note="")
            .order_by("pk")
            .values_list(amended)[:SHOWN]
        ),
        ArraySubquery(
            handed_in.order_by("submitted_at").values_list(JSONArray("number", "consortium__name"))[:SHOWN]
        ),
    )

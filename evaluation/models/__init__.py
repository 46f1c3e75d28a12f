"""The records of the Government's side: what it checked, whom it asked, what it decided."""

from __future__ import annotations

from evaluation.models.amendments import ConditionChange, DesignationAmendment
from evaluation.models.compliance import ComplianceCheck, ComplianceDecision
from evaluation.models.consultation import (
    AnswerDraft,
    AnswerFile,
    ClockEvent,
    InformationRequest,
    Position,
    PositionDraft,
    Referral,
)
from evaluation.models.decisions import Decision
from evaluation.models.designations import CatalogEntry, CatalogRelease, CatalogText, Condition, Designation
from evaluation.models.determinations import (
    Announcement,
    Determination,
    Finding,
    Letter,
    LetterPaper,
    ObjectionAnswer,
    PacketPaper,
)
from evaluation.models.discussion import (
    DiscussionComment,
    DiscussionDraft,
    DiscussionRead,
    DiscussionText,
)
from evaluation.models.escalations import Escalation, EscalationEntry
from evaluation.models.ethics import ConflictCase, OfficialDeclaration
from evaluation.models.intake import CompletenessReview, Return
from evaluation.models.interests import Interest, InterestConfirmation
from evaluation.models.parties import NamedParty, VersionProfile
from evaluation.models.reviewers import ReviewerProfile, ReviewersNeeded
from evaluation.models.reviews import AgencyScore, Assignment, Conflict, Review, Score
from evaluation.models.screening import (
    Adjudication,
    ListChange,
    ListDifference,
    ListImport,
    PartyCheck,
    ScreeningEntry,
    ScreeningJob,
    ScreeningList,
    ScreeningRun,
)

__all__ = [
    "Adjudication",
    "AgencyScore",
    "Announcement",
    "AnswerDraft",
    "AnswerFile",
    "Assignment",
    "CatalogEntry",
    "CatalogRelease",
    "CatalogText",
    "ClockEvent",
    "CompletenessReview",
    "ComplianceCheck",
    "ComplianceDecision",
    "Condition",
    "ConditionChange",
    "Conflict",
    "ConflictCase",
    "Decision",
    "Designation",
    "DesignationAmendment",
    "Determination",
    "DiscussionComment",
    "DiscussionDraft",
    "DiscussionRead",
    "DiscussionText",
    "Escalation",
    "EscalationEntry",
    "Finding",
    "InformationRequest",
    "Interest",
    "InterestConfirmation",
    "Letter",
    "LetterPaper",
    "ListChange",
    "ListDifference",
    "ListImport",
    "NamedParty",
    "ObjectionAnswer",
    "OfficialDeclaration",
    "PacketPaper",
    "PartyCheck",
    "Position",
    "PositionDraft",
    "Referral",
    "Return",
    "Review",
    "ReviewerProfile",
    "ReviewersNeeded",
    "Score",
    "ScreeningEntry",
    "ScreeningJob",
    "ScreeningList",
    "ScreeningRun",
    "VersionProfile",
]

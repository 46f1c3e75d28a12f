"""The records of the consortium's side: who proposes, what, and what was received."""

from __future__ import annotations

from proposals.models.consortia import (
    AnchorOffer,
    Consent,
    Consortium,
    Holding,
    Invitation,
    Membership,
    TeamMember,
)
from proposals.models.extensions import Extension, TimeRequest
from proposals.models.parts import (
    Answer,
    ComplianceStatement,
    Component,
    OperatingRole,
    OutsideParty,
    Provision,
    Site,
    SupportRequest,
    TargetMarket,
)
from proposals.models.proposals import (
    Attachment,
    Marking,
    MaterialChange,
    PackageUpload,
    Proposal,
    ProposalGrant,
    Recusal,
    ReplacedFile,
    Upload,
)
from proposals.models.rechecks import Recheck
from proposals.models.submissions import (
    Certification,
    LostCertification,
    Receipt,
    ReceiptPaper,
    Version,
    VersionPaper,
)
from proposals.models.tables import TableImport
from proposals.models.together import Comment, RemovedRow

__all__ = [
    "AnchorOffer",
    "Answer",
    "Attachment",
    "Certification",
    "Comment",
    "ComplianceStatement",
    "Component",
    "Consent",
    "Consortium",
    "Extension",
    "Holding",
    "Invitation",
    "LostCertification",
    "Marking",
    "MaterialChange",
    "Membership",
    "OperatingRole",
    "OutsideParty",
    "PackageUpload",
    "Proposal",
    "ProposalGrant",
    "Provision",
    "Receipt",
    "ReceiptPaper",
    "Recheck",
    "Recusal",
    "RemovedRow",
    "ReplacedFile",
    "Site",
    "SupportRequest",
    "TableImport",
    "TargetMarket",
    "TeamMember",
    "TimeRequest",
    "Upload",
    "Version",
    "VersionPaper",
]

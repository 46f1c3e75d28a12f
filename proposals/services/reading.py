"""That a government office read a full proposal: the consortium can see which agency and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from program import audit

if TYPE_CHECKING:
    from program.models import AuditEvent, Document, User
    from proposals.models import Version

CLAUSE = "18 U.S.C. 1905"


def record_reading(version: Version, *, by: User, document: Document | None = None) -> AuditEvent | None:
    """Record that ``by`` read a version or one of its files; nothing for the consortium's own people."""
    if not by.is_government:
        return None
    agencies = ", ".join(sorted({agency for _, agency in by.offices_held}))
    what = {"version": version.number, "agencies": agencies}
    if document is not None:
        what["document"] = document.sha256
    return audit.record(version.proposal, "proposal.read", by=by, after=what, clause=CLAUSE)

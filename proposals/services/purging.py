"""What the clock removes because nobody went on with it leaves an event on the record of its proposal.

Nothing else is ever purged: what was submitted, said or decided stays, and so does the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from program import audit
from program.clock_account import clock_account

if TYPE_CHECKING:
    from program.models import AuditEvent, User
    from proposals.models import PackageUpload, TableImport, Upload


def tell_of_purge(held: Upload | PackageUpload | TableImport, what: str, owner: User) -> AuditEvent:
    """Say what is removed, whose it was and since when it waited; part of the transaction that removes it.

    Neither its name nor what stood in it: only its person could see it.
    """
    after: dict[str, Any] = {"removed": what, "of": owner.email, "since": held.created_at.isoformat()}
    return audit.record(held.proposal, "proposal.purge", by=clock_account(), after=after)

"""Ask for the PDF of a version: the row that owes it, and the message that makes it quick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from program import audit
from program.publish import after_commit
from program.transitions import require
from proposals.models import Version, VersionPaper

if TYPE_CHECKING:
    from program.models import User

CLAUSE = "E.O. 14320 s.3(b)"


@transaction.atomic
def ask_package_pdf(version: Version, *, by: User) -> VersionPaper:
    """Have the whole version set as a PDF, once for everybody who may read it; asked again nothing happens.

    One that could not be made stays set aside: the same version would fail again.
    """
    require("proposals.view_proposal", by, version.proposal)
    paper, is_new = VersionPaper.objects.get_or_create(version=version)
    if is_new:
        audit.record(
            version.proposal, "proposal.ask_pdf", by=by, after={"version": version.number}, clause=CLAUSE
        )
        after_commit("proposals.tasks.render_package", paper.pk)
    return paper

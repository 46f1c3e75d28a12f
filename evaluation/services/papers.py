"""PDFs that could not be made: they are owed once more, when whatever was in the way is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction

from evaluation.models import LetterPaper
from program import audit, papers
from program.publish import after_commit
from program.transitions import require
from proposals.models import ReceiptPaper, VersionPaper

if TYPE_CHECKING:
    from program.models import Paper, User

CLAUSE: Final = "E.O. 14320 s.3(b)"
#: By the words that their addresses use.
PAPERS: Final[dict[str, type[Paper]]] = {
    "receipt": ReceiptPaper,
    "package": VersionPaper,
    "letter": LetterPaper,
}


@transaction.atomic
def make_paper_again(paper: Paper, *, by: User) -> bool:
    """Owe a paper that was set aside once more; False, and nothing is done, when it no longer is."""
    require("evaluation.remake_paper", by, paper)
    if not papers.owe_again(paper):
        return False
    audit.record(paper.proposal, "proposal.remake_pdf", by=by, note=str(paper), clause=CLAUSE)
    after_commit(paper.task, paper.pk)
    return True

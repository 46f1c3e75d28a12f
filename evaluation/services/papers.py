"""PDFs of packets are asked for; those that could not be made are owed once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction

from evaluation.enums import DeterminationStatus
from evaluation.models import LetterPaper, PacketPaper
from evaluation.packets import packet_text, signature_of
from program import audit, papers
from program.canonical import sha256_hex
from program.publish import after_commit
from program.transitions import require
from proposals.models import ReceiptPaper, VersionPaper

if TYPE_CHECKING:
    from evaluation.models import Determination
    from program.models import Paper, User

CLAUSE: Final = "E.O. 14320 s.3(b)"
ORDER: Final = "E.O. 14320 s.3(d)"
#: By the words that their addresses use.
PAPERS: Final[dict[str, type[Paper]]] = {
    "receipt": ReceiptPaper,
    "package": VersionPaper,
    "letter": LetterPaper,
    "packet": PacketPaper,
}


@transaction.atomic
def ask_packet_pdf(determination: Determination, *, by: User) -> PacketPaper:
    """Have the packet set as a PDF, as it stands or as it was signed; asked for again nothing happens."""
    require("evaluation.view_determination", by, determination)
    body = packet_text(determination)
    paper, is_new = PacketPaper.objects.get_or_create(
        determination=determination,
        status=printed_as(determination),
        packet_sha256=sha256_hex(body),
        defaults={"body": body, "signature": signature_of(determination)},
    )
    if is_new:
        after = {"status": paper.status, "packet_sha256": paper.packet_sha256}
        audit.record(determination, "determination.ask_pdf", by=by, after=after, clause=ORDER)
        after_commit(paper.task, paper.pk)
    return paper


def paper_of_packet(determination: Determination, packet_sha256: str) -> PacketPaper | None:
    """The PDF of exactly this packet with the signature that it has now, if somebody asked for it."""
    rows = PacketPaper.objects.filter(determination=determination, packet_sha256=packet_sha256)
    return rows.filter(status=printed_as(determination)).select_related("document").defer("body").first()


def printed_as(determination: Determination) -> str:
    """The status by which a PDF of the packet is kept: what is announced stands as it was signed."""
    is_announced = determination.status == DeterminationStatus.ANNOUNCED
    return DeterminationStatus.SIGNED if is_announced else determination.status


@transaction.atomic
def make_paper_again(paper: Paper, *, by: User) -> bool:
    """Owe a paper that was set aside once more; False, and nothing is done, when it no longer is."""
    require("evaluation.remake_paper", by, paper)
    if not papers.owe_again(paper):
        return False
    audit.record(paper.proposal, "proposal.remake_pdf", by=by, note=str(paper), clause=CLAUSE)
    after_commit(paper.task, paper.pk)
    return True

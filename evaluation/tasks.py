"""Thin, repeatable wrappers that Celery runs; ids in, counts out."""

from __future__ import annotations

from celery import shared_task

from evaluation import documents, packets
from evaluation.models import LetterPaper, PacketPaper
from program import papers
from program.ticks import timely


@shared_task
def render_letter(paper_id: int) -> int:
    """Make the PDF of one letter; running it again makes nothing twice."""
    return int(documents.render_letter(paper_id))


@shared_task
def render_packet(paper_id: int) -> int:
    """Make the PDF of one packet; running it again makes nothing twice."""
    return int(packets.render_packet(paper_id))


@shared_task
def sweep_documents() -> int:
    """Make the PDFs that are still owed, letters first: the broker was away, a worker died."""
    owed = [(documents.render_letter, pk) for pk in papers.owed(LetterPaper)]
    owed += [(packets.render_packet, pk) for pk in papers.owed(PacketPaper)]
    return sum(render(pk) for render, pk in timely(owed))

"""Thin, repeatable wrappers that Celery runs; ids in, counts out."""

from __future__ import annotations

from celery import shared_task

from evaluation import documents
from evaluation.models import LetterPaper
from program import papers
from program.ticks import timely


@shared_task
def render_letter(paper_id: int) -> int:
    """Make the PDF of one letter; running it again makes nothing twice."""
    return int(documents.render_letter(paper_id))


@shared_task
def sweep_documents() -> int:
    """Make the PDFs that are still owed: the broker was away, a worker died."""
    return sum(documents.render_letter(pk) for pk in timely(papers.owed(LetterPaper)))

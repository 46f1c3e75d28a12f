"""Thin, repeatable wrappers that Celery runs; ids in, counts out."""

from __future__ import annotations

from celery import shared_task

from program import papers
from program.publish import after_commit
from program.ticks import timely
from proposals import documents, mail
from proposals.models import ReceiptPaper, VersionPaper


@shared_task
def render_receipt(paper_id: int) -> int:
    """Make the PDF of one receipt; running it again makes nothing twice."""
    return int(documents.render_receipt(paper_id))


@shared_task(soft_time_limit=documents.PACKAGE_SECONDS, time_limit=documents.PACKAGE_SECONDS + 10)
def render_package(paper_id: int) -> int:
    """Make the PDF of one version; running it again makes nothing twice."""
    return int(documents.render_package(paper_id))


@shared_task
def sweep_documents() -> int:
    """Make the receipts that are still owed, and send the packages on their way: the broker was away.

    Receipts come first; a package may be long and takes a task of its own.
    """
    made = sum(documents.render_receipt(pk) for pk in timely(papers.owed(ReceiptPaper)))
    for pk in papers.owed(VersionPaper, most=20):
        after_commit("proposals.tasks.render_package", pk)
    return made


@shared_task
def mail_invitation(invitation_id: int) -> int:
    """Send the mail of one invitation that is still owed."""
    return int(mail.mail_invitation(invitation_id))


@shared_task
def sweep_invitations() -> int:
    """Send the invitations that are still owed."""
    return sum(mail.mail_invitation(pk) for pk in timely(mail.owed_invitations()))

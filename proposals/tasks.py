"""Thin, repeatable wrappers that Celery runs; ids in, counts out."""

from __future__ import annotations

from celery import shared_task

from program.ticks import timely
from proposals import documents, mail


@shared_task
def render_receipt(paper_id: int) -> int:
    """Make the PDF of one receipt; running it again makes nothing twice."""
    return int(documents.render_receipt(paper_id))


@shared_task
def sweep_documents() -> int:
    """Make the PDFs that are still owed: the broker was away, a worker died."""
    return sum(documents.render_receipt(pk) for pk in timely(documents.owed_papers()))


@shared_task
def mail_invitation(invitation_id: int) -> int:
    """Send the mail of one invitation that is still owed."""
    return int(mail.mail_invitation(invitation_id))


@shared_task
def sweep_invitations() -> int:
    """Send the invitations that are still owed."""
    return sum(mail.mail_invitation(pk) for pk in timely(mail.owed_invitations()))

"""Files: what people upload and what the portal makes."""

from __future__ import annotations

import uuid
from functools import reduce
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from program.enums import Mark, PaperState, ScanState
from program.models.base import TimeStamped
from program.models.people import User
from program.models.words import NOT_KEPT


def private_path(document: Document, filename: str) -> str:
    """A random name: nothing a person typed becomes part of a path."""
    name = uuid.uuid4().hex
    return f"documents/{name[:2]}/{name}"


class Document(TimeStamped):
    """A stored file by its SHA-256; its bytes never change, a new file is a new row.

    Who may read it follows from the record that points to it.
    """

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10)
    content_type = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    sha256 = models.CharField("SHA-256", max_length=64)
    file = models.FileField(upload_to=private_path, max_length=200)
    scan_state = models.CharField(max_length=12, choices=ScanState, default=ScanState.NOT_SCANNED)
    mark = models.CharField(max_length=24, choices=Mark, default=Mark.BUSINESS_CONFIDENTIAL)
    justification = models.TextField(blank=True, help_text="Why it is business confidential.")
    is_generated = models.BooleanField(default=False, editable=False)
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    scan_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    scan_claimed_at = models.DateTimeField(null=True, editable=False)
    scanned_at = models.DateTimeField(null=True, editable=False)
    scan_note = models.CharField(max_length=200, blank=True, editable=False)
    released_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        help_text="Who lets it be handed out although it was not scanned.",
    )
    released_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="document_hash_form",
                violation_error_message=NOT_KEPT,
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"),
            ),
            models.CheckConstraint(
                name="document_released_by_somebody",
                violation_error_message=NOT_KEPT,
                condition=Q(released_at=None, released_by=None) | ~Q(released_at=None) & ~Q(released_by=None),
            ),
        ]
        indexes = [
            models.Index(name="document_by_hash", fields=["sha256"]),
            models.Index(
                name="document_to_scan",
                fields=["id"],
                condition=Q(scan_state__in=["pending", "not_scanned"], is_generated=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Paper(TimeStamped):
    """The making of a PDF from a stored record: owed until it is made, counted before each risky attempt.

    ``program.papers`` is its machine. Each kind says by which lookup its proposal is found (that fetches the
    record it prints, too), which fields are the ``texts`` that no list needs, which ``task`` makes it, and
    which ``mark`` its file bears.
    """

    proposal_by: ClassVar[str]
    texts: ClassVar[tuple[str, ...]]
    task: ClassVar[str]
    mark: ClassVar[Mark] = Mark.BUSINESS_CONFIDENTIAL

    state = models.CharField(max_length=12, choices=PaperState, default=PaperState.OWED)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    document = models.ForeignKey(Document, models.PROTECT, null=True, related_name="+")

    class Meta:
        abstract = True

    @property
    def is_made(self) -> bool:
        return self.state == PaperState.MADE

    @property
    def stage(self) -> str:
        """What a page says of it: ``waiting`` for a worker, being ``set``, else its state."""
        if self.state != PaperState.OWED:
            return self.state
        return "set" if self.claimed_at else "waiting"

    @property
    def proposal(self) -> Any:
        """The proposal whose record it prints."""
        return reduce(getattr, self.proposal_by.split("__"), self)

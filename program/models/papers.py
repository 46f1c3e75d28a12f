"""Files: what people upload and what the portal makes."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from program.enums import Mark, ScanState
from program.models.base import TimeStamped
from program.models.people import User


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

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="document_hash_form", condition=Q(sha256__regex=r"^[0-9a-f]{64}$"))
        ]
        indexes = [models.Index(name="document_by_hash", fields=["sha256"])]

    def __str__(self) -> str:
        return self.name

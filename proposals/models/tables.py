"""Tables of components that somebody has read in and not yet taken over."""

from __future__ import annotations

from django.db import models

from program.enums import StackLayer
from program.models import AuditEvent, TimeStamped, User
from proposals.models.proposals import Proposal


class TableImport(TimeStamped):
    """A table as its reader was shown what it would change; it is taken over once, and only as shown.

    ``lines`` are the rows as texts, emptied when they are taken over. Only who read it in sees it.
    """

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="table_imports", editable=False)
    layer = models.CharField(max_length=12, choices=StackLayer, editable=False)
    source = models.CharField(max_length=200, editable=False, help_text="Name of the file, or empty: pasted.")
    sha256 = models.CharField(max_length=64, editable=False)
    lines = models.JSONField(default=list, editable=False)
    read_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    event = models.ForeignKey(AuditEvent, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(name="table_of_person", fields=["proposal", "read_by"])]

    def __str__(self) -> str:
        return self.source or "The pasted table"

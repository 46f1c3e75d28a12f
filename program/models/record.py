"""The record: append-only audit events, a hash chain per subject, hourly seals over all of them."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from django.db import models

from program.models.people import Delegation, User
from program.querysets import AuditEventQuerySet

#: What a page shows for an event whose text somebody destroyed: the page stands, the event says what it lost.
UNREADABLE: Final = {
    "act": "", "actor": "", "after": {}, "before": {}, "clause": "", "delegation": "", "standing": "",
    "note": "The text of this event cannot be read. An auditor has to verify the record.",
}  # fmt: skip


def parse_body(body: str) -> dict[str, Any] | None:
    """What the text of an event says; None when it is no JSON object."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


class AuditEvent(models.Model):
    """One act: who, in which standing, on what, under which clause, before and after.

    ``body`` is canonical JSON (RFC 8785) of all that the event says; ``digest`` is the SHA-256, in
    hexadecimal, of the previous event's digest of the same subject followed by ``body``. The other columns
    repeat parts of ``body`` for search and are checked against it. A trigger refuses update and delete.
    """

    append_only: ClassVar[bool] = True

    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=40)
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField(help_text="The database's clock when the event was written.")
    act = models.CharField(max_length=80)
    actor = models.ForeignKey(User, models.PROTECT, related_name="+")
    delegation = models.ForeignKey(Delegation, models.PROTECT, null=True, related_name="+")
    clause = models.CharField(max_length=60, blank=True)
    request_id = models.CharField(max_length=40, blank=True)
    body = models.TextField()
    digest = models.CharField(max_length=64)
    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="event_chain_position_once", fields=["subject_type", "subject_id", "sequence"]
            ),
        ]
        indexes = [
            models.Index(name="event_by_actor", fields=["actor", "-id"]),
            models.Index(name="event_by_act", fields=["act", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.act} #{self.sequence} of {self.subject_type} {self.subject_id}"

    @property
    def said(self) -> dict[str, Any]:
        """What ``body`` says, by the names of `program.audit.record`, for a page; never for verification."""
        return parse_body(self.body) or dict(UNREADABLE)


class Seal(models.Model):
    """The Merkle root over all events after the previous seal, up to and including ``last_event``."""

    append_only: ClassVar[bool] = True

    made_at = models.DateTimeField()
    after_event = models.BigIntegerField(help_text="The last event of the seal before; 0 for the first seal.")
    last_event = models.BigIntegerField(unique=True)
    event_count = models.PositiveIntegerField()
    root = models.CharField(max_length=64)

    class Meta:
        ordering = ["last_event"]

    def __str__(self) -> str:
        return f"Seal up to event {self.last_event}"


class Verification(models.Model):
    """That somebody asked whether the record is whole, how far the walk over it is, and what it found.

    ``walk`` is what ``program.audit.Walk`` keeps between two batches; ``finished_at`` comes with the last.
    """

    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, editable=False)
    walk = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Verification {self.pk}"

"""What three officials decide in writing: one writes, another clears exactly that, a third signs it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from evaluation.enums import LONGEST_TEXT
from program.canonical import canonical_json, sha256_hex
from program.models import Delegation, Revised, User
from program.models.words import NOT_KEPT
from proposals.models.fields import PlainTextField

DIGEST = r"^[0-9a-f]{64}$"


class Decision(Revised):
    """A draft that is cleared and then signed: a determination, or the amendment of a designation.

    A clearance is of one text, that with ``cleared_sha256``. What was signed is kept in the field that
    ``keeps`` names, with its hash beside it.
    """

    keeps: ClassVar[str]
    page_name: ClassVar[str]
    status: str

    prepared_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    written_by = models.ManyToManyField(
        User, related_name="+", editable=False, help_text="Everybody who has worked on the draft."
    )
    clearance_asked_at = models.DateTimeField(null=True, editable=False)
    cleared_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    cleared_at = models.DateTimeField(null=True, editable=False)
    cleared_sha256 = models.CharField(
        "SHA-256 of what was cleared", max_length=64, blank=True, default="", db_default="", editable=False
    )
    clearance_note = PlainTextField(
        blank=True, default="", db_default="", editable=False, longest=LONGEST_TEXT,
        help_text="Why the draft was sent back, or is not cleared any more.",
    )  # fmt: skip
    signed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    delegation = models.ForeignKey(Delegation, models.PROTECT, null=True, related_name="+", editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)
    recalled_at = models.DateTimeField(null=True, editable=False)
    recall_reason = PlainTextField(blank=True, editable=False, longest=LONGEST_TEXT)
    announced_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def in_words(self) -> str:
        """What it is and of what, such as "determination on AIX-2026-00014"."""
        raise NotImplementedError

    @property
    def page(self) -> str:
        return reverse(self.page_name, args=[self.pk])

    def with_clearance(self, facts: dict[str, Any]) -> dict[str, Any]:
        """``facts`` as they were compiled, with the clearance that was given on exactly them, or none."""
        digest = sha256_hex(canonical_json(facts))
        by, at = self.cleared_by, self.cleared_at
        if by is None or at is None or self.cleared_sha256 != digest:
            return {**facts, "clearance": None}
        cleared = {"cleared_by": by.name, "title": by.title, "cleared_at": at.isoformat()}
        return {**facts, "clearance": {**cleared, f"{self.keeps}_sha256": digest}}

    @property
    def is_draft(self) -> bool:
        return self.status == "draft"


def by_three_officials(noun: str) -> list[models.BaseConstraint]:
    """Of a ``Decision``: that its writer, its clearer and its signer are three, and a clearance is whole."""
    return [
        models.CheckConstraint(
            name=f"{noun}_signed_by_another",
            violation_error_message=f"Who prepared the {noun} does not sign it.",
            condition=Q(signed_by=None) | ~Q(signed_by=F("prepared_by")),
        ),
        models.CheckConstraint(
            name=f"{noun}_cleared_by_another",
            violation_error_message=f"Who clears the {noun} has neither prepared nor signed it.",
            condition=Q(cleared_by=None)
            | (~Q(cleared_by=F("prepared_by")) & (Q(signed_by=None) | ~Q(cleared_by=F("signed_by")))),
        ),
        models.CheckConstraint(
            name=f"{noun}_clearance_whole",
            violation_error_message=NOT_KEPT,
            condition=Q(cleared_by=None, cleared_at=None, cleared_sha256="")
            | Q(cleared_by__isnull=False, cleared_at__isnull=False, cleared_sha256__regex=DIGEST),
        ),
    ]

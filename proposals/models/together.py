"""What many hands leave beside the package: comments, and rows that were taken out and can come back."""

from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q

from program.models import TimeStamped, User
from program.models.words import NOT_KEPT
from proposals.enums import Part
from proposals.models.fields import PlainTextField, plain_text
from proposals.models.proposals import Proposal
from proposals.querysets import CommentQuerySet, RemovedRowQuerySet

LONGEST_COMMENT = 4000


class Comment(TimeStamped):
    """A remark of the consortium's people on a part, a row or a field of the working copy, or a reply to one.

    It is no part of the package: no version, file or page of the Government holds it. A reply stands in
    the place of the comment it answers; only that one is assigned and resolved.
    """

    is_household: ClassVar[bool] = True

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="comments", editable=False)
    part = models.CharField(max_length=20, choices=Part, editable=False)
    row_key = models.CharField(max_length=60, blank=True, editable=False)
    field = models.CharField(max_length=60, blank=True, editable=False)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="replies", editable=False)
    text = PlainTextField(validators=[MaxLengthValidator(LONGEST_COMMENT)])
    author = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    assigned_to = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="comments_to_answer", editable=False
    )
    mentions = models.ManyToManyField(User, related_name="+", editable=False)
    resolved_at = models.DateTimeField(null=True, editable=False)
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="comment_resolved_by_somebody",
                violation_error_message=NOT_KEPT,
                condition=Q(resolved_at=None, resolved_by=None)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="reply_is_no_task",
                violation_error_message="A reply is given to nobody; give the comment itself to somebody.",
                condition=Q(parent=None) | Q(assigned_to=None, resolved_at=None),
            ),
        ]
        indexes = [
            models.Index(
                name="comment_open", fields=["proposal"], condition=Q(parent=None, resolved_at=None)
            ),
            models.Index(
                name="comment_to_answer", fields=["assigned_to"], condition=Q(parent=None, resolved_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"Comment {self.pk}"

    @property
    def key(self) -> str:
        """What names it on a page."""
        return f"comment-{self.pk}"


class RemovedRow(TimeStamped):
    """A row that was taken out of the working copy, as it was, until it comes back or the draft ends.

    ``content`` holds the columns of the row and of the rows that went with it, the row itself first; it is
    empty for a file, whose attachment stays in its table with the moment of its removal.
    """

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="removed_rows", editable=False)
    part = models.CharField(max_length=20, choices=Part, editable=False)
    key = models.CharField(max_length=60, editable=False)
    name = models.CharField(max_length=400, editable=False, validators=[plain_text])
    content = models.JSONField(default=list, encoder=DjangoJSONEncoder, editable=False)
    removed_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    removed_at = models.DateTimeField(editable=False)
    objects = RemovedRowQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(name="row_removed_once", fields=["proposal", "key"])]

    def __str__(self) -> str:
        return self.name

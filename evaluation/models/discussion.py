"""What the Government's people say to each other about a proposal while it is evaluated, and who reads it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from evaluation.enums import LONGEST_COMMENT, LONGEST_PLACE, Grade
from evaluation.querysets.discussion import DiscussionCommentQuerySet, DiscussionTextQuerySet
from program.models import Agency, Criterion, Revised, User
from program.models.words import NOT_KEPT
from proposals.enums import Part
from proposals.models import Proposal, Version
from proposals.models.fields import PlainTextField, plain_text


class DiscussionComment(models.Model):
    """A comment of somebody who takes part in the evaluation, 5 U.S.C. 552(b)(5); what it says are its texts.

    ``agency`` is the agency to which it is said, ``party`` the person with whom the Program office speaks.
    ``thread`` is the comment that began it all, ``answers`` the one that this answers.
    """

    append_only: ClassVar[bool] = True
    proposal_path: ClassVar[str] = "version__proposal"
    is_deliberative: ClassVar[bool] = True

    version = models.ForeignKey(Version, models.PROTECT, related_name="discussion", editable=False)
    thread = models.ForeignKey("self", models.PROTECT, null=True, related_name="below", editable=False)
    answers = models.ForeignKey("self", models.PROTECT, null=True, related_name="answered_by", editable=False)
    grade = models.CharField(max_length=16, choices=Grade, editable=False)
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+", editable=False)
    party = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    part = models.CharField(max_length=20, choices=Part, blank=True, editable=False)
    criterion = models.ForeignKey(Criterion, models.PROTECT, null=True, related_name="+", editable=False)
    reviews_of = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+", editable=False)
    place = models.CharField(max_length=LONGEST_PLACE, blank=True, validators=[plain_text], editable=False)
    author = models.ForeignKey(User, models.PROTECT, related_name="discussion_comments", editable=False)
    standing = models.TextField(blank=True, editable=False, help_text="The author's offices at that time.")
    mentions = models.ManyToManyField(User, related_name="+", editable=False)
    sent_as = models.UUIDField(unique=True, editable=False, help_text="Of the form, which is sent once.")
    at = models.DateTimeField(editable=False)
    objects = DiscussionCommentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="comment_says_to_whom",
                violation_error_message=NOT_KEPT,
                condition=Q(grade="own_agency", agency__isnull=False, party=None)
                | Q(grade="all_agencies", agency=None, party=None)
                | Q(grade="program_office", agency=None, party__isnull=False),
            ),
            models.CheckConstraint(
                name="comment_about_one_thing",
                violation_error_message=NOT_KEPT,
                condition=Q(criterion=None, reviews_of=None)
                | Q(part="", reviews_of=None)
                | Q(part="", criterion=None),
            ),
            models.CheckConstraint(
                name="comment_on_reviews_not_for_all",
                violation_error_message=NOT_KEPT,
                condition=Q(reviews_of=None) | ~Q(grade="all_agencies"),
            ),
            models.CheckConstraint(
                name="answer_stands_in_a_thread",
                violation_error_message=NOT_KEPT,
                condition=Q(thread=None, answers=None) | Q(thread__isnull=False, answers__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Comment {self.pk}"

    @property
    def proposal(self) -> Proposal:
        return self.version.proposal

    @property
    def begun_by(self) -> int:
        """The key of the comment with which the thread began."""
        return self.thread_id or self.pk

    @property
    def room(self) -> str:
        """Who reads it, in words."""
        words = self.get_grade_display()
        if self.agency:
            return f"{words}, {self.agency}"
        if self.party and self.party_id != self.author_id:
            return f"{words} and {self.party}"
        return f"{words} and its author" if self.party else words

    @property
    def about(self) -> str:
        """The part, criterion or reviews that it is about, and the place there; empty for the whole."""
        what = self.get_part_display() if self.part else ""
        if self.criterion:
            what = f"Criterion: {self.criterion.title}"
        if self.reviews_of:
            what = f"Reviews of {self.reviews_of}"
        return ", ".join(filter(None, [what, self.place]))


class DiscussionText(models.Model):
    """What a comment says: the last text stands, the others are kept. A withdrawal is one without words."""

    append_only: ClassVar[bool] = True

    comment = models.ForeignKey(DiscussionComment, models.PROTECT, related_name="texts", editable=False)
    number = models.PositiveSmallIntegerField(editable=False)
    text = PlainTextField(blank=True, longest=LONGEST_COMMENT)
    is_withdrawal = models.BooleanField(default=False, editable=False)
    at = models.DateTimeField(editable=False)
    objects = DiscussionTextQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                name="text_once_per_number", violation_error_message=NOT_KEPT, fields=["comment", "number"]
            ),
            models.CheckConstraint(
                name="text_has_words_or_withdraws",
                violation_error_message="Write what you want to say.",
                condition=Q(is_withdrawal=True, text="") | Q(is_withdrawal=False) & ~Q(text=""),
            ),
        ]

    def __str__(self) -> str:
        return f"Text {self.number} of {self.comment}"

    @property
    def revision(self) -> int:
        return self.number


class DiscussionRead(models.Model):
    """That a person has marked a text as read; what is not, is new to them."""

    append_only: ClassVar[bool] = True

    text = models.ForeignKey(DiscussionText, models.PROTECT, related_name="reads", editable=False)
    person = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="text_read_once", violation_error_message=NOT_KEPT, fields=["text", "person"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.text}, read by {self.person}"


class DiscussionDraft(Revised):
    """What a person writes of a comment, an answer or an edit until it is sent; theirs alone.

    ``seen`` is the number of the text that an edit changes, as it stood when the edit was begun.
    """

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="+", editable=False)
    person = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    answers = models.ForeignKey(
        DiscussionComment, models.PROTECT, null=True, related_name="+", editable=False
    )
    edits = models.ForeignKey(DiscussionComment, models.PROTECT, null=True, related_name="+", editable=False)
    seen = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    room = models.CharField(max_length=40, blank=True)
    about = models.CharField(max_length=40, blank=True)
    place = models.CharField(max_length=LONGEST_PLACE, blank=True, validators=[plain_text])
    text = PlainTextField(blank=True, longest=LONGEST_COMMENT)
    mentions = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="discussion_draft_once",
                violation_error_message=NOT_KEPT,
                fields=["proposal", "person", "answers", "edits"],
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"Draft of a comment on {self.proposal}"

    @property
    def saved_by(self) -> User:
        return self.person

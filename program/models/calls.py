"""The public call for proposals, E.O. 14320 s.3(b)-(c), and everything that belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from program.deadlines import Period, Unit
from program.enums import (
    LONGEST_CALL,
    LONGEST_NOTICE,
    AmendmentKind,
    CallStatus,
    CallType,
    DayUnit,
    EvidenceType,
    PartOfCall,
    QuestionStatus,
    StackLayer,
)
from program.models.base import Dated, Revised, Sourced, TimeStamped
from program.models.fields import DayColumn, TextColumn
from program.models.papers import Document
from program.models.people import Agency, User
from program.models.words import NOT_KEPT
from program.querysets import (
    CallFileQuerySet,
    CallQuerySet,
    QuestionQuerySet,
    RequirementQuerySet,
    SubscriptionQuerySet,
)
from program.texts import lines_of

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_CHOICE: Final = 200
STATED: Final = "program policy, stated in the call"
CODE_TAKEN: Final = "code-taken"


class Call(Revised):
    """A public call for proposals; from its issue on, its text and its clock are public.

    ``day_90``, ``due_on`` and ``closes_at`` are computed once, when the call is issued, and changed only by
    an extension with a recorded reason; ``closes_at`` is exclusive. A draft has no ``issued_at``.
    """

    number = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=200)
    call_type = models.CharField(max_length=12, choices=CallType, default=CallType.PRE_SET)
    status = models.CharField(max_length=12, choices=CallStatus, default=CallStatus.DRAFT, editable=False)
    summary = models.TextField(help_text="Two or three plain sentences for the list of calls.")
    text = TextColumn(help_text="The call as it will be published.", blank=True, longest=LONGEST_CALL)

    fr_citation = models.CharField("Federal Register citation", max_length=100, blank=True)
    fr_published_on = DayColumn("published in the Federal Register on", null=True, blank=True)
    no_fr_reason = models.TextField("why there is no Federal Register citation", blank=True)

    rolls_forward = models.BooleanField(
        "move the deadline off a weekend or holiday",
        default=True,
        help_text="To the next federal business day, by the method of 1 CFR 18.17(b).",
    )
    set_due_on = DayColumn(
        "last day, when set by the officer",
        null=True,
        blank=True,
        help_text="Leave empty to use the 90th day. An earlier day needs no reason; a later one does.",
    )
    set_due_reason = models.TextField("reason for the set day", blank=True)
    cure_days = models.PositiveSmallIntegerField(
        "days to correct a returned proposal after closing",
        default=10,
        validators=[MaxValueValidator(90)],
        help_text="Program policy; no source states a figure.",
    )
    cure_unit = models.CharField(
        "days to correct are counted in",
        max_length=8,
        choices=DayUnit,
        default=DayUnit.CALENDAR,
        db_default=DayUnit.CALENDAR,
    )
    consultation_days = models.PositiveSmallIntegerField(
        "days for each agency's position",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(180)],
        help_text="From acceptance. Program policy; no source states a figure.",
    )
    consultation_unit = models.CharField(
        "days for a position are counted in",
        max_length=8,
        choices=DayUnit,
        default=DayUnit.CALENDAR,
        db_default=DayUnit.CALENDAR,
        help_text="Federal holidays, and closures that count as holidays, are no business days.",
    )
    escalation_days = models.PositiveSmallIntegerField(
        "days to settle the objection of an agency",
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(180)],
        help_text="Calendar days from the objection; the determination does not wait for it. Program policy; "
        "no source states a figure.",
    )
    question_rounds = models.PositiveSmallIntegerField(
        "rounds of questions to one consortium, at most",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text="Leave empty for no limit. A round is what is asked until every open question is answered. "
        "Program policy; no source states a figure.",
    )
    check_max_age_days = models.PositiveSmallIntegerField(
        "days a party check stays good for a determination",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )
    us_content_presumption = models.DecimalField(
        "U.S. content at which the presumption holds, percent",
        max_digits=5,
        decimal_places=2,
        default=51,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Of the aggregate value of the hardware layer; a presumption, not a floor.",
    )
    anchor_must_be_us = models.BooleanField("the anchor must be a U.S. company", default=False)

    control_number = models.CharField(
        "OMB control number",
        max_length=9,
        blank=True,
        validators=[RegexValidator(r"^\d{4}-\d{4}$", "An OMB control number has the form 0000-0000.")],
    )
    control_expires_on = DayColumn("OMB control number expires on", null=True, blank=True)
    no_control_reason = models.TextField("why there is no valid OMB control number", blank=True)
    burden_hours = models.PositiveSmallIntegerField("estimated hours to apply", default=40)
    certification_text = models.TextField(blank=True)
    certification_version = models.CharField(max_length=20, default="1")
    privacy_text = TextColumn("privacy notice", blank=True, default="", db_default="", longest=LONGEST_NOTICE)
    confidentiality_text = TextColumn(
        "notice on confidential business information", blank=True, default="", db_default="",
        longest=LONGEST_NOTICE,
    )  # fmt: skip

    issued_at = models.DateTimeField(null=True, editable=False)
    issued_on = models.DateField(null=True, editable=False)
    day_90 = models.DateField(null=True, editable=False)
    due_on = models.DateField(null=True, editable=False)
    closes_at = models.DateTimeField(null=True, editable=False)
    rule_text = models.TextField(editable=False, blank=True)
    rule_citation = models.CharField(max_length=200, editable=False, blank=True)
    closed_at = models.DateTimeField(null=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, editable=False)
    cancel_reason = models.TextField(editable=False, blank=True, db_default="")

    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    written_by = models.ManyToManyField(
        User,
        related_name="+",
        editable=False,
        help_text="Who changed the draft since: none of them approves it.",
    )
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = [F("issued_at").desc(nulls_first=True), "-pk"]
        permissions = [
            (f"{verb}_call", verb)
            for verb in ("approve", "issue", "amend", "extend", "close", "cancel", "discard")
        ]
        constraints = [
            models.CheckConstraint(
                name="call_clock_stated_once_issued",
                violation_error_message=NOT_KEPT,
                condition=Q(status__in=["draft", "approved"])
                | Q(status="cancelled")
                | Q(
                    issued_at__isnull=False,
                    issued_on__isnull=False,
                    due_on__isnull=False,
                    closes_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="call_approved_by_another",
                violation_error_message="Who drafted the call does not approve it.",
                condition=Q(approved_by=None) | ~Q(approved_by=F("created_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.title}"

    @property
    def is_discarded(self) -> bool:
        """Whether it was given up as a draft; a call that was issued is cancelled instead."""
        return self.status == CallStatus.CANCELLED and self.issued_at is None

    @property
    def cure_period(self) -> Period:
        """The time to correct a returned proposal; without a day it ends with the day of the return."""
        unit = Unit(self.cure_unit) if self.cure_days else Unit.CALENDAR
        return Period(self.cure_days, unit, rolls_forward=self.rolls_forward, citation=STATED)

    @property
    def consultation_period(self) -> Period:
        """The time that each agency has for its position."""
        return Period(self.consultation_days, Unit(self.consultation_unit), citation=STATED)

    def takes_submissions(self, *, at: datetime) -> bool:
        """Whether a package that is received at ``at`` is in time, s.3(c)."""
        return self.closes_at is not None and at < self.closes_at and self.cancelled_at is None

    def clean(self) -> None:
        if self.set_due_on and self.issued_on and self.set_due_on < self.issued_on:
            raise ValidationError({"set_due_on": "The last day cannot come before the day of issue."})


class CallPart(models.Model):
    """A row of a call that several officers may edit while it is a draft; each save names its revision."""

    revision = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        abstract = True


class Requirement(Sourced, CallPart):
    """Something a proposal under a call must give, with the clause that demands it.

    An amendment never changes the words of a row: it ends one and begins another with the same code, at once
    or on a later day. Until that day it may be replaced or taken back: a row that never came ends when it
    begins. What a version was submitted under are the rows that were demanded when it was received.

    ``code`` of a PACKAGE requirement names the check in ``proposals/checks.py`` that decides it.
    """

    call = models.ForeignKey(Call, models.CASCADE, related_name="requirements")
    code = models.SlugField(max_length=40)
    title = models.CharField(max_length=200)
    guidance = models.TextField(blank=True)
    clause = models.CharField(max_length=60, help_text="Such as E.O. 14320 s.3(b)(i)(A).")
    is_mandatory = models.BooleanField(default=True)
    evidence_type = models.CharField(max_length=10, choices=EvidenceType, default=EvidenceType.PACKAGE)
    choices = models.TextField(blank=True, help_text="For a choice: one a line.")
    max_characters = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    sort_order = models.PositiveSmallIntegerField(default=0)
    added_by = models.ForeignKey(
        "program.Amendment", models.PROTECT, null=True, editable=False, related_name="added"
    )
    withdrawn_by = models.ForeignKey(
        "program.Amendment", models.PROTECT, null=True, editable=False, related_name="withdrawn"
    )
    demanded_from = models.DateTimeField(null=True, editable=False, help_text="Empty: since the issue.")
    demanded_to = models.DateTimeField(null=True, editable=False, help_text="Not included. Empty: still.")
    objects = RequirementQuerySet.as_manager()

    class Meta:
        ordering = ["sort_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="requirement_code_once",
                violation_error_message="The call has a requirement with this code already.",
                violation_error_code=CODE_TAKEN,
                fields=["call", "code"],
                condition=Q(demanded_to=None),
            ),
            models.CheckConstraint(
                name="requirement_ends_after_it_began",
                violation_error_message=NOT_KEPT,
                condition=Q(demanded_to=None)
                | Q(demanded_from=None)
                | Q(demanded_to__gte=F("demanded_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.clause})"

    @property
    def offered(self) -> list[str]:
        """What can be chosen, as it is written; nothing where the answer is no choice."""
        return lines_of(self.choices) if self.evidence_type == EvidenceType.CHOICE else []

    def clean(self) -> None:
        if found := wrong_choices(self.offered):
            raise ValidationError({"choices": found})

    def is_demanded(self, at: datetime) -> bool:
        """Whether the call demands it at the moment ``at``."""
        began = self.demanded_from is None or self.demanded_from <= at
        return began and (self.demanded_to is None or at < self.demanded_to)


def wrong_choices(choices: list[str]) -> list[str]:
    """What is wrong with the choices of a requirement: two that read alike, one too long to be kept."""
    found: list[str] = []
    seen: dict[str, str] = {}
    for choice in choices:
        alike = " ".join(choice.casefold().split())
        if alike in seen:
            found.append(f"“{seen[alike]}” and “{choice}” are one choice. Take one of them out.")
        seen.setdefault(alike, choice)
        if len(choice) > LONGEST_CHOICE:
            found.append(f"Shorten “{choice[:40]}…” to {LONGEST_CHOICE} characters.")
    return found


class Criterion(CallPart):
    """One line of a call's rubric; ``weight`` in percent, an independent one stands outside the total."""

    call = models.ForeignKey(Call, models.CASCADE, related_name="criteria")
    code = models.SlugField(max_length=40)
    title = models.CharField(max_length=200)
    guidance = models.TextField(blank=True)
    clause = models.CharField(max_length=60, blank=True)
    weight = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(100)])
    is_independent = models.BooleanField(default=False)
    lowest = models.SmallIntegerField(default=1)
    highest = models.SmallIntegerField(default=5)
    anchors = models.JSONField(
        default=dict, blank=True, help_text='Words for values: {"1": "...", "5": "..."}'
    )
    sort_order = models.PositiveSmallIntegerField(default=0)
    agencies = models.ManyToManyField(
        Agency,
        blank=True,
        related_name="+",
        help_text="Only the reviewers of these agencies score it. None: those of every agency.",
    )

    class Meta:
        ordering = ["sort_order", "pk"]
        verbose_name_plural = "criteria"
        constraints = [
            models.UniqueConstraint(
                name="criterion_code_once",
                violation_error_message="The call has a criterion with this code already.",
                violation_error_code=CODE_TAKEN,
                fields=["call", "code"],
            ),
            models.CheckConstraint(
                name="criterion_scale_rises",
                violation_error_message="The highest value must be above the lowest.",
                condition=Q(highest__gt=F("lowest")),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def is_asked_of(self, agency: Agency) -> bool:
        """Whether the reviewers of ``agency`` score it; of rows read with their agencies, asks nothing."""
        asked = self.agencies.all()
        return not asked or agency in asked

    def clean(self) -> None:
        if outside := self.outside_scale(self.anchors):
            raise ValidationError(self.words_of_outside(outside))

    def outside_scale(self, anchors: dict[str, str]) -> list[str]:
        """The values with words that cannot be given: they lie outside the scale."""
        return [value for value in anchors if not self.lowest <= int(value) <= self.highest]

    def words_of_outside(self, values: list[str]) -> str:
        said = ", ".join(values)
        return f"The scale goes from {self.lowest} to {self.highest}: take out the words for {said}."


class CallFile(TimeStamped):
    """A file that belongs to a call: put there while it is a draft, public from its issue on.

    After the issue an amendment adds a file, or takes it from the call's list: then it stays readable there.
    """

    call = models.ForeignKey(Call, models.PROTECT, related_name="files")
    document = models.ForeignKey(Document, models.PROTECT, related_name="call_files")
    title = models.CharField(max_length=200)
    added_by = models.ForeignKey(
        "program.Amendment", models.PROTECT, null=True, editable=False, related_name="added_files"
    )
    withdrawn_by = models.ForeignKey(
        "program.Amendment", models.PROTECT, null=True, editable=False, related_name="withdrawn_files"
    )
    objects = CallFileQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = "file"

    def __str__(self) -> str:
        return self.title


class Amendment(TimeStamped):
    """A numbered, public change of an issued call; an extension moves the deadline, with its reason."""

    call = models.ForeignKey(Call, models.PROTECT, related_name="amendments")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=AmendmentKind, default=AmendmentKind.AMENDMENT)
    summary = TextColumn(longest=1000)
    reason = TextColumn(longest=2000)
    legal_basis = models.CharField(max_length=200, blank=True)
    published_on = DayColumn(null=True, editable=False)
    effective_on = DayColumn()
    effective_at = models.DateTimeField(
        null=True, editable=False, help_text="From when requirements are demanded as it has them."
    )
    demands = models.JSONField(
        default=list,
        db_default=[],
        editable=False,
        help_text="The changed requirements, in words before and after.",
    )
    text_before = models.TextField(blank=True)
    text_after = TextColumn(blank=True, longest=LONGEST_CALL)
    due_on_before = DayColumn(null=True)
    due_on_after = DayColumn(null=True)
    warning = models.TextField(blank=True, help_text="What an extension past the 90th day says beside it.")
    outage = models.ForeignKey(
        "program.Outage",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="extensions",
        help_text="The entry of the outage log that an extension was proposed from.",
    )
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(name="amendment_number_once", fields=["call", "number"])]

    def __str__(self) -> str:
        return f"Amendment {self.number} to {self.call.number}"


class Question(TimeStamped):
    """A question about a call; what is published is the officer's wording, not the asker's name.

    A published answer has a ``number`` within its call. A question that was answered before is answered
    under that number: ``same_as``.
    """

    call = models.ForeignKey(Call, models.PROTECT, related_name="questions")
    status = models.CharField(
        max_length=12, choices=QuestionStatus, default=QuestionStatus.ASKED, editable=False
    )
    text = TextColumn("your question", longest=4000)
    published_text = TextColumn("question as published", blank=True, longest=4000)
    answer = TextColumn(blank=True, longest=10_000)
    is_confidential = models.BooleanField(
        "answer me privately", default=False, help_text="A private answer is not published."
    )
    number = models.PositiveSmallIntegerField(null=True, editable=False)
    same_as = models.ForeignKey("self", models.PROTECT, null=True, related_name="duplicates", editable=False)
    topic = models.CharField("heading", max_length=80, blank=True, db_default="")
    about = models.CharField("part of the call", max_length=12, choices=PartOfCall, blank=True, db_default="")
    requirement_code = models.SlugField(max_length=40, blank=True, db_default="")
    revision = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="questions")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["-answered_at", "-pk"]
        permissions = [(f"{verb}_question", verb) for verb in ("answer", "withdraw", "correct", "group")]
        constraints = [
            models.UniqueConstraint(name="answer_number_once", fields=["call", "number"]),
            models.CheckConstraint(
                name="numbered_answer_is_published",
                violation_error_message=NOT_KEPT,
                condition=Q(number=None) | Q(status="answered", is_confidential=False, same_as=None),
            ),
            models.CheckConstraint(
                name="question_about_a_requirement",
                violation_error_message=NOT_KEPT,
                condition=Q(requirement_code="") | Q(about="requirements"),
            ),
        ]

    def __str__(self) -> str:
        return self.published_text or self.text


class AnswerRevision(models.Model):
    """An answer as it was given or corrected: a later one takes its place and leaves it readable."""

    append_only: ClassVar[bool] = True

    question = models.ForeignKey(Question, models.PROTECT, related_name="revisions", editable=False)
    number = models.PositiveSmallIntegerField(editable=False)
    published_text = TextColumn("question as published", blank=True, longest=4000)
    answer = TextColumn(longest=10_000)
    reason = TextColumn("why it is corrected", blank=True, longest=1000)
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    given_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(name="answer_revision_once", fields=["question", "number"]),
            models.CheckConstraint(
                name="correction_says_why",
                violation_error_message="Say why the answer is corrected.",
                condition=Q(number=1) ^ ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"Revision {self.number} of question {self.question_id}"


class IneligibleJurisdiction(Dated, Sourced, CallPart):
    """A country whose entities may not take part in a call, for one layer or (null) altogether.

    The entity test and the layer test of the Call's summaries; the lists are data and can grow.
    """

    call = models.ForeignKey(Call, models.CASCADE, related_name="ineligible_jurisdictions")
    layer = models.CharField(
        max_length=12, choices=StackLayer, blank=True, help_text="Empty: the whole entity."
    )
    country = models.ForeignKey("program.Country", models.PROTECT, related_name="+")
    reason = models.TextField()

    class Meta(Dated.Meta):
        verbose_name = "listed place"
        constraints = [
            *Dated.Meta.constraints,
            models.UniqueConstraint(
                name="jurisdiction_listed_once",
                violation_error_message="This place is listed from that day already, for the same layer.",
                fields=["call", "layer", "country", "effective_from"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country_id} {self.layer}".strip()


class Subscription(TimeStamped):
    """Who wants to hear of one call, or (null) of every call: a person, or an e-mail address without one.

    An address is told nothing until its reader has confirmed it; ``asked_at`` is when a link was last sent.
    Who stops it instead has ``refused_at``: the address is sent no link again, whoever types it, until the
    Program office lifts that.
    """

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="subscriptions")
    email = models.EmailField("e-mail address", max_length=254, blank=True, default="", db_default="")
    call = models.ForeignKey(Call, models.CASCADE, null=True, related_name="subscriptions")
    asked_at = models.DateTimeField(null=True, editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
    refused_at = models.DateTimeField(null=True, editable=False)
    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="subscribed_once",
                fields=["user", "call"],
                condition=~Q(user=None),
                nulls_distinct=False,
                violation_error_message="This person follows it already.",
            ),
            models.UniqueConstraint(
                name="address_subscribed_once",
                fields=["email", "call"],
                condition=Q(user=None),
                nulls_distinct=False,
                violation_error_message="This address follows it already.",
            ),
            models.CheckConstraint(
                name="subscription_of_person_or_address",
                violation_error_message="A person follows, or an address in small letters.",
                condition=Q(user=None, email=Lower("email")) & ~Q(email="") | Q(user__isnull=False, email=""),
            ),
            models.CheckConstraint(
                name="subscription_refused_was_not_confirmed",
                violation_error_message="What was confirmed is ended, not refused.",
                condition=Q(refused_at=None) | Q(user=None, confirmed_at=None),
            ),
        ]
        indexes = [
            models.Index(name="subscription_refused", fields=["-id"], condition=~Q(refused_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.email}: {self.call or 'the Program'}"

    @property
    def stands(self) -> bool:
        """Whether it is told anything: a person, or an address that was confirmed."""
        return self.user_id is not None or self.confirmed_at is not None

    @property
    def of_what(self) -> str:
        return f"call {self.call.number}" if self.call else "every call of the Program"

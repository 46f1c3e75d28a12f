"""Five consultations side by side, E.O. 14320 s.3(d): referrals with clocks, positions, questions asked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q

from evaluation.enums import (
    LONGEST_TEXT,
    Carry,
    ClockAct,
    InformationRequestStatus,
    PauseReason,
    ReferralStatus,
    Stance,
)
from evaluation.models.intake import Deadlined
from evaluation.querysets.consultation import (
    AnswerFileQuerySet,
    ClockEventQuerySet,
    InformationRequestQuerySet,
    PositionQuerySet,
    ReferralQuerySet,
)
from program import moments
from program.deadlines import Unit, local_day
from program.models import Agency, Delegation, Document, Revised, User
from program.models.words import NOT_KEPT
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Version
from proposals.models.fields import PlainTextField


def replaced_in_words(number: int, newest: int) -> str:
    """What became of version ``number`` of a proposal; empty where it is the ``newest``."""
    return f"Replaced by version {number + 1}" if number < newest else ""


def status_in_words(status: str, number: int, newest: int, proposal_status: str) -> str:
    """The status of a consultation on version ``number``; of one that ended, what ended it.

    A version that is not the last was replaced by the next; a proposal that is withdrawn or decided gets
    no other.
    """
    if status != ReferralStatus.ENDED:
        return str(ReferralStatus(status).label)
    if replaced := replaced_in_words(number, newest):
        return replaced
    is_withdrawn = proposal_status == ProposalStatus.WITHDRAWN
    return "Ended: proposal withdrawn" if is_withdrawn else "Ended: proposal decided"


class Referral(Deadlined):
    """One agency's consultation on one accepted version; its progress is never a status of the proposal.

    ``position`` is the one that stands, perhaps kept from an earlier version. ``previous`` is the agency's
    answered consultation on that version; ``carry`` says whether its position was kept, is to be confirmed,
    or was opened again. ``answered_at`` is the moment of the first answer, whatever replaced it later.
    The clock stands since ``paused_at``; of pauses that are over, ``stood_for`` is the time, ``stood_days``
    the days. Up to ``settled_on`` it is settled which days count. ``counted_to`` is the last day before it
    was moved off a weekend or holiday.
    """

    proposal_path: ClassVar[str] = "version__proposal"

    version = models.ForeignKey(Version, models.PROTECT, related_name="referrals")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="referrals")
    status = models.CharField(
        max_length=14, choices=ReferralStatus, default=ReferralStatus.OPEN, editable=False
    )
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    lapsed_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    unit = models.CharField(
        max_length=8,
        choices=[(Unit.CALENDAR.value, "Calendar days"), (Unit.BUSINESS.value, "Federal business days")],
        default=Unit.CALENDAR.value,
        editable=False,
    )
    counted_to = models.DateField(null=True, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    stood_for = models.DurationField(default=timedelta, editable=False)
    stood_days = models.PositiveSmallIntegerField(default=0, editable=False)
    settled_on = models.DateField(null=True, editable=False)
    position = models.ForeignKey("Position", models.PROTECT, null=True, related_name="+", editable=False)
    previous = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", editable=False)
    carry = models.CharField(max_length=10, choices=Carry, blank=True, editable=False)
    carry_reason = models.TextField(blank=True, editable=False)
    objects = ReferralQuerySet.as_manager()

    class Meta:
        ordering = ["agency__sort_order", "pk"]
        permissions = [
            (f"{verb}_referral", verb)
            for verb in ("acknowledge", "answer", "keep", "lapse", "reopen", "end", "pause", "resume")
        ]
        constraints = [
            models.UniqueConstraint(name="referred_once", fields=["version", "agency"]),
            models.CheckConstraint(
                name="answered_referral_stamped",
                violation_error_message=NOT_KEPT,
                condition=~Q(status="answered") | Q(answered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="paused_while_awaited",
                violation_error_message=NOT_KEPT,
                condition=Q(paused_at=None) | Q(status__in=["open", "acknowledged"]),
            ),
        ]
        indexes = [
            models.Index(
                name="referral_due", fields=["due_at"], condition=Q(status__in=["open", "acknowledged"])
            ),
            models.Index(name="referral_of_agency", fields=["agency", "status", "due_at"]),
            models.Index(
                name="referral_awaited",
                fields=["agency", "due_at"],
                condition=Q(status__in=["open", "acknowledged"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agency}: {self.get_status_display()}"

    @property
    def proposal(self) -> Proposal:
        return self.version.proposal

    def get_status_display(self) -> str:  # type: ignore[no-redef]
        """The status in words; of a consultation that ended, what ended it."""
        if self.status != ReferralStatus.ENDED:  # of others nothing else need be read
            return str(ReferralStatus(self.status).label)
        proposal = self.version.proposal
        return status_in_words(self.status, self.version.number, proposal.version_count, proposal.status)

    @property
    def replaced_by(self) -> str:
        """ "Replaced by version 2" where the version is not the last one; else empty."""
        return replaced_in_words(self.version.number, self.version.proposal.version_count)

    @property
    def why_too_late(self) -> str:
        """Why an act finds the consultation elsewhere than it starts from, in words; read by refusals."""
        ended_on = moments.day(moments.last_minute(self.due_at))
        return {
            ReferralStatus.OPEN: "The consultation is open, and its time runs.",
            ReferralStatus.ACKNOWLEDGED: f"{self.agency} has acknowledged receipt already.",
            ReferralStatus.ANSWERED: f"{self.agency} has filed its position already.",
            ReferralStatus.LAPSED: f"The time for this position ended on {ended_on}. The Program office can "
            "open the consultation again.",
            ReferralStatus.ENDED: "The consultation has ended: nothing is asked of the agency any more.",
        }[ReferralStatus(self.status)]

    @property
    def counted_on(self) -> date:
        """The last day before any move; that of ``due_at`` where nobody kept another."""
        return self.counted_to or local_day(self.due_at - timedelta(microseconds=1))


class PositionDraft(Revised):
    """What those who sign for an agency write together of its position until one of them files it."""

    referral = models.OneToOneField(Referral, models.PROTECT, related_name="draft", editable=False)
    stance = models.CharField(max_length=24, choices=Stance, blank=True)
    rationale = PlainTextField(blank=True, longest=LONGEST_TEXT)
    conditions = PlainTextField(blank=True, longest=LONGEST_TEXT)
    parts_commented = models.JSONField(default=list, blank=True)
    saved_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Draft of the position of {self.referral.agency}"


class Position(models.Model):
    """What an agency advises, signed by its lead or a delegate; superseded by a later one, never edited.

    ``supersedes`` is the one before it on the same version; which one counts today, ``standing`` says.
    Consultation is not concurrence: an objection is answered in the determination and blocks nothing.
    """

    append_only: ClassVar[bool] = True

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="positions")
    stance = models.CharField(max_length=24, choices=Stance)
    rationale = PlainTextField(longest=LONGEST_TEXT)
    conditions = PlainTextField(blank=True, longest=LONGEST_TEXT)
    parts_commented = models.JSONField(
        default=list,
        blank=True,
        help_text="Parts of the package that the position speaks of; empty: the whole.",
    )
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    delegation = models.ForeignKey(Delegation, models.PROTECT, null=True, related_name="+")
    signed_at = models.DateTimeField()
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, related_name="superseded_by")
    objects = PositionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="one_first_position",
                violation_error_message="Another position was filed meanwhile. Read it first.",
                fields=["referral"],
                condition=Q(supersedes=None),
            ),
            models.CheckConstraint(
                name="position_says_why",
                violation_error_message="Give the reasons for the position.",
                condition=~Q(rationale=""),
            ),
            models.CheckConstraint(
                name="conditional_support_names_conditions",
                violation_error_message="State the conditions of the support.",
                condition=~Q(stance="support_with_conditions") | ~Q(conditions=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.referral.agency}: {self.get_stance_display()}"

    @property
    def proposal(self) -> Proposal:
        return self.referral.version.proposal


class InformationRequest(Deadlined):
    """A numbered question of the Government to the consortium about one version, with its answer."""

    proposal_path: ClassVar[str] = "proposal"

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="information_requests")
    version = models.ForeignKey(Version, models.PROTECT, related_name="information_requests")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    round = models.PositiveSmallIntegerField(default=1, editable=False)
    status = models.CharField(
        max_length=10, choices=InformationRequestStatus, default=InformationRequestStatus.OPEN, editable=False
    )
    question = PlainTextField(longest=LONGEST_TEXT)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answer = PlainTextField(blank=True, longest=LONGEST_TEXT)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    sent_as = models.UUIDField(
        editable=False, db_default=RandomUUID(), help_text="Of the form and what it said, which asks once."
    )
    objects = InformationRequestQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        permissions = [(f"{verb}_informationrequest", verb) for verb in ("answer", "draft", "withdraw")]
        constraints = [
            models.UniqueConstraint(name="question_numbered_once", fields=["proposal", "number"]),
            models.UniqueConstraint(
                name="question_sent_once",
                violation_error_message=NOT_KEPT,
                fields=["proposal", "sent_as"],
            ),
            models.CheckConstraint(
                name="answered_question_stamped",
                violation_error_message=NOT_KEPT,
                condition=~Q(status="answered") | Q(answered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Question {self.number}"

    @property
    def is_counted(self) -> bool:
        """Whether it makes a round: one that was withdrawn does not."""
        return self.status != InformationRequestStatus.WITHDRAWN

    @property
    def is_late(self) -> bool:
        """Whether the answer came after its time; late or not, it is kept and read."""
        return self.answered_at is not None and self.answered_at >= self.due_at


class ClockEvent(models.Model):
    """The clock of a consultation is paused, for a listed reason, or one of its pauses is over.

    Each pause is ended by its own event; while one is not, the clock stands. ``due_at`` is the end of the
    consultation's time as it stood with the event.
    """

    append_only: ClassVar[bool] = True

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="clock_events")
    act = models.CharField(max_length=8, choices=ClockAct)
    reason = models.CharField(max_length=24, choices=PauseReason, blank=True)
    request = models.ForeignKey(InformationRequest, models.PROTECT, null=True, related_name="pauses")
    ends = models.OneToOneField("self", models.PROTECT, null=True, related_name="ended_by")
    note = PlainTextField(blank=True, longest=LONGEST_TEXT)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="Exclusive.")
    objects = ClockEventQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="pause_or_end_of_one",
                violation_error_message=NOT_KEPT,
                condition=Q(act="paused", ends=None) & ~Q(reason="")
                | Q(act="resumed", ends__isnull=False, reason="", request=None),
            ),
            models.CheckConstraint(
                name="pause_for_information_names_question",
                violation_error_message="Name the question for which the clock is paused.",
                condition=~Q(act="paused")
                | Q(reason="information_requested", request__isnull=False)
                | ~Q(reason="information_requested") & Q(request=None),
            ),
            models.CheckConstraint(
                name="pause_says_why",
                violation_error_message="Say why the clock is paused.",
                condition=~Q(act="paused") | Q(request__isnull=False) | ~Q(note=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.referral.agency}: {self.get_act_display()}"

    @property
    def proposal(self) -> Proposal:
        return self.referral.version.proposal

    @property
    def why(self) -> str:
        """The reason of a pause, such as "Information requested from the consortium, question 3"."""
        words = self.get_reason_display()
        return f"{words}, question {self.request.number}" if self.request else words


class AnswerDraft(Revised):
    """What the consortium's people write together of an answer until one of them sends it; theirs alone."""

    request = models.OneToOneField(InformationRequest, models.PROTECT, related_name="draft", editable=False)
    answer = PlainTextField(blank=True, longest=LONGEST_TEXT)
    saved_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Draft of the answer to {self.request}".lower().capitalize()


class AnswerFile(models.Model):
    """A file that came with the answer to a question; who sees the question reads it."""

    append_only: ClassVar[bool] = True

    request = models.ForeignKey(InformationRequest, models.PROTECT, related_name="files")
    document = models.ForeignKey(Document, models.PROTECT, related_name="+")
    objects = AnswerFileQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.document.name

"""From advice to money: matches, referrals to the agency that holds a tool, and its commitments."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from evaluation.enums import DesignationStatus
from evaluation.models import Designation, DesignationAmendment
from financing.enums import LONGEST_TEXT, OPEN_STATUSES, Assessment, ReferralStatus
from financing.models.tools import Tool
from financing.querysets import MatchQuerySet, ToolReferralQuerySet
from program.models import Agency, TimeStamped, User
from program.models.fields import DayColumn
from program.models.words import NOT_KEPT
from proposals.enums import SupportMechanism
from proposals.models.fields import PlainTextField, UsdField, plain_text


class Match(models.Model):
    """What the match of one tool with one market of a package found; advice, superseded by the next.

    ``reasons`` are ``{kind, text, citation, confidence}``; ``as_of`` is the day of the rules used.
    """

    designation = models.ForeignKey(Designation, models.PROTECT, related_name="matches")
    tool = models.ForeignKey(Tool, models.PROTECT, related_name="matches")
    mechanism = models.CharField(
        max_length=32,
        choices=SupportMechanism,
        blank=True,
        help_text="As requested under s.3(b)(iv); empty if not.",
    )
    market_key = models.CharField(max_length=60)
    market = models.CharField(max_length=200)
    assessment = models.CharField(max_length=8, choices=Assessment)
    reasons = models.JSONField(default=list)
    citation = models.CharField(max_length=120)
    as_of = models.DateField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    objects = MatchQuerySet.as_manager()

    class Meta:
        ordering = ["tool__sort_order", "market", "pk"]
        verbose_name_plural = "matches"
        constraints = [
            models.UniqueConstraint(
                name="matched_once",
                violation_error_message="These were matched already.",
                fields=["designation", "tool", "market_key"],
                condition=Q(superseded_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.tool} for {self.market}: {self.get_assessment_display()}"

    @property
    def is_requested(self) -> bool:
        return bool(self.mechanism)


class ToolReferral(TimeStamped):
    """A tool referred to the agency that holds it, for one market of a designated package, E.O. 14320 s.4(d).

    The agency applies its own statute and underwriting: the outcome is its own. ``citation`` is the authority
    as it stood when the referral was proposed. Not to be confused with what the consortium requested.
    """

    proposal_path: ClassVar[str] = "designation__proposal"

    number = models.CharField(max_length=40, unique=True, editable=False)
    designation = models.ForeignKey(
        Designation, models.PROTECT, related_name="tool_referrals", editable=False
    )
    tool = models.ForeignKey(Tool, models.PROTECT, related_name="referrals")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="tool_referrals", editable=False)
    mechanism = models.CharField(max_length=32, choices=SupportMechanism, blank=True, editable=False)
    market = models.CharField(max_length=200, validators=[plain_text])
    country = models.ForeignKey(
        "program.Country", models.PROTECT, null=True, blank=True, related_name="tool_referrals"
    )
    purpose = PlainTextField(longest=LONGEST_TEXT)
    amount_usd = UsdField("amount", null=True, blank=True, validators=[MinValueValidator(1)])
    amount_is_tbd = models.BooleanField("the amount is to be determined", default=False)
    lead_officer = models.ForeignKey(User, models.PROTECT, related_name="tool_referrals_led")
    citation = models.CharField(max_length=120, editable=False)
    status = models.CharField(
        max_length=12, choices=ReferralStatus, default=ReferralStatus.PROPOSED, editable=False
    )
    reason = PlainTextField("reason", blank=True, editable=False, longest=LONGEST_TEXT)
    commitment = models.OneToOneField(
        "financing.Commitment",
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        help_text="The one that stands; those it superseded are in ``commitments``.",
    )

    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    proposed_at = models.DateTimeField(editable=False)
    referred_at = models.DateTimeField(null=True, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    committed_at = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    declined_at = models.DateTimeField(null=True, editable=False)
    suspended_at = models.DateTimeField(null=True, editable=False)
    objects = ToolReferralQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "tool referral"
        permissions = [
            (f"{verb}_toolreferral", verb)
            for verb in (
                "propose",
                "refer",
                "set_aside",
                "accept",
                "decline",
                "commit",
                "supersede",
                "close",
                "suspend",
                "resume",
                "follow",
            )
        ]
        indexes = [
            models.Index(name="referral_by_stage", fields=["status", "-id"]),
            models.Index(name="referral_by_agency", fields=["agency", "status", "-id"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="referral_amount_or_tbd",
                violation_error_message="Give an amount, or say that it is to be determined; not both.",
                condition=Q(amount_usd=None, amount_is_tbd=True) | Q(amount_usd__gt=0, amount_is_tbd=False),
            ),
            models.CheckConstraint(
                name="referral_stamped",
                violation_error_message=NOT_KEPT,
                condition=(~Q(status="referred") | Q(referred_at__isnull=False))
                & (~Q(status="accepted") | Q(referred_at__isnull=False, accepted_at__isnull=False))
                & (~Q(status="committed") | Q(accepted_at__isnull=False, committed_at__isnull=False))
                & (~Q(status="declined") | Q(declined_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="one_open_referral_per_tool_and_market",
                violation_error_message="A referral of this tool for this market is open already.",
                fields=["designation", "tool", "market"],
                condition=Q(status__in=["proposed", "referred", "accepted", "suspended"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.tool.name}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def stood_at(self) -> str:
        """The stage that a suspended referral goes back to, as its stamps tell."""
        if self.accepted_at:
            return ReferralStatus.ACCEPTED
        return ReferralStatus.REFERRED if self.referred_at else ReferralStatus.PROPOSED

    @property
    def stage(self) -> str:
        """The status as it counts now: an open referral of a package without active designation is suspended.

        True at once, before the clock has written it down.
        """
        if self.is_open and self.designation.status != DesignationStatus.ACTIVE:
            return ReferralStatus.SUSPENDED
        return self.status

    @property
    def is_market_removed(self) -> bool:
        """Whether an amendment in force has removed its market from the designation."""
        removed = self.designation.removed_markets
        return bool(removed) and self.market not in {m.name for m in self.designation.package.markets}

    @property
    def removed_by(self) -> DesignationAmendment | None:
        """The amendment in force that has removed its market."""
        if not self.is_market_removed:
            return None
        keys = {market.key for market in self.designation.version.value.markets if market.name == self.market}
        rows = self.designation.amendments.in_force().reverse()
        return next((row for row in rows if keys & set(row.removed_markets)), None)

    def get_stage_display(self) -> str:
        return ReferralStatus(self.stage).label


class Commitment(models.Model):
    """What the agency committed, kept as recorded; what befalls the designation does not touch it.

    A later one supersedes it and is kept beside it. ``reason`` says why it supersedes, or why something
    unusual about it is right.
    """

    append_only: ClassVar[bool] = True
    proposal_path: ClassVar[str] = "referral__designation__proposal"

    referral = models.ForeignKey(ToolReferral, models.PROTECT, related_name="commitments", editable=False)
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="superseded_by", editable=False
    )
    amount_usd = UsdField("amount committed", validators=[MinValueValidator(1)])
    term_months = models.PositiveSmallIntegerField("term in months", null=True, blank=True)
    committed_on = DayColumn("date of the commitment")
    instrument_reference = models.CharField(
        "reference of the instrument",
        max_length=200,
        validators=[plain_text],
        help_text="Such as the number of the agency's board action, agreement or policy.",
    )
    conditions = PlainTextField(blank=True, longest=LONGEST_TEXT)
    is_subject_to_appropriations = models.BooleanField(
        "subject to appropriations, E.O. 14320 s.5(b)", default=True
    )
    reason = PlainTextField(blank=True, default="", db_default="", editable=False, longest=LONGEST_TEXT)
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    recorded_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="commitment_positive",
                violation_error_message="Give an amount above zero.",
                condition=Q(amount_usd__gt=0),
            ),
            models.UniqueConstraint(
                name="first_commitment_once",
                violation_error_message="A commitment is recorded already. Supersede it.",
                fields=["referral"],
                condition=Q(supersedes=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_reference} for {self.referral.number}"

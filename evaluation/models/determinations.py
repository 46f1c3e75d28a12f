"""The national interest determination of E.O. 14320 s.3(d) and the letters that tell of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from evaluation.enums import LONGEST_TEXT, DeterminationStatus, LetterKind, Outcome
from evaluation.models.consultation import Position
from evaluation.models.decisions import DIGEST, Decision, by_three_officials
from evaluation.querysets.determinations import AnnouncementQuerySet, DeterminationQuerySet, LetterQuerySet
from evaluation.querysets.proposals import FindingQuerySet
from program.enums import Mark
from program.models import Paper, Requirement, Revised, User
from program.models.fields import DayColumn
from program.models.words import NOT_KEPT
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Version
from proposals.models.fields import PlainTextField


class Announcement(models.Model):
    """Several determinations announced with one press; each names the one that it came with."""

    append_only: ClassVar[bool] = True

    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Announcement {self.pk}"


class Determination(Decision):
    """One decision on one version: prepared, cleared and signed by three officials, then announced.

    A signed determination is invisible outside until it is announced; before that it can be recalled.
    ``packet`` is the canonical JSON of everything that lay before the signer.
    """

    proposal_path: ClassVar[str] = "proposal"
    keeps: ClassVar[str] = "packet"
    page_name: ClassVar[str] = "evaluation:determination"

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="determinations")
    version = models.ForeignKey(Version, models.PROTECT, related_name="determinations")
    status = models.CharField(
        max_length=10, choices=DeterminationStatus, default=DeterminationStatus.DRAFT, editable=False
    )
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    defer_until = DayColumn("deferred until", null=True, blank=True)
    rationale = PlainTextField("reasons for the determination", blank=True, longest=LONGEST_TEXT)
    letter_text = PlainTextField(
        "reasons as the consortium will read them",
        blank=True,
        help_text="Printed in the letter. Name no agency's position and nothing confidential of others.",
        longest=LONGEST_TEXT,
    )
    expires_on = DayColumn("designation expires on", null=True, blank=True)
    announced_with = models.ForeignKey(
        Announcement, models.PROTECT, null=True, related_name="determinations", editable=False
    )
    carried_from = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        related_name="carried_to",
        editable=False,
        help_text="The recalled determination whose text this one took over.",
    )
    packet = models.TextField(blank=True, editable=False)
    packet_sha256 = models.CharField("SHA-256 of the packet", max_length=64, blank=True, editable=False)
    objects = DeterminationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        permissions = [
            (f"{verb}_determination", verb.replace("_", " "))
            for verb in ("renew", "clear", "send_back", "sign", "recall", "announce")
        ]
        constraints = [
            models.UniqueConstraint(
                name="one_live_determination",
                violation_error_message="A determination on this proposal is already prepared.",
                fields=["proposal"],
                condition=Q(status__in=["draft", "signed"]),
            ),
            *by_three_officials("determination"),
            models.CheckConstraint(
                name="determination_stamped",
                violation_error_message=NOT_KEPT,
                condition=(Q(status="draft") & Q(signed_at=None))
                | (~Q(status="draft") & Q(signed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="deferral_has_its_date",
                violation_error_message="Give the day until which the decision is deferred.",
                condition=~Q(outcome="defer") | Q(status="draft") | ~Q(defer_until=None),
            ),
        ]

    def __str__(self) -> str:
        return f"Determination on {self.proposal}"

    @property
    def in_words(self) -> str:
        return f"determination on {self.proposal.number}"

    @property
    def overtaken_by(self) -> str:
        """What happened to the proposal that leaves the determination behind, in words; else empty."""
        if self.proposal.status == ProposalStatus.WITHDRAWN:
            return "the proposal was withdrawn"
        return "a newer version came in" if self.version.number < self.proposal.version_count else ""


class Finding(Revised):
    """What the determination finds on one requirement, with its clause."""

    determination = models.ForeignKey(Determination, models.CASCADE, related_name="findings")
    requirement = models.ForeignKey(Requirement, models.PROTECT, related_name="+")
    clause = models.CharField(max_length=60)
    text = PlainTextField("finding", blank=True, longest=LONGEST_TEXT)
    is_met = models.BooleanField("the requirement is met", null=True)
    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ["requirement__sort_order", "pk"]
        constraints = [models.UniqueConstraint(name="found_once", fields=["determination", "requirement"])]

    def __str__(self) -> str:
        return f"{self.requirement}"


class ObjectionAnswer(Revised):
    """The answer that the determination gives to one agency's objection."""

    determination = models.ForeignKey(Determination, models.CASCADE, related_name="objection_answers")
    position = models.ForeignKey(Position, models.PROTECT, related_name="answers")
    answer = PlainTextField(blank=True, longest=LONGEST_TEXT)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="objection_answered_once", fields=["determination", "position"])
        ]

    def __str__(self) -> str:
        return f"Answer to {self.position}"


class Letter(models.Model):
    """An official letter, frozen as canonical JSON when the act was done; its PDF is made from this text."""

    append_only: ClassVar[bool] = True

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="letters")
    determination = models.ForeignKey(Determination, models.PROTECT, null=True, related_name="letters")
    designation = models.ForeignKey("Designation", models.PROTECT, null=True, related_name="letters")
    kind = models.CharField(max_length=14, choices=LetterKind)
    body = models.TextField(help_text="Canonical JSON, RFC 8785.")
    sha256 = models.CharField("SHA-256", max_length=64)
    issued_at = models.DateTimeField()
    objects = LetterQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="letter_hash_form", violation_error_message=NOT_KEPT, condition=Q(sha256__regex=DIGEST)
            ),
            models.UniqueConstraint(
                name="one_letter_per_determination",
                violation_error_message="The letter of this determination is written already.",
                fields=["determination"],
                condition=Q(determination__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Letter of {self.get_kind_display().lower()}"


class LetterPaper(Paper):
    """The PDF of a letter, owed from the act on."""

    proposal_by = "letter__proposal"
    texts = ("letter__body",)
    task = "evaluation.tasks.render_letter"

    letter = models.OneToOneField(Letter, models.PROTECT, related_name="paper")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="made_letter_has_document",
                violation_error_message=NOT_KEPT,
                condition=~Q(state="made") | Q(document__isnull=False),
            )
        ]
        indexes = [models.Index(name="letter_paper_unmade", fields=["id"], condition=~Q(state="made"))]

    def __str__(self) -> str:
        return f"{self.letter} as a PDF"


class PacketPaper(Paper):
    """The PDF of a packet, owed from the moment that somebody asked for it.

    It keeps what it prints: the packet of a draft moves with the record, and a signature is recalled.
    """

    proposal_by = "determination__proposal"
    texts = ("body",)
    task = "evaluation.tasks.render_packet"
    mark = Mark.GOVERNMENT_ONLY

    determination = models.ForeignKey(Determination, models.PROTECT, related_name="papers")
    status = models.CharField(
        max_length=10,
        choices=DeterminationStatus,
        help_text="Draft, signed or recalled, when asked for.",
    )
    body = models.TextField(help_text="The packet, canonical JSON, RFC 8785.")
    packet_sha256 = models.CharField("SHA-256 of the packet", max_length=64)
    signature = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_paper_per_packet",
                violation_error_message="The PDF of this packet was asked for already.",
                fields=["determination", "status", "packet_sha256"],
            ),
            models.CheckConstraint(
                name="made_packet_has_document",
                violation_error_message=NOT_KEPT,
                condition=~Q(state="made") | Q(document__isnull=False),
            ),
            models.CheckConstraint(
                name="packet_paper_hash_form",
                violation_error_message=NOT_KEPT,
                condition=Q(packet_sha256__regex=DIGEST),
            ),
        ]
        indexes = [models.Index(name="packet_paper_unmade", fields=["id"], condition=~Q(state="made"))]

    def __str__(self) -> str:
        return f"Packet of {self.determination.proposal.number} as a PDF"

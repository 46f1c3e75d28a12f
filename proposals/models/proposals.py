"""The proposal and what decides who may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q
from guardian.models import UserObjectPermissionBase

from program.enums import Mark
from program.models import Call, Document, Revised, TimeStamped, User
from program.models.fields import DayColumn
from program.models.words import NOT_KEPT
from proposals.enums import Part, ProposalStatus
from proposals.models.consortia import Consortium
from proposals.models.fields import PlainTextField, plain_text
from proposals.querysets import ProposalQuerySet, RecusalQuerySet, StandingRecusals

if TYPE_CHECKING:
    from datetime import datetime

    from proposals.models.submissions import Version


def latest_bound(*limits: datetime | None) -> datetime | None:
    """The latest of what bounds the time for a version; None where nothing does."""
    return max(filter(None, limits), default=None)


class Proposal(Revised):
    """A consortium's bid for inclusion in the Program, E.O. 14320 s.3(b).

    The rows that hang on it are the working copy; what was submitted stands in its versions. A draft and
    a lapsed proposal have no ``submitted_at``; it is the first submission's moment, and it stays.
    So does ``accepted_at``, the first acceptance's; a version accepted later is referred at its own moment.
    """

    proposal_path: ClassVar[str] = "pk"

    call = models.ForeignKey(Call, models.PROTECT, related_name="proposals", editable=False)
    consortium = models.ForeignKey(Consortium, models.PROTECT, related_name="proposals", editable=False)
    number = models.CharField(max_length=20, unique=True, null=True, editable=False)
    title = models.CharField(max_length=200, blank=True, validators=[plain_text])
    submitted_title = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Of the last version; all that outsiders read."
    )
    summary = PlainTextField(blank=True)
    status = models.CharField(
        max_length=20, choices=ProposalStatus, default=ProposalStatus.DRAFT, editable=False
    )
    submitted_at = models.DateTimeField(null=True, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    cure_due_at = models.DateTimeField(
        "to be corrected before", null=True, editable=False, help_text="Exclusive; stated with the return."
    )
    extended_to = models.DateTimeField(
        "more time until",
        null=True,
        editable=False,
        help_text="Exclusive; for this proposal alone, by its last extension.",
    )
    version_count = models.PositiveIntegerField(default=0, editable=False)

    contact_name = models.CharField(max_length=200, blank=True, validators=[plain_text])
    contact_email = models.EmailField("contact e-mail address", blank=True)
    contact_phone = models.CharField(max_length=40, blank=True, validators=[plain_text])
    operating_model = PlainTextField(
        "business and operational model", blank=True, help_text="At a high level, E.O. 14320 s.3(b)(iii)."
    )
    compliance_officer_name = models.CharField(max_length=200, blank=True, validators=[plain_text])
    compliance_officer_email = models.EmailField("compliance officer's e-mail address", blank=True)
    compliance_officer_phone = models.CharField(max_length=40, blank=True, validators=[plain_text])
    program_summary = PlainTextField("export compliance program", blank=True)
    end_uses = PlainTextField("end uses", blank=True)
    remote_access_policy = PlainTextField("policy for customers with remote access", blank=True)
    cloud_access_countries = models.ManyToManyField("program.Country", related_name="+", blank=True)

    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    saved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    saved_at = models.DateTimeField(
        null=True, editable=False, help_text="When a person last saved texts that stand in this row."
    )
    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        permissions = [
            (f"{verb}_proposal", verb)
            for verb in (
                "certify",
                "submit",
                "resubmit",
                "withdraw",
                "lapse",
                "return",
                "accept",
                "designate",
                "decline",
                "evaluate",
                "report_change",
                "share",
                "recuse",
                "note_loss",
                "ask_time",
                "extend",
                "reopen",
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="proposal_stamped_once_out",
                violation_error_message=NOT_KEPT,
                condition=Q(status="withdrawn")
                | (Q(status__in=["draft", "lapsed"]) & Q(submitted_at=None))
                | (~Q(status__in=["draft", "lapsed"]) & Q(submitted_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="proposal_accepted_before_decided",
                violation_error_message=NOT_KEPT,
                condition=~Q(status__in=["under_evaluation", "designated", "not_selected"])
                | Q(accepted_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="one_live_proposal_per_call",
                violation_error_message="This consortium already has a proposal under this call.",
                fields=["call", "consortium"],
                condition=~Q(status__in=["lapsed", "withdrawn"]),
            ),
        ]
        indexes = [
            models.Index(name="proposal_by_status", fields=["status", "-submitted_at"]),
            models.Index(name="proposal_accepted", fields=["accepted_at"]),
        ]

    def __str__(self) -> str:
        title = self.submitted_title if self.version_count else self.title
        return f"{self.number or 'Draft'}: {title}" if title else self.number or f"Draft {self.pk}"

    @property
    def closes_at(self) -> datetime | None:
        """Until when a version of it is taken, exclusive, s.3(c)."""
        return self.closes_under(self.call)

    def closes_under(self, call: Call) -> datetime | None:
        """As the call says; longer where it was given more time, or where its cure period ends later."""
        cured = self.cure_due_at if self.status == ProposalStatus.RETURNED else None
        return latest_bound(call.closes_at, self.extended_to, cured)

    @property
    def correction_due_at(self) -> datetime | None:
        """Until when the corrected version is taken, exclusive; None where none is waited for."""
        is_waited_for = self.status == ProposalStatus.RETURNED and not self.call.cancelled_at
        return self.closes_at if is_waited_for else None

    def takes_versions(self, *, at: datetime) -> bool:
        """Whether a version that is received at ``at`` is in time, s.3(c)."""
        return self.closes_at is not None and at < self.closes_at and self.call.cancelled_at is None

    @property
    def latest_version(self) -> Version | None:
        """The version that counts: the last one submitted."""
        return self.versions.order_by("-number").first()


class ProposalGrant(UserObjectPermissionBase):
    """A right on one proposal that a person gave another: counsel invited, reviewer assigned."""

    content_object = models.ForeignKey(Proposal, models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = False


class Recusal(TimeStamped):
    """That a person stays away from a proposal; it closes the proposal to them at once, in every channel.

    One that was lifted by an ethics official is kept; ``objects`` knows only those that stand.
    """

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="recusals")
    user = models.ForeignKey(User, models.PROTECT, related_name="recusals")
    reason = PlainTextField()
    recused_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    recused_at = models.DateTimeField()
    replaced_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, editable=False)
    objects = StandingRecusals()
    every = RecusalQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="recused_once",
                violation_error_message="This person is recused from the proposal already.",
                fields=["proposal", "user"],
                condition=Q(lifted_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} recused from {self.proposal}"


class MaterialChange(TimeStamped):
    """A change that the consortium must report within 30 calendar days of learning of it."""

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="material_changes")
    text = PlainTextField()
    learned_on = DayColumn(null=True, blank=True)
    reported_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reported_at = models.DateTimeField()

    class Meta:
        ordering = ["-reported_at"]

    def __str__(self) -> str:
        return f"Material change of {self.proposal}"


class Attachment(Revised):
    """A document in a part of the package; one document may stand in several parts."""

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="attachments")
    document = models.ForeignKey(Document, models.PROTECT, related_name="attachments")
    part = models.CharField(max_length=20, choices=Part, default=Part.DOCUMENTS)
    row_key = models.CharField(
        max_length=60, blank=True, help_text="The row it proves, such as component-12."
    )
    caption = models.CharField(max_length=300, blank=True, validators=[plain_text])
    mark = models.CharField(max_length=24, choices=Mark, default=Mark.BUSINESS_CONFIDENTIAL)
    justification = PlainTextField(blank=True, help_text="Why it is business confidential.")
    removed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.caption or str(self.document)

    @property
    def key(self) -> str:
        return f"attachment-{self.pk}"


class ReplacedFile(TimeStamped):
    """A file that a newer one has replaced in the package; submitted versions that held it keep it."""

    attachment = models.ForeignKey(Attachment, models.PROTECT, related_name="replaced_files")
    document = models.ForeignKey(Document, models.PROTECT, related_name="replaced_in")
    replaced_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    replaced_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.document}, replaced in {self.attachment}"


class Upload(TimeStamped):
    """A file on its way to the portal, piece by piece; it is nobody's document before it is whole.

    ``pieces`` names what has arrived, in order: where it is stored, its size and SHA-256. ``attachment`` is
    what became of it, so that finishing it twice adds it once.
    """

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="uploads")
    begun_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField(help_text="Bytes, as announced.")
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    received = models.PositiveBigIntegerField(default=0, help_text="Bytes that have arrived.")
    pieces = models.JSONField(default=list)
    attachment = models.ForeignKey(Attachment, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="upload_within_its_size",
                violation_error_message="More arrived than the file holds. Send it again.",
                condition=Q(received__lte=models.F("size")),
            ),
        ]
        indexes = [models.Index(name="upload_by_age", fields=["updated_at"])]

    def __str__(self) -> str:
        return self.name

    @property
    def is_whole(self) -> bool:
        return self.received == self.size


class Marking(Revised):
    """A confidentiality mark on a part, a row or a field of the working copy, 5 U.S.C. 552(b)(4)."""

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="markings")
    part = models.CharField(max_length=20, choices=Part)
    row_key = models.CharField(max_length=60, blank=True)
    field = models.CharField(max_length=60, blank=True)
    mark = models.CharField(max_length=24, choices=Mark, default=Mark.BUSINESS_CONFIDENTIAL)
    justification = PlainTextField(blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="marked_once", fields=["proposal", "part", "row_key", "field"])
        ]

    def __str__(self) -> str:
        return f"{self.get_mark_display()}: {self.part} {self.row_key} {self.field}".strip()


class PackageUpload(TimeStamped):
    """A package file as a person has uploaded it, until it is taken over; each person has one at a time."""

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="package_uploads")
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    content = models.TextField(blank=True, help_text="Canonical JSON; emptied once it is taken over.")
    taken_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(name="one_package_upload", fields=["proposal", "uploaded_by"])]

    def __str__(self) -> str:
        return self.name

"""What was submitted, certified and received: rows that are written once and never changed."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast

from program.models import Paper, User
from program.models.words import NOT_KEPT
from proposals.enums import AuthorityBasis
from proposals.models.proposals import Proposal
from proposals.package import Package
from proposals.querysets import CertificationQuerySet, VersionQuerySet

DIGEST = r"^[0-9a-f]{64}$"


class Certification(models.Model):
    """The anchor's word for exactly one content; any edit after it leaves it without effect.

    The pattern is 31 CFR 850.203; false statements: 18 U.S.C. 1001.
    """

    append_only: ClassVar[bool] = True

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="certifications")
    content_sha256 = models.CharField(max_length=64)
    signer = models.ForeignKey(User, models.PROTECT, related_name="+")
    signer_name = models.CharField(max_length=200)
    signer_title = models.CharField(max_length=200)
    organization_name = models.CharField(max_length=300)
    authority_basis = models.CharField(max_length=20, choices=AuthorityBasis)
    authority_note = models.CharField(max_length=300, blank=True)
    statement_version = models.CharField(max_length=20)
    statement_text = models.TextField()
    typed_signature = models.CharField(max_length=200)
    signed_at = models.DateTimeField()
    objects = CertificationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="certified_hash_form",
                violation_error_message=NOT_KEPT,
                condition=Q(content_sha256__regex=DIGEST),
            )
        ]

    def __str__(self) -> str:
        return f"Certification by {self.signer_name}"


class LostCertification(models.Model):
    """That a change has left a certification without effect, noted once so that its signer is told once."""

    append_only: ClassVar[bool] = True

    certification = models.OneToOneField(Certification, models.PROTECT, related_name="loss")
    noted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Loss of the {self.certification}".replace("the C", "the c")


class Version(models.Model):
    """A submitted package, frozen: its canonical JSON, its SHA-256 and the evidence that it came in time.

    ``received_at`` is the start of the submitting transaction on the database's clock.
    """

    append_only: ClassVar[bool] = True

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    package = models.TextField(help_text="Canonical JSON, RFC 8785.")
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    certification = models.OneToOneField(Certification, models.PROTECT, related_name="version")
    submitted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    note = models.TextField(blank=True)
    received_at = models.DateTimeField()
    closes_at = models.DateTimeField(help_text="The limit that held for this version; exclusive.")
    on_time = models.BooleanField()
    on_time_rule = models.TextField()
    targets = models.GeneratedField(
        expression=models.Func(
            Cast("package", models.JSONField()),
            models.Value("$.markets[*].countries[*].code"),
            function="jsonb_path_query_array",
            output_field=models.JSONField(),
        ),
        output_field=models.JSONField(),
        db_persist=True,
        help_text="Codes of the countries that its target markets hold; the database reads the package.",
    )
    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["proposal", "-number"]
        constraints = [
            models.UniqueConstraint(name="version_number_once", fields=["proposal", "number"]),
            models.CheckConstraint(
                name="version_hash_form", violation_error_message=NOT_KEPT, condition=Q(sha256__regex=DIGEST)
            ),
            models.CheckConstraint(
                name="on_time_follows_from_clock",
                violation_error_message=NOT_KEPT,
                condition=Q(on_time=True, received_at__lt=models.F("closes_at"))
                | Q(on_time=False, received_at__gte=models.F("closes_at")),
            ),
        ]
        indexes = [GinIndex(name="version_targets", fields=["targets"], opclasses=["jsonb_path_ops"])]

    def __str__(self) -> str:
        return f"Version {self.number} of {self.proposal}"

    @cached_property
    def value(self) -> Package:
        """The package as a value; every page and paper about a submission is made from it."""
        return Package.from_json(self.package)


class Receipt(models.Model):
    """Proof that a version was received: a canonical text that carries the hash of the receipt before it."""

    append_only: ClassVar[bool] = True

    version = models.OneToOneField(Version, models.PROTECT, related_name="receipt")
    number = models.CharField(max_length=30, unique=True)
    body = models.TextField(help_text="Canonical JSON, RFC 8785.")
    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    previous_sha256 = models.CharField("SHA-256 of the receipt before", max_length=64, blank=True)
    issued_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="receipt_hash_form", violation_error_message=NOT_KEPT, condition=Q(sha256__regex=DIGEST)
            )
        ]

    def __str__(self) -> str:
        return self.number


class ReceiptPaper(Paper):
    """The PDF of a receipt, owed from the submission on."""

    proposal_by = "receipt__version__proposal"
    texts = ("receipt__body", "receipt__version__package")
    task = "proposals.tasks.render_receipt"

    receipt = models.OneToOneField(Receipt, models.PROTECT, related_name="paper")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="made_paper_has_document",
                violation_error_message=NOT_KEPT,
                condition=~Q(state="made") | Q(document__isnull=False),
            )
        ]
        indexes = [models.Index(name="paper_unmade", fields=["id"], condition=~Q(state="made"))]

    def __str__(self) -> str:
        return f"Receipt {self.receipt} as a PDF"


class VersionPaper(Paper):
    """The PDF of a whole version, owed from the moment that the first reader asked for it.

    It is made on demand: in the last minutes before a deadline no receipt waits behind long packages.
    """

    proposal_by = "version__proposal"
    texts = ("version__package",)
    task = "proposals.tasks.render_package"

    version = models.OneToOneField(Version, models.PROTECT, related_name="paper")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="made_package_has_document",
                violation_error_message=NOT_KEPT,
                condition=~Q(state="made") | Q(document__isnull=False),
            )
        ]
        indexes = [models.Index(name="package_paper_unmade", fields=["id"], condition=~Q(state="made"))]

    def __str__(self) -> str:
        return f"{self.version} as a PDF"

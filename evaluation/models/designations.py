"""Priority AI export packages: designations, their conditions, and what the public catalog says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from evaluation.enums import LONGEST_SUMMARY, LONGEST_TEXT, CatalogReleaseStatus, DesignationStatus
from evaluation.models.determinations import Determination
from evaluation.querysets.catalog import CatalogQuerySet, CatalogReleaseQuerySet
from evaluation.querysets.designations import ConditionQuerySet, DesignationQuerySet
from program.models import Revised, User
from program.models.fields import DayColumn
from program.models.words import NOT_KEPT
from proposals.models import Proposal, Version
from proposals.models.fields import PlainTextField

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from proposals.package import Package


class Designation(Revised):
    """A package designated under E.O. 14320 s.3(d); no license, no commitment, no enforceable right."""

    proposal_path: ClassVar[str] = "proposal"

    number = models.CharField(
        max_length=20, unique=True, editable=False, validators=[RegexValidator(r"^AIX-D-\d{4}-\d{4,}$")]
    )
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="designations", editable=False)
    version = models.ForeignKey(Version, models.PROTECT, related_name="designations", editable=False)
    determination = models.OneToOneField(
        Determination, models.PROTECT, related_name="designation", editable=False
    )
    status = models.CharField(
        max_length=10, choices=DesignationStatus, default=DesignationStatus.ACTIVE, editable=False
    )
    designated_at = models.DateTimeField(editable=False)
    expires_on = DayColumn("last day", null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    expired_at = models.DateTimeField(null=True, editable=False)
    status_reason = PlainTextField(blank=True, editable=False, longest=LONGEST_TEXT)
    removed_markets = models.JSONField(
        default=list, db_default=[], blank=True, editable=False,
        help_text="Keys of the markets of the version that amendments have removed.",
    )  # fmt: skip
    removed_components = models.JSONField(
        default=list, db_default=[], blank=True, editable=False,
        help_text="Keys of the components of the version that amendments have removed.",
    )  # fmt: skip
    removed_targets = models.JSONField(
        default=list, db_default=[], blank=True, editable=False,
        help_text="Codes of the countries that no market is for any more.",
    )  # fmt: skip
    objects = DesignationQuerySet.as_manager()

    class Meta:
        ordering = ["-designated_at", "-pk"]
        permissions = [
            (f"{verb}_designation", verb) for verb in ("suspend", "reinstate", "revoke", "expire", "release")
        ]
        constraints = [
            models.UniqueConstraint(
                name="one_live_designation",
                violation_error_message="This proposal is designated already.",
                fields=["proposal"],
                condition=Q(status__in=["active", "suspended"]),
            ),
            models.CheckConstraint(
                name="ended_designation_stamped",
                violation_error_message=NOT_KEPT,
                condition=(~Q(status="revoked") | Q(revoked_at__isnull=False))
                & (~Q(status="expired") | Q(expired_at__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="designation_by_status", fields=["status", "-designated_at"])]

    def __str__(self) -> str:
        return self.number

    @property
    def is_ended(self) -> bool:
        """Revoked or expired: its conditions ended with it."""
        return self.status in (DesignationStatus.REVOKED, DesignationStatus.EXPIRED)

    @property
    def stands_since(self) -> datetime:
        """Since when it has the status that it has; of an active one, since it was designated."""
        began = {
            DesignationStatus.SUSPENDED: self.suspended_at,
            DesignationStatus.REVOKED: self.revoked_at,
            DesignationStatus.EXPIRED: self.expired_at,
        }
        return began.get(DesignationStatus(self.status)) or self.designated_at

    @property
    def package(self) -> Package:
        """The designated version without what amendments have removed; never more than the version says."""
        return narrowed(self.version.value, self.removed_markets, self.removed_components)


def narrowed(package: Package, markets: Collection[str], components: Collection[str]) -> Package:
    """The package without the markets and components of these keys."""
    if not markets and not components:
        return package
    kept = {
        "markets": tuple(market for market in package.markets if market.key not in markets),
        "components": tuple(each for each in package.components if each.key not in components),
    }
    return package.model_copy(update=kept)


class Condition(Revised):
    """Something a designation depends on: who must do what until when, and what follows if not."""

    proposal_path: ClassVar[str] = "determination__proposal"

    determination = models.ForeignKey(Determination, models.PROTECT, related_name="conditions")
    designation = models.ForeignKey(Designation, models.PROTECT, null=True, related_name="conditions")
    number = models.PositiveSmallIntegerField()
    text = PlainTextField("condition", longest=LONGEST_TEXT)
    owner = models.CharField("who must meet it", max_length=200)
    due_on = DayColumn("due on", null=True, blank=True)
    due_rule = models.TextField(
        "how the day was counted", blank=True, default="", db_default="", editable=False,
        help_text="Empty where the day was named.",
    )  # fmt: skip
    evidence = PlainTextField("evidence that shows it", blank=True, longest=LONGEST_TEXT)
    effect = PlainTextField("if it is not met", blank=True, longest=LONGEST_TEXT)
    met_at = models.DateTimeField(null=True, editable=False)
    met_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    met_note = PlainTextField(blank=True, editable=False, longest=LONGEST_TEXT)
    added_by = models.ForeignKey(
        "DesignationAmendment", models.PROTECT, null=True, related_name="+", editable=False
    )
    lifted_by = models.ForeignKey(
        "DesignationAmendment", models.PROTECT, null=True, related_name="+", editable=False
    )
    lifted_at = models.DateTimeField(null=True, editable=False)
    objects = ConditionQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        permissions = [("meet_condition", "meet")]
        constraints = [
            models.UniqueConstraint(name="condition_numbered_once", fields=["determination", "number"]),
            models.CheckConstraint(
                name="condition_lifted_by_an_amendment",
                violation_error_message=NOT_KEPT,
                condition=Q(lifted_at=None, lifted_by=None)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False, met_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"Condition {self.number}"

    @property
    def is_open(self) -> bool:
        """Neither met nor lifted; that the designation has ended is asked of it."""
        return self.met_at is None and self.lifted_at is None


class CatalogText(models.Model):
    """What the anchor says of a package to everybody; markets, sectors and names as designated."""

    title = models.CharField("public title", max_length=200)
    summary = PlainTextField("public summary", longest=LONGEST_SUMMARY)
    layers = models.JSONField(
        default=dict, blank=True, help_text="{layer: public text}, only what was released."
    )
    shows_markets = models.BooleanField("show the target markets", default=False)
    shows_sectors = models.BooleanField("show the sectors of the applications", default=False)
    shows_consortium = models.BooleanField("show the name of the consortium", default=False)
    shows_members = models.BooleanField("show the member companies", default=False)
    markets = models.JSONField(
        default=list, blank=True, editable=False, help_text="[{code, name}], as designated."
    )
    countries = models.JSONField(
        default=list, db_default=[], blank=True, editable=False,
        help_text="[{code, name}] of the countries that are shown markets or that a shown bloc holds.",
    )  # fmt: skip
    sectors = models.JSONField(default=list, blank=True, editable=False)
    consortium = models.TextField(blank=True, default="", editable=False)
    members = models.JSONField(default=list, blank=True, editable=False)
    contact_name = models.CharField("contact for foreign buyers", max_length=200, blank=True)
    contact_email = models.EmailField("public e-mail address", blank=True)
    contact_url = models.URLField("public web address", blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title


class CatalogEntry(CatalogText, Revised):
    """What the Program office published in the catalog; nothing else of a proposal is public.

    What is ``withheld`` stands in no other field, so that no page, list, search or file can show it.
    """

    designation = models.OneToOneField(Designation, models.PROTECT, related_name="catalog_entry")
    released_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    released_at = models.DateTimeField(editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    amended_at = models.DateTimeField(null=True, editable=False)
    withheld = models.JSONField(
        default=dict, db_default={}, blank=True, editable=False,
        help_text="{field or layer: text} that names a component which an amendment removed.",
    )  # fmt: skip
    withheld_at = models.DateTimeField(null=True, editable=False)
    folded = models.TextField(
        blank=True, default="", db_default="", editable=False, help_text="Its words, to search in."
    )
    objects = CatalogQuerySet.as_manager()

    class Meta:
        ordering = ["-released_at", "-pk"]
        verbose_name_plural = "catalog entries"
        permissions = [("restore_catalogentry", "restore")]

    @property
    def proposal(self) -> Proposal:
        return self.designation.proposal

    @property
    def is_public(self) -> bool:
        return self.withdrawn_at is None and self.designation.status == DesignationStatus.ACTIVE


class CatalogRelease(CatalogText, Revised):
    """A text that the anchor releases for the catalog; the entry stays until an officer publishes it.

    ``number`` counts those of one designation; at most one of them waits.
    """

    proposal_path: ClassVar[str] = "designation__proposal"

    designation = models.ForeignKey(
        Designation, models.PROTECT, related_name="catalog_releases", editable=False
    )
    number = models.PositiveSmallIntegerField(editable=False)
    status = models.CharField(
        max_length=10, choices=CatalogReleaseStatus, default=CatalogReleaseStatus.PROPOSED, editable=False
    )
    released_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    released_at = models.DateTimeField(editable=False)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    reason = PlainTextField(blank=True, editable=False, longest=LONGEST_TEXT)
    objects = CatalogReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        verbose_name = "catalog text"
        permissions = [(f"{verb}_catalogrelease", verb) for verb in ("publish", "return", "withdraw")]
        constraints = [
            models.UniqueConstraint(
                name="catalog_text_numbered_once",
                violation_error_message=NOT_KEPT,
                fields=["designation", "number"],
            ),
            models.UniqueConstraint(
                name="one_catalog_text_waits",
                violation_error_message=NOT_KEPT,
                fields=["designation"],
                condition=Q(status="proposed"),
            ),
            models.CheckConstraint(
                name="catalog_text_decided_by_another",
                violation_error_message=NOT_KEPT,
                condition=Q(status__in=["proposed", "withdrawn"])
                | (Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(decided_by=F("released_by"))),
            ),
            models.CheckConstraint(
                name="returned_catalog_text_says_why",
                violation_error_message=NOT_KEPT,
                condition=~Q(status="returned") | ~Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(
                name="catalog_text_waits", fields=["released_at", "id"], condition=Q(status="proposed")
            ),
        ]

    @property
    def proposal(self) -> Proposal:
        return self.designation.proposal

    @property
    def is_waiting(self) -> bool:
        return self.status == CatalogReleaseStatus.PROPOSED

    @property
    def is_published(self) -> bool:
        return self.status == CatalogReleaseStatus.PUBLISHED

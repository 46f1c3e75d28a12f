"""The six responsibilities of s.4(c), and the partnerships and market barriers they deal with."""

from __future__ import annotations

from django.db import models

from financing.enums import LONGEST_TEXT, BarrierEffect, BarrierStatus, PartnershipStatus, WorkstreamCode
from financing.querysets import EdagRecordQuerySet
from program.models import Agency, Revised, Sourced, User
from proposals.models.fields import PlainTextField, plain_text


class Workstream(Revised, Sourced):
    """A responsibility of the Secretary of State in consultation with the EDAG, E.O. 14320 s.4(c)(i)-(vi)."""

    code = models.CharField(max_length=3, choices=WorkstreamCode, unique=True, editable=False)
    title = models.CharField(max_length=120, editable=False)
    duty = models.TextField(editable=False, help_text="The words of the order.")
    lead = models.ForeignKey(
        Agency, models.PROTECT, related_name="workstreams", verbose_name="leading agency"
    )
    lead_officer = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    status_text = PlainTextField("where it stands", blank=True, longest=LONGEST_TEXT)
    sort_order = models.PositiveSmallIntegerField(default=0, editable=False)
    objects = EdagRecordQuerySet.as_manager()

    class Meta:
        ordering = ["sort_order"]

    def __str__(self) -> str:
        return self.title

    @property
    def clause(self) -> str:
        return f"s.4(c)({self.code})"


class Partnership(Revised):
    """A multilateral initiative or a partnership with countries, s.4(c)(iii)."""

    workstream = models.ForeignKey(Workstream, models.PROTECT, related_name="partnerships")
    name = models.CharField(max_length=200, validators=[plain_text])
    countries = models.ManyToManyField("program.Country", related_name="partnerships", blank=True)
    status = models.CharField(max_length=12, choices=PartnershipStatus, default=PartnershipStatus.EXPLORED)
    summary = PlainTextField(blank=True, longest=LONGEST_TEXT)
    objects = EdagRecordQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MarketBarrier(Revised, Sourced):
    """A technical barrier to trade or a regulatory measure that impedes U.S. offerings, s.4(c)(v)."""

    country = models.ForeignKey("program.Country", models.PROTECT, related_name="market_barriers")
    title = models.CharField(max_length=200, validators=[plain_text])
    description = PlainTextField(blank=True, longest=LONGEST_TEXT)
    effect = models.CharField(max_length=10, choices=BarrierEffect, default=BarrierEffect.BURDENS)
    status = models.CharField(max_length=12, choices=BarrierStatus, default=BarrierStatus.IDENTIFIED)
    objects = EdagRecordQuerySet.as_manager()

    class Meta:
        ordering = ["country__name", "title"]

    def __str__(self) -> str:
        return f"{self.country}: {self.title}"

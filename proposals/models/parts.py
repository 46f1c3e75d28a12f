"""The rows of the working copy, part by part; a draft may leave anything empty.

Field names are those of ``package.py``. Each row is saved alone and carries its revision.
"""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from program.enums import StackLayer
from program.models import Document, Requirement, Revised, User
from program.models.fields import DayColumn
from proposals.enums import (
    ComplianceAnswer,
    ComputeBand,
    EccnBasis,
    HardwareType,
    Jurisdiction,
    OperatingAct,
    PartyRole,
    Sector,
    SiteStatus,
    SupportMechanism,
    Weights,
)
from proposals.models.consortia import Membership
from proposals.models.fields import PlainTextField, UsdField, plain_text
from proposals.models.proposals import Proposal
from proposals.questionnaire import ComplianceSubject


class Row(Revised):
    """A row of the working copy; ``key`` names it in the package, in links and in problems."""

    prefix: ClassVar[str] = "row"

    saved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta:
        abstract = True
        ordering = ["pk"]

    @property
    def key(self) -> str:
        return f"{self.prefix}-{self.pk}"


def _words(label: str, **options: object) -> PlainTextField:
    return PlainTextField(label, blank=True, **options)  # type: ignore[arg-type]


def _line(label: str, length: int = 200) -> models.CharField:
    return models.CharField(label, max_length=length, blank=True, validators=[plain_text])


def _country(label: str) -> models.ForeignKey:
    return models.ForeignKey(
        "program.Country", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=label
    )


class Component(Row):
    """One component of one layer, E.O. 14320 s.3(b)(i)(A)-(E); values are those of the whole line.

    Which columns count follows from the layer; the others stay empty.
    """

    prefix = "component"

    # No index of its own: the one in the order of the pages begins with it
    proposal = models.ForeignKey(
        Proposal, models.CASCADE, db_index=False, related_name="components", editable=False
    )
    layer = models.CharField(max_length=12, choices=StackLayer)
    name = _line("name")
    description = _words("description")
    supplier = models.ForeignKey(
        Membership,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="components",
        verbose_name="supplied by",
    )
    standards = _words("standards adopted")
    sort_order = models.PositiveIntegerField(default=0)

    jurisdiction = models.CharField("export control regime", max_length=8, choices=Jurisdiction, blank=True)
    eccn = _line("ECCN", 30)
    eccn_basis = models.CharField("basis of the ECCN", max_length=16, choices=EccnBasis, blank=True)
    eccn_reference = _line("CCATS number or other reference", 60)
    license_basis = _line("license or exception relied on")
    license_number = _line("license number", 60)
    license_expires_on = DayColumn("license expires on", null=True, blank=True)

    subtype = models.CharField("sub-type", max_length=16, choices=HardwareType, blank=True)
    maker = _line("maker")
    model = _line("model")
    quantity = models.PositiveBigIntegerField("quantity", null=True, blank=True)
    total_value_usd = UsdField("total value, USD", null=True, blank=True)
    us_content_value_usd = UsdField("value of U.S. content, USD", null=True, blank=True)
    country_of_origin = _country("country of origin")
    country_of_assembly = _country("country of assembly")
    place_of_manufacture = _line("place of manufacture")
    us_manufacture = _words("whether and to what extent it is made in the United States")
    tpp = models.DecimalField(
        "total processing performance",
        max_digits=14,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    performance_density = models.DecimalField(
        max_digits=14, decimal_places=4, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    is_datacenter = models.BooleanField("designed or marketed for data centers", null=True, blank=True)

    data_location = _words("where the data is kept")
    provenance = _words("where the data comes from")
    privacy_regime = _words("privacy rules that apply")

    developer = _line("developer")
    weights = models.CharField("weights", max_length=8, choices=Weights, blank=True)
    compute_band = models.CharField("training compute", max_length=12, choices=ComputeBand, blank=True)
    hosting = _words("how it is hosted")
    weight_custody = _words("who keeps the weights")

    frameworks = _words("frameworks followed")
    controls = _words("controls in place")
    certifications = _words("certifications held")
    incident_response = _words("response to incidents")
    weight_protection = _words("protection of model weights")

    sector = models.CharField("sector", max_length=24, choices=Sector, blank=True)
    use_case = _words("use case")
    users = _words("users")
    languages = _words("languages")
    localization = _words("localization")

    class Meta(Row.Meta):
        ordering = ["sort_order", "pk"]
        constraints = [
            models.CheckConstraint(
                name="values_not_negative",
                violation_error_message="Give values that are not negative.",
                condition=(Q(total_value_usd=None) | Q(total_value_usd__gte=0))
                & (Q(us_content_value_usd=None) | Q(us_content_value_usd__gte=0)),
            ),
            models.CheckConstraint(
                name="hardware_alone_has_value",
                violation_error_message="Only hardware has values in U.S. dollars.",
                condition=Q(layer="hardware")
                | Q(subtype="", quantity=None, total_value_usd=None, us_content_value_usd=None),
            ),
        ]
        indexes = [models.Index(name="component_in_order", fields=["proposal", "layer", "sort_order", "id"])]

    def __str__(self) -> str:
        return self.name or "Component without a name"

    def clean(self) -> None:
        super().clean()
        total, us = self.total_value_usd, self.us_content_value_usd
        if total is not None and us is not None and us > total:
            raise ValidationError(
                {"us_content_value_usd": "The U.S. content cannot be worth more than the whole."}
            )


class Provision(Row):
    """Which member supplies which layer."""

    prefix = "provision"

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="provisions", editable=False)
    membership = models.ForeignKey(
        Membership, models.PROTECT, related_name="provisions", verbose_name="member"
    )
    layer = models.CharField(max_length=12, choices=StackLayer)
    description = _words("what it supplies")

    class Meta(Row.Meta):
        constraints = [
            models.UniqueConstraint(name="layer_provided_once", fields=["proposal", "membership", "layer"])
        ]

    def __str__(self) -> str:
        return f"{self.membership.organization}: {self.get_layer_display()}"


class TargetMarket(Row):
    """A target country, a regional bloc, or an own list of countries, E.O. 14320 s.3(b)(ii)."""

    prefix = "market"

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="markets", editable=False)
    country = _country("country")
    bloc = models.ForeignKey("program.Bloc", models.PROTECT, null=True, blank=True, related_name="+")
    list_name = _line("name of the own list")
    countries = models.ManyToManyField("program.Country", related_name="+", blank=True)
    national_interest = _words("how the national interest of the United States is advanced there")
    demand_evidence = _words("evidence of demand")
    end_users = _words("expected end users")

    class Meta(Row.Meta):
        constraints = [
            models.CheckConstraint(
                name="market_is_one_thing",
                violation_error_message="Name one thing: a country, a bloc, or a list.",
                condition=Q(country=None, bloc=None)
                | Q(country=None, list_name="")
                | Q(bloc=None, list_name=""),
            ),
            models.UniqueConstraint(name="country_named_once", fields=["proposal", "country"]),
            models.UniqueConstraint(name="bloc_named_once", fields=["proposal", "bloc"]),
        ]

    def __str__(self) -> str:
        return str(self.country or self.bloc or self.list_name or "Market without a name")

    def clean(self) -> None:
        super().clean()
        if sum(map(bool, (self.country_id, self.bloc_id, self.list_name))) > 1:
            raise ValidationError("Choose a country, or a bloc, or name an own list: one of the three.")


class Site(Row):
    """A data center or associated infrastructure, E.O. 14320 s.3(b)(iii)."""

    prefix = "site"

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="sites", editable=False)
    name = _line("name")
    kind = _line("kind of infrastructure", 100)
    country = _country("country")
    location = _line("place")
    capacity_mw = models.DecimalField(
        "capacity, MW",
        max_digits=14,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    status = models.CharField("stage", max_length=20, choices=SiteStatus, blank=True)

    def __str__(self) -> str:
        return self.name or "Site without a name"


class OperatingRole(Row):
    """Who builds, owns or operates a site: a member or a third party."""

    prefix = "role"

    site = models.ForeignKey(Site, models.CASCADE, related_name="roles", editable=False)
    act = models.CharField(max_length=8, choices=OperatingAct)
    membership = models.ForeignKey(
        Membership,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="operating_roles",
        verbose_name="member",
    )
    third_party_name = _line("third party")
    third_party_country = _country("country of the third party")

    class Meta(Row.Meta):
        constraints = [
            models.CheckConstraint(
                name="role_held_by_one",
                violation_error_message="Name a member or somebody else, not both.",
                condition=Q(membership=None) | Q(third_party_name=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.site}"

    @property
    def proposal(self) -> Proposal:
        return self.site.proposal

    def clean(self) -> None:
        super().clean()
        if self.membership_id and self.third_party_name:
            raise ValidationError("Name a member or a third party, not both.")


class SupportRequest(Row):
    """An incentive or support mechanism asked for, s.3(b)(iv); an empty amount is to be determined."""

    prefix = "support"

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="support_requests", editable=False)
    mechanism = models.CharField(max_length=30, choices=SupportMechanism, blank=True)
    other_text = _line("other mechanism")
    amount_usd = UsdField(
        "amount, USD", null=True, blank=True, help_text="Leave empty when to be determined."
    )
    term_months = models.PositiveIntegerField("term, months", null=True, blank=True)
    purpose = _words("purpose")
    alternatives = _words("alternatives considered")

    class Meta(Row.Meta):
        constraints = [
            models.CheckConstraint(
                name="asked_amount_not_negative",
                violation_error_message="Give an amount that is not negative.",
                condition=Q(amount_usd=None) | Q(amount_usd__gte=0),
            )
        ]

    def __str__(self) -> str:
        return self.get_mechanism_display() or "Request that names no support"


class ComplianceStatement(Row):
    """One answer of the compliance questionnaire, E.O. 14320 s.3(b)(v)."""

    prefix = "statement"

    proposal = models.ForeignKey(
        Proposal, models.CASCADE, related_name="compliance_statements", editable=False
    )
    subject = models.CharField(max_length=40, choices=ComplianceSubject, editable=False)
    answer = models.CharField(max_length=16, choices=ComplianceAnswer, blank=True)
    explanation = _words("explanation")

    class Meta(Row.Meta):
        constraints = [models.UniqueConstraint(name="stated_once", fields=["proposal", "subject"])]

    def __str__(self) -> str:
        return f"{self.get_subject_display()}: {self.get_answer_display()}"

    @property
    def key(self) -> str:
        return f"statement-{self.subject}"


class OutsideParty(Row):
    """A party outside the consortium that is screened, 15 CFR part 744: an end user, a lender."""

    prefix = "party"

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="outside_parties", editable=False)
    role = models.CharField(max_length=30, choices=PartyRole, blank=True)
    legal_name = _line("legal name", 300)
    aliases = _words("other names, one a line")
    address = _words("address")
    country = _country("country")
    headquartered_in = _country("country of headquarters")
    ultimate_parent = _line("ultimate parent", 300)
    parent_country = _country("country of the ultimate parent")

    class Meta(Row.Meta):
        verbose_name_plural = "outside parties"

    def __str__(self) -> str:
        return self.legal_name or "Party without a name"


class Answer(Row):
    """What answers a requirement particular to the call, in the column of its evidence type."""

    prefix = "answer"

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="answers", editable=False)
    requirement = models.ForeignKey(Requirement, models.PROTECT, related_name="answers", editable=False)
    text = _words("answer")
    number = models.DecimalField("answer", max_digits=24, decimal_places=6, null=True, blank=True)
    choice = _line("answer")
    day = DayColumn("answer", null=True, blank=True)
    document = models.ForeignKey(Document, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta(Row.Meta):
        constraints = [models.UniqueConstraint(name="answered_once", fields=["proposal", "requirement"])]

    def __str__(self) -> str:
        return f"Answer to {self.requirement}"

    @property
    def key(self) -> str:
        return f"answer-{self.requirement.code}"

    @property
    def said(self) -> str:
        """What was answered, in whichever column."""
        number = "" if self.number is None else str(self.number.normalize())
        return self.text or self.choice or number or str(self.day or self.document or "")

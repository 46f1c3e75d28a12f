"""Federal financing tools as data: who holds each, under which authority and conditions, and how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from financing.enums import CountryStanding, MemberRole, SupportKind
from financing.querysets import EdagMemberQuerySet, ToolQuerySet
from program.enums import Confidence
from program.models import Agency, Dated, Sourced, TimeStamped, User

if TYPE_CHECKING:
    from datetime import date


class EdagMember(Dated, Sourced):
    """An agency's place in the Economic Diplomacy Action Group, 22 U.S.C. 9904 and E.O. 14320 s.4(a)-(b)."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="edag_places")
    role = models.CharField(max_length=16, choices=MemberRole, default=MemberRole.MEMBER)
    basis = models.CharField(max_length=200)
    objects = EdagMemberQuerySet.as_manager()

    class Meta(Dated.Meta):
        ordering = ["agency__sort_order", "pk"]
        verbose_name = "EDAG member"
        constraints = [
            *Dated.Meta.constraints,
            models.UniqueConstraint(name="edag_place_once", fields=["agency", "effective_from"]),
        ]

    def __str__(self) -> str:
        return f"{self.agency}, {self.get_role_display()}"


class Tool(Sourced):
    """A federal financing tool; ``agency`` holds its authority, and only to it may the tool be referred.

    ``checked_on`` is the date as of which it was configured. The tools that E.O. 14320 s.4(d) names and
    supplementary ones are told apart, never mixed.
    """

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="tools")
    kind = models.CharField(max_length=12, choices=SupportKind)
    authority = models.CharField(max_length=120, help_text="The statute, such as 12 U.S.C. 635.")
    is_named_in_order = models.BooleanField("named in E.O. 14320 s.4(d)", default=True)
    clause = models.CharField(max_length=60, blank=True)
    programs = models.JSONField(
        default=list, blank=True, help_text="Programs of the agency that carry the tool."
    )
    sort_order = models.PositiveSmallIntegerField(default=0)
    objects = ToolQuerySet.as_manager()

    class Meta:
        ordering = ["sort_order", "code"]

    def __str__(self) -> str:
        return f"{self.name} ({self.agency})"

    @property
    def confidence_words(self) -> str:
        return Confidence(self.confidence).label if self.confidence else ""


class ToolCondition(Sourced):
    """One condition or limit of a tool; what is not verified warns and never stops."""

    tool = models.ForeignKey(Tool, models.CASCADE, related_name="conditions")
    key = models.SlugField(max_length=60)
    value = models.JSONField(null=True)
    text = models.TextField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(name="tool_condition_once", fields=["tool", "key"])]

    def __str__(self) -> str:
        return f"{self.tool.code}: {self.text}"

    @property
    def confidence_words(self) -> str:
        return Confidence(self.confidence).label if self.confidence else ""


class CountryClass(Dated, Sourced, TimeStamped):
    """The class of a country for development finance (22 U.S.C. 9612), with dates; officers may override it.

    ``set_by`` is empty for what the reference data states.
    """

    country = models.ForeignKey("program.Country", models.PROTECT, related_name="financing_classes")
    standing = models.CharField("class", max_length=20, choices=CountryStanding)
    set_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta(Dated.Meta):
        ordering = ["country", "-effective_from", "-pk"]
        verbose_name_plural = "country classes"
        constraints = [
            *Dated.Meta.constraints,
            models.UniqueConstraint(
                name="country_classed_once",
                violation_error_message="This country has a class already.",
                fields=["country"],
                condition=models.Q(effective_to=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country}: {self.get_standing_display()}"

    @property
    def confidence_words(self) -> str:
        return Confidence(self.confidence).label if self.confidence else ""

    def holds(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)

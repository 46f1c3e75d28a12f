"""What a person in government declares about themself, so that hints of a conflict can be computed."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from evaluation.enums import InterestKind, Whose
from evaluation.querysets.interests import ConfirmationQuerySet, InterestQuerySet
from program.models import User
from program.models.base import Corrected
from program.models.fields import DayColumn
from proposals.enums import Sector
from proposals.models.fields import plain_text


class Interest(Corrected):
    """An employer, a holding or a category of holdings; never changed, a later entry corrects or ends it.

    Read by the person and the ethics officials of their agency alone, so it names itself by its number.
    """

    append_only: ClassVar[bool] = True

    person = models.ForeignKey(User, models.PROTECT, related_name="interests", editable=False)
    kind = models.CharField("what it is", max_length=10, choices=InterestKind)
    whose = models.CharField("whose it is", max_length=10, choices=Whose, default=Whose.OWN)
    name = models.CharField(
        "name of the company", max_length=300, blank=True, validators=[plain_text],
        help_text="As it names itself. For a category, leave it empty or name the fund.",
    )  # fmt: skip
    sector = models.CharField(
        max_length=30, choices=Sector, blank=True, help_text="For a category of holdings only."
    )
    until = DayColumn(
        "last day", null=True, blank=True,
        help_text="For an employer or client only. Leave it empty while it goes on.",
    )  # fmt: skip
    declared_at = models.DateTimeField(editable=False)
    objects = InterestQuerySet.as_manager()

    class Meta(Corrected.Meta):
        ordering = ["kind", "pk"]
        constraints = [
            *Corrected.Meta.constraints,
            models.CheckConstraint(
                name="interest_names_a_company",
                violation_error_message="Name the company.",
                condition=Q(kind=InterestKind.CATEGORY) | ~Q(name=""),
            ),
            models.CheckConstraint(
                name="interest_names_a_sector",
                violation_error_message="Choose a sector for a category of holdings, and for nothing else.",
                condition=(Q(kind=InterestKind.CATEGORY) & ~Q(sector=""))
                | (~Q(kind=InterestKind.CATEGORY) & Q(sector="")),
            ),
            models.CheckConstraint(
                name="interest_ends_for_employers",
                violation_error_message="Give a last day for an employer or client only.",
                condition=Q(until=None) | Q(kind=InterestKind.EMPLOYER),
            ),
        ]
        indexes = [models.Index(name="interest_of_person", fields=["person", "kind"])]

    def __str__(self) -> str:
        return f"Declared interest {self.pk}"

    def clean(self) -> None:
        """What each kind needs, beside its field; the constraints hold the same."""
        problems: dict[str, str] = {}
        if self.kind != InterestKind.CATEGORY and not self.name.strip():
            problems["name"] = "Name the company."
        if self.kind == InterestKind.CATEGORY and not self.sector:
            problems["sector"] = "Choose the sector of the holdings."
        if self.kind and self.kind != InterestKind.CATEGORY and self.sector:
            problems["sector"] = "Choose a sector for a category of holdings only."
        if self.kind and self.kind != InterestKind.EMPLOYER and self.until:
            problems["until"] = "Give a last day for an employer or client only."
        if problems:
            raise ValidationError(problems)

    @property
    def of_whom(self) -> str:
        """Whose it is, as somebody else says it."""
        whose = {Whose.OWN: "their own", Whose.SPOUSE: "their spouse's", Whose.CHILD: "their minor child's"}
        return whose[Whose(self.whose)]

    @property
    def in_words(self) -> str:
        """What it is, for who may read it."""
        if self.kind == InterestKind.CATEGORY:
            fund = f" ({self.name})" if self.name else ""
            return f"Holdings in the sector {self.get_sector_display()}{fund}"
        return self.name


class InterestConfirmation(models.Model):
    """That a person has confirmed their declared interests as complete; also that there are none."""

    append_only: ClassVar[bool] = True

    person = models.ForeignKey(User, models.PROTECT, related_name="interest_confirmations", editable=False)
    confirmed_at = models.DateTimeField()
    interest_count = models.PositiveSmallIntegerField()
    objects = ConfirmationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(name="confirmation_of_person", fields=["person", "-id"])]

    def __str__(self) -> str:
        return f"Confirmation {self.pk} of declared interests"

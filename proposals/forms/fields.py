"""Fields of the working copy: anything may be missing, nothing may be malformed."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.models import ModelChoiceIterator
from django.utils.text import capfirst

from program.models import Country
from program.texts import LongText
from proposals.models import Membership
from proposals.models.fields import UsdField, plain_text
from proposals.package import LARGEST_WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOT_CHOSEN: Final = "Not chosen yet"
NO_MEMBER: Final = "No longer a member"
CENTS: Final = 2
IN_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


class TextField(LongText):
    """Text in one spelling of line ends, so that saving it unchanged changes no hash."""

    default_validators = [plain_text]


def without_commas(text: str) -> str:
    """A number without the commas between its thousands; a comma elsewhere is no slip to guess at."""
    if "," in text and not IN_THOUSANDS.fullmatch(text):
        raise ValidationError(
            "Write commas only between thousands, as in 1,250,000, and a point before the cents.",
            code="invalid",
        )
    return text.replace(",", "")


def with_commas(value: Decimal, places: int) -> str:
    """A number as people read it: commas between thousands, no zeros that say nothing, cents by two."""
    whole, _, part = f"{value:,f}".partition(".")
    part = part.rstrip("0")
    return f"{whole}.{part.ljust(places if places == CENTS else 0, '0')}" if part else whole


class AmountField(forms.DecimalField):
    """An exact number as people write it: ``$1,250,000.00`` is understood, ``NaN`` and ``1e9`` are not."""

    def __init__(self, **options: Any) -> None:
        options["widget"] = forms.TextInput(
            {"inputmode": "decimal", "autocomplete": "off", "data-size": "medium"}
        )
        options["localize"] = False
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        return with_commas(value, self.decimal_places or 0) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = without_commas(value.replace("$", "").replace("\u00a0", "").strip())
            if value and not value.lstrip("+-").replace(".", "", 1).isdigit():
                raise ValidationError("Give a number, such as 1250000 or 12.50.", code="invalid")
        return super().to_python(value)


class WholeField(forms.IntegerField):
    """A whole number that JSON carries exactly; commas are understood."""

    def __init__(self, **options: Any) -> None:
        options["widget"] = forms.TextInput(
            {"inputmode": "numeric", "autocomplete": "off", "data-size": "small"}
        )
        options["max_value"] = min(options.get("max_value") or LARGEST_WHOLE, LARGEST_WHOLE)
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:,}" if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:
        return super().to_python(without_commas(value.strip()) if isinstance(value, str) else value)


class Choices(ModelChoiceIterator):
    """The choices of a field in a plain loop, so that they are read once."""

    def __bool__(self) -> bool:
        return True


class KeptChoiceField(forms.ModelChoiceField):
    """A choice among records that asks the database only when another one is chosen."""

    iterator = Choices
    kept: Any = None

    def to_python(self, value: Any) -> Any:
        if value not in self.empty_values and str(value) == str(self.kept):
            return self.queryset.model(pk=self.kept)  # type: ignore[union-attr]
        return super().to_python(value)


class MemberChoices(Choices):
    """The members; one that has left stays chosen until somebody chooses another."""

    field: MemberField

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        yield "", str(self.field.empty_label)
        there = set()
        for member in self.field.members or self.queryset:
            there.add(member.pk)
            yield member.pk, self.field.label_from_instance(member)
        if self.field.kept and self.field.kept not in there:
            yield self.field.kept, NO_MEMBER


class MemberField(KeptChoiceField):
    """A member of the consortium, by the legal name of its organization.

    ``members`` are offered where a page has read them already; what is chosen is looked for as always.
    """

    iterator = MemberChoices
    members: Sequence[Membership] = ()

    def label_from_instance(self, obj: Membership) -> str:
        return obj.organization.legal_name


class YesOrNo(forms.NullBooleanSelect):
    """Yes, no, or not answered."""

    def __init__(self) -> None:
        super().__init__()
        self.choices = [("unknown", "Not answered yet"), ("true", "Yes"), ("false", "No")]


def field_for(column: models.Field, **options: Any) -> forms.Field | None:
    """The form field of a column; nothing is required, because saving refuses nothing that is missing."""
    options["required"] = False
    if isinstance(column, models.TextField):
        return column.formfield(**options, form_class=TextField, widget=forms.Textarea({"rows": 4}))
    if isinstance(column, models.EmailField):
        return column.formfield(**options)
    if isinstance(column, models.CharField) and not column.choices:
        return column.formfield(**options, form_class=TextField)
    if isinstance(column, models.CharField):
        field = column.formfield(**options)
        if isinstance(field, forms.TypedChoiceField):
            field.choices = [("", NOT_CHOSEN), *(pair for pair in column.flatchoices)]
        return field
    if isinstance(column, models.DecimalField):
        field = column.formfield(**options, form_class=AmountField)
        if isinstance(column, UsdField) and field is not None:
            field.help_text = options.get("help_text") or column.help_text or "U.S. dollars."
        return field
    if isinstance(column, models.BooleanField) and column.null:
        return forms.NullBooleanField(
            label=capfirst(str(column.verbose_name)),
            required=False,
            widget=YesOrNo(),
        )
    if isinstance(column, models.DateField):
        return column.formfield(**options)
    if isinstance(column, models.IntegerField):
        return column.formfield(**options, form_class=WholeField)
    if isinstance(column, models.ForeignKey):
        widget = forms.Select({"data-combo-box": True} if column.related_model is Country else {})
        kind = MemberField if column.related_model is Membership else KeptChoiceField
        return column.formfield(**options, form_class=kind, empty_label=NOT_CHOSEN, widget=widget)
    if isinstance(column, models.ManyToManyField):
        return column.formfield(**options, widget=forms.CheckboxSelectMultiple)
    return column.formfield(**options)

"""Components as a table: the columns of a layer, reading their cells, and the rows of the table view."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst

from program.models import Country
from program.revisions import revision_read
from program.spreadsheets import TOO_LONG, Grid
from proposals.forms.fields import KeptChoiceField, MemberField, TextField
from proposals.forms.rows import COMPONENT_FORMS, ComponentForm, RowForm
from proposals.models import Component, Membership, Proposal
from proposals.models.fields import plain_text
from proposals.tables import CellProblem, Entry

KEY: Final = "Key"
REVISION: Final = "Revision"
QUOTED: Final = 40


# The columns of a layer


@dataclass(frozen=True)
class Column:
    """A column of the table: its heading, the field of the form and the column of the database."""

    name: str
    heading: str
    field: forms.Field

    @property
    def attribute(self) -> str:
        """Where a component keeps the value; of a record its key."""
        return f"{self.name}_id" if isinstance(self.field, KeptChoiceField) else self.name


def spelled(heading: str) -> str:
    """A heading as people may write it: without capitals, signs and blanks."""
    return re.sub(r"[^a-z0-9]", "", heading.casefold())


class LayerTable:
    """The components of one layer of a proposal as a table, for whoever may read its working copy."""

    def __init__(self, proposal: Proposal, layer: str) -> None:
        blank = Component(proposal=proposal, layer=layer)
        form = COMPONENT_FORMS[layer](instance=blank, consortium=proposal.consortium_id)
        self.proposal, self.layer, self.form = proposal, layer, form
        names = [name for section in form.shown_sections for name in (field.name for field in section.fields)]
        self.columns = [
            Column(name, str(capfirst(str(form.fields[name].label))), form.fields[name]) for name in names
        ]

    @property
    def headings(self) -> list[str]:
        return [KEY, REVISION, *(column.heading for column in self.columns)]

    @cached_property
    def members(self) -> dict[int, str]:
        """Members by their keys, as the table names them: two of one name by their key too."""
        rows = Membership.objects.filter(consortium=self.proposal.consortium_id).select_related(
            "organization"
        )
        present = {row.pk for row in rows if row.status in ("invited", "consented")}
        self.present = present
        names = Counter(row.organization.legal_name for row in rows)
        return {
            row.pk: row.organization.legal_name
            if names[row.organization.legal_name] == 1
            else f"{row.organization.legal_name} (member-{row.pk})"
            for row in rows
        }

    @cached_property
    def countries(self) -> dict[str, str]:
        """Names of countries by their codes."""
        return dict(Country.objects.values_list("code", "name"))

    @cached_property
    def _codes(self) -> dict[str, str]:
        """Codes by all that a cell may say: the code, the name, or both."""
        found = {code.casefold(): code for code in self.countries}
        return {
            **{name.casefold(): code for code, name in self.countries.items()},
            **{f"{name} ({code})".casefold(): code for code, name in self.countries.items()},
            **found,
        }

    # Out

    def rows(self, components: Iterable[Component]) -> Iterable[list[Any]]:
        """The cells of each component, in the order of the headings."""
        for component in components:
            values = [self.value(column, component) for column in self.columns]
            yield [component.key, component.revision, *values]

    def value(self, column: Column, component: Component) -> Any:
        return self.said(column, getattr(component, column.attribute))

    def said(self, column: Column, value: Any) -> Any:
        """A value of the database as a reader of the table says it."""
        if value in (None, ""):
            return None
        if isinstance(column.field, MemberField):
            return self.members.get(value, "")
        if isinstance(column.field, KeptChoiceField):
            return self.countries.get(value, value)
        if isinstance(column.field, forms.TypedChoiceField):
            return _labels(column).get(str(value), value)
        return value

    # In

    def known(self, heading: str) -> str:
        """The name of the column that ``heading`` means, or nothing."""
        return self._headings.get(spelled(heading), "")

    @cached_property
    def _headings(self) -> dict[str, str]:
        own = {spelled(column.heading): column.name for column in self.columns}
        names = {spelled(column.name): column.name for column in self.columns}
        return {**names, **own, "key": KEY, "revision": REVISION}

    def main(self) -> list[str]:
        """The order in which a table without headings is read."""
        return list(TABLE_FORMS[self.layer]._meta.fields or ())

    def read(self, grid: Grid, *, demands_headings: bool) -> Reading:
        """The table's rows as entries, and what is wrong in it, place by place."""
        lines = grid.lines
        if not lines:
            return Reading([], [CellProblem(0, "", "It has no rows.")], True)
        first = lines[0]
        names = [self.known(text) for text in first.cells]
        given = [text for text in first.cells if text.strip()]
        is_headed = sum(map(bool, names)) * 2 >= len(given)
        if not is_headed:
            if demands_headings:
                problem = CellProblem(
                    first.number,
                    "",
                    "it must hold the headings, such as “Name” or “Maker”. Export the table to get them all.",
                )
                return Reading([], [problem], False)
            names = self.main()
            extra = max(len(line.cells) for line in lines) - len(names)
            if extra > 0:
                problem = CellProblem(
                    0,
                    "",
                    f"without headings it is read in the order of the {len(names)} columns named above, and "
                    "it has more. Add a first row with headings.",
                )
                return Reading([], [problem], False)
        else:
            problems = list(self._check_headings(first.number, first.cells, names))
            lines = lines[1:]
            if not lines:
                problems.append(CellProblem(0, "", "It has headings and no rows below them."))
            if problems:
                return Reading([], problems, True)
        entries, problems = [], []
        for line in lines:
            cells = {}
            for place, text in enumerate(line.cells):
                name = names[place] if place < len(names) else ""
                if not name and text.strip():
                    problems.append(
                        CellProblem(line.number, "", f"{quoted(text)} stands in a column without a heading.")
                    )
                elif name and (words := grid.refused.get((line.number, place))):
                    problems.append(CellProblem(line.number, self._heading(name), f"it {words}"))
                elif name:
                    cells[name] = text
            # A row that ends early has empty cells where the others have some
            cells |= {name: "" for name in names if name and name not in cells}
            entry, found = self._entry(line.number, cells)
            entries.append(entry)
            problems.extend(found)
        return Reading(entries, problems, is_headed)

    def _heading(self, name: str) -> str:
        return next((column.heading for column in self.columns if column.name == name), name)

    def _check_headings(self, number: int, cells: list[str], names: list[str]) -> Iterable[CellProblem]:
        offered = {column.heading for column in self.columns}
        for text, name in zip(cells, names, strict=True):
            if text.strip() and not name:
                near = get_close_matches(text, offered, 1, 0.6)
                advice = f"Did you mean “{near[0]}”?" if near else "Rename it or take it out."
                yield CellProblem(0, text[:QUOTED], f"this part has no such column. {advice}")
        for name, times in Counter(filter(None, names)).items():
            if times > 1:
                yield CellProblem(0, self._heading(name), "it stands there twice. Keep one.")

    def _entry(self, number: int, cells: dict[str, str]) -> tuple[Entry, list[CellProblem]]:
        problems: list[CellProblem] = []
        values: dict[str, Any] = {}
        key, told = cells.pop(KEY, "").strip().lower(), cells.pop(REVISION, "").strip()
        revision = revision_read(told) or None
        if told and revision is None:
            problems.append(
                CellProblem(number, REVISION, f"{quoted(told)} is no revision. Restore it from the export.")
            )
        for column in self.columns:
            if column.name not in cells or (key and cells[column.name] == TOO_LONG):
                continue
            try:
                values[column.attribute] = self._parsed(column, cells[column.name])
            except ValidationError as error:
                said = " ".join(error.messages)
                shown = f"{quoted(cells[column.name])}: {said}" if said[:1] != "“" else said
                problems.append(CellProblem(number, column.heading, shown))
        return Entry(number, key, revision, values), problems

    def _parsed(self, column: Column, text: str) -> Any:
        """The value that a cell says, by the rules of the same field on the component's own page."""
        field = column.field
        if isinstance(field, MemberField):
            return self._member(text)
        if isinstance(field, KeptChoiceField):
            return self._country(text)
        if isinstance(field, forms.TypedChoiceField):
            return _choice(column, text)
        if isinstance(field, forms.NullBooleanField):
            return _yes_or_no(text)
        value = field.clean(text)
        if value not in field.empty_values:
            Component._meta.get_field(column.name).run_validators(value)  # type: ignore[union-attr]
        return value

    def _country(self, text: str) -> str | None:
        if not text.strip():
            return None
        if code := self._codes.get(text.strip().casefold()):
            return code
        near = get_close_matches(text.strip(), self.countries.values(), 1, 0.7)
        advice = f"Did you mean “{near[0]}”?" if near else "Give its name or its two letters, such as US."
        raise ValidationError(f"{quoted(text)} is no country that the portal knows. {advice}")

    def _member(self, text: str) -> int | None:
        if not text.strip():
            return None
        wanted = text.strip().casefold()
        for pk, name in self.members.items():
            if wanted in (name.casefold(), f"member-{pk}"):
                return pk
        offered = "; ".join(name for pk, name in self.members.items() if pk in self.present)
        raise ValidationError(f"{quoted(text)} is no member of the consortium. Its members: {offered}.")


def quoted(text: str) -> str:
    """What a cell says, short enough for a message and without what cannot be shown."""
    shown = re.sub(r"[\x00-\x1f\x7f]", "\ufffd", text.strip())
    return f"“{shown[:QUOTED]}…”" if len(shown) > QUOTED else f"“{shown}”"


def _labels(column: Column) -> dict[str, str]:
    choices = Component._meta.get_field(column.name).flatchoices  # type: ignore[union-attr]
    return {str(code): str(label) for code, label in choices}


def _choice(column: Column, text: str) -> str:
    wanted = text.strip().casefold()
    if not wanted:
        return ""
    offered = _labels(column)
    for code, label in offered.items():
        if wanted in (code.casefold(), label.casefold()):
            return code
    words = ", ".join(offered.values())
    raise ValidationError(f"{quoted(text)} is none of: {words}.")


def _yes_or_no(text: str) -> bool | None:
    answers = {"": None, "yes": True, "true": True, "no": False, "false": False}
    try:
        return answers[text.strip().casefold()]
    except KeyError:
        raise ValidationError(
            f"{quoted(text)} is neither Yes nor No. Leave it empty if it is open."
        ) from None


@dataclass(frozen=True)
class Reading:
    """A table as entries; ``problems`` are what stands in the way, in the order of the rows."""

    entries: list[Entry]
    problems: list[CellProblem]
    is_headed: bool


class TableForm(forms.Form):
    """A table: a file, or cells pasted from a spreadsheet."""

    file = forms.FileField(
        label="CSV or XLSX file",
        required=False,
        help_text="With a first row of headings, up to 5,000 rows and 10 MB. Workbooks with macros are "
        "refused.",
        widget=forms.FileInput({"accept": ".csv,.xlsx"}),
    )
    text = forms.CharField(
        label="Cells copied from a spreadsheet",
        required=False,
        strip=False,
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "wrap": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        has_text = bool(data.get("text", "").strip())
        if not data.get("file") and not has_text and not self.errors:
            self.add_error(None, "Choose a file, or paste cells, then press the button below it.")
        return data


# The rows of the table view


class CountryCodeField(KeptChoiceField):
    """A country by its code or name, typed: a list of all countries in each row would not fit on a page."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value not in self.empty_values:
            text = value.strip()
            plain_text(text)
            if text.upper() == str(self.kept):
                return Country(pk=self.kept)
            found = Country.objects.filter(code=text.upper()).first() if len(text) == 2 else None
            found = found or Country.objects.filter(name__iexact=text).first()
            if found is None:
                message = f"{quoted(text)} is no country that the portal knows. Choose one from the list."
                raise ValidationError(message, code="invalid_choice")
            return found
        return super().to_python(value)


class InTable(ComponentForm):
    """The main columns of a component, side by side with those of others."""

    hints: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.help_text = ""
            if isinstance(field, TextField) and isinstance(field.widget, forms.Textarea):
                field.widget.attrs["rows"] = 2
        if "country_of_origin" in self.fields:
            old = self.fields["country_of_origin"]
            self.fields["country_of_origin"] = CountryCodeField(
                Country.objects.all(),
                label=old.label,
                required=False,
                widget=forms.TextInput({"list": "countries", "autocomplete": "off"}),
            )
            self.fields["country_of_origin"].kept = self.instance.country_of_origin_id  # type: ignore[attr-defined]


class HardwareInTable(InTable):
    class Meta(RowForm.Meta):
        model = Component
        fields = (
            "name",
            "subtype",
            "maker",
            "model",
            "quantity",
            "total_value_usd",
            "us_content_value_usd",
            "country_of_origin",
            "supplier",
            "eccn",
        )


class DataInTable(InTable):
    class Meta(RowForm.Meta):
        model = Component
        fields = ("name", "supplier", "data_location", "provenance", "privacy_regime", "eccn")


class ModelInTable(InTable):
    class Meta(RowForm.Meta):
        model = Component
        fields = ("name", "developer", "weights", "compute_band", "hosting", "weight_custody", "supplier")


class SecurityInTable(InTable):
    class Meta(RowForm.Meta):
        model = Component
        fields = ("name", "frameworks", "controls", "incident_response", "weight_protection", "supplier")


class ApplicationInTable(InTable):
    class Meta(RowForm.Meta):
        model = Component
        fields = ("name", "sector", "use_case", "users", "languages", "supplier")


TABLE_FORMS: Final[dict[str, type[ComponentForm]]] = {
    "hardware": HardwareInTable,
    "data": DataInTable,
    "models": ModelInTable,
    "security": SecurityInTable,
    "applications": ApplicationInTable,
}

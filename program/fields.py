"""The fields of forms, drawn in code: a page has hundreds, and a template takes its time over each.

``FormRenderer`` is what Django asks for the markup of a form or widget; what it does not draw itself is in
``templates/django/forms/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from django.forms.renderers import TemplatesSetting
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join

from program.drawing import drawn_anew, drawn_of_record

if TYPE_CHECKING:
    from django.forms import BoundField
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

#: What Django gives the template of a widget as ``widget``
Widget = Mapping[str, Any]
Optgroups = Sequence[tuple[str | None, Sequence[Mapping[str, Any]], int]]

#: The type of an input of days and times, by the name of its template
TYPES: Final = {"date": "date", "datetime": "datetime-local", "time": "time"}
#: The class of an input by its type
INPUT_CLASSES: Final = {
    "radio": "usa-radio__input", "checkbox": "usa-checkbox__input", "file": "site-file",
    **dict.fromkeys(TYPES.values(), "usa-input site-date"),
}  # fmt: skip
MANY_CHOICES: Final = 20


def field_group(field: BoundField) -> SafeString:
    """A field with label, hint, problems and units; what stands around it is kept while it has no problem.

    The units are the widget's ``data-prefix`` and ``data-suffix`` ("%", "MW"), or dollars where the name
    says so.
    """
    attributes, is_money = field.field.widget.attrs, field.name.endswith("_usd")
    kind, is_group, errors = _kind_of(field), field.use_fieldset, field.errors
    before = _text(attributes.get("data-prefix", "$" if is_money else ""))
    after = _text(attributes.get("data-suffix", "USD" if is_money else ""))
    about: dict[str, Any] = {
        "id": field.auto_id,
        "place": field.id_for_label or "",
        "label": _text(field.label),
        "help": _text(field.help_text),
        "is_required": field.field.required,
    }
    ends: dict[str, Any] = {"kind": kind, "is_group": is_group}
    if kind == "checkbox":
        ends |= about
    elif before or after:
        ends |= {"has_units": True, "after": after}
    elif kind == "counted":
        ends |= {"place": about["place"], "most": str(attributes["maxlength"])}
    draw = drawn_anew if errors else drawn_of_record
    start = draw(
        "field_start",
        **about,
        kind=kind,
        is_group=is_group,
        before=before,
        has_units=bool(before or after),
        name=field.html_name,
        classes=field.css_classes(),
        described_by=(field.aria_describedby or "") if is_group else "",
        errors=str(errors) if errors else "",
    )
    return format_html("{}{}{}", start, field, drawn_of_record("field_end", **ends))


def grid_cell(field: BoundField) -> SafeString:
    """A field in the row of a table that is typed in: label, problems, widget."""
    cell = '<div class="site-grid__cell site-field"><label for="{}">{}</label>{}{}</div>'
    return format_html(cell, field.id_for_label, field.label, field.errors or "", field)


def _text(words: Any) -> str:
    """Words of a form, which are translated late, or are markup, or none."""
    return words if isinstance(words, str) else "" if words is None else str(words)


def _kind_of(field: BoundField) -> str:
    """How a field is laid out: checkbox, counted text, or plain."""
    widget = field.field.widget
    if getattr(widget, "input_type", "") == "checkbox" and not field.use_fieldset:
        return "checkbox"
    if widget.attrs.get("maxlength") and not hasattr(widget, "input_type") and not hasattr(widget, "choices"):
        return "counted"
    return "plain"


def written(attributes: Mapping[str, Any]) -> SafeString:
    """The attributes of a widget but for its class; the house has no placeholders."""
    return _written(*(part for attribute in attributes.items() for part in attribute))


@lru_cache(maxsize=2048, typed=True)
def _written(*parts: Any) -> SafeString:
    """``parts`` are name and value in turn."""
    attributes = dict(zip(parts[::2], parts[1::2], strict=True))
    return flatatt({name: attributes[name] for name in attributes if name not in ("class", "placeholder")})


def and_class(attributes: Mapping[str, Any]) -> str:
    """The classes of a widget, behind those of the house."""
    more = attributes.get("class", "")
    return f" {more}" if more else ""


def typed_input(widget: Widget, kind: str = "") -> SafeString:
    """An input of any type that is not hidden; ``kind`` is the type where Django writes days as text."""
    kind, attributes, value = kind or widget["type"], widget["attrs"], widget["value"]
    return format_html(
        '<input class="{}{}" type="{}" name="{}"{}{}>',
        INPUT_CLASSES.get(kind, "usa-input"), and_class(attributes), kind, widget["name"],
        "" if value is None else flatatt({"value": str(value)}), written(attributes),
    )  # fmt: skip


def text_area(widget: Widget) -> SafeString:
    """A text of several lines; the first line break is not part of it."""
    attributes = widget["attrs"]
    return format_html(
        '<textarea class="usa-textarea{}" name="{}"{}>\n{}</textarea>',
        and_class(attributes), widget["name"], written(attributes), widget["value"] or "",
    )  # fmt: skip


def select(widget: Widget) -> SafeString:
    """A select; among many choices one types to find them, which the widget's ``data-combo-box`` says."""
    attributes = widget["attrs"]
    shown = format_html(
        '<select class="usa-select{}" name="{}"{}>\n{}\n</select>',
        and_class(attributes), widget["name"], written(attributes), options(widget["optgroups"]),
    )  # fmt: skip
    if not attributes.get("data-combo-box"):
        return shown
    chosen = next(iter(widget["value"] or ()), "")
    default = flatatt({"data-default-value": str(chosen) if chosen else None})
    return format_html('<div class="usa-combo-box"{}>{}</div>', default, shown)


def options(groups: Optgroups) -> SafeString:
    """The options of a select."""
    return format_html_join("", "{}", ((_group(name, choices),) for name, choices, _ in groups))


def _group(name: str | None, choices: Sequence[Mapping[str, Any]]) -> SafeString:
    shown = _options(*chain.from_iterable(map(_option, choices)))
    return format_html('<optgroup label="{}">{}</optgroup>', name, shown) if name else shown


def _option(choice: Mapping[str, Any]) -> tuple[str, str, str]:
    attributes = choice["attrs"]
    return str(choice["value"]), _text(choice["label"]), flatatt(attributes) if attributes else ""


@lru_cache(maxsize=256, typed=True)
def _options(*parts: str) -> SafeString:
    """Kept: a table has the same select in each row. ``parts`` are value, label and attributes in turn."""
    found = zip(parts[::3], parts[2::3], parts[1::3], strict=True)
    return format_html_join("\n", '<option value="{}"{}>{}</option>', found)


def inputs(groups: Optgroups) -> SafeString:
    """The radio buttons or checkboxes of a choice, each with its label.

    Every widget's choices look so, whatever its ``option_template_name``.
    """
    return format_html_join("\n", "{}", ((_choices(name, choices),) for name, choices, _ in groups))


def _choices(name: str | None, choices: Sequence[Mapping[str, Any]]) -> SafeString:
    shown = format_html_join("\n", "{}", ((_choice(choice),) for choice in choices))
    if not name:
        return shown
    heading = '<div role="group" aria-label="{0}"><p class="site-choices__group">{0}</p>{1}</div>'
    return format_html(heading, name, shown)


def _choice(choice: Mapping[str, Any]) -> SafeString:
    value, label = choice["value"], choice["label"]
    return _input(
        choice["type"],
        choice["name"],
        None if value is None else str(value),
        _text(label),
        *(part for attribute in choice["attrs"].items() for part in attribute),
    )


@lru_cache(maxsize=2048, typed=True)
def _input(kind: str, name: str, value: str | None, label: str, *parts: Any) -> SafeString:
    """Kept as ``drawn`` is: whoever scores reads the same scale. ``parts`` are name and value in turn."""
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    return format_html(
        '<div class="usa-{0}"><input class="usa-{0}__input{1}" type="{0}" name="{2}"{3}{4}>'
        '<label class="usa-{0}__label"{5}>{6}</label></div>',
        kind, and_class(found), name, flatatt({"value": value}),
        written(found), flatatt({"for": found.get("id")}), label,
    )  # fmt: skip


def are_many(groups: Optgroups) -> bool:
    """Whether a field has more choices than one steps through: they fold away, and one types to find them."""
    return sum(len(options) for _, options, _ in groups) > MANY_CHOICES


def chosen_of(groups: Optgroups) -> str:
    """What is chosen among many, in one line."""
    chosen = [str(option["label"]) for _, options, _ in groups for option in options if option["selected"]]
    return f"{len(chosen)} chosen: {', '.join(chosen)}" if chosen else "Choose from the list"


INPUTS: Final = (
    "input", "text", "number", "email", "url", "password", "search", "tel", "color", "checkbox", "file",
)  # fmt: skip
#: By the name of the template in whose place they stand; the parts of a MultiWidget would not come here
IN_CODE: Final[Mapping[str, Callable[[Widget], SafeString]]] = {
    **{f"django/forms/widgets/{kind}.html": typed_input for kind in INPUTS},
    **{f"django/forms/widgets/{name}.html": partial(typed_input, kind=kind) for name, kind in TYPES.items()},
    "django/forms/widgets/textarea.html": text_area,
    "django/forms/widgets/select.html": select,
}


class FormRenderer(TemplatesSetting):
    """Templates as the settings find them, but for what is drawn in code."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        if draw := IN_CODE.get(template_name):
            return draw(context["widget"])
        return super().render(template_name, context, request)

"""Components of the U.S. Web Design System, one tag and one template in ``templates/components/`` each.

Arguments are checked when a template compiles: a misspelt one is a TemplateSyntaxError. A word out of a fixed
set (the kind of an alert, a mark of confidentiality) is checked when it is rendered. Everything is escaped;
the body of a block tag is template text and was escaped where it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import qrcode
from django import template
from django.forms import BaseForm, BaseFormSet, BoundField
from django.template import Context, TemplateSyntaxError
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import slugify

from program import fields
from program.documents import scan_words
from program.drawing import drawn, drawn_of_record
from program.models import Document

register = template.Library()

ALERT_KINDS = ("info", "success", "warning", "error", "emergency")
BUTTON_VARIANTS = ("", "secondary", "outline", "unstyled", "accent-cool", "base")
ATTENTION_LINES = {"always": "<div>{}</div>", "narrow": '<div class="site-only-narrow">{}</div>'}
MARKS = {
    "public": ("Public", "public", "Anyone can read this."),
    "business_confidential": (
        "Business confidential",
        "lock",
        "Marked by the consortium as confidential commercial information, 5 U.S.C. 552(b)(4).",
    ),
    "government_only": ("Government only", "account_balance", "Only government offices can read this."),
}
# What a status means for the reader. The word is always printed; colour and icon only repeat it.
TONES = {
    "good": """issued answered announced designated active committed support accepted verified released met
        in_force complete consented delivered sent clean fulfilled cleared""",
    "info": """approved submitted under_evaluation acknowledged signed referred assigned in_progress scheduled
        continuing""",
    "waiting": """returned open suspended support_with_conditions deferred owed pending due invited
        needs_review paused not_computable potential_match asked not_scanned unknown review license_likely
        not_enough inconsistent notifiable red_flag""",
    "bad": """cancelled revoked declined object lapsed failed quarantined overdue missing not_met refused
        match infected blocked deficient denial_likely prohibited stands""",
}
TONE_OF_STATUS = {status: tone for tone, statuses in TONES.items() for status in statuses.split()}
TONE_ICONS = {
    "good": "check_circle",
    "info": "info",
    "waiting": "schedule",
    "bad": "error",
    "neutral": "radio_button_unchecked",
}


def fill(context: Context, component: str, **values: Any) -> SafeString:
    """The markup of ``component`` with nothing but ``values`` in sight."""
    engine_template = context.template.engine.get_template(f"components/{component}.html")  # type: ignore[union-attr]
    return engine_template.render(context.new(values))


def one_of(value: str, allowed: Iterable[str], what: str) -> str:
    """``value`` when it is one of ``allowed``; raises TemplateSyntaxError, naming ``what``, otherwise."""
    if value not in allowed:
        raise TemplateSyntaxError(f"{what} {value!r} is none of {', '.join(map(repr, allowed))}.")
    return value


def tone_of(status: str) -> str:
    """The tone in which a status is shown; an unknown status is neutral."""
    return TONE_OF_STATUS.get(status, "neutral")


# Messages


@register.simple_block_tag(takes_context=True)
def alert(
    context: Context,
    content: str,
    kind: str = "info",
    *,
    heading: str = "",
    slim: bool = False,
    level: int = 2,
) -> SafeString:
    """A message in a coloured box whose kind is also said in words to a screen reader."""
    one_of(kind, ALERT_KINDS, "The kind of an alert")
    return fill(context, "alert", content=content, kind=kind, heading=heading, slim=slim, level=level)


@register.simple_block_tag(takes_context=True)
def summary_box(context: Context, content: str, heading: str, *, level: int = 2, id: str = "") -> SafeString:
    """The few things to know, above the detail."""
    anchor = id or slugify(heading)
    return fill(context, "summary_box", content=content, heading=heading, level=level, anchor=anchor)


@register.simple_block_tag(takes_context=True)
def empty_state(
    context: Context, content: str, heading: str, *, icon: str = "folder_open", level: int = 2
) -> SafeString:
    """What stands where a list has no rows: why, and what to do next."""
    return fill(context, "empty_state", content=content, heading=heading, icon=icon, level=level)


@dataclass(frozen=True)
class SummaryLine:
    """One line of an error summary: what is wrong, where it is mended, what demands it."""

    message: str
    url: str = ""
    clause: str = ""


def lines_of_problems(problems: Iterable[Any], parts_url: str) -> Iterator[SummaryLine]:
    """A problem leads to its own ``url``, else to its field on the page of its part."""
    for problem in problems:
        part, field = getattr(problem, "part", ""), getattr(problem, "field", "")
        page = f"{parts_url}{part}/" if parts_url and part else ""
        url = getattr(problem, "url", "") or (f"{page}#id_{field}" if field else page)
        yield SummaryLine(problem.message, url, getattr(problem, "clause", ""))


def lines_of_form(form: BaseForm) -> Iterator[SummaryLine]:
    """Errors of the whole form first, then field by field in the order of the page."""
    for message in form.non_field_errors():
        yield SummaryLine(str(message))
    for name in form.fields:
        bound = form[name]
        for message in bound.errors:
            label = bound.label or name
            yield SummaryLine(f"{label}: {message}", f"#{anchor_of(bound)}")


@register.inclusion_tag("components/error_summary.html")
def error_summary(
    problems: Sequence[Any] | None = None,
    form: BaseForm | None = None,
    formset: BaseFormSet | None = None,
    *,
    heading: str = "",
    parts_url: str = "",
) -> dict[str, Any]:
    """All that is wrong at once, on top; the page moves the focus here.

    ``parts_url`` is put before the ``part`` of a problem when its field is on another page.
    """
    lines = list(lines_of_problems(problems or (), parts_url))
    if form and form.is_bound:
        lines += lines_of_form(form)
    if formset and formset.is_bound:
        lines += [SummaryLine(str(message)) for message in formset.non_form_errors()]
        lines += [line for each in formset.forms for line in lines_of_form(each)]
    if not heading:
        heading = "There is 1 problem" if len(lines) == 1 else f"There are {len(lines)} problems"
    return {"lines": lines, "heading": heading}


# Buttons


@register.simple_tag
def button(
    label: str,
    href: str = "",
    *,
    variant: str = "",
    type: str = "submit",
    name: str = "",
    value: str = "",
    form: str = "",
    action: str = "",
    icon: str = "",
    big: bool = False,
    disabled: bool = False,
    confirm: str = "",
    describes: str = "",
    id: str = "",
) -> SafeString:
    """A link that looks like a button when ``href`` is given, else a button of the form around it.

    ``confirm`` is a question asked before the form goes; ``describes`` completes the name for a screen reader
    where several buttons of a page read alike ("Open", "Open proposal AIX-2026-0007"). ``action`` is where
    this button sends its form instead.
    """
    one_of(variant, BUTTON_VARIANTS, "The variant of a button")
    one_of(type, ("submit", "button", "reset"), "The type of a button")
    values = {
        "label": label, "href": href, "variant": variant, "type": type, "name": name, "value": value,
        "form": form, "action": action, "icon": icon, "confirm": confirm, "describes": describes, "id": id,
    }  # fmt: skip
    # A record that a page gives to be named is another the next time, and equal
    texts = {key: given if isinstance(given, str) else str(given) for key, given in values.items()}
    return drawn_of_record("button", **texts, big=bool(big), disabled=bool(disabled))


@register.inclusion_tag("components/post_button.html", takes_context=True)
def post_button(
    context: Context,
    label: str,
    action: str,
    *,
    variant: str = "",
    confirm: str = "",
    name: str = "",
    value: str = "",
    icon: str = "",
    describes: str = "",
    target: str = "",
) -> dict[str, Any]:
    """A form of one button: an act that needs no more words. ``target`` is the element htmx replaces."""
    one_of(variant, BUTTON_VARIANTS, "The variant of a button")
    return {
        "label": label,
        "action": action,
        "variant": variant,
        "confirm": confirm,
        "name": name,
        "value": value,
        "icon": icon,
        "describes": describes,
        "target": target,
        "csrf_token": context.get("csrf_token"),
    }


@register.simple_block_tag(takes_context=True)
def button_group(context: Context, content: str) -> SafeString:
    """Buttons side by side, below each other where it is narrow."""
    return fill(context, "button_group", content=content)


# Words with a colour


@register.simple_tag
def icon(name: str, *, label: str = "", size: str = "") -> SafeString:
    """A picture of the USWDS sprite; silent to a screen reader unless it has a ``label``."""
    return drawn("icon", name=name, label=label, size=size)


@register.simple_tag
def tag(word: str, *, tone: str = "neutral", icon: str = "") -> SafeString:
    """A short word in a frame; ``tone`` is good, info, waiting, bad or neutral."""
    one_of(tone, TONE_ICONS, "The tone of a tag")
    return drawn("tag", word=str(word), tone=tone, icon=icon or TONE_ICONS[tone])


@register.simple_tag
def attention(mark: str, words: str, *, tone: str) -> SafeString:
    """A short word in a frame and a sentence that says what it is about."""
    return _attention(mark, words, tone)


@register.simple_tag
def attentions(reasons: Iterable[Any], shown: str = "always") -> SafeString:
    """A line for each of ``reasons``, which have ``mark``, ``words`` and ``tone``; a list has dozens.

    ``shown`` is "always", or "narrow" for telephones alone.
    """
    one_of(shown, ATTENTION_LINES, "The width of a line")
    lines = ((_attention(each.mark, each.words, each.tone),) for each in reasons)
    return format_html_join("", ATTENTION_LINES[shown], lines)


@lru_cache(maxsize=1024, typed=True)
def _attention(mark: str, words: str, tone: str) -> SafeString:
    return format_html('{} <span class="site-meta">{}</span>', tag(mark, tone=tone), words)


@register.simple_tag
def status_tag(record: Any, *, field: str = "status") -> SafeString:
    """The status of a record: its word, and a colour and a picture that repeat it."""
    return tag(getattr(record, f"get_{field}_display")(), tone=tone_of(getattr(record, field)))


@register.simple_tag
def scan_mark(document: Document, *, public: bool = False) -> SafeString:
    """What is known of a file's malware scan, and whether there is a scanner at all."""
    return tag(scan_words(document, public=public), tone=tone_of(document.scan_state))


@register.inclusion_tag("components/confidentiality.html")
def confidentiality(mark: str, *, justification: str = "") -> dict[str, Any]:
    """The mark of a field or document: public, business confidential or government only."""
    one_of(mark, MARKS, "The mark of confidentiality")
    word, picture, meaning = MARKS[mark]
    return {"mark": mark, "word": word, "icon": picture, "meaning": meaning, "justification": justification}


def clause_anchor(citation: str) -> str:
    """The anchor of a clause on the page of the order: ``s.3(b)(i)(A)`` is ``s-3-b-i-A``."""
    return re.sub(r"[^0-9A-Za-z]+", "-", citation).strip("-")


register.filter("clause_anchor", clause_anchor)


@register.simple_tag
def clause(citation: str, *, link: bool = True) -> SafeString:
    """The clause that demands something. Clauses of E.O. 14320 lead to the page of the order."""
    of_the_order = citation.startswith("s.")
    spoken = f"Executive Order 14320, section {citation[2:]}" if of_the_order else citation
    anchor = clause_anchor(citation) if of_the_order and link else ""
    return drawn("clause", citation=citation, spoken=spoken, anchor=anchor)


# Containers


@register.simple_block_tag(takes_context=True)
def card_group(context: Context, content: str, *, columns: int = 3) -> SafeString:
    """Cards side by side: one column on a telephone, ``columns`` (1 to 4) on a wide page."""
    return fill(context, "card_group", content=content, columns=columns)


@register.simple_block_tag(takes_context=True)
def card(
    context: Context, content: str, heading: str, href: str = "", *, level: int = 3, eyebrow: str = ""
) -> SafeString:
    """One thing of a group; ``href`` makes the heading a link, ``eyebrow`` is the small line above it."""
    return fill(context, "card", content=content, heading=heading, href=href, level=level, eyebrow=eyebrow)


@register.simple_block_tag(takes_context=True)
def table(
    context: Context,
    content: str,
    caption: str,
    *,
    caption_hidden: bool = False,
    compact: bool = False,
    striped: bool = False,
    stacked: bool = False,
    id: str = "",
) -> SafeString:
    """A table with its caption, in a frame that scrolls sideways and takes the keyboard.

    The body is ``<thead>`` and ``<tbody>``, header cells by ``{% th %}``. ``stacked`` turns rows into blocks
    on a telephone: then every cell says ``data-label``.
    """
    values = {"caption": caption, "caption_hidden": caption_hidden, "compact": compact, "striped": striped}
    return fill(context, "table", content=content, stacked=stacked, id=id or slugify(caption), **values)


@register.simple_tag
def th(
    label: str,
    *,
    scope: str = "col",
    numeric: bool = False,
    sort_url: str = "",
    sorted: str = "",
    hidden: bool = False,
) -> SafeString:
    """A header cell, ``sorted`` "ascending", "descending" or not; ``hidden`` is for screen readers only."""
    one_of(scope, ("col", "row", "colgroup", "rowgroup"), "The scope of a header")
    one_of(sorted, ("", "ascending", "descending"), "The order of a column")
    values: dict[str, str | bool] = {"label": label, "scope": scope, "numeric": numeric, "sort_url": sort_url}
    return drawn("th", **values, sorted=sorted, hidden=hidden)


@register.inclusion_tag("components/facts.html")
def facts(pairs: Iterable[Sequence[Any]] | Mapping[str, Any], *, columns: int = 1) -> dict[str, Any]:
    """Terms and their values, from pairs or a mapping; an empty value reads "Not given"."""
    return {"pairs": list(pairs.items() if isinstance(pairs, Mapping) else pairs), "columns": columns}


@register.simple_block_tag(takes_context=True)
def fact_list(context: Context, content: str, *, columns: int = 1) -> SafeString:
    """Terms and their values, each by ``{% fact %}``."""
    return fill(context, "fact_list", content=content, columns=columns)


@register.simple_block_tag(takes_context=True)
def fact(context: Context, content: str, term: str) -> SafeString:
    """One term and its value."""
    return fill(context, "fact", content=content, is_given=bool(content.strip()), term=term)


@register.simple_block_tag(takes_context=True)
def accordion(context: Context, content: str) -> SafeString:
    """Sections that open and close, also without script."""
    return fill(context, "accordion", content=content)


@register.simple_block_tag(takes_context=True)
def accordion_item(
    context: Context, content: str, heading: str, *, open: bool = False, note: str = "", id: str = ""
) -> SafeString:
    """One section of an accordion; ``note`` stands at the right of the heading."""
    return fill(context, "accordion_item", content=content, heading=heading, open=open, note=note, id=id)


@register.simple_block_tag(takes_context=True)
def process_list(context: Context, content: str) -> SafeString:
    """Numbered steps of how something is done."""
    return fill(context, "process_list", content=content)


@register.simple_block_tag(takes_context=True)
def process_step(context: Context, content: str, heading: str, *, level: int = 3) -> SafeString:
    """One numbered step."""
    return fill(context, "process_step", content=content, heading=heading, level=level)


@register.simple_block_tag(takes_context=True)
def timeline(context: Context, content: str) -> SafeString:
    """What happened, in order."""
    return fill(context, "timeline", content=content)


@register.simple_block_tag(takes_context=True)
def timeline_entry(
    context: Context,
    content: str,
    heading: str,
    *,
    at: datetime | None = None,
    by: Any = "",
    clause: str = "",
    tone: str = "neutral",
    level: int = 3,
) -> SafeString:
    """One event: what, when, by whom, under which clause."""
    one_of(tone, TONE_ICONS, "The tone of an entry")
    values = {"heading": heading, "at": at, "by": by, "clause": clause, "tone": tone, "level": level}
    return fill(context, "timeline_entry", content=content, has_more=bool(content.strip()), **values)


# Finding one's way


@register.simple_block_tag(takes_context=True)
def breadcrumb(context: Context, content: str) -> SafeString:
    """The way to this page, of ``{% crumb %}``; the last has no address."""
    return fill(context, "breadcrumb", content=content)


@register.inclusion_tag("components/crumb.html")
def crumb(label: str, url: str = "") -> dict[str, Any]:
    """One step of the way; without address it is the page itself."""
    return {"label": label, "url": url}


@register.simple_block_tag(takes_context=True)
def side_navigation(context: Context, content: str, label: str) -> SafeString:
    """The parts of one thing, at the side of the page; ``label`` names them for a screen reader."""
    return fill(context, "side_navigation", content=content, label=label)


@register.simple_tag
def side_link(
    label: str,
    url: str,
    *,
    current: bool = False,
    state: str = "",
    tone: str = "neutral",
    count: int | None = None,
) -> SafeString:
    """One part: ``state`` says in words how it stands ("2 problems", "complete"), ``tone`` colours it."""
    one_of(tone, TONE_ICONS, "The tone of a link")
    texts = {"label": str(label), "url": str(url), "state": str(state)}
    number = "" if count is None else str(count)
    return drawn_of_record(
        "side_link", **texts, current=bool(current), tone=tone, icon=TONE_ICONS[tone], count=number
    )


@register.inclusion_tag("components/pagination.html")
def pagination(
    *, previous: str = "", next: str = "", label: str = "Pages", shown: str = ""
) -> dict[str, Any]:
    """Back and forth through a keyset; ``shown`` says what is on this page ("25 of 312 proposals")."""
    return {"previous": previous, "next": next, "label": label, "shown": shown}


@dataclass(frozen=True)
class Step:
    """One step of a step indicator."""

    label: str
    state: str


@register.inclusion_tag("components/step_indicator.html")
def step_indicator(
    steps: Sequence[str], current: int, *, label: str = "Progress", level: int = 2
) -> dict[str, Any]:
    """Where one stands in a sequence. ``current`` counts from 1; ``len(steps) + 1`` says all are done."""
    marked = [
        Step(str(name), "complete" if number < current else "current" if number == current else "incomplete")
        for number, name in enumerate(steps, 1)
    ]
    here = min(current, len(marked))
    heading = marked[here - 1].label if marked else ""
    return {"steps": marked, "current": here, "heading": heading, "label": label, "level": level}


# The program's own pictures


@register.inclusion_tag("components/deadline_panel.html")
def deadline_panel(
    at: datetime | None,
    *,
    heading: str = "Proposals are due",
    rule: str = "",
    clause: str = "",
    note: str = "",
    ended: str = "The time to submit is over.",
    level: int = 2,
    now: datetime | None = None,
) -> dict[str, Any]:
    """A deadline with date, time, zone in words, remaining time and the rule it comes from.

    ``at`` is exclusive: midnight at the start of July 1 is shown as 11:59 p.m. on June 30.
    """
    now = now or timezone.now()
    values = {"at": at, "heading": heading, "rule": rule, "clause": clause, "note": note, "ended": ended}
    return {**values, "level": level, "is_over": at is not None and now >= at, "now": now}


@register.simple_tag
def consultation_cells(cells: Sequence[tuple[str, Any]]) -> SafeString:
    """The agencies' columns in the row of a list, each with its agency; without a column, it was not asked.

    Where all columns of a row agree, a telephone shows one for all.
    """
    return _consultation_cells(*(part for agency, column in cells for part in (agency, *_shown_of(column))))


def _shown_of(column: Any) -> tuple[str, str, str]:
    """State, tone and clock of a column; the clock of one that runs or stands."""
    if not column:
        return "", "neutral", ""
    state, tone = read(column, "state"), read(column, "tone") or "neutral"
    one_of(tone, TONE_ICONS, "The tone of a consultation")
    runs = state == "Paused" or read(column, "due_at")
    return state, tone, read(column, "clock") if runs else ""


@lru_cache(maxsize=1024, typed=True)
def _consultation_cells(*parts: str) -> SafeString:
    """``parts`` are agency, state, tone and clock of each cell in turn."""
    shown = [parts[first : first + 4] for first in range(0, len(parts), 4)]
    agree = len(shown) > 1 and len({cell[1:] for cell in shown}) == 1
    drawn_cells = [_consultation_cell(*cell, shown="wide" if agree else "always") for cell in shown]
    if agree:
        drawn_cells.append(_consultation_cell("Every agency", *shown[0][1:], shown="narrow"))
    return format_html_join("", "{}", ((cell,) for cell in drawn_cells))


def _consultation_cell(agency: str, state: str, tone: str, clock: str, *, shown: str) -> SafeString:
    return drawn("consultation_cell", agency=agency, state=state, tone=tone, clock=clock, shown=shown)


@register.inclusion_tag("components/consultations.html")
def consultations(
    columns: Iterable[Any], *, heading: str = "Five consultations", level: int = 2
) -> dict[str, Any]:
    """The agencies side by side, E.O. 14320 s.3(d).

    Each column has ``agency`` and ``state`` (a word); ``tone``, ``due_at``, ``clock``, ``note``,
    ``url`` if it likes.
    """
    shown = [
        {
            "agency": read(column, "agency"),
            "state": read(column, "state"),
            "tone": one_of(read(column, "tone") or "neutral", TONE_ICONS, "The tone of a consultation"),
            "icon": TONE_ICONS[read(column, "tone") or "neutral"],
            "due_at": read(column, "due_at"),
            "note": read(column, "note"),
            "clock": read(column, "clock"),
            "url": read(column, "url"),
        }
        for column in columns
    ]
    return {"columns": shown, "heading": heading, "level": level}


def read(thing: Any, name: str) -> Any:
    """``name`` of a dictionary or of an object, or empty."""
    return thing.get(name, "") if isinstance(thing, dict) else getattr(thing, name, "")


@register.inclusion_tag("components/layer_stack.html")
def layer_stack(layers: Iterable[Any], *, label: str = "The five layers of the package") -> dict[str, Any]:
    """The five-layer picture of a package, E.O. 14320 s.3(b)(i)(A)-(E).

    Each layer has ``label`` and ``state`` (words), and may have ``tone``, ``detail``, ``clause`` and ``url``.
    """
    shown = [
        {
            "label": read(layer, "label"),
            "state": read(layer, "state"),
            "tone": one_of(read(layer, "tone") or "neutral", TONE_ICONS, "The tone of a layer"),
            "icon": TONE_ICONS[read(layer, "tone") or "neutral"],
            "detail": read(layer, "detail"),
            "clause": read(layer, "clause"),
            "url": read(layer, "url"),
        }
        for layer in layers
    ]
    return {"layers": shown, "label": label}


@register.simple_block_tag(takes_context=True)
def counts(context: Context, content: str, label: str) -> SafeString:
    """A row of numbers on a dashboard, of ``{% count %}``; ``label`` names the row."""
    return fill(context, "counts", content=content, label=label)


@register.inclusion_tag("components/count.html")
def count(value: Any, label: str, href: str = "", *, tone: str = "neutral", note: str = "") -> dict[str, Any]:
    """One number and what it counts; with ``href`` it leads to the rows it counts."""
    one_of(tone, TONE_ICONS, "The tone of a number")
    return {"value": value, "label": label, "href": href, "tone": tone, "note": note}


@register.inclusion_tag("components/fingerprint.html")
def fingerprint(sha256: str, *, label: str = "SHA-256") -> dict[str, Any]:
    """A hash in groups of eight that break across lines and copy without blanks."""
    return {"groups": [sha256[start : start + 8] for start in range(0, len(sha256), 8)], "label": label}


@register.inclusion_tag("components/qr_code.html")
def qr_code(text: str, *, label: str) -> dict[str, Any]:
    """``text`` as a QR code drawn in the page, so that no other address has to serve it."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    code.make()
    rows = code.get_matrix()
    path = "".join(f"M{x},{y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return {"path": path, "size": len(rows), "label": label}


# Fields of forms

register.simple_tag(fields.field_group)
register.simple_tag(fields.grid_cell)
register.simple_tag(fields.inputs)
register.filter(fields.written)
register.filter(fields.and_class)
register.filter(fields.are_many)
register.filter(fields.chosen_of)


@register.filter
def anchor_of(field: BoundField) -> str:
    """The id to which an error leads: of the first choice where the field is a group."""
    return field.id_for_label or (f"{field.auto_id}_0" if field.use_fieldset else field.auto_id)


@register.inclusion_tag("components/reason_field.html")
def reason_field(
    row: int, field: str, label: str, value: str = "", *, error: str = "", hint: str = ""
) -> dict[str, Any]:
    """A reason that an act needs, on a page where each row has its own act and no form of Django's."""
    name = f"{row}-{field}"
    beside = [f"id_{name}_{part}" for part, said in (("helptext", hint), ("error", error)) if said]
    values = {"name": name, "label": label, "value": value, "error": error, "hint": hint}
    return {**values, "described_by": " ".join(beside)}


@register.filter
def same(one: str, other: str) -> bool:
    """Whether two addresses are equal, where a tag needs the answer as an argument."""
    return one == other

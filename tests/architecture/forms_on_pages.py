"""The forms that stand on a page, read as a browser would, and filled in where a person would type."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import urljoin

TYPED = {
    "email": "somebody@firm.example", "number": "1", "date": "2099-01-04",
    "datetime-local": "2099-01-04T12:00",
    "url": "https://firm.example/", "tel": "202-555-0100",
}  # fmt: skip


@dataclass
class PageForm:
    """A form that posts: where to, with which fields as rendered, and which of them are empty.

    One that ``saves_itself`` is sent by the page's script while somebody types, and answered in JSON.
    """

    action: str
    saves_itself: bool = False
    fields: dict[str, list[str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    by_buttons: list[str] = field(default_factory=list)
    is_sent_by_buttons: bool = False

    @property
    def filled(self):
        """What a browser would send after somebody typed into every empty field."""
        data = {}
        for name, values in self.fields.items():
            given = [value for value in values if value]
            if not given and name in self.choices:
                given = [choice for choice in self.choices[name] if choice][:1]
            if not given:
                kind = "number" if name in self.numbers else self.kinds[name]
                given = [TYPED.get(kind, "Words typed by a person")]
            data[name] = given if len(given) > 1 else given[0]
        return data

    @property
    def typed(self):
        """The same after somebody went on typing in what is filled in already."""
        data = self.filled
        for name in data.keys() & {name for name, kind in self.kinds.items() if kind == "textarea"}:
            data[name] += " And more"
        return data


class Reader(HTMLParser):
    def __init__(self, address):
        super().__init__(convert_charrefs=True)
        self.address, self.forms, self.form = address, [], None
        self.area, self.select = None, None

    def handle_starttag(self, tag, attributes):
        facts = dict(attributes)
        name = facts.get("name") or ""
        if tag == "form":
            self.form = None
            if (facts.get("method") or "").lower() == "post":
                to = urljoin(self.address, facts.get("action") or self.address)
                self.form = PageForm(to, saves_itself="data-autosave" in facts)
                self.forms.append(self.form)
        elif self.form is None:
            return
        elif tag == "textarea" and name:
            self.area = name
            self.form.fields[name], self.form.kinds[name] = [""], "textarea"
        elif tag == "select" and name:
            self.select = name
            self.form.fields[name], self.form.kinds[name], self.form.choices[name] = [], "select", []
        elif tag == "option" and self.select:
            self.form.choices[self.select].append(facts.get("value") or "")
            if "selected" in facts:
                self.form.fields[self.select].append(facts.get("value") or "")
        elif tag == "button" and "formaction" in facts:
            self.form.by_buttons.append(urljoin(self.address, facts["formaction"]))
        elif tag == "button" and "hidden" in facts and not self.form.by_buttons:
            self.form.is_sent_by_buttons = True
        elif tag in ("input", "button") and name:
            self._input(name, facts)
        if name and (facts.get("maxlength") or "").isdecimal():
            self.form.limits[name] = int(facts["maxlength"])

    def _input(self, name, facts):
        kind = (facts.get("type") or "text").lower()
        value = facts.get("value") or ""
        if kind in ("file", "submit"):
            return
        if kind in ("radio", "checkbox"):
            self.form.choices.setdefault(name, []).append(value or "on")
            values = self.form.fields.setdefault(name, [])
            if "checked" in facts:
                values.append(value or "on")
        else:
            self.form.fields[name] = [value]
        self.form.kinds[name] = kind
        if "inputmode" in facts:
            self.form.numbers.add(name)

    def handle_data(self, data):
        if self.area and self.form is not None:
            self.form.fields[self.area][0] += data.removeprefix("\n")

    def handle_endtag(self, tag):
        if tag == "textarea":
            self.area = None
        elif tag == "select":
            self.select = None
        elif tag == "form":
            self.form = None


def forms_of(address, text):
    """The posting forms of a page at ``address``; a form around nothing but a button counts too.

    One whose first button is hidden is sent to its own address by Enter: it counts for that, and once for
    each of its other buttons.
    """
    reader = Reader(address)
    reader.feed(text)
    for form in reader.forms:
        form.fields.pop("csrfmiddlewaretoken", None)
    found = []
    for form in reader.forms:
        sent_to = dict.fromkeys([form.action, *(form.by_buttons if form.is_sent_by_buttons else ())])
        found += [replace(form, action=address) for address in sent_to]
    return found

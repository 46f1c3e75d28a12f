"""What an attacker types into every free text, and what on a page would run of it."""

from __future__ import annotations

from functools import lru_cache
from html.parser import HTMLParser
from itertools import cycle

from django.db import models

from program.models import Call
from tests.architecture.two_consortia import build, free_texts, mark_texts

SHORT = "\"'><img src=x onerror=alert(1)>"
LONG = (
    SHORT
    + "</textarea></title></script><script>alert(2)</script><svg/onload=alert(3)>"
    + "{{ 7*7 }}{% debug %}{0.__class__}{event.actor.password}%s%(x)s${7*7}\u2028<!--]]>"
    + " javascript:alert(4) =HYPERLINK(1) @SUM(1) +1 -1 \u202eevil & &lt;b&gt;"
)
# A spreadsheet program takes a cell that begins so for a formula, some of them behind a sign that it drops
STARTS = ("=", "+", "-", "@", "\t", "\r")


class Scripts(HTMLParser):
    """Everything on a page that would run: our own pages have no inline script at all."""

    def __init__(self):
        super().__init__()
        self.found, self.in_script = [], False

    def handle_starttag(self, tag, attributes):
        self.in_script = tag == "script"
        for name, value in attributes:
            if name.startswith("on") or (value or "").strip().lower().startswith(
                ("javascript:", "data:text")
            ):
                self.found.append(f"<{tag} {name}={value}>")
        if tag in ("img", "svg") and ("src", "x") in attributes:
            self.found.append(f"<{tag} src=x>")

    def handle_data(self, data):
        if self.in_script and data.strip():
            self.found.append(f"<script>{data[:60]}")

    def handle_endtag(self, tag):
        self.in_script = False


@lru_cache(maxsize=64)
def scripts_in(text):
    reader = Scripts()
    reader.feed(text)
    return reader.found


def hostile():
    """Both consortia with the corpus in every free text, names of people and firms included."""
    made = build(tail=LONG, short_tail=SHORT)
    for call in Call.objects.all():
        mark_texts("zebracall", call, *call.requirements.all(), *call.criteria.all())
    for person in made.people.values():
        if person.is_authenticated:
            type(person).objects.filter(pk=person.pk).update(name=f"Per{SHORT}son", title=SHORT)
    return made


def begin_with(signs, *records):
    """Let every free text of ``records`` begin with one of ``signs``, in turn."""
    turn = cycle(signs)
    for record in records:
        values = {}
        for column in free_texts(record):
            text = getattr(record, column.name)
            if text and not isinstance(column, models.EmailField):
                values[column.name] = (next(turn) + text)[: column.max_length]
        type(record)._base_manager.filter(pk=record.pk).update(**values)
        record.refresh_from_db()

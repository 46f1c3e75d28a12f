"""What no person means brings no page down, and every form knows its bounds: days, lengths, a NUL.

That nothing out of bounds is kept is tried out with the forms on the pages, in test_forms.
"""

from __future__ import annotations

from importlib import import_module

import pytest
from django import forms

from program import days
from program.models.fields import DayColumn, MomentColumn
from tests.architecture.addresses import client_of
from tests.architecture.routes import OURS
from tests.architecture.two_consortia import build

pytestmark = pytest.mark.django_db
FORMS = ("program.forms", "proposals.forms", "evaluation.forms", "financing.forms")


@pytest.fixture(scope="module")
def built(standing):
    return build()


WORDY = [route for route in OURS if "none" in route.address]


@pytest.mark.parametrize("sign", ["%00", "a%00b"])
def test_no_address_with_a_nul_brings_a_page_down(built, sign):
    wrong = []
    for role in ("anonymous", "our representative", "program_officer", "edag officer"):
        client = client_of(built.people[role])
        for route in WORDY:
            status = client.get(route.address.replace("none", sign)).status_code
            if status not in (302, 401, 403, 404, 405):
                wrong.append(f"{role}: {route} {status}")
    assert not wrong, "\n".join(wrong)
    assert len(WORDY) > 30


# Names under which some page is asked for something
ASKED = (
    "after", "before", "act", "actor", "proposal", "subject", "from", "to", "status", "sector", "market",
    "call", "next", "show", "page", "code", "match", "version", "removed", "stage", "agency", "all", "format",
    "cursor", "page_size", "q", "updated_since", "number",
)  # fmt: skip
ODD = ("%00", "9999-12-31", "0001-01-01", "9" * 40, "%F0%9F%98%80", "²", "-1", "'", "x" * 3000)


def test_no_search_brings_a_page_down(built):
    """Each page as the first of them who may open it."""
    wrong, seen = [], set()
    pages = [route.address for route in OURS if "<" not in route.pattern and "(" not in route.pattern]
    for role in ("anonymous", "our representative", "program_officer", "auditor", "edag officer"):
        client = client_of(built.people[role])
        for page in pages:
            if page in seen or client.get(page).status_code != 200:
                continue
            seen.add(page)
            for odd in ODD:
                asked = "&".join(f"{name}={odd}" for name in ASKED)
                status = client.get(f"{page}?{asked}").status_code
                if status >= 500:
                    wrong.append(f"{role}: {page} {odd[:20]} {status}")
    assert not wrong, "\n".join(wrong)


def our_forms():
    """Every form class of ours with fields of its own."""
    for name in FORMS:
        import_module(name)
    found, open_classes = set(), [forms.BaseForm]
    while open_classes:
        each = open_classes.pop()
        open_classes += each.__subclasses__()
        if each.__module__.startswith(FORMS) and getattr(each, "base_fields", None):
            found.add(each)
    return sorted(found, key=lambda each: (each.__module__, each.__qualname__))


FORM_CLASSES = our_forms()


def columns_of(form):
    model = getattr(getattr(form, "_meta", None), "model", None)
    return {column.name: column for column in model._meta.fields} if model else {}


def fields_of(kind):
    """Every field of the kind in every form: where it is, the field, and the column behind it."""
    for form in FORM_CLASSES:
        columns = columns_of(form)
        for name, field in form.base_fields.items():
            if isinstance(field, kind):
                yield f"{form.__module__}.{form.__qualname__}.{name}", field, columns.get(name)


def test_every_day_of_a_form_has_the_bounds():
    wrong, seen = [], 0
    for place, field, column in fields_of(forms.DateField | forms.DateTimeField):
        seen += 1
        if days.within_bounds not in field.validators:
            wrong.append(f"{place} takes any day")
        if not str(field.widget.attrs.get("max")).startswith("2100-01-01"):
            wrong.append(f"{place} shows no last day")
        if column is not None and not isinstance(column, DayColumn | MomentColumn):
            wrong.append(f"{place} has a column without bounds")
    assert not wrong, "\n".join(wrong)
    assert seen > 30


def takes(validated, text):
    try:
        validated.run_validators(text)
    except forms.ValidationError:
        return False
    return True


def test_every_limit_that_a_form_shows_is_enforced_by_field_and_column():
    wrong, seen = [], 0
    for place, field, column in fields_of(forms.CharField):
        if (limit := field.widget.attrs.get("maxlength")) is None:
            continue
        seen += 1
        over = "x" * (int(limit) + 1)
        if takes(field, over):
            wrong.append(f"{place} takes more than it shows")
        if column is not None and takes(column, over):
            wrong.append(f"{place} has a column that takes more")
    assert not wrong, "\n".join(wrong)
    assert seen > 100

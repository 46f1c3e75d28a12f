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


@pytest.mark.parametrize("form", our_forms(), ids=lambda form: f"{form.__module__}.{form.__qualname__}")
def test_every_day_of_a_form_has_the_bounds(form):
    for name, field in form.base_fields.items():
        if isinstance(field, forms.DateField | forms.DateTimeField):
            assert days.within_bounds in field.validators, name
            assert field.widget.attrs["max"].startswith("2100-01-01"), name
            column = getattr(getattr(form, "_meta", None), "model", None)
            if column is not None and name in {each.name for each in column._meta.fields}:
                assert isinstance(column._meta.get_field(name), DayColumn | MomentColumn), name


@pytest.mark.parametrize("form", our_forms(), ids=lambda form: f"{form.__module__}.{form.__qualname__}")
def test_every_limit_that_a_form_shows_is_enforced_by_field_and_column(form):
    model = getattr(getattr(form, "_meta", None), "model", None)
    columns = {each.name: each for each in model._meta.fields} if model else {}
    for name, field in form.base_fields.items():
        limit = field.widget.attrs.get("maxlength")
        if limit is None or not isinstance(field, forms.CharField):
            continue
        over = "x" * (int(limit) + 1)
        with pytest.raises(forms.ValidationError):
            field.run_validators(over)
        if name in columns:
            with pytest.raises(forms.ValidationError):
                columns[name].run_validators(over)

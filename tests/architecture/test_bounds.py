"""What no person means is refused where it is typed: days out of bounds, texts over the limit, a NUL.

Every form of every page is sent with each of them. No page falls, and nothing of it is kept.
"""

from __future__ import annotations

from importlib import import_module

import pytest
from django import forms
from django.apps import apps
from django.db import models, transaction
from django.urls import resolve, reverse

from program import days
from program.deadlines import end_of_day, start_of_day
from program.models.fields import DayColumn, MomentColumn
from tests.architecture.forms_on_pages import forms_of
from tests.architecture.routes import OURS
from tests.architecture.test_isolation import client_of, keyed, lists
from tests.architecture.test_mass_assignment import PERSONS
from tests.architecture.two_consortia import build

pytestmark = pytest.mark.django_db
FORMS = ("program.forms", "proposals.forms", "evaluation.forms", "financing.forms")
DAYS = {"date": ("9999-12-31", "0001-01-01", "2100-01-02", "1989-12-31"),
        "datetime-local": ("9999-12-31T23:59", "0001-01-01T00:00")}  # fmt: skip
EARLIEST_AND_LATEST = {
    False: (days.EARLIEST, days.LATEST),
    True: (start_of_day(days.EARLIEST), end_of_day(days.LATEST)),
}
TYPED = ("textarea", "text", "search", "hidden", "date", "datetime-local", "url", "email", "tel")


@pytest.fixture(scope="module")
def built(standing):
    return build()


@pytest.fixture(scope="module")
def sheets(built, django_db_blocker):
    """Every form of every page, once for each who sends it, with its kinds of fields."""
    patch = pytest.MonkeyPatch()
    patch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
    found, seen = [], set()
    with django_db_blocker.unblock():
        for role in (*PERSONS, "auditor"):
            client = client_of(built.people[role])
            pages = [*lists(), *(reverse(name, kwargs=real) for name, real, *_ in keyed(built))]
            for page in pages:
                response = client.get(page)
                if response.status_code != 200 or "text/html" not in response.headers["Content-Type"]:
                    continue
                for form in forms_of(page, response.content.decode()):
                    route = resolve(form.action.partition("?")[0].partition("#")[0])
                    shape = (route.view_name, frozenset(name.rpartition("-")[2] for name in form.fields))
                    if shape not in seen and not form.action.startswith("/accounts/"):
                        seen.add(shape)
                        found.append((client, form))
    yield found
    patch.undo()


@pytest.fixture(autouse=True)
def signed_in_a_moment_ago(monkeypatch):
    monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)


class Undone(Exception):
    """Takes back what a form did."""


def sent(client, form, values, kept=lambda: None, nothing=None):
    """The status of the answer, and what ``kept`` finds before everything is taken back.

    A page that did something leads on; one that is shown again has kept ``nothing``.
    """
    found = nothing
    try:
        with transaction.atomic():
            status = client.post(form.action, form.filled | values).status_code
            if status in (204, 302):
                found = kept()
            raise Undone
    except Undone:
        return status, found


def of_kind(form, *kinds):
    return [name for name, kind in form.kinds.items() if kind in kinds and name in form.fields]


def our_models():
    return [
        model
        for app in ("program", "proposals", "evaluation", "financing")
        for model in apps.get_app_config(app).get_models()
    ]


def days_out_of_bounds():
    """How many days and moments of each column lie out of bounds; some reference data are older."""
    found = {}
    for model in our_models():
        for column in model._meta.concrete_fields:
            if isinstance(column, models.DateField):
                within = EARLIEST_AND_LATEST[isinstance(column, models.DateTimeField)]
                outside = model._base_manager.exclude(**{column.name: None})
                found[column] = outside.exclude(**{f"{column.name}__range": within}).count()
    return found


def test_no_form_keeps_a_day_out_of_bounds(sheets):
    before, wrong, tried = days_out_of_bounds(), [], set()
    for client, form in sheets:
        for name in of_kind(form, *DAYS):
            for text in DAYS[form.kinds[name]]:
                status, after = sent(client, form, {name: text}, days_out_of_bounds, before)
                tried.add(form.action)
                if status >= 500 or after != before:
                    changed = [str(column) for column in after if after[column] != before[column]]
                    wrong.append(f"{form.action} {name}={text}: {status} {changed}")
    assert not wrong, "\n".join(wrong)
    assert len(tried) >= 8, tried


MARK = "¶"


def texts_over(limit):
    """The columns that hold a text of ours with more signs than ``limit``."""

    def look():
        found = set()
        for model in our_models():
            for column in model._meta.concrete_fields:
                if isinstance(column, models.CharField | models.TextField) and not column.choices:
                    rows = model._base_manager.filter(**{f"{column.name}__contains": MARK * (limit + 1)})
                    if rows.exists():
                        found.add(f"{model.__name__}.{column.name}")
        return found

    return look


def test_no_form_keeps_more_characters_than_it_shows(sheets):
    wrong, tried = [], set()
    for client, form in sheets:
        for name, limit in form.limits.items():
            if name not in form.fields or form.kinds[name] == "hidden":
                continue
            status, kept = sent(client, form, {name: MARK * (limit + 1)}, texts_over(limit))
            tried.add(form.action)
            if status >= 500 or kept:
                wrong.append(f"{form.action} {name} of {limit}: {status} {kept}")
    assert not wrong, "\n".join(wrong)
    assert len(tried) >= 40, tried


def test_no_form_falls_over_a_nul(sheets):
    wrong, tried = [], set()
    for client, form in sheets:
        if names := of_kind(form, *TYPED):
            status, _ = sent(client, form, dict.fromkeys(names, "a\0b"))
            tried.add(form.action)
            if status >= 500:
                wrong.append(f"{form.action}: {status}")
    assert not wrong, "\n".join(wrong)
    assert len(tried) >= 40, tried


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

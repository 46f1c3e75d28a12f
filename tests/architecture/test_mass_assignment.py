"""Fields that a form does not have change nothing (C04): every form of every page is sent twice over.

Once as a person would, once with every column of every model beside it. What the database then holds must
be the same both times; what neither changed proves nothing and is counted.
"""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.urls import resolve, reverse

from tests.architecture.forms_on_pages import forms_of
from tests.architecture.test_isolation import client_of, keyed, lists
from tests.architecture.two_consortia import build

pytestmark = pytest.mark.django_db
OWN = ("program", "proposals", "evaluation", "financing")
# Columns that tell of the moment, not of the act, and logs of the acts themselves
MOMENT = (models.DateTimeField,)
LOGS = {"AuditEvent", "Seal", "Delivery"}
PERSONS = (
    "our representative", "program_officer", "decision_official", "lead of DOD", "second assigned reviewer",
    "edag officer", "edag chair", "their representative", "nobody",
)  # fmt: skip


@pytest.fixture
def world(financing_data, db, monkeypatch):
    monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
    return build()


def our_models():
    return [
        model for app in OWN for model in apps.get_app_config(app).get_models() if model.__name__ not in LOGS
    ]


def hostile_values(world):
    """A value for every column name of every model, each another than any form would put there."""
    strangers = {type(record): record.pk for record in world.records.values()}
    values = {"is_superuser": "on", "is_staff": "on", "is_active": "", "pk": "1", "id": "1", "delete": "on"}
    for model in our_models():
        for column in model._meta.get_fields():
            if not getattr(column, "concrete", False) or column.name in values:
                continue
            if column.is_relation:
                stranger = strangers.get(column.related_model, world.people["nobody"].pk)
                values[column.name] = values[f"{column.name}_id"] = str(stranger)
            elif isinstance(column, models.BooleanField):
                values[column.name] = "on"
            elif isinstance(column, models.DateTimeField | models.DateField):
                values[column.name] = "2020-01-01"
            elif isinstance(column, models.IntegerField | models.DecimalField):
                values[column.name] = "77"
            elif column.choices:
                values[column.name] = str(list(column.choices)[-1][0])
            else:
                values[column.name] = "HOSTILE"
    return values | {"status": "designated", "version_count": "9", "is_anchor": "on", "revision": ""}


def beside(form, hostile):
    """The hostile fields that the form does not have, bare and under each of its prefixes."""
    prefixes = {name.rpartition("-")[0] for name in form.fields if "-" in name}
    named = {
        f"{prefix}-{name}" if prefix else name: value
        for prefix in {"", *prefixes}
        for name, value in hostile.items()
    }
    return {
        name: value
        for name, value in named.items()
        if name not in form.fields and not name.endswith("revision")
    }


def contents(models_):
    """Every row of ``models_`` without moments."""
    return {
        model.__name__: list(model._base_manager.order_by("pk").values_list("pk", *columns_of(model)))
        for model in models_
    }


def writes():
    """How many rows of each table the running transaction has written so far, as the database counts them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return set(cursor.fetchall())


def fields_of(model):
    return [
        column
        for column in model._meta.concrete_fields
        if not isinstance(column, MOMENT)
        and not column.primary_key
        and column.name not in ("nonce", "password")
    ]


def columns_of(model):
    return [column.attname for column in fields_of(model)]


# What the portal writes about an act, with the act's moment and the address of what it made
DERIVED = ("Notice", "Letter")


class Undone(Exception):
    """Takes back what a form did."""


def sent(client, address, data, before):
    """What the form changed: per model the rows that differ; keys of new rows do not count."""
    changed = {}
    try:
        with transaction.atomic():
            earlier = writes()
            response = client.post(address, data)
            written = {table for table, _ in writes() - earlier}
            touched = [model for model in our_models() if model._meta.db_table in written]
            for name, rows in contents(touched).items():
                if name in DERIVED:
                    continue
                old = {row[0]: row for row in before[name]}
                found = [
                    row if row[0] in old else ("new", *row[1:]) for row in rows if old.get(row[0]) != row
                ]
                if gone := len(old.keys() - {row[0] for row in rows}):
                    found.append(("gone", gone))
                if found:
                    changed[name] = sorted(map(without_new_keys(name, before), found), key=repr)
            raise Undone
    except Undone:
        return response.status_code, changed


def without_new_keys(name, before):
    """References to rows that were made a moment ago differ from one try to the next."""
    model = next(one for one in our_models() if one.__name__ == name)
    known = {other: {row[0] for row in rows} for other, rows in before.items()}
    targets = [column.related_model.__name__ if column.is_relation else "" for column in fields_of(model)]

    def told(value, target):
        is_new = target == "AuditEvent" or (target in known and value not in {None, *known[target]})
        if isinstance(value, str):  # numbers come from sequences, which count on when an act is taken back
            value = re.sub(r"AIX-[A-Z0-9-]*\d", "its number", value)
        return "new" if is_new else value

    def clean(row):
        if row[0] == "gone":
            return row
        return (row[0], *(told(value, target) for value, target in zip(row[1:], targets, strict=True)))

    return clean


def test_fields_beside_a_form_change_nothing(world):
    hostile, seen, effective, wrong = hostile_values(world), set(), set(), []
    before = contents(our_models())
    for role in PERSONS:
        person = world.people[role]
        client = client_of(person)
        pages = [*lists(), *(reverse(name, kwargs=real) for name, real, *_ in keyed(world))]
        for page in pages:
            response = client.get(page)
            if response.status_code != 200 or "text/html" not in response.headers["Content-Type"]:
                continue
            for form in forms_of(page, response.content.decode()):
                route = resolve(form.action.partition("?")[0].partition("#")[0])
                shape = (role, route.view_name, frozenset(name.rpartition("-")[2] for name in form.fields))
                if shape in seen or form.action.startswith("/accounts/"):
                    continue
                seen.add(shape)
                extra = beside(form, hostile)
                honest = sent(client, form.action, form.filled, before)
                attack = sent(client, form.action, {**extra, **form.filled}, before)
                if honest[1]:
                    effective.add(route.view_name)
                if honest != attack:
                    wrong.append(f"{role}: {form.action} on {page}\n  {honest}\n  {attack}"[:1500])
    assert not wrong, "\n".join(wrong)
    assert len(effective) >= 30, sorted(effective)

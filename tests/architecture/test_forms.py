"""Every form of every page, found once for each who is offered it, and sent as nobody should.

With every column of every model beside its fields (C04): what the database then holds must be the same as
without them. By those who may not see the record (C02): they hear what a key without a record says. And with
what no person means: days out of bounds, texts over the limit, a NUL. The answers of a script and of the
API, and files in pieces, count as forms.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import product
from urllib.parse import urlencode

import pytest
from django.db import models, transaction
from django.test import Client
from django.urls import resolve, reverse

from program import days
from program.deadlines import end_of_day, start_of_day
from proposals.enums import Part
from proposals.views.kinds import KINDS, rows_in
from tests.architecture.addresses import (
    answer,
    client_of,
    comparable,
    keyed,
    opened,
    refuses,
)
from tests.architecture.forms_on_pages import PageForm, forms_of
from tests.architecture.tables import our_models, touched_since, writes
from tests.architecture.two_consortia import build

pytestmark = pytest.mark.django_db
# Columns that tell of the moment, not of the act
MOMENT = (models.DateTimeField,)
PERSONS = (
    "our representative", "program_officer", "decision_official", "lead of DOD", "second assigned reviewer",
    "edag officer", "edag chair", "their representative", "nobody", "auditor",
)  # fmt: skip


@dataclass
class Sheet:
    """A form as one person is offered it, with the name of the address that takes it."""

    role: str
    client: Client
    form: PageForm
    name: str

    @property
    def shape(self):
        return self.name, frozenset(name.rpartition("-")[2] for name in self.form.fields)


@pytest.fixture(scope="module")
def world(standing):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("program.acts.is_freshly_signed_in", lambda request: True)
        yield build()


@pytest.fixture(scope="module")
def sheets(world, django_db_blocker):
    """Every form of every page, once for each who is offered it."""
    with django_db_blocker.unblock():
        return list(forms_of_all(world))


def working_copy(proposal):
    """Every part of the package, and a row of each kind that has a page of its own."""
    for part in Part:
        yield reverse("proposals:part", args=[proposal.pk, part])
    for name, kind in KINDS.items():
        if kind.has_page and (row := rows_in(name, proposal).first()):
            part = getattr(row, "layer", None) or min(kind.parts)
            yield reverse("proposals:row-edit", args=[proposal.pk, part, row.key])


def forms_of_all(world):
    for role in PERSONS:
        client, seen = client_of(world.people[role]), set()
        written_by_us = working_copy(world.draft) if role == "our representative" else ()
        for page in [*opened(world, world.people[role]), *written_by_us]:
            response = client.get(page)
            if response.status_code != 200 or "text/html" not in response.headers["Content-Type"]:
                continue
            for form in forms_of(page, response.content.decode()):
                to = resolve(form.action.partition("?")[0].partition("#")[0])
                sheet = Sheet(role, client, form, to.view_name)
                if sheet.shape not in seen and not form.action.startswith("/accounts/"):
                    seen.add(sheet.shape)
                    yield sheet


@pytest.fixture(scope="module")
def once(sheets):
    """The first sheet of each shape, whoever is offered it."""
    first = {}
    for sheet in sheets:
        first.setdefault(sheet.shape, sheet)
    return list(first.values())


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
    """The hostile fields that the form does not have, bare and under its prefix.

    Of a page of many rows in one form: under the row that its button names, or under one, since no request
    takes more than 2,000 fields.
    """
    known = {name.rpartition("-")[0] for name in form.fields if "-" in name}
    prefixes = known.intersection(form.action.split("/")) or sorted(known)[:1]
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


def changed_by(client, address, before, **sent):
    """What the form changed: per model the rows that differ; keys of new rows do not count."""
    changed = {}
    try:
        with transaction.atomic():
            earlier = writes()
            response = client.post(address, **sent)
            for name, rows in contents(touched_since(earlier)).items():
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
        if isinstance(value, list | dict):
            value = repr(value)
        if isinstance(value, str):  # numbers come from sequences, which count on when an act is taken back
            value = re.sub(r"AIX-[A-Z0-9-]*\d", "its number", value)
            value = re.sub(r"uploads/[0-9a-f]{2}/[0-9a-f]{32}", "its file", value)
        return "new" if is_new else value

    def clean(row):
        if row[0] == "gone":
            return row
        return (row[0], *(told(value, target) for value, target in zip(row[1:], targets, strict=True)))

    return clean


def test_fields_beside_a_form_change_nothing(world, sheets):
    hostile, effective, saved, wrong = hostile_values(world), set(), 0, []
    before = contents(our_models())
    for sheet in sheets:
        form, extra = sheet.form, beside(sheet.form, hostile)
        for headers in ({}, BY_SCRIPT) if form.saves_itself else ({},):
            honest, attack = (
                changed_by(sheet.client, form.action, before, data=data, headers=headers)
                for data in (form.typed, {**extra, **form.typed})
            )
            if honest[1]:
                effective.add(sheet.name)
                saved += bool(headers)
            if honest != attack:
                wrong.append(f"{sheet.role}: {form.action} {headers}\n  {honest}\n  {attack}"[:1500])
    assert not wrong, "\n".join(wrong)
    assert len(effective) >= 30, sorted(effective)
    assert saved >= 8, saved


# Pressed twice


#: Fields that stay empty, where a form takes one of two
LEFT_EMPTY = {"evaluation:question-ask": {"days": ""}}


def counted(models_):
    return {model: model._base_manager.count() for model in models_}


def added_by_the_second(sheet, before):
    """What sending the form of a page adds, and what sending it once more adds to that; nothing is kept."""
    data = {**sheet.form.filled, **LEFT_EMPTY.get(sheet.name, {})}
    point, earlier = transaction.savepoint(), writes()
    sheet.client.post(sheet.form.action, data=data)
    once = {**before, **counted(touched_since(earlier))}
    earlier = writes()
    sheet.client.post(sheet.form.action, data=data)
    twice = counted(touched_since(earlier))
    transaction.savepoint_rollback(point)
    first = {model.__name__ for model in once if once[model] > before[model]}
    return first, {model.__name__ for model in twice if twice[model] > once[model]}


def test_no_form_of_the_evaluation_sent_twice_adds_twice(sheets):
    """A second press of a button, or the page sent again: nothing is kept, and nobody told, a second time."""
    before, added, wrong = counted(our_models()), set(), []
    for sheet in sheets:
        if not sheet.name.startswith("evaluation:"):
            continue
        first, second = added_by_the_second(sheet, before)
        added |= {sheet.name} if first else set()
        if second:
            wrong.append(f"{sheet.role}: {sheet.form.action} adds {sorted(second)} again")
    assert not wrong, "\n".join([*wrong, repr(sorted(added))])
    assert added >= LEFT_EMPTY.keys() and len(added) >= 18, sorted(added)


BY_SCRIPT = {"X-Autosave": "1"}
PIECE = b"party,usd\n"
# What the page's script sends: no form on a page has it
PIECES = {
    "proposals:upload-begin": {"data": {"name": "more.csv", "size": len(PIECE), "sha256": ""}},
    "proposals:upload": {
        "data": PIECE,
        "content_type": "application/octet-stream",
        "headers": {"Upload-Offset": "0"},
    },
    "proposals:upload-discard": {"data": {}},
}


def test_fields_beside_a_file_in_pieces_change_nothing(world):
    hostile, wrong = hostile_values(world), []
    before = contents(our_models())
    client = client_of(world.people["our representative"])
    keys = {name: real for name, real, *_ in keyed(world) if real.get("pk") == world.draft.pk}
    for name, sent in PIECES.items():
        address = reverse(name, kwargs=keys[name])
        beside_it = f"{address}?{urlencode(hostile)}"
        honest = changed_by(client, address, before, **sent)
        attacks = [changed_by(client, beside_it, before, **sent)]
        if isinstance(sent["data"], dict):
            fields = {**hostile, **sent["data"]}
            attacks.append(changed_by(client, address, before, **sent | {"data": fields}))
        assert honest[0] in (200, 201, 302) and honest[1], (name, honest)
        wrong += [f"{name}\n  {honest}\n  {attack}" for attack in attacks if attack != honest]
    assert not wrong, "\n".join(wrong)


def test_api_takes_no_field_by_any_verb(world):
    hostile, wrong, asked = hostile_values(world), [], 0
    addresses = [reverse(f"api-{resource}-list") for resource in ("call", "proposal", "designation")]
    addresses += [reverse(name, kwargs=real) for name, real, *_ in keyed(world) if name.startswith("api-")]
    for role in PERSONS:
        client = client_of(world.people[role])
        for address, verb in product(addresses, ("post", "put", "patch", "delete")):
            earlier = writes()
            response = getattr(client, verb)(address, hostile, content_type="application/json")
            asked += 1
            if response.status_code not in (403, 404, 405) or touched_since(earlier):
                wrong.append(f"{role}: {verb} {address} {response.status_code}")
    assert not wrong, "\n".join(wrong)
    assert asked >= len(PERSONS) * 7 * 4


# Those who may not see the first consortium's records
SENDERS = (
    "nobody", "their representative", "our former contributor", "recused program officer", "recused lead",
    "unassigned reviewer", "edag officer",
)  # fmt: skip


def bodies(once):
    """By the name of the address that takes it: what its owners and their scripts send."""
    found = {name: [sent] for name, sent in PIECES.items()}
    found["proposals:presence"] = [{"data": {}}, {"data": {"leaving": "1"}}]
    for sheet in once:
        if sheet.name not in found:
            ways = ({}, BY_SCRIPT) if sheet.form.saves_itself else ({},)
            found[sheet.name] = [{"data": sheet.form.filled, "headers": headers} for headers in ways]
    return found


def test_record_of_others_takes_a_form_like_an_absent_one(world, once):
    """Also what no page offers as a form is sent, empty."""
    wrong, compared, known = [], Counter(), bodies(once)
    clients = {role: client_of(world.people[role]) for role in SENDERS}
    earlier, entries = writes(), list(keyed(world))
    for role, client in clients.items():
        person, visible, nothing = world.people[role], {}, {}
        for name, real, absent, sees_it in entries:
            if refuses(name, "post") or name == "proposals:invitation":
                continue
            if sees_it not in visible:
                visible[sees_it] = bool(sees_it(person))
            if visible[sees_it]:
                continue
            address, elsewhere = reverse(name, kwargs=real), reverse(name, kwargs=absent)
            for number, sent in enumerate(known.get(name, [{}])):
                if (name, number) not in nothing:
                    heard = answer(client, "post", elsewhere, **sent)
                    nothing[name, number] = comparable(heard, elsewhere)
                heard = answer(client, "post", address, **sent)
                compared[name] += 1
                if comparable(heard, address) != nothing[name, number]:
                    wrong.append(f"{role} can tell a form to {address} ({heard[0]}) from an absent key")
    assert not wrong, "\n".join(wrong)
    assert touched_since(earlier) == []
    assert len(compared.keys() & known.keys()) >= 50, compared.keys() & known.keys()


# What no person means


DAYS = {"date": ("9999-12-31", "0001-01-01", "2100-01-02", "1989-12-31"),
        "datetime-local": ("9999-12-31T23:59", "0001-01-01T00:00")}  # fmt: skip
EARLIEST_AND_LATEST = {
    False: (days.EARLIEST, days.LATEST),
    True: (start_of_day(days.EARLIEST), end_of_day(days.LATEST)),
}
TYPED = ("textarea", "text", "search", "hidden", "date", "datetime-local", "url", "email", "tel")
MARK = "¶"


def kept_by(sheet, values, look):
    """The status of the answer, and what ``look`` finds in the tables that the form wrote.

    A page that did something leads on, or is shown with what was typed beside it; one that refuses has kept
    nothing.
    """
    found = []
    try:
        with transaction.atomic():
            earlier = writes()
            status = sheet.client.post(sheet.form.action, sheet.form.filled | values).status_code
            if status in (200, 204, 302):
                found = [fault for model in touched_since(earlier, but=()) for fault in look(model)]
            raise Undone
    except Undone:
        return status, found


def of_kind(form, *kinds):
    return [name for name, kind in form.kinds.items() if kind in kinds and name in form.fields]


def days_out_of_bounds(model):
    """How many days and moments of each column lie out of bounds; some reference data are older."""
    for column in model._meta.concrete_fields:
        if isinstance(column, models.DateField):
            within = EARLIEST_AND_LATEST[isinstance(column, models.DateTimeField)]
            outside = model._base_manager.exclude(**{column.name: None})
            if n := outside.exclude(**{f"{column.name}__range": within}).count():
                yield str(column), n


def texts_over(limit, model):
    """The columns that hold a text of ours with more signs than ``limit``."""
    for column in model._meta.concrete_fields:
        is_text = isinstance(column, models.CharField | models.TextField) and not column.choices
        over = {f"{column.name}__contains": MARK * (limit + 1)}
        if is_text and model._base_manager.filter(**over).exists():
            yield str(column)


def test_no_form_keeps_a_day_out_of_bounds(once):
    standing = {fault for model in our_models(but=()) for fault in days_out_of_bounds(model)}
    wrong, tried = [], set()
    for sheet in once:
        for name in of_kind(sheet.form, *DAYS):
            for text in DAYS[sheet.form.kinds[name]]:
                status, found = kept_by(sheet, {name: text}, days_out_of_bounds)
                tried.add(sheet.form.action)
                if status >= 500 or not standing.issuperset(found):
                    wrong.append(f"{sheet.form.action} {name}={text}: {status} {found}")
    assert not wrong, "\n".join(wrong)
    assert len(tried) >= 8, tried


def test_no_form_keeps_more_characters_than_it_shows(once):
    wrong, tried = [], set()
    for sheet in once:
        for name, limit in sheet.form.limits.items():
            if name not in sheet.form.fields or sheet.form.kinds[name] == "hidden":
                continue
            status, kept = kept_by(sheet, {name: MARK * (limit + 1)}, partial(texts_over, limit))
            tried.add(sheet.form.action)
            if status >= 500 or kept:
                wrong.append(f"{sheet.form.action} {name} of {limit}: {status} {kept}")
    assert not wrong, "\n".join(wrong)
    assert len(tried) >= 40, tried


def test_no_form_falls_over_a_nul(once):
    wrong, tried = [], set()
    for sheet in once:
        if names := of_kind(sheet.form, *TYPED):
            status, _ = kept_by(sheet, dict.fromkeys(names, "a\0b"), lambda model: [])
            tried.add(sheet.form.action)
            if status >= 500:
                wrong.append(f"{sheet.form.action}: {status}")
    assert not wrong, "\n".join(wrong)
    assert len(tried) >= 40, tried

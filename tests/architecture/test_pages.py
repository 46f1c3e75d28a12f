"""Every page of the portal, opened once by everybody, in a portal whose every text is hostile.

Who may not see a record gets to the byte what a key without a record gets (C02); a canary word appears only
for its readers (C03); a page that is looked at writes nothing (C12); whatever people typed is shown as text,
on pages, in JSON, calendars, papers, and in tables without a formula (C15, C22).
"""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse

from evaluation.models import Assignment
from program.models import AuditEvent
from tests.architecture.addresses import (
    OPEN,
    answer,
    by_name,
    cells_of,
    client_of,
    comparable,
    content_of,
    heard,
    keyed,
    lists,
    refuses,
)
from tests.architecture.hostile import STARTS, begin_with, hostile, scripts_in
from tests.architecture.two_consortia import package_rows

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
WRITES = re.compile(r"\s*(WITH\b.*\b)?(INSERT|UPDATE|DELETE|MERGE|COPY)\b", re.I | re.S)
# The one thing that a GET may write is who read; the session is the browser's own
KEPT_ASIDE = ("django_session", "program_auditevent", "program_auditchain")
# Exports that the portal writes itself; a file that somebody attached stays as it is
TABLES = {"proposals:table-export", "proposals:package-workbook"}
# A line of a calendar
FACT = re.compile(r"[A-Z-]+[:;]")


@dataclass
class Crawl:
    """What was found on the way, by what it speaks against; and how much there was to find it in."""

    fallen: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    readers: dict[str, set[str]] = field(default_factory=dict)
    looked: int = 0
    compared: int = 0
    shown: int = 0
    typed: set[str] = field(default_factory=set)
    grown: dict[str, int] = field(default_factory=dict)
    acts: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def world(standing):
    made = hostile()
    begin_with(STARTS, *package_rows(made.draft))
    return made


@pytest.fixture(scope="module")
def crawl(world, django_db_blocker):
    found = Crawl(readers={matter.word: set() for matter in world.matters})
    with django_db_blocker.unblock():
        clients = {role: client_of(person) for role, person in world.people.items()}
        before, last = row_counts(), AuditEvent.objects.latest("pk").pk
        entries = [entry for entry in keyed(world) if not refuses(entry[0], "get")]
        for role, client in clients.items():
            walk(found, world, entries, role, client)
        found.grown = {table: n for table, n in row_counts().items() if n != before[table]}
        found.acts = set(AuditEvent.objects.filter(pk__gt=last).values_list("act", flat=True))
    return found


def walk(found, world, entries, role, client):
    """Open everything as one person; what is not theirs, with a key without a record as well."""
    person, nothing, visible = world.people[role], {}, {}
    hidden = [each.word for each in world.matters if not (person.is_authenticated and each.readers(person))]
    for address in lists():
        look(found, client, role, address, hidden)
    if person.is_authenticated:
        for pk in Assignment.objects.filter(reviewer=person).values_list("pk", flat=True):
            look(found, client, role, reverse("evaluation:assignment", args=[pk]), hidden)
    for name, real, absent, sees_it in entries:
        address, elsewhere = reverse(name, kwargs=real), reverse(name, kwargs=absent)
        if name == "proposals:invitation":  # who holds the link is who it was sent to
            look(found, client, role, address, [])
            continue
        hears = look(found, client, role, address, hidden, name)
        if sees_it not in visible:
            visible[sees_it] = person.is_authenticated and bool(sees_it(person))
        if visible[sees_it]:
            continue
        if name not in nothing:
            nothing[name] = comparable(answer(client, "get", elsewhere), elsewhere)
        found.compared += 1
        if comparable(hears, address) != nothing[name]:
            found.told.append(f"{role} can tell {address} ({hears[0]}) from an absent key")


def look(found, client, role, address, hidden, name=""):
    """Open one page, and judge what it says."""
    with statements_that_write() as sent:
        response = client.get(address)
    found.looked += 1
    if address != "/readyz":  # what it finds away it keeps
        found.written += [f"{role} looks at {address}: {sql[:120]}" for sql in sent]
    hears = heard(response)
    status, _, text = hears
    if status == 302:
        client.get(reverse("program:privacy"))  # says there why, and not on the next page that is compared
    if status >= 500 and status != 503:
        found.fallen.append(f"{role} gets {status} at {address}")
    small = text.lower()
    if "zebra" in small:
        found.leaked += [f"{role} reads {word} at {address}" for word in hidden if word in small]
        for word, readers in found.readers.items():
            if word in small:
                readers.add(role)
    if status == 200:
        judge(found, role, address, name, response, text)
    return hears


def judge(found, role, address, name, response, text):
    """What was typed stays text in every kind of answer."""
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        found.shown += "onerror=alert(1)&gt;" in text
        found.run += [f"{role} {address}: {each}" for each in scripts_in(text)]
        if "<title>" in text and text.count("</title>") - text.count("<svg") > 1 + text.count("<svg"):
            found.run.append(f"{role} {address}: a title that ends twice")
    elif "json" in kind:
        json.loads(text)
        if response.headers["X-Content-Type-Options"] != "nosniff":
            found.run.append(f"{role} {address}: a browser may guess its kind")
    elif kind.startswith("text/calendar"):
        lines = re.split(r"\r\n(?! )", text)
        found.run += [f"{role} {address}: {line}" for line in lines if line and not FACT.match(line)]
    if name in TABLES:
        for told, typed in exported(response):
            found.formulas += [f"{role} {address}: {told!r}"] if told.startswith(STARTS) else []
            found.typed.add((address.rpartition(".")[2], typed[:1]))


def exported(response):
    """Every text of a table that was taken out: as it stands in its cell, and as it was typed."""
    content = content_of(response)
    if content.startswith(b"PK"):
        cells = [cell for cell in cells_of(content) if cell.value is not None]
        texts = [f"={cell.value}" if cell.data_type == "f" else str(cell.value) for cell in cells]
    else:
        texts = [
            cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) for cell in row
        ]
    return [(text, text.lstrip("'")) for text in texts if text]


@contextmanager
def statements_that_write():
    """Every statement sent meanwhile that writes to another table than those kept aside."""
    sent = []

    def watch(execute, sql, params, many, context):
        if WRITES.match(sql) and not any(f'"{table}"' in sql for table in KEPT_ASIDE):
            sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield sent


def row_counts():
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return {
        model._meta.db_table: model._base_manager.count()
        for model in models
        if model._meta.db_table not in KEPT_ASIDE
    }


def test_no_page_falls(crawl):
    assert not crawl.fallen, "\n".join(crawl.fallen)
    assert crawl.looked > 3000, crawl.looked


def test_record_of_others_answers_like_an_absent_one(crawl):
    assert not crawl.told, "\n".join(crawl.told)
    assert crawl.compared > 1500, crawl.compared


#: The ethics official reads who takes part in what they decide about, there and nowhere else (ADR 25)
WHO_TAKES_PART = {
    f"ethics official reads {word} at /desk/conflicts/"
    for word in ("zebrapackage", "zebraours", "zebraowner")
}


def test_nobody_reads_what_is_not_theirs(crawl):
    leaked = [leak for leak in crawl.leaked if not leak.startswith(tuple(WHO_TAKES_PART))]
    assert not leaked, "\n".join(leaked)
    unread = {word for word, roles in crawl.readers.items() if not roles}
    assert not unread, f"These words appear nowhere, so their crawl proves nothing: {unread}"


def test_looking_changes_no_row_but_the_record_of_readings(crawl):
    assert not crawl.written, "\n".join(crawl.written)
    assert crawl.grown == {"program_absence": 1}
    assert crawl.acts == {"proposal.read", "user.refused"}


def test_every_page_shows_what_was_typed_as_text(crawl):
    assert not crawl.run, "\n".join(sorted(set(crawl.run))[:40])
    assert crawl.shown > 50, f"Only {crawl.shown} pages show what was typed, so the crawl proves little."


def test_no_cell_of_a_table_is_a_formula(crawl):
    assert not crawl.formulas, "\n".join(sorted(set(crawl.formulas))[:40])
    for kind in ("csv", "xlsx"):
        assert crawl.typed >= {(kind, start) for start in STARTS}, crawl.typed


def test_every_address_with_a_key_is_in_the_crawl(world):
    crawled = {name for name, *_ in keyed(world)} | OPEN
    assert crawled == set(by_name())


@pytest.mark.parametrize(
    ("name", "method", "refused"),
    [
        ("proposals:submit", "get", True),
        ("proposals:submit", "post", False),
        ("proposals:detail", "get", False),
        ("evaluation:letter", "put", True),
        ("financing:referral", "put", False),  # first of all it asks who comes in
    ],
)
def test_view_that_refuses_a_method_before_it_looks_is_known(name, method, refused):
    assert refuses(name, method) is refused

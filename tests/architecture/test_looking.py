"""A page that is looked at writes nothing, and nothing is read before the declaration (C12)."""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse

from evaluation.models import Assignment
from program.models import AuditEvent
from tests.architecture.test_isolation import client_of, keyed
from tests.architecture.two_consortia import build
from tests.factories import evaluation as make

pytestmark = pytest.mark.django_db
WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "WITH")
# The one thing that a GET may write is who read; the session is the browser's own
KEPT_ASIDE = ("django_session", "program_auditevent", "program_auditchain")


@pytest.fixture(scope="module")
def built(standing):
    return build()


@pytest.fixture
def world(built):
    return deepcopy(built)


@contextmanager
def written():
    """Every statement sent meanwhile that writes to another table than those kept aside."""
    sent = []

    def watch(execute, sql, params, many, context):
        if sql.lstrip().upper().startswith(WRITES) and not any(f'"{table}"' in sql for table in KEPT_ASIDE):
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


@pytest.mark.slow
def test_looking_at_any_page_changes_no_row_but_the_record_of_readings(world):
    """Every address with a real key, as each role that may see the record; a refusal is on record too."""
    entries, wrong, looked, pressed = list(keyed(world)), [], set(), set()
    clients = {role: client_of(person) for role, person in world.people.items() if person.is_authenticated}
    before, last = row_counts(), AuditEvent.objects.latest("pk").pk
    for role, client in clients.items():
        person, visible = world.people[role], {}
        mine = Assignment.objects.filter(reviewer=person).values_list("pk", flat=True)
        addresses = {reverse("evaluation:assignment", args=[pk]): "assignment" for pk in mine}
        for name, real, _, sees_it in entries:
            if name not in pressed:
                if id(sees_it) not in visible:
                    visible[id(sees_it)] = sees_it(person)
                if visible[id(sees_it)]:
                    addresses[reverse(name, kwargs=real)] = name
        for address, name in addresses.items():
            if name in pressed:
                continue
            with written() as sent:
                answer = client.get(address)
            looked.add((role, address))
            wrong += [f"{role} looks at {address}: {sql[:120]}" for sql in sent]
            if answer.status_code == 405:  # a button, not a page
                pressed.add(name)
    assert not wrong, "\n".join(wrong)
    assert len(looked) > 300, "too few pages were looked at"
    assert row_counts() == before
    acts = set(AuditEvent.objects.filter(pk__gt=last).values_list("act", flat=True))
    assert acts == {"proposal.read", "user.refused"}


def test_an_assigned_reviewer_reads_nothing_of_the_package_before_the_declaration(world):
    """But for the declaration itself, which names the title and the parties."""
    owed = make.assigned(world.inside, "DOE", declared=False)
    client, wrong = client_of(owed.reviewer), []
    declaration = reverse("evaluation:assignment", args=[owed.pk])
    assert client.get(declaration).status_code == 200
    for name, real, _, _ in keyed(world):
        if name == "api-proposal-detail":  # says the title, as every list does
            continue
        address = reverse(name, kwargs=real)
        answer = client.get(address)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        for word in (b"zebrapackage", b"zebraquestion", b"zebrareview", b"zebraposition"):
            if word in content.lower():
                wrong.append(f"{address} says {word.decode()}")
    assert not wrong, "\n".join(wrong)
    assert not AuditEvent.objects.filter(act="proposal.read", actor=owed.reviewer).exists()

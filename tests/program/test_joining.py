"""Acts within one transaction: what is refused changes nothing, and costs no savepoint."""

from __future__ import annotations

import pytest
from django.db import transaction

from program import audit
from program.joining import joined
from program.models import AuditEvent, Organization
from program.transitions import NotReady, Problem, Transition, perform
from tests.factories.program import OrganizationFactory, UserFactory, issued_call, officer
from tests.statements import statements


@pytest.mark.django_db(transaction=True)
def test_alone_it_is_a_transaction_of_its_own():
    with pytest.raises(ValueError, match="late"), joined():
        OrganizationFactory()
        raise ValueError("late")
    assert Organization.objects.count() == 0
    with joined():
        OrganizationFactory()
    assert Organization.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_within_another_it_goes_with_that_one():
    with pytest.raises(ValueError, match="late"), transaction.atomic():
        with joined():
            OrganizationFactory()
        raise ValueError("late")
    assert Organization.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_an_event_goes_with_the_act_that_it_tells_of():
    person = UserFactory()
    with pytest.raises(ValueError, match="late"), transaction.atomic():
        audit.record(person, "user.refused", by=person)
        raise ValueError("late")
    assert not AuditEvent.objects.of(person).exists()
    audit.record(person, "user.refused", by=person)
    assert AuditEvent.objects.of(person).count() == 1


@pytest.mark.django_db
def test_an_event_costs_two_statements_within_an_act():
    person = UserFactory()
    assert person.standing == ""  # which the event says, and the person has read by then
    with statements(savepoints=True) as sent:
        audit.record(person, "user.refused", by=person)
    assert len(sent) == 2


@pytest.mark.django_db
def test_what_else_changes_is_asked_before_anything_is_written():
    call, by = issued_call(), officer()
    close = Transition("cancel", {call.status}, "cancelled")
    events = AuditEvent.objects.count()

    def refuse():
        raise NotReady([Problem("no", "Not today.")])

    with pytest.raises(NotReady), statements(savepoints=True) as sent:
        perform(close, call, by=by, changes=refuse)
    assert [sql for sql in sent if sql.startswith(("INSERT", "UPDATE"))] == []
    call.refresh_from_db()
    assert (call.status, AuditEvent.objects.count()) == ("issued", events)

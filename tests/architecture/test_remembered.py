"""What factories remember is put back to the letter, and only where it would be made just so."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password
from django.db import connection

from evaluation import services
from evaluation.models import Designation
from program import clock
from program.models import AuditEvent, User
from tests.architecture.tables import our_models
from tests.factories import evaluation as make
from tests.factories import remembered
from tests.factories.program import AgencyFactory, UserFactory, officer
from tests.factories.proposals import ConsortiumFactory, MembershipFactory, TeamMemberFactory
from tests.factories.remembered import memory
from tests.savepoints import taken_back

pytestmark = pytest.mark.django_db


def everything():
    """Every row of every table of ours, with all its columns."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values_list())
        for model in our_models(but=())
    }


def made_and_put_back(make_it, *given):
    """What a factory wrote and returned, and what is there and returned when that is put back."""
    with memory.making(make_it):
        with taken_back():
            world, first = remembered.recorded(make_it, given, {}, list(given))
            written = everything()
        second = remembered.put_back(world, list(given))
    return (written, first), (everything(), second)


def test_every_row_of_a_designation_is_put_back_as_it_was_written():
    (written, first), (there, second) = made_and_put_back(make.designated)
    assert there == written
    assert sum(map(len, written.values())) > 200
    assert first == second and first is not second
    assert Designation.objects.get() == second


def test_what_is_put_back_goes_on_as_what_was_made():
    _, (_, designation) = made_and_put_back(make.designated)
    before = AuditEvent.objects.count()
    services.suspend_designation(designation, by=make.decision_official(), reason="A member has left.")
    assert Designation.objects.get().status == "suspended"
    assert AuditEvent.objects.count() > before
    connection.check_constraints()


def test_rows_that_were_there_are_put_back_as_they_were_changed():
    proposal = make.at_intake()
    desk = officer()
    (written, _), (there, _) = made_and_put_back(make.accept, proposal, desk)
    assert there == written
    assert proposal.status == "under_evaluation"


def test_a_result_holds_the_record_that_was_given():
    membership = MembershipFactory(consortium=ConsortiumFactory())
    _, (_, place) = made_and_put_back(lambda given: TeamMemberFactory(membership=given), membership)
    assert place.membership is membership


def test_the_same_beginning_is_put_back_and_another_is_made(monkeypatch):
    put_back = []
    monkeypatch.setattr(remembered, "put_back", lambda world, given: put_back.append(world))
    key = None
    with taken_back():
        memory.begin()
        UserFactory(name="Ada")
        key = memory.point
    assert memory.worlds[key] is not None
    monkeypatch.setattr(remembered, "has_written", lambda: False)  # as in the next test
    memory.begin()
    UserFactory(name="Ben")
    assert not put_back
    memory.begin()
    UserFactory(name="Ada")
    assert put_back == [memory.worlds[key]]


def test_nothing_is_put_back_once_somebody_else_wrote():
    person = UserFactory()
    assert memory.is_usable()
    assert User.objects.filter(pk=person.pk).exists()
    assert memory.is_usable()
    with taken_back():
        User.objects.filter(pk=person.pk).update(name="Another")
    assert not memory.is_usable()
    made = AgencyFactory(code="STATE")
    assert made.pk and not memory.is_usable()


def test_nothing_is_put_back_at_another_time_or_with_other_settings(settings):
    assert memory.is_usable()
    with clock.moved_to(clock.now()):
        assert not memory.is_usable()
    assert memory.is_usable()
    settings.SITE_URL = "https://elsewhere.test"
    assert not memory.is_usable()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_put_back_where_a_test_commits():
    assert not memory.is_usable()
    person = UserFactory()
    assert check_password("correct horse battery staple", User.objects.get(pk=person.pk).password)

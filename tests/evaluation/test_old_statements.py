"""A statement of interests that holds no more: a note at the desk, and one reminder."""

from __future__ import annotations

from datetime import timedelta

import pytest

from evaluation import services
from program import clock
from program.models import Notice, User
from program.waiting import desk_tasks
from tests.evaluation.test_reminders import remind_at
from tests.factories import evaluation as make

pytestmark = pytest.mark.django_db
TITLE = "Confirm what you declared of your interests"


def tasks(person):
    found = desk_tasks(User.objects.get(pk=person.pk))
    return [(task.due_at, task.instead) for task in found if task.what == TITLE]


def titles(person):
    return list(Notice.objects.filter(recipient=person, kind="evaluation.interests_old").values_list("title"))


def test_a_statement_older_than_the_setting_stands_at_the_desk_and_reminds_once(settings):
    make.five_agencies()
    lead, other, gone = make.lead(), make.lead(), make.lead()
    given = {person: services.confirm_interests(by=person).confirmed_at for person in (lead, gone)}
    until = given[lead] + timedelta(days=settings.INTERESTS_HOLD_DAYS)
    gone.offices.update(effective_from=clock.today() - timedelta(days=9), effective_to=clock.today())
    with clock.moved_to(until - timedelta(minutes=1)):
        assert tasks(lead) == []
    remind_at(until - timedelta(minutes=1))
    assert titles(lead) == []
    with clock.moved_to(until + timedelta(minutes=1)):
        assert tasks(lead) == [(until, "Not confirmed yet")] and tasks(other) == []
    remind_at(until + timedelta(minutes=1), until + timedelta(days=40))
    assert titles(lead) == [(TITLE,)]
    assert titles(gone) == titles(other) == []
    later = until + timedelta(days=41)
    with clock.moved_to(later):
        services.confirm_interests(by=lead)
        assert tasks(lead) == []
    remind_at(later + timedelta(days=1), later + timedelta(days=settings.INTERESTS_HOLD_DAYS + 1))
    assert len(titles(lead)) == 2


def test_the_days_are_those_of_the_setting(settings):
    make.five_agencies()
    lead = make.lead()
    settings.INTERESTS_HOLD_DAYS = 30
    at = services.confirm_interests(by=lead).confirmed_at
    remind_at(at + timedelta(days=29, hours=23))
    assert titles(lead) == []
    remind_at(at + timedelta(days=30, minutes=1))
    assert len(titles(lead)) == 1


def test_what_was_declared_and_never_confirmed_stands_at_the_desk():
    lead = make.lead()
    assert tasks(lead) == []
    services.declare_interest(by=lead, kind="holding", whose="own", name="Tidewater Capital")
    assert tasks(lead) == [(None, "Not confirmed yet")]
    services.confirm_interests(by=lead)
    assert tasks(lead) == []

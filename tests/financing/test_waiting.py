"""What waits for whom: each step of a case is a task of exactly the people who can take it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation.enums import DesignationStatus
from financing.enums import AgendaDecision
from financing.models import Action, Meeting
from financing.services.meetings import decide_item, finish_action, give_action, hold_meeting
from financing.services.referrals import accept_referral, decline_referral, refer_tool
from financing.waiting import waiting_for
from program import clock, waiting
from program.enums import OfficeRole
from program.models import Notice, Office
from program.waiting import Task, desk_tasks
from tests.factories.financing import (
    bring_designation_to,
    chair,
    committed,
    edag_officer,
    fresh,
    meeting,
    proposed,
)
from tests.factories.program import OfficeFactory, officer


def tasks(person):
    return [task.what for task in waiting_for(fresh(person))]


def test_case_waits_for_the_chair_then_the_holder_then_its_lead():
    head, lead, colleague, other = chair(), edag_officer(), edag_officer(), edag_officer("DFC")
    everybody = (head, lead, colleague, other)
    record = proposed(lead_officer=lead)
    words = "Direct loan for Kenya"
    assert [tasks(who) for who in everybody] == [[f"Decide whether to refer: {words}"], [], [], []]
    refer_tool(record, by=fresh(head))
    asked = [f"Accept or decline: {words}"]
    assert [tasks(who) for who in everybody] == [[], asked, asked, []]
    event = accept_referral(record, by=fresh(colleague))
    follow = [f"Record what your agency commits: {words}"]
    assert [tasks(who) for who in everybody] == [[], follow, [], []]
    told = Notice.objects.get(event=event, kind="financing.follow_up")
    assert (told.recipient, told.url) == (lead, reverse("financing:referral", args=[record.number]))
    Office.objects.filter(user=lead).update(effective_to=clock.today())
    assert [tasks(who) for who in everybody] == [[], [], follow, []], "the lead has left"
    committed(record)
    assert [tasks(who) for who in everybody] == [[], [], [], []]


def test_nothing_waits_for_the_recused_nor_while_the_designation_rests():
    lead, record = edag_officer(), proposed()
    refer_tool(record, by=chair())
    assert len(tasks(lead)) == 1
    bring_designation_to(record.designation, DesignationStatus.SUSPENDED)
    assert tasks(lead) == []
    bring_designation_to(record.designation, DesignationStatus.ACTIVE)
    record.designation.proposal.recusals.create(
        user=lead, reason="Kin.", recused_by=officer(), recused_at=clock.now()
    )
    assert tasks(lead) == []


def test_declined_case_waits_for_nobody():
    lead, record = edag_officer(), proposed()
    refer_tool(record, by=chair())
    decline_referral(record, by=edag_officer(), reason="Not this buyer.")
    assert tasks(lead) == []


def test_open_action_waits_for_its_owner_until_it_is_done():
    head, owner = chair(), edag_officer("DFC")
    held = meeting(by=head)
    hold_meeting(held, by=head)
    today = clock.today()
    action = give_action(held.items.get(), text="Ask the buyer.", owner=owner, due_on=today, by=fresh(head))
    (task,) = waiting_for(fresh(owner))
    assert task.due_at > clock.now(), "the whole day is left"
    Action.objects.update(due_on=today - timedelta(days=1))
    (task,) = waiting_for(fresh(owner))
    page = reverse("financing:action_finish", args=[action.pk])
    assert (task.what, task.url, task.due_at < clock.now()) == ("Ask the buyer.", page, True)
    assert Notice.objects.get(recipient=owner, kind="financing.action_given").url == page
    finish_action(action, outcome="Answered.", by=fresh(owner))
    assert tasks(owner) == []


def test_meeting_waits_for_the_chair_until_every_item_is_decided():
    head = chair()
    record = meeting(by=head, starts_at=clock.instant() - timedelta(hours=1))
    assert tasks(head) == ["Record that it was held: EDAG meeting"]
    assert tasks(edag_officer("STATE")) == []
    hold_meeting(record, by=fresh(head))
    assert tasks(head) == ["Record what was decided: EDAG meeting"]
    decide_item(record.items.get(), decision=AgendaDecision.NOTE, text="Noted.", by=fresh(head))
    assert tasks(head) == []
    Meeting.objects.update(status="planned", held_at=None, starts_at=clock.instant() + timedelta(days=1))
    assert tasks(head) == [], "it lies ahead"


@pytest.mark.parametrize("role", [OfficeRole.PROGRAM_OFFICER, OfficeRole.AUDITOR])
def test_task_is_on_the_desk_of_who_works_there_too(client, settings, role):
    settings.DEMONSTRATION = True
    person = edag_officer("COMMERCE")
    held = meeting()
    hold_meeting(held, by=chair())
    give_action(held.items.get(), text="Ask the buyer.", owner=person, due_on=clock.today(), by=chair())
    assert "Ask the buyer." in [task.what for task in desk_tasks(fresh(person))]
    OfficeFactory(user=person, role=role, agency__code="COMMERCE")
    client.force_login(fresh(person), backend="allauth.account.auth_backends.AuthenticationBackend")
    for page in ("evaluation:desk", "financing:edag"):
        assert b"Ask the buyer." in client.get(reverse(page)).content


def test_what_is_due_stands_before_what_has_no_day(monkeypatch):
    now = clock.instant()
    listed = [
        Task("c", "", ""),
        Task("b", "", "", now + timedelta(days=1)),
        Task("a", "", "", now),
        Task("d", "", ""),
    ]
    monkeypatch.setattr(waiting, "SOURCES", [lambda user: listed[:2], lambda user: listed[2:]])
    assert [task.what for task in desk_tasks(None)] == ["a", "b", "c", "d"]

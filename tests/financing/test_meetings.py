"""Meetings decide once, after they were held; actions have an owner and an end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from financing.enums import AgendaDecision, MeetingStatus, ReferralStatus
from financing.models import AgendaItem, MarketBarrier, Meeting, Partnership, Workstream
from financing.services.meetings import (
    decide_item,
    finish_action,
    give_action,
    hold_meeting,
    plan_meeting,
    put_on_agenda,
)
from financing.services.workstreams import change_workstream, keep_barrier, keep_partnership
from program import clock
from program.models import AuditEvent, Country, Notice
from program.revisions import StaleRevision
from program.transitions import NotReady, WrongStatus
from tests.factories.financing import chair, edag_officer, meeting, proposed
from tests.factories.program import UserFactory, officer


def codes(refusal):
    return [problem.code for problem in refusal.value.problems]


def held(referral=None):
    record = meeting(referral=referral)
    hold_meeting(record, by=chair(), attendance="State, Commerce, USTR, EXIM")
    return record


def test_members_are_told_of_a_planned_meeting():
    member = edag_officer("USTDA")
    meeting()
    assert Notice.objects.filter(recipient=member, kind="financing.meeting_planned").count() == 1


def test_meeting_is_planned_by_the_edag_and_chaired_for_state():
    head = chair()
    with pytest.raises(PermissionDenied):
        plan_meeting(title="M", starts_at=clock.now(), place="", chair=head, by=officer())
    with pytest.raises(NotReady) as refusal:
        plan_meeting(title="M", starts_at=clock.now(), place="", chair=edag_officer(), by=head)
    assert codes(refusal) == ["chair-not-in-office"]


def test_meeting_is_held_once_by_the_chair_on_an_agenda():
    record = meeting()
    with pytest.raises(PermissionDenied):
        hold_meeting(record, by=edag_officer("STATE"))
    hold_meeting(record, by=chair(), attendance="State")
    assert (record.status, bool(record.held_at)) == (MeetingStatus.HELD, True)
    with pytest.raises(WrongStatus):
        hold_meeting(record, by=chair())
    AgendaItem.objects.all().delete()
    empty = Meeting.objects.create(title="M", starts_at=clock.now(), chair=chair(), planned_by=chair())
    with pytest.raises(NotReady) as refusal:
        hold_meeting(empty, by=chair())
    assert codes(refusal) == ["agenda-empty"]


def test_meeting_that_lies_ahead_is_not_recorded_as_held():
    record = meeting(starts_at=clock.instant() + timedelta(hours=1))
    with pytest.raises(NotReady) as refusal:
        hold_meeting(record, by=chair())
    assert codes(refusal) == ["meeting-ahead"]
    assert Meeting.objects.get().status == MeetingStatus.PLANNED


def test_action_is_not_due_on_a_day_that_is_over():
    head = chair()
    with pytest.raises(NotReady) as refusal:
        give_action(held().items.get(), text="Ask.", owner=head, by=head,
                    due_on=clock.today() - timedelta(days=1))  # fmt: skip
    assert codes(refusal) == ["due-in-past"]


def test_decision_to_refer_carries_the_referral_along():
    referral = proposed()
    item = held(referral).items.get()
    event = decide_item(item, decision=AgendaDecision.REFER, text="Agreed.", by=chair())
    referral.refresh_from_db()
    assert (item.decision, item.decided_at, referral.status) == ("refer", event.at, ReferralStatus.REFERRED)
    last = AuditEvent.objects.of(referral).last()
    assert '"note":"EDAG meeting, item 1. Agreed."' in last.body


def test_decision_to_set_aside_closes_the_referral_with_the_words_as_reason():
    referral = proposed()
    decide_item(held(referral).items.get(), decision="set_aside", text="Equity fits better.", by=chair())
    referral.refresh_from_db()
    assert (referral.status, referral.reason) == (ReferralStatus.CLOSED, "Equity fits better.")


def test_item_is_decided_once_in_a_held_meeting_by_the_chair():
    planned = meeting(referral=proposed()).items.get()
    with pytest.raises(NotReady) as refusal:
        decide_item(planned, decision="refer", text="Agreed.", by=chair())
    assert codes(refusal) == ["meeting-not-held"]
    item = held().items.get()
    with pytest.raises(PermissionDenied):
        decide_item(item, decision="note", text="Noted.", by=edag_officer("STATE"))
    with pytest.raises(NotReady) as refusal:
        decide_item(item, decision="refer", text="Agreed.", by=chair())
    assert codes(refusal) == ["no-referral"]
    decide_item(item, decision="note", text="Noted.", by=chair())
    with pytest.raises(NotReady) as refusal:
        decide_item(item, decision="defer", text="Later.", by=chair())
    assert codes(refusal) == ["decided-already"]


def test_decision_stands_or_falls_with_the_referral():
    referral = proposed()
    item = held(referral).items.get()
    referral.designation.proposal.designations.update(status="suspended")
    with pytest.raises(NotReady) as refusal:
        decide_item(item, decision="refer", text="Agreed.", by=chair())
    assert codes(refusal) == ["designation-not-active"]
    assert AgendaItem.objects.get().decision == ""
    assert not AuditEvent.objects.filter(act="agendaitem.decide").exists()


def test_agenda_takes_a_proposed_referral_once():
    referral = proposed()
    record = meeting(referral=referral)
    with pytest.raises(NotReady) as refusal:
        put_on_agenda(record, title="Again", referral=referral, by=chair())
    assert codes(refusal) == ["already-on-agenda"]
    with pytest.raises(PermissionDenied):
        put_on_agenda(record, title="Mine", by=officer())


def test_action_is_given_and_reported_done_once():
    owner, item = edag_officer("DFC"), held().items.get()
    due_on = clock.today() + timedelta(days=14)
    with pytest.raises(PermissionDenied):
        give_action(item, text="Ask the buyer.", owner=owner, due_on=due_on, by=officer())
    with pytest.raises(NotReady) as refusal:
        give_action(item, text="Ask the buyer.", owner=UserFactory(), due_on=due_on, by=chair())
    assert codes(refusal) == ["owner-not-in-edag"]
    action = give_action(item, text="Ask the buyer.", owner=owner, due_on=due_on, by=chair())
    assert Notice.objects.filter(recipient=owner, kind="financing.action_given").count() == 1
    with pytest.raises(PermissionDenied):
        finish_action(action, outcome="Done.", by=edag_officer("EXIM"))
    with pytest.raises(NotReady) as refusal:
        finish_action(action, outcome=" ", by=owner)
    assert codes(refusal) == ["outcome-missing"]
    finish_action(action, outcome="The buyer answered.", by=owner)
    with pytest.raises(NotReady) as refusal:
        finish_action(action, outcome="Again.", by=owner)
    assert codes(refusal) == ["done-already"]


def test_workstream_is_written_by_the_edag_and_a_stale_save_is_refused():
    record, by = Workstream.objects.get(code="v"), edag_officer("USTR")
    values = {"lead": record.lead, "lead_officer": by, "revision": 1}
    with pytest.raises(PermissionDenied):
        change_workstream(record, status_text="X", by=officer(), **values)
    change_workstream(record, status_text="Two barriers were raised.", by=by, **values)
    assert (record.revision, AuditEvent.objects.of(record).last().act) == (2, "workstream.change")
    with pytest.raises(StaleRevision):
        change_workstream(record, status_text="Older text.", by=by, **values)
    assert Workstream.objects.get(code="v").status_text == "Two barriers were raised."


def test_partnership_and_barrier_are_entered_and_changed_on_record():
    by, kenya = edag_officer("STATE"), Country.objects.get(pk="KE")
    stream = Workstream.objects.get(code="iii")
    row = keep_partnership(
        Partnership(), name="U.S.-Kenya AI dialogue", workstream=stream, status="explored", summary="",
        countries=[kenya], by=by,
    )  # fmt: skip
    keep_partnership(
        row, name=row.name, workstream=stream, status="signed", summary="Signed.", countries=[kenya], by=by,
        revision=1,
    )  # fmt: skip
    assert [event.act for event in AuditEvent.objects.of(row)] == ["partnership.enter", "partnership.change"]
    details = {"country": kenya, "title": "Local hosting rule", "description": "", "source": "Gazette 12",
               "effect": "burdens", "status": "identified"}  # fmt: skip
    with pytest.raises(PermissionDenied):
        keep_barrier(MarketBarrier(), by=officer(), **details)
    barrier = keep_barrier(MarketBarrier(), by=by, **details)
    assert AuditEvent.objects.of(barrier).get().clause == "s.4(c)(v)"

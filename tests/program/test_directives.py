"""The register of directives: duties that officers keep, and the review of E.O. 14179 s.5(a)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction

from program import clock
from program.deadlines import DutyClock, Period
from program.enums import ActionStatus, DutyState, Mark, OfficeRole
from program.lifecycle import (
    ACTION_TRANSITIONS,
    CARRY_OUT,
    DROP,
    FINALIZE,
    FIND_CONSISTENT,
    FIND_INCONSISTENT,
    PROPOSE,
)
from program.models import ActionStep, AgencyAction, AuditEvent, Duty
from program.models.directives import REACHES
from program.reference import load_directives
from program.revisions import StaleRevision
from program.services import directives as services
from program.transitions import NotReady, WrongStatus
from tests.factories.directives import DECIDED, WAY, action_at, decide, duty, entered, exempted
from tests.factories.program import UserFactory, officer
from tests.proposals.pages import sign_in

pytestmark = pytest.mark.django_db
KEPT = {
    "state": DutyState.FULFILLED,
    "fulfilled_on": date(2025, 9, 1),
    "responsible": "Administrator of the SBA",
    "consulted": "",
    "evidence": "Letters of appointment of September 1, 2025.",
    "evidence_url": "https://agency.example/letters",
}
OTHERS = [
    None, OfficeRole.REVIEWER, OfficeRole.LEAD, OfficeRole.DECISION_OFFICIAL, OfficeRole.EDAG_CHAIR,
    OfficeRole.EDAG_OFFICER, OfficeRole.AUDITOR,
]  # fmt: skip


def other(role):
    return officer(role) if role else UserFactory()


def kept(record, by=None, revision=1, reason="The letters came in.", values=None, **details):
    return services.keep_duty(
        record, by=by or officer(), revision=revision, reason=reason, values=KEPT | (values or {}), **details
    )


def codes(refusal):
    return [problem.code for problem in refusal.value.problems]


def table(name="letters.csv"):
    return SimpleUploadedFile(name, b"person,office\nA. Person,SBA\n")


# A duty


def test_kept_duty_is_on_the_record_with_what_stood_before():
    person, record = officer(), duty()
    kept(record, person)
    record.refresh_from_db()
    assert (record.state, record.kept_by, record.revision) == ("fulfilled", person, 2)
    event = AuditEvent.objects.of(record).get()
    assert (event.act, event.clause, event.said["note"]) == ("duty.keep", "s.4(b)", "The letters came in.")
    assert event.said["before"] == {"evidence": "", "evidence_url": "", "fulfilled_on": "", "state": "open"}
    assert event.said["after"] == {
        "evidence": KEPT["evidence"],
        "evidence_url": KEPT["evidence_url"],
        "fulfilled_on": "2025-09-01",
        "state": "fulfilled",
    }


@pytest.mark.parametrize("role", OTHERS)
def test_only_program_officers_keep_a_duty(role):
    record = duty()
    with pytest.raises(PermissionDenied):
        kept(record, other(role))
    record.refresh_from_db()
    assert (record.state, record.revision) == ("open", 1)
    kept(record)


def test_stale_save_of_a_duty_is_refused_whole():
    record = duty()
    kept(record)
    with pytest.raises(StaleRevision):
        kept(Duty.objects.get(pk=record.pk), revision=1, values={"evidence": "Another."})
    record.refresh_from_db()
    assert record.evidence == KEPT["evidence"]
    assert AuditEvent.objects.of(record).count() == 1


@pytest.mark.parametrize(
    ("values", "reason", "expected"),
    [
        ({"evidence": "", "evidence_url": ""}, "Why.", ["duty-evidence"]),
        ({}, "  ", ["duty-reason"]),
        ({"state": "open"}, "Why.", ["duty-day-without-state"]),
        ({"fulfilled_on": date(2025, 7, 22)}, "Why.", ["duty-day"]),
        ({"fulfilled_on": date(2099, 1, 1)}, "Why.", ["duty-day"]),
    ],
)
def test_duty_that_is_not_ready_stays_as_it_was(values, reason, expected):
    record = duty()
    with pytest.raises(NotReady) as refusal:
        kept(record, values=values, reason=reason)
    assert codes(refusal) == expected
    record.refresh_from_db()
    assert (record.state, record.revision, record.has_evidence) == ("open", 1, False)
    assert not AuditEvent.objects.of(record).exists()


def test_duty_pressed_twice_is_refused_at_its_own_revision():
    record = duty()
    kept(record)
    with pytest.raises(NotReady) as refusal:
        kept(record, revision=2)
    assert codes(refusal) == ["duty-unchanged"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://agency.example/file", "letters"])
def test_link_of_evidence_is_an_address_of_the_web(address):
    record = duty()
    with pytest.raises(ValidationError, match="valid URL"):
        kept(record, values={"evidence_url": address})


def test_file_of_evidence_is_public_replaced_and_taken_off():
    record, person = duty(), officer()
    kept(record, person, upload=table())
    record.refresh_from_db()
    file = record.evidence_file
    assert (file.name, file.mark, file.released_by) == ("letters.csv", Mark.PUBLIC, person)
    said = AuditEvent.objects.of(record).get().said["after"]["evidence_file"]
    assert said == f"letters.csv, SHA-256 {file.sha256}"
    kept(record, person, revision=2, upload=SimpleUploadedFile("newer.csv", b"person\nB. Person\n"))
    record.refresh_from_db()
    assert record.evidence_file.name == "newer.csv"
    kept(record, person, revision=3, remove_file=True)
    record.refresh_from_db()
    assert record.evidence_file is None


def test_file_that_is_no_such_file_is_refused_in_words():
    record = duty()
    with pytest.raises(NotReady) as refusal:
        kept(record, upload=SimpleUploadedFile("letters.pdf", b"MZ no PDF"))
    assert [(problem.code, problem.field) for problem in refusal.value.problems] == [
        ("evidence-file", "upload")
    ]
    record.refresh_from_db()
    assert record.revision == 1


def test_loading_brings_facts_of_law_and_never_what_an_officer_keeps(reference_data):
    record = Duty.objects.get(directive__number="14320", clause="4(b)")
    untouched = Duty.objects.get(directive__number="14320", clause="4(a)")
    kept(record, values={"responsible": "Administrator of the SBA and Director of OSTP"})
    Duty.objects.filter(pk__in=[record.pk, untouched.pk]).update(text="Another text", timing="Later")
    Duty.objects.filter(pk=untouched.pk).update(responsible="Somebody", state="fulfilled")
    load_directives()
    record.refresh_from_db()
    untouched.refresh_from_db()
    assert (record.state, record.evidence, record.fulfilled_on) == (
        "fulfilled", KEPT["evidence"], KEPT["fulfilled_on"],
    )  # fmt: skip
    assert record.responsible == "Administrator of the SBA and Director of OSTP"
    assert record.text.startswith("Appoint senior officials")
    assert (untouched.state, untouched.timing) == ("continuing", "")
    assert untouched.responsible.startswith("EDAG")


def test_duty_counts_as_held_only_with_something_that_shows_it(reference_data):
    assert sorted(Duty.objects.held().values_list("directive__number", "clause")) == [
        ("14179", "4(a)"), ("14320", "3(a)"), ("14320", "3(b)"),
    ]  # fmt: skip
    record = Duty.objects.get(directive__number="14320", clause="4(a)")
    record = kept(record, values={"state": "continuing", "fulfilled_on": None, "evidence": ""})
    assert Duty.objects.held().contains(record)
    kept(record, revision=2, values={"state": "open", "fulfilled_on": None})
    assert not Duty.objects.held().contains(record)


SIGNED = date(2025, 1, 23)
DUE = Period(60, rolls_forward=False).due_from(SIGNED)


@pytest.mark.parametrize(
    ("today", "ended_on", "words"),
    [
        (date(2025, 1, 23), None, "Day 0 of 60, 60 days left"),
        (date(2025, 3, 23), None, "Day 59 of 60, 1 day left"),
        (date(2025, 3, 24), None, "Today is the last day"),
        (date(2025, 3, 25), None, "The day passed 1 day ago"),
        (date(2026, 3, 24), None, "The day passed 365 days ago"),
        (date(2026, 3, 24), date(2025, 3, 24), "Fulfilled in time"),
        (date(2026, 3, 24), date(2025, 3, 27), "Fulfilled 3 days late"),
    ],
)
def test_clock_of_a_duty_says_what_is_left(today, ended_on, words):
    assert DUE.due_on == date(2025, 3, 24)
    assert DutyClock(DUE, bool(ended_on), ended_on).words(today) == words


def test_clock_of_a_fulfilled_duty_without_its_day_says_so():
    clock_ = DutyClock(DUE, is_fulfilled=True)
    assert clock_.words(date(2026, 1, 1)) == "Fulfilled; the day is not on file"
    assert clock_.days_left(date(2026, 1, 1)) is None


# An agency action under review


def test_action_is_entered_under_review_and_told_to_nobody_outside():
    person = officer()
    action = entered(person)
    assert (action.status, action.entered_by) == ("identified", person)
    assert AuditEvent.objects.of(action).get().act == "agencyaction.enter"
    assert not AgencyAction.objects.visible_to(UserFactory()).exists()
    for role in (OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR):
        assert AgencyAction.objects.visible_to(officer(role)).contains(action)


@pytest.mark.parametrize("status", WAY)
@pytest.mark.parametrize("role", [*OTHERS, OfficeRole.PROGRAM_OFFICER])
def test_list_and_record_agree_on_who_sees_an_action(role, status):
    action, person = action_at(status), other(role)
    seen = AgencyAction.objects.visible_to(person).contains(action)
    assert seen == person.has_perm("program.view_agencyaction", action)


BARRED = [(t, s) for t in ACTION_TRANSITIONS for s in WAY if s not in t.sources]
OPEN = [(t, s) for t in ACTION_TRANSITIONS for s in WAY if s in t.sources]
MEASURES = {"propose": "revise", "carry_out": "revise"}


@pytest.mark.parametrize(("step", "status"), BARRED, ids=str)
def test_step_is_barred_from_every_other_status(step, status):
    action = action_at(status)
    steps = action.steps.count()
    with pytest.raises(WrongStatus):
        decide(action, step, MEASURES.get(step.name, ""))
    assert (AgencyAction.objects.get(pk=action.pk).status, action.steps.count()) == (status, steps)


@pytest.mark.parametrize(("step", "status"), OPEN, ids=str)
def test_step_says_who_decided_what_when_and_on_which_evidence(step, status):
    action, person = action_at(status), officer()
    measure, revision = AgencyAction.objects.get(pk=action.pk).measure, action.revision
    decide(action, step, MEASURES.get(step.name, ""), by=person)
    action.refresh_from_db()
    expected = MEASURES.get(step.name) or (measure if step == FINALIZE else "")
    assert (action.status, action.measure, action.revision) == (step.target, expected, revision + 1)
    taken = action.steps.last()
    assert (taken.step, taken.measure, taken.recorded_by) == (step.name, expected, person)
    assert {name: getattr(taken, name) for name in DECIDED} == DECIDED
    event = AuditEvent.objects.of(action).last()
    assert (event.act, event.clause) == (f"agencyaction.{step.name}", "E.O. 14179 s.5(a)")
    assert (event.said["before"], event.said["after"]) == (status, step.target)
    assert taken.recorded_at == event.at


@pytest.mark.parametrize("role", OTHERS)
def test_only_program_officers_take_a_step_or_enter_anything(role):
    action, person = action_at("inconsistent"), other(role)
    exemption = exempted(action)
    with pytest.raises(PermissionDenied):
        decide(action, PROPOSE, "revise", by=person)
    with pytest.raises(PermissionDenied):
        entered(person)
    with pytest.raises(PermissionDenied):
        exempted(action, person)
    with pytest.raises(PermissionDenied):
        services.end_exemption(exemption, by=person, reason="Why.")
    with pytest.raises(PermissionDenied):
        services.change_action(action, by=person, revision=3, values={"title": "Other"}, reason="Why.")
    action.refresh_from_db()
    assert (action.status, action.revision, action.steps.count()) == ("inconsistent", 3, 1)


def test_step_pressed_twice_is_taken_once():
    action, person = entered(), officer()
    for expected in (None, WrongStatus):
        details = {"by": person, "revision": 1, "values": dict(DECIDED)}
        if expected is None:
            services.take_step(action, FIND_INCONSISTENT, **details)
        else:
            with pytest.raises(expected):
                services.take_step(AgencyAction.objects.get(pk=action.pk), FIND_INCONSISTENT, **details)
    assert action.steps.count() == 1


def test_step_on_facts_that_changed_meanwhile_is_refused():
    action = entered()
    services.change_action(action, by=officer(), revision=1, values={"effect": "More."}, reason="Read again.")
    with pytest.raises(StaleRevision):
        services.take_step(action, FIND_INCONSISTENT, by=officer(), revision=1, values=dict(DECIDED))
    assert not action.steps.exists()


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"decided_by": " "}, ["step-decided_by"]),
        ({"reason": ""}, ["step-reason"]),
        ({"evidence": ""}, ["step-evidence"]),
        ({"decided_on": date(2025, 1, 22)}, ["step-day"]),
        ({"decided_on": date(2099, 1, 1)}, ["step-day"]),
        ({"decided_on": None}, ["step-day"]),
    ],
)
def test_decision_without_its_facts_is_refused(details, expected):
    action = entered()
    with pytest.raises(NotReady) as refusal:
        decide(action, FIND_INCONSISTENT, **details)
    assert codes(refusal) == expected
    action.refresh_from_db()
    assert (action.status, action.steps.count()) == ("identified", 0)


def test_change_says_whether_it_suspends_revises_or_rescinds():
    action = action_at("inconsistent")
    with pytest.raises(NotReady) as refusal:
        decide(action, CARRY_OUT)
    assert codes(refusal) == ["step-measure"]


def test_decision_does_not_lie_before_the_one_before_it():
    action = action_at("inconsistent")
    with pytest.raises(NotReady) as refusal:
        decide(action, PROPOSE, "revise", decided_on=date(2025, 4, 2))
    assert codes(refusal) == ["step-day"]


def entered_as_it_was(action, step, measure="", **details):
    """A decision as an earlier release took it, which did not ask about its day."""
    ActionStep.objects.create(
        action=action, step=step.name, measure=measure, recorded_by=officer(), recorded_at=clock.now(),
        **DECIDED | details,
    )  # fmt: skip


def test_decision_lies_before_none_of_the_earlier_ones():
    action = action_at("inconsistent")
    decide(action, CARRY_OUT, "suspend", decided_on=date(2025, 6, 2))
    entered_as_it_was(action, PROPOSE, "revise", decided_on=date(2025, 5, 1))
    with pytest.raises(NotReady) as refusal:
        decide(action, PROPOSE, "rescind", decided_on=date(2025, 5, 2))
    said = refusal.value.problems[0].message
    assert (codes(refusal), said.startswith("Give a day from June 2, 2025, ")) == (["step-day"], True)
    decide(action, PROPOSE, "rescind", decided_on=date(2025, 6, 2))


def test_nothing_is_decided_about_an_action_before_it_was_taken():
    action = entered(taken_on=date(2025, 4, 4))
    with pytest.raises(NotReady) as refusal:
        decide(action, FIND_INCONSISTENT, decided_on=date(2025, 4, 3))
    said = "Give a day from April 4, 2025, when the action was taken, to today."
    assert [problem.message for problem in refusal.value.problems] == [said]
    decide(action, FIND_INCONSISTENT, decided_on=date(2025, 4, 4))
    with pytest.raises(NotReady) as refusal:
        exempted(action, granted_on=date(2025, 4, 3))
    assert codes(refusal) == ["exemption-given"]
    exempted(action, granted_on=date(2025, 4, 4))


def test_action_is_not_moved_past_what_was_decided_about_it():
    action = action_at("inconsistent")
    exempted(action, granted_on=date(2025, 3, 1))
    for taken_on, found in ((date(2025, 3, 2), ["action-after-decision"]), (date(2025, 3, 1), [])):
        revision = AgencyAction.objects.get(pk=action.pk).revision
        details = {"revision": revision, "values": {"taken_on": taken_on}}
        refused = []
        try:
            services.change_action(action, by=officer(), reason="The day was wrong.", **details)
        except NotReady as refusal:
            refused = [problem.code for problem in refusal.problems]
        assert refused == found


def test_file_of_a_decision_is_evidence_enough():
    action = entered()
    services.take_step(
        action, FIND_CONSISTENT, by=officer(), revision=1, values=DECIDED | {"evidence": ""}, upload=table()
    )
    assert action.steps.get().evidence_file.name == "letters.csv"


def test_step_is_kept_as_it_was_written():
    action = action_at("consistent")
    with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
        ActionStep.objects.filter(action=action).update(reason="Another.")
    with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
        ActionStep.objects.filter(action=action).delete()


def test_suspension_may_be_followed_by_a_proposal_and_ends_final():
    action = action_at("done")
    assert action.standing == "Suspended"
    decide(action, PROPOSE, "rescind")
    assert action.standing == "Rescission proposed"
    decide(action, CARRY_OUT, "rescind")
    decide(action, FINALIZE)
    assert (action.standing, action.steps.count()) == ("Rescinded, final", 5)


def test_same_action_is_entered_once_unless_it_was_dropped():
    decide(entered(), DROP)
    entered()
    with pytest.raises(ValidationError, match="in the register already"):
        entered()


@pytest.mark.parametrize("taken_on", [date(2023, 10, 29), date(2099, 1, 1)])
def test_action_was_taken_under_the_revoked_order(taken_on):
    with pytest.raises(NotReady) as refusal:
        entered(taken_on=taken_on)
    assert codes(refusal) == ["action-day"]


def test_facts_are_corrected_with_a_reason_until_the_change_is_final():
    action, person = action_at("done"), officer()
    services.change_action(
        action, by=person, revision=3, values={"citation": "Memo 1"}, reason="The number was missing."
    )
    event = AuditEvent.objects.of(action).last()
    assert (event.said["before"], event.said["after"]) == ({"citation": ""}, {"citation": "Memo 1"})
    with pytest.raises(StaleRevision):
        services.change_action(action, by=person, revision=3, values={"citation": "Memo 2"}, reason="No.")
    with pytest.raises(NotReady) as refusal:
        services.change_action(action, by=person, revision=4, values={"citation": "Memo 1"}, reason="")
    assert codes(refusal) == ["action-unchanged", "action-reason"]
    decide(action, FINALIZE)
    with pytest.raises(WrongStatus):
        services.change_action(action, by=person, revision=5, values={"citation": "Memo 2"}, reason="No.")


# Interim exemptions


@pytest.mark.parametrize("status", WAY)
def test_exemption_is_given_while_a_change_is_not_final(status):
    action = action_at(status)
    if status in ("inconsistent", "proposed", "done"):
        assert exempted(action).holds_on(clock.today())
    else:
        with pytest.raises(WrongStatus):
            exempted(action)
        assert not action.exemptions.exists()


def test_exemption_holds_to_its_last_day_and_no_longer_than_the_review():
    action, until = action_at("done"), clock.today() + timedelta(days=9)
    exemption = exempted(action, until=until)
    assert [exemption.holds_on(until), exemption.holds_on(until + timedelta(days=1))] == [True, False]
    decide(action, FINALIZE)
    assert not action.exemptions.get().holds_on(clock.today())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"granted_on": date(2025, 1, 22)}, ["exemption-given"]),
        ({"granted_on": date(2099, 1, 1)}, ["exemption-given"]),
        ({"until": date(2025, 4, 30)}, ["exemption-until"]),
    ],
)
def test_exemption_with_impossible_days_is_refused(facts, expected):
    action = action_at("inconsistent")
    with pytest.raises(NotReady) as refusal:
        exempted(action, **facts)
    assert codes(refusal) == expected


def test_exemption_dated_before_its_action_is_marked_on_the_register(client):
    action = action_at("proposed")
    exemption = exempted(action)
    sign_in(client, officer())
    pages = ["/directives/", f"/desk/agency-actions/{action.pk}/"]
    for shift, is_marked in ((0, False), (1, True)):
        day = exemption.granted_on + timedelta(days=shift)
        AgencyAction.objects.filter(pk=action.pk).update(taken_on=day)  # as entered before it was refused
        assert ["Dated before its action" in client.get(page).text for page in pages] == [is_marked] * 2


def test_exemption_is_ended_once_with_a_reason():
    action = action_at("inconsistent")
    exemption, person = exempted(action), officer()
    with pytest.raises(NotReady):
        services.end_exemption(exemption, by=person, reason=" ")
    services.end_exemption(exemption, by=person, reason="The office closed.")
    assert (exemption.ended_on, exemption.holds_on(clock.today())) == (clock.today(), False)
    with pytest.raises(NotReady) as refusal:
        services.end_exemption(exemption, by=person, reason="Again.")
    assert codes(refusal) == ["exemption-ended"]
    acts = list(AuditEvent.objects.of(exemption).values_list("act", flat=True))
    assert acts == ["interimexemption.give", "interimexemption.end"]


def test_every_step_says_what_it_reaches():
    assert {step.name: step.target for step in ACTION_TRANSITIONS} == REACHES


def test_every_status_but_dropped_can_be_reached():
    assert {*WAY, ActionStatus.DROPPED} == set(ActionStatus)

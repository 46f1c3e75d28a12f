"""Pauses of a consultation's clock: who, why, how the last day moves, and what follows the new one."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.html import escape

from evaluation import services
from evaluation.clocks import days_of, last_day
from evaluation.decided import sha256_to_clear
from evaluation.enums import PauseReason, ReferralStatus
from evaluation.insights.figures import insights_of
from evaluation.models import ClockEvent, InformationRequest, Referral
from evaluation.packets import packet_in_words, packet_text
from evaluation.schedule import end_left_referrals, lapse_due_referrals, release_clocks, remind
from program import clock, moments
from program.clock_account import clock_account
from program.deadlines import Period, Standstill, Unit, end_of_day, put_off
from program.enums import OfficeRole
from program.models import AuditEvent, Closure, Notice
from program.transitions import NotReady
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
# A Tuesday; 30 days later is Thursday, April 2, 2026, and summer time begins on March 8
MARCH_3 = datetime(2026, 3, 3, 15, tzinfo=UTC)


@pytest.fixture
def desk():
    return officer()


@pytest.fixture
def proposal(desk):
    with clock.moved_to(MARCH_3):
        return make.accepted(desk)


def energy(proposal):
    return make.referral_of(proposal, "DOE")


def paused(
    proposal, by, at, *, reason=PauseReason.CLOSED, note="A lapse in appropriations.", agency="DOE", **facts
):
    with clock.moved_to(at):
        referrals = [make.referral_of(proposal, agency)]
        return services.pause_clocks(proposal, by=by, referrals=referrals, reason=reason, note=note, **facts)[
            0
        ]


def resumed(proposal, by, at, agency="DOE"):
    with clock.moved_to(at):
        return services.resume_referral(make.referral_of(proposal, agency), by=by)


def asked(proposal, by, at, *agencies, days=10):
    with clock.moved_to(at):
        return services.ask_consortium(
            proposal, by=by, agency=make.AgencyFactory(code="COMMERCE"), question="Who holds the weights?",
            due_on=clock.today() + timedelta(days=days),
            pauses=[make.referral_of(proposal, agency) for agency in agencies],
        )  # fmt: skip


def refused(act, *args, **facts):
    with pytest.raises(NotReady) as refusal:
        act(*args, **facts)
    return [problem.code for problem in refusal.value.problems]


# Counting


@pytest.mark.parametrize(
    ("unit", "first", "last", "counted_to", "due_on"),
    [
        # Tuesday to Thursday, due Thursday, April 2: three days, Sunday, moved to Monday
        (Unit.CALENDAR, date(2026, 3, 10), date(2026, 3, 12), date(2026, 4, 5), date(2026, 4, 6)),
        # over a weekend five calendar days are three business days
        (Unit.BUSINESS, date(2026, 3, 12), date(2026, 3, 16), date(2026, 4, 7), date(2026, 4, 7)),
        (Unit.CALENDAR, date(2026, 3, 12), date(2026, 3, 16), date(2026, 4, 7), date(2026, 4, 7)),
        # Saturday and Sunday are no business days
        (Unit.BUSINESS, date(2026, 3, 14), date(2026, 3, 15), date(2026, 4, 2), date(2026, 4, 2)),
        # none: the last day before the first
        (Unit.CALENDAR, date(2026, 3, 11), date(2026, 3, 10), date(2026, 4, 2), date(2026, 4, 2)),
    ],
)
def test_standstill_moves_the_last_day_by_days_of_its_own_kind(unit, first, last, counted_to, due_on):
    days = Standstill(first, last).counted(unit)
    assert put_off(date(2026, 4, 2), days, unit=unit) == (counted_to, due_on)


def test_day_that_was_moved_off_a_weekend_is_put_off_from_the_day_counted():
    """Counted to a Sunday, due on Monday: one day more is Monday, not Tuesday."""
    assert put_off(date(2026, 4, 5), 1) == (date(2026, 4, 6), date(2026, 4, 6))


def test_closure_that_counts_is_no_business_day_of_a_standstill():
    closures = {date(2026, 3, 11)}
    assert Standstill(date(2026, 3, 10), date(2026, 3, 12)).counted(Unit.BUSINESS, closures) == 2


def test_last_day_moves_by_every_day_on_which_the_clock_stood(proposal, desk):
    due = energy(proposal).due_at
    assert due == end_of_day(date(2026, 4, 2))
    paused(proposal, desk, MARCH_3 + 7 * DAY)
    assert energy(proposal).due_at == due
    event = resumed(proposal, desk, MARCH_3 + 9 * DAY)
    referral = energy(proposal)
    assert (referral.counted_to, referral.due_at) == (date(2026, 4, 5), end_of_day(date(2026, 4, 6)))
    assert referral.due_rule.endswith(
        "3 calendar days do not count: the clock stood from Tuesday, March 10, 2026 to Thursday, March 12, "
        "2026."
    )
    assert event.said["note"].startswith("3 calendar days do not count")
    assert (referral.paused_at, referral.stood_for, referral.stood_days) == (None, 2 * DAY, 3)
    assert make.referral_of(proposal, "STATE").due_at == due


def test_standstill_over_the_change_to_summer_time_moves_by_days_not_hours(proposal, desk):
    """From an hour before midnight on the 7th to an hour after midnight on the 9th: three days, 49 hours."""
    late = datetime(2026, 3, 8, 4, tzinfo=UTC)
    paused(proposal, desk, late)
    resumed(proposal, desk, datetime(2026, 3, 9, 5, tzinfo=UTC))
    referral = energy(proposal)
    assert referral.due_at == end_of_day(date(2026, 4, 6))
    assert (referral.counted_to, referral.stood_for) == (date(2026, 4, 5), timedelta(hours=25))


def test_no_day_is_added_twice(proposal, desk):
    """Three pauses on one day, and one that begins on the day on which another ended."""
    at = MARCH_3 + 7 * DAY
    for hour in range(3):
        paused(proposal, desk, at + timedelta(hours=hour))
        resumed(proposal, desk, at + timedelta(hours=hour, minutes=30))
    assert energy(proposal).due_at == end_of_day(date(2026, 4, 3))
    paused(proposal, desk, at + timedelta(hours=5))
    assert str(days_of(energy(proposal), at + timedelta(hours=6))) == "6 days elapsed, 1 paused, 24 left"
    resumed(proposal, desk, at + DAY)
    assert (energy(proposal).counted_to, energy(proposal).stood_days) == (date(2026, 4, 4), 2)


def test_day_of_the_opening_does_not_count_and_is_not_added(proposal, desk):
    paused(proposal, desk, MARCH_3 + timedelta(hours=1))
    resumed(proposal, desk, MARCH_3 + timedelta(hours=2))
    assert energy(proposal).due_at == end_of_day(date(2026, 4, 2))


def test_days_elapsed_paused_and_left_stand_still_with_the_clock(proposal, desk):
    said = [str(days_of(energy(proposal), MARCH_3 + 6 * DAY))]
    paused(proposal, desk, MARCH_3 + 7 * DAY)
    said += [str(days_of(energy(proposal), MARCH_3 + days * DAY)) for days in (7, 9)]
    resumed(proposal, desk, MARCH_3 + 9 * DAY)
    said.append(str(days_of(energy(proposal), MARCH_3 + 10 * DAY)))
    assert said == [
        "6 days elapsed, 24 left", "6 days elapsed, 1 paused, 24 left", "6 days elapsed, 3 paused, 24 left",
        "7 days elapsed, 3 paused, 24 left",
    ]  # fmt: skip


def test_reopened_consultation_counts_in_business_days_also_after_a_pause(proposal, desk):
    Closure.objects.create(day=date(2026, 4, 16), authority="An order", counts_as_holiday=True)
    with clock.moved_to(end_of_day(date(2026, 4, 2)) + timedelta(hours=12)):
        lapse_due_referrals()
        services.reopen_referral(
            energy(proposal), by=desk, period=Period(5, unit=Unit.BUSINESS), reason="Illness."
        )
    assert energy(proposal).due_at == end_of_day(date(2026, 4, 10))
    paused(proposal, desk, datetime(2026, 4, 8, 15, tzinfo=UTC))
    resumed(proposal, desk, datetime(2026, 4, 12, 15, tzinfo=UTC))  # a Sunday
    assert energy(proposal).due_at == end_of_day(date(2026, 4, 15))
    assert "3 federal business days do not count" in energy(proposal).due_rule


# Who, and for what


@pytest.mark.parametrize("role", ["lead", "reviewer", "decision_official", "auditor", "consortium"])
def test_program_office_alone_pauses_and_resumes(proposal, desk, role):
    person = {
        "lead": lambda: make.lead("DOE"), "reviewer": lambda: make.assigned(proposal, "DOE").reviewer,
        "decision_official": make.decision_official, "auditor": lambda: officer(OfficeRole.AUDITOR),
        "consortium": lambda: representative_of(proposal),
    }[role]()  # fmt: skip
    with pytest.raises(PermissionDenied):
        paused(proposal, person, MARCH_3 + DAY)
    paused(proposal, desk, MARCH_3 + DAY)
    with pytest.raises(PermissionDenied):
        resumed(proposal, person, MARCH_3 + 2 * DAY)
    with pytest.raises(PermissionDenied):
        asked(proposal, person, MARCH_3 + 2 * DAY, "DOE")
    assert ClockEvent.objects.count() == 1
    assert InformationRequest.objects.count() == 0


def test_lead_asks_without_pausing_and_the_office_pauses_for_that_question(proposal, desk):
    with clock.moved_to(MARCH_3 + DAY):
        question = services.ask_consortium(
            proposal, by=make.lead("DOE"), agency=energy(proposal).agency, question="Which?",
            due_on=clock.today() + 5 * DAY,
        )  # fmt: skip
    assert energy(proposal).paused_at is None
    pause = paused(
        proposal, desk, MARCH_3 + 2 * DAY, reason=PauseReason.INFORMATION, note="", question=question
    )
    assert pause.why == "Information requested from the consortium, question 1"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"reason": "lunch"}, "reason"),
        ({"reason": PauseReason.ELSEWHERE, "note": " "}, "note"),
        ({"reason": PauseReason.INFORMATION}, "question"),
        ({"note": "a" * 2001}, "note-long"),
    ],
)
def test_clock_stands_for_listed_reasons_alone_each_with_its_words(proposal, desk, facts, code):
    assert refused(paused, proposal, desk, MARCH_3 + DAY, **facts) == [code]
    assert not AuditEvent.objects.filter(act="referral.pause").exists()


def test_no_clock_waits_for_a_question_that_is_closed_overdue_or_of_another_proposal(proposal, desk):
    reason = PauseReason.INFORMATION
    overdue = asked(proposal, desk, MARCH_3, days=2)
    withdrawn = asked(proposal, desk, MARCH_3)
    services.withdraw_question(withdrawn, by=desk)
    with clock.moved_to(MARCH_3):
        other = make.asked(make.accepted(desk), desk)
    for question in (overdue, withdrawn, other):
        codes = refused(paused, proposal, desk, MARCH_3 + 5 * DAY, reason=reason, question=question)
        assert codes == ["question"]
    asked_now = asked(proposal, desk, MARCH_3)
    assert refused(paused, proposal, desk, MARCH_3 + DAY, question=asked_now) == ["question"]


def test_one_clock_that_cannot_be_paused_refuses_the_whole_and_is_named(proposal, desk):
    with clock.moved_to(MARCH_3 + DAY):
        make.filed(proposal, "STATE")
        referrals = [make.referral_of(proposal, code) for code in ("STATE", "DOE")]
        with pytest.raises(NotReady) as refusal:
            services.pause_clocks(
                proposal, by=desk, referrals=referrals, reason="offices_closed", note="Snow."
            )
    assert [problem.message for problem in refusal.value.problems] == [
        f"The consultation of {referrals[0].agency} is over: “Answered”. Its clock cannot be paused."
    ]
    assert not ClockEvent.objects.exists()


def test_pause_pressed_twice_is_one_and_resume_pressed_twice_moves_once(proposal, desk):
    paused(proposal, desk, MARCH_3 + DAY)
    assert refused(paused, proposal, officer(), MARCH_3 + DAY) == ["paused"]
    resumed(proposal, desk, MARCH_3 + 2 * DAY)
    due = energy(proposal).due_at
    assert refused(resumed, proposal, officer(), MARCH_3 + 5 * DAY) == ["runs"]
    assert energy(proposal).due_at == due


def test_clock_that_was_never_paused_does_not_go_on(proposal, desk):
    assert refused(resumed, proposal, desk, MARCH_3 + DAY) == ["runs"]


def test_clock_of_another_proposal_is_not_paused_by_the_way(proposal, desk):
    with clock.moved_to(MARCH_3):
        other = make.referral_of(make.accepted(desk), "DOE")
        codes = refused(
            services.pause_clocks, proposal, by=desk, referrals=[other], reason="offices_closed", note="Snow."
        )
    assert codes == ["clocks"]


# The due instant


def test_clock_is_paused_until_the_due_instant_and_not_at_it(proposal, desk):
    due = energy(proposal).due_at
    assert refused(paused, proposal, desk, due) == ["late"]
    paused(proposal, desk, due - timedelta(microseconds=1))
    with clock.moved_to(due + timedelta(hours=5)):
        assert lapse_due_referrals() == 4
        assert energy(proposal).status == ReferralStatus.OPEN
    resumed(proposal, desk, due + timedelta(hours=6))
    assert energy(proposal).due_at == end_of_day(date(2026, 4, 6))  # two days, moved off the weekend


def test_lapse_on_the_wing_finds_the_clock_paused_and_pause_finds_it_lapsed(proposal, desk):
    """The task has read the row; whichever act comes first, the other is refused with words."""
    stale, due = energy(proposal), energy(proposal).due_at
    paused(proposal, desk, due - timedelta(seconds=1))
    with clock.moved_to(due + timedelta(minutes=2)):
        assert refused(services.lapse_referral, stale, by=clock_account()) == ["paused"]
    state = make.referral_of(proposal, "STATE")
    with clock.moved_to(due + timedelta(minutes=2)):
        services.lapse_referral(state, by=clock_account())
    assert refused(paused, proposal, desk, due - timedelta(seconds=1), agency="STATE") == ["over"]


def test_paused_clock_lapses_at_its_new_end_and_not_before(proposal, desk):
    due = energy(proposal).due_at
    paused(proposal, desk, MARCH_3 + 7 * DAY)
    with clock.moved_to(due + 20 * DAY):
        lapse_due_referrals()
    resumed(proposal, desk, due + 20 * DAY)
    new = energy(proposal).due_at
    assert new > due + 20 * DAY
    for at, status in ((new - timedelta(seconds=1), "open"), (new + timedelta(minutes=5), "lapsed")):
        with clock.moved_to(at):
            lapse_due_referrals()
        assert energy(proposal).status == status


def test_position_may_be_filed_while_the_clock_stands_and_is_in_time(proposal, desk):
    due = energy(proposal).due_at
    paused(proposal, desk, due - DAY)
    with clock.moved_to(due + 3 * DAY):
        make.filed(proposal, "DOE")
    referral = energy(proposal)
    assert (referral.status, referral.paused_at) == ("answered", None)
    assert referral.answered_at < referral.due_at
    assert referral.clock_events.standing().count() == 0
    assert not Notice.objects.filter(kind="evaluation.clock_resumed").exists()


def test_withdrawal_ends_the_pause_with_the_consultation(proposal, desk):
    paused(proposal, desk, MARCH_3 + DAY)
    with clock.moved_to(MARCH_3 + 2 * DAY):
        withdraw_proposal(proposal, by=representative_of(proposal), note="Another way.")
        assert end_left_referrals() == 5
    assert (energy(proposal).status, energy(proposal).paused_at) == ("ended", None)
    assert refused(paused, proposal, desk, MARCH_3 + 3 * DAY) == ["over"]


# Reminders


def test_paused_clock_warns_nobody_and_the_new_day_is_warned_of(proposal, desk):
    lead = make.lead("DOE")
    due = energy(proposal).due_at

    def told(at):
        with clock.moved_to(at):
            remind()
        return Notice.objects.filter(kind="evaluation.position_due", recipient=lead).count()

    paused(proposal, desk, MARCH_3 + 7 * DAY)
    assert [told(due - timedelta(hours=hours)) for hours in (20 * 24, 60, 20)] == [0, 0, 0]
    resumed(proposal, desk, due - timedelta(hours=10))
    new = energy(proposal).due_at
    half = MARCH_3 + energy(proposal).stood_for + (new - MARCH_3 - energy(proposal).stood_for) / 2
    steps = [
        half - timedelta(minutes=1),
        half + timedelta(minutes=1),
        new - 3 * DAY,
        new - timedelta(hours=20),
    ]
    assert [told(at) for at in steps] == [0, 1, 2, 3]


def test_agency_is_told_of_the_pause_with_its_reason_and_of_the_new_day(proposal, desk):
    lead = make.lead("DOE")
    other = make.lead("STATE")
    paused(proposal, desk, MARCH_3 + 7 * DAY)
    resumed(proposal, desk, MARCH_3 + 9 * DAY)
    said = Notice.objects.filter(kind__startswith="evaluation.clock_").order_by("pk")
    assert {notice.recipient_id for notice in said} == {lead.pk}
    assert "Federal offices closed" in said[0].text
    assert "Monday, April 6, 2026" in said[1].text
    assert not said.filter(recipient=other).exists()


# A question that pauses clocks


def test_question_pauses_the_clocks_that_are_chosen_and_its_answer_lets_them_go_on(proposal, desk):
    question = asked(proposal, desk, MARCH_3 + 7 * DAY, "DOE", "STATE")
    standing = Referral.objects.filter(paused_at__isnull=False)
    assert sorted(standing.values_list("agency__code", flat=True)) == ["DOE", "STATE"]
    with clock.moved_to(MARCH_3 + 9 * DAY):
        services.answer_question(question, by=representative_of(proposal), answer="The anchor.")
    assert not standing.exists()
    assert energy(proposal).due_at == end_of_day(date(2026, 4, 6))
    event = AuditEvent.objects.filter(act="referral.resume").first()
    assert (event.actor, event.clause) == (clock_account(), "E.O. 14320 s.3(d)")
    assert event.said["note"].startswith("Question 1 was answered. 3 calendar days do not count")


def test_question_pauses_no_clock_unless_asked(proposal, desk):
    asked(proposal, desk, MARCH_3 + DAY)
    assert not ClockEvent.objects.exists()


def test_clock_that_waits_for_two_questions_goes_on_with_the_last(proposal, desk):
    first = asked(proposal, desk, MARCH_3 + 7 * DAY, "DOE")
    second = asked(proposal, desk, MARCH_3 + 8 * DAY, "DOE")
    with clock.moved_to(MARCH_3 + 9 * DAY):
        services.answer_question(first, by=representative_of(proposal), answer="The anchor.")
    assert energy(proposal).paused_at is not None
    assert AuditEvent.objects.filter(act="referral.end_reason").count() == 1
    with clock.moved_to(MARCH_3 + 10 * DAY):
        services.withdraw_question(second, by=desk)
    assert energy(proposal).paused_at is None
    assert energy(proposal).stood_days == 4


def test_answer_does_not_end_a_pause_for_another_reason(proposal, desk):
    question = asked(proposal, desk, MARCH_3 + 7 * DAY, "DOE")
    paused(proposal, desk, MARCH_3 + 8 * DAY)
    with clock.moved_to(MARCH_3 + 9 * DAY):
        services.answer_question(question, by=representative_of(proposal), answer="The anchor.")
    assert energy(proposal).paused_at is not None
    resumed(proposal, desk, MARCH_3 + 10 * DAY)
    assert energy(proposal).stood_days == 4


def test_question_that_is_not_answered_in_time_lets_the_clock_go_on_once(proposal, desk):
    question = asked(proposal, desk, MARCH_3 + 7 * DAY, "DOE", "STATE", days=5)
    with clock.moved_to(question.due_at - timedelta(seconds=1)):
        assert release_clocks() == 0
    with clock.moved_to(question.due_at):
        assert (release_clocks(), release_clocks()) == (1, 0)
    assert energy(proposal).paused_at is None
    question.refresh_from_db()
    assert question.status == "open"
    with clock.moved_to(question.due_at + DAY):
        due = energy(proposal).due_at
        services.answer_question(question, by=representative_of(proposal), answer="Late.")
    assert energy(proposal).due_at == due


def test_clock_that_the_office_let_go_on_is_left_alone_by_the_answer(proposal, desk):
    question = asked(proposal, desk, MARCH_3 + 7 * DAY, "DOE")
    resumed(proposal, desk, MARCH_3 + 8 * DAY)
    due = energy(proposal).due_at
    with clock.moved_to(MARCH_3 + 12 * DAY):
        services.answer_question(question, by=representative_of(proposal), answer="The anchor.")
        assert release_clocks() == 0
    assert energy(proposal).due_at == due


def test_question_is_not_asked_where_its_pause_is_refused(proposal, desk):
    with clock.moved_to(MARCH_3 + DAY):
        make.filed(proposal, "DOE")
    assert refused(asked, proposal, desk, MARCH_3 + 2 * DAY, "DOE") == ["over"]
    assert not InformationRequest.objects.exists()


# What is kept


def test_events_of_a_clock_are_kept_as_written(proposal, desk):
    pause = paused(proposal, desk, MARCH_3 + DAY)
    for change in (lambda: ClockEvent.objects.update(note="Other."), pause.delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_every_event_stands_in_the_record_with_its_words(client, proposal, desk):
    paused(proposal, desk, MARCH_3 + 7 * DAY)
    resumed(proposal, desk, MARCH_3 + 9 * DAY)
    acts = AuditEvent.objects.of(energy(proposal)).values_list("act", flat=True)
    assert [act for act in acts if act.split(".")[1] in ("pause", "resume")] == [
        "referral.pause",
        "referral.resume",
    ]
    shown = page(client, desk, "proposal", proposal.number).text
    assert "Clock of a consultation paused" in shown and "Clock of a consultation goes on" in shown
    assert "Federal offices closed. A lapse in appropriations." in shown


# Pages


def test_office_pauses_on_the_page_of_the_proposal_and_lets_the_clock_go_on(client, desk):
    proposal = make.accepted(desk)
    referral = energy(proposal)
    typed = {"pause-referrals": referral.pk, "pause-reason": "before_another", "pause-note": ""}
    refusal = press(client, desk, "clocks-pause", proposal.number, **typed)
    assert refusal.status_code == 422 and "#id_pause-note" in refusal.text
    done = press(client, desk, "clocks-pause", proposal.number, **{**typed, "pause-note": "With State."})
    assert done.status_code == 302
    shown = page(client, desk, "proposal", proposal.number).text
    assert f"{referral.agency} paused" in shown and "With State." in shown
    room = page(client, make.lead("DOE"), "position", referral.pk).text
    assert "The clock is paused" in room and "Matter before another agency or escalated" in room
    board = page(client, desk, "desk").text
    assert "Paused" in board and f"{referral.agency} paused" in board
    assert press(client, desk, "referral-resume", proposal.number, referral.pk).status_code == 302
    assert energy(proposal).paused_at is None


def test_only_the_office_is_offered_the_pause_and_nobody_outside_hears_of_it(client, proposal, desk):
    paused(proposal, desk, MARCH_3 + DAY)
    lead, person = make.lead("DOE"), representative_of(proposal)
    address = reverse("evaluation:clocks-pause", args=[proposal.number])
    assert address in page(client, desk, "proposal", proposal.number).text
    assert address not in page(client, lead, "proposal", proposal.number).text
    assert press(client, lead, "clocks-pause", proposal.number).status_code == 403
    assert press(client, person, "clocks-pause", proposal.number).status_code == 404
    assert "lapse in appropriations" not in page(client, person, "questions", proposal.pk).text
    assert not ClockEvent.objects.visible_to(person).exists()
    assert ClockEvent.objects.visible_to(lead).exists()
    assert not ClockEvent.objects.visible_to(make.assigned(proposal, "STATE").reviewer).exists()


def test_question_is_asked_with_its_pauses_on_the_page(client, desk):
    proposal = make.accepted(desk)
    facts = {
        "agency": make.AgencyFactory(code="COMMERCE").pk, "question": "Which?", "days": "10",
        "unit": "business", "pauses": [energy(proposal).pk],
    }  # fmt: skip
    assert press(client, desk, "question-ask", proposal.number, **facts).status_code == 302
    assert energy(proposal).paused_at is not None
    proposal.information_requests.get().pauses.get()


def test_a_form_sent_twice_asks_and_tells_the_consortium_once(client, desk):
    proposal = make.accepted(desk)
    shown = page(client, desk, "proposal", proposal.number).context["question_form"]
    facts = {
        "agency": make.AgencyFactory(code="COMMERCE").pk, "question": "Which?", "days": "10",
        "unit": "business", "pauses": [energy(proposal).pk], "sent_as": str(shown["sent_as"].value()),
    }  # fmt: skip
    for _ in range(2):
        assert press(client, desk, "question-ask", proposal.number, **facts).status_code == 302
    question = proposal.information_requests.get()
    assert question.pauses.count() == 1
    assert Notice.objects.filter(kind="evaluation.asked").values("recipient").distinct().count() == (
        Notice.objects.filter(kind="evaluation.asked").count()
    )
    # Another question from the page that one went back to is another question
    press(client, desk, "question-ask", proposal.number, **{**facts, "question": "Where?", "pauses": []})
    asked = proposal.information_requests.values_list("number", "question")
    assert list(asked) == [(1, "Which?"), (2, "Where?")]


@pytest.mark.parametrize("rows", [1, 3])
def test_page_costs_the_same_whatever_was_paused(client, desk, rows, django_assert_num_queries):
    proposal = make.accepted(desk)
    for code in ("DOE", "STATE", "DOD")[:rows]:
        paused(proposal, desk, clock.now(), agency=code)
        resumed(proposal, desk, clock.now(), agency=code)
    sign_in(client, desk)
    address = reverse("evaluation:proposal", args=[proposal.number])
    client.get(address)
    with django_assert_num_queries(COST):
        assert client.get(address).text.count("A lapse in appropriations.") >= rows


COST = 56


def test_packet_says_how_long_each_took_and_why_its_clock_stood(desk, proposal):
    paused(proposal, desk, MARCH_3 + 7 * DAY)
    resumed(proposal, desk, MARCH_3 + 9 * DAY)
    with clock.moved_to(MARCH_3 + 12 * DAY):
        make.filed(proposal, "DOE")
        draft = services.prepare_determination(proposal, by=desk)
        rows = {row["agency"]: row for row in json.loads(packet_text(draft))["consultations"]}
    assert rows["DOE"]["days"] == {"elapsed": 9, "paused": 3, "left": None}
    assert rows["STATE"]["days"] == {"elapsed": 12, "paused": 0, "left": 18}
    assert [pause["reason"] for pause in rows["DOE"]["pauses"]] == ["offices_closed"]


def test_a_day_that_passes_changes_no_packet_and_an_event_does(desk, proposal):
    paused(proposal, desk, MARCH_3 + 7 * DAY)
    with clock.moved_to(MARCH_3 + 8 * DAY):
        draft = services.prepare_determination(proposal, by=desk)
        text, digest = packet_text(draft), sha256_to_clear(draft)
    words = {row["agency"]: row["clock"] for row in packet_in_words(text)["consultations"]}
    assert words["STATE"] == "7 days elapsed, 23 left, as of Tuesday, March 10, 2026"
    with clock.moved_to(MARCH_3 + 12 * DAY):
        assert sha256_to_clear(draft) == digest
    resumed(proposal, desk, MARCH_3 + 13 * DAY)
    with clock.moved_to(MARCH_3 + 14 * DAY):
        assert sha256_to_clear(draft) != digest


def test_determination_waits_for_a_paused_consultation_in_words(desk, proposal):
    paused(proposal, desk, MARCH_3 + DAY)
    with clock.moved_to(MARCH_3 + 40 * DAY):
        lapse_due_referrals()
        draft = services.prepare_determination(proposal, by=desk)
        said = refused(services.sign_determination, draft, by=make.decision_official())
    assert "consultation-open-DOE" in said


# What the consortium reads


def test_consortium_reads_the_agencies_last_day_by_their_clocks_and_that_one_is_paused(client, desk):
    Closure.objects.create(day=date(2026, 4, 2), authority="An order", counts_as_holiday=True)

    def read(at):
        with clock.moved_to(at):
            sign_in(client, person)
            return client.get(reverse("proposals:detail", args=[proposal.pk])).text

    with clock.moved_to(MARCH_3):
        proposal = make.accepted(desk)
        person = representative_of(proposal)
    asks = "Agencies are asked to answer by"
    assert asks in (text := read(MARCH_3 + DAY)) and "April 3, 2026" in text
    paused(proposal, desk, MARCH_3 + DAY)
    text = read(MARCH_3 + 2 * DAY)
    assert escape("The agencies' time to answer is paused.") in text and asks not in text
    assert "lapse in appropriations" not in text and str(energy(proposal).agency) not in text
    resumed(proposal, desk, MARCH_3 + 6 * DAY)
    text = read(MARCH_3 + 7 * DAY)
    assert asks in text and moments.day(last_day(energy(proposal).due_at)) in text
    with clock.moved_to(MARCH_3 + 8 * DAY):
        make.consulted(proposal)
    assert asks in read(MARCH_3 + 9 * DAY)


# Insights


def test_insights_count_no_time_for_which_a_clock_stood(desk, proposal):
    for agency in ("DOE", "STATE"):
        paused(proposal, desk, MARCH_3 + 2 * DAY, agency=agency)
        resumed(proposal, desk, MARCH_3 + 6 * DAY, agency=agency)
    with clock.moved_to(MARCH_3 + 10 * DAY):
        make.filed(proposal, "DOE")
        submitted = MARCH_3 + 10 * DAY - proposal.submitted_at
        found = insights_of(desk, proposal.call)
    rows = {row[0]: row for row in found.figure("timeliness").rows}
    assert rows[str(energy(proposal).agency)][-2] == 6.0
    oldest = found.figure("ages").rows[2][-1]
    assert oldest == pytest.approx((submitted - 4 * DAY) / DAY, abs=0.06)
    assert "paused does not count" in found.figure("ages").note

"""Warnings of what the evaluation waits for, with the clock moved from one step to the next."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from evaluation import services
from evaluation.models import Condition, Designation, Determination, Referral
from evaluation.notices import in_words
from evaluation.schedule import remind
from program import clock, moments
from program.clock_account import clock_account
from program.deadlines import end_of_day
from program.models import AuditEvent, Notice, Office
from proposals.services import withdraw_proposal
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import RecusalFactory, TeamMemberFactory, representative_of

pytestmark = pytest.mark.django_db


def told(kind):
    """How often each person was told, by address."""
    return Counter(Notice.objects.filter(kind=kind).values_list("recipient__email", flat=True))


def titles(kind, person):
    notices = Notice.objects.filter(kind=kind, recipient=person).order_by("pk")
    return [notice.title.partition(" left")[0] for notice in notices]


def remind_at(*moments):
    for moment in moments:
        with clock.moved_to(moment):
            remind()
            assert remind() == 0


def every_six_hours(start, end):
    while start < end:
        yield start
        start += timedelta(hours=6)


def test_agency_is_warned_at_half_at_three_days_and_on_the_last_day_until_it_answers():
    lead, answering, recused = make.lead("STATE"), make.lead("DOD"), make.lead("STATE")
    proposal = make.accepted()
    assigned, done = make.assigned(proposal, "STATE"), make.assigned(proposal, "STATE")
    RecusalFactory(proposal=proposal, user=recused)
    services.submit_review(make.filled_review(done), by=done.reviewer)
    referral = make.referral_of(proposal, "STATE")
    half = referral.opened_at + (referral.due_at - referral.opened_at) / 2
    days = list(every_six_hours(referral.due_at - timedelta(days=29), referral.due_at))
    remind_at(*[at for at in days if at < half])
    assert not told("evaluation.position_due")
    make.filed(proposal, "DOD")
    remind_at(*[at for at in days if at >= half], referral.due_at)
    asked = {lead.email: 3, assigned.reviewer.email: 3}
    assert {person: told("evaluation.position_due")[person] for person in asked} == asked
    assert not {answering.email, recused.email, done.reviewer.email} & set(told("evaluation.position_due"))
    assert titles("evaluation.position_due", lead)[1:] == ["3 days", "1 day"]


def test_consultation_of_a_withdrawn_proposal_or_of_an_office_that_ended_warns_nobody():
    lead, proposal = make.lead("STATE"), make.accepted()
    referral = make.referral_of(proposal, "STATE")
    Office.objects.filter(user=lead).update(effective_to=clock.today() - timedelta(days=1))
    remind_at(referral.due_at - timedelta(days=3))
    withdraw_proposal(proposal, by=representative_of(proposal), note="We found another way.")
    make.lead("STATE")
    remind_at(referral.due_at - timedelta(days=1))
    assert not told("evaluation.position_due")


def test_reopened_consultation_is_warned_anew_and_of_no_step_that_lies_behind():
    lead, proposal = make.lead("STATE"), make.accepted()
    referral = make.referral_of(proposal, "STATE")
    remind_at(referral.due_at - timedelta(days=1))
    with clock.moved_to(referral.due_at + timedelta(hours=1)):
        services.lapse_referral(referral, by=clock_account())
        due_on = clock.today() + timedelta(days=2)
        services.reopen_referral(referral, by=officer(), due_on=due_on, reason="They asked for it.")
        remind()
    assert titles("evaluation.position_due", lead) == ["1 day"]
    remind_at(end_of_day(due_on) - timedelta(hours=20))
    assert titles("evaluation.position_due", lead) == ["1 day", "20 hours"]


def test_consortium_is_reminded_of_a_question_until_it_answers():
    proposal = make.accepted()
    request, person = make.asked(proposal), representative_of(proposal)
    remind_at(request.due_at - timedelta(days=4))
    assert not told("evaluation.answer_due")
    remind_at(request.due_at - timedelta(days=3))
    assert told("evaluation.answer_due") == {person.email: 1}
    services.answer_question(request, by=person, answer="The anchor alone.")
    remind_at(request.due_at - timedelta(days=1))
    assert told("evaluation.answer_due") == {person.email: 1}


def test_condition_is_called_to_mind_before_its_day_on_it_and_after_it():
    officer_told = officer()
    designation = make.designated()
    due_on = clock.today() + timedelta(days=60)
    common = {"determination": designation.determination, "designation": designation, "owner": "The anchor"}
    _, met = (
        Condition.objects.create(number=number, text="Weights stay.", due_on=due_on, **common)
        for number in (1, 2)
    )
    services.mark_condition_met(met, by=officer(), note="Shown by the audit.")
    due = end_of_day(due_on)
    remind_at(*every_six_hours(due - timedelta(days=32), due + timedelta(days=8)))
    for person in (officer_told, representative_of(designation.proposal)):
        assert titles("evaluation.condition_due", person) == ["30 days", "7 days", "1 day"]
        assert titles("evaluation.condition_overdue", person) == [
            f"Condition 1 of {designation.number} is overdue"
        ]
    assert not Notice.objects.filter(title__contains="ondition 2 of", kind__contains="due").exists()


def test_anchor_and_office_are_warned_sixty_and_thirty_days_before_a_designation_expires():
    desk, designation = officer(), make.designated()
    speaker = representative_of(designation.proposal)
    contributor = TeamMemberFactory(
        membership=designation.proposal.consortium.memberships.get(is_anchor=True), role="contributor"
    ).user
    last = clock.today() + timedelta(days=70)
    Designation.objects.update(expires_on=last)
    end = end_of_day(last)
    remind_at(*every_six_hours(end - timedelta(days=62), end + timedelta(days=1)))
    for person in (desk, speaker):
        assert titles("evaluation.designation_ends", person) == ["60 days", "30 days"]
    assert not titles("evaluation.designation_ends", contributor)
    told_of = Notice.objects.filter(kind="evaluation.designation_ends", recipient=speaker).first()
    assert designation.number in told_of.title
    assert in_words(end) in told_of.text


@pytest.mark.parametrize(
    ("status", "warned"), [("suspended", 2), ("revoked", 0), ("endless", 0), ("short", 0)]
)
def test_only_a_designation_that_lives_and_ends_is_warned_of(status, warned):
    desk, chief = officer(), make.decision_official()
    designation = make.designated(by=chief)
    last = clock.today() + timedelta(days=20 if status == "short" else 70)
    if status != "endless":
        Designation.objects.update(expires_on=last)
    if status == "suspended":
        services.suspend_designation(designation, by=chief, reason="An inquiry.")
    elif status == "revoked":
        services.revoke_designation(designation, by=chief, reason="It was sold.")
    end = end_of_day(last)
    remind_at(
        end - timedelta(days=19), *(end - timedelta(days=days) for days in (60, 30) if status != "short")
    )
    assert len(titles("evaluation.designation_ends", desk)) == warned


def deferred(by):
    """An announced deferral until sixty days from now."""
    determination = make.signed(outcome="defer", by=by)
    services.announce_determination(determination, by=by)
    return Determination.objects.get(pk=determination.pk)


def test_office_is_told_once_that_the_day_of_a_deferral_has_come():
    desk, chief = officer(), make.decision_official()
    determination = deferred(chief)
    day = determination.defer_until
    begins = end_of_day(day - timedelta(days=1))
    remind_at(begins - timedelta(minutes=1))
    before = told("evaluation.deferral_over")
    remind_at(begins, begins + timedelta(hours=9), begins + timedelta(days=20))
    notice = Notice.objects.get(kind="evaluation.deferral_over", recipient=desk)
    assert not before
    assert told("evaluation.deferral_over")[desk.email] == 1
    assert moments.day(day) in notice.text
    assert AuditEvent.objects.filter(act="determination.remind").count() == 1


@pytest.mark.parametrize("how", ["prepared", "withdrawn"])
def test_deferral_that_was_gone_on_with_is_called_to_mind_no_more(how):
    desk, chief = officer(), make.decision_official()
    determination = deferred(chief)
    proposal = determination.proposal
    if how == "prepared":
        services.prepare_determination(proposal, by=desk)
    else:
        withdraw_proposal(proposal, by=representative_of(proposal), note="We found another way.")
    remind_at(end_of_day(determination.defer_until))
    assert not told("evaluation.deferral_over")


def test_nobody_but_the_clock_reminds():
    proposal = make.accepted()
    request, referral = make.asked(proposal), make.referral_of(proposal)
    with pytest.raises(PermissionDenied):
        services.remind_of_question(request, by=officer())
    with pytest.raises(PermissionDenied):
        services.remind_of_position(referral, by=make.lead("STATE"))
    with pytest.raises(PermissionDenied):
        services.remind_of_deferral(deferred(chief := make.decision_official()), by=chief)
    with pytest.raises(PermissionDenied):
        services.remind_of_expiry(make.designated(by=chief), by=chief)


def test_tick_with_nothing_due_asks_once_for_each_kind(django_assert_num_queries):
    make.accepted()
    make.accepted()
    remind()
    with django_assert_num_queries(9):
        assert remind() == 0
    assert Referral.objects.count() == 10

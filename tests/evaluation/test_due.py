"""Due dates that an office counts: in federal business days, with the first day counted or not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from evaluation import services
from evaluation.models import Condition, InformationRequest, Referral, Return
from program import clock
from program.closures import counted_closures, effects_of
from program.deadlines import Period, Unit, end_of_day
from program.models import Agency, Call, Closure, Notice
from program.services import calls
from program.transitions import NotReady, WrongStatus
from proposals.models import Proposal
from proposals.readiness import rule_in_words
from tests.factories import evaluation as make
from tests.factories.program import drafted_call, issued_call, officer
from tests.proposals.pages import sign_in

pytestmark = pytest.mark.django_db
# Friday; December 25 is a Friday and a holiday
DECEMBER_18 = datetime(2026, 12, 18, 17, tzinfo=UTC)
WORDS = {"text": "Weights stay.", "owner": "The anchor", "evidence": "A test.", "effect": "Suspension."}
BUSINESS = {"days": "5", "unit": "business"}


def asked(proposal, by, **facts):
    agency = Agency.objects.get(code="STATE")
    return services.ask_consortium(proposal, by=by, agency=agency, question="Which?", **facts)


@pytest.mark.parametrize(
    ("period", "due_on"),
    [
        (Period(5, unit=Unit.BUSINESS), date(2026, 12, 28)),
        (Period(5, unit=Unit.BUSINESS, include_start_day=True), date(2026, 12, 24)),
        (Period(7), date(2026, 12, 28)),
        (Period(7, include_start_day=True), date(2026, 12, 24)),
    ],
)
def test_day_of_an_answer_is_counted_by_the_clock_service(period, due_on):
    by = officer()
    proposal = make.accepted(by)
    with clock.moved_to(DECEMBER_18):
        request = asked(proposal, by, period=period)
    assert request.due_at == end_of_day(due_on)
    kind = "federal business" if period.unit is Unit.BUSINESS else "calendar"
    assert request.due_rule.startswith(
        f"{period.days} {kind} days from Friday, December 18, 2026. Counted in"
    )
    assert ("is day 1" if period.include_start_day else "is day 0") in request.due_rule


def test_closure_that_counts_is_no_business_day_of_an_answer():
    by = officer()
    proposal = make.accepted(by)
    Closure.objects.create(day=date(2026, 12, 24), authority="An order", counts_as_holiday=True)
    with clock.moved_to(DECEMBER_18):
        assert asked(proposal, by, period=Period(5, unit=Unit.BUSINESS)).due_at == end_of_day(
            date(2026, 12, 29)
        )


def test_day_is_named_or_counted():
    by = officer()
    with pytest.raises(NotReady) as refusal:
        asked(make.accepted(by), by)
    assert [problem.field for problem in refusal.value.problems] == ["due_on"]


def test_day_of_a_condition_is_counted_and_keeps_its_rule_until_a_day_is_named():
    by = officer()
    draft = services.prepare_determination(make.accepted(by), by=by)
    with clock.moved_to(DECEMBER_18):
        condition = services.save_condition(
            draft, by=by, values=WORDS, period=Period(10, unit=Unit.BUSINESS, include_start_day=True)
        )
    assert condition.due_on == date(2027, 1, 4)
    assert condition.due_rule.startswith("10 federal business days from Friday, December 18, 2026.")
    with clock.moved_to(DECEMBER_18):
        condition = services.save_condition(
            draft, by=by, values={"due_on": date(2027, 2, 1)}, condition=condition, revision=1
        )
    assert (condition.due_on, condition.due_rule) == (date(2027, 2, 1), "")


def test_office_counts_the_days_on_the_form_and_both_sides_read_the_rule(client):
    by = officer()
    proposal = make.accepted(by)
    state = Agency.objects.get(code="COMMERCE")
    sign_in(client, by)
    ask = f"/desk/proposals/{proposal.number}/questions/"
    form = {"agency": state.pk, "question": "Which accelerators?"}
    both = BUSINESS | {"due_on": "2027-06-01"}
    for wrong in ({}, both, {"days": "0", "unit": "business"}, {"days": "5", "unit": "moons"}):
        assert client.post(ask, form | wrong).status_code == 422
    assert not InformationRequest.objects.exists()
    assert client.post(ask, form | BUSINESS).status_code == 302
    request = InformationRequest.objects.get()
    assert request.due_rule.startswith("5 federal business days from")
    assert request.due_rule in client.get(f"/desk/proposals/{proposal.number}/").content.decode()
    sign_in(client, proposal.consortium.created_by)
    assert request.due_rule in client.get(f"/proposals/{proposal.pk}/questions/").content.decode()


def test_condition_is_counted_on_the_form(client):
    by = officer()
    draft = services.prepare_determination(make.accepted(by), by=by)
    sign_in(client, by)
    page = f"/desk/determinations/{draft.pk}/conditions/"
    form = {f"condition-{name}": value for name, value in WORDS.items()}
    assert client.post(page, form).status_code == 422
    counted = {f"condition-{name}": value for name, value in BUSINESS.items()}
    assert client.post(page, form | counted).status_code == 302
    condition = Condition.objects.get()
    assert condition.due_rule.startswith("5 federal business days from")
    assert condition.due_rule in client.get(f"/desk/determinations/{draft.pk}/").content.decode()


def under(proposal, **facts):
    Call.objects.filter(pk=proposal.call_id).update(**facts)
    return Proposal.objects.get(pk=proposal.pk)


def test_time_for_a_position_is_counted_in_the_days_that_the_call_chose(client):
    by, _ = officer(), make.lead("STATE")
    Closure.objects.create(day=date(2026, 12, 24), authority="An order", counts_as_holiday=True)
    proposal = under(make.at_intake(), consultation_days=5, consultation_unit="business")
    with clock.moved_to(DECEMBER_18):
        make.accept(proposal, by)
    found = Referral.objects.filter(version__proposal=proposal)
    assert {row.due_at for row in found} == {end_of_day(date(2026, 12, 29))}
    assert {row.due_rule for row in found} == {Period(5, Unit.BUSINESS).rule_text}
    told = Notice.objects.get(kind="evaluation.referred")
    assert told.text.endswith(Period(5, Unit.BUSINESS).rule_text)
    page = sign_in(client, by).get(f"/desk/calls/{proposal.call.number}/").text
    assert "5 federal business days, program policy" in page
    under(proposal, consultation_unit="calendar")  # what was stated stays
    assert found.first().due_rule == Period(5, Unit.BUSINESS).rule_text


@pytest.mark.parametrize(
    ("days", "rolls", "due_on", "kind"),
    [
        (5, True, date(2026, 12, 28), "federal business"),
        (5, False, date(2026, 12, 28), "federal business"),
        (0, True, date(2026, 12, 18), "calendar"),
    ],
)
def test_time_to_correct_is_counted_in_the_days_that_the_call_chose(days, rolls, due_on, kind):
    over = DECEMBER_18 - timedelta(days=1)
    facts = {"cure_days": days, "cure_unit": "business", "rolls_forward": rolls, "closes_at": over}
    proposal, desk = under(make.at_intake(), **facts), officer()
    with clock.moved_to(DECEMBER_18):
        services.review_completeness(
            make.version_of(proposal), proposal.call.requirements.first(), by=desk, finding="deficient",
            reason="Name the maker.",
        )  # fmt: skip
        services.return_proposal(proposal, by=desk)
    sent = Return.objects.get(proposal=proposal)
    assert sent.due_at == end_of_day(due_on)
    assert sent.due_rule.startswith(f"Counted in {kind} days.")
    assert sent.due_rule in Notice.objects.filter(kind="proposals.returned").first().text
    assert rule_in_words(proposal, proposal.call).startswith(f"The cure period of {days} {kind} days")
    closed_on = counted_closures() | {due_on}
    with clock.moved_to(DECEMBER_18):
        met = [each.what for each in effects_of(desk, counted_closures(), closed_on)]
    assert f"Correction of {proposal.number}" in met


def test_kind_of_days_is_chosen_in_the_draft_and_frozen_with_the_call(client):
    by = officer()
    call = drafted_call()
    page = sign_in(client, by).get(f"/desk/calls/{call.number}/edit/").text
    assert page.count('<option value="calendar" selected>Calendar days</option>') == 2
    changes = {"cure_unit": "business", "consultation_unit": "business"}
    calls.update_call(call, by=by, revision=call.revision, changes=changes)
    call.refresh_from_db()
    assert call.cure_period.words == "10 federal business days"
    assert call.consultation_period.words == "30 federal business days"
    copied = calls.copy_call(call, by=by, title="Another")
    assert (copied.cure_unit, copied.consultation_unit) == ("business", "business")
    issued = issued_call()
    assert (issued.cure_unit, issued.consultation_unit) == ("calendar", "calendar")
    with pytest.raises(WrongStatus):
        calls.update_call(issued, by=by, revision=issued.revision, changes=changes)

"""Due dates that an office counts: in federal business days, with the first day counted or not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from evaluation import services
from evaluation.models import Condition, InformationRequest
from program import clock
from program.deadlines import Period, Unit, end_of_day
from program.models import Agency, Closure
from program.transitions import NotReady
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.proposals.test_views import sign_in

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

"""Closures of federal offices: corrected by new entries; what they mean is shown before they are saved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse

from evaluation.closures import dates_met
from evaluation.services import ask_consortium
from program import clock
from program.checks import expected_clock
from program.closures import Effect, counted_closures, effects_of
from program.deadlines import end_of_day, is_business_day, next_business_day
from program.models import Agency, AuditEvent, Call, Closure
from program.services.closures import correct_closure, counted_with, enter_closure
from program.transitions import NotReady
from proposals.models import Extension, Proposal
from tests.factories import evaluation as make
from tests.factories.program import AgencyFactory, UserFactory, drafted_call, issued_call, officer
from tests.factories.proposals import ProposalFactory
from tests.proposals.pages import sign_in
from tests.proposals.test_amended_meanwhile import after
from tests.statements import statements

pytestmark = pytest.mark.django_db
LIST, NEW = "/desk/closures/", "/desk/closures/new/"
DAY = date(2027, 2, 1)  # a Monday, the last day of a call issued on November 2, 2026


@pytest.fixture
def call(db):
    AgencyFactory(code="COMMERCE")
    call = issued_call(at=datetime(2026, 11, 2, 15, tzinfo=UTC))
    assert call.due_on == DAY
    return call


def facts(**changes):
    return {"authority": "E.O. 14999", "source": "91 FR 1", "counts_as_holiday": True} | changes


def closed(day=DAY, by=None, **changes):
    return enter_closure(by=by or officer(), day=day, values=facts(**changes))


def typed(**changes):
    form = {"day": DAY.isoformat(), "authority": "E.O. 14999", "source": "91 FR 1"}
    return form | {"counts_as_holiday": "on"} | changes


def test_only_what_stands_and_counts_is_counted(call):
    first = closed()
    closed(date(2027, 2, 2), counts_as_holiday=False)
    assert counted_closures() == {DAY}
    second = correct_closure(
        first, by=officer(), values=facts(counts_as_holiday=False), why_corrected="No holiday."
    )
    assert counted_closures() == frozenset()
    third = correct_closure(second, by=officer(), values=facts(), why_corrected="It is.")
    assert counted_closures() == {DAY}
    correct_closure(third, by=officer(), values=facts(), why_corrected="Revoked.", is_withdrawn=True)
    assert counted_closures() == frozenset() and Closure.objects.filter(day=DAY).count() == 4


def test_stated_dates_stay_and_what_is_computed_later_counts_with_it(call):
    closed()
    assert Call.objects.get(pk=call.pk).due_on == DAY
    assert issued_call(at=datetime(2026, 11, 2, 15, tzinfo=UTC)).due_on == date(2027, 2, 2)


def test_day_has_one_chain_of_entries(call):
    first = closed()
    with pytest.raises(NotReady) as refusal:
        closed()
    assert refusal.value.problems[0].code == "closure-twice"
    with pytest.raises(IntegrityError, match="closure_entered_once"), transaction.atomic():
        Closure.objects.create(day=DAY, authority="Another")
    by = officer()
    second = correct_closure(first, by=by, values=facts(authority="E.O. 15000"), why_corrected="A number.")
    with pytest.raises(NotReady) as refusal:
        correct_closure(first, by=by, values=facts(), why_corrected="Late.")
    assert refusal.value.problems[0].code == "closure-replaced"
    event = AuditEvent.objects.of(second).get().said
    assert (event["before"]["authority"], event["after"]["authority"], event["note"]) == (
        "E.O. 14999", "E.O. 15000", "A number.",
    )  # fmt: skip


def test_entry_is_kept_as_it_was_written(call):
    entry = closed()
    for change in (
        lambda: Closure.objects.filter(pk=entry.pk).update(counts_as_holiday=False),
        lambda: Closure.objects.filter(pk=entry.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="kept as they were written"), transaction.atomic():
            change()


def test_authority_source_and_reason_are_demanded(call):
    with pytest.raises(NotReady) as refusal:
        closed(authority=" ", source="")
    assert {problem.field for problem in refusal.value.problems} == {"authority", "source"}
    with pytest.raises(NotReady) as refusal:
        correct_closure(closed(), by=officer(), values=facts(), why_corrected="  ")
    assert [problem.field for problem in refusal.value.problems] == ["why_corrected"]


def test_only_program_officers_keep_the_register(call):
    entry = closed()
    for person in (UserFactory(), officer("auditor"), officer("lead")):
        with pytest.raises(PermissionDenied):
            closed(date(2027, 3, 1), by=person)
        with pytest.raises(PermissionDenied):
            correct_closure(entry, by=person, values=facts(), why_corrected="Mine.")


def test_effect_names_open_calls_drafts_positions_answers_and_corrections(call):
    by = officer()
    draft = drafted_call(by=by)
    accepted = make.accepted()
    due = next_business_day(clock.today() + timedelta(days=20))
    ask_consortium(accepted, by=by, agency=Agency.objects.get(code="STATE"), question="Which?", due_on=due)
    returned = make.at_intake()
    Proposal.objects.filter(pk=returned.pk).update(
        status="returned",
        cure_due_at=end_of_day(due),
        call=issued_call(at=clock.now() - timedelta(days=80)),
    )

    def effects(day):
        return effects_of(by, counted_closures(), counted_with(day, counts=True))

    found = {effect.what: effect for effect in effects(due)}
    assert found.keys() == {f"Answer to question 1 on {accepted.number}", f"Correction of {returned.number}"}
    after = next_business_day(due + timedelta(days=1))
    assert {(effect.stated, effect.would_be, effect.moves) for effect in found.values()} == {
        (due, after, False)
    }

    referral = make.referral_of(accepted)
    last = (referral.due_at - timedelta(hours=12)).astimezone(clock.WASHINGTON).date()
    assert is_business_day(last)
    assert sum(effect.what.startswith("Position of ") for effect in effects(last)) == 5

    assert Effect(
        f"Last day of call {call.number}", f"/desk/calls/{call.number}/", DAY, date(2027, 2, 2)
    ) in effects(DAY)
    today = [effect for effect in effects(expected_last_day(draft)) if effect.moves]
    assert [effect.url for effect in today] == [f"/desk/calls/{draft.number}/"]


def test_more_time_of_one_proposal_is_met_too(call):
    longer, day = date(2027, 3, 1), end_of_day(date(2027, 3, 1))
    rows = [ProposalFactory(call=call, status=status) for status in ("draft", "submitted", "returned")]
    ended = ProposalFactory(call=call, status="withdrawn")
    by = officer()
    for row in (*rows, ended):
        Extension.objects.create(
            proposal=row, closed_at=row.closes_at, due_on=longer, closes_at=day, reason="A flood.",
            legal_basis="The call", made_by=by, made_at=clock.now(),
        )  # fmt: skip
        Proposal.objects.filter(pk=row.pk).update(extended_to=day)

    def met(on):
        return [effect.what for effect in effects_of(by, frozenset(), frozenset({on}))]

    assert met(longer) == sorted([
        f"Correction of {rows[2].number}", f"More time of {rows[0].consortium.name}",
        f"More time of {rows[1].number}",
    ])  # fmt: skip
    assert met(date(2027, 2, 11)) == []  # its cure period alone would end on that day
    assert met(date(2027, 3, 2)) == []
    with statements() as sent:  # what a correction of words alone asks of the database
        assert not list(dates_met(by, frozenset({longer}), frozenset({longer})))
    assert sent == []


def expected_last_day(draft):
    return expected_clock(draft, clock.today()).due_on


def test_officer_sees_what_it_means_before_anything_is_saved(client, call):
    sign_in(client, officer())
    shown = client.post(NEW, typed())
    assert shown.status_code == 200 and not Closure.objects.exists()
    said = shown.content.decode()
    assert (
        f"Last day of call {call.number}" in said and "Stays as stated" in said and "February 2, 2027" in said
    )
    seen = shown.context["form"]["seen"].value()
    # another day or weight than the one shown is shown first, too
    for other in ({"day": "2027-02-03"}, {"counts_as_holiday": ""}):
        assert client.post(NEW, typed(seen=seen, **other)).status_code == 200
    assert not Closure.objects.exists()
    assert client.post(NEW, typed(seen=seen)).status_code == 302
    first = Closure.objects.get()
    for again in (client.post(NEW, typed()), client.post(NEW, typed(seen=seen))):
        said = again.content.decode()
        assert again.status_code == 422 and "in the register already" in said
        assert reverse("program:closure-correct", args=[first.pk]) in said
        assert "What this means" not in said
    assert Closure.objects.get().counts_as_holiday
    assert "91 FR 1" in client.get(LIST).content.decode()


def test_officer_corrects_in_the_same_two_steps(client, call):
    entry = closed()
    sign_in(client, officer())
    page = f"{LIST}{entry.pk}/correct/"
    change = {
        "authority": "E.O. 14999",
        "source": "91 FR 1",
        "is_withdrawn": "on",
        "why_corrected": "Revoked.",
    }
    assert client.post(page, change | {"why_corrected": ""}).status_code == 422
    shown = client.post(page, change)
    assert shown.status_code == 200 and Closure.objects.count() == 1
    assert client.post(page, change | {"seen": shown.context["form"]["seen"].value()}).status_code == 302
    assert client.post(page, change).status_code == 302
    assert (Closure.objects.count(), counted_closures()) == (2, frozenset())
    assert "Revoked." in client.get(LIST).content.decode()


def test_register_is_closed_to_others(client, call):
    entry = closed()
    for person in (UserFactory(), officer("auditor"), officer("reviewer")):
        sign_in(client, person)
        for page in (LIST, NEW, f"{LIST}{entry.pk}/correct/"):
            assert client.get(page).status_code == 404
    assert Closure.objects.count() == 1


def test_register_costs_the_same_for_one_row_and_for_three(client, call):
    by = officer()
    sign_in(client, by)
    client.get(LIST)

    def add(month):
        entry = closed(date(2027, month, 1), by=by)
        correct_closure(entry, by=by, values=facts(), why_corrected="A slip.")

    def cost():
        with statements() as sent:
            client.get(LIST)
        return len(sent)

    add(3)
    one = cost()
    add(4)
    add(6)
    assert cost() == one


@pytest.mark.django_db(transaction=True)
def test_one_day_entered_by_two_at_once_is_in_the_register_once():
    first, second = officer(), officer()
    with after(partial(closed, by=first), partial(closed, by=second)) as refusal:
        assert [problem.code for problem in refusal.problems] == ["closure-twice"]
    assert Closure.objects.count() == 1

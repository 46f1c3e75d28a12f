"""The outage log: public beside the deadline, corrected by new entries; an extension is only proposed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.template.loader import get_template

from program import clock, library
from program.models import AuditEvent, Call, Outage, Silence
from program.services.outages import correct_outage, log_outage, proposed_extension
from program.transitions import NotReady
from tests.factories.program import AgencyFactory, UserFactory, issued_call, officer
from tests.proposals.pages import sign_in
from tests.proposals.test_amended_meanwhile import after
from tests.statements import statements

pytestmark = pytest.mark.django_db
LIST, NEW = "/desk/outages/", "/desk/outages/new/"
AFFECTED = "Nobody could sign in."


def entry(began_at, ended_at=None, **changes):
    return {
        "began_at": began_at, "ended_at": ended_at, "affected": AFFECTED, "source": "officer", "evidence": "",
    } | changes  # fmt: skip


def logged(began_at, ended_at=None, by=None, **changes):
    return log_outage(by=by or officer(), values=entry(began_at, ended_at, **changes))


def typed(began="2026-11-20T09:00", ended="2026-11-20T11:30", **changes):
    return entry(began, ended, evidence="Ticket 17") | changes


@pytest.fixture
def call(places):
    """Open from November 2, 2026."""
    return issued_call(at=datetime(2026, 11, 2, 15, tzinfo=UTC))


@pytest.fixture
def places(db):
    AgencyFactory(code="COMMERCE")


def at(day, hour=12):
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def test_entry_is_public_on_the_page_of_a_call_that_was_open_and_moves_nothing(client, call):
    before = Call.objects.values_list("closes_at", "due_on", "rule_text").get()
    with statements() as one:
        assert "None is on record" in client.get(f"/calls/{call.number}/").content.decode()
    logged(at(20), at(20, 14))
    with statements() as other:
        said = client.get(f"/calls/{call.number}/").content.decode()
    assert AFFECTED in said and "None is on record" not in said
    assert len(one) == len(other)
    assert Call.objects.values_list("closes_at", "due_on", "rule_text").get() == before


@pytest.mark.parametrize(
    ("began", "ended", "is_shown"),
    [
        (at(1), at(2, 15), False),
        (at(1), at(2, 16), True),
        (at(1), None, True),
    ],
)
def test_only_what_overlapped_the_open_time_is_shown(client, call, began, ended, is_shown):
    assert call.issued_at == at(2, 15)
    logged(began, ended)
    assert (AFFECTED in client.get(f"/calls/{call.number}/").content.decode()) == is_shown


def test_outage_from_the_bound_on_is_none_of_the_call(call):
    closes_at = call.closes_at
    with clock.moved_to(closes_at + timedelta(days=1)):
        logged(closes_at, closes_at + timedelta(hours=1))
        met = logged(closes_at - timedelta(seconds=1), closes_at + timedelta(hours=1))
    found = Outage.objects.standing().overlapping(call.issued_at, closes_at)
    assert list(found) == [met]


def test_pages_agree_on_the_rule(client, call):
    """What the page of the outage promises stands on the call's page."""
    away = " ".join(get_template("503.html").render().split())
    assert library.OUTAGE_RULE in client.get(f"/calls/{call.number}/").content.decode().replace("&#x27;", "'")
    for promise in ("by itself moves no deadline", "more time", "also after the close", "extend"):
        assert promise in away and promise in library.OUTAGE_RULE


def test_only_program_officers_log(call):
    for person in (UserFactory(), officer("auditor"), officer("decision_official")):
        with pytest.raises(PermissionDenied):
            logged(at(20), by=person)
        with pytest.raises(PermissionDenied):
            correct_outage(Outage(), by=person, values={}, why_corrected="Why")
    assert logged(at(20)).pk


def test_what_lies_ahead_or_runs_backwards_is_refused(call):
    now = clock.now()
    for began, ended, code in (
        (now + timedelta(hours=1), None, "outage-began_at"),
        (now - timedelta(hours=1), now + timedelta(hours=1), "outage-ended_at"),
    ):
        with pytest.raises(NotReady) as refusal:
            logged(began, ended)
        assert [problem.code for problem in refusal.value.problems] == [code]
    with pytest.raises(ValidationError, match="after the beginning"):
        logged(at(20, 14), at(20, 14))
    assert not Outage.objects.exists()


def test_pressed_twice_it_stands_once(call):
    logged(at(20))
    with pytest.raises(NotReady) as refusal:
        logged(at(20))
    assert refusal.value.problems[0].code == "outage-twice"
    assert Outage.objects.count() == 1


def test_correction_takes_the_place_and_the_old_entry_is_kept(client, call):
    by, first = officer(), logged(at(20))
    second = correct_outage(first, by=by, values=entry(at(20), at(20, 14)), why_corrected="It has ended.")
    assert list(Outage.objects.standing()) == [second]
    with pytest.raises(NotReady) as refusal:
        correct_outage(first, by=by, values=entry(at(20), at(20, 15)), why_corrected="Again.")
    assert refusal.value.problems[0].code == "outage-replaced"
    with pytest.raises(NotReady):
        correct_outage(second, by=by, values=entry(at(20)), why_corrected=" ")
    gone = correct_outage(
        second, by=by, values=entry(at(20), at(20, 14)), why_corrected="Another site.", is_withdrawn=True
    )
    assert not Outage.objects.standing().exists() and Outage.objects.count() == 3
    assert AFFECTED not in client.get(f"/calls/{call.number}/").content.decode()
    event = AuditEvent.objects.of(gone).get()
    assert (event.act, event.said["note"]) == ("outage.correct", "Another site.")
    for change in (
        lambda: Outage.objects.filter(pk=first.pk).update(affected="Nothing"),
        lambda: Outage.objects.filter(pk=gone.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="kept as they were written"), transaction.atomic():
            change()


def test_extension_is_proposed_as_many_days_later_as_it_lasted(call):
    assert call.due_on == date(2027, 2, 1)  # the 90th day, January 31, is a Sunday
    hours, days = logged(at(20), at(20, 14)), logged(at(9), at(12, 13), affected="No upload.")
    assert proposed_extension(call, hours)["due_on"] == date(2027, 2, 2)
    assert proposed_extension(call, days)["due_on"] == date(2027, 2, 5)
    long = logged(at(9), at(14, 11), affected="Slow.")
    assert proposed_extension(call, long)["due_on"] == date(2027, 2, 8)  # the fifth day is a Saturday


def test_extension_counts_an_outage_only_while_the_call_was_open(call):
    before = logged(datetime(2026, 10, 20, tzinfo=UTC), at(2, 20))
    assert proposed_extension(call, before)["due_on"] == date(2027, 2, 2)
    with clock.moved_to(call.closes_at + timedelta(days=9)):
        after_it = logged(call.closes_at - timedelta(hours=1))
        assert proposed_extension(call, after_it)["due_on"] == date(2027, 2, 2)


@pytest.mark.django_db(transaction=True)
def test_one_outage_entered_by_two_at_once_stands_once():
    first, second = officer(), officer()
    with after(partial(logged, at(20), by=first), partial(logged, at(20), by=second)) as refusal:
        assert [problem.code for problem in refusal.problems] == ["outage-twice"]
    assert Outage.objects.count() == 1


def test_officer_logs_corrects_and_goes_on_to_a_prefilled_extension(client, call):
    sign_in(client, officer())
    assert client.post(NEW, typed(affected="")).status_code == 422
    assert client.post(NEW, typed()).status_code == 302
    again = client.post(NEW, typed())
    assert again.status_code == 422 and "stands in the log already" in again.content.decode()
    found = Outage.objects.get()
    assert (found.began_at, found.ended_at) == (at(20, 14), datetime(2026, 11, 20, 16, 30, tzinfo=UTC))
    said = client.get(LIST).content.decode()
    assert call.number in said and "Ticket 17" in said
    assert "Ticket 17" not in client.get(f"/calls/{call.number}/").content.decode()
    extend = f"/desk/calls/{call.number}/extend/?outage={found.pk}"
    assert extend in client.get(f"/desk/calls/{call.number}/").content.decode()
    page = client.get(extend)
    assert page.context["form"]["due_on"].value() == date(2027, 2, 2)
    assert AFFECTED in page.context["form"]["reason"].value()
    assert page.context["form"]["legal_basis"].value() is None
    assert client.get(f"{extend}9").context["form"]["due_on"].value() is None
    correct = f"{LIST}{found.pk}/correct/"
    assert client.post(correct, typed(why_corrected="")).status_code == 422
    assert client.post(correct, typed(ended="", why_corrected="It goes on.")).status_code == 302
    assert client.post(correct, typed(why_corrected="Twice.")).status_code == 302
    assert Outage.objects.count() == 2 and "It goes on." in client.get(LIST).content.decode()


def test_log_is_closed_to_others(client, call):
    found = logged(at(20))
    for person in (UserFactory(), officer("auditor"), officer("reviewer")):
        sign_in(client, person)
        for page in (LIST, NEW, f"{LIST}{found.pk}/correct/"):
            assert client.get(page).status_code == 404
            assert client.post(page, typed(why_corrected="Mine.")).status_code in (404, 405)
    assert Outage.objects.count() == 1


def test_log_costs_the_same_for_one_row_and_for_three(client, call):
    by = officer()
    sign_in(client, by)
    client.get(LIST)

    def add(hour):
        first = logged(at(20, hour), by=by, affected=f"Row {hour}")
        correct_outage(
            first, by=by, values=entry(at(20, hour), at(20, 23), affected="x"), why_corrected="It has ended."
        )

    def cost():
        with statements() as sent:
            client.get(LIST)
        return len(sent)

    add(9)
    one = cost()
    add(10)
    add(11)
    assert cost() == one


def outage_of_the_night(**changes):
    """From 1:50 to 1:10 in the night in which clocks go back, November 1, 2026."""
    return typed("2026-11-01T01:50", "2026-11-01T01:10", **changes)


def test_hour_that_comes_twice_is_asked_for_and_said(client):
    sign_in(client, officer())
    asked = client.post(NEW, outage_of_the_night())
    said = asked.context["form"].errors
    assert asked.status_code == 422
    assert ["this time came twice" in said[name][0] for name in ("began_at", "ended_at")] == [True, True]
    assert {name: asked.context["form"][name].value() for name in ("began_at", "ended_at")} == {
        "began_at": "2026-11-01T01:50", "ended_at": "2026-11-01T01:10",
    }  # fmt: skip
    backwards = client.post(NEW, outage_of_the_night(began_at_hour="1", ended_at_hour="0"))
    assert "The end must lie after the beginning." in backwards.content.decode()
    assert client.post(NEW, outage_of_the_night(began_at_hour="0", ended_at_hour="1")).status_code == 302
    found = Outage.objects.get()
    assert (found.began_at, found.ended_at) == (
        datetime(2026, 11, 1, 5, 50, tzinfo=UTC), datetime(2026, 11, 1, 6, 10, tzinfo=UTC),
    )  # fmt: skip
    page = client.get(LIST).content.decode()
    assert "November 1, 2026, 1:50 a.m. Washington time (UTC-04)" in page
    assert "November 1, 2026, 1:10 a.m. Washington time (UTC-05)" in page


@pytest.mark.parametrize("folds", [(0, 1), (0, 0), (1, 1)])
def test_silence_in_the_hour_that_comes_twice_is_taken_over_without_asking_which(client, folds):
    night = datetime(2026, 11, 1, 1, tzinfo=clock.WASHINGTON)
    minutes = (50, 10) if folds == (0, 1) else (10, 50)
    began, ended = (
        night.replace(minute=minute, second=20, fold=fold).astimezone(UTC)
        for minute, fold in zip(minutes, folds, strict=True)
    )
    silence = Silence.objects.create(began_at=began, ended_at=ended)
    sign_in(client, officer())
    page = f"{NEW}?silence={silence.pk}"
    shown = client.get(page)
    words = ["the first, before clocks went back", "the second, after clocks went back"]
    for name, fold in zip(("began_at", "ended_at"), folds, strict=True):
        assert words[fold] in shown.context["form"][name].help_text
    as_typed = [
        shown.context["form"][name].value().astimezone(clock.WASHINGTON).strftime("%Y-%m-%dT%H:%M")
        for name in ("began_at", "ended_at")
    ]
    other = client.post(page, typed(as_typed[0], "2026-11-01T01:59"))
    assert list(other.context["form"].errors) == ["ended_at", "ended_at_hour"]
    assert client.post(page, typed(*as_typed)).status_code == 302
    found = Outage.objects.get()
    assert (found.began_at, found.ended_at) == (began.replace(second=0), ended.replace(second=0))
    correct = f"{LIST}{found.pk}/correct/"
    sent = typed(*as_typed, affected="Uploads alone.", why_corrected="It was less.")
    assert client.post(correct, sent).status_code == 302
    assert (found.replaced_by.began_at, found.replaced_by.ended_at) == (found.began_at, found.ended_at)


def test_outage_that_led_to_an_extension_is_proposed_for_no_other(client, call):
    by, first, second = officer(), logged(at(20), at(20, 14)), logged(at(21), at(21, 14))
    sign_in(client, by)
    page, extend = f"/desk/calls/{call.number}/", f"/desk/calls/{call.number}/extend/?outage="
    form = client.get(f"{extend}{first.pk}").context["form"]
    sent = {name: form[name].value() or "" for name in ("due_on", "summary", "reason", "revision")}
    sent |= {"legal_basis": "A statute.", "understood": "on"}
    shown = client.post(f"{extend}{first.pk}", sent)
    assert shown.status_code == 200
    assert (
        client.post(f"{extend}{first.pk}", sent | {"seen": shown.context["preview"].seen}).status_code == 302
    )
    amendment = call.amendments.get()
    assert (amendment.kind, amendment.outage) == ("extension", first)

    corrected = correct_outage(
        first, by=by, values=entry(at(20), at(20, 15)), why_corrected="It took longer."
    )
    said = client.get(page).content.decode()
    assert f"extended for it by amendment {amendment.number}" in said
    assert re.findall(rf"{re.escape(extend)}(\d+)", said) == [str(second.pk)]
    for done in (first, corrected):
        assert client.get(f"{extend}{done.pk}").context["form"]["reason"].value() is None
    other = issued_call(at=datetime(2026, 11, 2, 15, tzinfo=UTC))
    assert (
        f"/desk/calls/{other.number}/extend/?outage={corrected.pk}"
        in client.get(f"/desk/calls/{other.number}/").content.decode()
    )


@pytest.mark.parametrize("name", ["began_at", "ended_at"])
def test_time_that_no_clock_showed_is_refused_in_words(client, name):
    sign_in(client, officer())
    refused = client.post(NEW, typed("2026-03-08T01:50", "2026-03-08T03:10") | {name: "2026-03-08T02:30"})
    said = "No clock in Washington showed this time: clocks went forward from 2 to 3 a.m. that night."
    assert (refused.status_code, refused.context["form"].errors) == (422, {name: [said]})
    assert "began_at_hour" not in refused.context["form"].fields

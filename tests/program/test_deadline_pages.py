"""The days of a call on its pages: which day begins, which is the last, and what a cancelled call leaves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from program import clock
from program.models import Call
from program.services import calls
from program.services.calls import PAST_THE_ORDER
from program.services.subscriptions import subscribe
from tests.factories.program import approved_call, drafted_call, issued_call, officer
from tests.program.pages import APRIL_FIRST, text_of

pytestmark = pytest.mark.django_db


def test_page_gives_date_time_zone_rule_and_clause(client):
    call = issued_call()
    page = text_of(client.get(f"/calls/{call.number}/"))
    assert "11:59 p.m. Washington time" in page
    assert "The day the call is issued is day 0." in page
    assert "s.3(b)(i)(A)" in page


def test_draft_with_a_deadline_that_rolls_shows_both_days(signed_in):
    call = drafted_call()
    with clock.moved_to(datetime(2026, 1, 5, 15, tzinfo=UTC)):
        page = text_of(signed_in(officer()).get(f"/desk/calls/{call.number}/"))
    assert ["April 5, 2026" in page, "April 6, 2026" in page] == [True, True]
    assert date(2026, 4, 5).weekday() == 6


def test_extension_shows_which_day_will_stand_before_it_is_published(signed_in):
    call, colleague = issued_call(at=APRIL_FIRST), officer()
    address = f"/desk/calls/{call.number}/extend/"
    typed = {
        "summary": "A week more.", "reason": "An outage.", "legal_basis": "A basis.", "understood": "on",
        "due_on": date(2026, 7, 7), "revision": call.revision,
    }  # fmt: skip
    with clock.moved_to(datetime(2026, 6, 1, 13, tzinfo=UTC)):
        client = signed_in(officer())
        shown = client.post(address, typed)
        page, seen = text_of(shown), shown.context["preview"].seen
        assert "<strong>Tuesday, July 7, 2026, 11:59 p.m. Washington time</strong>" in page
        assert "Tuesday, June 30, 2026, 11:59 p.m. Washington time" in page
        assert "it cannot be taken back" in page
        assert Call.objects.get(pk=call.pk).due_on == date(2026, 6, 30)
        other = client.post(address, typed | {"seen": seen, "due_on": date(2026, 7, 8)})
        assert (other.status_code, "Wednesday, July 8, 2026, 11:59 p.m." in text_of(other)) == (200, True)
        words = {"summary": "Two days.", "reason": "An outage.", "legal_basis": "A basis."}
        calls.extend_call(call, by=colleague, due_on=date(2026, 7, 2), **words)
        stale = client.post(address, typed | {"seen": seen})
        again = client.post(address, typed | {"seen": seen, "revision": call.revision})
        assert (stale.status_code, again.status_code) == (409, 200)
        assert "Thursday, July 2, 2026, 11:59 p.m. Washington time" in text_of(again)
        assert Call.objects.get(pk=call.pk).due_on == date(2026, 7, 2)
        seen = again.context["preview"].seen
        assert client.post(address, typed | {"seen": seen, "revision": call.revision}).status_code == 302
    assert Call.objects.get(pk=call.pk).due_on == date(2026, 7, 7)


def test_cancelled_call_counts_no_days_and_speaks_of_none(signed_in):
    call = issued_call()
    address, desk = f"/calls/{call.number}/", f"/desk/calls/{call.number}/"
    client = signed_in(officer())
    subscribe(call, by=officer())
    day, rolling = date_words(call.due_on), "a decision may come before the call closes"
    pages = [client.get(page) for page in (address, desk, "/desk/calls/")]
    assert [text_of(page).count("data-countdown") > 0 for page in pages] == [True, True, True]
    assert rolling in text_of(pages[0])
    calls.cancel_call(call, by=officer(), reason="The Program ends.")
    pages = [client.get(page) for page in (address, desk, "/desk/calls/", "/calls/")]
    assert [text_of(page).count("data-countdown") for page in pages] == [0, 0, 0, 0]
    assert [day in text_of(page).partition("Record")[0] for page in pages] == [False] * 4
    assert rolling not in text_of(pages[0])
    assert "The Program ends." in text_of(pages[1])


def date_words(day):
    return f"{day:%B} {day.day}, {day.year}"


def test_issue_dialog_says_which_day_begins_and_until_when_proposals_come_in(signed_in):
    with clock.moved_to(APRIL_FIRST):
        client = signed_in(officer())
        call = approved_call()
        page = text_of(client.get(f"/desk/calls/{call.number}/"))
        said = (
            "Today, Wednesday, April 1, 2026, is day 0; day 90 is Tuesday, June 30, 2026. Proposals are "
            "taken until the end of Tuesday, June 30, 2026, 90 days from today."
        )
        assert said in page and said in text_of(client.get(f"/desk/calls/{call.number}/issue/"))
        short = approved_call(set_due_on=date(2026, 4, 10))
        page = text_of(client.get(f"/desk/calls/{short.number}/"))
        assert "Friday, April 10, 2026, 9 days from today: an officer set this last day." in page
        assert "leaves consortia 9 of the 90 days that the order allows." in page
        long = approved_call(set_due_on=date(2026, 7, 8), set_due_reason="A long outage.")
        page = text_of(client.get(f"/desk/calls/{long.number}/"))
        assert "The justification on record: A long outage." in page
        assert "Record the justification" not in page


def test_last_day_past_the_order_says_so_on_the_public_page_and_at_the_desk(client, signed_in):
    reason = "A hurricane closed the ports."
    with clock.moved_to(APRIL_FIRST):
        late = approved_call(set_due_on=date(2026, 7, 8), set_due_reason=reason)
        page = text_of(signed_in(officer()).get(f"/desk/calls/{late.number}/issue/"))
        assert PAST_THE_ORDER in page and reason in page
        calls.issue_call(late, by=officer())
        in_time, extended = issued_call(), issued_call()
        calls.extend_call(
            extended, by=officer(), due_on=date(2026, 7, 8), summary="s", reason="r", legal_basis="b"
        )
        shown = {}
        for call in (late, in_time, extended):
            public, desk = f"/calls/{call.number}/", f"/desk/calls/{call.number}/"
            top = text_of(client.get(public)).partition('id="timeline"')[0]
            shown[call.pk] = [PAST_THE_ORDER in top, reason in top, "s.3(c)" in top]
            assert ("90th day after issue" in text_of(client.get(desk))) == (call != in_time)
    assert shown == {late.pk: [True, True, True], in_time.pk: [False, False, True],
                     extended.pk: [True, False, True]}  # fmt: skip


def test_call_past_its_deadline_offers_no_cancellation(signed_in):
    call = issued_call(at=APRIL_FIRST)
    desk = f"/desk/calls/{call.number}/"
    for at, offered in ((APRIL_FIRST + timedelta(days=9), True), (call.closes_at, False)):
        with clock.moved_to(at):
            page = text_of(signed_in(officer()).get(desk))
        assert (f'href="{desk}cancel/"' in page) is offered

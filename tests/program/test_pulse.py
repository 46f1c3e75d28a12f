"""The portal's own clock: what its ticks keep of a silence, and what of it is proposed for the outage log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from program import clock
from program.models import Outage, Pulse, Silence
from program.pulse import PROPOSED, SILENT, note_pulse
from program.services.calls import cancel_call
from program.services.outages import correct_outage
from tests.factories.program import AgencyFactory, issued_call, officer
from tests.program.test_outages import LIST, NEW, logged
from tests.proposals.test_views import sign_in

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)


def ticked(*minutes):
    """Ticks of the clock so many minutes after noon."""
    for minute in minutes:
        with clock.moved_to(NOON + timedelta(minutes=minute)):
            note_pulse()


@pytest.fixture
def call(db):
    """Open from November 2, 2026."""
    AgencyFactory(code="COMMERCE")
    return issued_call(at=datetime(2026, 11, 2, 15, tzinfo=UTC))


def test_late_tick_keeps_the_span_of_the_silence_once():
    ticked(0, 1, 6)
    assert not Silence.objects.exists()
    ticked(6 + SILENT.total_seconds() / 60 + 1, 13, 14)
    found = Silence.objects.get()
    assert (found.began_at, found.ended_at) == (NOON + timedelta(minutes=6), NOON + timedelta(minutes=12))
    assert Pulse.objects.get().at == NOON + timedelta(minutes=14)


def test_clock_that_was_set_back_keeps_no_silence():
    ticked(30, 0, 1)
    assert not Silence.objects.exists()
    assert Pulse.objects.get().at == NOON + timedelta(minutes=1)


def test_silence_is_kept_as_it_was():
    ticked(0, 9)
    with pytest.raises(IntegrityError), transaction.atomic():
        Silence.objects.update(ended_at=NOON + timedelta(minutes=2))


def test_silence_of_an_open_call_is_proposed_and_never_logged(client, call):
    sign_in(client, officer())
    ticked(0, 9)
    silence = Silence.objects.get()
    said = client.get(LIST).content.decode()
    assert f"{NEW}?silence={silence.pk}" in said
    assert "November 20, 2026, 12:09 p.m. Washington time" in said
    assert not Outage.objects.exists()
    assert "Noticed by the portal" not in client.get(f"/calls/{call.number}/").content.decode()
    form = client.get(f"{NEW}?silence={silence.pk}").context["form"]
    said = form.as_p()
    assert 'value="2026-11-20T12:00"' in said and 'value="2026-11-20T12:09"' in said
    assert (form["source"].value(), form["affected"].value()) == ("monitor", None)
    assert client.get(f"{NEW}?silence={silence.pk}9").context["form"]["began_at"].value() is None


def test_silence_leaves_the_list_while_the_log_covers_it(client, call):
    by = officer()
    sign_in(client, by)
    ticked(0, 9)

    def is_proposed():
        return "Noticed by the portal" in client.get(LIST).content.decode()

    beside_it = logged(NOON + timedelta(minutes=9), NOON + timedelta(minutes=10), by=by)
    assert is_proposed()
    logged(NOON + timedelta(minutes=8), NOON + timedelta(minutes=10), by=by, affected="The end of it.")
    assert is_proposed()
    entry = logged(NOON, NOON + timedelta(minutes=10), by=by, affected="Everything.")
    assert not is_proposed()
    facts = {name: getattr(entry, name) for name in ("began_at", "ended_at", "affected", "source")}
    correct_outage(entry, by=by, values=facts, why_corrected="There was none.", is_withdrawn=True)
    assert beside_it.is_standing
    assert is_proposed()


@pytest.mark.parametrize("why", ["old", "cancelled", "before the issue"])
def test_silence_that_concerns_no_open_call_is_not_proposed(client, call, why):
    sign_in(client, officer())
    earlier = -20 * 24 * 60 if why == "before the issue" else 0
    ticked(earlier, earlier + 9)
    at = NOON + timedelta(days=2)
    if why == "old":
        at = NOON + PROPOSED + timedelta(minutes=10)
    elif why == "cancelled":
        with clock.moved_to(at):
            cancel_call(call, by=officer(), reason="It ends.")
    assert Silence.objects.exists()
    with clock.moved_to(at):
        assert "Noticed by the portal" not in client.get(LIST).content.decode()

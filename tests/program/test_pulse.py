"""The portal's own clock: what its ticks keep of a silence, and what of it is proposed for the outage log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from program import clock
from program.enums import PartOfPortal
from program.models import Absence, AuditEvent, DismissedSilence, Outage, Pulse, Silence
from program.pulse import (
    MOST_PROPOSED,
    PROPOSED,
    SILENT,
    note_parts,
    note_pulse,
    silences_to_log,
    storage_answers,
)
from program.schedule import sweep_scans
from program.services.calls import cancel_call
from program.services.outages import correct_outage, dismiss_silence
from program.transitions import NotReady
from tests.factories.program import AgencyFactory, UserFactory, issued_call, officer
from tests.factories.proposals import DocumentFactory
from tests.processes import free_port
from tests.program.test_outages import LIST, NEW, logged
from tests.proposals.pages import sign_in

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


def noted(found, *minutes):
    """Somebody asked for ``found`` so many minutes after noon."""
    for minute in minutes:
        with clock.moved_to(NOON + timedelta(minutes=minute)):
            note_parts(found)


def dismissed(silence, by, client):
    address = f"/desk/outages/noticed/{silence.pk}/dismiss/"
    assert "dismiss it" in client.get(LIST).text
    refused = client.post(address, {"reason": "  "})
    assert (refused.status_code, DismissedSilence.objects.exists()) == (422, False)
    assert client.post(address, {"reason": "A drill, at night."}).status_code == 302
    return address


def test_dismissed_silence_is_proposed_no_more_and_logged_after_all(client, call):
    by = officer()
    sign_in(client, by)
    ticked(0, 9)
    silence = Silence.objects.get()
    address = dismissed(silence, by, client)
    shown = client.get(LIST).text
    assert "dismiss it" not in shown and "Log it after all" in shown and "A drill, at night." in shown
    event = AuditEvent.objects.get(act="outage.dismiss")
    assert (event.actor, event.said["note"]) == (by, "A drill, at night.")
    again = client.post(address, {"reason": "Twice."})
    assert (again.status_code, DismissedSilence.objects.count()) == (422, 1)
    assert "Somebody dismissed it before you." in again.text
    with pytest.raises(IntegrityError), transaction.atomic():
        DismissedSilence.objects.update(reason="Another.")
    logged(NOON, NOON + timedelta(minutes=9), by=by)
    assert "Noticed by the portal" not in client.get(LIST).text


def test_only_program_officers_dismiss_and_only_what_is_proposed(client, call):
    ticked(0, 9)
    silence = Silence.objects.get()
    for person in (UserFactory(), officer("auditor")):
        with pytest.raises(PermissionDenied):
            dismiss_silence(silence, by=person, reason="Mine.")
    sign_in(client, officer("auditor"))
    assert client.post(f"/desk/outages/noticed/{silence.pk}/dismiss/", {"reason": "Mine."}).status_code == 404
    logged(NOON, NOON + timedelta(minutes=9))
    with pytest.raises(NotReady) as refusal:
        dismiss_silence(silence, by=officer(), reason="Too late.")
    assert [problem.code for problem in refusal.value.problems] == ["silence-settled"]
    assert not DismissedSilence.objects.exists()


def test_part_that_was_away_for_long_is_proposed_like_a_silence(client, call):
    sign_in(client, officer())
    broker = PartOfPortal.BROKER
    noted({broker: True}, 0)
    noted({broker: False}, 1, 2)
    with clock.moved_to(NOON + timedelta(minutes=9)):
        assert "Redis did not answer" in client.get(LIST).text
    noted({broker: False, PartOfPortal.SCANNER: True}, 3)
    noted({broker: True}, 9, 10)
    found = Silence.objects.get()
    assert (found.part, found.began_at, found.ended_at) == (
        broker, NOON + timedelta(minutes=1), NOON + timedelta(minutes=9),
    )  # fmt: skip
    assert not Absence.objects.exists()
    noted({broker: False}, 20)
    noted({broker: True}, 24)  # not longer than the clock may rest
    assert Silence.objects.count() == 1
    assert "Redis did not answer" in client.get(LIST).text
    form = client.get(f"{NEW}?silence={found.pk}").context["form"]
    assert "Redis did not answer" in form["evidence"].value()


def test_part_that_answers_costs_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        note_parts({PartOfPortal.BROKER: True, PartOfPortal.RECORD: True})


def test_unreadiness_is_kept_by_the_answer_to_it(client, settings):
    settings.DEMONSTRATION = True
    assert client.get("/readyz").status_code == 200 and not Absence.objects.exists()
    settings.DEMONSTRATION = False  # under the role that owns the record
    assert client.get("/readyz").status_code == 503
    assert client.get("/readyz").status_code == 503
    assert [row.part for row in Absence.objects.all()] == ["record"]
    settings.DEMONSTRATION = True
    Absence.objects.update(since=clock.now() - timedelta(minutes=10))
    assert client.get("/readyz").status_code == 200
    assert (Silence.objects.get().part, Absence.objects.count()) == ("record", 0)


def test_redis_away_is_kept_in_the_database(client, settings):
    settings.DEMONSTRATION = True
    address = f"redis://127.0.0.1:{free_port()}/0"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": address}}
    assert client.get("/readyz").json()["broker"] is False
    assert [row.part for row in Absence.objects.all()] == ["broker"]


def test_sweep_keeps_that_scanner_and_store_are_away(settings, tmp_path):
    settings.CLAMAV_URL = f"tcp://127.0.0.1:{free_port()}"
    settings.MEDIA_ROOT = tmp_path / "gone"
    assert storage_answers()  # nothing was kept yet
    DocumentFactory()
    sweep_scans()
    assert {row.part for row in Absence.objects.all()} == {"scanner", "storage"}
    (tmp_path / "gone").mkdir()
    settings.CLAMAV_URL = ""
    sweep_scans()
    assert not Absence.objects.exists()


def test_silences_while_no_call_was_open_take_the_place_of_none(client, call):
    client.force_login(officer())
    while_open = call.closes_at - timedelta(days=1)
    Silence.objects.create(began_at=while_open, ended_at=while_open + timedelta(hours=1))
    for hour in range(MOST_PROPOSED + 1):
        after = call.closes_at + timedelta(hours=2 * hour)
        Silence.objects.create(began_at=after, ended_at=after + timedelta(hours=1))
    assert [each.began_at for each in silences_to_log(call.closes_at)] == [while_open]

"""Reminders before a call closes: who, when, exactly once; the clock is moved through the ninety days."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied

from program import clock
from program.clock_account import clock_account
from program.models import AuditEvent, Notice, Reminder
from program.services import calls
from proposals import services
from proposals.models import Proposal
from proposals.notice_kinds import REMINDED
from proposals.schedule import remind_teams
from tests.factories.program import UserFactory, issued_call, officer
from tests.factories.proposals import (
    ConsortiumFactory,
    ProposalFactory,
    RecusalFactory,
    TeamMemberFactory,
    representative_of,
    submitted,
)

WASHINGTON = ZoneInfo("America/New_York")
ISSUED = datetime(2026, 8, 24, 12, tzinfo=WASHINGTON)
LAST_DAY, EXTENDED_TO = date(2026, 11, 23), date(2026, 11, 30)


def washington(month, day, hour=0, year=2026):
    return datetime(year, month, day, hour, tzinfo=WASHINGTON)


def told():
    """Who was reminded when, in Washington, and in which words: {address: [(moment, title)]}."""
    found = defaultdict(list)
    for notice in Notice.objects.filter(kind=REMINDED.code).select_related("event", "recipient"):
        local = notice.event.at.astimezone(WASHINGTON)
        found[notice.recipient.email].append((f"{local:%m-%d %H:%M}", notice.title.split(" left")[0]))
    return {email: sorted(lines) for email, lines in found.items()}


def remind_at(moment):
    with clock.moved_to(moment):
        return remind_teams()


def proposal_under(call, name, **facts):
    proposal = ProposalFactory(call=call, consortium__created_by__email=f"{name}@firm.example", **facts)
    Proposal.objects.filter(pk=proposal.pk).update(created_at=ISSUED)
    return proposal


def change(proposal):
    Proposal.objects.filter(pk=proposal.pk).update(operating_model="The hospitals own it after ten years.")


@pytest.fixture
def call(places):
    """Ninety days after August 24 is a Sunday: due on Monday, November 23, three weeks after summer time."""
    call = issued_call(at=ISSUED)
    assert call.due_on == LAST_DAY
    return call


@pytest.mark.django_db
def test_ninety_days_with_an_extension_and_the_end_of_summer_time(call):
    late = ConsortiumFactory(created_by=UserFactory(email="late@firm.example"))
    with clock.moved_to(ISSUED + timedelta(days=1)):
        draft = proposal_under(call, "draft")
        anchor = draft.consortium.anchor
        leaver, editor, reader, recused = (
            UserFactory(email=f"{name}@firm.example") for name in ("leaver", "editor", "reader", "recused")
        )
        place = TeamMemberFactory(membership=anchor, user=leaver)
        TeamMemberFactory(membership=anchor, user=recused)
        RecusalFactory(proposal=draft, user=recused)
        for person, right in ((editor, "change"), (reader, "view")):
            services.grant_access(
                draft, by=draft.created_by, to=person, permission=f"proposals.{right}_proposal"
            )
        sender = proposal_under(call, "sender", complete=True)
        changer = proposal_under(call, "changer", complete=True)
        submitted(changer)
        gone = proposal_under(call, "gone")
        services.withdraw_proposal(gone, by=representative_of(gone), note="We found another way.")

    def extend():
        calls.extend_call(
            call, by=officer(), due_on=EXTENDED_TO, summary="One week more.", reason="An outage.",
            legal_basis="5 U.S.C. 553",
        )  # fmt: skip

    happenings = {
        washington(11, 12, 9): lambda: submitted(sender),
        washington(11, 15, 12): extend,
        washington(11, 16, 12): lambda: services.create_proposal(call, late, by=late.created_by),
        washington(11, 18, 12): lambda: change(changer),
        washington(11, 26, 12): lambda: services.remove_team_member(place, by=draft.created_by),
    }
    at = ISSUED
    while at < washington(12, 2):
        with clock.moved_to(at):
            if act := happenings.pop(at, None):
                act()
            if remind_teams():
                assert remind_teams() == 0
        at += timedelta(hours=3)  # by the clock on the wall
    assert not happenings

    before = [("10-25 00:00", "30 days"), ("11-10 00:00", "14 days")]
    after = [("11-17 00:00", "14 days"), ("11-24 00:00", "7 days"), ("11-28 00:00", "3 days")]
    last = [("11-30 00:00", "1 day"), ("11-30 18:00", "6 hours")]
    assert told() == {
        "draft@firm.example": before + after + last,
        "editor@firm.example": before + after + last,
        "leaver@firm.example": before + after[:2],
        "sender@firm.example": before,
        "changer@firm.example": after[1:] + last,
        "late@firm.example": after + last,
    }
    assert (
        Reminder.objects.exclude(event=None).count()
        == AuditEvent.objects.filter(act="proposal.remind").count()
    )


@pytest.mark.django_db
@pytest.mark.parametrize("moment", [washington(10, 25), washington(11, 10), washington(11, 23, 18)], ids=str)
def test_step_is_reached_at_its_very_moment(call, moment):
    proposal_under(call, "team")
    remind_at(moment - timedelta(hours=3))
    before = Notice.objects.filter(kind=REMINDED.code).count()
    assert [remind_at(moment.astimezone(UTC) - timedelta(seconds=1)), remind_at(moment)] == [0, 1]
    assert Notice.objects.filter(kind=REMINDED.code).count() == before + 1


@pytest.mark.django_db
def test_reminder_says_what_is_missing_and_until_when_and_nothing_that_was_typed(call):
    proposal = proposal_under(call, "team", title="Canary title")
    remind_at(washington(11, 17))
    notice = Notice.objects.get(kind=REMINDED.code)
    assert notice.title == f"7 days left to submit under call {call.number}"
    head, by_part, first, *lines = filter(None, notice.text.split("\n"))
    assert head == (
        "Your draft has not been submitted. Submit before November 23, 2026, 11:59 p.m. Washington time."
    )
    assert "By part: " in by_part and "Target markets: 1" in by_part
    assert (first, len(lines)) == ("First of all:", 4)
    assert lines[0].startswith("- AI-optimized hardware and related infrastructure: ")
    assert notice.url == f"/proposals/{proposal.pk}/"
    assert "Canary" not in notice.title + notice.text


@pytest.mark.django_db
def test_complete_draft_is_told_that_nothing_is_missing(call):
    proposal_under(call, "team", complete=True)
    remind_at(washington(11, 17))
    assert "Nothing is missing in the package." in Notice.objects.get(kind=REMINDED.code).text


@pytest.mark.django_db
def test_portal_that_was_away_over_several_steps_sends_only_the_latest(call):
    proposal_under(call, "team")
    assert [remind_at(washington(11, 22, 15)), remind_at(washington(11, 22, 15))] == [1, 0]
    assert told() == {"team@firm.example": [("11-22 15:00", "1 day")]}


@pytest.mark.django_db
def test_call_that_has_closed_or_was_cancelled_reminds_nobody(call):
    proposal_under(call, "team")
    assert remind_at(washington(11, 24)) == 0
    call.cancelled_at = ISSUED
    call.save(update_fields=["cancelled_at"])
    assert remind_at(washington(11, 22)) == 0
    assert told() == {}


@pytest.mark.django_db
def test_returned_proposal_is_reminded_of_its_cure_period(call):
    proposal = proposal_under(call, "team", complete=True)
    with clock.moved_to(washington(11, 20)):
        submitted(proposal)
    Proposal.objects.filter(pk=proposal.pk).update(status="returned", cure_due_at=washington(12, 5))
    assert remind_at(washington(11, 23)) == 1
    assert told() == {"team@firm.example": [("11-23 00:00", "12 days")]}
    assert "was returned for correction" in Notice.objects.get(kind=REMINDED.code).text


@pytest.mark.django_db
def test_nobody_but_the_clock_reminds(call):
    proposal = proposal_under(call, "team")
    with clock.moved_to(washington(11, 17)):
        for person in (representative_of(proposal), officer()):
            with pytest.raises(PermissionDenied):
                services.remind_team(proposal, by=person)
        assert services.remind_team(proposal, by=clock_account())


@pytest.mark.django_db
def test_tick_asks_the_same_of_the_database_for_one_proposal_and_for_many(call, django_assert_num_queries):
    for number in range(3):
        proposal_under(call, f"team{number}")
        with clock.moved_to(washington(11, 17)):
            assert remind_teams() == 1
            with django_assert_num_queries(3):
                assert remind_teams() == 0

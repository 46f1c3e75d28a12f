"""A person's days as a calendar: at an address that only they know, with what they may see at each fetch."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evaluation.models import Condition, Referral
from program import clock
from program.dates import MOST_DATES, DueDate, dates_of, nearest, nearest_rows
from program.deadlines import next_business_day
from program.enums import OfficeRole
from program.models import AuditEvent, CalendarFeed, Call, Office, Subscription
from program.services import feeds
from program.services.calls import extend_call
from program.services.subscriptions import subscribe
from proposals.models import Proposal, TeamMember
from tests.factories import evaluation as make
from tests.factories.directives import duty
from tests.factories.program import UserFactory, issued_call, officer
from tests.factories.proposals import (
    ProposalFactory,
    RecusalFactory,
    TeamMemberFactory,
    representative_of,
)
from tests.processes import await_whole_window

pytestmark = pytest.mark.django_db


def path_of(person):
    return feeds.address_of(feeds.open_feed(by=person)).removeprefix("https://portal.test")


def unfolded(answer):
    return answer.content.decode().replace("\r\n ", "").split("\r\n")


def titles(client, person):
    answer = client.get(path_of(person))
    assert answer.status_code == 200
    return [line.removeprefix("SUMMARY:") for line in unfolded(answer) if line.startswith("SUMMARY:")]


class TestAddress:
    def test_needs_no_session_and_is_kept_and_indexed_by_nobody(self, client):
        answer = client.get(path_of(UserFactory()))
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert not answer.cookies

    def test_renewed_one_answers_and_the_old_one_is_dead(self, client):
        person, other = UserFactory(), UserFactory()
        old, others = path_of(person), path_of(other)
        client.force_login(person)
        page = reverse("program:calendar")
        assert client.post(page, {"act": "renew"}).url == page
        assert client.get(old).status_code == 404
        assert path_of(person) != old
        assert [client.get(path).status_code for path in (path_of(person), others)] == [200, 200]
        client.post(page, {"act": "close"})
        assert not CalendarFeed.objects.filter(user=person).exists()
        acts = AuditEvent.objects.of(person).filter(act__endswith="_calendar")
        assert [event.act for event in acts] == [
            "user.open_calendar",
            "user.renew_calendar",
            "user.close_calendar",
        ]

    def test_page_makes_it_and_shows_it_and_pressing_twice_changes_nothing(self, client):
        person = UserFactory()
        client.force_login(person)
        page = reverse("program:calendar")
        assert page in client.get(reverse("program:notices")).text
        assert "https://portal.test/calendar/" not in client.get(page).text
        for _ in range(2):
            client.post(page, {"act": "open"})
        assert f'value="https://portal.test{path_of(person)}"' in client.get(page).text
        assert AuditEvent.objects.of(person).filter(act="user.open_calendar").count() == 1
        client.post(page, {"act": "none"})
        assert AuditEvent.objects.of(person).filter(act__endswith="_calendar").count() == 1
        assert path_of(person) not in "".join(AuditEvent.objects.values_list("body", flat=True))

    def test_forged_address_and_closed_account_find_nothing(self, client):
        person = UserFactory()
        path = path_of(person)
        token = path.split("/")[2]
        forged = path.replace(token, token[:-3] + "AAA")
        assert client.get(forged).status_code == 404
        assert client.get(reverse("program:calendar-feed", args=["none"])).status_code == 404
        type(person).objects.filter(pk=person.pk).update(is_active=False)
        assert client.get(path).status_code == 404

    def test_unchanged_one_is_not_sent_again(self, client):
        person, call = UserFactory(), issued_call()
        path = path_of(person)
        subscribe(call, by=person)
        first = client.get(path)
        again = client.get(path, HTTP_IF_NONE_MATCH=first.headers["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["Cache-Control"] == "private, no-cache"
        head = client.head(path)
        assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", first.headers["ETag"])
        Subscription.objects.all().delete()
        assert client.get(path, HTTP_IF_NONE_MATCH=first.headers["ETag"]).status_code == 200
        assert client.post(path).status_code == 405

    def test_each_calendar_is_counted_for_itself_wherever_it_is_fetched_from(self, client, settings):
        settings.RATE_LIMIT_FACTOR = 0.1
        path, others = (path_of(UserFactory()) for _ in range(2))
        await_whole_window()
        answers = [client.get(path) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 0 < int(answers[-1]["Retry-After"]) <= 61
        assert client.get(path, REMOTE_ADDR="192.0.2.7").status_code == 429
        assert client.get(others).status_code == 200


class TestDates:
    def test_no_more_are_kept_than_a_calendar_holds_the_nearest_first_chosen(self):
        now = clock.now()
        days = {n: DueDate(f"day-{n}", "Due", "/", now + timedelta(days=n), now) for n in (-400, -2, 1, 3, 9)}
        assert nearest(list(days.values()), most=3) == [days[-2], days[1], days[3]]

    def test_database_reads_no_more_than_a_calendar_holds(self):
        make.accepted()
        days = dict(
            zip(
                Referral.objects.order_by("pk").values_list("pk", flat=True), (-400, -2, 1, 3, 9), strict=True
            )
        )
        for pk, left in days.items():
            Referral.objects.filter(pk=pk).update(due_at=clock.now() + timedelta(days=left))
        found = nearest_rows(Referral.objects.all(), "due_at", most=3)
        assert [days[row.pk] for row in found] == [1, -2, 3]
        with CaptureQueriesContext(connection) as asked:
            dates_of(officer(OfficeRole.LEAD, "DOE"))
        (said,) = [query["sql"] for query in asked if '"evaluation_referral"."due_at" -' in query["sql"]]
        assert said.endswith(f"LIMIT {MOST_DATES}")

    def test_days_without_an_hour_are_bounded_too(self):
        designation = make.designated()
        facts = {"designation": designation, "determination": designation.determination, "owner": "Anchor"}
        for number, days in enumerate((90, 30, 60), start=1):
            due_on = clock.today() + timedelta(days=days)
            Condition.objects.create(number=number, text="Report.", due_on=due_on, **facts)
        found = nearest_rows(Condition.objects.all(), "due_on", most=2)
        assert [row.number for row in found] == [2, 3]

    def test_followed_calls_with_links_of_our_own_and_a_uid_that_stays(self, client):
        person, call = UserFactory(), issued_call()
        issued_call()
        subscribe(call, by=person)
        lines = unfolded(client.get(path_of(person), HTTP_HOST="localhost"))
        assert f"SUMMARY:{call.number}: proposals are due" in lines
        assert f"URL:https://portal.test/calls/{call.number}/" in lines
        uid, end = (next(x for x in lines if x.startswith(n)) for n in ("UID", "DTEND"))
        assert uid == f"UID:call-{call.number}@portal.test"
        assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 1
        later = next_business_day(call.due_on + timedelta(days=7), [])
        extend_call(
            call, by=officer(), due_on=later, summary="A week.", reason="An outage.", legal_basis="s.3(c)"
        )
        lines = unfolded(client.get(path_of(person)))
        assert uid in lines and end not in lines

    def test_who_follows_the_program_has_every_open_call(self, client):
        person, calls = UserFactory(), [issued_call(), issued_call()]
        subscribe(None, by=person)
        assert len(titles(client, person)) == 2
        with clock.moved_to(max(call.closes_at for call in calls)):
            assert titles(client, person) == []

    def test_draft_of_the_team_stands_in_the_place_of_its_call(self, client):
        proposal = ProposalFactory(call=issued_call(), title="CANARY")
        person = proposal.created_by
        subscribe(proposal.call, by=person)
        assert titles(client, person) == [f"{proposal.call.number}: your draft is due"]
        assert titles(client, UserFactory()) == []
        TeamMember.objects.filter(user=person).update(removed_at=clock.now(), removed_by=person)
        assert titles(client, person) == [f"{proposal.call.number}: proposals are due"]

    def test_each_draft_of_two_teams_has_its_own_day(self, client):
        call = issued_call()
        early, late = ProposalFactory(call=call), ProposalFactory(call=call)
        back = ProposalFactory(call=call, status="returned")
        person = representative_of(early)
        for proposal in (late, back):
            TeamMemberFactory(membership=proposal.consortium.anchor, user=person)
        Proposal.objects.filter(pk=late.pk).update(extended_to=call.closes_at + timedelta(days=9))
        subscribe(call, by=person)
        due = [(due.key, due.at) for due in dates_of(person)]
        assert due == [
            (f"draft-{early.pk}", call.closes_at),
            (f"draft-{late.pk}", call.closes_at + timedelta(days=9)),
            (f"proposal-{back.pk}", call.closes_at + timedelta(days=10)),
        ]
        Call.objects.filter(pk=call.pk).update(cancelled_at=clock.now(), status="cancelled")
        assert dates_of(person) == []

    def test_question_and_correction_of_the_team(self, client):
        proposal = make.accepted()
        asked = make.asked(proposal)
        person = representative_of(proposal)
        assert titles(client, person) == [f"Answer question {asked.number} on proposal {proposal.number}"]
        assert f"/proposals/{proposal.pk}/" in client.get(path_of(person)).content.decode()
        Proposal.objects.filter(pk=proposal.pk).update(
            status="returned", cure_due_at=clock.now() + timedelta(days=9)
        )
        assert f"Correct and submit proposal {proposal.number}" in titles(client, person)

    def test_consultation_of_the_own_agency_until_recused(self, client):
        proposal = make.accepted()
        lead, other = officer(OfficeRole.LEAD, "DOE"), officer(OfficeRole.LEAD, "STATE")
        (found,) = titles(client, lead)
        assert re.fullmatch(rf"Position of .+ on proposal {proposal.number}", found)
        assert titles(client, other) != [found]
        RecusalFactory(proposal=proposal, user=lead)
        assert titles(client, lead) == []
        assert len(titles(client, other)) == 1
        Office.objects.filter(user=other).update(effective_to=clock.today())
        assert titles(client, other) == []

    def test_conditions_of_the_team_say_no_more_than_their_number(self, client):
        designation = make.designated()
        person = representative_of(designation.proposal)
        due_on = clock.today() + timedelta(days=30)
        facts = {"designation": designation, "determination": designation.determination, "owner": "Anchor"}
        Condition.objects.create(number=1, text="CANARY", due_on=due_on, **facts)
        Condition.objects.create(number=2, text="CANARY", **facts)
        assert titles(client, person) == [f"Condition 1 of designation {designation.number}"]
        assert b"CANARY" not in client.get(path_of(person)).content
        assert titles(client, UserFactory()) == []

    def test_open_duties_for_those_who_keep_the_register(self, client):
        row = duty(due_on=clock.today() + timedelta(days=30))
        assert f"Duty of {row}" in titles(client, officer())
        assert titles(client, UserFactory()) == []
        assert titles(client, officer(OfficeRole.LEAD, "DOE")) == []

    def test_page_lists_what_the_file_holds(self, client):
        person, call = UserFactory(), issued_call()
        subscribe(call, by=person)
        client.force_login(person)
        assert f"{call.number}: proposals are due" in client.get(reverse("program:calendar")).text

    def test_fetch_costs_the_same_for_one_day_and_for_three(self, client, django_assert_num_queries):
        person = UserFactory()
        path = path_of(person)
        client.get(path)
        for _ in range(2):
            subscribe(issued_call(), by=person)
            ProposalFactory(call=issued_call(), created_by=person)
            with django_assert_num_queries(13):
                client.get(path)

    def test_page_costs_the_same_for_one_day_and_for_three(self, client, django_assert_num_queries):
        person = UserFactory()
        feeds.open_feed(by=person)
        client.force_login(person)
        client.get(reverse("program:calendar"))
        for _ in range(2):
            subscribe(issued_call(), by=person)
            ProposalFactory(call=issued_call(), created_by=person)
            with django_assert_num_queries(17):
                client.get(reverse("program:calendar"))


def test_single_file_of_a_call_names_our_own_address(client):
    call = issued_call()
    lines = unfolded(client.get(f"/calls/{call.number}/deadline.ics", HTTP_HOST="localhost"))
    assert f"URL:https://portal.test/calls/{call.number}/" in lines
    assert f"UID:{call.number}@portal.test" in lines


def test_calendar_file_ends_at_the_deadline(client):
    call = issued_call()
    response = client.get(f"/calls/{call.number}/deadline.ics")
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert f"DTEND:{call.closes_at:%Y%m%dT%H%M%SZ}\r\n".encode() in response.content
    assert all(len(line) <= 75 for line in response.content.split(b"\r\n"))

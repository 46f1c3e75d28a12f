"""More time for one proposal: everything that asks whether it may still be submitted obeys it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from guardian.shortcuts import assign_perm

from program import clock
from program.clock_account import clock_account
from program.deadlines import end_of_day, next_business_day
from program.models import AuditEvent, Call, Closure, Delivery, Notice
from program.notices import withheld
from program.services.calls import PAST_THE_ORDER, cancel_call, close_call, extend_call
from program.services.subscriptions import subscribe
from program.transitions import NotReady, WrongStatus
from program.views.calendar import file_of
from proposals import services
from proposals.enums import ProposalStatus, TimeRequestStatus
from proposals.explanation import status_explained
from proposals.lifecycle import EXTEND
from proposals.models import Extension, Proposal, TimeRequest
from proposals.notice_kinds import REMINDED
from proposals.readiness import Candidate
from proposals.schedule import lapse_drafts, remind_teams
from tests.factories.program import UserFactory, issued_call, officer
from tests.factories.proposals import (
    ConsortiumFactory,
    ProposalFactory,
    RecusalFactory,
    TeamMemberFactory,
    certified,
    representative_of,
    submitted,
)
from tests.proposals.pages import sign_in

pytestmark = pytest.mark.django_db

WASHINGTON = ZoneInfo("America/New_York")
ISSUED = datetime(2026, 8, 24, 12, tzinfo=WASHINGTON)
LAST_DAY, LATER = date(2026, 11, 23), date(2026, 12, 4)
WHY = {"reason": "The portal was away for two hours.", "legal_basis": "Section 4 of the call"}


@pytest.fixture
def call(places):
    """Due on Monday, November 23, the day after the 90th; in the past by now."""
    call = issued_call(at=ISSUED)
    assert call.due_on == LAST_DAY
    return call


@pytest.fixture
def by(call):
    return officer()


def under(call, **facts):
    with clock.moved_to(ISSUED + timedelta(days=1)):
        return ProposalFactory(call=call, **facts)


def extended(proposal, by, at, due_on=LATER, **facts):
    with clock.moved_to(at):
        return services.extend_proposal(proposal, by=by, due_on=due_on, **(WHY | facts))


def codes(refusal):
    return {problem.code for problem in refusal.value.problems}


def before(day, **time):
    return end_of_day(day) - timedelta(**time)


# What obeys it


@pytest.mark.parametrize(
    ("moment", "in_time"), [(before(LATER, milliseconds=1), True), (end_of_day(LATER), False)]
)
def test_draft_is_taken_until_its_own_bound_and_the_evidence_says_by_which_rule(call, by, moment, in_time):
    proposal, other = under(call, complete=True), under(call, complete=True)
    extended(proposal, by, before(LAST_DAY, days=3))
    for each in (proposal, other):
        certified(each)
    with clock.moved_to(moment):
        with pytest.raises(NotReady) as refusal:
            services.submit_proposal(other, by=representative_of(other))
        assert codes(refusal) == {"late"}
        if in_time:
            version = services.submit_proposal(proposal, by=representative_of(proposal))
            assert (version.on_time, version.closes_at) == (True, end_of_day(LATER))
            assert "gave this proposal more time, until the end of Friday, December 4, 2026." in (
                version.on_time_rule
            )
            assert WHY["legal_basis"] in version.receipt.body
        else:
            with pytest.raises(NotReady) as refusal:
                services.submit_proposal(proposal, by=representative_of(proposal))
            assert codes(refusal) == {"late"}


def test_only_the_draft_without_more_time_lapses(call, by):
    proposal, other = under(call), under(call)
    extended(proposal, by, before(LAST_DAY, days=3))
    assert lapse_at(end_of_day(LAST_DAY) + timedelta(hours=1)) == 1
    assert statuses(proposal, other) == ["draft", "lapsed"]
    assert lapse_at(before(LATER, seconds=1)) == 0
    assert not Proposal.objects.due_to_lapse(before(LATER, seconds=1)).exists()
    assert lapse_at(end_of_day(LATER) + timedelta(hours=1)) == 1
    assert statuses(proposal, other) == ["lapsed", "lapsed"]


def lapse_at(moment):
    with clock.moved_to(moment):
        return lapse_drafts()


def statuses(*proposals):
    return [Proposal.objects.get(pk=each.pk).status for each in proposals]


def test_lapsed_draft_comes_back_and_is_submitted(call, by):
    proposal = under(call, complete=True)
    lapse_at(end_of_day(LAST_DAY) + timedelta(hours=1))
    with clock.moved_to(end_of_day(LAST_DAY) + timedelta(minutes=2)):
        close_call(call, by=clock_account())
    extended(proposal, by, end_of_day(LAST_DAY) + timedelta(days=1))
    assert statuses(proposal) == ["draft"]
    acts = AuditEvent.objects.of(proposal).values_list("act", flat=True)
    assert list(acts) == ["proposal.lapse", "proposal.extend", "proposal.reopen"]
    with clock.moved_to(before(LATER, hours=1)):
        proposal.refresh_from_db()
        assert submitted(proposal).on_time


def test_draft_does_not_come_back_beside_another_of_its_consortium(call, by):
    proposal = under(call)
    lapse_at(end_of_day(LAST_DAY) + timedelta(hours=1))
    under(call, consortium=proposal.consortium)
    with pytest.raises(NotReady) as refusal:
        extended(proposal, by, end_of_day(LAST_DAY) + timedelta(days=1))
    assert codes(refusal) == {"one-per-call"}
    assert (statuses(proposal), Extension.objects.count()) == (["lapsed"], 0)


@pytest.mark.parametrize("status", [ProposalStatus.SUBMITTED, ProposalStatus.UNDER_EVALUATION])
def test_what_was_sent_can_be_edited_and_replaced_in_its_own_time(call, by, status):
    proposal = under(call, status=status)
    after = end_of_day(LAST_DAY) + timedelta(days=1)
    team = representative_of(proposal)
    with clock.moved_to(after):
        assert not Proposal.objects.editable_by(team).exists()
        assert not team.has_perm("proposals.change_proposal", proposal)
    extended(proposal, by, after)
    with clock.moved_to(after + timedelta(hours=1)):
        assert Proposal.objects.editable_by(team).contains(proposal)
        proposal = Proposal.objects.get(pk=proposal.pk)
        assert team.has_perm("proposals.change_proposal", proposal)
        services.save_row(proposal, by=team, values={"title": "A second look"}, revision=proposal.revision)
        certified(proposal)
        assert services.resubmit_proposal(proposal, by=team).number == 2


def test_returned_proposal_has_the_longer_of_cure_and_more_time(call, by):
    proposal = under(call, status=ProposalStatus.RETURNED)
    cure = proposal.cure_due_at
    assert cure > end_of_day(date(2026, 12, 1))
    with pytest.raises(NotReady) as refusal:
        extended(proposal, by, before(LAST_DAY, days=1), due_on=date(2026, 12, 1))
    assert codes(refusal) == {"extension-earlier"}
    extended(proposal, by, before(LAST_DAY, days=1), due_on=date(2026, 12, 18))
    proposal.refresh_from_db()
    assert Candidate(proposal).limit == end_of_day(date(2026, 12, 18))


def test_reminders_run_to_its_own_date(call, by):
    proposal, _ = under(call), under(call)
    extended(proposal, by, before(LAST_DAY, days=10))

    def reminded(moment):
        with clock.moved_to(moment):
            remind_teams()
        rows = Notice.objects.filter(kind=REMINDED.code)
        mine = rows.filter(recipient=representative_of(proposal))
        return [
            [n.title.split(" left")[0] for n in each.order_by("pk")]
            for each in (mine, rows.exclude(pk__in=mine))
        ]

    assert reminded(before(LAST_DAY, days=1)) == [["12 days"], ["1 day"]]
    assert reminded(before(LATER, days=7))[0] == ["12 days", "7 days"]
    assert reminded(before(LATER, hours=6))[0] == ["12 days", "7 days", "6 hours"]


def test_status_names_its_own_date(call, by):
    proposal = under(call)
    extended(proposal, by, before(LAST_DAY, days=1))
    proposal.refresh_from_db()
    at = end_of_day(LAST_DAY) + timedelta(days=1)
    explained = status_explained(proposal, at=at)
    assert (explained.until, explained.until_words) == (end_of_day(LATER), "Your own, longer time ends")


def test_a_later_extension_of_the_whole_call_holds_for_it_too(call, by):
    proposal = under(call)
    extended(proposal, by, before(LAST_DAY, days=3))
    proposal.call.closes_at = end_of_day(date(2026, 12, 31))
    assert proposal.closes_at == end_of_day(date(2026, 12, 31))


# Giving it


def test_team_is_told_and_nobody_else(call, by):
    proposal, other = under(call), under(call)
    Notice.objects.all().delete()
    extended(proposal, by, before(LAST_DAY, days=1))
    told = Notice.objects.get()
    assert (told.recipient, told.kind) == (representative_of(proposal), "proposals.time_given")
    assert "December 4, 2026" in told.text and WHY["reason"] in told.text
    assert not other.extensions.exists()


def test_day_past_the_90th_carries_the_warning(call, by):
    early = under(call)
    call.set_due_on = None
    assert extended(early, by, before(LAST_DAY, days=1)).warning == PAST_THE_ORDER
    short = issued_call(at=ISSUED, set_due_on=date(2026, 11, 2))
    within = extended(under(short), by, before(date(2026, 11, 2), days=1), due_on=LAST_DAY)
    assert within.warning == ""


@pytest.mark.parametrize(
    ("due_on", "code"),
    [
        (LAST_DAY, "extension-earlier"),
        (date(2026, 12, 5), "extension-day"),
        (date(2026, 11, 26), "extension-day"),
        (date(2999, 1, 1), "extension-out-of-bounds"),
        (date(2072, 2, 12), "extension-far"),
    ],
)
def test_day_must_be_later_and_a_business_day_within_bounds(call, by, due_on, code):
    proposal = under(call)
    with pytest.raises(NotReady) as refusal:
        extended(proposal, by, before(LAST_DAY, days=1), due_on=due_on)
    assert codes(refusal) == {code}


def test_a_counted_closure_is_no_last_day(call, by):
    Closure.objects.create(day=LATER, authority="OPM memorandum", counts_as_holiday=True)
    with pytest.raises(NotReady) as refusal:
        extended(under(call), by, before(LAST_DAY, days=1))
    assert codes(refusal) == {"extension-day"}


def test_everything_missing_is_said_at_once(call, by):
    with pytest.raises(NotReady) as refusal:
        extended(under(call), by, end_of_day(date(2026, 12, 4)), reason=" ", legal_basis="")
    assert codes(refusal) == {"extension-passed", "extension-reason", "extension-basis"}


@pytest.mark.parametrize(
    "status", [ProposalStatus.WITHDRAWN, ProposalStatus.DESIGNATED, ProposalStatus.NOT_SELECTED]
)
def test_what_has_ended_is_given_no_time(call, by, status):
    with pytest.raises(WrongStatus):
        extended(under(call, status=status), by, before(LAST_DAY, days=1))


def test_cancelled_call_gives_no_time(call, by):
    proposal = under(call)
    type(call).objects.filter(pk=call.pk).update(cancelled_at=ISSUED, status="cancelled")
    with pytest.raises(NotReady) as refusal:
        extended(proposal, by, before(LAST_DAY, days=1))
    assert codes(refusal) == {"call-cancelled"}


def test_only_a_program_officer_who_has_no_part_in_it_gives_time(call, by):
    proposal = under(call)
    recused, inside = officer(), officer()
    RecusalFactory(proposal=proposal, user=recused)
    TeamMemberFactory(membership=proposal.consortium.anchor, user=inside)
    strangers = (representative_of(proposal), officer("auditor"), officer("reviewer"), recused, inside)
    for person in strangers:
        with pytest.raises(PermissionDenied):
            extended(proposal, person, before(LAST_DAY, days=1))
    assert extended(proposal, by, before(LAST_DAY, days=1)).made_by == by


def test_row_is_kept_as_it_was_written(call, by):
    given = extended(under(call), by, before(LAST_DAY, days=1))
    for change in (
        lambda: Extension.objects.filter(pk=given.pk).update(reason="Another"),
        lambda: Extension.objects.filter(pk=given.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="kept as they were written"), transaction.atomic():
            change()


# Asking for it


def test_request_tells_the_office_nothing_of_the_draft_and_is_answered_once(call, by):
    proposal = under(call, title="Secret stack")
    team = representative_of(proposal)
    with clock.moved_to(before(LAST_DAY, days=2)):
        request = services.ask_for_time(proposal, by=team, reason="Our representative is in hospital.")
        told = Notice.objects.get(kind="proposals.time_asked", recipient=by)
        assert "Secret" not in told.text + told.title
        with pytest.raises(NotReady) as refusal:
            services.ask_for_time(proposal, by=team, reason="Again.")
        assert codes(refusal) == {"asked-already"}
        services.grant_time(request, by=by, due_on=LATER, **WHY)
        for again in (
            lambda: services.grant_time(request, by=officer(), due_on=date(2026, 12, 11), **WHY),
            lambda: services.decline_time(request, by=officer(), answer="No."),
        ):
            with pytest.raises(WrongStatus):
                again()
    request.refresh_from_db()
    assert (request.status, request.answered_by) == (TimeRequestStatus.GRANTED, by)
    assert Extension.objects.get().request == request
    assert Proposal.objects.get(pk=proposal.pk).closes_at == end_of_day(LATER)


@pytest.mark.parametrize("why", ["withdrawn", "cancelled"])
def test_request_that_can_be_granted_no_more_is_not_declined(call, by, why):
    proposal = under(call)
    with clock.moved_to(before(LAST_DAY, days=2)):
        request = services.ask_for_time(proposal, by=representative_of(proposal), reason="We are late.")
        if why == "cancelled":
            cancel_call(call, by=by, reason="It is not needed.")
        else:
            Proposal.objects.filter(pk=proposal.pk).update(status=why)
        with pytest.raises(NotReady) as refusal:
            services.decline_time(request, by=by, answer="No.")
    assert codes(refusal) == {"call-cancelled" if why == "cancelled" else "time-over"}
    request.refresh_from_db()
    assert (request.status, request.answered_at) == (TimeRequestStatus.ASKED, None)
    assert not Notice.objects.filter(kind="proposals.time_declined").exists()


def test_declined_request_leaves_the_day_and_may_be_asked_again(call, by):
    proposal = under(call)
    team = representative_of(proposal)
    with clock.moved_to(before(LAST_DAY, days=2)):
        request = services.ask_for_time(proposal, by=team, reason="We are late.")
        with pytest.raises(NotReady):
            services.decline_time(request, by=by, answer=" ")
        services.decline_time(request, by=by, answer="All had the same time.")
        assert Proposal.objects.get(pk=proposal.pk).closes_at == call.closes_at
        told = Notice.objects.get(kind="proposals.time_declined")
        assert told.recipient == team and "All had the same time." in told.text
        assert services.ask_for_time(proposal, by=team, reason="Something new.").pk != request.pk


def test_only_the_anchors_people_ask(call):
    proposal = under(call)
    contributor = TeamMemberFactory(membership=proposal.consortium.anchor).user
    for person in (contributor, UserFactory(), officer()):
        with pytest.raises(PermissionDenied):
            services.ask_for_time(proposal, by=person, reason="Please.")


def test_register_shows_an_officer_nothing_of_their_own_or_recused(call, by):
    proposal = under(call)
    inside, recused = officer(), officer()
    with clock.moved_to(before(LAST_DAY, days=2)):
        request = services.ask_for_time(proposal, by=representative_of(proposal), reason="Please.")
    TeamMemberFactory(membership=proposal.consortium.anchor, user=inside)
    RecusalFactory(proposal=proposal, user=recused)
    people = {
        by: True, officer("auditor"): True, inside: False, recused: False, officer("reviewer"): False,
        representative_of(proposal): False,
    }  # fmt: skip
    for person, may in people.items():
        assert TimeRequest.objects.read_by_office(person).contains(request) == may
        answers = person.has_perm("proposals.grant_timerequest", request)
        assert answers == (may and person.holds("program_officer"))
    assert TimeRequest.objects.visible_to(representative_of(proposal)).contains(request)
    assert not TimeRequest.objects.visible_to(ConsortiumFactory().created_by).contains(request)


def test_request_tells_officers_in_office_who_have_no_part_in_it(call, by):
    proposal = under(call)
    inside, counsel, gone = officer(), officer(), officer()
    TeamMemberFactory(membership=proposal.consortium.anchor, user=inside)
    assign_perm("proposals.view_proposal", counsel, proposal)
    with clock.moved_to(before(LAST_DAY, days=2)):
        services.ask_for_time(proposal, by=representative_of(proposal), reason="Please.")
    told = Notice.objects.filter(kind="proposals.time_asked")
    people = {notice.recipient for notice in told}
    assert {by, gone} <= people and not {inside, counsel} & people
    gone.offices.all().delete()
    left = Delivery.objects.with_suppression().get(notice__recipient=gone, notice__in=told)
    assert withheld(left) == "The recipient no longer holds the office."


def test_time_given_from_the_proposals_page_answers_what_was_asked(call, by):
    proposal = under(call, status=ProposalStatus.SUBMITTED)
    team = representative_of(proposal)
    with clock.moved_to(before(LAST_DAY, days=2)):
        request = services.ask_for_time(proposal, by=team, reason="Please.")
    extended(proposal, by, before(LAST_DAY, days=1))
    request.refresh_from_db()
    assert (request.status, request.answered_by) == (TimeRequestStatus.GRANTED, by)
    assert Extension.objects.get().request == request
    with clock.moved_to(before(LATER, days=2)):
        with pytest.raises(WrongStatus):
            services.decline_time(request, by=by, answer="No.")
        assert services.ask_for_time(proposal, by=team, reason="Once more.").pk != request.pk


def test_what_may_be_given_time_is_what_an_officer_is_asked_to_answer(call):
    for status in ProposalStatus:
        request = TimeRequest.objects.create(
            proposal=under(call, status=status), reason="Please.", asked_by=UserFactory(),
            asked_at=clock.now(),
        )  # fmt: skip
        assert TimeRequest.objects.to_answer().contains(request) == (status in EXTEND.sources)


def test_closing_tells_no_team_whose_time_goes_on(call, by):
    proposal, other = under(call), under(call)
    extended(proposal, by, before(LAST_DAY, days=3))
    with clock.moved_to(end_of_day(LAST_DAY) + timedelta(minutes=2)):
        close_call(call, by=clock_account())
    told = Notice.objects.filter(kind="call-closed").values_list("recipient", flat=True)
    assert list(told) == [representative_of(other).pk]


def test_closing_tells_no_returned_team_while_it_may_still_correct(call, by):
    proposal, over = under(call, status=ProposalStatus.RETURNED), under(call, status=ProposalStatus.RETURNED)
    assert proposal.cure_due_at > end_of_day(LAST_DAY) + timedelta(minutes=2)
    Proposal.objects.filter(pk=over.pk).update(cure_due_at=end_of_day(LAST_DAY))
    with clock.moved_to(end_of_day(LAST_DAY) + timedelta(minutes=2)):
        close_call(call, by=clock_account())
    told = Notice.objects.filter(kind="call-closed").values_list("recipient", flat=True)
    assert list(told) == [representative_of(over).pk]


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_lapse_offers_more_time_only_where_it_is_given(call, is_cancelled):
    proposal = under(call)
    if is_cancelled:
        type(call).objects.filter(pk=call.pk).update(cancelled_at=ISSUED, status="cancelled")
    lapse_at(end_of_day(LAST_DAY) + timedelta(hours=1))
    told = Notice.objects.get(kind="proposals.lapsed").text
    assert ("was cancelled" in told, "ask for more time" in told) == (is_cancelled, not is_cancelled)
    proposal = Proposal.objects.select_related("call").get(pk=proposal.pk)
    explained = status_explained(proposal, at=end_of_day(LATER))
    assert ("ask for more time" in explained.moves) != is_cancelled
    assert ("cancelled" in explained.happens) == is_cancelled


# The pages


def test_team_asks_on_its_page_and_sees_the_answer(client, call, by):
    proposal = under(call)
    sign_in(client, representative_of(proposal))
    page = reverse("proposals:more-time", args=[proposal.pk])
    assert page in client.get(reverse("proposals:detail", args=[proposal.pk])).content.decode()
    assert client.post(page, {"reason": ""}).status_code == 422
    assert client.post(page, {"reason": "A flood."}).status_code == 302
    assert "has not answered your request yet" in client.get(page).content.decode()
    again = client.post(page, {"reason": "A flood, as I said in the other tab."})
    assert again.status_code == 422 and "What you typed was not saved" in again.text
    assert "A flood, as I said in the other tab." in again.text
    services.grant_time(TimeRequest.objects.get(), by=by, due_on=date(2027, 3, 1), **WHY)
    said = client.get(page).content.decode()
    assert "Monday, March 1, 2027" in said and WHY["reason"] in said and PAST_THE_ORDER in said


def test_draft_says_what_the_office_knows_of_it(client, call):
    proposal = under(call)
    sign_in(client, representative_of(proposal))
    pages = [reverse("proposals:detail", args=[proposal.pk]), "/proposals/"]

    def said():
        text = [" ".join(client.get(page).content.decode().split()) for page in pages]
        return [
            ("no government office can see it." in page, "knows that this draft exists" in page)
            for page in text
        ]

    with clock.moved_to(before(LAST_DAY, days=3)):
        assert said() == [(True, False)] * len(pages)
        services.ask_for_time(proposal, by=representative_of(proposal), reason="A flood.")
        assert said() == [(False, True)] * len(pages)


def test_page_is_closed_to_others(client, call):
    proposal = under(call)
    page = reverse("proposals:more-time", args=[proposal.pk])
    contributor = TeamMemberFactory(membership=proposal.consortium.anchor).user
    assert sign_in(client, contributor).post(page, {"reason": "Please."}).status_code == 403
    for person in (ConsortiumFactory().created_by, officer()):
        assert sign_in(client, person).get(page).status_code == 404


def test_calendar_file_ends_at_its_own_bound(client, call, by):
    proposal = under(call)
    extended(proposal, by, before(LAST_DAY, days=1))
    found = sign_in(client, representative_of(proposal)).get(
        reverse("proposals:calendar", args=[proposal.pk])
    )
    assert b"DTEND:20261205T050000Z" in found.content
    assert found["Content-Type"] == "text/calendar; charset=utf-8"


def stamps(content):
    """DTSTAMP and SEQUENCE of the one event of a calendar."""
    lines = content.decode().split("\r\n")
    (stamp,) = [line for line in lines if line.startswith("DTSTAMP:")]
    (sequence,) = [line for line in lines if line.startswith("SEQUENCE:")]
    return stamp, int(sequence.partition(":")[2])


def test_calendars_of_a_draft_and_of_its_call_are_stamped_anew_by_an_extension(client, places):
    call = issued_call()
    proposal = ProposalFactory(call=call)
    person, follower = representative_of(proposal), UserFactory()
    subscribe(call, by=follower)

    def all_three():
        own = sign_in(client, person).get(reverse("proposals:calendar", args=[proposal.pk])).content
        public = client.get(reverse("program:call-calendar", args=[call.number])).content
        return [stamps(each) for each in (own, public, file_of(follower), file_of(person))]

    seen = [all_three()]
    for days in (7, 14):
        later = next_business_day(call.due_on + timedelta(days=days), [])
        with clock.moved_to(clock.now() + timedelta(hours=days)):
            extend_call(call, by=officer(), due_on=later, summary="A week.", **WHY)
            Call.objects.filter(pk=call.pk).update(updated_at=clock.now())  # the host's clock is not moved
        seen.append(all_three())
    for before_it, after in pairwise(seen):
        assert all(new[1] > old[1] for old, new in zip(before_it, after, strict=True))
        assert len(set(after)) == 1

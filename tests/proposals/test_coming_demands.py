"""A call asks for something else from a later day on: drafts, answers, certifications, versions meanwhile."""

from __future__ import annotations

import json
from copy import copy
from datetime import timedelta

import pytest
from django.template.loader import render_to_string

from evaluation.checks import finds_on_every_mandatory_item
from program import clock
from program.clock_account import clock_account
from program.dates import dates_of
from program.deadlines import long_date, start_of_day
from program.models import Notice, Requirement
from program.services import calls
from program.services.demands import amend_requirements
from program.services.subscriptions import subscribe
from program.transitions import NotReady
from program.views.calendar import file_of
from proposals import schedule, services
from proposals.composition import compose, composed
from proposals.documents import package_facts
from proposals.models import Answer, LostCertification, Proposal, Recheck
from proposals.package_file import read_file, write_file
from proposals.progress import progress_of
from proposals.querysets import editors_of_working_copy
from proposals.services.rechecking import recheck_proposal
from tests.factories.program import RequirementFactory, drafted_call, issued_call, officer
from tests.factories.proposals import ProposalFactory, certified, representative_of, submitted

pytestmark = pytest.mark.django_db
INSTANT = timedelta(microseconds=1)
WORDS = {"summary": "A change.", "reason": "A reason."}


@pytest.fixture
def call():
    """A call that asks for a text, a choice and nothing else beyond the package."""
    draft = drafted_call()
    RequirementFactory(call=draft, code="reach", title="Reach", evidence_type="text", max_characters=100)
    RequirementFactory(
        call=draft, code="grid", title="Grid", evidence_type="choice", choices="On\nOff", is_mandatory=False
    )
    return issued_call(from_draft=draft)


@pytest.fixture
def day():
    return clock.today() + timedelta(days=10)


@pytest.fixture
def proposal(call):
    made = ProposalFactory(call=call, complete=True)
    answer(made, "reach", "To the coast.")
    return made


def sign_in(client, user):
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session["second_factor_verified"] = user.pk
    session.save()
    return client


def answer(proposal, code, text):
    row = proposal.call.requirements.get(code=code, demanded_to=None)
    return Answer.objects.create(proposal=proposal, requirement=row, text=text)


def new(code="upkeep", **facts):
    return Requirement(
        code=code,
        **{"title": "A plan of upkeep", "clause": "Program policy", "evidence_type": "text"} | facts,
    )


def changed(call, code, **facts):
    row = copy(call.requirements.get(code=code, demanded_to=None))
    for name, value in facts.items():
        setattr(row, name, value)
    return row


def amend(call, **facts):
    call.refresh_from_db()
    return amend_requirements(call, by=officer(), **WORDS | facts)


def on(day):
    return clock.moved_to(start_of_day(day))


def before(day):
    return clock.moved_to(start_of_day(day) - INSTANT)


def submit_again(proposal, by):
    """The same proposal as another process would submit it."""
    return services.submit_proposal(Proposal.objects.get(pk=proposal.pk), by=by)


def told(kind):
    return [notice.text for notice in Notice.objects.filter(kind=f"proposals.{kind}").order_by("pk")]


def codes(found):
    return [problem.code for problem in found.problems]


def answers_in(package):
    return [(row.requirement, row.title, row.text) for row in package.answers]


def test_version_is_judged_by_what_is_demanded_in_the_instant_of_its_receipt(call, proposal, day):
    by = representative_of(proposal)
    amend(call, added=[new()], effective_on=day)
    with before(day):
        certified(proposal)
    with on(day), pytest.raises(NotReady) as refusal:
        submit_again(proposal, by)
    assert codes(refusal.value) == ["missing-upkeep"]
    with before(day):
        version = submit_again(proposal, by)
    with on(day):
        proposal.refresh_from_db()
        found = {problem.code for problem in finds_on_every_mandatory_item(proposal)}
    assert ("not-found-reach" in found, "not-found-upkeep" in found) == (True, False)
    assert version.received_at == start_of_day(day) - INSTANT


def test_answer_that_is_given_before_the_day_stands_from_the_day_on(client, call, proposal, day):
    amend(call, added=[new(max_characters=40)], effective_on=day)
    page, by = f"/proposals/{proposal.pk}/requirements/", representative_of(proposal)
    client = sign_in(client, by)
    shown = client.get(page).text
    assert "New: A plan of upkeep" in shown and 'id="id_answer-upkeep-text"' in shown
    sha256 = compose(proposal).sha256
    saved = client.post(f"{page}answer-upkeep/", {"answer-upkeep-text": "For ten years.", "revision": ""})
    assert saved.status_code == 302
    again = client.post(f"{page}answer-upkeep/", {"answer-upkeep-text": "For five years.", "revision": "1"})
    assert (again.status_code, Answer.objects.get(requirement__code="upkeep").text) == (
        302,
        "For five years.",
    )
    assert compose(proposal).sha256 == sha256
    with before(day):
        version = submitted(proposal)
    assert [row.requirement for row in version.value.answers] == ["reach"]
    with on(day):
        assert answers_in(compose(proposal)) == [
            ("reach", "Reach", "To the coast."),
            ("upkeep", "A plan of upkeep", "For five years."),
        ]
        certified(proposal)
        second = services.resubmit_proposal(Proposal.objects.get(pk=proposal.pk), by=by)
    assert [row.requirement for row in second.value.answers] == ["reach", "upkeep"]


def test_only_who_may_edit_answers_a_coming_requirement(client, call, proposal, day):
    amend(call, added=[new()], effective_on=day)
    address = f"/proposals/{proposal.pk}/requirements/answer-upkeep/"
    typed = {"answer-upkeep-text": "Mine.", "revision": ""}
    stranger = ProposalFactory().created_by
    for reader in (stranger, officer()):
        assert sign_in(client, reader).post(address, typed).status_code == 404
    client = sign_in(client, representative_of(proposal))
    assert client.post(address.replace("upkeep", "unknown"), typed).status_code == 404
    amend(call, taken_back=[call.requirements.get(code="upkeep")])
    assert client.post(address, typed).status_code == 404
    assert not Answer.objects.filter(requirement__code="upkeep").exists()


def test_answer_is_kept_under_the_changed_requirement_where_it_fits(client, call, proposal, day):
    reach = changed(call, "reach", title="Reach by road", max_characters=5)
    grid = changed(call, "grid", evidence_type="text", choices="", is_mandatory=True)
    row = call.requirements.get(code="grid")
    Answer.objects.create(proposal=proposal, requirement=row, choice="On")
    amend(call, changed=[reach, grid], effective_on=day)
    assert answers_in(compose(proposal))[0] == ("reach", "Reach", "To the coast.")
    page = f"/proposals/{proposal.pk}/requirements/"
    client = sign_in(client, representative_of(proposal))
    shown = client.get(page).text
    assert f'href="{page}#id_answer-grid-text"' in shown and shown.count('id="id_answer-grid-text"') == 1
    assert "It is answered in another way from then on." in shown
    with on(day):
        assert answers_in(compose(proposal)) == [("reach", "Reach by road", "To the coast.")]
        found = progress_of(Proposal.objects.for_pages().get(pk=proposal.pk))
        assert codes(found) == ["too-long-reach", "missing-grid"]
        shown = client.get(page).text
        assert "To the coast." in shown and 'maxlength="5"' in shown
        assert 'You had answered:</p><p class="site-text">On</p>' in shown
        client.post(f"{page}answer-reach/", {"answer-reach-text": "Coast", "revision": "1"})
        client.post(f"{page}answer-grid/", {"answer-grid-text": "On, mostly.", "revision": ""})
        assert answers_in(compose(proposal)) == [
            ("reach", "Reach by road", "Coast"),
            ("grid", "Grid", "On, mostly."),
        ]
        assert progress_of(Proposal.objects.for_pages().get(pk=proposal.pk)).problems == []


def test_checklist_tells_what_is_missing_now_from_what_will_be(client, call, day):
    draft = ProposalFactory(call=call, complete=True)
    amend(call, added=[new()], withdrawn=[call.requirements.get(code="reach")], effective_on=day)
    amend(call, changed=[changed(call, "grid", is_mandatory=True)], effective_on=day + timedelta(days=1))
    found = progress_of(Proposal.objects.for_pages().get(pk=draft.pk))
    assert codes(found) == ["missing-reach"]
    assert [(each.day, codes(each)) for each in found.coming] == [
        (day, ["missing-upkeep"]),
        (day + timedelta(days=1), ["missing-grid"]),
    ]
    client = sign_in(client, representative_of(draft))
    for page in ("", "review-and-submit/", "requirements/"):
        shown = " ".join(client.get(f"/proposals/{draft.pk}/{page}").text.split())
        assert "Answer: Reach." in shown and "Answer: A plan of upkeep." in shown, page
    assert f"1 more thing is needed from {day:%B} {day.day}, {day.year}" in shown
    with on(day):
        found = progress_of(Proposal.objects.for_pages().get(pk=draft.pk))
        assert codes(found) == ["missing-upkeep"]


def test_team_is_told_first_what_will_be_missing_and_on_the_day_what_is(call, proposal, day):
    ready = ProposalFactory(call=call)
    amend(call, added=[new()], effective_on=day)
    answer(ready, "upkeep", "For five years.")
    later = ProposalFactory(call=call)
    assert [schedule.recheck_drafts() for _ in range(2)] == [2, 0]
    nothing = "From then on your draft will lack nothing that it does not lack now."
    coming = sorted(told("requirements_coming"))
    assert coming.pop().endswith(f"nothing changes. {nothing}")
    assert coming == [
        f"Amendment 1 changes the requirements from {long_date(day)} on; until then nothing changes. From "
        "then on your draft will also lack: A plan of upkeep."
    ]
    with before(day):
        assert schedule.recheck_drafts() == 0
    assert told("requirements_changed") == []
    answer(later, "upkeep", "For ten years.")
    with clock.moved_to(start_of_day(day) + timedelta(hours=30)):  # a beat that comes late
        assert [schedule.recheck_drafts() for _ in range(2)] == [3, 0]
    assert sorted(told("requirements_changed")) == [
        "Amendment 1 changed the requirements. Newly missing in your draft: A plan of upkeep.",
        "Amendment 1 changed the requirements. Your draft lacks nothing that it did not lack before.",
        "Amendment 1 changed the requirements. Your draft lacks nothing that it did not lack before.",
    ]
    assert set(Recheck.objects.values_list("proposal", "is_ahead")) == {
        (proposal.pk, True), (proposal.pk, False), (later.pk, False),
        (ready.pk, True), (ready.pk, False),
    }  # fmt: skip


def test_beat_that_slept_over_the_day_tells_what_is_and_not_what_will_be(call, proposal, day):
    amend(call, added=[new()], effective_on=day)
    with on(day):
        assert [schedule.recheck_drafts() for _ in range(2)] == [1, 0]
    assert (len(told("requirements_coming")), len(told("requirements_changed"))) == (0, 1)


def test_change_that_was_taken_back_is_told_and_not_told_on_its_day(call, proposal, day):
    first = amend(call, added=[new()], effective_on=day)
    schedule.recheck_drafts()
    amend(call, taken_back=[call.requirements.get(code="upkeep")])
    schedule.recheck_drafts()
    assert told("requirements_changed") == [
        "Amendment 2 changed the requirements. Your draft lacks nothing that it did not lack before. What "
        "was announced does not come: A plan of upkeep."
    ]
    with on(day):
        assert schedule.recheck_drafts() == 0
    assert not Recheck.objects.filter(amendment=first, is_ahead=False).exists()


def test_amendments_of_one_day_are_told_of_together(call, proposal, day):
    amend(call, added=[new()], effective_on=day)
    amend(call, added=[new("water", title="Water")], effective_on=day)
    with on(day):
        assert [schedule.recheck_drafts() for _ in range(2)] == [1, 0]
    assert told("requirements_changed") == [
        "Amendment 1 and 2 changed the requirements. Newly missing in your draft: A plan of upkeep; Water."
    ]


def test_call_that_is_cancelled_or_extended_meanwhile(call, proposal, day):
    amendment = amend(call, added=[new()], effective_on=day)
    call.refresh_from_db()
    due_on = call.due_on + timedelta(days=7)
    calls.extend_call(call, by=officer(), due_on=due_on, legal_basis="A basis.", **WORDS)
    with before(day):
        assert recheck_proposal(proposal, by=clock_account(), amendment=amendment) is not None
    calls.cancel_call(call, by=officer(), reason="It is not needed.")
    assert progress_of(Proposal.objects.for_pages().get(pk=proposal.pk)).coming == []
    with on(day):
        assert schedule.recheck_drafts() == 0
    assert told("requirements_changed") == []


@pytest.mark.parametrize("is_renamed", [True, False])
def test_certification_is_lost_on_the_day_where_the_content_changes_and_stands_elsewhere(
    call, proposal, day, is_renamed
):
    facts = {"title": "Reach by road"} if is_renamed else {"guidance": "By road."}
    amend(call, changed=[changed(call, "reach", **facts)], effective_on=day)
    certified(proposal)
    with before(day):
        assert schedule.note_lost_certifications() == 0
    with on(day):
        assert schedule.note_lost_certifications() == is_renamed
        if is_renamed:
            loss = Notice.objects.get(
                kind="proposals.certification_lost", recipient=representative_of(proposal)
            )
            assert "amendment 1 of the call changed what it asks" in loss.text
            with pytest.raises(NotReady) as refusal:
                submit_again(proposal, representative_of(proposal))
            assert codes(refusal.value) == ["certification"]
        else:
            submit_again(proposal, representative_of(proposal))
    assert LostCertification.objects.exists() is is_renamed


def test_replaced_announcement_keeps_what_was_answered_to_it(call, proposal, day):
    amend(call, added=[new()], effective_on=day)
    answer(proposal, "upkeep", "For ten years.")
    amend(call, changed=[changed(call, "upkeep", title="Upkeep and spares")], effective_on=day)
    with before(day):
        assert [row.requirement for row in compose(proposal).answers] == ["reach"]
    with on(day):
        assert answers_in(compose(proposal))[1] == ("upkeep", "Upkeep and spares", "For ten years.")


def test_pages_of_a_draft_ask_as_much_with_one_change_to_come_as_with_three(
    client, call, proposal, day, django_assert_max_num_queries
):
    client = sign_in(client, representative_of(proposal))
    page, counts = f"/proposals/{proposal.pk}/requirements/", []
    client.get(page)
    for number in (1, 3):
        amend(call, added=[new(f"plan-{number}-{each}") for each in range(number)], effective_on=day)
        client.get(page)
        with django_assert_max_num_queries(200) as asked:
            client.get(page)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_file_is_taken_over_into_the_answer_that_stands(call, proposal, day):
    by, second = representative_of(proposal), day + timedelta(days=1)
    row = call.requirements.get(code="grid")
    old = Answer.objects.create(proposal=proposal, requirement=row, choice="On")
    amend(call, changed=[changed(call, "grid", evidence_type="text", choices="")], effective_on=day)
    with on(day):
        other = answer(proposal, "grid", "On, mostly.")
        assert answers_in(compose(proposal))[1] == ("grid", "Grid", "On, mostly.")
        back = changed(call, "grid", evidence_type="choice", choices="On\nOff")
        amend(call, changed=[back], effective_on=second)
    with on(second):
        data = json.loads(write_file(compose(proposal), proposal=proposal.pk, at=clock.now()))
        assert [(given["text"], given["choice"]) for given in data["answers"]] == [
            ("To the coast.", ""),
            ("", "On"),
        ]
        data["answers"][0]["text"], data["answers"][1]["choice"] = "To the hills.", "Off"
        file = read_file(json.dumps(data).encode())
        kept = services.keep_upload(proposal, file, by=by, name="package.json")
        services.import_package(kept, by=by, shown_sha256=compose(proposal).sha256)
        assert answers_in(compose(proposal))[0] == ("reach", "Reach", "To the hills.")
    old.refresh_from_db()
    other.refresh_from_db()
    assert (old.choice, other.choice, other.text) == ("Off", "", "On, mostly.")


def test_answer_to_what_came_later_did_not_stand_before(call, day):
    draft = ProposalFactory(call=call)
    amend(call, changed=[changed(call, "reach", title="Reach by road")], effective_on=day)
    with on(day):
        answer(draft, "reach", "To the coast.")
    working = Proposal.objects.for_detail().get(pk=draft.pk)
    moments = (start_of_day(day) - INSTANT, start_of_day(day))
    assert [len(composed(working, at=moment).answers) for moment in moments] == [0, 1]


def test_early_answer_bears_its_mark_from_the_first_moment_in_every_channel(client, call, proposal, day):
    by = representative_of(proposal)
    amend(call, added=[new()], effective_on=day)
    client, page = sign_in(client, by), f"/proposals/{proposal.pk}/requirements/"
    data = {"part": "requirements", "row_key": "", "mark-place": "answer-upkeep|",
            "mark-mark": "business_confidential", "mark-justification": ""}  # fmt: skip
    assert client.post(f"/proposals/{proposal.pk}/marks/", data).status_code == 422  # nothing is answered
    answer(proposal, "upkeep", "Spares from one plant.")
    sha256 = compose(proposal).sha256
    assert client.post(f"/proposals/{proposal.pk}/marks/", data).status_code == 302
    assert compose(proposal).sha256 == sha256 and not compose(proposal).markings
    found = progress_of(Proposal.objects.for_pages().get(pk=proposal.pk))
    assert [codes(each) for each in found.coming] == [["mark-justification"]]
    shown = client.get(page).text
    assert "Confidentiality (1 mark)" in shown and "Say why" in shown
    assert shown.count("A plan of upkeep</strong>") == 1
    marking = proposal.markings.get()
    why = {f"marking-{marking.pk}-mark": "business_confidential", "revision": marking.revision,
           f"marking-{marking.pk}-justification": "A rival would learn the plant."}  # fmt: skip
    assert client.post(f"/proposals/{proposal.pk}/marks/{marking.pk}/", why).status_code == 302
    with before(day):
        assert not submitted(proposal).value.markings
    with on(day):
        working = compose(proposal)
        assert [(mark.row, mark.justification) for mark in working.markings] == [
            ("answer-upkeep", "A rival would learn the plant.")
        ]
        file = json.loads(write_file(working, proposal=proposal.pk, at=clock.now()))
        assert [mark["row"] for mark in file["markings"]] == ["answer-upkeep"]
        certified(proposal)
        version = services.resubmit_proposal(Proposal.objects.get(pk=proposal.pk), by=by)
        shown = client.get(f"/proposals/{proposal.pk}/versions/{version.number}/").text
        printed = render_to_string("pdf/package.html", package_facts(version))
        for text in (shown, printed):
            assert "A rival would learn the plant." in text
        assert "A plan of upkeep" in dict(package_facts(version)["marked_parts"])["requirements"]


def test_one_that_will_be_answered_in_another_way_has_a_second_answer_before_its_day(
    client, call, proposal, day
):
    by, row = representative_of(proposal), call.requirements.get(code="grid")
    Answer.objects.create(proposal=proposal, requirement=row, choice="On")
    amend(call, changed=[changed(call, "grid", evidence_type="text", choices="")], effective_on=day)
    later = call.requirements.get(code="grid", demanded_to=None)
    client, page = sign_in(client, by), f"/proposals/{proposal.pk}/requirements/"
    sha256, address = compose(proposal).sha256, f"{page}later-{later.pk}/"
    typed = {f"later-{later.pk}-text": "On, mostly.", "revision": "0"}
    saved = client.post(address, typed)
    assert (saved.status_code, saved.url) == (302, f"{page}#later-{later.pk}")
    stale = client.post(address, typed | {f"later-{later.pk}-text": "Off."})
    assert "On, mostly." in stale.text and "Theirs" in stale.text
    again = client.post(address, typed | {"revision": "1", f"later-{later.pk}-text": "On at night."})
    assert again.status_code == 302
    client.post(f"{page}answer-grid/", {"answer-grid-choice": "Off", "revision": "1"})
    shown = client.get(page).text
    assert "On at night." in shown and '<option value="Off" selected>' in shown
    assert compose(proposal).sha256 != sha256
    with before(day):
        version = submitted(proposal)
    assert [(given.choice, given.text) for given in version.value.answers][1] == ("Off", "")
    with on(day):
        found = compose(proposal).answers[1]
        assert (found.choice, found.text) == ("", "On at night.")
        assert progress_of(Proposal.objects.for_pages().get(pk=proposal.pk)).problems == []
        assert client.post(address, typed).status_code == 404
        assert "On at night." in client.get(page).text
    amend(call, taken_back=[later])
    assert client.post(address, typed | {"revision": "2"}).status_code == 404
    assert "On at night." not in client.get(page).text


def test_only_who_may_edit_answers_in_the_way_to_come(client, call, proposal, day):
    grid = changed(call, "grid", evidence_type="number", choices="")
    amend(call, changed=[grid, changed(call, "reach", title="Reach by road")], effective_on=day)
    rows = {row.code: row.pk for row in call.requirements.filter(demanded_to=None)}
    page = f"/proposals/{proposal.pk}/requirements"
    typed = {f"later-{rows['grid']}-number": "7", "revision": "0"}
    for reader in (ProposalFactory().created_by, officer()):
        assert sign_in(client, reader).post(f"{page}/later-{rows['grid']}/", typed).status_code == 404
    client = sign_in(client, representative_of(proposal))
    for pk in (rows["reach"], 999999):  # one that stays answered as it is, and none
        assert client.post(f"{page}/later-{pk}/", typed).status_code == 404
    assert client.post(f"{page}/later-{rows['grid']}/remove/", {"revision": "0"}).status_code == 404
    wrong = client.post(f"{page}/later-{rows['grid']}/", typed | {f"later-{rows['grid']}-number": "many"})
    assert 'value="many"' in wrong.text and "Give a number, such as" in wrong.text
    assert not Answer.objects.filter(requirement__code="grid").exists()


def near(call):
    """Who was told how long before the call asks for something else."""
    found = Notice.objects.filter(kind="proposals.demands_near").order_by("pk")
    return [(notice.recipient_id, notice.title.split(" until")[0]) for notice in found]


def test_team_is_reminded_of_what_it_does_not_answer_yet_once_for_each_step(call, proposal):
    far = clock.today() + timedelta(days=40)
    ready = ProposalFactory(call=call, complete=True)
    answer(ready, "reach", "To the coast.")
    amend(call, added=[new(), new("water", title="Water")], effective_on=far)
    for one, codes_answered in ((proposal, ["water"]), (ready, ["upkeep", "water"])):
        for code in codes_answered:
            answer(one, code, "Words.")
    told_on, told_before = {}, 0
    for hours in range(0, 41 * 24, 12):
        with clock.moved_to(start_of_day(far - timedelta(days=40)) + timedelta(hours=hours + 5)):
            schedule.remind_teams()
            schedule.remind_teams()
            if new_ones := near(call)[told_before:]:
                told_on[hours // 24] = {left for _, left in new_ones}
                told_before += len(new_ones)
    days_left = {10: "30 days", 26: "14 days", 33: "7 days", 37: "3 days", 39: "19 hours"}
    assert told_on == {on_day: {left} for on_day, left in days_left.items()}
    assert len(set(near(call))) == len(near(call))
    team = {user.pk for user in editors_of_working_copy(proposal)}
    assert {reader for reader, _ in near(call)} == team
    text = Notice.objects.filter(kind="proposals.demands_near").first().text
    assert f"From {long_date(far)} on" in text and "A plan of upkeep" in text and "Water" not in text


def test_nobody_is_reminded_of_a_step_that_lay_behind_or_of_what_was_taken_back(call, proposal, day):
    amend(call, added=[new()], effective_on=day)
    schedule.remind_teams()
    assert near(call) == []  # ten days before: the step of fourteen lay behind
    moved = day + timedelta(days=5)
    amend(call, taken_back=[call.requirements.get(code="upkeep")])
    amend(call, added=[new()], effective_on=moved)
    with clock.moved_to(start_of_day(moved) - timedelta(days=7)):
        schedule.remind_teams()
    assert [left for _, left in near(call)] == ["7 days"]
    amend(call, taken_back=[call.requirements.get(code="upkeep", demanded_to=None)])
    with clock.moved_to(start_of_day(moved) - timedelta(days=1)):
        schedule.remind_teams()
    assert len(near(call)) == 1


def test_two_days_of_one_call_are_each_reminded_of(call, proposal, day):
    amend(call, added=[new()], effective_on=day)
    amend(call, added=[new("water", title="Water")], effective_on=day + timedelta(days=2))
    with clock.moved_to(start_of_day(day) - timedelta(days=1)):
        assert [schedule.remind_teams() for _ in range(2)] == [2, 0]
    assert sorted(left for _, left in near(call)) == ["1 day", "3 days"]
    texts = told("demands_near")
    assert sorted("Water" in text for text in texts) == [False, True]


def test_coming_days_stand_in_the_calendars_of_the_team_and_of_followers_each_once(
    client, call, proposal, day
):
    by, follower = representative_of(proposal), officer()
    for person in (follower, by):
        subscribe(call, by=person)
    stranger = ProposalFactory().created_by
    amend(call, added=[new()], effective_on=day)
    second = amend(call, added=[new("water")], effective_on=day + timedelta(days=1))

    def days(user):
        return [(due.url, due.at) for due in dates_of(user) if "requirements change" in due.title]

    at, later = start_of_day(day), start_of_day(day + timedelta(days=1))
    page, public = f"/proposals/{proposal.pk}/requirements/", f"/calls/{call.number}/"
    assert days(by) == [(page, at), (page, later)]
    assert days(follower) == [(public, at), (public, later)]
    assert days(stranger) == []
    shown = file_of(by).decode().replace("\r\n ", "")
    assert shown.count(f"{call.number}: last day before its requirements change\r\nDESCRIPTION") == 2
    amend(call, taken_back=[second.added.get()])
    assert days(by) == [(page, at)]
    with on(day):
        assert days(by) == [] == days(follower)

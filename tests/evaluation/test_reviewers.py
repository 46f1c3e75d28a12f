"""Reviewers of an agency: what is said of them, what lies open with them, where some are lacking."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from evaluation import services
from evaluation.models import Referral, ReviewerProfile, ReviewersNeeded
from evaluation.workload import needs_of, rooms_of
from program import clock
from program.enums import OfficeRole
from program.models import Agency, AuditEvent
from program.revisions import StaleRevision
from program.transitions import NotReady
from tests.evaluation.pages import page, press
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.statements import statements

pytestmark = pytest.mark.django_db


def assigning(client, lead, proposal, person, **more):
    facts = {"agency": lead.offices.get().agency_id, "reviewer": person.pk, **more}
    sent = {f"assign-{name}": value for name, value in facts.items()}
    return press(client, lead, "reviewer-assign", proposal.number, **sent)


def test_by_hand_who_is_full_gets_one_more_only_once_it_is_confirmed(client, state):
    lead, full, other = make.lead(), make.reviewer(), make.reviewer()
    for person in (full, other):
        services.describe_reviewer(person, agency=state, by=lead, capacity=1, expertise=[], revision=0)
    first, second = make.accepted(), make.accepted()
    assert "anyway" not in page(client, lead, "assignments", first.number).context["assign_form"].fields
    assert assigning(client, lead, first, full).status_code == 302
    asked = assigning(client, lead, second, full)
    form = asked.context["assign_form"]
    assert asked.status_code == 422 and form.errors["anyway"] == [
        f"{full} has 1 open review and may have 1 at a time. Choose somebody else, or confirm that they get "
        "one more."
    ]
    assert f"Assign {full} all the same" in asked.text and not form["anyway"].value()
    assert f'value="{full.pk}"' in str(form["anyway"])
    assert load(full, state)[0] == 1
    assigning(client, lead, first, other)
    assert assigning(client, lead, second, other, anyway=full.pk).status_code == 422
    assert load(other, state)[0] == 1
    assert assigning(client, lead, second, full, anyway=full.pk).status_code == 302
    assert load(full, state)[0] == 2
    twice = assigning(client, lead, second, full, anyway=full.pk)
    assert twice.status_code == 422 and "anyway" not in twice.context["assign_form"].fields
    assert "is already assigned" in twice.text


def test_who_has_room_is_assigned_without_a_question(client, state):
    lead, person, proposal = make.lead(), make.reviewer(), make.accepted()
    assert assigning(client, lead, proposal, person).status_code == 302
    services.describe_reviewer(person, agency=state, by=lead, capacity=0, expertise=[], revision=0)
    asked = assigning(client, lead, make.accepted(), person, agency="")
    assert asked.status_code == 422 and "anyway" not in asked.context["assign_form"].fields


@pytest.fixture
def state(db):
    return {agency.code: agency for agency in make.five_agencies()}["STATE"]


def load(person, agency):
    (room,) = rooms_of([agency])
    found = next(each for each in room.reviewers if each.person == person)
    return found.open, found.due_soon, found.late


def test_the_lead_and_the_program_office_describe_a_reviewer_on_the_record(state):
    person, lead, desk = make.reviewer(), make.lead(), officer()

    said = services.describe_reviewer(
        person, agency=state, by=lead, capacity=4, expertise=["healthcare", "hardware"], revision=0
    )

    assert (said.capacity, said.expertise, said.revision) == (4, ["hardware", "healthcare"], 1)
    services.describe_reviewer(
        person,
        agency=state,
        by=desk,
        capacity=None,
        expertise=["models"],
        named_for=["education"],
        revision=1,
    )
    said.refresh_from_db()
    assert (said.capacity, said.expertise, said.named_for) == (None, ["models"], ["education"])
    first, second = AuditEvent.objects.of(said)
    assert (first.act, first.actor, first.said["after"]["capacity"]) == ("reviewerprofile.change", lead, 4)
    assert second.said["before"]["expertise"] == ["Hardware and infrastructure", "Healthcare"]
    assert second.said["after"]["goes_first_for"] == ["Education"]


def test_nothing_is_written_twice_and_nobody_writes_over_another(state):
    person, lead = make.reviewer(), make.lead()
    said = {"agency": state, "by": lead, "capacity": 4, "expertise": ["models"]}
    services.describe_reviewer(person, **said, revision=0)

    with pytest.raises(StaleRevision):
        services.describe_reviewer(person, **{**said, "capacity": 5}, revision=0)
    services.describe_reviewer(person, **said, revision=1)

    profile = ReviewerProfile.objects.get()
    assert (profile.capacity, profile.revision) == (4, 1)
    assert AuditEvent.objects.of(profile).count() == 1


@pytest.mark.parametrize(
    "who",
    [lambda: make.lead("DOE"), make.reviewer, lambda: officer(OfficeRole.AUDITOR), make.decision_official],
)
def test_nobody_else_describes_a_reviewer_or_says_what_a_call_needs(client, state, who):
    person, other, call = make.reviewer(), who(), make.at_intake().call
    with pytest.raises(PermissionDenied):
        services.describe_reviewer(person, agency=state, by=other, capacity=1, expertise=[])
    with pytest.raises(PermissionDenied):
        services.set_reviewers_needed(call, agency=state, number=2, by=other)
    refused = press(client, other, "reviewer", "STATE", person.pk, revision=0)
    assert refused.status_code in (403, 404)
    refused = press(client, other, "reviewers-needed", agency="STATE", call=call.number, number=2)
    assert refused.status_code in (403, 404)
    assert not ReviewerProfile.objects.exists() and not ReviewersNeeded.objects.exists()


def test_a_lead_makes_no_standing_rule(client, state):
    person, lead = make.reviewer(), make.lead()
    with pytest.raises(PermissionDenied):
        services.describe_reviewer(
            person, agency=state, by=lead, capacity=1, expertise=[], named_for=["models"]
        )
    services.describe_reviewer(
        person, agency=state, by=officer(), capacity=1, expertise=[], named_for=["models"]
    )
    shown = page(client, lead, "reviewer", "STATE", person.pk)
    assert "goes first for: AI models and systems" in shown.text and 'name="named_for"' not in shown.text
    press(
        client, lead, "reviewer", "STATE", person.pk, capacity=2, layers=["data"], sectors=["education"],
        named_for=["data"], revision=1,
    )  # fmt: skip
    said = ReviewerProfile.objects.get()
    assert (said.capacity, said.expertise, said.named_for) == (2, ["data", "education"], ["models"])


def test_only_reviewers_of_the_agency_are_described(client, state):
    stranger = make.reviewer("DOE")
    with pytest.raises(NotReady):
        services.describe_reviewer(stranger, agency=state, by=officer(), capacity=1, expertise=[])
    assert page(client, officer(), "reviewer", "STATE", stranger.pk).status_code == 404


def test_form_refuses_what_cannot_be_and_tells_who_was_overtaken(client, state):
    person, lead = make.reviewer(), make.lead()
    many = press(client, lead, "reviewer", "STATE", person.pk, capacity=51, revision=0)
    unknown = press(client, lead, "reviewer", "STATE", person.pk, layers=["sorcery"], revision=0)
    assert (many.status_code, unknown.status_code) == (422, 422)
    assert not ReviewerProfile.objects.exists()
    press(client, lead, "reviewer", "STATE", person.pk, capacity=3, revision=0)
    late = press(client, lead, "reviewer", "STATE", person.pk, capacity=9, layers=["data"], revision=0)
    assert (late.status_code, ReviewerProfile.objects.get().capacity) == (409, 3)
    assert ("9", "3") in [(each["yours"], each["theirs"]) for each in late.context["both"]]
    form = late.context["form"]
    assert (form["layers"].value(), form["revision"].value()) == (["data"], "1")
    press(client, lead, "reviewer", "STATE", person.pk, capacity=9, layers=["data"], revision=1)
    assert ReviewerProfile.objects.get().capacity == 9


def test_load_counts_what_is_open_due_soon_and_late(state):
    person, now = make.reviewer(), clock.now()
    proposals = [make.accepted() for _ in range(5)]
    for proposal in proposals:
        assignment = make.assigned(proposal, person=person)
    assert load(person, state) == (5, 0, 0)
    due = {0: {"due_at": now + timedelta(days=3)}, 1: {"due_at": now - timedelta(minutes=1)}}
    due[2] = {"due_at": now - timedelta(days=2), "paused_at": now - timedelta(days=9)}
    for number, facts in due.items():
        Referral.objects.filter(pk=make.referral_of(proposals[number]).pk).update(**facts)
    make.filed(proposals[3], "STATE")
    assert load(person, state) == (4, 1, 1)
    services.submit_review(make.filled_review(assignment), by=person)
    assert load(person, state) == (3, 1, 1)


def test_page_shows_each_only_their_agencies(client, state):
    ours, theirs = make.reviewer("STATE"), make.reviewer("DOE")
    services.describe_reviewer(ours, agency=state, by=officer(), capacity=0, expertise=["security"])
    seen = {
        "lead": page(client, make.lead(), "reviewers").text,
        "desk": page(client, officer(), "reviewers").text,
        "auditor": page(client, officer(OfficeRole.AUDITOR), "reviewers").text,
    }
    assert [ours.name in text for text in seen.values()] == [True, True, True]
    assert [theirs.name in text for text in seen.values()] == [False, True, True]
    assert "Security and cybersecurity" in seen["lead"] and "Full" in seen["lead"]
    assert [f"/desk/reviewers/STATE/{ours.pk}/" in text for text in seen.values()] == [True, True, False]
    assert page(client, ours, "reviewers").status_code == 403
    kept = page(client, make.lead(), "reviewers-export", "csv")
    assert ours.email in kept.text and theirs.email not in kept.text
    assert page(client, ours, "reviewers-export", "csv").status_code == 403
    assert page(client, officer(), "reviewers-export", "pdf").status_code == 404
    assert "/desk/reviewers/" in page(client, make.lead(), "desk").text


def test_needs_say_where_reviewers_are_lacking(client, state):
    proposal, lead = make.accepted(), make.lead()
    (need,) = needs_of(lead, [state])
    assert (need.call, need.needed, need.proposals, need.lacking) == (proposal.call, 1, 1, 1)
    gone = make.assigned(proposal)
    assert needs_of(lead, [state])[0].lacking == 0

    press(client, lead, "reviewers-needed", agency="STATE", call=proposal.call.number, number=2)

    needed = ReviewersNeeded.objects.get()
    assert (needed.number, needs_of(lead, [state])[0].lacking) == (2, 1)
    event = AuditEvent.objects.of(needed).get()
    assert (event.said["before"]["number"], event.said["after"]["number"]) == (1, 2)
    press(client, lead, "reviewers-needed", agency="STATE", call=proposal.call.number, number=2)
    assert AuditEvent.objects.of(needed).count() == 1
    refused = press(client, lead, "reviewers-needed", agency="STATE", call=proposal.call.number, number=10)
    assert (refused.status_code, ReviewersNeeded.objects.get().number) == (422, 2)
    press(client, lead, "reviewers-needed", agency="STATE", call=proposal.call.number, number=1)
    gone.reviewer.offices.update(effective_from="2020-01-01", effective_to="2021-01-01")
    assert needs_of(lead, [state])[0].lacking == 1


def test_page_costs_the_same_for_one_reviewer_and_for_three(client, warm, state):
    desk, costs = officer(), []
    for more in (1, 2):
        for _ in range(more):
            make.assigned(make.accepted(), by=desk)
            services.describe_reviewer(make.reviewer(), agency=state, by=desk, capacity=3, expertise=["data"])
        page(client, desk, "reviewers")
        with statements() as sent:
            assert page(client, desk, "reviewers").status_code == 200
        costs.append(len(sent))
    assert costs[0] == costs[1], costs
    assert Agency.objects.filter(is_evaluating=True).count() == 5

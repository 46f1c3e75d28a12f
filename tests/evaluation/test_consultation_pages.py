"""The pages of a consultation: positions filed, refused and hidden, and how each consultation ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.models import Referral
from evaluation.schedule import end_left_referrals, lapse_due_referrals
from program import clock, moments
from program.models import Agency, Criterion, Notice, User
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import OfficeFactory, officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def test_the_lead_reads_the_spread_on_a_telephone_too(client):
    proposal, lead = make.accepted(), make.lead()
    review = make.filled_review(make.assigned(proposal))
    services.submit_review(review, by=review.reviewer)
    shown = page(client, lead, "position", make.referral_of(proposal).pk).text
    table = shown[shown.index("usa-table--stacked") : shown.index("</table>")]
    body = table[table.index("<tbody>") :]
    for name in ("Criterion", "Sheets", "Median", "Mean", "Spread"):
        assert f'data-label="{name}"' in body, name
    assert "4 to 4" in body


def test_position_page_of_a_replaced_version_says_so_and_has_no_form(client):
    proposal = make.accepted()
    make.filed(proposal, "STATE")
    old, person = make.referral_of(proposal), make.lead()
    assert page(client, person, "position", old.pk).context["can_file"]
    make.resubmitted(proposal)
    shown = page(client, person, "position", old.pk)
    assert not shown.context["can_file"]
    assert b"once the Program office has accepted it at intake" in shown.content
    assert b"The position that stands" not in shown.content


def test_consultation_of_a_proposal_that_is_over_is_not_opened_again(client):
    desk, proposal = officer(), make.accepted()
    Referral.objects.update(status="lapsed", lapsed_at=clock.now())
    assert b"Open again" in page(client, desk, "proposal", proposal.number).content
    withdraw_proposal(proposal, by=representative_of(proposal), note="A member left.")
    shown = page(client, desk, "proposal", proposal.number).content
    assert (b"Open again" in shown, b"Ask a question" in shown) == (False, False)


def test_position_page_files_and_refuses(client, freshly_signed_in):
    proposal = make.accepted()
    referral, lead = make.referral_of(proposal), make.lead()
    assert page(client, lead, "position", referral.pk).status_code == 200
    refused = press(client, lead, "position-file", referral.pk, stance="object")
    assert refused.status_code == 422
    assert b"Give the reasons" in refused.content

    assert (
        press(client, lead, "position-file", referral.pk, stance="support", rationale="Yes.").status_code
        == 302
    )

    referral.refresh_from_db()
    assert referral.position.stance == "support"


def test_position_page_offers_no_form_after_its_time_and_keeps_what_came_late(client, freshly_signed_in):
    referral, lead = make.referral_of(make.accepted()), make.lead()
    action = reverse("evaluation:position-file", args=[referral.pk])
    with clock.moved_to(referral.due_at - timedelta(seconds=1)):
        before = page(client, lead, "position", referral.pk).text
    with clock.moved_to(referral.due_at):
        after = page(client, lead, "position", referral.pk).text
        late = press(
            client, lead, "position-file", referral.pk, stance="support", rationale="Typed for long."
        )
    assert (action in before, action in after) == (True, False)
    over = "The time for a position is over. The Program office can open the consultation again."
    assert f'site-deadline__left">{over}' in after and f'site-deadline__left">{over}' not in before
    assert late.status_code == 422
    assert "The time for a position ended" in late.text and "Typed for long." in late.text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("lapsed", "The time for this position ended on {day}. The Program office can open"),
        ("acknowledged", "{agency} has acknowledged receipt already."),
        ("answered", "{agency} has filed its position already."),
        ("ended", "The consultation has ended: nothing is asked of the agency any more."),
    ],
)  # fmt: skip
def test_who_comes_too_late_to_a_consultation_reads_why_in_words(client, status, words):
    referral, lead = make.referral_of(make.accepted()), make.lead()
    ended = clock.now().replace(hour=5, minute=0, second=0, microsecond=0)
    Referral.objects.filter(pk=referral.pk).update(
        status=status, due_at=ended, lapsed_at=ended, ended_at=ended, answered_at=ended
    )
    sign_in(client, lead)
    action = reverse("evaluation:referral-acknowledge", args=[referral.pk])
    told = client.post(action, follow=True).text
    day = moments.day(moments.last_minute(ended))
    assert f"“Acknowledge receipt” was not done. {words.format(day=day, agency=referral.agency)}" in told
    assert "starts only from" not in told and "No response”" not in told


def test_a_lead_who_owes_a_sheet_reads_no_scores_before_it_is_in(client):
    lead, proposal = make.lead("STATE"), make.accepted()
    OfficeFactory(user=lead, role="reviewer", agency=Agency.objects.get(code="STATE"))
    lead = User.objects.get(pk=lead.pk)
    owed, other = make.assigned(proposal, person=lead), make.assigned(proposal)
    services.submit_review(make.filled_review(other), by=other.reviewer)
    referral = make.referral_of(proposal)
    before = page(client, lead, "position", referral.pk)
    unbound = page(client, make.lead("STATE"), "position", referral.pk)
    services.submit_review(make.filled_review(owed), by=lead)
    after = page(client, lead, "position", referral.pk)
    asked = proposal.call.criteria.count()
    assert [len(shown.context["scores"]) for shown in (before, unbound, after)] == [0, asked, asked]
    said = [b"once your own review is in" in shown.content for shown in (before, unbound, after)]
    assert said == [True, False, False]


def test_disagreement_is_marked_by_the_scale_of_its_criterion(client):
    desk, proposal = officer(), make.accepted()
    for value in (2, 4):
        assignment = make.assigned(proposal)
        services.submit_review(make.filled_review(assignment, value=value), by=assignment.reviewer)
    shown = page(client, desk, "proposal", proposal.number).content.decode()
    of_lead = page(client, make.lead("STATE"), "position", make.referral_of(proposal).pk).content.decode()
    Criterion.objects.update(lowest=0, highest=10)
    wider = page(client, desk, "proposal", proposal.number).content.decode()
    assert [text.count("Disagreement") for text in (shown, of_lead, wider)] == [
        proposal.call.criteria.count(), proposal.call.criteria.count(), 0,
    ]  # fmt: skip


def test_reviewer_reads_why_positions_are_hidden_and_the_same_count_in_the_queue(client):
    proposal = make.accepted()
    reviewer, lead = make.assigned(proposal).reviewer, make.lead()
    make.filed(proposal, "DOE")
    make.filed(proposal, "STATE")

    shown = page(client, reviewer, "proposal", proposal.number)

    assert [(c.agency, c.state, c.note) for c in shown.context["columns"]] == [
        (str(make.referral_of(proposal).agency), "Answered", "Read by the agencies' leads")
    ]
    assert not shown.context["positions"]
    assert "The consultation of your agency" in shown.text
    (line,) = page(client, reviewer, "desk").context["lines"]
    assert line["summary"] == shown.context["summary"] == "1 of 1 in"
    assert {c.state for c in page(client, lead, "proposal", proposal.number).context["columns"]} == {
        "Support", "Awaited",
    }  # fmt: skip
    (line,) = page(client, lead, "desk").context["lines"]
    assert line["summary"] == "2 of 5 in"


def test_withdrawal_ends_the_open_consultations_in_words(client):
    proposal = make.accepted()
    assignment, lead = make.assigned(proposal, "STATE"), make.lead("STATE")
    make.filed(proposal, "DOE")
    withdraw_proposal(proposal, by=representative_of(proposal), note="A member left.")
    assert end_left_referrals() == 4
    assert end_left_referrals() == 0
    with clock.moved_to(clock.now() + timedelta(days=200)):
        assert lapse_due_referrals() == 0
    kinds = {"evaluation.consultation_ended", "evaluation.lapsed"}
    told = Notice.objects.filter(kind__in=kinds).values_list("recipient", "kind")
    people = (lead, assignment.reviewer)
    assert set(told) == {(person.pk, "evaluation.consultation_ended") for person in people}
    columns = page(client, lead, "proposal", proposal.number).context["columns"]
    states = sorted(column.state for column in columns)
    assert states == ["Answered", *["Ended: proposal withdrawn"] * 4]
    room = page(client, lead, "position", make.referral_of(proposal, "STATE").pk)
    assert "Ended: proposal withdrawn" in room.content.decode()
    assert not room.context["can_file"]
    assert not page(client, assignment.reviewer, "desk").context["tasks"]

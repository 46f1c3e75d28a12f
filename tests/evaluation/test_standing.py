"""What the consortium's pages say of what happens here: its designation, open questions, corrections."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.enums import PauseReason
from evaluation.models import Letter
from program import clock, grants
from program.models import Agency, AuditEvent
from program.record_words import facts_in_words
from program.templatetags.portal import deadline, deadline_date
from program.templatetags.uswds import status_tag, tag
from program.transitions import NotReady
from proposals.services import report_material_change, withdraw_proposal
from proposals.services.reading import readings_of
from tests.evaluation.pages import page, sign_in
from tests.factories import evaluation as make
from tests.factories.program import RequirementFactory, UserFactory, officer
from tests.factories.proposals import representative_of
from tests.statements import statements

pytestmark = pytest.mark.django_db
CONDITION = {
    "text": "Weights stay in the module.", "owner": "Anchor", "due_on": date(2031, 1, 31),
    "evidence": "A report of the test.", "effect": "The designation is suspended.",
}  # fmt: skip


def shown(client, proposal, name="detail"):
    sign_in(client, representative_of(proposal))
    return client.get(reverse(f"proposals:{name}", args=[] if name in ("list", "tasks") else [proposal.pk]))


@pytest.mark.parametrize(
    ("act", "words", "heading"),
    [
        ("suspend", "is suspended. Federal tools are not matched", "Designation suspended"),
        ("revoke", "was revoked.", "Designation revoked"),
    ],
)
def test_consortium_reads_how_its_designation_stands(client, act, words, heading):
    by = make.decision_official()
    designation = make.designated(by=by)
    getattr(services, f"{act}_designation")(designation, by=by, reason="The end user was listed.")
    for name in ("list", "detail"):
        text = shown(client, designation.proposal, name).content.decode()
        assert f"Designation {designation.number} {words}" in text
        assert "Federal tools are matched and referred" not in text
        assert heading in text
    assert "Determination 1" not in text


@pytest.mark.parametrize(
    ("act", "tone", "condition"),
    [
        ("suspend", "bad", ("Open", "waiting")),
        ("revoke", "neutral", ("Ended with the designation", "neutral")),
    ],
)
def test_pages_name_a_designation_that_is_not_active_alike(client, act, tone, condition):
    by, desk = make.decision_official(), officer()
    draft = make.ready_to_sign(by=desk)
    services.save_condition(draft, by=desk, values=CONDITION)
    designation = make.designated(by=by, determination=draft)
    proposal = designation.proposal
    sign_in(client, representative_of(proposal))
    proposal.refresh_from_db()
    assert status_tag(proposal) in client.get(reverse("evaluation:questions", args=[proposal.pk])).text

    getattr(services, f"{act}_designation")(designation, by=by, reason="The end user was listed.")

    badge = tag(f"Designation {designation.status}", tone=tone)
    for name, args in (
        ("evaluation:questions", [proposal.pk]),
        ("proposals:version", [proposal.pk, 1]),
        ("proposals:detail", [proposal.pk]),
    ):
        text = client.get(reverse(name, args=args)).text
        assert badge in text, name
        assert status_tag(proposal) not in text, name
        assert "“Designated”" not in text, name
        assert "<dt>Status</dt><dd>Designated</dd>" not in text, name
    told = client.get(reverse("evaluation:questions", args=[proposal.pk])).text
    desk_page = page(client, desk, "designation", designation.number).text
    word, colour = condition
    for text in (told, desk_page):
        assert f"Condition 1 {tag(word, tone=colour)}" in text
    is_open = act == "suspend"
    assert ("Record that it is met" in desk_page) == is_open
    (row,) = page(client, desk, "designations").context["designations"]
    assert row.open_condition_count == int(is_open)
    met = {"condition": designation.conditions.get(), "by": desk, "note": "Report of 2030."}
    if is_open:
        services.mark_condition_met(**met)
    else:
        with pytest.raises(NotReady, match="not open"):
            services.mark_condition_met(**met)


def test_list_asks_once_for_all_designations(client):
    designation = make.designated()
    shown(client, designation.proposal, "list")
    with statements() as sent:
        client.get(reverse("proposals:list"))
    assert len([one for one in sent if 'FROM "evaluation_' in one]) == 2


def test_question_stands_on_the_overview_and_the_list_with_its_date(client):
    proposal = make.accepted()
    make.asked(proposal)
    link = f"{reverse('evaluation:questions', args=[proposal.pk])}#question-"
    detail = shown(client, proposal).content.decode()
    assert link in detail
    assert "Answer question 1 by" in detail
    assert "Answer question 1 by" in shown(client, proposal, "list").content.decode()
    tasks = shown(client, proposal, "tasks").content.decode()
    assert link in tasks
    assert "To be answered by" in tasks


def test_returned_items_are_named_where_the_consortium_corrects_them(client):
    by, proposal = officer(), make.at_intake()
    requirement = RequirementFactory(call=proposal.call)
    make.screened(proposal, by)
    make.reviewed(proposal, by)
    services.review_completeness(
        make.version_of(proposal),
        requirement,
        by=by,
        finding="deficient",
        reason="The data center is unnamed.",
    )
    services.return_proposal(proposal, by=by)
    assert "What to correct" in shown(client, proposal, "tasks").content.decode()
    part = reverse("proposals:part", args=[proposal.pk, "consortium"])
    assert "The data center is unnamed." in client.get(part).content.decode()
    for name in ("detail", "review"):
        text = shown(client, proposal, name).content.decode()
        assert "The data center is unnamed." in text
        assert requirement.title in text


def test_anchor_of_a_designated_package_is_led_to_its_next_steps(client):
    designation = make.designated()
    text = shown(client, designation.proposal).content.decode()
    assert "Read the letter</a>" in text
    assert "See where Federal support stands" in text
    assert "Review and submit" not in text
    assert designation.number in shown(client, designation.proposal, "tasks").content.decode()


def test_desk_reads_what_the_consortium_reports_and_the_reading_is_recorded(client):
    designation = make.designated()
    proposal = designation.proposal
    report_material_change(
        proposal, by=representative_of(proposal), text="A member was bought.", learned_on=clock.today()
    )
    sign_in(client, officer())
    for name, number in (
        ("designation", designation.number),
        ("intake-proposal", proposal.number),
        ("proposal", proposal.number),
    ):
        text = client.get(reverse(f"evaluation:{name}", args=[number])).content.decode()
        assert "A member was bought." in text, name
        assert representative_of(proposal).name in text
        assert AuditEvent.objects.of(proposal).filter(act="proposal.read").exists(), name


def test_no_future_day_is_one_on_which_a_change_was_learned():
    proposal = make.accepted()
    by, tomorrow = representative_of(proposal), clock.today() + timedelta(days=1)
    with pytest.raises(NotReady, match="has not come"):
        report_material_change(proposal, by=by, text="A member was bought.", learned_on=tomorrow)


def test_withdrawn_proposal_takes_no_change_and_offers_no_form(client):
    proposal = make.accepted()
    by = representative_of(proposal)
    withdraw_proposal(proposal, by=by, note="Another way.")
    assert "Report a material change" not in shown(client, proposal).content.decode()
    for name in ("report-change", "withdraw"):
        assert shown(client, proposal, name).url == reverse("proposals:detail", args=[proposal.pk])
    with pytest.raises(NotReady, match="no material change"):
        report_material_change(proposal, by=by, text="A member was bought.")


def test_unchanged_package_is_not_offered_to_be_certified(client):
    proposal = make.at_intake()
    text = shown(client, proposal, "review").content.decode()
    assert "Nothing has changed since version 1" in text
    assert "Certify this content" not in text


def test_activity_says_whose_access_and_which_member(client):
    proposal = make.accepted()
    counsel = UserFactory()
    by = representative_of(proposal)
    grants.grant("proposals.view_proposal", on=proposal, to=counsel, by=by)
    grants.revoke_each(["proposals.view_proposal"], on=proposal, of=counsel, by=by)
    text = shown(client, proposal).content.decode()
    assert f"To: {counsel.email}" in text
    assert f"From: {counsel.email}" in text
    (said,) = [json.loads(event.body) for event in AuditEvent.objects.of(proposal).filter(act="grant.give")]
    assert facts_in_words(said) == f"To: {counsel.email}"


def test_letter_and_readings_name_agencies_as_the_pages_do(client):
    make.five_agencies()
    Agency.objects.filter(code="DOD").update(display_name="Department of War")
    Agency.objects.filter(code="COMMERCE").update(display_name="Commerce")
    designation = make.designated()
    letter = json.loads(Letter.objects.get().body)
    agencies = Agency.objects.filter(is_evaluating=True)
    assert set(letter["consulted"]) == {str(agency) for agency in agencies}
    sign_in(client, officer())
    client.get(reverse("evaluation:proposal", args=[designation.proposal.number]))
    (reading,) = readings_of(designation.proposal, most=1)
    assert reading.agencies == str(Agency.objects.get(code="COMMERCE"))


def test_consortium_reads_the_day_by_which_agencies_answer_as_the_desk_does(client):
    proposal = make.accepted()
    referral, person = make.referral_of(proposal), representative_of(proposal)
    assert deadline_date(referral.due_at) in page(client, make.lead(), "position", referral.pk).text
    sign_in(client, person)
    for address in (reverse("proposals:detail", args=[proposal.pk]), reverse("proposals:list")):
        assert deadline(referral.due_at) in client.get(address).text


def test_consortium_is_not_told_that_all_goes_on_while_a_clock_waits_for_its_answer(client):
    proposal = make.accepted()
    request = make.asked(proposal)
    held, reason = [make.referral_of(proposal)], PauseReason.INFORMATION
    services.pause_clocks(proposal, by=officer(), referrals=held, reason=reason, question=request)
    sign_in(client, representative_of(proposal))
    told = client.get(reverse("proposals:detail", args=[proposal.pk])).text
    assert f"Question {request.number} of the Government" in told
    assert "the time of an agency may stand until it comes" in told


def test_workspace_leads_to_what_the_government_writes_and_gives(client):
    designation = make.designated()
    proposal = designation.proposal
    sign_in(client, representative_of(proposal))
    text = client.get(reverse("proposals:detail", args=[proposal.pk])).content.decode()
    for name in ("evaluation:questions", "evaluation:catalog-release", "financing:support"):
        assert reverse(name, args=[proposal.pk]) in text, name

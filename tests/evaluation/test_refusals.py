"""What the desk refuses, and in which words; and that a slip of an earlier day brings no page down."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from evaluation import services
from evaluation.enums import LONGEST_TEXT
from evaluation.models import Condition, Designation
from evaluation.schedule import lapse_due_referrals
from program import clock
from program.enums import OfficeRole
from program.models import AuditEvent, Office
from program.record_words import label_of
from program.services.calls import extend_call
from program.services.people import appoint, clock_account, delegate
from program.texts import LONGEST_NOTE
from program.transitions import NotReady, WrongStatus
from proposals.models import Component, OutsideParty, Site, SupportRequest, TargetMarket
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import RequirementFactory, UserFactory, issued_call, officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db
FAR, PAST = date(9999, 12, 31), date(2020, 1, 1)
WORDS = dict.fromkeys(("text", "owner", "evidence", "effect"), "Words.")


@pytest.fixture(autouse=True)
def signed_in_a_moment_ago(monkeypatch):
    monkeypatch.setattr("program.acts.is_freshly_signed_in", lambda request: True)


def draft(desk):
    return services.prepare_determination(make.accepted(desk), by=desk)


@pytest.mark.parametrize("due_on", [FAR, PAST])
def test_condition_of_an_impossible_day_is_refused_and_not_kept(client, due_on):
    desk = officer()
    determination = draft(desk)
    with pytest.raises((NotReady, ValidationError)):
        services.save_condition(determination, by=desk, values={**WORDS, "due_on": due_on})
    data = {f"condition-{name}": value for name, value in {**WORDS, "due_on": due_on}.items()}
    answer = press(client, desk, "condition-add", determination.pk, **data)
    assert answer.status_code == 422
    assert answer.context["condition_form"].errors["due_on"]
    assert not Condition.objects.exists()


def test_condition_whose_day_passed_while_it_was_a_draft_is_not_signed():
    desk = officer()
    determination = make.ready_to_sign(by=desk)
    services.save_condition(determination, by=desk, values={**WORDS, "due_on": clock.today()})
    Condition.objects.update(due_on=PAST)
    with pytest.raises(NotReady) as refusal:
        make.signed(determination)
    assert [problem.code for problem in refusal.value.problems] == ["condition-1-due_on"]


def test_days_out_of_bounds_are_refused_by_the_services_that_take_days():
    desk = officer()
    proposal = make.accepted(desk)
    agency = make.AgencyFactory(code="COMMERCE")
    with pytest.raises(NotReady):
        services.ask_consortium(proposal, by=desk, agency=agency, question="When?", due_on=FAR)
    assert not proposal.information_requests.exists()
    determination = services.prepare_determination(proposal, by=desk)
    with pytest.raises(ValidationError):
        services.save_determination(determination, by=desk, revision=None, values={"expires_on": FAR})


def test_pages_stand_though_an_impossible_day_was_kept(client):
    """Days that an earlier version of the portal took."""
    desk = officer()
    determination = make.ready_to_sign(by=desk)
    services.save_condition(determination, by=desk, values={**WORDS, "due_on": clock.today()})
    make.signed(determination)
    services.announce_determination(determination, by=make.decision_official())
    Condition.objects.update(due_on=FAR)
    Designation.objects.update(expires_on=FAR)
    proposal = determination.proposal
    assert page(client, desk, "desk").status_code == 200
    sign_in(client, representative_of(proposal))
    for name in ("tasks",):
        assert client.get(reverse(f"proposals:{name}")).status_code == 200
    for name in ("detail", "withdraw"):
        assert client.get(reverse(f"proposals:{name}", args=[proposal.pk])).status_code in (200, 302)


def test_determination_is_put_up_for_clearance_only_once_it_can_be_signed(client):
    desk = officer()
    determination, button = draft(desk), b"Put it up for clearance</button>"
    asked = AuditEvent.objects.filter(act="determination.ask_to_clear")
    assert button not in page(client, desk, "determination", determination.pk).content
    assert press(client, desk, "determination-ready", determination.pk).status_code == 422
    assert not asked.exists()
    ready = make.ready_to_sign(by=desk)
    assert button not in page(client, desk, "determination", ready.pk).content
    services.save_determination(ready, by=desk, values={"rationale": "Other reasons."}, revision=None)
    assert button in page(client, desk, "determination", ready.pk).content
    assert press(client, desk, "determination-ready", ready.pk).status_code == 302
    assert asked.filter(subject_id=str(ready.pk)).count() == 2


def test_reason_longer_than_its_page_shows_is_refused(client):
    chief, designation = make.decision_official(), make.designated()
    too_long = "x" * (LONGEST_NOTE + 1)
    with pytest.raises(ValidationError):
        services.suspend_designation(designation, by=chief, reason=too_long)
    for reason in (too_long, "a\0b"):
        answer = press(
            client, chief, "designation-act", designation.number, "suspend", **{"suspend-reason": reason}
        )
        assert answer.status_code == 422
    designation.refresh_from_db()
    assert designation.status == "active"


def test_ended_designation_leads_to_no_page_that_is_gone(client):
    chief, designation = make.decision_official(), make.designated()
    proposal = designation.proposal
    address = reverse("evaluation:catalog-release", args=[proposal.pk])
    services.revoke_designation(designation, by=chief, reason="A member left.")
    sign_in(client, representative_of(proposal))
    assert client.get(address).status_code == 404
    for part in ("overview", "hardware"):
        text = client.get(f"/proposals/{proposal.pk}/{part}/").content.decode()
        assert address not in text
        assert "This proposal is “Designated”" not in text
        assert f"Designation {designation.number} is revoked" in text


def test_record_calls_choices_by_their_labels(client):
    desk = officer()
    proposal = make.accepted(desk)
    make.filed(proposal, "STATE", stance="support_with_conditions", conditions="An audit.")
    text = page(client, desk, "proposal", proposal.number).content.decode()
    assert "support_with_conditions" not in text
    assert "Support with conditions" in text
    assert label_of("evaluation.referral", "acknowledged") == "Acknowledged"
    assert label_of("gone.model", "some_code") == "some code"
    assert label_of("evaluation.referral", "A member left.") == "A member left."


def test_row_without_a_name_is_called_by_no_key():
    assert str(Component(pk=76)) == "Component without a name"
    assert str(TargetMarket(pk=22)) == "Market without a name"
    for kind in (Component, TargetMarket, Site, SupportRequest, OutsideParty):
        assert "76" not in str(kind(pk=76))


def test_refused_delegation_and_appointment_speak_in_words():
    chief = make.decision_official()
    agency = chief.offices.get().agency
    with pytest.raises(ValidationError) as refusal:
        delegate(
            by=chief, to=chief, agency=agency, act="sign_determination", authority="A memorandum.",
            effective_from=clock.today(), effective_to=clock.today() + timedelta(days=9),
        )  # fmt: skip
    assert refusal.value.messages == ["Nobody delegates to themselves. Name another person."]
    desk, person = officer(), UserFactory()
    for _ in range(2):
        if Office.objects.filter(user=person).exists():
            with pytest.raises(ValidationError) as refusal:
                appoint(person, agency=agency, role=OfficeRole.REVIEWER, by=desk, basis="A memorandum.")
            assert refusal.value.messages == ["This person holds this office already."]
        else:
            appoint(person, agency=agency, role=OfficeRole.REVIEWER, by=desk, basis="A memorandum.")


def test_save_of_a_submitted_sheet_is_refused_as_a_save(client):
    review = make.filled_review(make.assigned(make.accepted()))
    score = review.scores.first()
    wrong = {f"criterion-{score.criterion_id}-value": "77", "revision": score.revision}
    answer = press(client, review.reviewer, "score-save", review.pk, score.pk, **wrong).content.decode()
    assert "This was not saved" in answer
    assert "The review is not ready" not in answer
    services.submit_review(review, by=review.reviewer)
    with pytest.raises(WrongStatus, match="“Save the sheet” was not done"):
        services.save_score(score, by=review.reviewer, values={"value": 1}, revision=None)


def test_intake_without_a_finding_saves_nothing_and_says_so(client):
    desk, proposal = officer(), make.at_intake()
    RequirementFactory(call=proposal.call)
    answer = press(client, desk, "completeness-save", proposal.number)
    assert answer.status_code == 422
    assert "Nothing was saved: choose a finding first." in answer.content.decode()


def test_call_is_not_extended_to_an_impossible_day():
    call = issued_call()
    with pytest.raises(NotReady) as refusal:
        extend_call(call, by=officer(), due_on=FAR, summary="s", reason="r", legal_basis="b")
    assert [problem.field for problem in refusal.value.problems] == ["due_on"]
    assert not call.amendments.exists()


def test_consultation_is_not_opened_again_until_an_impossible_day():
    proposal = make.accepted()
    clock_account()
    with clock.moved_to(clock.now() + timedelta(days=60)):
        lapse_due_referrals()
        referral = make.referral_of(proposal)
        with pytest.raises(NotReady) as refusal:
            services.reopen_referral(referral, by=officer(), due_on=FAR, reason="Illness.")
    assert [problem.field for problem in refusal.value.problems] == ["due_on"]
    referral.refresh_from_db()
    assert referral.status == "lapsed"


def test_text_of_just_the_length_is_kept_whatever_its_line_ends(client):
    """A browser counts a line end once and sends it as two signs."""
    lead, proposal = make.lead("STATE"), make.accepted()
    rationale = "line\r\n" * (LONGEST_TEXT // 5 - 1) + "line."
    referral = make.referral_of(proposal, "STATE")
    press(client, lead, "position-file", referral.pk, stance="support", rationale=f"{rationale}too long")
    assert not referral.positions.exists()
    press(client, lead, "position-file", referral.pk, stance="support", rationale=rationale)
    assert referral.positions.exists()

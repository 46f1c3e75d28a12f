"""An announcement: once, and nothing that something newer than the signature overtook."""

from __future__ import annotations

from datetime import timedelta

import pytest

from evaluation import schedule, services
from evaluation.lifecycle import SIGN
from evaluation.models import Designation, Letter, PartyCheck, Referral
from program import clock
from program.clock_account import clock_account
from program.transitions import NotReady, WrongStatus
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from proposals.services import withdraw_proposal
from tests.evaluation.refusals import codes
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def test_announced_twice_is_announced_once():
    determination, chief = make.signed(), make.decision_official()
    services.announce_determination(determination, by=chief)
    with pytest.raises(WrongStatus):
        services.announce_determination(determination, by=chief)
    assert Designation.objects.count() == Letter.objects.count() == 1


def test_an_objection_since_the_signature_is_answered_before_the_announcement():
    desk, chief = officer(), make.decision_official()
    determination = make.signed(by=chief)
    proposal = determination.proposal
    make.filed(proposal, "DOE", "object")

    with pytest.raises(NotReady) as refusal:
        services.announce_determination(determination, by=chief)

    assert codes(refusal) == {"objection-DOE"}
    assert not Letter.objects.exists()
    services.recall_determination(determination, by=chief, reason="An agency objects.")
    again = make.signed(make.ready_to_sign(proposal, by=desk, DOE="object"), by=chief)
    services.announce_determination(again, by=chief)
    assert Proposal.objects.get().status == ProposalStatus.DESIGNATED


def with_cleared_match(desk):
    """A proposal under evaluation whose one match two people found false, and that match."""
    check = make.flagged(proposal := make.at_intake(), desk)
    for person in (desk, officer()):
        services.adjudicate(check, by=person, outcome="false_positive", reason="Another country.")
    make.accept(proposal, desk)
    return proposal, PartyCheck.objects.newest().exclude(result="no_hit").get()


def test_a_match_confirmed_since_the_signature_bars_a_designation_and_all_is_said_at_once():
    desk, chief = officer(), make.decision_official()
    proposal, _ = with_cleared_match(desk)
    determination = make.signed(make.ready_to_sign(proposal, by=desk), by=chief)
    check = PartyCheck.objects.newest().exclude(result="no_hit").get()
    services.adjudicate(check, by=officer(), outcome="confirmed", reason="The same address.")
    make.filed(proposal, "DOE", "object")

    with pytest.raises(NotReady) as refusal:
        services.announce_determination(determination, by=chief)

    assert codes(refusal) == {"blocked-party", "objection-DOE"}
    assert not Designation.objects.exists()


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        ("designate", {"expires-on": "last day", "condition-1-due_on": "condition 1"}),
        ("defer", {"defer-until": "deferred"}),
        ("not_select", {}),
    ],
)
def test_what_was_signed_with_a_day_ahead_is_not_announced_once_that_day_is_over(outcome, wanted):
    desk, chief = officer(), make.decision_official()
    determination = make.ready_to_sign(outcome=outcome, by=desk)
    tomorrow = clock.today() + timedelta(days=1)
    words = dict.fromkeys(("text", "owner", "evidence", "effect"), "Words.")
    if outcome == "designate":
        services.save_condition(determination, by=desk, values={**words, "due_on": tomorrow})
    days = {"expires_on": tomorrow, "defer_until": tomorrow if outcome == "defer" else None}
    services.save_determination(determination, by=desk, revision=None, values=days)
    with clock.moved_to(clock.now() + timedelta(days=3)):
        too_late = {problem.code for problem in SIGN.problems(determination)}
    make.signed(determination, by=chief)

    with clock.moved_to(clock.now() + timedelta(days=3)):
        if wanted:
            with pytest.raises(NotReady) as refusal:
                services.announce_determination(determination, by=chief)
            assert codes(refusal) == wanted.keys() and wanted.keys() <= too_late
            for problem in refusal.value.problems:
                assert wanted[problem.code] in problem.message
                assert problem.message.endswith("Recall the determination and sign a new one.")
        else:
            services.announce_determination(determination, by=chief)

    determination.refresh_from_db()
    assert determination.status == ("signed" if wanted else "announced")
    assert not Designation.objects.exists()


@pytest.mark.parametrize("outcome", ["designate", "not_select", "defer"])
def test_nothing_is_announced_to_a_consortium_that_withdrew_after_the_signature(outcome):
    chief = make.decision_official()
    determination = make.signed(outcome=outcome, by=chief)
    proposal = determination.proposal
    withdraw_proposal(proposal, by=representative_of(proposal), note="We found another way.")

    with pytest.raises(NotReady) as refusal:
        services.announce_determination(determination, by=chief)

    assert codes(refusal) == {"not-under-evaluation"}
    assert not Letter.objects.exists()
    services.recall_determination(determination, by=chief, reason="The proposal was withdrawn.")


@pytest.mark.parametrize(
    ("outcome", "status", "kind"),
    [("not_select", "not_selected", "not_selected"), ("defer", "under_evaluation", "deferral")],
)
def test_other_outcomes_have_their_letter_and_no_designation(outcome, status, kind):
    determination = make.signed(outcome=outcome)
    services.announce_determination(determination, by=make.decision_official())
    assert Proposal.objects.get().status == status
    assert Letter.objects.get().kind == kind
    assert not Designation.objects.exists()


@pytest.mark.parametrize(
    ("stance", "words"),
    [
        ("support_with_conditions", "is now “Support with conditions”"),
        ("no_position", "is now “No position”"),
        ("support", "is now “Support”"),
    ],
)
def test_a_position_changed_since_the_signature_is_not_announced_under_the_old_packet(stance, words):
    desk, chief = officer(), make.decision_official()
    determination = make.signed(by=chief)
    proposal = determination.proposal
    make.filed(proposal, "DOE", stance, rationale="We have read the annex.")

    with pytest.raises(NotReady) as refusal:
        services.announce_determination(determination, by=chief)

    assert codes(refusal) == {"position-DOE"}
    message = refusal.value.problems[0].message
    assert words in message
    assert "Recall the determination and sign a new one" in message
    assert not Letter.objects.exists()
    services.recall_determination(determination, by=chief, reason="An agency says otherwise.")
    again = services.prepare_determination(proposal, by=desk)
    make.signed(again, by=chief)
    services.announce_determination(again, by=chief)
    assert Designation.objects.get().determination == again


def signed_on_lapsed(proposal, desk, outcome="designate"):
    """A signed determination on a proposal of which State let the time go by."""
    schedule.lapse_due_referrals()
    make.screened(proposal, desk)
    draft = services.prepare_determination(proposal, by=desk)
    make.found(draft)
    values = {"outcome": outcome, "rationale": "It serves.", "letter_text": "It was weighed."}
    values["defer_until"] = clock.today() + timedelta(days=60) if outcome == "defer" else None
    services.save_determination(draft, by=desk, revision=None, values=values)
    return make.signed(draft, by=make.decision_official())


def reopened(proposal, desk):
    due_on = clock.today() + timedelta(days=5)
    services.reopen_referral(make.referral_of(proposal), by=desk, due_on=due_on, reason="Illness.")


@pytest.fixture
def without_state():
    """A proposal under evaluation on which all but State have said what they think, and its officer."""
    proposal = make.accepted(desk := officer())
    clock_account()
    for agency in ("COMMERCE", "DOD", "DOE", "OSTP"):
        make.filed(proposal, agency)
    with clock.moved_to(clock.now() + timedelta(days=60)):
        yield proposal, desk


def test_a_position_filed_on_what_was_lapsed_at_the_signature_is_not_in_the_packet(without_state):
    proposal, desk = without_state
    signed = signed_on_lapsed(proposal, desk)
    reopened(proposal, desk)
    make.filed(proposal, "STATE")
    with pytest.raises(NotReady) as refusal:
        services.announce_determination(signed, by=signed.signed_by)
    assert codes(refusal) == {"position-STATE"}


def test_scores_counted_anew_after_the_signature_are_signed_on_anew():
    """Who is recused after the signature takes their sheet out of the record, and not out of the packet."""
    proposal, desk = make.accepted(officer()), officer()
    sheets = [make.filled_review(make.assigned(proposal), value=value) for value in (2, 4)]
    for sheet in sheets:
        services.submit_review(sheet, by=sheet.reviewer)
    signed = make.signed(make.ready_to_sign(proposal, by=desk))
    services.recuse(proposal, person=sheets[0].reviewer, by=desk, reason="A cousin works there.")
    with pytest.raises(NotReady) as refusal:
        services.announce_determination(signed, by=signed.signed_by)
    assert codes(refusal) == {"scores-STATE"}
    assert "sign a new one on the reviews as they stand" in refusal.value.problems[0].message
    signed.refresh_from_db()
    assert signed.status == "signed"


def test_nothing_is_announced_while_an_agency_is_consulted_again(without_state):
    proposal, desk = without_state
    signed = signed_on_lapsed(proposal, desk)
    chief = signed.signed_by
    reopened(proposal, desk)
    for paused, words in ((False, "until the end of"), (True, "clock paused")):
        Referral.objects.filter(pk=make.referral_of(proposal).pk).update(
            paused_at=clock.now() if paused else None
        )
        with pytest.raises(NotReady) as refusal:
            services.announce_determination(signed, by=chief)
        assert codes(refusal) == {"consultation-open-STATE"}
        assert words in refusal.value.problems[0].message
    came = services.announce_together([signed.pk], by=chief)
    ((left, reasons),) = came.left
    assert (left, came.done) == (signed, []) and "is consulted again since the signature" in reasons[0]
    Referral.objects.filter(pk=make.referral_of(proposal).pk).update(paused_at=None)
    with clock.moved_to(clock.now() + timedelta(days=7)):
        schedule.lapse_due_referrals()
        services.announce_determination(signed, by=chief)
    assert Designation.objects.get().determination == signed


def test_a_deferral_is_announced_while_an_agency_is_consulted_again(without_state):
    proposal, desk = without_state
    signed = signed_on_lapsed(proposal, desk, outcome="defer")
    reopened(proposal, desk)
    services.announce_determination(signed, by=signed.signed_by)
    assert Letter.objects.get().kind == "deferral"
    assert schedule.end_left_referrals() == 0  # the evaluation goes on


def test_a_deferral_rests_on_no_position():
    chief = make.decision_official()
    determination = make.signed(outcome="defer", by=chief)
    make.filed(determination.proposal, "DOE", "no_position")
    services.announce_determination(determination, by=chief)
    assert Letter.objects.get().kind == "deferral"

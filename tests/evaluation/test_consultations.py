"""Consultations: who files a position and with what, and how each lapses, ends and is opened again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from evaluation import schedule, services
from evaluation.models import Position, Referral
from program import clock
from program.clock_account import clock_account
from program.models import AuditEvent, Delegation, Notice
from program.services.clockwork import do_each
from program.transitions import NotReady, WrongStatus
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page
from tests.evaluation.refusals import codes
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def test_a_position_is_superseded_never_edited():
    proposal = make.accepted()
    first = make.filed(proposal, "STATE", "object")
    second = make.filed(proposal, "STATE", "support")
    assert make.referral_of(proposal).position == second
    assert second.supersedes == first
    with pytest.raises(IntegrityError), transaction.atomic():
        Position.objects.filter(pk=first.pk).update(rationale="Other words.")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"stance": "support", "rationale": " "}, "rationale"),
        ({"stance": "support_with_conditions", "rationale": "Yes."}, "conditions"),
        ({"stance": "maybe", "rationale": "Yes."}, "stance"),
        ({"stance": "support", "rationale": "Yes.", "parts_commented": ["roof"]}, "parts"),
    ],
)
def test_a_position_without_reasons_is_refused(facts, code):
    referral = make.referral_of(make.accepted())
    with pytest.raises(NotReady) as refusal:
        services.file_position(referral, by=make.lead(), **facts)
    assert codes(refusal) == {code}
    assert not Position.objects.exists()


def test_of_two_leads_who_sign_at_once_the_second_is_told_of_the_first():
    proposal = make.accepted()
    facts = {"rationale": "Yes.", "seen": 0}
    services.file_position(make.referral_of(proposal), by=make.lead(), stance="support", **facts)
    with pytest.raises(NotReady) as second:
        services.file_position(make.referral_of(proposal), by=make.lead(), stance="object", **facts)
    assert codes(second) == {"filed-meanwhile"}
    assert Position.objects.get().stance == "support"


def test_a_withdrawn_proposal_has_no_running_clock():
    proposal = make.accepted()
    withdraw_proposal(proposal, by=representative_of(proposal), note="We found another way.")
    with clock.moved_to(clock.now() + timedelta(days=60)):
        assert schedule.lapse_due_referrals() == 0


def test_a_delegate_signs_under_a_delegation_in_force_only():
    proposal, giver, delegate = make.accepted(), make.lead(), make.reviewer()
    facts = {"stance": "support", "rationale": "Yes."}
    with pytest.raises(PermissionDenied):
        services.file_position(make.referral_of(proposal), by=delegate, **facts)
    delegation = make.delegated(giver, delegate)
    position = services.file_position(make.referral_of(proposal), by=delegate, **facts)
    assert position.delegation == delegation
    Delegation.objects.update(effective_to=clock.today())
    with pytest.raises(PermissionDenied):
        services.file_position(make.referral_of(proposal), by=delegate, **facts)


def test_leads_of_other_agencies_and_recused_leads_do_not_sign():
    proposal, lead = make.accepted(), make.lead()
    facts = {"stance": "support", "rationale": "Yes."}
    with pytest.raises(PermissionDenied):
        services.file_position(make.referral_of(proposal), by=make.lead("DOE"), **facts)
    services.recuse(proposal, person=lead, by=officer(), reason="Holds shares.")
    with pytest.raises(PermissionDenied):
        services.file_position(make.referral_of(proposal), by=lead, **facts)


def test_the_clock_lapses_a_consultation_and_the_program_office_opens_it_again():
    proposal = make.accepted()
    make.filed(proposal, "STATE")
    assert schedule.lapse_due_referrals() == 0
    with clock.moved_to(clock.now() + timedelta(days=60)):
        assert schedule.lapse_due_referrals() == 4
        assert schedule.lapse_due_referrals() == 0
        with pytest.raises(WrongStatus):
            make.filed(proposal, "DOE")
        services.reopen_referral(
            make.referral_of(proposal, "DOE"),
            by=officer(),
            due_on=clock.today() + timedelta(days=5),
            reason="Illness.",
        )
        make.filed(proposal, "DOE")
    assert make.referral_of(proposal, "DOE").status == "answered"


def test_consultations_lapse_only_after_the_grace_of_drafts(settings):
    settings.LAPSE_GRACE_SECONDS = 60
    due = make.referral_of(make.accepted()).due_at
    for seconds, lapsed in ((-1, 0), (0, 0), (59, 0), (61, 5), (62, 0)):
        with clock.moved_to(due + timedelta(seconds=seconds)):
            assert schedule.lapse_due_referrals() == lapsed


def test_a_position_that_comes_after_the_bound_is_late_though_no_beat_has_come():
    proposal = make.accepted()
    due = make.referral_of(proposal).due_at
    with clock.moved_to(due - timedelta(seconds=1)):
        make.filed(proposal, "STATE")
        services.acknowledge_referral(make.referral_of(proposal, "DOE"), by=make.lead("DOE"))
    with clock.moved_to(due):
        for agency in ("DOE", "DOD"):
            with pytest.raises(NotReady) as refusal:
                make.filed(proposal, agency)
            assert codes(refusal) == {"late"}
        make.filed(proposal, "STATE", "object")  # who has answered may change it until the decision
    assert make.referral_of(proposal, "STATE").position.stance == "object"
    assert Position.objects.exclude(referral__agency__code="STATE").count() == 0


def test_a_second_beat_does_not_lapse_a_consultation_that_was_opened_again():
    proposal = make.accepted()
    with clock.moved_to(clock.now() + timedelta(days=60)):
        read_by_first, read_by_second = (make.referral_of(proposal, "DOE") for _ in range(2))
        services.lapse_referral(read_by_first, by=clock_account())
        due_on = clock.today() + timedelta(days=20)
        services.reopen_referral(
            make.referral_of(proposal, "DOE"), by=officer(), due_on=due_on, reason="Illness."
        )
        with pytest.raises(NotReady):
            services.lapse_referral(read_by_second, by=clock_account())
        assert do_each(services.lapse_referral, [read_by_second]) == 0
    assert make.referral_of(proposal, "DOE").status == "open"
    assert AuditEvent.objects.filter(act="referral.lapse").count() == 1


@pytest.mark.parametrize("over", ["withdrawn", "replaced", "decided"])
def test_a_consultation_that_is_over_is_not_opened_again(over):
    proposal = make.accepted()
    clock_account()
    with clock.moved_to(clock.now() + timedelta(days=60)):
        schedule.lapse_due_referrals()
    lapsed = make.referral_of(proposal)
    if over == "withdrawn":
        withdraw_proposal(proposal, by=representative_of(proposal), note="Enough.")
    elif over == "replaced":
        make.resubmitted(proposal)
    else:
        Proposal.objects.filter(pk=proposal.pk).update(status=ProposalStatus.DESIGNATED)
    with pytest.raises(NotReady) as refusal:
        services.reopen_referral(
            lapsed, by=officer(), due_on=clock.today() + timedelta(days=5), reason="Illness."
        )
    assert codes(refusal) == {"consultation-over"}


@pytest.mark.parametrize("outcome", ["designate", "not_select"])
def test_the_clock_ends_a_consultation_that_a_decision_left_open(client, outcome):
    chief, lead = make.decision_official(), make.lead()
    signed = make.signed(outcome=outcome, by=chief)
    services.announce_determination(signed, by=chief)
    referral = make.referral_of(signed.proposal)
    Referral.objects.filter(pk=referral.pk).update(status="open", answered_at=None, position=None)
    told = Notice.objects.count()
    room = page(client, lead, "position", referral.pk)
    assert "Ended: proposal decided" in room.text and not room.context["can_file"]

    assert (schedule.end_left_referrals(), schedule.end_left_referrals()) == (1, 0)

    referral.refresh_from_db()
    assert (referral.status, referral.get_status_display()) == ("ended", "Ended: proposal decided")
    assert AuditEvent.objects.of(referral).get(act="referral.end").said["note"] == "The proposal was decided."
    assert Notice.objects.count() == told
    columns = page(client, lead, "proposal", signed.proposal.number).context["columns"]
    assert "Ended: proposal decided" in {column.state for column in columns}


def test_position_that_stands_is_not_filed_again_word_for_word():
    proposal, lead = make.accepted(), make.lead()
    referral = make.referral_of(proposal)
    words = {"stance": "support_with_conditions", "rationale": "Sound.", "conditions": "An audit."}
    services.file_position(referral, by=lead, **words)
    with pytest.raises(NotReady, match="stands already, word for word"):
        services.file_position(referral, by=lead, **{**words, "rationale": " Sound. "})
    assert referral.positions.count() == 1
    for change in ({"conditions": "Two audits."}, {"parts_commented": ["hardware"]}):
        services.file_position(referral, by=lead, **{**words, **change})
    assert referral.positions.count() == 3

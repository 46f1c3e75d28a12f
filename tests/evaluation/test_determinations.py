"""A determination until it is signed: what is missing, who signs, what is carried over once recalled."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from evaluation import services
from evaluation.models import Determination
from evaluation.packets import packet_text
from program import clock
from program.canonical import sha256_hex
from program.models import AuditEvent, Delegation, Notice, User
from program.transitions import NotReady, WrongStatus
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from proposals.services import withdraw_proposal
from tests.evaluation.refusals import codes
from tests.factories import evaluation as make
from tests.factories.program import OfficeFactory, officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def test_all_that_is_missing_is_said_at_once():
    desk = officer()
    proposal = make.accepted(desk)
    make.filed(proposal, "STATE", "object")
    determination = services.prepare_determination(proposal, by=desk)
    with pytest.raises(NotReady) as refusal:
        services.sign_determination(determination, by=make.decision_official())
    found = codes(refusal)
    assert {"outcome", "rationale", "objection-STATE"} < found
    assert {f"consultation-open-{code}" for code in ("COMMERCE", "DOD", "DOE", "OSTP")} < found
    assert len([code for code in found if code.startswith("finding-")]) == proposal.call.requirements.count()


def test_a_check_too_old_or_an_open_match_stops_the_signature():
    determination = make.ready_to_sign()
    with clock.moved_to(clock.now() + timedelta(days=40)), pytest.raises(NotReady) as old:
        services.sign_determination(determination, by=make.decision_official())
    assert codes(old) == {"checks-too-old"}


def test_an_objection_that_is_answered_blocks_nothing():
    assert make.signed(STATE="object", DOE="object").status == "signed"


def test_its_preparer_does_not_sign_it():
    desk = make.decision_official()
    OfficeFactory(user=desk, role="program_officer", agency__code="COMMERCE")
    determination = make.ready_to_sign(by=User.objects.get(pk=desk.pk))
    with pytest.raises(PermissionDenied):
        services.sign_determination(determination, by=User.objects.get(pk=desk.pk))
    with pytest.raises(PermissionDenied):
        services.sign_determination(determination, by=officer())


def test_who_worked_on_the_draft_does_not_sign_it():
    """Whoever began it: another officer wrote the decision, and holds a delegation to sign."""
    writer, other = officer(), officer()
    for one in (writer, other):
        make.delegated(make.decision_official(), one, Delegation.SIGN_DETERMINATION, "COMMERCE")
    determination = make.ready_to_sign()
    services.save_determination(determination, by=writer, values={"rationale": "Mine."}, revision=None)
    services.save_determination(determination, by=writer, values={"rationale": "Mine!"}, revision=None)
    assert AuditEvent.objects.filter(act="determination.change", actor=writer).count() == 1
    with pytest.raises(PermissionDenied):
        services.sign_determination(determination, by=User.objects.get(pk=writer.pk))
    assert make.signed(determination, by=User.objects.get(pk=other.pk)).signed_by == other


def test_nothing_is_signed_on_a_proposal_that_was_withdrawn():
    determination = make.ready_to_sign()
    withdraw_proposal(determination.proposal, by=representative_of(determination.proposal), note="Enough.")
    with pytest.raises(NotReady) as refusal:
        services.sign_determination(determination, by=make.decision_official())
    assert codes(refusal) == {"not-under-evaluation"}


def test_a_delegate_signs_for_the_decision_official():
    giver, delegate = make.decision_official(), officer()
    delegation = make.delegated(giver, delegate, Delegation.SIGN_DETERMINATION, "COMMERCE")
    assert make.signed(make.ready_to_sign(), by=delegate).delegation == delegation


def test_the_packet_that_was_read_is_the_packet_that_is_signed():
    determination = make.ready_to_sign()
    read = sha256_hex(packet_text(determination))
    make.filed(determination.proposal, "DOE", "no_position")
    determination = Determination.objects.get()
    for expected in ("clearance-overtaken", "packet-changed"):
        with pytest.raises(NotReady) as moved:
            services.sign_determination(determination, by=make.decision_official(), packet_sha256=read)
        assert codes(moved) == {expected}
        determination = make.cleared(Determination.objects.get())
    services.sign_determination(
        determination, by=make.decision_official(), packet_sha256=sha256_hex(packet_text(determination))
    )
    assert json.loads(determination.packet)["us_content"]["percent"] == "60.00"


def test_signed_is_not_announced_and_can_be_recalled():
    determination = make.signed()
    proposal = determination.proposal
    assert Proposal.objects.get(pk=proposal.pk).status == ProposalStatus.UNDER_EVALUATION
    assert not Notice.objects.filter(kind="evaluation.announced").exists()
    services.recall_determination(determination, by=make.decision_official(), reason="A new fact.")
    with pytest.raises(WrongStatus):
        services.announce_determination(determination, by=make.decision_official())
    assert services.prepare_determination(proposal, by=officer()).status == "draft"


def test_what_was_written_is_carried_over_from_a_recalled_determination():
    desk, chief = officer(), make.decision_official()
    proposal = make.accepted(desk)
    draft = make.ready_to_sign(proposal, by=desk, DOE="object", STATE="object")
    written = {"text": "Weights stay.", "owner": "Anchor", "evidence": "A test.", "effect": "Suspension."}
    for due_on in (clock.today() + timedelta(days=1), date(2031, 1, 31)):
        services.save_condition(draft, by=desk, values={**written, "due_on": due_on})
    signed = make.signed(draft, by=chief)
    services.recall_determination(signed, by=chief, reason="An agency objects no more.")
    make.filed(proposal, "STATE", "support")
    other = officer()

    with clock.moved_to(clock.now() + timedelta(days=3)):
        again = services.prepare_determination(proposal, by=other)

    again = Determination.objects.get(pk=again.pk)
    names = ("outcome", "rationale", "letter_text", "defer_until", "expires_on", "version_id")
    assert [getattr(again, name) for name in names] == [getattr(signed, name) for name in names]
    assert (again.status, again.signed_by, again.delegation, again.packet) == ("draft", None, None, "")
    assert set(again.findings.values_list("is_met", "text")) == {(True, "Shown in the package.")}
    assert [row.position.referral.agency.code for row in again.objection_answers.all()] == ["DOE"]
    assert list(again.conditions.values_list("number", "due_on", "text")) == [
        (1, None, "Weights stay."), (2, date(2031, 1, 31), "Weights stay."),
    ]  # fmt: skip
    assert set(again.written_by.all()) == {desk, other}
    assert again.carried_from == signed


def test_findings_of_a_recalled_determination_are_made_anew_on_another_version():
    desk, chief = officer(), make.decision_official()
    proposal = make.accepted(desk)
    signed = make.signed(make.ready_to_sign(proposal, by=desk, DOE="object"), by=chief)
    make.new_version(proposal)
    services.recall_determination(signed, by=chief, reason="A newer version.")

    again = services.prepare_determination(proposal, by=desk)

    assert again.version.number == 2
    assert set(again.findings.values_list("is_met", "text")) == {(None, "Shown in the package.")}
    assert not again.objection_answers.exists()

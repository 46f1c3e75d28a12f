"""Who signs under a delegation reads what may be signed, from the list to the signed determination."""

from __future__ import annotations

import pytest

from evaluation import services
from evaluation.models import Determination
from evaluation.services.determinations import packet_sha256
from program import clock
from program.enums import OfficeRole
from program.models import Delegation, User
from proposals.models import Proposal
from tests.evaluation.test_pages import page
from tests.factories import evaluation as make
from tests.factories.program import officer

pytestmark = pytest.mark.django_db


def may_see(person, proposal):
    """The answer of list and record, which must be one."""
    person = User.objects.get(pk=person.pk)
    listed = Proposal.objects.visible_to(person).contains(proposal)
    assert listed == person.has_perm("proposals.view_proposal", proposal)
    return listed


def test_a_delegate_finds_reads_and_signs_a_determination(client):
    chief, delegate = make.decision_official(), make.reviewer("DOE")
    determination = make.ready_to_sign(make.accepted(), STATE="object")
    proposal = determination.proposal
    assert not may_see(delegate, proposal)
    assert page(client, delegate, "determination", determination.pk).status_code == 404

    delegation = make.delegated(chief, delegate, Delegation.SIGN_DETERMINATION, "COMMERCE")

    assert may_see(delegate, proposal)
    assert page(client, delegate, "proposal", proposal.number).status_code == 200
    shown = page(client, delegate, "determination", determination.pk)
    assert shown.context["may_sign"]
    services.sign_determination(
        determination, by=shown.wsgi_request.user, packet_sha256=packet_sha256(determination)
    )
    assert Determination.objects.get().delegation == delegation


def test_a_delegate_sees_nothing_before_acceptance_after_the_end_or_when_recused():
    chief, delegate, desk = make.decision_official(), make.reviewer("DOE"), officer()
    make.delegated(chief, delegate, Delegation.SIGN_DETERMINATION, "COMMERCE")
    assert not may_see(delegate, make.at_intake())
    proposal, other = make.accepted(desk), make.accepted(desk)
    assert may_see(delegate, proposal)
    services.recuse(other, person=delegate, by=desk, reason="A cousin.")
    assert not may_see(delegate, other)
    Delegation.objects.update(effective_to=clock.today())
    assert not may_see(delegate, proposal)
    Delegation.objects.update(effective_to=None)
    chief.offices.update(effective_to=clock.today())
    assert not may_see(delegate, proposal)


@pytest.mark.parametrize(("agency", "sees"), [("STATE", True), ("DOE", False)])
def test_a_delegate_of_an_agency_sees_what_its_positions_are_about(agency, sees):
    proposal, delegate = make.accepted(), make.reviewer(agency)
    make.delegated(make.lead("STATE"), delegate)
    assert may_see(delegate, proposal) == sees
    person = User.objects.get(pk=delegate.pk)
    assert person.has_perm("evaluation.answer_referral", make.referral_of(proposal)) == sees


def test_who_holds_no_office_signs_for_nobody_and_sees_nothing():
    proposal, person = make.accepted(), make.reviewer("STATE")
    make.delegated(make.lead("STATE"), person)
    person.offices.filter(role=OfficeRole.REVIEWER).update(effective_to=clock.today())
    assert not may_see(person, proposal)

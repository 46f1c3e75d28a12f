"""Who signs under a delegation reads what may be signed, from the list to the signed determination."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from evaluation import services
from evaluation.agency_tasks import positions_to_file
from evaluation.models import Determination, Escalation, Referral
from evaluation.notices import sides_of
from evaluation.packets import packet_text
from evaluation.querysets.discussion import discussed_by
from evaluation.schedule import remind
from program import clock
from program.canonical import sha256_hex
from program.enums import OfficeRole
from program.models import Agency, Delegation, Notice, User
from proposals.models import Proposal
from tests.evaluation.pages import page
from tests.factories import evaluation as make
from tests.factories.program import OfficeFactory, officer
from tests.statements import statements

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
        determination, by=shown.wsgi_request.user, packet_sha256=sha256_hex(packet_text(determination))
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


def tasks(client, person):
    """What the desk of ``person`` says is to be done."""
    return [task.what for task in page(client, User.objects.get(pk=person.pk), "desk").context["tasks"]]


def kinds_told(person):
    return set(Notice.objects.filter(recipient=person).values_list("kind", flat=True))


def test_delegates_of_a_lead_are_told_and_find_the_position_among_their_tasks(client):
    lead, delegate, other, recused = make.lead("STATE"), *(make.reviewer("STATE") for _ in range(3))
    of_energy, desk = make.reviewer("DOE"), officer()
    for person in (delegate, recused, of_energy):
        make.delegated(lead, person)
    proposal = make.at_intake()
    services.recuse(proposal, person=recused, by=desk, reason="A cousin.")
    make.accept(proposal, desk)

    due = make.referral_of(proposal).due_at
    with clock.moved_to(due - timedelta(days=1)):
        remind()
    asked = {"evaluation.referred", "evaluation.position_due"}
    assert asked <= kinds_told(lead) & kinds_told(delegate)
    for person in (other, recused, of_energy):
        assert not asked & kinds_told(person)
        assert not [what for what in tasks(client, person) if "position" in what]
    wanted = f"File the position of {Agency.objects.get(code='STATE')} on {proposal.number}"
    assert wanted in tasks(client, lead)
    assert wanted in tasks(client, delegate)
    Delegation.objects.update(effective_to=clock.today())
    assert not [what for what in tasks(client, delegate) if "position" in what]


def test_who_signs_for_several_agencies_asks_once_and_finds_the_first_due_first():
    person, proposal, sooner = make.lead("STATE"), make.accepted(), make.accepted()
    OfficeFactory(user=person, role=OfficeRole.LEAD, agency__code="DOE")
    Referral.objects.filter(version__proposal=sooner).update(due_at=clock.now() + timedelta(days=2))

    def waiting(*codes):
        with statements() as sent:
            found = [task.what for task in positions_to_file(person, set(codes))]
        return len(sent), found

    names = {code: Agency.objects.get(code=code) for code in ("STATE", "DOE")}
    assert person.holds(OfficeRole.LEAD)  # read once by every page
    wanted = {
        code: [f"File the position of {name} on {one.number}" for one in (sooner, proposal)]
        for code, name in names.items()
    }
    assert waiting("STATE") == (1, wanted["STATE"])
    number, found = waiting("STATE", "DOE")
    assert (number, set(found[:2])) == (1, {wanted["STATE"][0], wanted["DOE"][0]})
    assert set(found[2:]) == {wanted["STATE"][1], wanted["DOE"][1]}


def test_delegates_of_the_decision_are_told_and_find_the_signature_among_their_tasks(client):
    chief, delegate, recused = make.decision_official(), make.reviewer("DOE"), make.reviewer("DOE")
    writer = officer()
    for person in (delegate, writer, recused):
        make.delegated(chief, person, Delegation.SIGN_DETERMINATION, "COMMERCE")
    determination = make.ready_to_sign(by=User.objects.get(pk=writer.pk))
    proposal = determination.proposal
    services.recuse(proposal, person=recused, by=officer(), reason="A cousin.")

    Notice.objects.all().delete()
    make.cleared(make.put_up(determination))

    told = set(Notice.objects.filter(kind="evaluation.to_sign").values_list("recipient", flat=True))
    sign = f"Sign the determination on {proposal.number}"
    assert told == {chief.pk, delegate.pk}
    assert sign in tasks(client, chief)
    assert sign in tasks(client, delegate)
    for person in (writer, recused):
        assert sign not in tasks(client, person)
    make.signed(determination, by=chief)
    assert f"Announce the determination on {proposal.number}" in tasks(client, chief)
    assert not [what for what in tasks(client, delegate) if "determination" in what]


def test_who_holds_no_office_signs_for_nobody_and_sees_nothing():
    proposal, person = make.accepted(), make.reviewer("STATE")
    make.delegated(make.lead("STATE"), person)
    person.offices.filter(role=OfficeRole.REVIEWER).update(effective_to=clock.today())
    assert not may_see(person, proposal)


RECUSED = "A delegation does not reach what its giver is recused from"


def test_a_delegation_does_not_reach_what_its_giver_is_recused_from(client):
    """The delegate signs no position there, under whatever they opened before, and is told why."""
    desk, giver, delegate = officer(), make.lead("STATE"), make.reviewer("STATE")
    proposal, other = make.accepted(desk), make.accepted(desk)
    make.delegated(giver, delegate)
    referral = make.referral_of(proposal)
    assert User.objects.get(pk=delegate.pk).has_perm("evaluation.answer_referral", referral)

    services.recuse(proposal, person=giver, by=desk, reason="A cousin.")

    person = User.objects.get(pk=delegate.pk)
    assert not person.has_perm("evaluation.answer_referral", referral)
    with pytest.raises(PermissionDenied, match=RECUSED):
        services.file_position(referral, by=person, stance="support", rationale="Reasons.")
    shown = page(client, person, "position", referral.pk)
    assert not shown.context["may_sign"]
    assert RECUSED in shown.text
    address = reverse("evaluation:position-draft", args=[referral.pk])
    refused = client.post(address, {"stance": "support"})
    assert refused.status_code == 403 and RECUSED in refused.text
    assert Referral.objects.without_signer().contains(referral)
    wanted = f"File the position of {referral.agency} on {other.number}"
    assert [said for said in tasks(client, person) if "position" in said] == [wanted]
    filed = services.file_position(make.referral_of(other), by=person, stance="support", rationale="Reasons.")
    assert filed.delegation.given_by == giver


def test_a_delegate_reads_what_their_agency_said_and_the_objection_that_they_are_told_of(client):
    desk, giver, delegate = officer(), make.lead("STATE"), make.reviewer("STATE")
    proposal = make.accepted(desk)
    make.filed(proposal, "STATE", "object", rationale="The hall is not secure.")
    make.filed(proposal, "DOE", "object", rationale="The grid is weak.")
    room, other_room = (make.referral_of(proposal, agency).pk for agency in ("STATE", "DOE"))
    own, other = (Escalation.objects.get(agency__code=code) for code in ("STATE", "DOE"))
    make.delegated(giver, delegate)
    assert delegate in sides_of(own) and delegate not in sides_of(other)

    assert "The hall is not secure." in page(client, delegate, "position", room).text
    assert page(client, delegate, "escalation", own.pk).status_code == 200
    assert "The grid is weak." not in page(client, delegate, "position", other_room).text
    assert page(client, delegate, "escalation", other.pk).status_code == 404

    services.recuse(proposal, person=giver, by=desk, reason="A cousin.")
    assert delegate not in sides_of(own)
    assert "The hall is not secure." not in page(client, delegate, "position", room).text
    assert page(client, delegate, "escalation", own.pk).status_code == 404


def test_a_delegation_gives_no_voice_where_its_giver_is_recused():
    desk, giver, delegate = officer(), make.lead("STATE"), make.reviewer("STATE")
    chief, deputy = make.decision_official(), make.reviewer("DOE")
    proposal = make.accepted(desk)
    make.delegated(giver, delegate)
    make.delegated(chief, deputy, Delegation.SIGN_DETERMINATION, "COMMERCE")
    for recused in (giver, chief):
        assert all(discussed_by(person, writing=True).contains(proposal) for person in (delegate, deputy))
        services.recuse(proposal, person=recused, by=desk, reason="A cousin.")
        person = delegate if recused == giver else deputy
        assert not discussed_by(person, writing=True).contains(proposal)
        assert discussed_by(person).contains(proposal)
        proposal.recusals.all().delete()


def test_a_second_giver_who_is_not_recused_lets_the_delegate_sign():
    desk, giver, second, delegate = officer(), make.lead("STATE"), make.lead("STATE"), make.reviewer("STATE")
    proposal = make.accepted(desk)
    make.delegated(giver, delegate)
    make.delegated(second, delegate)
    services.recuse(proposal, person=giver, by=desk, reason="A cousin.")
    filed = services.file_position(
        make.referral_of(proposal),
        by=User.objects.get(pk=delegate.pk),
        stance="support",
        rationale="Reasons.",
    )
    assert filed.delegation.given_by == second


def test_nobody_decides_for_an_official_who_is_recused():
    desk, chief, delegate = officer(), make.decision_official(), make.reviewer("DOE")
    determination = make.ready_to_sign(make.accepted(desk))
    make.delegated(chief, delegate, Delegation.SIGN_DETERMINATION, "COMMERCE")
    services.recuse(determination.proposal, person=chief, by=desk, reason="A cousin.")
    person = User.objects.get(pk=delegate.pk)
    assert not person.has_perm("evaluation.sign_determination", determination)
    with pytest.raises(PermissionDenied, match=RECUSED):
        services.sign_determination(make.cleared(determination), by=person)
    assert Determination.objects.get().status == "draft"

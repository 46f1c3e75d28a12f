"""Who acts on a proposal by office: what is hinted about them, and what they say before they act."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.urls import reverse

from evaluation import services
from evaluation.models import ConflictCase, OfficialDeclaration, Position
from evaluation.officials import hints_to_answer
from program import clock
from program.enums import OfficeRole
from program.models import Affiliation, AuditEvent, User
from program.transitions import NotReady
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Recusal, TeamMember
from tests.evaluation.pages import page, press
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import representative_of
from tests.statements import statements

pytestmark = pytest.mark.django_db
SUPPORT = {"stance": "support", "rationale": "It serves the national interest."}


@pytest.fixture
def proposal():
    return make.accepted()


def hinted(person, proposal, name=""):
    """A holding that ``person`` declares, in the anchor or in a company of the name."""
    anchor = proposal.consortium.anchor.organization.legal_name
    return services.declare_interest(by=person, kind="holding", whose="own", name=name or anchor)


def now(person):
    return User.objects.get(pk=person.pk)


def declared(proposal, person, text="Another company of that name."):
    return services.declare_as_official(proposal, by=person, has_conflict=False, text=text)


def file(proposal, lead):
    return services.file_position(make.referral_of(proposal), by=lead, **SUPPORT)


def test_a_lead_files_no_position_until_they_said_what_the_hint_is(proposal):
    lead, other = make.lead(), make.lead("DOE")
    hinted(lead, proposal)
    with pytest.raises(NotReady, match="Say first whether a conflict of interest stands"):
        file(proposal, lead)
    assert not Position.objects.exists()
    services.file_position(make.referral_of(proposal, "DOE"), by=other, **SUPPORT)
    declared(proposal, lead)
    assert file(proposal, lead).signed_by == lead


def test_no_conflict_of_one_officer_keeps_the_others_from_intake():
    proposal, desk, other = make.at_intake(), officer(), officer()
    hinted(desk, proposal)
    make.reviewed(proposal, desk)
    make.screened(proposal, desk)
    for act in (services.accept_proposal, services.return_proposal):
        with pytest.raises(NotReady) as refusal:
            act(proposal, by=desk)
        if act is services.accept_proposal:
            assert [problem.code for problem in refusal.value.problems] == ["declare-first"]
    proposal.refresh_from_db()
    assert proposal.status == ProposalStatus.SUBMITTED
    services.accept_proposal(proposal, by=other)
    assert proposal.status == ProposalStatus.UNDER_EVALUATION


def test_who_prepares_clears_and_signs_a_determination_answers_first(proposal):
    desk = officer()
    hinted(desk, proposal)
    with pytest.raises(NotReady, match="Say first"):
        services.prepare_determination(proposal, by=desk)
    determination, clearing, official = make.put_up(), officer(), make.decision_official()
    for person, act in (
        (clearing, services.clear_determination), (official, services.sign_determination),
    ):  # fmt: skip
        hinted(person, determination.proposal)
        with pytest.raises(NotReady, match="Say first"):
            act(determination, by=person)
        determination.refresh_from_db()
        declared(determination.proposal, person)
        act(determination, by=person)
    assert (determination.cleared_by, determination.signed_by) == (clearing, official)


def test_who_clears_and_signs_an_amendment_answers_first():
    desk, clearing, official = officer(), officer(), make.decision_official()
    amendment = make.drafted_amendment(by=desk)
    services.ask_to_clear_amendment(amendment, by=desk)
    for person, act in ((clearing, services.clear_amendment), (official, services.sign_amendment)):
        hinted(person, amendment.proposal)
        with pytest.raises(NotReady, match="Say first"):
            act(amendment, by=person)
        amendment.refresh_from_db()
        declared(amendment.proposal, person)
        act(amendment, by=person)
    assert (amendment.cleared_by, amendment.signed_by) == (clearing, official)


def test_an_answer_is_about_the_version_and_about_what_was_declared_by_then(proposal):
    lead = make.lead()
    interest = hinted(lead, proposal)
    assert len(hints_to_answer(proposal, lead)) == 1
    declared(proposal, lead)
    assert hints_to_answer(proposal, lead) == []
    services.withdraw_interest(interest, by=lead, reason="Sold.")
    assert hints_to_answer(proposal, lead) == []
    with clock.moved_to(clock.instant() + timedelta(minutes=1)):
        hinted(lead, proposal)
        assert len(hints_to_answer(proposal, lead)) == 1


@pytest.mark.parametrize("on_a_team", [False, True])
def test_an_employer_of_which_the_portal_learns_later_asks_again(proposal, on_a_team):
    """Now, or earlier: on the team of the anchor until today."""
    lead, anchor = make.lead(), proposal.consortium.anchor
    hinted(lead, proposal)
    declared(proposal, lead)
    assert hints_to_answer(proposal, lead) == []
    if on_a_team:
        row = TeamMember.objects.create(
            membership=anchor,
            user=lead,
            role="editor",
            added_by=lead,
            removed_by=lead,
            removed_at=clock.now(),
        )
    else:
        row = Affiliation.objects.create(organization=anchor.organization, user=lead)
    later = clock.instant() + timedelta(minutes=1)
    type(row).objects.filter(pk=row.pk).update(created_at=later)
    assert len(hints_to_answer(proposal, lead)) == 2
    with clock.moved_to(later + timedelta(minutes=1)):
        declared(proposal, lead)
        assert hints_to_answer(proposal, lead) == []


def test_what_is_said_twice_is_kept_once_until_something_new_is_hinted(proposal):
    lead = make.lead()
    first = declared(proposal, lead, "Another company.")
    assert declared(proposal, lead, "Another company.") == first
    assert AuditEvent.objects.filter(act="officialdeclaration.give").count() == 1
    assert declared(proposal, lead, "It was sold.") != first
    with clock.moved_to(clock.instant() + timedelta(minutes=1)):
        hinted(lead, proposal)
        declared(proposal, lead, "It was sold.")
        assert hints_to_answer(proposal, lead) == []
    assert OfficialDeclaration.objects.count() == 3


def test_a_hint_needs_a_reason_and_without_one_none_is_asked(proposal):
    lead, other = make.lead(), make.lead("DOE")
    hinted(lead, proposal)
    with pytest.raises(NotReady, match="Say why what is shown to you is no conflict"):
        declared(proposal, lead, " ")
    assert declared(proposal, other, "").text == ""


def test_who_declared_finds_their_own_words_again_and_nobody_elses(client, proposal):
    lead, other = make.lead(), make.lead("DOE")
    hinted(lead, proposal)
    declared(proposal, lead)
    declared(proposal, other, "A namesake abroad.")
    text = page(client, lead, "interests").text
    assert f"Proposal {proposal.number}, version 1" in text and "Another company of that name." in text
    assert "A namesake abroad." not in text


def test_the_ethics_official_is_asked_about_a_lead_and_decides(proposal):
    lead, ethics = make.lead(), officer(OfficeRole.ETHICS_OFFICIAL, "STATE")
    hinted(lead, proposal)
    services.declare_as_official(
        proposal, by=lead, has_conflict=True, about="relationship", text="They may be a cousin's."
    )
    case = ConflictCase.objects.get()
    assert (case.person, case.agency.code, case.status) == (lead, "STATE", "open")
    assert not Proposal.objects.read_by_office(now(lead)).filter(pk=proposal.pk).exists()
    with pytest.raises(PermissionDenied):
        file(proposal, now(lead))
    services.clear_conflict(case, by=ethics, basis="5 CFR 2635.402(b)", reason="Another company.")
    assert file(proposal, now(lead)).signed_by == lead


def test_an_official_recuses_themself(proposal):
    official = make.decision_official()
    services.declare_as_official(proposal, by=official, has_conflict=True, text="My brother works there.")
    assert Recusal.objects.get().user == official
    assert not Proposal.objects.read_by_office(now(official)).filter(pk=proposal.pk).exists()


def test_who_acts_by_no_office_declares_nothing_here(client, proposal):
    reviewer = make.assigned(proposal).reviewer
    strangers = (reviewer, officer(OfficeRole.AUDITOR), UserFactory(), representative_of(proposal))
    for person in strangers:
        with pytest.raises(PermissionDenied):
            declared(proposal, person)
        assert page(client, person, "own-conflict", proposal.number).status_code in (403, 404)
    assert not OfficialDeclaration.objects.exists()


def test_a_declaration_is_read_by_the_person_and_their_ethics_official_and_never_changed(client, proposal):
    lead, ethics, others = make.lead(), officer(OfficeRole.ETHICS_OFFICIAL, "STATE"), []
    hinted(lead, proposal)
    row = declared(proposal, lead, "Sold it last spring.")
    others = [officer(), make.lead(), officer(OfficeRole.ETHICS_OFFICIAL, "DOE"), officer(OfficeRole.AUDITOR)]
    for reader in (lead, ethics):
        assert OfficialDeclaration.objects.visible_to(now(reader)).contains(row)
        assert reader.has_perm("evaluation.view_officialdeclaration", row)
    for reader in others:
        assert not OfficialDeclaration.objects.visible_to(now(reader)).exists()
    assert "Sold it last spring." in page(client, ethics, "conflict-cases").text
    services.recuse(proposal, person=ethics, by=ethics, reason="A cousin.")
    assert "Sold it last spring." not in page(client, ethics, "conflict-cases").text
    bodies = AuditEvent.objects.filter(actor=lead).values_list("act", "body")
    assert "officialdeclaration.give" in dict(bodies)
    assert not any("Sold it" in body for _, body in bodies)
    with pytest.raises(DatabaseError, match="kept as they were written"), transaction.atomic():
        OfficialDeclaration.objects.update(text="Another")


def test_the_page_shows_the_hint_to_its_person_alone_and_leads_to_the_declaration(
    client, freshly_signed_in, proposal
):
    lead = make.lead()
    referral = make.referral_of(proposal)
    hinted(lead, proposal)
    address = reverse("evaluation:own-conflict", args=[proposal.number])
    for name, key in (("position", referral.pk), ("proposal", proposal.number)):
        shown = page(client, lead, name, key).text
        assert f"{lead} has a holding in" in shown and f'href="{address}"' in shown
        assert "has a holding in" not in page(client, make.lead(), name, key).text
        assert "has a holding in" not in page(client, officer(), name, key).text
    refused = press(client, lead, "position-file", referral.pk, **SUPPORT)
    assert refused.status_code == 422 and SUPPORT["rationale"] in refused.text
    empty = press(client, lead, "own-conflict", proposal.number, has_conflict="no")
    assert empty.context["form"].errors == {
        "text": ["Say why what is shown to you is no conflict of interest."]
    }
    unsaid = press(client, lead, "own-conflict", proposal.number, has_conflict="ask", text="Perhaps.")
    assert unsaid.context["form"].errors == {"about": ["Say what it is about."]}
    done = press(client, lead, "own-conflict", proposal.number, has_conflict="no", text="Another company.")
    assert done.url == reverse("evaluation:proposal", args=[proposal.number])
    assert "has a holding in" not in page(client, lead, "position", referral.pk).text
    gone = press(client, lead, "own-conflict", proposal.number, has_conflict="yes", text="It is mine.")
    assert gone.url == reverse("evaluation:desk")
    assert page(client, lead, "own-conflict", proposal.number).status_code == 404


def test_a_page_without_a_hint_costs_three_statements_for_it(proposal):
    lead = make.lead()
    with statements() as sent:
        assert hints_to_answer(proposal, lead) == []
    assert len(sent) == 3


def test_who_assigns_asks_about_a_lead_or_an_official_too_and_is_told_of_no_hint(client, proposal):
    desk, lead, official = officer(), make.lead(), make.decision_official()
    hinted(lead, proposal)
    shown = page(client, desk, "assignments", proposal.number)
    assert shown.context["to_ask_about"] == [] and "a holding" not in shown.text
    for person in (lead, official):
        sent = {"ask-person": person.pk, "ask-text": "They spoke at the launch."}
        assert press(client, desk, "conflict-raise", proposal.number, **sent).status_code == 302
        case = ConflictCase.objects.get(person=person)
        assert case.agency == person.offices.get().agency
        assert page(client, person, "proposal", proposal.number).status_code == 404

"""What offices read in the history of a proposal, act by act; its working copy is the consortium's own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation.history import READ_BY_OFFICES, history_of
from evaluation.services.reminders import remind_of_position
from program import clock
from program.clock_account import clock_account
from program.enums import OfficeRole
from program.models import AuditEvent, Delivery
from program.record_words import WORDS
from proposals import services as drafting
from proposals.schedule import note_lost_certifications
from tests.evaluation.pages import page, sign_in
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import certified, representative_of

pytestmark = pytest.mark.django_db

#: Acts that the history leaves out, each decided on: what a consortium does with its working copy, its team
#: and its counsel, and what is recorded of other things than a proposal
LEFT_OUT = {
    "call": (
        "draft change add_requirement change_requirement remove_requirement "
        "add_criterion change_criterion remove_criterion add_file change_file remove_file "
        "add_place change_place remove_place ask_approval approve send_back discard reopen "
        "issue amend amend_files release_file amend_requirements extend take_away close cancel"
    ),
    "outage": "log correct dismiss",
    "closure": "enter correct",
    "question": "ask answer correct group withdraw",
    "duty": "keep",
    "agencyaction": ("enter change find_inconsistent find_consistent propose carry_out finalize drop"),
    "interimexemption": "give end",
    "organization": "register name change remove_owner add_owner change_owner",
    "consortium": "create change change_anchor",
    "membership": (
        "invite send_invitation resend_invitation revoke_invitation "
        "accept_invitation consent decline leave remove change_role change_part ask_consent "
        "restore_part add_team_member remove_team_member"
    ),
    "anchoroffer": "offer accept decline withdraw",
    "grant": "give revoke",
    "proposal": (
        "create attach detach replace_file release_file lose_certification "
        "remove_row import copy import_components restore_row mark change_mark unmark certify "
        "recheck remind remind_of_demands ask_pdf purge"
    ),
    "document": "infected",
    "comment": "add answer assign resolve reopen",
    "timerequest": "grant decline",
    "screeninglist": "import",
    "partycheck": "adjudicate correct reopen",
    "compliancecheck": "weigh",
    "conflictcase": "raise remind clear recuse",
    "interest": "declare withdraw",
    "interestconfirmation": "remind give",
    "officialdeclaration": "give",
    "reviewerprofile": "change",
    "reviewersneeded": "change",
    "review": "submit reopen",
    "discussioncomment": "write answer edit withdraw",
    "announcement": "begin end",
    "condition": "remind",
    "designationamendment": (
        "prepare change remove_change drop ask_to_clear clear "
        "send_back stand undo_clearance overtake sign recall announce take_effect lapse"
    ),
    "catalogrelease": "publish return withdraw",
    "toolreferral": ("propose refer set_aside accept decline commit supersede close suspend resume"),
    "commitment": "record",
    "meeting": "plan hold",
    "agendaitem": "add decide",
    "action": "give finish",
    "workstream": "change",
    "partnership": "enter change",
    "marketbarrier": "enter change",
    "countryclass": "set",
    "appointment": "propose confirm decline",
    "office": "appoint end",
    "delegation": "give end",
    "suppression": "add import remove",
    "delivery": "send_again",
    "subscription": "ask confirm stop lift_refusal",
    "record": "verify",
    "user": (
        "sign_in sign_out session_end refused open_calendar renew_calendar "
        "close_calendar choose_mail gather_mail sign_in_failed"
    ),
}


def test_every_act_is_shown_or_left_out_by_name():
    """Whoever adds an act says whether offices read it in the history of a proposal."""
    left_out = {f"{noun}.{verb}" for noun, verbs in LEFT_OUT.items() for verb in verbs.split()}
    assert not left_out & READ_BY_OFFICES
    assert left_out | READ_BY_OFFICES == WORDS.keys()


@pytest.fixture
def edited():
    """A proposal at the agencies, which its consortium certifies, edits, marks and shows to counsel anew."""
    proposal = make.accepted()
    signer, component = representative_of(proposal), proposal.components.filter(layer="hardware").first()
    certified(proposal, signer)
    drafting.save_row(component, by=signer, values={"name": "Another rack"}, revision=component.revision)
    assert note_lost_certifications() == 1
    drafting.grant_access(proposal, to=UserFactory(email="counsel@law.example"), by=signer)
    return proposal


@pytest.mark.parametrize(
    "role", [OfficeRole.PROGRAM_OFFICER, OfficeRole.DECISION_OFFICIAL, OfficeRole.AUDITOR]
)
def test_history_says_nothing_of_the_working_copy(client, edited, role):
    sign_in(client, officer(role))
    text = client.get(reverse("evaluation:proposal", args=[edited.number])).text
    assert "History from the record" in text and "Accepted for evaluation" in text
    for said in (
        "Certification lost",
        "Another rack",
        "Content certified",
        "counsel@law.example",
        "Access given",
    ):
        assert said not in text, said
    recorded = set(AuditEvent.objects.of(edited).values_list("act", flat=True))
    assert recorded > {"proposal.certify", "proposal.lose_certification", "grant.give"}
    assert {entry["event"].act for entry in history_of(edited, after=None, most=100)} <= READ_BY_OFFICES


def test_auditor_finds_every_act_in_the_record(edited):
    """Who, when and under which authority: of what was submitted the auditor's search keeps nothing back."""
    auditor = officer(OfficeRole.AUDITOR)
    own = AuditEvent.objects.of(edited)
    assert own.visible_to(auditor).count() == own.count()


def test_log_of_deliveries_says_nothing_of_it_to_the_program_office(edited):
    kinds = {"proposals.certification_lost", "proposals.shared"}
    rows = Delivery.objects.filter(notice__kind__in=kinds)
    assert set(rows.values_list("notice__kind", flat=True)) == kinds
    assert not rows.visible_to(officer()).exists()
    assert rows.visible_to(officer(OfficeRole.AUDITOR)).count() == rows.count()


def test_history_of_a_proposal_is_read_to_its_end_page_by_page(client, monkeypatch):
    monkeypatch.setattr("evaluation.views.proposals.SHOWN", 2)
    desk, auditor = officer(), officer(OfficeRole.AUDITOR)
    proposal = make.accepted(desk)
    make.filed(proposal, "DOE", "object")
    shown = page(client, desk, "proposal", proposal.number)
    assert not shown.context["newest_history"]
    address, found = reverse("evaluation:proposal", args=[proposal.number]), []
    while True:
        entries = shown.context["history"]
        found += [entry["event"].pk for entry in entries]
        if not (older := shown.context["older_history"]):
            break
        assert len(entries) == 2 and f'href="{older.split("#")[0]}' in shown.text
        shown = client.get(address + older)
        assert shown.context["newest_history"] == "?#history"
    assert len(found) > 4 and found == sorted(set(found), reverse=True)
    submitted = AuditEvent.objects.of(proposal).filter(act="proposal.submit").values_list("pk", flat=True)
    assert set(submitted) and set(submitted) <= set(found)
    record = f"{reverse('evaluation:record')}?proposal={proposal.number}"
    assert record not in shown.text and record in page(client, auditor, "proposal", proposal.number).text


def test_history_names_the_agency_of_each_consultation(client):
    desk = officer()
    proposal = make.accepted(desk)
    make.filed(proposal, "DOE", "object")
    referral = make.referral_of(proposal, "DOE")
    due = referral.due_at - timedelta(days=2)
    for agency in ("STATE", "OSTP"):
        with clock.moved_to(due):
            assert remind_of_position(make.referral_of(proposal, agency), by=clock_account())
    told = [entry["heading"] for entry in page(client, desk, "proposal", proposal.number).context["history"]]
    names = [make.referral_of(proposal, agency).agency for agency in ("OSTP", "STATE")]
    reminded = [heading for heading in told if "reminded" in heading]
    assert reminded == [f"Agency reminded of its position: {name}" for name in names]
    assert any(heading.endswith(f": {referral.agency}") for heading in told)

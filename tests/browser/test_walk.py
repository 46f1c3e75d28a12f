"""One proposal in a real browser, by separate people: from a call to a committed financing tool."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import F

from evaluation.models import (
    Assignment,
    Designation,
    Determination,
    LetterPaper,
    Position,
    Referral,
    Review,
    ScreeningRun,
)
from evaluation.schedule import lapse_due_referrals
from evaluation.services import import_screening_list
from financing.models import Tool, ToolReferral
from financing.reference import load_tools
from program import audit, clock
from program.enums import OfficeRole
from program.models import Agency, AuditEvent, Call, Delivery, Notice
from proposals.models import Invitation, Proposal, Receipt, ReceiptPaper, Version
from tests.browser.packages import (
    LAYERS,
    ask_for_support,
    begin_a_proposal,
    certify_and_submit,
    describe_layer,
    describe_the_operation,
    describe_the_whole,
    name_a_market,
    state_compliance,
)
from tests.browser.people import with_second_factor
from tests.factories.program import UserFactory, officer
from tests.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("walk")]


@pytest.fixture
def screening_list(portal):
    """The list that parties are screened against, and the tools of s.4(d)."""
    load_tools()
    file = Path(settings.BASE_DIR) / "evaluation" / "data" / "fictional_screening_list.csv"
    with file.open("rb") as opened:
        return import_screening_list(opened, by=officer(), name="Fictional list", file_date=clock.today())


class Story:
    """What the chapters hand on to each other."""


@pytest.fixture
def people(portal):
    """One person for each part in the story; officials have a second factor."""
    story = Story()
    story.drafter = with_second_factor(officer(OfficeRole.PROGRAM_OFFICER))
    story.approver = with_second_factor(officer(OfficeRole.PROGRAM_OFFICER))
    story.official = with_second_factor(officer(OfficeRole.DECISION_OFFICIAL))
    story.leads = {
        code: with_second_factor(officer(OfficeRole.LEAD, code))
        for code in ("COMMERCE", "STATE", "DOD", "DOE", "OSTP")
    }
    story.reviewers = {
        code: with_second_factor(officer(OfficeRole.REVIEWER, code))
        for code in ("COMMERCE", "STATE", "DOD", "DOE", "OSTP")
    }
    story.recused = with_second_factor(officer(OfficeRole.REVIEWER, "OSTP"))
    story.chair = with_second_factor(officer(OfficeRole.EDAG_CHAIR, "STATE"))
    story.exim = with_second_factor(officer(OfficeRole.EDAG_OFFICER, "EXIM"))
    story.anchor = UserFactory(name="Ada Anchor", title="Vice President", email="ada@harbor.example")
    story.representative = with_second_factor(
        UserFactory(name="Rita Representative", title="Vice President", email="rita@harbor.example")
    )
    story.member = with_second_factor(
        UserFactory(name="Mona Member", title="General Counsel", email="mona@bluepine.example")
    )
    return story


def issue_a_call(person, people):
    """A program officer drafts, another approves, the first issues."""
    drafter = person(people.drafter).visit("/desk/calls/")
    drafter.follow("Draft a call")
    drafter.fill(title="Call for full-stack AI export packages").send("Make the draft")
    drafter.follow("Edit the draft")
    drafter.fill(
        summary="The Department calls for full-stack AI export packages.",
        text="Consortia led by industry propose packages of all five layers.",
        no_fr_reason="Published on this site first.",
        no_control_reason="Approval is pending; recorded by the Program office.",
    ).send("Save")
    number = Call.objects.get().number
    approver = person(people.approver).visit(f"/desk/calls/{number}/")
    approver.send("Approve")
    drafter.visit(f"/desk/calls/{number}/issue/").send("Issue the call")
    assert Call.objects.get().status == "issued"
    return Call.objects.get()


def form_a_consortium(person, people, call):
    """The anchor's administrator registers the company and begins a proposal."""
    anchor = person(people.anchor)
    begin_a_proposal(anchor, call)
    return anchor, Proposal.objects.get()


def link_to(address, post_office):
    """The path of the invitation in a real mail to ``address``."""
    for envelope in post_office.messages:
        text = message_from_bytes(envelope.content, policy=default).get_body(("plain",)).get_content()
        if address in envelope.rcpt_tos and (found := re.search(r"/invitations/\S+/", text)):
            return found[0]
    return None


def invite_the_representative(person, people, anchor, proposal, post_office):
    """The administrator invites who may sign; the link from the real mail is accepted by POST only."""
    member = proposal.consortium.anchor
    form = anchor.visit(f"/members/{member.pk}/").form(f"/members/{member.pk}/invite/")
    anchor.fill(form, email=people.representative.email, role="authorized_representative").send(form)
    link = wait_until(lambda: link_to(people.representative.email, post_office), what="the invitation's mail")
    representative = person(people.representative)
    representative.visit(link)
    assert not member.team.filter(user=people.representative).exists()
    representative.send("Accept the invitation")
    assert member.team.get(user=people.representative).role == "authorized_representative"
    return representative


def invite_a_second_member(person, people, anchor, proposal, post_office):
    """The anchor names a company and a person of it; only that person's consent brings the company in."""
    consortium = f"/consortia/{proposal.consortium_id}/"
    form = anchor.visit(consortium).form(f"{consortium}invite/")
    anchor.fill(
        form,
        legal_name="Bluepine Models, Inc. (fictional)",
        incorporated_in="US",
        headquartered_in="US",
        role_text="Supplies the clinical models and keeps them current.",
        email=people.member.email,
    ).send(form)
    anchor.says("Nobody yet")
    second = proposal.consortium.memberships.get(is_anchor=False)
    link = wait_until(lambda: link_to(people.member.email, post_office), what="the member's invitation")
    member = person(people.member).visit(link).says("Supplies the clinical models")
    member.send("Accept the invitation")
    second.refresh_from_db()
    assert (second.status, second.team.get().user) == ("invited", people.member)
    assert member.page.request.get(f"{member.address}/proposals/{proposal.pk}/").status == 404
    member.says("An authorized representative consents")
    member.send("I may bind my organization: give me this role")
    consents(member, second)
    second.refresh_from_db()
    assert (second.status, second.consented_by) == ("consented", people.member)
    assert second.consents.get().given_by == people.member
    return member, second


def consents(member, second):
    """Read role, part and declaration, and accept them."""
    form = member.visit(f"/members/{second.pk}/consent/").page.locator("main form[method=post]").first
    member.fill(form, accepts_role=True, accepts_declaration=True).send(form)


def fill_the_package(anchor, member, second, proposal):
    """Every part of the package, typed row by row; the second member types what it supplies."""
    base = f"/proposals/{proposal.pk}"
    supplier = str(proposal.consortium.anchor.pk)
    describe_the_whole(anchor, base)
    for layer in LAYERS:
        typist, supplies = (member, str(second.pk)) if layer == "models" else (anchor, supplier)
        describe_layer(typist, base, layer, supplies)
    name_a_market(anchor, base)
    describe_the_operation(anchor, base, supplier)
    ask_for_support(anchor, base)
    state_compliance(anchor, base)
    anchor.visit(f"{base}/consortium/").says("Consent to be renewed")
    member.visit(f"/members/{second.pk}/consent/").says("AI models and systems")
    consents(member, second)


def submit(representative, proposal):
    """The authorized representative certifies and submits, and holds a receipt."""
    base = f"/proposals/{proposal.pk}"
    certify_and_submit(representative, base, "Rita Representative")
    proposal.refresh_from_db()
    assert (proposal.status, proposal.number[:9]) == ("submitted", "AIX-2026-")
    receipt = Receipt.objects.get(version__proposal=proposal)
    representative.visit(f"{base}/receipt/").says(receipt.number)
    return Version.objects.get(proposal=proposal)


def two_members_stand_in(version, second):
    """What was frozen names both members with their consent, and who supplies the models."""
    package = version.value
    stated = {str(one.organization.legal_name): one.consent.status for one in package.consortium.members}
    assert stated == {
        "Harbor Light Compute, Inc. (fictional)": "consented",
        "Bluepine Models, Inc. (fictional)": "consented",
    }
    assert [one.organization.legal_name for one in package.suppliers("models")] == [
        second.organization.legal_name
    ]


def accept(person, people, proposal, screening_list):
    """The Program office finds every requirement given, screens all parties, accepts."""
    officer_ = person(people.drafter)
    take_in(officer_, proposal)
    assert proposal.call.status == "issued"
    return officer_


def take_in(officer_, proposal):
    """The last version: find, screen, accept."""
    officer_.visit(f"/desk/intake/{proposal.number}/")
    form = officer_.form(f"/desk/intake/{proposal.number}/findings/")
    for requirement in proposal.call.requirements.all():
        officer_.fill(form, **{f"requirement-{requirement.pk}": "accepted"})
    officer_.send(form)
    officer_.send("Screen all parties now")
    run = ScreeningRun.objects.filter(version=proposal.versions.latest("number"))
    wait_until(run.exists, what="the screening")
    officer_.visit(f"/desk/intake/{proposal.number}/").says("parties were compared on")
    officer_.send("Accept for evaluation")
    proposal.refresh_from_db()
    assert proposal.status == "under_evaluation"


def assign(officer_, proposal, code, reviewer):
    officer_.visit(f"/desk/assignments/{proposal.number}/")
    form = officer_.form(f"/desk/assignments/{proposal.number}/assign/")
    agency = str(Agency.objects.get(code=code).pk)
    officer_.fill(form, agency=agency, reviewer=str(reviewer.pk)).send(form)


def recuse_a_reviewer(person, people, officer_, proposal, folder):
    """An officer recuses a reviewer of OSTP and names another; the first is kept away at once."""
    assign(officer_, proposal, "OSTP", people.recused)
    away = person(people.recused).visit("/desk/").says(proposal.number)
    told = Delivery.objects.filter(notice__recipient=people.recused)
    wait_until(lambda: told.exists() and not told.exclude(state="sent").exists(), what="the mail of it")
    form = officer_.visit(f"/desk/assignments/{proposal.number}/").form("/recuse/")
    officer_.fill(
        form,
        person=str(people.recused.pk),
        replacement=str(people.reviewers["OSTP"].pk),
        reason="A sister works for the anchor.",
    ).send(form, told=str(people.recused))
    keep_picture(officer_, folder, "recused")
    for page in (f"/desk/proposals/{proposal.number}/", f"/proposals/{proposal.pk}/versions/1/"):
        assert away.page.request.get(away.address + page).status == 404
    away.visit("/desk/")
    assert proposal.number not in away.page.content()


def review(person, proposal, reviewer):
    """Declare, score every criterion, submit."""
    assignment = Assignment.objects.get(proposal=proposal, reviewer=reviewer)
    desk = person(reviewer).visit("/desk/").says(proposal.number)
    desk.visit(f"/desk/assigned/{assignment.pk}/")
    form = desk.form(f"/desk/assigned/{assignment.pk}/declare/")
    desk.fill(form, has_conflict="no").send(form)
    sheet = Review.objects.get(assignment=assignment)
    for score in sheet.scores.all():
        form = desk.visit(f"/desk/reviews/{sheet.pk}/").form(f"/desk/reviews/{sheet.pk}/scores/{score.pk}/")
        desk.fill(
            form, value="4", strengths="Five layers from one source.", weaknesses="One supplier abroad."
        )
        desk.send(form)
    form = desk.form(f"/desk/reviews/{sheet.pk}/save/")
    desk.fill(form, recommendation="support", rationale="Strong in the market, safe in operation.").send(form)
    desk.visit(f"/desk/reviews/{sheet.pk}/").send("Submit the review")
    return desk, sheet


def replace_the_version(people, proposal, anchor, representative, officer_, desk, sheet, folder):
    """The anchor submits a second version; who had reviewed the first sees what changed, and reviews anew."""
    base = f"/proposals/{proposal.pk}"
    part = anchor.visit(f"{base}/overview/").form(f"{base}/overview/")
    anchor.fill(part, summary="A full AI stack for 52 district hospitals.").send(part)
    representative.visit(f"{base}/review-and-submit/")
    form = representative.form(f"{base}/certify/")
    representative.fill(
        form, signer_title="Vice President", authority_basis="officer", typed_signature="Rita Representative"
    ).send(form)
    representative.send(representative.form(f"{base}/resubmit/"))
    proposal.refresh_from_db()
    assert (proposal.status, proposal.version_count) == ("submitted", 2)
    take_in(officer_, proposal)
    desk.visit(f"/desk/reviews/{sheet.pk}/").says("A newer version was submitted")
    desk.visit(f"/desk/assigned/{sheet.assignment_id}/").send("Begin the review")
    desk.says("Changed since you reviewed")
    keep_picture(desk, folder, "changed-since")
    desk.send("Submit the review")


def review_in_five_agencies(person, people, officer_, proposal):
    """The reviewers of the other four agencies; the replacement is assigned already."""
    for code, reviewer in people.reviewers.items():
        if code != "STATE":
            if code != "OSTP":
                assign(officer_, proposal, code, reviewer)
            review(person, proposal, reviewer)
    assert Review.objects.filter(status="submitted", version__number=2).count() == 5


def let_one_lapse(officer_, proposal, folder):
    """The days of OSTP go by; the clock ends its consultation, which is shown as no response."""
    ostp = Referral.objects.filter(version__proposal=proposal, version__number=2, agency__code="OSTP")
    ostp.update(opened_at=F("opened_at") - timedelta(days=60), due_at=clock.instant() - timedelta(hours=1))
    assert lapse_due_referrals() == 1
    assert ostp.get().status == "lapsed"
    officer_.visit(f"/desk/proposals/{proposal.number}/").says("No response")
    keep_picture(officer_, folder, "lapsed")


def keep_picture(one, folder, name):
    one.page.screenshot(path=folder / f"{name}.png", full_page=True)


def file_four_positions(person, people, proposal):
    """Four leads acknowledge and file; Energy objects, and blocks nothing by it."""
    for code in ("COMMERCE", "STATE", "DOD", "DOE"):
        lead = people.leads[code]
        referral = Referral.objects.get(version__proposal=proposal, version__number=2, agency__code=code)
        desk = person(lead).visit(f"/desk/positions/{referral.pk}/")
        desk.send("Acknowledge receipt")
        desk.fill(
            desk.form(f"/desk/positions/{referral.pk}/draft/"),
            stance="object" if code == "DOE" else "support",
            rationale="The grid cannot carry it yet."
            if code == "DOE"
            else "It serves the national interest.",
        ).send("Sign and file", told=f"Position: {'Object' if code == 'DOE' else 'Support'}.")
    assert Position.objects.filter(referral__version__proposal=proposal).count() == 4


def determine(person, people, officer_, proposal, anchor):
    """Prepared, cleared and signed by three, invisible outside until it is announced."""
    officer_.visit(f"/desk/proposals/{proposal.number}/").send("Prepare or open the determination")
    determination = Determination.objects.get(proposal=proposal)
    form = officer_.form(f"/desk/determinations/{determination.pk}/save/")
    for finding in determination.findings.all():
        officer_.fill(
            form,
            **{
                f"finding-{finding.requirement_id}-is_met": "yes",
                f"finding-{finding.requirement_id}-text": "Given.",
            },
        )
    objection = Position.objects.get(stance="object")
    officer_.fill(
        form,
        outcome="designate",
        rationale="The package advances the national interest in the market it names.",
        letter_text="Your package is designated as a priority AI export package.",
        **{f"objection-{objection.pk}-answer": "The site is built in two steps, as the grid allows."},
    ).send(form)
    officer_.visit(f"/desk/determinations/{determination.pk}/").send("Put it up for clearance")
    people.desk = person(people.approver).visit(f"/desk/determinations/{determination.pk}/")
    people.desk.send("Clear the determination")
    official = person(people.official).visit(f"/desk/determinations/{determination.pk}/")
    official.send("Sign the determination")
    anchor.visit(f"/proposals/{proposal.pk}/").says("Under evaluation")
    assert not Designation.objects.exists()
    official.visit(f"/desk/determinations/{determination.pk}/announcement/").send("Announce now")
    proposal.refresh_from_db()
    assert proposal.status == "designated"
    anchor.visit(f"/proposals/{proposal.pk}/").says("Designated")
    return Designation.objects.get(proposal=proposal)


def release_to_the_catalog(person, people, anchor, proposal, designation, folder):
    """The anchor releases what foreign buyers may read, an officer publishes it; a stranger finds it."""
    anchor.visit(f"/proposals/{proposal.pk}/catalog-release/")
    form = anchor.page.locator("main form[method=post]").first
    anchor.fill(
        form,
        title="Hospital AI for East Africa",
        summary="Imaging and triage for hospitals.",
        contact_email="sales@harbor.example",
    )
    anchor.send(form)
    desk = people.desk.visit(f"/desk/designations/{designation.number}/catalog/")
    desk.says("Hospital AI for East Africa").send("Publish")
    keep_picture(person(None).visit("/catalog/").says("Hospital AI for East Africa"), folder, "catalog")


def refer_and_commit(person, people, designation):
    """EDAG matches and refers a loan to EXIM; EXIM accepts and commits it."""
    chair = person(people.chair).visit(f"/edag/designations/{designation.number}/")
    chair.send("Match tools with this package")
    chair.follow("Propose a referral")
    tool = str(Tool.objects.get(code="direct_loan").pk)
    form = chair.page.locator("main form[method=post]").last
    chair.fill(
        form,
        tool=tool,
        market="Kenya",
        purpose="Finance for the accelerators.",
        amount_usd="62000000",
        lead_officer=str(people.exim.pk),
    ).send(form)
    referral = ToolReferral.objects.get()
    page = f"/edag/referrals/{referral.number}/"
    chair.visit(page).send(chair.form("/refer/"))
    exim = person(people.exim).visit(page)
    exim.send(exim.form("/accept/"))
    form = exim.visit(page).form("/commit/")
    exim.fill(
        form,
        amount_usd="60000000",
        term_months="120",
        committed_on=f"{clock.today():%Y-%m-%d}",
        instrument_reference="EXIM-2026-0417",
        conditions="Subject to the export license.",
    ).send(form)
    referral.refresh_from_db()
    assert referral.status == "committed"


def test_one_proposal_from_call_to_commitment(person, people, post_office, screening_list, tmp_path):
    call = issue_a_call(person, people)
    anchor, proposal = form_a_consortium(person, people, call)
    representative = invite_the_representative(person, people, anchor, proposal, post_office)
    member, second = invite_a_second_member(person, people, anchor, proposal, post_office)
    fill_the_package(anchor, member, second, proposal)
    version = submit(representative, proposal)
    two_members_stand_in(version, second)
    officer_ = accept(person, people, proposal, screening_list)
    recuse_a_reviewer(person, people, officer_, proposal, tmp_path)
    assign(officer_, proposal, "STATE", people.reviewers["STATE"])
    desk, sheet = review(person, proposal, people.reviewers["STATE"])
    replace_the_version(people, proposal, anchor, representative, officer_, desk, sheet, tmp_path)
    review_in_five_agencies(person, people, officer_, proposal)
    file_four_positions(person, people, proposal)
    let_one_lapse(officer_, proposal, tmp_path)
    designation = determine(person, people, officer_, proposal, anchor)
    release_to_the_catalog(person, people, anchor, proposal, designation, tmp_path)
    refer_and_commit(person, people, designation)

    every_step_left_its_trace(post_office, people, version, designation)


def every_step_left_its_trace(post_office, people, version, designation):
    """Its events in a sound record, its notices by mail, its documents made by the worker."""
    acts = set(AuditEvent.objects.values_list("act", flat=True))
    assert acts >= {
        "call.approve", "call.issue", "membership.consent",
        "proposal.certify", "proposal.submit", "proposal.accept", "proposal.recuse", "proposal.resubmit",
        "referral.lapse",
        "determination.sign", "determination.announce", "proposal.designate",
        "toolreferral.refer", "toolreferral.accept", "toolreferral.commit",
    }  # fmt: skip
    audit.seal_record()
    assert audit.verify().is_sound
    wait_until(
        lambda: ReceiptPaper.objects.filter(receipt__version=version, document__isnull=False).exists(),
        what="the receipt's PDF",
    )
    wait_until(
        lambda: LetterPaper.objects.filter(
            letter__proposal=designation.proposal, document__isnull=False
        ).exists(),
        what="the letter's PDF",
    )
    kept = Delivery.objects.filter(state="dropped")  # what the recused person may not read any more
    wait_until(
        lambda: not Delivery.objects.exclude(state__in=["sent", "dropped"]).exists(),
        what="all mail to be sent",
    )
    assert set(kept.values_list("notice__recipient", flat=True)) <= {people.recused.pk}
    told = [envelope.rcpt_tos[0] for envelope in post_office.messages]
    assert len(told) == Notice.objects.count() + Invitation.objects.count() - kept.count()
    assert {people.anchor.email, people.member.email} <= set(told)

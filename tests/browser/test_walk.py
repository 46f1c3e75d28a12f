"""One proposal in a real browser, by separate people: from a draft of a call to a committed financing tool."""

from __future__ import annotations

import pytest

from program.enums import OfficeRole
from program.models import Call, Organization
from proposals.models import Proposal, Receipt, Version
from proposals.questionnaire import SUBJECTS
from tests.browser.people import with_second_factor
from tests.factories.program import UserFactory, officer
from tests.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("walk")]

LAYERS = {
    "hardware": {
        "name": "Training boards",
        "subtype": "accelerator",
        "maker": "Harbor Compute",
        "model": "HL-700",
        "quantity": "1024",
        "description": "Boards for training and inference.",
        "total_value_usd": "41000000",
        "us_content_value_usd": "27500000",
        "country_of_origin": "US",
        "country_of_assembly": "US",
        "place_of_manufacture": "Chandler, Arizona",
        "us_manufacture": "Designed in California, assembled in Arizona; memory comes from South Korea.",
        "jurisdiction": "ear",
        "eccn": "4A090.a",
        "eccn_basis": "self",
        "tpp": "6100",
        "performance_density": "5.95",
        "is_datacenter": "true",
    },
    "data": {
        "name": "Image labeling line",
        "description": "Two radiologists read every image.",
        "data_location": "Mombasa and Kisumu.",
        "provenance": "Hospital archives, with consent.",
        "privacy_regime": "Kenya Data Protection Act, 2019.",
    },
    "models": {
        "name": "Clinical Vision 3",
        "description": "Reads chest images.",
        "developer": "Bluepine Models",
        "weights": "closed",
        "compute_band": "1e24_1e25",
        "hosting": "In the Mombasa data center only.",
        "weight_custody": "The anchor keeps the keys.",
        "jurisdiction": "ear",
        "eccn": "EAR99",
        "eccn_basis": "self",
    },
    "security": {
        "name": "Security operations",
        "description": "Watches all five layers.",
        "frameworks": "NIST AI RMF",
        "controls": "Hardware attestation at each start.",
        "certifications": "ISO/IEC 27001",
        "incident_response": "First answer within 15 minutes.",
        "weight_protection": "Weights are encrypted at rest and in memory.",
    },
    "applications": {
        "name": "Ward triage",
        "description": "Nurses sort patients by urgency.",
        "sector": "healthcare",
        "use_case": "Triage in district hospitals.",
        "users": "6,200 nurses",
        "languages": "English, Swahili",
        "localization": "Forms of the ministry of health.",
    },
}


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
        code: with_second_factor(officer(OfficeRole.LEAD, code)) for code in ("COMMERCE", "STATE", "DOD", "DOE", "OSTP")
    }
    story.reviewers = {
        code: with_second_factor(officer(OfficeRole.REVIEWER, code))
        for code in ("COMMERCE", "STATE", "DOD", "DOE", "OSTP")
    }
    story.chair = with_second_factor(officer(OfficeRole.EDAG_CHAIR, "STATE"))
    story.exim = with_second_factor(officer(OfficeRole.EDAG_OFFICER, "EXIM"))
    story.anchor = UserFactory(name="Ada Anchor", title="Vice President", email="ada@harbor.example")
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
        no_control_reason="Approval is pending; recorded by the program office.",
    ).send("Save")
    number = Call.objects.get().number
    approver = person(people.approver).visit(f"/desk/calls/{number}/")
    approver.send("Approve")
    drafter.visit(f"/desk/calls/{number}/").send("Issue the call")
    assert Call.objects.get().status == "issued"
    return Call.objects.get()


def form_a_consortium(person, people, call):
    """The anchor's administrator registers the company and begins a proposal."""
    anchor = person(people.anchor).visit(f"/calls/{call.number}/")
    anchor.visit(f"/proposals/new/?call={call.number}").follow("Register your organization")
    anchor.fill(legal_name="Harbor Light Compute, Inc. (fictional)", incorporated_in="US", headquartered_in="US")
    anchor.send(anchor.page.locator("main form").last)
    anchor.visit(f"/proposals/new/?call={call.number}")
    anchor.fill(
        call=call.number,
        title="Hospital AI for East Africa",
        consortium_name="Harbor Light Consortium",
        organization=str(Organization.objects.get().pk),
        role_text="Leads, supplies the hardware, runs the data center.",
    ).send("Begin the proposal")
    return anchor, Proposal.objects.get()


def fill_the_package(anchor, proposal):
    """Every part of the package, typed row by row."""
    base = f"/proposals/{proposal.pk}"
    supplier = str(proposal.consortium.anchor.pk)
    part = anchor.visit(f"{base}/overview/").form(f"{base}/overview/")
    anchor.fill(
        part,
        summary="A full AI stack for 47 district hospitals.",
        contact_name="Ada Anchor",
        contact_email="ada@harbor.example",
    ).send(part)
    for layer, values in LAYERS.items():
        anchor.visit(f"{base}/{layer}/")
        add = anchor.form(f"{base}/{layer}/add/component/")
        anchor.fill(add, name=values["name"]).send(add)
        row = anchor.page.locator("main form[data-autosave]").first
        anchor.fill(row, **values, supplier=supplier).send(row)
        anchor.visit(f"{base}/{layer}/")
        add = anchor.form(f"{base}/{layer}/add/provision/")
        if add.count():
            anchor.fill(add, membership=supplier).send(add)
    anchor.visit(f"{base}/markets/")
    add = anchor.form(f"{base}/markets/add/market/")
    anchor.fill(add, country="KE").send(add)
    row = anchor.page.locator("main form[data-autosave]").first
    anchor.fill(
        row,
        national_interest="Hospitals on an American stack keep their data under rules we share.",
        demand_evidence="Letter of intent of the county hospitals.",
        end_users="District hospitals.",
    ).send(row)
    anchor.visit(f"{base}/operating-model/")
    part = anchor.form(f"{base}/operating-model/")
    anchor.fill(part, operating_model="The anchor builds, owns and runs the data center.").send(part)
    add = anchor.form(f"{base}/operating-model/add/site/")
    anchor.fill(add, name="Mombasa data center", country="KE").send(add)
    site = anchor.page.url
    row = anchor.page.locator("main form[data-autosave]").first
    anchor.fill(row, kind="Data center", location="Mombasa", capacity_mw="9.5", status="planned").send(row)
    for act in ("build", "own", "operate"):
        anchor.visit(site)
        add = anchor.page.locator(f"form:has(input[name=act][value={act}])")
        anchor.fill(add, membership=supplier).send(add)
    anchor.visit(f"{base}/support/")
    add = anchor.form(f"{base}/support/add/support/")
    anchor.fill(add, mechanism="direct_loan").send(add)
    row = anchor.page.locator("main form[data-autosave]").first
    anchor.fill(
        row,
        amount_usd="62000000",
        term_months="120",
        purpose="To finance accelerators and the first three years.",
        alternatives="Banks offer five years.",
    ).send(row)
    state_compliance(anchor, base)
    anchor.visit(f"{base}/consortium/")


def state_compliance(anchor, base):
    """Every statement of the questionnaire; the answer that needs no explanation where there is one."""
    anchor.visit(f"{base}/compliance/")
    part = anchor.form(f"{base}/compliance/")
    anchor.fill(
        part,
        compliance_officer_name="Cy Officer",
        compliance_officer_email="cy@harbor.example",
        program_summary="Every delivery is reviewed.",
        end_uses="Triage and imaging.",
        remote_access_policy="Only identified hospitals.",
    ).send(part)
    for subject in SUBJECTS:
        form = anchor.page.locator(f"form:has([name='statement-{subject.code}-answer'])").first
        plain = next((answer for answer in subject.answers if answer not in subject.explained), subject.answers[0])
        anchor.fill(form, answer=str(plain)).send(form)


def certify_and_submit(anchor, proposal):
    """The authorized representative reads the package, certifies exactly it, submits."""
    base = f"/proposals/{proposal.pk}"
    anchor.visit(f"{base}/review-and-submit/")
    missing = anchor.page.locator("#problems ~ ul li, #problems ~ div li").all_inner_texts() if anchor.page.get_by_text("package from being submitted").count() else []
    assert missing == []
    form = anchor.form(f"{base}/certify/")
    anchor.fill(
        form, signer_title="Vice President", authority_basis="officer", typed_signature="Ada Anchor"
    ).send(form)
    anchor.send(anchor.form(f"{base}/submit/"))
    proposal.refresh_from_db()
    assert (proposal.status, proposal.number[:9]) == ("submitted", "AIX-2026-")
    receipt = Receipt.objects.get(version__proposal=proposal)
    anchor.visit(f"{base}/receipt/").says(receipt.number)
    return Version.objects.get(proposal=proposal)


def test_one_proposal_from_call_to_commitment(person, people, post_office):
    call = issue_a_call(person, people)
    anchor, proposal = form_a_consortium(person, people, call)
    fill_the_package(anchor, proposal)
    version = certify_and_submit(anchor, proposal)
    wait_until(lambda: getattr(version.receipt.paper.__class__.objects.get(receipt=version.receipt), "document"), what="the PDF")
    wait_until(lambda: [e for e in post_office.messages if people.anchor.email in e.rcpt_tos], what="the mail")

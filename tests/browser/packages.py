"""A whole package, typed into the workspace part by part, by whoever types and however."""

from __future__ import annotations

from program.models import Organization
from proposals.questionnaire import SUBJECTS

EAR99 = {"jurisdiction": "ear", "eccn": "EAR99", "eccn_basis": "self"}
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
        "license_basis": "A license is asked for once the package is designated.",
    },
    "data": {
        "name": "Image labeling line",
        "description": "Two radiologists read every image.",
        "data_location": "Mombasa and Kisumu.",
        "provenance": "Hospital archives, with consent.",
        "privacy_regime": "Kenya Data Protection Act, 2019.",
        **EAR99,
    },
    "models": {
        "name": "Clinical Vision 3",
        "description": "Reads chest images.",
        "developer": "Bluepine Models",
        "weights": "closed",
        "compute_band": "1e24_1e25",
        "hosting": "In the Mombasa data center only.",
        "weight_custody": "The anchor keeps the keys.",
        **EAR99,
    },
    "security": {
        "name": "Security operations",
        "description": "Watches all five layers.",
        "frameworks": "NIST AI RMF",
        "controls": "Hardware attestation at each start.",
        "certifications": "ISO/IEC 27001",
        "incident_response": "First answer within 15 minutes.",
        "weight_protection": "Weights are encrypted at rest and in memory.",
        **EAR99,
    },
    "applications": {
        "name": "Ward triage",
        "description": "Nurses sort patients by urgency.",
        "sector": "healthcare",
        "use_case": "Triage in district hospitals.",
        "users": "6,200 nurses",
        "languages": "English, Swahili",
        "localization": "Forms of the ministry of health.",
        **EAR99,
    },
}


def begin_a_proposal(typist, call):
    """Register the company, name the consortium, begin."""
    typist.visit(f"/calls/{call.number}/")
    typist.visit(f"/proposals/new/?call={call.number}").follow("Register your organization")
    typist.fill(
        legal_name="Harbor Light Compute, Inc. (fictional)", incorporated_in="US", headquartered_in="US"
    )
    typist.send(typist.page.locator("main form").last)
    typist.visit(f"/proposals/new/?call={call.number}")
    typist.fill(
        call=call.number,
        title="Hospital AI for East Africa",
        consortium_name="Harbor Light Consortium",
        organization=str(Organization.objects.get().pk),
        role_text="Leads, supplies the hardware, runs the data center.",
    ).send("Begin the proposal")


def describe_the_whole(typist, base):
    """The overview: what the package is and whom to call."""
    part = typist.visit(f"{base}/overview/").form(f"{base}/overview/")
    typist.fill(
        part,
        summary="A full AI stack for 47 district hospitals.",
        contact_name="Ada Anchor",
        contact_email="ada@harbor.example",
    ).send(part)


def describe_layer(typist, base, layer, supplier):
    """One component of a layer and who supplies it."""
    typist.visit(f"{base}/{layer}/")
    add = typist.form(f"{base}/{layer}/add/component/")
    typist.fill(add, name=LAYERS[layer]["name"]).send(add)
    row = typist.page.locator("main form[data-autosave]").first
    typist.fill(row, **LAYERS[layer], supplier=supplier).send(row)
    typist.visit(f"{base}/{layer}/")
    add = typist.form(f"{base}/{layer}/add/provision/")
    typist.fill(add, membership=supplier).send(add)


def name_a_market(typist, base):
    """One country, why the national interest is advanced there, and who asks for it."""
    typist.visit(f"{base}/markets/")
    add = typist.form(f"{base}/markets/add/market/")
    typist.fill(add, country="KE").send(add)
    row = typist.page.locator("main form[data-autosave]").first
    typist.fill(
        row,
        national_interest="Hospitals on an American stack keep their data under rules we share.",
        demand_evidence="Letter of intent of the county hospitals.",
        end_users="District hospitals.",
    ).send(row)


def describe_the_operation(typist, base, supplier):
    """One site, and who builds, owns and operates it."""
    typist.visit(f"{base}/operating-model/")
    part = typist.form(f"{base}/operating-model/")
    typist.fill(part, operating_model="The anchor builds, owns and runs the data center.").send(part)
    add = typist.form(f"{base}/operating-model/add/site/")
    typist.fill(add, name="Mombasa data center", country="KE").send(add)
    site = typist.page.url
    row = typist.page.locator("main form[data-autosave]").first
    typist.fill(row, kind="Data center", location="Mombasa", capacity_mw="9.5", status="planned").send(row)
    for act in ("build", "own", "operate"):
        typist.visit(site)
        add = typist.page.locator(f"form:has(input[name=act][value={act}])")
        typist.fill(add, membership=supplier).send(add)


def ask_for_support(typist, base):
    """One federal tool, how much of it, for how long and what for."""
    typist.visit(f"{base}/support/")
    add = typist.form(f"{base}/support/add/support/")
    typist.fill(add, mechanism="direct_loan").send(add)
    row = typist.page.locator("main form[data-autosave]").first
    typist.fill(
        row,
        amount_usd="62000000",
        term_months="120",
        purpose="To finance accelerators and the first three years.",
        alternatives="Banks offer five years.",
    ).send(row)


def state_compliance(typist, base):
    """Every statement of the questionnaire; the answer that needs no explanation where there is one."""
    typist.visit(f"{base}/compliance/")
    part = typist.form(f"{base}/compliance/")
    typist.fill(
        part,
        compliance_officer_name="Cy Officer",
        compliance_officer_email="cy@harbor.example",
        program_summary="Every delivery is reviewed.",
        end_uses="Triage and imaging.",
        remote_access_policy="Only identified hospitals.",
    ).send(part)
    for subject in SUBJECTS:
        form = typist.page.locator(f"form:has([name='statement-{subject.code}-answer'])").first
        plain = next(
            (answer for answer in subject.answers if answer not in subject.explained), subject.answers[0]
        )
        typist.fill(form, answer=str(plain)).keep(form)


def certify_and_submit(signer, base, name):
    """Read the package, certify exactly it, submit."""
    signer.visit(f"{base}/review-and-submit/")
    form = signer.form(f"{base}/certify/")
    signer.fill(form, signer_title="Vice President", authority_basis="officer", typed_signature=name).send(
        form
    )
    signer.send(signer.form(f"{base}/submit/"))

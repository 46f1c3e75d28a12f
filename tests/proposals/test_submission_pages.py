"""The pages of a submission: certified, sent once, compared, withdrawn, and a change reported after it."""

from __future__ import annotations

import pytest

from proposals import services
from proposals.composition import compose
from proposals.enums import ProposalStatus
from tests.factories.proposals import ProposalFactory, certified, representative_of, submitted
from tests.proposals import pages
from tests.proposals.pages import PAGES, address, row_url, sign_in

pytestmark = pytest.mark.django_db

proposal = pages.proposal
member = pages.member
contributor = pages.contributor


def certification(proposal, by, **changes):
    return {
        "content_sha256": compose(proposal).sha256,
        "signer_title": "CEO",
        "authority_basis": "ceo",
        "typed_signature": by.name,
    } | changes


def test_certify_and_submit_need_a_fresh_sign_in(client, proposal, member):
    sign_in(client, member)
    for name in ("certify", "submit", "resubmit"):
        response = client.post(address(name, proposal), certification(proposal, member))
        assert response.status_code == 302
        assert "reauthenticate" in response.url or "login" in response.url
    assert not proposal.certifications.exists()


def test_certified_and_submitted_once_with_a_receipt(client, proposal, member):
    sign_in(client, member, fresh=True)
    wrong = client.post(
        address("certify", proposal), certification(proposal, member, typed_signature="Somebody")
    )
    assert wrong.status_code == 422
    assert "full name" in wrong.content.decode()
    unready = client.post(address("submit", proposal))
    assert unready.status_code == 422
    assert "must certify exactly this content" in unready.content.decode()
    assert client.post(address("certify", proposal), certification(proposal, member)).status_code == 302
    assert client.post(address("submit", proposal), {"note": "Thank you."}).url == address(
        "receipt", proposal
    )
    assert client.post(address("submit", proposal)).url == address("receipt", proposal)
    version = proposal.versions.get()
    page = client.get(address("receipt", proposal)).content.decode()
    assert version.receipt.number in page
    assert "The PDF is set as soon as a worker is free." in page and "load it again" in page
    for name, args in (
        ("version", (1,)),
        ("receipt-of", (1,)),
        ("versions", ()),
        ("detail", ()),
        ("review", ()),
    ):
        assert client.get(address(name, proposal, *args)).status_code == 200, name
    assert client.get(address("receipt-json", proposal, 1, "package")).content.decode() == version.package
    assert client.get(address("receipt-json", proposal, 1, "secret")).status_code == 404
    assert client.get(address("receipt-pdf", proposal, 1)).url == address("receipt-of", proposal, 1)


def test_all_problems_of_an_empty_package_are_listed_with_clause_and_link(client, places):
    proposal = ProposalFactory()
    page = sign_in(client, representative_of(proposal), fresh=True).get(address("review", proposal))
    text = page.content.decode()
    problems = page.context["progress"].problems
    assert len(problems) > 10
    for problem in problems:
        assert problem.url
        assert problem.url in text
    assert client.post(address("submit", proposal)).status_code == 422


def test_changed_versions_are_compared_and_resubmitted(client, proposal, member):
    certified(proposal, member)
    services.submit_proposal(proposal, by=member)
    sign_in(client, member, fresh=True)
    row = proposal.components.get(layer="models")
    services.save_row(row, by=member, values={"hosting": "In Mombasa."}, revision=1)
    detail = client.get(address("detail", proposal)).content.decode()
    assert "changes that were not submitted" in detail
    working = client.get(address("compare", proposal, 0, 1)).content.decode()
    assert "Mombasa" in working
    client.post(address("certify", proposal), certification(proposal, member))
    assert client.post(address("resubmit", proposal)).url == address("receipt", proposal)
    page = client.get(address("compare", proposal, 2, 1))
    assert (page.status_code, page.context["change_count"]) == (200, 1)


def test_withdrawal_needs_a_reason_and_a_page(client, proposal, member, contributor):
    sign_in(client, contributor)
    assert client.post(address("withdraw", proposal), {"note": "X"}).status_code == 403
    sign_in(client, member)
    assert client.get(address("withdraw", proposal)).status_code == 200
    assert client.post(address("withdraw", proposal), {"note": " "}).status_code == 200
    assert client.post(address("withdraw", proposal), {"note": "Another way."}).status_code == 302
    proposal.refresh_from_db()
    assert proposal.status == ProposalStatus.WITHDRAWN
    for name, args in PAGES:
        assert client.get(address(name, proposal, *args)).status_code == 200, (name, args)
    row = proposal.components.first()
    assert client.post(row_url(proposal, row), {"revision": "1", f"{row.key}-name": "X"}).status_code == 403


def test_material_change_is_reported_after_submission(client, proposal, member):
    sign_in(client, member)
    url = address("report-change", proposal)
    assert client.get(url).status_code == 403
    certified(proposal, member)
    services.submit_proposal(proposal, by=member)
    assert "data-keep" in client.get(url).text
    assert client.post(url, {"text": "A member was bought.", "learned_on": "2026-11-01"}).status_code == 302
    assert "A member was bought." in client.get(address("detail", proposal)).content.decode()


def test_comparison_leads_back_to_the_proposal(client, proposal, member):
    submitted(proposal)
    sign_in(client, member)
    page = client.get(address("compare", proposal, 0, 1)).content.decode()
    trail = page[page.index("usa-breadcrumb") : page.index("<h1")]
    assert f'href="{address("detail", proposal)}"' in trail

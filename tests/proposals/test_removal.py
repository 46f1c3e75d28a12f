"""A removed row comes back as it was, and is in no package meanwhile."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from program.models import AuditEvent
from proposals import services
from proposals.composition import compose
from proposals.models import (
    Attachment,
    Component,
    OperatingRole,
    Proposal,
    RemovedRow,
    Site,
    TargetMarket,
)
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import DocumentFactory, ProposalFactory, TeamMemberFactory, representative_of
from tests.proposals.pages import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal(places):
    return ProposalFactory(complete=True)


@pytest.fixture
def by(proposal):
    return representative_of(proposal)


def removed(row, by):
    key = row.key
    services.remove_row(row, by=by, revision=row.revision)
    return RemovedRow.objects.get(key=key)


@pytest.mark.parametrize(
    "accessor",
    ["components", "provisions", "markets", "sites", "support_requests", "outside_parties"],
)
def test_removed_row_is_in_no_package_and_comes_back_as_it_was(proposal, by, accessor):
    before = compose(proposal).sha256
    row = getattr(proposal, accessor).first()
    pk, key, written = row.pk, row.key, row.created_at
    kept = removed(row, by)
    assert key not in compose(proposal).to_json()
    back = services.restore_row(kept, by=by)
    assert (back.key, back.revision) == (key, 2)
    assert compose(proposal).sha256 == before
    assert abs((type(row).objects.get(pk=pk).created_at - written).total_seconds()) < 0.001
    assert not RemovedRow.objects.exists()
    acts = AuditEvent.objects.of(proposal).order_by("-sequence").values_list("act", flat=True)
    assert list(acts[:2]) == ["proposal.restore_row", "proposal.remove_row"]


def test_own_list_of_countries_comes_back_with_its_countries(proposal, by, places):
    market = services.add_row(
        TargetMarket(proposal=proposal), by=by, values={"list_name": "Partners", "countries": [places["KE"]]}
    )
    back = services.restore_row(removed(market, by), by=by)
    assert list(back.countries.all()) == [places["KE"]]


def test_site_comes_back_with_its_roles(proposal, by):
    site = proposal.sites.get()
    roles = set(site.roles.values_list("pk", "act", "membership", "third_party_name"))
    kept = removed(site, by)
    assert not OperatingRole.objects.exists()
    services.restore_row(kept, by=by)
    assert set(Site.objects.get().roles.values_list("pk", "act", "membership", "third_party_name")) == roles


def test_role_of_a_removed_site_waits_for_the_site(proposal, by):
    site = proposal.sites.get()
    role = removed(site.roles.first(), by)
    place = removed(site, by)
    with pytest.raises(ValidationError, match="Bring back the site first"):
        services.restore_row(role, by=by)
    services.restore_row(place, by=by)
    services.restore_row(role, by=by)
    assert proposal.sites.get().roles.count() == 3


def test_row_whose_place_was_taken_is_refused_and_stays_in_the_list(proposal, by, places):
    market = proposal.markets.get()
    kept = removed(market, by)
    services.add_row(TargetMarket(proposal=proposal), by=by, values={"country": places["KE"]})
    with pytest.raises(ValidationError, match="another row that says the same"):
        services.restore_row(kept, by=by)
    assert RemovedRow.objects.get() == kept
    assert proposal.markets.count() == 1


def test_two_people_press_undo_and_one_row_comes_back(proposal, by):
    kept = removed(proposal.components.first(), by)
    services.restore_row(kept, by=by)
    with pytest.raises(ValidationError, match="back already"):
        services.restore_row(RemovedRow(pk=10**6, proposal=proposal, name="Board"), by=by)
    assert proposal.components.count() == 7


def test_file_comes_back_into_the_package(proposal, by):
    document = DocumentFactory(uploaded_by=by)
    component = proposal.components.first()
    file = services.attach_document(proposal, document, by=by, part="hardware", row_key=component.key)
    before = compose(proposal).sha256
    services.remove_attachment(file, by=by, revision=1)
    assert document.sha256 not in compose(proposal).to_json()
    services.restore_row(RemovedRow.objects.get(), by=by)
    assert compose(proposal).sha256 == before
    assert Attachment.objects.get().removed_at is None


def test_only_who_edits_the_draft_puts_a_row_back(proposal, by):
    kept = removed(proposal.components.first(), by)
    with pytest.raises(PermissionDenied):
        services.restore_row(kept, by=UserFactory())
    Proposal.objects.filter(pk=proposal.pk).update(status="lapsed")
    with pytest.raises(PermissionDenied):
        services.restore_row(kept, by=by)
    assert RemovedRow.objects.exists()


def test_page_offers_undo_and_lists_what_was_removed(client, proposal, by):
    sign_in(client, by)
    row = proposal.components.filter(layer="hardware").first()
    address = reverse("proposals:row-remove", args=[proposal.pk, "hardware", row.key])
    page = client.post(address, {"revision": row.revision}, follow=True).content.decode()
    kept = RemovedRow.objects.get()
    undo = reverse("proposals:row-restore", args=[proposal.pk, kept.pk])
    assert f"Removed: {row.name}." in page
    assert page.count(f'action="{undo}"') == 2
    assert "Removed rows (1)" in page
    answer = client.post(undo, follow=True)
    assert f"Put back: {row.name}." in answer.content.decode()
    assert answer.redirect_chain[-1][0] == reverse(
        "proposals:row-edit", args=[proposal.pk, "hardware", row.key]
    )
    assert client.post(undo).status_code == 404


def test_removed_rows_are_closed_to_everybody_else(client, proposal, by):
    kept = removed(proposal.components.first(), by)
    undo = reverse("proposals:row-restore", args=[proposal.pk, kept.pk])
    contributor = TeamMemberFactory(membership=proposal.consortium.anchor).user
    reading = UserFactory()
    services.grant_access(proposal, to=reading, by=by)
    answers = []
    for person in (UserFactory(), officer(), reading, contributor):
        answers.append(sign_in(client, person).post(undo).status_code)
    assert answers == [404, 404, 403, 302]
    assert Component.objects.filter(pk=kept.key.rpartition("-")[2]).exists()

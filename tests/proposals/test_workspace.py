"""What the workspace says of a package: activity, totals, layers, sites, people, and what was sent."""

from __future__ import annotations

import pytest
from django.urls import reverse

from proposals import services
from proposals.enums import Part
from proposals.models import Membership
from proposals.services.reading import record_reading
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import (
    DocumentFactory,
    MembershipFactory,
    ProposalFactory,
    TeamMemberFactory,
    representative_of,
    submitted,
)
from tests.proposals import pages
from tests.proposals.pages import address, sign_in

pytestmark = pytest.mark.django_db

proposal = pages.proposal
member = pages.member
component = pages.component


def test_activity_says_what_an_office_read(client, proposal, member):
    document = DocumentFactory(uploaded_by=member)
    services.attach_document(proposal, document, by=member, part=Part.DOCUMENTS)
    version, desk = submitted(proposal), officer()
    record_reading(version, by=desk)
    record_reading(version, by=desk, document=document)
    shown = sign_in(client, member).get(address("detail", proposal)).text
    assert "The package, version 1" in shown
    assert f"The file “{document}”, version 1" in shown


def test_panel_of_totals_is_the_consortiums_alone(client, proposal, member):
    version_page = address("version", proposal, 1)
    second = MembershipFactory(consortium=proposal.consortium)
    Membership.objects.filter(pk=second.pk).update(is_part_accepted=False)
    shown = sign_in(client, member).get(address("totals", proposal)).content.decode()
    for words in ("60.00%", "Presumed met", "$5 million", "1 thing", str(second.organization), "left"):
        assert words in shown
    assert sign_in(client, UserFactory()).get(address("totals", proposal)).status_code == 404
    services.consent(Membership.objects.get(pk=second.pk), by=speaker_for(second))
    submitted(proposal)
    assert sign_in(client, officer()).get(address("totals", proposal)).status_code == 403
    assert client.get(version_page).status_code == 200


def speaker_for(membership):
    return TeamMemberFactory(membership=membership, role="authorized_representative").user


def test_requests_for_support_flow_and_stand_in_no_cell(client, proposal, member):
    sign_in(client, member)
    page = client.get(address("review", proposal)).content.decode()
    place = page.index("To finance the data center and its first accelerators.")
    assert page.rindex("<dl", 0, place) > page.rindex("</table>", 0, place)


def test_member_that_supplies_components_undeclared_is_named_on_the_layer(client, proposal, member):
    other = MembershipFactory(consortium=proposal.consortium)
    proposal.components.filter(layer="hardware").update(supplier=other)
    sign_in(client, member)
    page = client.get(address("part", proposal, "hardware")).content.decode()
    number = proposal.components.filter(layer="hardware").count()
    words = f"yet named as supplier of components: {other.organization.legal_name} ({number} component"
    assert words in page


def test_rows_of_a_layer_lead_to_their_own_pages(client, proposal, member, component):
    row = component
    page = sign_in(client, member).get(reverse("proposals:part", args=[proposal.pk, row.layer])).text
    for name, times in (("row-edit", 2), ("row-remove", 1)):
        address = reverse(f"proposals:{name}", args=[proposal.pk, row.layer, row.key])
        assert page.count(f'href="{address}"') == times, name


def test_workspace_says_that_a_version_is_with_the_government(client):
    """And that what is typed now changes nothing of it: no page asks for a certification that was given."""
    proposal = ProposalFactory(complete=True)
    address = reverse("proposals:part", args=[proposal.pk, "overview"])
    submitted(proposal)
    sign_in(client, representative_of(proposal))
    page = client.get(address).text
    assert "Version 1 is with the Government" in page
    assert "Still to be given" not in page and "Only for a new version" in page
    draft = ProposalFactory(complete=True)
    sign_in(client, representative_of(draft))
    page = client.get(reverse("proposals:part", args=[draft.pk, "overview"])).text
    assert "with the Government" not in page and "Still to be given" in page


def test_matrix_of_sites_says_in_each_cell_which_act_it_is(client, proposal):
    sign_in(client, representative_of(proposal))
    page = client.get(address("part", proposal, "operating-model")).content.decode()
    matrix = page.split('id="site-matrix"')[1].split("</table>")[0]
    for label in ("Builds", "Owns", "Operates"):
        assert f'<td data-label="{label}">' in matrix
    assert "<td>" not in matrix


def test_overview_names_files_and_says_the_roles_of_a_person_together(client, proposal):
    by = representative_of(proposal)
    services.attach_document(proposal, DocumentFactory(uploaded_by=by), by=by, part="hardware")
    document = proposal.attachments.get().document
    sign_in(client, by)
    page = client.get(address("detail", proposal)).text
    activity = page[page.index('id="activity"') :]
    assert "File added" in activity and str(document) in activity
    team = page[page.index('id="members"') : page.index('id="activity"')]
    assert team.count(by.name) == 1 and "administrator, authorized representative" in team

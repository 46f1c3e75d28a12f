"""How a proposal begins: an empty list, an organization, a consortium that has none yet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from program import clock
from proposals.models import Proposal
from tests.factories.program import UserFactory, issued_call
from tests.proposals import pages
from tests.proposals.pages import address, sign_in

pytestmark = pytest.mark.django_db

proposal = pages.proposal
member = pages.member


def test_empty_list_says_how_to_begin(client, places):
    response = sign_in(client, UserFactory()).get(reverse("proposals:list"))
    assert reverse("proposals:new") in response.content.decode()


def test_new_proposal_begins_with_an_organization(client, places):
    person, call = UserFactory(), issued_call()
    sign_in(client, person)
    page = client.get(reverse("proposals:new"), {"call": call.number})
    assert "Register your organization" in page.content.decode()
    after = f"{reverse('proposals:new')}?call={call.number}"
    facts = {
        "legal_name": "New Anchor, Inc.",
        "incorporated_in": "US",
        "headquartered_in": "US",
        "next": after,
    }
    assert client.post(reverse("program:organization-new"), facts).url == after
    organization = person.organizations.get()
    data = {
        "call": call.number,
        "title": "T",
        "consortium_name": "C",
        "organization": organization.pk,
        "role_text": "Leads.",
    }
    response = client.post(reverse("proposals:new"), data)
    proposal = Proposal.objects.get()
    assert (response.url, proposal.created_by, proposal.consortium.anchor.organization) == (
        address("detail", proposal),
        person,
        organization,
    )
    same = {"call": call.number, "consortium": proposal.consortium_id}
    for twice in (data, same):
        assert client.post(reverse("proposals:new"), twice).url == response.url
    assert Proposal.objects.get() == proposal
    other = client.post(reverse("proposals:new"), data | {"consortium_name": "Another"})
    assert other.url != response.url
    Proposal.objects.update(created_at=clock.now() - timedelta(minutes=2))
    again = client.post(reverse("proposals:new"), same)
    assert "already has a proposal" in again.content.decode()


def test_registration_returns_only_to_this_portal(client, places):
    sign_in(client, UserFactory())
    facts = {
        "legal_name": "A",
        "incorporated_in": "US",
        "headquartered_in": "US",
        "next": "https://evil.example/",
    }
    assert client.post(reverse("program:organization-new"), facts).url.startswith("/organizations/")


def test_consortium_that_proposes_already_is_not_offered_again(client, proposal, member):
    page = sign_in(client, member).get(reverse("proposals:new")).text
    assert "Not offered again" in page and f'href="{address("detail", proposal)}"' in page
    assert f'name="consortium" value="{proposal.consortium_id}"' not in page
    Proposal.objects.filter(pk=proposal.pk).update(status="withdrawn")
    page = client.get(reverse("proposals:new")).text
    assert "Not offered again" not in page
    assert f'name="consortium" value="{proposal.consortium_id}"' in page

"""Pages of the consortium: who opens them, at which address, and how a form saves itself."""

from __future__ import annotations

import time

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.urls import reverse

from program import grants
from proposals.enums import Part
from tests.factories.program import UserFactory
from tests.factories.proposals import ProposalFactory, TeamMemberFactory, representative_of

PAGES = [
    ("detail", ()),
    *[("part", (part.value,)) for part in Part],
    ("review", ()),
    ("access", ()),
    ("versions", ()),
]


def sign_in(client, user, *, fresh=False):
    """A session that has used a second factor, as offices and authorized representatives need."""
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session["second_factor_verified"] = user.pk
    if fresh:
        session[f"{AUTHENTICATION_METHODS_SESSION_KEY}_user"] = str(user.pk)
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    session.save()
    return client


def address(name, proposal, *args):
    return reverse(f"proposals:{name}", args=[proposal.pk, *args])


@pytest.fixture
def proposal(places):
    return ProposalFactory(complete=True)


@pytest.fixture
def member(proposal):
    return representative_of(proposal)


@pytest.fixture
def contributor(proposal):
    return TeamMemberFactory(membership=proposal.consortium.anchor).user


@pytest.fixture
def counsel(proposal, member):
    person = UserFactory()
    grants.grant("proposals.view_proposal", on=proposal, to=person, by=member)
    return person


@pytest.fixture
def stranger(places):
    return representative_of(ProposalFactory())


def autosave(client, url, **data):
    return client.post(url, data, headers={"X-Autosave": "1"})


@pytest.fixture
def component(proposal):
    return proposal.components.filter(layer="applications").get()


def row_url(proposal, row):
    return address("row-edit", proposal, row.layer, row.key)

"""What one person typed is never saved under the name of another; refusals while typing are words."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from program.models import AuditEvent
from proposals import services
from tests.factories.program import UserFactory
from tests.factories.proposals import ProposalFactory, TeamMemberFactory, representative_of
from tests.proposals.pages import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal(places):
    return ProposalFactory()


@pytest.fixture
def ada(proposal):
    return representative_of(proposal)


@pytest.fixture
def ben(proposal):
    return TeamMemberFactory(membership=proposal.consortium.anchor, user=UserFactory(name="Ben Okafor")).user


def save(client, proposal, person, title="Typed by Ada", part="overview"):
    address = reverse("proposals:part", args=[proposal.pk, part])
    posted = {"revision": client.get(address).context["token"], "title": title}
    return client.post(address, posted, headers={"X-Autosave": "1", "X-Person": str(person.pk)})


def test_text_of_one_person_is_not_saved_under_another_name(client, proposal, ada, ben):
    sign_in(client, ben)
    answer = save(client, proposal, ada)
    assert (answer.status_code, answer.json()["other"]) == (401, "Ben Okafor")
    proposal.refresh_from_db()
    assert proposal.title != "Typed by Ada"
    sign_in(client, ada)
    assert save(client, proposal, ada).status_code == 200
    proposal.refresh_from_db()
    assert (proposal.title, proposal.revision) == ("Typed by Ada", 2)


def test_page_learns_who_is_signed_in_and_gets_a_token(proposal, ada):
    client = sign_in(Client(enforce_csrf_checks=True), ada)
    found = client.get(reverse("program:session")).json()
    assert (found["person"], found["name"]) == (str(ada.pk), ada.name)
    address = reverse("proposals:part", args=[proposal.pk, "overview"])
    headers = {"X-Autosave": "1"}
    stale = client.post(address, {"title": "x", "csrfmiddlewaretoken": "a" * 64}, headers=headers)
    assert (stale.status_code, stale.json()) == (403, {"stale": True})
    posted = {"title": "New", "revision": client.get(address).context["token"]}
    answer = client.post(address, {**posted, "csrfmiddlewaretoken": found["token"]}, headers=headers)
    assert answer.status_code == 200


def test_who_was_removed_while_typing_is_told_in_words(client, proposal, ada, ben):
    sign_in(client, ben)
    address = reverse("proposals:part", args=[proposal.pk, "overview"])
    token = client.get(address).context["token"]
    services.remove_team_member(ben.team_places.get(), by=ada)
    posted = {"title": "Mine", "revision": token}
    answer = client.post(address, posted, headers={"X-Autosave": "1", "X-Person": str(ben.pk)})
    assert answer.status_code == 404
    assert "no longer on the team" in answer.json()["message"]
    plain = client.post(address, posted)
    assert (plain.status_code, plain["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_who_may_only_look_is_told_why_and_it_is_on_the_record(client, proposal, ada):
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=ada)
    sign_in(client, counsel)
    address = reverse("proposals:part", args=[proposal.pk, "overview"])
    answer = client.post(address, {"title": "Mine"}, headers={"X-Autosave": "1"})
    assert (answer.status_code, answer.json()["message"]) == (
        403, "You may read this proposal, not change it."
    )  # fmt: skip
    assert AuditEvent.objects.of(counsel).filter(act="user.refused").exists()

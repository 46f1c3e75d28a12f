"""Who is on a part is told to those who read the working copy, and to nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from program import clock, moments
from proposals import presence, services
from tests.factories.program import UserFactory, officer
from tests.factories.proposals import (
    ProposalFactory,
    RecusalFactory,
    TeamMemberFactory,
    representative_of,
    submitted,
)
from tests.proposals.pages import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_here():
    cache.clear()


@pytest.fixture
def proposal(places):
    return ProposalFactory(complete=True)


@pytest.fixture
def ada(proposal):
    return representative_of(proposal)


@pytest.fixture
def ben(proposal):
    person = UserFactory(name="Ben Okafor")
    return TeamMemberFactory(membership=proposal.consortium.anchor, user=person).user


def beat_of(proposal, part="hardware"):
    return reverse("proposals:presence", args=[proposal.pk, part])


def test_page_says_who_else_is_there_without_script(client, proposal, ada, ben):
    page = reverse("proposals:part", args=[proposal.pk, "hardware"])
    at = clock.instant()
    sign_in(client, ben).get(page)
    text = sign_in(client, ada).get(page).text
    assert f"Ben Okafor is on this part since {moments.time_of_day(at)[:4]}" in text
    assert f"{ada.name} is on this part" not in text
    other = client.get(reverse("proposals:part", args=[proposal.pk, "markets"])).text
    assert "is on this part" not in other


def test_beat_answers_in_words_and_leaving_ends_it(client, proposal, ada, ben):
    sign_in(client, ben).post(beat_of(proposal))
    sign_in(client, ada)
    assert [line.partition(" since ")[0] for line in client.post(beat_of(proposal)).json()["here"]] == [
        "Ben Okafor is on this part"
    ]
    sign_in(client, ben).post(beat_of(proposal), {"leaving": "1"})
    assert sign_in(client, ada).post(beat_of(proposal)).json() == {"here": []}


def test_moment_of_arrival_stays_and_silence_ends_it(proposal, ada, ben, monkeypatch):
    presence.arrive(proposal.pk, "data", ben)
    [first] = presence.others_on(proposal.pk, "data", [ada, ben], besides=ada)
    monkeypatch.setattr(clock, "instant", lambda: first.since + timedelta(minutes=5))
    presence.arrive(proposal.pk, "data", ben)
    assert presence.others_on(proposal.pk, "data", [ada, ben], besides=ada) == [first]
    monkeypatch.setattr(presence, "SECONDS", 0)
    presence.arrive(proposal.pk, "data", ben)
    assert presence.others_on(proposal.pk, "data", [ada, ben], besides=ada) == []


def test_nobody_else_is_told_and_nobody_else_is_shown(client, proposal, ada, ben):
    submitted(proposal)
    desk = officer()
    presence.arrive(proposal.pk, "hardware", ben)
    answers = [
        sign_in(client, person).post(beat_of(proposal)).status_code for person in (desk, UserFactory())
    ]
    assert answers == [404, 404]
    presence.arrive(proposal.pk, "hardware", desk)
    here = sign_in(client, ada).post(beat_of(proposal)).json()["here"]
    assert [line.partition(" is on")[0] for line in here] == ["Ben Okafor"]
    RecusalFactory(proposal=proposal, user=ben)
    assert client.post(beat_of(proposal)).json() == {"here": []}
    assert sign_in(client, ben).post(beat_of(proposal)).status_code == 404


def test_page_and_save_work_while_the_cache_is_away(client, proposal, ada, monkeypatch):
    counsel = UserFactory()
    services.grant_access(proposal, to=counsel, by=ada)
    monkeypatch.setattr(cache, "get_many", lambda keys: {})
    monkeypatch.setattr(cache, "set", lambda *args, **kwargs: None)
    page = reverse("proposals:part", args=[proposal.pk, "hardware"])
    assert sign_in(client, counsel).get(page).status_code == 200
    assert client.post(beat_of(proposal)).json() == {"here": []}

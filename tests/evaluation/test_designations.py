"""Designations: how they end and are listed, their letters, and what the home page says of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import services
from program import clock, moments
from tests.evaluation.pages import page
from tests.factories import evaluation as make
from tests.factories.program import officer

pytestmark = pytest.mark.django_db


def test_home_page_counts_and_shows_designated_packages(client):
    address = reverse("evaluation:latest-designations")
    assert "No package is in the" in client.get(address, headers={"HX-Request": "true"}).content.decode()
    make.published(make.designated())
    home = client.get(reverse("program:home"))
    assert [(f.value, f.url) for f in home.context["figures"]] == [(1, reverse("evaluation:catalog"))]
    assert address in home.content.decode()
    assert "Stack" in client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert client.get(address).url == reverse("evaluation:catalog")


def test_list_of_designations_says_since_when_each_stands_so_and_what_is_public(client):
    designation = make.designated()
    make.published(designation)
    chief, desk = make.decision_official(), officer()
    assert "Published, not shown" not in (shown := page(client, desk, "designations").text)
    assert reverse("evaluation:catalog-entry", args=[designation.number]) in shown
    later = clock.now() + timedelta(days=40)
    services.suspend_designation(designation, by=chief, reason="A member left.")
    type(designation).objects.update(suspended_at=later)
    shown = " ".join(page(client, desk, "designations").text.split())
    began = moments.day(designation.designated_at)
    assert f"since {moments.day(later)}, designated {began}" in shown
    assert "Published, not shown" in shown and "Released" not in shown
    assert reverse("evaluation:catalog-entry", args=[designation.number]) not in shown

"""Designations: how they end and are listed, their letters, and what the home page says of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from evaluation import documents, schedule, services
from evaluation.models import Designation, Letter, LetterPaper
from program import clock, moments
from program.clock_account import clock_account
from program.papers import owed
from program.transitions import NotReady, WrongStatus
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


def test_a_designation_is_suspended_reinstated_and_revoked_with_letters():
    designation, chief = make.designated(), make.decision_official()
    with pytest.raises(PermissionDenied):
        services.suspend_designation(designation, by=officer(), reason="x")
    with pytest.raises(NotReady):
        services.suspend_designation(designation, by=chief, reason=" ")
    services.suspend_designation(designation, by=chief, reason="A member left.")
    services.reinstate_designation(designation, by=chief, reason="A new member came.")
    services.revoke_designation(designation, by=chief, reason="False statements.")
    with pytest.raises(WrongStatus):
        services.reinstate_designation(designation, by=chief, reason="x")
    kinds = list(Letter.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["designation", "suspension", "reinstatement", "revocation"]
    assert designation.status == "revoked"


def test_a_designation_expires_by_the_clock():
    make.five_agencies()
    clock_account()
    designation = make.designated()
    Designation.objects.update(expires_on=clock.today() + timedelta(days=30))
    with clock.moved_to(clock.now() + timedelta(days=29)):
        assert schedule.expire_due_designations() == 0
    with clock.moved_to(clock.now() + timedelta(days=32)):
        assert schedule.expire_due_designations() == 1
    designation.refresh_from_db()
    assert designation.status == "expired"


def test_a_designation_whose_last_day_was_moved_meanwhile_does_not_expire():
    make.five_agencies()
    account, designation = clock_account(), make.designated()
    designation.expires_on = clock.today() - timedelta(days=1)  # as a beat read it before the day was moved
    with pytest.raises(NotReady):
        services.expire_designation(designation, by=account)
    designation.refresh_from_db()
    assert designation.status == "active"


def test_letters_become_pdf_files_from_the_stored_text(transactional_db):
    designation = make.designated()
    make_paper = designation.letters.get().paper
    assert owed(LetterPaper) == [make_paper.pk]
    assert documents.render_letter(make_paper.pk)
    assert not documents.render_letter(make_paper.pk)
    make_paper.refresh_from_db()
    assert make_paper.document.content_type == "application/pdf"

"""PDFs that could not be made: who sees them, and how one is made after all."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from evaluation import services
from evaluation.documents import render_letter
from evaluation.models import LetterPaper
from program.enums import OfficeRole, PaperState
from program.models import AuditEvent
from program.papers import MOST_ATTEMPTS, STOPPED, owed
from proposals.documents import render_receipt
from proposals.models import ReceiptPaper
from proposals.services import ask_package_pdf
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import RecusalFactory, TeamMemberFactory, representative_of

pytestmark = pytest.mark.django_db


def set_aside(paper, render):
    """As after three workers that died of it."""
    type(paper).objects.filter(pk=paper.pk).update(attempts=MOST_ATTEMPTS)
    assert not render(paper.pk)
    paper.refresh_from_db()
    return paper


@pytest.fixture
def letter():
    return set_aside(make.designated().letters.get().paper, render_letter)


def test_officer_finds_it_on_the_desk_and_has_it_made(client, letter, caplog):
    desk = officer()
    assert (letter.state, letter.reason) == (PaperState.QUARANTINED, STOPPED)
    assert "1 PDF that could not be made" in page(client, desk, "desk").text
    shown = page(client, desk, "papers").text
    assert letter.proposal.number in shown and STOPPED in shown
    assert press(client, desk, "paper-again", "letter", letter.pk).url == reverse("evaluation:papers")
    assert owed(LetterPaper) == [letter.pk]
    assert render_letter(letter.pk)
    shown = page(client, desk, "papers").text
    assert "No PDF is set aside" in shown
    (event,) = AuditEvent.objects.of(letter.proposal).filter(act="proposal.remake_pdf")
    assert (event.actor, event.said["note"]) == (desk, str(letter))


def test_asked_for_twice_it_is_owed_once(client, letter):
    desk = officer()
    assert services.make_paper_again(letter, by=desk)
    assert not services.make_paper_again(letter, by=officer())
    LetterPaper.objects.update(attempts=2)
    assert "no longer" in page_after(client, press(client, desk, "paper-again", "letter", letter.pk))
    letter.refresh_from_db()
    assert (letter.state, letter.attempts) == (PaperState.OWED, 2)
    assert AuditEvent.objects.filter(act="proposal.remake_pdf").count() == 1


def page_after(client, answer):
    return client.get(answer.url).text


def test_one_that_is_made_is_not_made_again(client, letter):
    LetterPaper.objects.update(state=PaperState.OWED, attempts=0)
    assert render_letter(letter.pk)
    assert not services.make_paper_again(letter, by=officer())
    letter.refresh_from_db()
    assert letter.state == PaperState.MADE


def test_every_kind_is_listed(client):
    proposal = make.accepted()
    version = make.version_of(proposal)
    receipt = set_aside(version.receipt.paper, render_receipt)
    package = ask_package_pdf(version, by=version.submitted_by)
    type(package).objects.update(state=PaperState.QUARANTINED, reason="It needed more memory.")
    shown = page(client, officer(), "papers").text
    assert str(receipt) in shown and str(package) in shown and "It needed more memory." in shown


def test_only_officers_who_stand_apart_see_or_remake_it(client, letter):
    recused, inside, team = officer(), officer(), representative_of(letter.proposal)
    RecusalFactory(proposal=letter.proposal, user=recused)
    anchor = letter.proposal.consortium.memberships.get(is_anchor=True)
    TeamMemberFactory(membership=anchor, user=inside)
    for person, answers in (
        (recused, (200, 404)),
        (inside, (200, 404)),
        (officer(OfficeRole.AUDITOR), (403, 403)),
        (team, (403, 404)),
    ):
        shown = page(client, person, "papers")
        assert letter.proposal.number not in shown.text
        assert (shown.status_code, press(client, person, "paper-again", "letter", letter.pk).status_code) == (
            answers
        )
        with pytest.raises(PermissionDenied):
            services.make_paper_again(letter, by=person)
    assert press(client, officer(), "paper-again", "poster", letter.pk).status_code == 404
    letter.refresh_from_db()
    assert letter.state == PaperState.QUARANTINED


@pytest.mark.parametrize("rows", [1, 3])
def test_list_costs_the_same_for_one_row_and_three(client, warm, rows, django_assert_num_queries):
    desk = officer()
    for _ in range(rows):
        set_aside(make.version_of(make.at_intake()).receipt.paper, render_receipt)
    sign_in(client, desk)
    client.get(reverse("evaluation:papers"))
    with django_assert_num_queries(8):
        assert len(client.get(reverse("evaluation:papers")).context["papers"]) == rows
    assert ReceiptPaper.objects.filter(state=PaperState.QUARANTINED).count() == rows

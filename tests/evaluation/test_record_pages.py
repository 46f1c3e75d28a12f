"""The pages of the record: searched, filtered and verified by the auditor, closed by a recusal."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote

import pytest
from django.apps import apps
from django.urls import reverse

from evaluation.subjects import KINDS
from program import clock
from program.enums import OfficeRole
from program.models import AuditEvent
from program.services.record import verify_for_a_while
from proposals.models import Recusal
from tests.evaluation.pages import page, press, sign_in
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of
from tests.tampering import alter

pytestmark = pytest.mark.django_db


def test_record_page_searches_and_verifies(client):
    auditor, proposal = officer(OfficeRole.AUDITOR), make.accepted()
    shown = page(client, auditor, "record", proposal=proposal.number)
    assert "Accepted for evaluation" in shown.text
    assert f'href="{reverse("evaluation:proposal", args=[proposal.number])}">Proposal {proposal.number}' in (
        shown.text
    )
    assert press(client, auditor, "record-verify").url == reverse("evaluation:record")
    assert b"The record is being verified" in page(client, auditor, "record").content
    verify_for_a_while()
    shown = page(client, auditor, "record").content
    assert b"The record is sound" in shown
    assert b"The record is being verified" not in shown
    for refused in (page(client, officer(), "record"), press(client, officer(), "record-verify")):
        assert refused.status_code == 403


def test_pages_stand_when_somebody_destroyed_the_text_of_events(client):
    """The record says what it lost; the pages that tell of it stand."""
    auditor, desk, proposal = officer(OfficeRole.AUDITOR), officer(), make.accepted()
    page(client, desk, "proposal", proposal.number)
    alter("UPDATE program_auditevent SET body = CASE id %% 2 WHEN 0 THEN %s ELSE '[]' END", '{"act": ')
    lost = "The text of this event cannot be read."
    assert lost in page(client, auditor, "record", proposal=proposal.number).text
    assert page(client, desk, "proposal", proposal.number).status_code == 200
    sign_in(client, representative_of(proposal))
    assert client.get(reverse("proposals:detail", args=[proposal.pk])).status_code == 200


def test_record_is_filtered_by_act_day_and_subject_and_goes_back_to_the_newest(client, monkeypatch):
    monkeypatch.setattr("evaluation.views.record.PAGE", 3)
    auditor, proposal = officer(OfficeRole.AUDITOR), make.accepted()

    def acts(**query):
        return [entry["event"].act for entry in page(client, auditor, "record", **query).context["events"]]

    assert acts(act="proposal.accept") == ["proposal.accept"]
    assert acts(act="proposal.accept", to="2026-01-01") == []
    subject = f"proposals.proposal:{proposal.pk}"
    assert set(acts(subject=subject)) == set(acts(proposal=proposal.number))
    first = page(client, auditor, "record", subject=subject)
    assert (first.context["newest"], "after=" in first.context["next"]) == ("", True)
    assert f"subject={quote(subject)}" in first.context["next"]
    second = page(client, auditor, "record", **dict(parse_qsl(first.context["next"][1:])))
    assert second.context["newest"] == f"?subject={quote(subject)}"


def test_recused_auditor_reads_nothing_of_the_proposal_in_the_record():
    recused, auditor = officer(OfficeRole.AUDITOR), officer(OfficeRole.AUDITOR)
    other, proposal = make.accepted(), make.signed().proposal
    Recusal.objects.create(
        proposal=proposal, user=recused, reason="Kin.", recused_by=recused, recused_at=clock.instant()
    )
    closed = AuditEvent.objects.difference(AuditEvent.objects.visible_to(recused))
    kinds = {event.subject_type.partition(".")[2] for event in closed}
    assert kinds == {"proposal", "assignment", "review", "referral", "determination", "partycheck"} & {
        event.subject_type.partition(".")[2] for event in AuditEvent.objects.all()
    }
    assert {"proposal", "determination"} < kinds
    assert AuditEvent.objects.of(other).visible_to(recused).count() == AuditEvent.objects.of(other).count()
    assert AuditEvent.objects.visible_to(auditor).count() == AuditEvent.objects.count()


def test_every_kind_that_hangs_on_a_proposal_says_so():
    """Each model of the record's subjects that its package can be reached from, whatever the name."""
    free = {"evaluation.screeninglist", "financing.meeting"}
    for label in KINDS:
        if label.startswith(("evaluation.", "financing.")) and label not in free:
            model = apps.get_model(label)
            assert model._base_manager.filter(**{f"{model.proposal_path}__in": []}).query, label

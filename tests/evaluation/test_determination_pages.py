"""The pages of a determination: prepared, signed, announced, overtaken and recalled."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.documents import facts_of
from evaluation.models import ComplianceCheck, ComplianceDecision, Condition, Determination, Letter
from evaluation.schedule import tell_overtaken_determinations
from program import clock, moments
from program.models import Notice
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page, press
from tests.factories import evaluation as make
from tests.factories.program import officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def test_stale_save_of_a_determination_shows_both_texts(client):
    desk = officer()
    determination = make.ready_to_sign(by=desk)
    finding = determination.findings.first()
    typed = {"outcome": "designate", "rationale": "Mine.", f"finding-{finding.requirement_id}-text": "Seen."}
    stale = press(client, desk, "determination-save", determination.pk, revision="0", **typed)
    assert stale.status_code == 409
    both = {(row.yours, row.theirs) for row in stale.context["rows"]}
    assert both >= {("Mine.", "It serves the national interest."), ("Seen.", "Shown in the package.")}
    kept = {**dict(stale.context["kept"]), "revision": stale.context["token"]}
    press(client, desk, "determination-save", determination.pk, **kept)
    determination.refresh_from_db()
    assert determination.rationale == "Mine."


@pytest.mark.parametrize("how", ["withdrawn", "replaced"])
def test_signed_determination_that_was_overtaken_is_to_be_recalled(client, how):
    chief = make.decision_official()
    determination = make.signed(by=chief)
    proposal = determination.proposal
    before = [task.what for task in page(client, chief, "desk").context["tasks"]]
    assert before == [f"Announce the determination on {proposal.number}"]
    if how == "withdrawn":
        withdraw_proposal(proposal, by=representative_of(proposal), note="A member left.")
        what = "the proposal was withdrawn"
        assert Notice.objects.filter(kind="evaluation.overtaken", recipient=chief).count() == 1, "at once"
    else:
        make.resubmitted(proposal)
        what = "a newer version came in"
    after = [task.what for task in page(client, chief, "desk").context["tasks"]]
    assert after == [f"Recall the determination on {proposal.number}: {what}"]
    told_by_the_clock = [tell_overtaken_determinations(), tell_overtaken_determinations()]
    assert told_by_the_clock == [0 if how == "withdrawn" else 1, 0]
    assert Notice.objects.filter(kind="evaluation.overtaken", recipient=chief).count() == 1
    preview = page(client, chief, "announcement", determination.pk).content.decode()
    assert "It cannot be announced" in preview
    assert "people</strong> are told" not in preview
    assert "in this draft" not in preview
    assert "Signed, and it cannot be announced" in page(client, chief, "determination", determination.pk).text


@pytest.mark.parametrize("how", ["screened", "decided"])
def test_page_of_what_was_signed_shows_its_checks_and_says_what_is_newer(client, how):
    desk = officer()
    determination = make.signed(make.ready_to_sign(by=desk))
    run = determination.version.screening_runs.first()
    when = moments.moment(run.run_at)
    signed = f"{run.party_count} parties screened {when} with “{run.screening_list}”; 0 open."
    newer = "Newer than the signature"
    before = html.unescape(page(client, desk, "determination", determination.pk).text)
    assert (signed in before, newer in before) == (True, False)
    check = ComplianceCheck.objects.filter(run=run).first()
    with clock.moved_to(clock.now() + timedelta(days=2)):
        if how == "screened":
            make.screened(determination.proposal, desk)
            said = "The parties were screened again, "
        else:
            ComplianceDecision.objects.create(
                compliance_check=check, outcome="stands", reason="It is so.", decided_by=desk,
                decided_at=clock.now(),
            )  # fmt: skip
            said = "Decisions on what the checks flagged: 1."
        after = html.unescape(page(client, desk, "determination", determination.pk).text)
    assert (signed in after, newer in after, said in after) == (True, True, True)


def test_determination_is_prepared_signed_and_announced_on_pages(client, freshly_signed_in):
    desk, chief = officer(), make.decision_official()
    proposal = make.accepted(desk)
    make.consulted(proposal, DOE="object")
    make.screened(proposal, desk)
    press(client, desk, "determination-prepare", proposal.number)
    determination = Determination.objects.get()
    pk = determination.pk
    assert b"Not ready to sign" in page(client, desk, "determination", pk).content
    findings = {}
    for finding in determination.findings.all():
        findings[f"finding-{finding.requirement_id}-is_met"] = "yes"
        findings[f"finding-{finding.requirement_id}-text"] = "Shown."
    objection = make.referral_of(proposal, "DOE").position_id
    press(
        client,
        desk,
        "determination-save",
        pk,
        **{
            "revision": determination.revision,
            "outcome": "designate",
            "rationale": "Yes.",
            "letter_text": "Well done.",
            "expires_on": "2031-08-31",
            **findings,
            f"objection-{objection}-answer": "Met by a condition.",
        },
    )
    press(
        client,
        desk,
        "condition-add",
        pk,
        **{"condition-text": "Report yearly.", "condition-owner": "The anchor"},
    )
    Condition.objects.create(determination=determination, number=1, text="Report yearly.", owner="The anchor")
    assert b"condition-1-due_on" in page(client, desk, "determination", pk).content
    lacking = {problem.code for problem in page(client, desk, "determination", pk).context["missing"]}
    assert lacking == {f"condition-1-{name}" for name in ("due_on", "evidence", "effect")}
    Condition.objects.update(due_on="2031-01-31", evidence="The report.", effect="Suspension.")
    assert b"Ready to be cleared" in page(client, chief, "determination", pk).content
    press(client, desk, "determination-ready", pk)
    third = officer()
    read = page(client, third, "determination", pk).context["packet_sha256"]
    press(client, third, "determination-clear", pk, packet_sha256=read)
    shown = page(client, chief, "determination", pk)
    assert b"Ready to sign" in shown.content
    assert press(client, chief, "determination-sign", pk, packet_sha256="0" * 64).status_code == 422
    assert (
        press(
            client, chief, "determination-sign", pk, packet_sha256=shown.context["packet_sha256"]
        ).status_code
        == 302
    )
    preview = page(client, chief, "announcement", pk)
    assert b"August 31, 2031" in preview.content
    officers, leads, team = 4, 5, 1
    assert len(preview.context["recipients"]) == officers + leads + team
    press(client, chief, "determination-announce", pk)
    proposal.refresh_from_db()
    assert proposal.status == "designated"
    said, foreseen = facts_of(Letter.objects.get()), preview.context["letter"]
    assert {name: said[name] for name in foreseen} == foreseen
    designation = proposal.designations.get()
    assert page(client, desk, "designation", designation.number).status_code == 200
    assert page(client, desk, "determinations").status_code == 200
    assert page(client, representative_of(proposal), "letter", Letter.objects.get().pk).status_code == 200
    condition = designation.conditions.get()
    told = page(client, representative_of(proposal), "questions", proposal.pk).content
    assert b"January 31, 2031" in told
    for address in (reverse("proposals:tasks"), reverse("proposals:detail", args=[proposal.pk])):
        assert f"Meet condition 1 of {designation.number}" in client.get(address).content.decode()
    owed = page(client, desk, "desk").context["tasks"]
    assert f"Condition 1 of {designation.number}" in {task.what for task in owed}
    empty = press(client, desk, "condition-meet", designation.number, condition.pk)
    assert empty.status_code == 422
    assert f'id="id_condition-{condition.pk}-reason_error"' in empty.text
    assert empty.text.count("Name the evidence that shows it.") == 2  # above and beside the field
    typed = {f"condition-{condition.pk}-reason": "Report of 2026"}
    press(client, desk, "condition-meet", designation.number, condition.pk, **typed)
    press(
        client,
        chief,
        "designation-act",
        designation.number,
        "suspend",
        **{"suspend-reason": "A member left."},
    )
    designation.refresh_from_db()
    assert designation.status == "suspended"


def test_a_recalled_determination_and_the_one_made_of_it_lead_to_each_other(client):
    desk, chief = officer(), make.decision_official()
    recalled = make.signed(make.ready_to_sign(by=desk), by=chief)
    services.recall_determination(recalled, by=chief, reason="A new fact came in.")
    assert "was carried over" not in page(client, desk, "determination", recalled.pk).text
    press(client, desk, "determination-prepare", recalled.proposal.number)
    again = Determination.objects.live().get()

    old = page(client, desk, "determination", recalled.pk).text
    new = page(client, desk, "determination", again.pk).text

    assert reverse("evaluation:determination", args=[again.pk]) in old.split("Recalled</h")[1]
    told = new.split("Carried over from a recalled determination")[1].split("</p>")[0]
    assert reverse("evaluation:determination", args=[recalled.pk]) in told
    assert "A new fact came in." in told

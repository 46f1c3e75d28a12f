"""A screening: every party of a version, and made anew once something newer overtook it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from evaluation import services
from evaluation.models import Designation, Letter, PartyCheck, ScreeningRun
from program.transitions import NotReady
from tests.evaluation.refusals import codes
from tests.evaluation.screenings import newer_list
from tests.factories import evaluation as make
from tests.factories.program import officer

pytestmark = pytest.mark.django_db


def test_every_party_of_the_version_is_screened_and_rows_are_kept():
    proposal = make.at_intake()
    run = make.screened(proposal)
    screened = set(run.checks.values_list("party_name", flat=True))
    assert screened == {party.name for party in make.version_of(proposal).value.parties()}
    assert set(run.checks.values_list("result", flat=True)) == {"no_hit"}
    with pytest.raises(IntegrityError), transaction.atomic():
        PartyCheck.objects.update(score=0)


def overtaken_screening(how, version, desk):
    """Something newer than the newest screening of ``version``, and the words that tell of it."""
    run = ScreeningRun.objects.filter(version=version).first()
    if how == "list":
        newer_list(desk)
        return "A newer list is in force: “Newer of 2026-11-02”."
    # Rows are kept as they are: what an older ruleset or another reading left behind is one row more.
    run.pk = None
    if how == "ruleset":
        run.ruleset_version = "2025-01.1"
    else:
        run.inputs_sha256 = "0" * 64
    run.save(force_insert=True)
    return {"ruleset": "by a newer ruleset", "reading": "reads other names or countries"}[how]


NEWER = ("list", "ruleset", "reading")


@pytest.mark.parametrize("how", NEWER)
def test_a_stale_screening_is_made_anew_before_acceptance(how):
    desk, proposal = officer(), make.at_intake()
    make.reviewed(proposal, desk)
    make.screened(proposal, desk)
    words = overtaken_screening(how, make.version_of(proposal), desk)
    with pytest.raises(NotReady) as refusal:
        services.accept_proposal(proposal, by=desk)
    make.screened(proposal, desk)
    services.accept_proposal(proposal, by=desk)
    assert codes(refusal) == {"stale-screening"}
    message = refusal.value.problems[0].message
    assert words in message
    assert message.endswith("Screen the parties again.")


@pytest.mark.parametrize("how", NEWER)
def test_a_stale_screening_is_made_anew_before_the_signature_and_before_the_announcement(how):
    desk, chief = officer(), make.decision_official()
    draft = make.ready_to_sign(by=desk)
    overtaken_screening(how, draft.version, desk)
    with pytest.raises(NotReady) as unsigned:
        services.sign_determination(draft, by=chief)
    make.screened(draft.proposal, desk)
    signed = make.signed(draft, by=chief)
    run = ScreeningRun.objects.filter(version=draft.version).first()
    run.pk, run.inputs_sha256 = None, "0" * 64
    run.save(force_insert=True)
    with pytest.raises(NotReady) as unannounced:
        services.announce_determination(signed, by=chief)
    make.screened(draft.proposal, desk)
    services.announce_determination(signed, by=chief)
    assert codes(unsigned) - {"clearance-overtaken"} == codes(unannounced) == {"stale-screening"}
    assert Designation.objects.count() == 1


def test_a_deferral_and_a_refusal_are_announced_whatever_list_came_since():
    desk, chief = officer(), make.decision_official()
    deferred, refused = make.signed(outcome="defer", by=chief), make.signed(outcome="not_select", by=chief)
    newer_list(desk)
    for determination in (deferred, refused):
        services.announce_determination(determination, by=chief)
    assert Letter.objects.count() == 2

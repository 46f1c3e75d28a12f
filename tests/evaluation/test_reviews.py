"""Score sheets: what each is asked, when it is whole, and what is kept of them per agency and criterion."""

from __future__ import annotations

import pytest
from django.urls import reverse

from evaluation import services
from evaluation.models import AgencyScore
from program.models import Agency
from program.revisions import StaleRevision
from program.transitions import NotReady, WrongStatus
from tests.evaluation.pages import sign_in
from tests.evaluation.refusals import codes
from tests.factories import evaluation as make
from tests.factories.program import officer

pytestmark = pytest.mark.django_db


def test_a_sheet_needs_every_score_with_reasons_and_stays_on_its_scale():
    proposal = make.accepted()
    assignment = make.assigned(proposal)
    review = services.open_review(assignment, by=assignment.reviewer)
    with pytest.raises(NotReady) as empty:
        services.submit_review(review, by=assignment.reviewer)
    make.filled_review(assignment, value=9)
    with pytest.raises(NotReady) as outside:
        services.submit_review(review, by=assignment.reviewer)
    make.filled_review(assignment, value=5)
    services.submit_review(review, by=assignment.reviewer)
    assert {"recommendation", "rationale"} < codes(empty)
    assert all(code.startswith("scale-") for code in codes(outside))
    with pytest.raises(WrongStatus):
        services.save_review(review, by=assignment.reviewer, values={"rationale": "x"}, revision=None)


def test_a_sheet_asks_what_its_agency_is_asked_and_counts_no_more():
    proposal = make.accepted()
    of_energy = proposal.call.criteria.first()
    of_energy.agencies.set([Agency.objects.get(code="DOE")])
    rest = proposal.call.criteria.exclude(pk=of_energy.pk)
    for agency, asked in (("STATE", set(rest)), ("DOE", {of_energy, *rest})):
        assignment = make.assigned(proposal, agency=agency)
        review = make.filled_review(assignment, value=3)
        assert {score.criterion for score in review.scores.all()} == asked
        services.submit_review(review, by=assignment.reviewer)
        kept = AgencyScore.objects.filter(agency__code=agency)
        assert {score.criterion for score in kept} == asked
        assert set(kept.values_list("sheet_count", flat=True)) == {1}


def test_a_stale_line_is_refused_with_the_text_that_stands():
    assignment = make.assigned(make.accepted())
    review = services.open_review(assignment, by=assignment.reviewer)
    score = review.scores.first()
    services.save_score(score, by=assignment.reviewer, values={"strengths": "First."}, revision=1)
    with pytest.raises(StaleRevision) as stale:
        services.save_score(score, by=assignment.reviewer, values={"strengths": "Second."}, revision=1)
    assert stale.value.record.strengths == "First."


def test_aggregates_are_kept_per_agency_and_criterion():
    proposal = make.accepted()
    for value in (2, 5):
        assignment = make.assigned(proposal)
        review = make.filled_review(assignment, value=value)
        services.submit_review(review, by=assignment.reviewer)
    kept = AgencyScore.objects.first()
    assert (kept.sheet_count, kept.mean, kept.median, kept.spread) == (2, 3.5, 3.5, 3)
    services.reopen_review(review, by=make.lead(), note="The scale was misread.")
    kept.refresh_from_db()
    assert (kept.sheet_count, kept.lowest) == (1, 2)


def test_a_new_version_keeps_the_text_and_says_so():
    proposal = make.accepted()
    assignment = make.assigned(proposal)
    old = make.filled_review(assignment)
    make.new_version(proposal)
    with pytest.raises(NotReady) as replaced:
        services.submit_review(old, by=assignment.reviewer)
    fresh = services.open_review(assignment, by=assignment.reviewer)
    assert codes(replaced) == {"version-replaced"}
    assert (fresh.version.number, fresh.rationale) == (2, old.rationale)


def test_who_is_recused_while_they_type_is_told_that_it_was_closed_to_them(client):
    review = make.filled_review(make.assigned(make.accepted()))
    person, address = review.reviewer, reverse("evaluation:review-save", args=[review.pk])
    sign_in(client, person)
    typed = {"rationale": "Sound.", "revision": review.revision}
    headers = {"X-Autosave": "1", "X-Person": str(person.pk)}
    assert client.post(address, typed, headers=headers).status_code == 200
    services.recuse(review.version.proposal, person=person, by=officer(), reason="A former employer.")
    answer = client.post(address, typed, headers=headers)
    assert answer.status_code == 404
    assert "it was closed to you, as by a recusal" in answer.json()["message"]

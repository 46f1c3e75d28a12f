"""Packages and reviews from first page to last without a pointing device (WCAG 2.2, 2.1.1, 2.4.7, 2.4.11)."""

from __future__ import annotations

import pytest

from evaluation.models import Review, ScreeningJob
from proposals.enums import TeamRole
from proposals.models import Proposal
from tests.browser.keyboard import Typist
from tests.browser.packages import (
    LAYERS,
    ask_for_support,
    begin_a_proposal,
    certify_and_submit,
    describe_layer,
    describe_the_operation,
    describe_the_whole,
    name_a_market,
    state_compliance,
)
from tests.browser.people import with_second_factor
from tests.factories import evaluation as make
from tests.factories.program import UserFactory, issued_call, officer
from tests.factories.proposals import ProposalFactory, TeamMemberFactory, representative_of
from tests.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_package_is_typed_certified_and_submitted_by_keys_alone(person):
    by = with_second_factor(UserFactory(name="Kay Board"))
    one = person(by, kind=Typist)
    begin_a_proposal(one, issued_call())
    proposal = Proposal.objects.get()
    anchor = proposal.consortium.anchor
    TeamMemberFactory(membership=anchor, user=by, role=TeamRole.AUTHORIZED_REPRESENTATIVE)

    base, supplier = f"/proposals/{proposal.pk}", str(anchor.pk)
    describe_the_whole(one, base)
    for layer in LAYERS:
        describe_layer(one, base, layer, supplier)
    name_a_market(one, base)
    describe_the_operation(one, base, supplier)
    ask_for_support(one, base)
    state_compliance(one, base)
    certify_and_submit(one, base, by.name)
    proposal.refresh_from_db()
    assert proposal.status == "submitted"
    assert len(proposal.versions.get().value.components) == len(LAYERS)


def test_countries_among_two_hundred_fold_away_and_are_typed_to_be_found(person):
    proposal = ProposalFactory(complete=True)
    one = person(with_second_factor(representative_of(proposal)), kind=Typist)
    one.visit(f"/proposals/{proposal.pk}/compliance/")
    many = one.page.locator("details.site-many")
    one.reach(many.locator("summary")).press("Enter")
    one.put(many.locator("[data-many-find]"), "united king")
    one.press("Enter")
    assert many.locator("[type=checkbox]:visible").count() == 1
    one.put(many.get_by_label("United Kingdom"), True)
    one.keep(one.page.locator("form:has(details.site-many)"))
    assert "United Kingdom" in many.locator("summary").inner_text()
    assert proposal.cloud_access_countries.filter(pk="GB").exists()


def test_review_is_declared_scored_and_submitted_by_keys_alone(person):
    """The first of two in the queue: a score, "not applicable", the overall part; then on to the next."""
    call = issued_call()
    first, second = make.accepted(call=call), make.accepted(call=call)
    reader = with_second_factor(make.reviewer("STATE"))
    owed, following = (make.assigned(each, person=reader, declared=False) for each in (first, second))

    one = person(reader, kind=Typist).visit("/desk/")
    one.follow(f"Review {first.number}")
    form = one.form(f"/desk/assigned/{owed.pk}/declare/")
    one.fill(form, has_conflict="no").send(form)
    sheet = Review.objects.get(assignment=owed)
    scored, *others = sheet.scores.order_by("criterion__sort_order", "pk")
    one.fill(form_of(one, sheet, scored), value="4", strengths="Five layers from one source.")
    one.keep(form_of(one, sheet, scored))
    for score in others:
        one.fill(form_of(one, sheet, score), not_applicable=True)
        one.keep(form_of(one, sheet, score))
    form = one.form(f"/desk/reviews/{sheet.pk}/save/")
    one.fill(form, recommendation="support", rationale="Strong in the market, safe in operation.")
    saved = Review.objects.filter(pk=sheet.pk, rationale__endswith="operation.")
    wait_until(saved.exists, what="the overall part to be saved")
    one.keep(form).send("Submit the review")
    one.says("Your review is in").says("Next in your queue").follow(second.number)

    sheet.refresh_from_db()
    scored.refresh_from_db()
    assert (sheet.status, scored.value, sheet.recommendation) == ("submitted", 4, "support")
    assert sheet.scores.filter(not_applicable=True).count() == len(others) > 0
    assert one.page.url.endswith(f"/desk/assigned/{following.pk}/")


def test_enter_at_a_choice_of_a_decision_records_nothing_and_asks_for_no_screening(person, faults):
    desk = with_second_factor(officer())
    match = make.flagged(proposal := make.at_intake(), desk)
    finding = match.run.compliance_checks.all().newest().flagged().first()
    one = person(desk, kind=Typist)
    for path, row, value in (
        (f"/desk/proposals/{proposal.number}/compliance/", finding, "stands"),
        ("/desk/screening/", match, "confirmed"),
    ):
        one.visit(path)
        place = one.page.locator(f"#check-{row.pk}")
        for folded in place.locator("details:has(textarea) > summary").all():
            one.reach(folded).press("Enter")
        one.fill(place, reason="Half a reason.", outcome=value)
        with one.page.expect_navigation():
            one.press("Enter")
        one.says("Nothing is recorded yet")
        assert place.locator("textarea[name$=-reason]").input_value() == "Half a reason."
        assert place.locator(f"[value={value}]").is_checked()
    assert not ScreeningJob.objects.exists()
    assert not (finding.decisions.exists() or match.adjudications.exists())
    refused = "status of 422"  # the browser's own note of the two answers
    assert [refused in fault for fault in faults] == [True, True]
    faults.clear()


def form_of(one, sheet, score):
    return one.form(f"/desk/reviews/{sheet.pk}/scores/{score.pk}/")

"""Decisions on a match: by how many people, corrected, carried over, and what a confirmed one bars."""

from __future__ import annotations

import io
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied

from evaluation import services
from evaluation.models import PartyCheck, ScreeningRun
from program.models import AuditEvent
from program.transitions import NotReady
from proposals.enums import ProposalStatus
from proposals.models import Proposal
from tests.evaluation.refusals import codes
from tests.evaluation.screenings import judged, newer_list
from tests.factories import evaluation as make
from tests.factories.program import OfficeFactory, officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def test_two_people_clear_a_match_at_95_and_the_decision_is_carried_over():
    desk, second = officer(), officer()
    check = make.flagged(proposal := make.at_intake(), desk)
    assert check.score >= 95
    services.adjudicate(check, by=desk, outcome="false_positive", reason="Another country.")
    assert PartyCheck.objects.newest().open().count() == 1
    with pytest.raises(NotReady) as again:
        services.adjudicate(check, by=desk, outcome="false_positive", reason="Once more.")
    services.adjudicate(check, by=second, outcome="false_positive", reason="I agree.")

    repeated = make.screened(proposal, desk)

    assert codes(again) == {"decided"}
    assert repeated.checks.all().open().count() == 0
    assert repeated.checks.get(result="potential_match").adjudications.count() == 2
    with pytest.raises(NotReady) as old:
        services.adjudicate(check, by=officer(), outcome="confirmed", reason="Late.")
    assert codes(old) == {"superseded"}


def matched(score, desk):
    """A flag of a proposal at intake whose names are as alike as ``score`` says."""
    names = {100: "Fictional Dragonfly Semiconductor", 90: "Fictional Dragonfly Semicon Works"}
    check = make.flagged(make.at_intake(), desk, name=names[score])
    assert (check.score >= 95) == (score >= 95)
    return check


CONFIRMED, CLEARED = [False, True, False, False], [False, False, True, False]
HALF_CORRECTED = [False, True, False, True]


@pytest.mark.parametrize("score", [100, 90])
def test_a_wrong_confirmation_is_corrected_by_two_people_whatever_the_score(score):
    desk, second, third = officer(), officer(), officer()
    check = matched(score, desk)
    wrong = services.adjudicate(check, by=desk, outcome="confirmed", reason="A slip.")
    assert judged(check) == CONFIRMED

    own = services.correct_adjudication(wrong, by=desk, reason="The wrong button.")
    assert judged(check) == HALF_CORRECTED
    with pytest.raises(NotReady) as twice:
        services.correct_adjudication(wrong, by=desk, reason="The wrong button.")
    with pytest.raises(NotReady) as unnamed:
        services.adjudicate(check, by=second, outcome="false_positive", reason="I agree.")
    services.correct_adjudication(wrong, by=second, reason="I agree.")

    assert (codes(twice), codes(unnamed)) == ({"decided"}, {"confirmed"})
    assert judged(check) == CLEARED
    said = list(check.adjudications.values_list("decided_by", "outcome", "replaces"))
    assert said == [
        (desk.pk, "confirmed", None), (desk.pk, "false_positive", wrong.pk),
        (second.pk, "false_positive", wrong.pk),
    ]  # fmt: skip
    acts = AuditEvent.objects.filter(act__startswith="partycheck.").order_by("sequence")
    assert [event.act for event in acts] == ["partycheck.adjudicate", *["partycheck.correct"] * 2]
    assert acts[1].said["before"] == {"opinion": wrong.pk, "outcome": "confirmed"}
    services.correct_adjudication(own, by=desk, reason="It was the right button.")
    assert judged(check) == CONFIRMED
    assert services.adjudicate(check, by=third, outcome="confirmed", reason="The same address.")


def test_a_confirmation_of_somebody_else_is_overturned_by_two_and_never_by_one():
    desk, second, third = officer(), officer(), officer()
    check = matched(100, desk)
    services.adjudicate(check, by=second, outcome="false_positive", reason="Another country.")
    wrong = services.adjudicate(check, by=desk, outcome="confirmed", reason="Same address.")
    services.correct_adjudication(wrong, by=second, reason="Another street.")
    assert judged(check) == HALF_CORRECTED
    services.correct_adjudication(wrong, by=third, reason="Another street.")
    assert judged(check) == CLEARED


def test_a_false_positive_is_corrected_by_who_found_it_and_only_the_newest_decision_is_corrected():
    desk, second = officer(), officer()
    check = matched(90, desk)
    wrong = services.adjudicate(check, by=desk, outcome="false_positive", reason="Another country.")
    with pytest.raises(NotReady) as others:
        services.correct_adjudication(wrong, by=second, reason="The same country.")
    with pytest.raises(NotReady) as silent:
        services.correct_adjudication(wrong, by=desk, reason=" ")
    right = services.correct_adjudication(wrong, by=desk, reason="The same country.")
    with pytest.raises(NotReady) as old:
        services.correct_adjudication(wrong, by=desk, reason="The same country.")
    assert [codes(refusal) for refusal in (others, silent, old)] == [{"not-own"}, {"reason"}, {"replaced"}]
    assert (right.outcome, judged(check)) == ("confirmed", CONFIRMED)
    services.adjudicate(check, by=second, outcome="confirmed", reason="I agree.")
    with pytest.raises(NotReady) as not_newest:
        services.correct_adjudication(right, by=second, reason="No.")
    assert codes(not_newest) == {"replaced"}


@pytest.mark.parametrize("corrected_by", [0, 1, 2])
def test_the_newest_decisions_are_carried_over(corrected_by):
    """One correction does not clear a match by being carried, two do; the third screening says the same."""
    people = [officer(), officer()]
    check = matched(90, people[0])
    wrong = services.adjudicate(check, by=people[0], outcome="confirmed", reason="A slip.")
    for person in people[:corrected_by]:
        services.correct_adjudication(wrong, by=person, reason="The wrong button.")
    expected = [CONFIRMED, HALF_CORRECTED, CLEARED][corrected_by]
    assert judged(check) == expected
    for _ in range(2):
        again = make.screened(check.proposal, people[0]).checks.exclude(result="no_hit").get()
        assert judged(again) == expected
    with pytest.raises(NotReady) as superseded:
        services.correct_adjudication(wrong, by=people[1], reason="Late.")
    assert "superseded" in codes(superseded)
    if corrected_by == 1:
        standing = again.adjudications.get(outcome="confirmed")
        with pytest.raises(NotReady) as twice:
            services.correct_adjudication(standing, by=people[0], reason="Once more.")
        assert codes(twice) == {"decided"}
        services.correct_adjudication(standing, by=people[1], reason="I agree.")
        assert judged(again) == CLEARED


def test_a_corrected_confirmation_bars_acceptance_no_more():
    desk, second = officer(), officer()
    proposal = make.at_intake()
    make.reviewed(proposal, desk)
    check = make.flagged(proposal, desk)
    make.reviewed(proposal, desk)
    wrong = services.adjudicate(check, by=desk, outcome="confirmed", reason="A slip.")
    services.correct_adjudication(wrong, by=desk, reason="The wrong button.")
    with pytest.raises(NotReady) as barred:
        services.accept_proposal(proposal, by=desk)
    services.correct_adjudication(wrong, by=second, reason="I agree.")
    services.accept_proposal(proposal, by=desk)
    assert "blocked-party" in codes(barred)


def test_the_newest_screening_decides_on_acceptance_whatever_was_confirmed_before():
    """Carried to a second screening and corrected there, or struck from the newer list."""
    desk, second = officer(), officer()
    corrected, struck = make.at_intake(), make.at_intake()
    for proposal in (corrected, struck):
        check = make.flagged(proposal, desk)
        make.reviewed(proposal, desk)
        services.adjudicate(check, by=desk, outcome="confirmed", reason="A slip.")
    carried = make.screened(corrected, desk).checks.exclude(result="no_hit").get()
    with pytest.raises(NotReady) as barred:
        services.accept_proposal(corrected, by=desk)
    for person in (desk, second):
        services.correct_adjudication(
            carried.adjudications.get(outcome="confirmed"), by=person, reason="Another street."
        )
    services.accept_proposal(corrected, by=desk)
    rows = make.LIST.read_bytes().splitlines(keepends=True)
    shorter = io.BytesIO(b"".join(row for row in rows if b"Dragonfly" not in row))
    services.import_screening_list(shorter, by=desk, name="Newer", file_date=date(2026, 11, 2))
    with pytest.raises(NotReady) as still_barred:
        services.accept_proposal(struck, by=desk)
    make.screened(struck, desk)

    services.accept_proposal(struck, by=desk)

    assert codes(barred) == {"blocked-party"}
    assert codes(still_barred) == {"blocked-party", "stale-screening"}
    assert set(Proposal.objects.values_list("status", flat=True)) == {ProposalStatus.UNDER_EVALUATION}


UNCOMPARED = "蜻蜓半导体"
OPEN = [True, False, False, True]


def test_a_name_that_cannot_be_compared_bars_acceptance_once_it_is_confirmed():
    desk = officer()
    check = make.flagged(proposal := make.at_intake(), desk, name=UNCOMPARED)
    make.reviewed(proposal, desk)
    services.adjudicate(check, by=desk, outcome="confirmed", reason="The same register number.")
    with pytest.raises(NotReady) as barred:
        services.accept_proposal(proposal, by=desk)
    again = make.screened(proposal, desk).checks.exclude(result="no_hit").get()
    with pytest.raises(NotReady) as screened_again:
        services.accept_proposal(proposal, by=desk)

    assert (check.result, check.entry) == ("needs_review", None)
    assert codes(barred) == codes(screened_again) == {"blocked-party"}
    assert "by hand" in barred.value.problems[0].message
    assert judged(again) == CONFIRMED


def test_a_confirmed_name_that_cannot_be_compared_bars_designation_and_its_announcement():
    desk, chief = officer(), make.decision_official()
    check = make.flagged(proposal := make.at_intake(), desk, name=UNCOMPARED)
    for person in (desk, officer()):
        services.adjudicate(check, by=person, outcome="false_positive", reason="Another company.")
    make.accept(proposal, desk)
    determination = make.ready_to_sign(proposal, by=desk)
    check = ScreeningRun.objects.first().checks.exclude(result="no_hit").get()
    assert judged(check) == CLEARED
    signed = make.signed(determination, chief)
    services.adjudicate(check, by=officer(), outcome="confirmed", reason="The same register number.")
    with pytest.raises(NotReady) as unannounced:
        services.announce_determination(signed, by=chief)
    services.recall_determination(signed, by=chief, reason="A party is listed.")
    with pytest.raises(NotReady) as unsigned:
        services.ask_to_clear(services.prepare_determination(proposal, by=desk), by=desk)
    assert codes(unannounced) == codes(unsigned) == {"blocked-party"}


def test_two_people_clear_a_name_that_cannot_be_compared_and_of_one_list_only():
    desk, second = officer(), officer()
    check = make.flagged(proposal := make.at_intake(), desk, name=UNCOMPARED)
    services.adjudicate(check, by=desk, outcome="false_positive", reason="Another company.")
    after_one = judged(check)
    services.adjudicate(check, by=second, outcome="false_positive", reason="I agree.")
    repeated = make.screened(proposal, desk).checks.exclude(result="no_hit").get()
    newer_list(desk)
    on_newer = make.screened(proposal, desk).checks.exclude(result="no_hit").get()
    assert (after_one, judged(check), judged(repeated), judged(on_newer)) == (OPEN, CLEARED, CLEARED, OPEN)


@pytest.mark.parametrize("corrected_by", [0, 1, 2])
def test_a_newer_list_keeps_the_confirmation_of_a_name_that_cannot_be_compared(corrected_by):
    desk, second = officer(), officer()
    check = make.flagged(proposal := make.at_intake(), desk, name=UNCOMPARED)
    wrong = services.adjudicate(check, by=desk, outcome="confirmed", reason="The same register number.")
    for person in (desk, second)[:corrected_by]:
        services.correct_adjudication(wrong, by=person, reason="Another register.")
    newer_list(desk)
    again = make.screened(proposal, desk).checks.exclude(result="no_hit").get()
    assert judged(again) == [CONFIRMED, CONFIRMED, OPEN][corrected_by]


def test_only_an_officer_who_stands_apart_corrects_a_decision():
    desk, recused = officer(), officer()
    check = matched(100, desk)
    wrong = services.adjudicate(check, by=desk, outcome="confirmed", reason="A slip.")
    services.recuse(check.proposal, person=recused, by=desk, reason="A cousin.")
    inside = OfficeFactory(user=representative_of(check.proposal), agency=desk.offices.get().agency).user
    for person in (recused, inside, make.lead("STATE"), make.reviewer("DOE"), make.decision_official()):
        with pytest.raises(PermissionDenied):
            services.correct_adjudication(wrong, by=person, reason="It is somebody else.")
    assert judged(check) == CONFIRMED


def test_a_decision_on_a_name_alone_is_carried_within_one_proposal_and_not_of_a_recused_person():
    desk, second = officer(), officer()
    check = make.flagged(proposal := make.at_intake(), desk)
    for person in (desk, second):
        services.adjudicate(check, by=person, outcome="false_positive", reason="Another country.")

    elsewhere = make.flagged(make.at_intake(), desk)
    services.recuse(proposal, person=second, by=desk, reason="A cousin.")
    again = make.screened(proposal, desk).checks.get(result="potential_match")

    assert elsewhere.party_name == check.party_name
    assert not elsewhere.adjudications.exists()
    assert [opinion.decided_by for opinion in again.adjudications.all()] == [desk]
    assert PartyCheck.objects.newest().open().count() == 2


def test_a_decision_is_not_carried_to_a_party_that_names_itself_otherwise():
    desk = officer()
    check = make.flagged(proposal := make.at_intake(), desk)
    services.adjudicate(check, by=desk, outcome="false_positive", reason="Another country.")
    before = make.version_of(proposal).value.compliance
    party = before.parties[0].model_copy(update={"aliases": ("Zephyr Ceramics",)})
    make.new_version(proposal, {"compliance": before.model_copy(update={"parties": (party,)})})

    again = make.screened(proposal, desk).checks.exclude(result="no_hit").get()

    assert again.query != check.query
    assert not again.adjudications.exists()

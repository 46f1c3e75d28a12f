"""Each act beside its refusals."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from evaluation import documents, schedule, services
from evaluation.checks import has_no_blocked_party
from evaluation.lifecycle import SIGN
from evaluation.models import (
    AgencyScore,
    CatalogEntry,
    CompletenessReview,
    Designation,
    Determination,
    Letter,
    LetterPaper,
    PartyCheck,
    Position,
    Referral,
    Return,
    ScreeningEntry,
    ScreeningList,
    ScreeningRun,
)
from evaluation.packets import packet_text
from program import clock
from program.canonical import sha256_hex
from program.clock_account import clock_account
from program.deadlines import Period, end_of_day, next_business_day
from program.models import Agency, AuditEvent, Call, Closure, Delegation, Notice, Requirement, User
from program.papers import owed
from program.revisions import StaleRevision
from program.services.clockwork import do_each
from program.transitions import NotReady, WrongStatus
from proposals.enums import ProposalStatus
from proposals.models import Proposal, Recusal
from proposals.services import withdraw_proposal
from tests.evaluation.pages import page
from tests.factories import evaluation as make
from tests.factories.program import CriterionFactory, OfficeFactory, RequirementFactory, officer
from tests.factories.proposals import representative_of

pytestmark = pytest.mark.django_db


def codes(refusal):
    return {problem.code for problem in refusal.value.problems}


# Intake


def test_acceptance_opens_five_consultations_on_exactly_this_version():
    proposal = make.accepted()
    referrals = Referral.objects.filter(version=make.version_of(proposal))
    assert sorted(referrals.values_list("agency__code", flat=True)) == sorted(make.EVALUATING)
    due = {referral.due_at for referral in referrals}
    assert len(due) == 1
    assert due.pop() - clock.now() > timedelta(days=proposal.call.consultation_days - 1)


def test_acceptance_pressed_twice_is_done_once():
    proposal = make.accepted()
    with pytest.raises(WrongStatus):
        services.accept_proposal(proposal, by=officer())
    assert Referral.objects.count() == 5


@pytest.mark.parametrize("person", [make.lead, make.reviewer, make.decision_official])
def test_only_a_program_officer_accepts(person):
    with pytest.raises(PermissionDenied):
        services.accept_proposal(make.at_intake(), by=person())


def test_a_confirmed_match_on_a_blocking_list_stops_acceptance():
    desk = officer()
    check = make.flagged(proposal := make.at_intake(), desk)
    make.reviewed(proposal, desk)
    services.adjudicate(check, by=desk, outcome="confirmed", reason="Same address.")

    with pytest.raises(NotReady) as refusal:
        services.accept_proposal(proposal, by=desk)

    assert codes(refusal) == {"blocked-party"}
    assert Proposal.objects.get(pk=proposal.pk).status == ProposalStatus.SUBMITTED


@pytest.mark.parametrize(
    ("code", "bars"),
    [("DPL", True), ("SDN", True), ("EL", True), ("FSE", True), ("MEU", False), ("UVL", False), ("", False)],
)
def test_a_confirmed_match_bars_on_the_lists_that_the_rules_of_the_day_name(code, bars):
    desk = officer()
    check = make.flagged(proposal := make.at_intake(), desk)
    ScreeningEntry.objects.filter(pk=check.entry_id).update(list_code=code)
    services.adjudicate(check, by=desk, outcome="confirmed", reason="Same address.")
    found = {problem.code for problem in has_no_blocked_party(proposal)}
    assert found == ({"blocked-party"} if bars else set())


def test_acceptance_asks_for_a_finding_on_every_mandatory_requirement_and_a_screening():
    desk, proposal = officer(), make.at_intake()
    mandatory, optional = proposal.call.requirements.first(), RequirementFactory(call=proposal.call)
    Requirement.objects.filter(pk=optional.pk).update(is_mandatory=False)
    make.reviewed(proposal, desk)
    CompletenessReview.objects.filter(requirement__in=[mandatory, optional]).delete()
    with pytest.raises(NotReady) as untouched:
        services.accept_proposal(proposal, by=desk)
    make.screened(proposal, desk)
    make.new_version(proposal)
    with pytest.raises(NotReady) as of_old_version:
        services.accept_proposal(proposal, by=desk)
    make.accept(proposal, desk)

    every = proposal.call.requirements.filter(is_mandatory=True)
    assert codes(untouched) == {f"not-found-{mandatory.code}", "not-screened"}
    assert codes(of_old_version) == {"not-screened", *(f"not-found-{row.code}" for row in every)}
    assert Proposal.objects.get(pk=proposal.pk).status == ProposalStatus.UNDER_EVALUATION


def test_return_names_its_items_and_the_end_of_the_cure_period():
    desk, proposal = officer(), make.at_intake()
    version, requirement = make.version_of(proposal), proposal.call.requirements.first()
    make.reviewed(proposal, desk)
    make.screened(proposal, desk)
    with pytest.raises(NotReady) as nothing:
        services.return_proposal(proposal, by=desk)
    services.review_completeness(version, requirement, by=desk, finding="deficient", reason="Name the maker.")
    with pytest.raises(NotReady) as deficient:
        services.accept_proposal(proposal, by=desk)

    services.return_proposal(proposal, by=desk, note="One item.")

    assert codes(nothing) == {"nothing-deficient"}
    assert codes(deficient) == {f"deficient-{requirement.code}"}
    sent = Return.objects.get()
    assert [item["reason"] for item in sent.items] == ["Name the maker."]
    assert Proposal.objects.get(pk=proposal.pk).cure_due_at == sent.due_at
    assert (
        Notice.objects.filter(kind="proposals.returned", recipient=representative_of(proposal)).count() == 1
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        Return.objects.update(note="Other words.")


def returned(proposal, **of_call):
    """What is sent back when the call of ``proposal`` says so."""
    desk = officer()
    Call.objects.filter(pk=proposal.call_id).update(**of_call)
    proposal = Proposal.objects.get(pk=proposal.pk)
    requirement = proposal.call.requirements.first()
    services.review_completeness(
        make.version_of(proposal), requirement, by=desk, finding="deficient", reason="Name the maker."
    )
    services.return_proposal(proposal, by=desk)
    return Return.objects.get(proposal=proposal)


def test_the_cure_period_does_not_end_on_a_day_that_offices_are_closed():
    proposal = make.at_intake()
    facts = {"cure_days": 10, "rolls_forward": True, "closes_at": clock.now() - timedelta(hours=1)}
    counted = Period(10).due_after(clock.now()).due_on
    Closure.objects.create(day=counted, authority="OPM memorandum", counts_as_holiday=True)

    sent = returned(proposal, **facts)

    assert sent.due_at == end_of_day(next_business_day(counted + timedelta(days=1)))
    assert sent.due_rule == Period(10).rule_text


def test_a_return_states_the_rule_that_gave_its_date():
    closes_at = clock.now() + timedelta(days=80)
    sent = returned(make.at_intake(), cure_days=10, closes_at=closes_at, rule_text="Day 90 of the call.")
    assert sent.due_at == closes_at
    assert sent.due_rule == (
        "The time to submit ends later than its cure period of 10 calendar days. Day 90 of the call. "
        "(E.O. 14320 s.3(c); 1 CFR 18.17(b))"
    )


# Screening


def test_a_list_is_imported_once_and_a_broken_file_changes_nothing():
    desk = officer()
    make.screening_list(desk)
    good = make.LIST.read_bytes()
    broken = {
        "header": good.replace(b"_id,source", b"id,source", 1),
        "columns": good + b"one,two\n",
        "cut": good.rstrip()[:-200] + b'"unclosed',
        "bytes": good + b"\xff" * 40,
        "empty": good.splitlines(keepends=True)[0],
        "twice": good,
    }
    for content in broken.values():
        with pytest.raises(NotReady):
            services.import_screening_list(
                io.BytesIO(content), by=desk, name="x", file_date=date(2026, 11, 2)
            )
    with pytest.raises(PermissionDenied):
        services.import_screening_list(
            io.BytesIO(good), by=make.lead(), name="x", file_date=date(2026, 11, 2)
        )
    assert ScreeningList.objects.get().entry_count == ScreeningEntry.objects.count() == 14


def test_a_much_shorter_list_must_be_confirmed():
    desk = officer()
    make.screening_list(desk)
    short = io.BytesIO(b"".join(make.LIST.read_bytes().splitlines(keepends=True)[:4]))
    facts = {"by": desk, "name": "Short", "file_date": date(2026, 11, 2)}
    with pytest.raises(NotReady):
        services.import_screening_list(short, **facts)
    short.seek(0)
    assert services.import_screening_list(short, **facts, accept_smaller=True).entry_count == 3


def test_every_party_of_the_version_is_screened_and_rows_are_kept():
    proposal = make.at_intake()
    run = make.screened(proposal)
    screened = set(run.checks.values_list("party_name", flat=True))
    assert screened == {party.name for party in make.version_of(proposal).value.parties()}
    assert set(run.checks.values_list("result", flat=True)) == {"no_hit"}
    with pytest.raises(IntegrityError), transaction.atomic():
        PartyCheck.objects.update(score=0)


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


def judged(check):
    """Whether the check is open, confirmed, cleared and waiting for somebody."""
    rows = PartyCheck.objects.filter(pk=check.pk)
    return [rows.open().exists(), rows.confirmed().exists(), rows.cleared().exists(), rows.waiting().exists()]


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


def newer_list(desk):
    """The list once more, without two of its rows."""
    rows = make.LIST.read_bytes().splitlines(keepends=True)[:-2]
    return services.import_screening_list(
        io.BytesIO(b"".join(rows)), by=desk, name="Newer", file_date=date(2026, 11, 2)
    )


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


# Assignment, conflict, recusal


def test_only_a_reviewer_of_the_agency_is_assigned():
    proposal, desk = make.accepted(), officer()
    state = make.AgencyFactory(code="STATE")
    wrong = {"reviewer": make.reviewer("DOE"), "agency": state}
    with pytest.raises(NotReady) as refusal:
        services.assign_reviewer(proposal, **wrong, by=desk)
    with pytest.raises(PermissionDenied):
        services.assign_reviewer(proposal, reviewer=make.reviewer(), agency=state, by=make.lead("DOE"))
    assignment = services.assign_reviewer(
        proposal, reviewer=make.reviewer(), agency=state, by=make.lead("STATE")
    )
    assert codes(refusal) == {"not-reviewer"}
    with pytest.raises(NotReady) as twice:
        services.assign_reviewer(proposal, reviewer=assignment.reviewer, agency=state, by=desk)
    assert codes(twice) == {"assigned"}


def test_nobody_reads_before_the_declaration_and_a_conflict_recuses():
    proposal = make.accepted()
    assignment = make.assigned(proposal, declared=False)
    with pytest.raises(NotReady):
        services.open_review(assignment, by=assignment.reviewer)

    services.declare_conflict(
        assignment, by=assignment.reviewer, has_conflict=True, text="I worked for the anchor."
    )

    assert Recusal.objects.get().user == assignment.reviewer
    person = User.objects.get(pk=assignment.reviewer_id)
    assert not person.has_perm("proposals.evaluate_proposal", proposal)
    assignment.refresh_from_db()
    assert assignment.status == "ended"


def test_a_recusal_tells_the_reviewer_that_it_is_closed_and_the_leads_to_name_another():
    assignment, lead = make.assigned(make.accepted()), make.lead("STATE")
    services.recuse(assignment.proposal, person=assignment.reviewer, by=officer(), reason="Cousin.")
    told = Notice.objects.filter(kind__in=["evaluation.unassigned", "evaluation.reviewer_recused"])
    assert set(told.values_list("recipient", "kind")) == {
        (assignment.reviewer_id, "evaluation.unassigned"),
        (lead.pk, "evaluation.reviewer_recused"),
    }


def test_a_recused_reviewer_is_replaced_from_the_same_agency_and_counts_no_more():
    proposal = make.accepted()
    CriterionFactory(call=proposal.call)
    assignment, desk = make.assigned(proposal), officer()
    services.submit_review(make.filled_review(assignment), by=assignment.reviewer)
    assert AgencyScore.objects.first().sheet_count == 1
    with pytest.raises(NotReady):
        services.recuse(
            proposal, person=assignment.reviewer, by=desk, reason="Cousin.", replacement=make.reviewer("DOE")
        )
    assert not Recusal.objects.exists()
    other = make.reviewer("STATE")

    services.recuse(proposal, person=assignment.reviewer, by=desk, reason="Cousin.", replacement=other)

    assert proposal.assignments.get(status="active").reviewer == other
    assert AgencyScore.objects.first().sheet_count == 0


# Reviews


def test_a_reviewer_who_is_recused_after_the_assignment_ended_counts_no_more():
    proposal, desk = make.accepted(), officer()
    CriterionFactory(call=proposal.call)
    of_state, of_doe = make.assigned(proposal, "STATE"), make.assigned(proposal, "DOE")
    for assignment in (of_state, of_doe):
        services.submit_review(make.filled_review(assignment), by=assignment.reviewer)
    services.end_assignment(of_state, by=desk, reason="The lead reads it.")
    before = set(AgencyScore.objects.values_list("agency__code", "sheet_count"))

    services.recuse(proposal, person=of_state.reviewer, by=desk, reason="Cousin.")

    assert before == {("STATE", 1), ("DOE", 1)}
    kept = AgencyScore.objects.values_list("agency__code", "sheet_count", "mean")
    assert set(kept) == {("STATE", 0, None), ("DOE", 1, 4)}


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


# Consultation


def test_a_position_is_superseded_never_edited():
    proposal = make.accepted()
    first = make.filed(proposal, "STATE", "object")
    second = make.filed(proposal, "STATE", "support")
    assert make.referral_of(proposal).position == second
    assert second.supersedes == first
    with pytest.raises(IntegrityError), transaction.atomic():
        Position.objects.filter(pk=first.pk).update(rationale="Other words.")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"stance": "support", "rationale": " "}, "rationale"),
        ({"stance": "support_with_conditions", "rationale": "Yes."}, "conditions"),
        ({"stance": "maybe", "rationale": "Yes."}, "stance"),
        ({"stance": "support", "rationale": "Yes.", "parts_commented": ["roof"]}, "parts"),
    ],
)
def test_a_position_without_reasons_is_refused(facts, code):
    referral = make.referral_of(make.accepted())
    with pytest.raises(NotReady) as refusal:
        services.file_position(referral, by=make.lead(), **facts)
    assert codes(refusal) == {code}
    assert not Position.objects.exists()


def test_of_two_leads_who_sign_at_once_the_second_is_told_of_the_first():
    proposal = make.accepted()
    facts = {"rationale": "Yes.", "seen": 0}
    services.file_position(make.referral_of(proposal), by=make.lead(), stance="support", **facts)
    with pytest.raises(NotReady) as second:
        services.file_position(make.referral_of(proposal), by=make.lead(), stance="object", **facts)
    assert codes(second) == {"filed-meanwhile"}
    assert Position.objects.get().stance == "support"


def test_a_withdrawn_proposal_has_no_running_clock():
    proposal = make.accepted()
    withdraw_proposal(proposal, by=representative_of(proposal), note="We found another way.")
    with clock.moved_to(clock.now() + timedelta(days=60)):
        assert schedule.lapse_due_referrals() == 0


def test_a_delegate_signs_under_a_delegation_in_force_only():
    proposal, giver, delegate = make.accepted(), make.lead(), make.reviewer()
    facts = {"stance": "support", "rationale": "Yes."}
    with pytest.raises(PermissionDenied):
        services.file_position(make.referral_of(proposal), by=delegate, **facts)
    delegation = make.delegated(giver, delegate)
    position = services.file_position(make.referral_of(proposal), by=delegate, **facts)
    assert position.delegation == delegation
    Delegation.objects.update(effective_to=clock.today())
    with pytest.raises(PermissionDenied):
        services.file_position(make.referral_of(proposal), by=delegate, **facts)


def test_leads_of_other_agencies_and_recused_leads_do_not_sign():
    proposal, lead = make.accepted(), make.lead()
    facts = {"stance": "support", "rationale": "Yes."}
    with pytest.raises(PermissionDenied):
        services.file_position(make.referral_of(proposal), by=make.lead("DOE"), **facts)
    services.recuse(proposal, person=lead, by=officer(), reason="Holds shares.")
    with pytest.raises(PermissionDenied):
        services.file_position(make.referral_of(proposal), by=lead, **facts)


def test_the_clock_lapses_a_consultation_and_the_program_office_opens_it_again():
    proposal = make.accepted()
    make.filed(proposal, "STATE")
    assert schedule.lapse_due_referrals() == 0
    with clock.moved_to(clock.now() + timedelta(days=60)):
        assert schedule.lapse_due_referrals() == 4
        assert schedule.lapse_due_referrals() == 0
        with pytest.raises(WrongStatus):
            make.filed(proposal, "DOE")
        services.reopen_referral(
            make.referral_of(proposal, "DOE"),
            by=officer(),
            due_on=clock.today() + timedelta(days=5),
            reason="Illness.",
        )
        make.filed(proposal, "DOE")
    assert make.referral_of(proposal, "DOE").status == "answered"


def test_consultations_lapse_only_after_the_grace_of_drafts(settings):
    settings.LAPSE_GRACE_SECONDS = 60
    due = make.referral_of(make.accepted()).due_at
    for seconds, lapsed in ((-1, 0), (0, 0), (59, 0), (61, 5), (62, 0)):
        with clock.moved_to(due + timedelta(seconds=seconds)):
            assert schedule.lapse_due_referrals() == lapsed


def test_a_position_that_comes_after_the_bound_is_late_though_no_beat_has_come():
    proposal = make.accepted()
    due = make.referral_of(proposal).due_at
    with clock.moved_to(due - timedelta(seconds=1)):
        make.filed(proposal, "STATE")
        services.acknowledge_referral(make.referral_of(proposal, "DOE"), by=make.lead("DOE"))
    with clock.moved_to(due):
        for agency in ("DOE", "DOD"):
            with pytest.raises(NotReady) as refusal:
                make.filed(proposal, agency)
            assert codes(refusal) == {"late"}
        make.filed(proposal, "STATE", "object")  # who has answered may change it until the decision
    assert make.referral_of(proposal, "STATE").position.stance == "object"
    assert Position.objects.exclude(referral__agency__code="STATE").count() == 0


def test_a_second_beat_does_not_lapse_a_consultation_that_was_opened_again():
    proposal = make.accepted()
    with clock.moved_to(clock.now() + timedelta(days=60)):
        read_by_first, read_by_second = (make.referral_of(proposal, "DOE") for _ in range(2))
        services.lapse_referral(read_by_first, by=clock_account())
        due_on = clock.today() + timedelta(days=20)
        services.reopen_referral(
            make.referral_of(proposal, "DOE"), by=officer(), due_on=due_on, reason="Illness."
        )
        with pytest.raises(NotReady):
            services.lapse_referral(read_by_second, by=clock_account())
        assert do_each(services.lapse_referral, [read_by_second]) == 0
    assert make.referral_of(proposal, "DOE").status == "open"
    assert AuditEvent.objects.filter(act="referral.lapse").count() == 1


# Questions


def test_a_question_is_asked_answered_and_withdrawn_by_the_right_people():
    proposal, desk = make.accepted(), officer()
    first, second = make.asked(proposal, desk), make.asked(proposal, desk)
    with pytest.raises(PermissionDenied):
        services.answer_question(first, by=desk, answer="We answer ourselves.")
    services.answer_question(first, by=representative_of(proposal), answer="The anchor.")
    services.withdraw_question(second, by=desk)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.number, first.status, first.answer) == (1, "answered", "The anchor.")
    assert (second.number, second.status) == (2, "withdrawn")
    with pytest.raises(WrongStatus):
        services.answer_question(second, by=representative_of(proposal), answer="Late.")


# Determination


def test_all_that_is_missing_is_said_at_once():
    desk = officer()
    proposal = make.accepted(desk)
    make.filed(proposal, "STATE", "object")
    determination = services.prepare_determination(proposal, by=desk)
    with pytest.raises(NotReady) as refusal:
        services.sign_determination(determination, by=make.decision_official())
    found = codes(refusal)
    assert {"outcome", "rationale", "objection-STATE"} < found
    assert {f"consultation-open-{code}" for code in ("COMMERCE", "DOD", "DOE", "OSTP")} < found
    assert len([code for code in found if code.startswith("finding-")]) == proposal.call.requirements.count()


def test_a_check_too_old_or_an_open_match_stops_the_signature():
    determination = make.ready_to_sign()
    with clock.moved_to(clock.now() + timedelta(days=40)), pytest.raises(NotReady) as old:
        services.sign_determination(determination, by=make.decision_official())
    assert codes(old) == {"checks-too-old"}


def test_an_objection_that_is_answered_blocks_nothing():
    assert make.signed(STATE="object", DOE="object").status == "signed"


def test_its_preparer_does_not_sign_it():
    desk = make.decision_official()
    OfficeFactory(user=desk, role="program_officer", agency__code="COMMERCE")
    determination = make.ready_to_sign(by=User.objects.get(pk=desk.pk))
    with pytest.raises(PermissionDenied):
        services.sign_determination(determination, by=User.objects.get(pk=desk.pk))
    with pytest.raises(PermissionDenied):
        services.sign_determination(determination, by=officer())


def test_who_worked_on_the_draft_does_not_sign_it():
    """Whoever began it: another officer wrote the decision, and holds a delegation to sign."""
    writer, other = officer(), officer()
    for one in (writer, other):
        make.delegated(make.decision_official(), one, Delegation.SIGN_DETERMINATION, "COMMERCE")
    determination = make.ready_to_sign()
    services.save_determination(determination, by=writer, values={"rationale": "Mine."}, revision=None)
    services.save_determination(determination, by=writer, values={"rationale": "Mine!"}, revision=None)
    assert AuditEvent.objects.filter(act="determination.change", actor=writer).count() == 1
    with pytest.raises(PermissionDenied):
        services.sign_determination(determination, by=User.objects.get(pk=writer.pk))
    assert make.signed(determination, by=User.objects.get(pk=other.pk)).signed_by == other


def test_nothing_is_signed_on_a_proposal_that_was_withdrawn():
    determination = make.ready_to_sign()
    withdraw_proposal(determination.proposal, by=representative_of(determination.proposal), note="Enough.")
    with pytest.raises(NotReady) as refusal:
        services.sign_determination(determination, by=make.decision_official())
    assert codes(refusal) == {"not-under-evaluation"}


@pytest.mark.parametrize("over", ["withdrawn", "replaced", "decided"])
def test_a_consultation_that_is_over_is_not_opened_again(over):
    proposal = make.accepted()
    clock_account()
    with clock.moved_to(clock.now() + timedelta(days=60)):
        schedule.lapse_due_referrals()
    lapsed = make.referral_of(proposal)
    if over == "withdrawn":
        withdraw_proposal(proposal, by=representative_of(proposal), note="Enough.")
    elif over == "replaced":
        make.resubmitted(proposal)
    else:
        Proposal.objects.filter(pk=proposal.pk).update(status=ProposalStatus.DESIGNATED)
    with pytest.raises(NotReady) as refusal:
        services.reopen_referral(
            lapsed, by=officer(), due_on=clock.today() + timedelta(days=5), reason="Illness."
        )
    assert codes(refusal) == {"consultation-over"}


def test_a_delegate_signs_for_the_decision_official():
    giver, delegate = make.decision_official(), officer()
    delegation = make.delegated(giver, delegate, Delegation.SIGN_DETERMINATION, "COMMERCE")
    assert make.signed(make.ready_to_sign(), by=delegate).delegation == delegation


def test_the_packet_that_was_read_is_the_packet_that_is_signed():
    determination = make.ready_to_sign()
    read = sha256_hex(packet_text(determination))
    make.filed(determination.proposal, "DOE", "no_position")
    determination = Determination.objects.get()
    for expected in ("clearance-overtaken", "packet-changed"):
        with pytest.raises(NotReady) as moved:
            services.sign_determination(determination, by=make.decision_official(), packet_sha256=read)
        assert codes(moved) == {expected}
        determination = make.cleared(Determination.objects.get())
    services.sign_determination(
        determination, by=make.decision_official(), packet_sha256=sha256_hex(packet_text(determination))
    )
    assert json.loads(determination.packet)["us_content"]["percent"] == "60.00"


def test_signed_is_not_announced_and_can_be_recalled():
    determination = make.signed()
    proposal = determination.proposal
    assert Proposal.objects.get(pk=proposal.pk).status == ProposalStatus.UNDER_EVALUATION
    assert not Notice.objects.filter(kind="evaluation.announced").exists()
    services.recall_determination(determination, by=make.decision_official(), reason="A new fact.")
    with pytest.raises(WrongStatus):
        services.announce_determination(determination, by=make.decision_official())
    assert services.prepare_determination(proposal, by=officer()).status == "draft"


def test_what_was_written_is_carried_over_from_a_recalled_determination():
    desk, chief = officer(), make.decision_official()
    proposal = make.accepted(desk)
    draft = make.ready_to_sign(proposal, by=desk, DOE="object", STATE="object")
    written = {"text": "Weights stay.", "owner": "Anchor", "evidence": "A test.", "effect": "Suspension."}
    for due_on in (clock.today() + timedelta(days=1), date(2031, 1, 31)):
        services.save_condition(draft, by=desk, values={**written, "due_on": due_on})
    signed = make.signed(draft, by=chief)
    services.recall_determination(signed, by=chief, reason="An agency objects no more.")
    make.filed(proposal, "STATE", "support")
    other = officer()

    with clock.moved_to(clock.now() + timedelta(days=3)):
        again = services.prepare_determination(proposal, by=other)

    again = Determination.objects.get(pk=again.pk)
    names = ("outcome", "rationale", "letter_text", "defer_until", "expires_on", "version_id")
    assert [getattr(again, name) for name in names] == [getattr(signed, name) for name in names]
    assert (again.status, again.signed_by, again.delegation, again.packet) == ("draft", None, None, "")
    assert set(again.findings.values_list("is_met", "text")) == {(True, "Shown in the package.")}
    assert [row.position.referral.agency.code for row in again.objection_answers.all()] == ["DOE"]
    assert list(again.conditions.values_list("number", "due_on", "text")) == [
        (1, None, "Weights stay."), (2, date(2031, 1, 31), "Weights stay."),
    ]  # fmt: skip
    assert set(again.written_by.all()) == {desk, other}
    assert again.carried_from == signed


def test_findings_of_a_recalled_determination_are_made_anew_on_another_version():
    desk, chief = officer(), make.decision_official()
    proposal = make.accepted(desk)
    signed = make.signed(make.ready_to_sign(proposal, by=desk, DOE="object"), by=chief)
    make.new_version(proposal)
    services.recall_determination(signed, by=chief, reason="A newer version.")

    again = services.prepare_determination(proposal, by=desk)

    assert again.version.number == 2
    assert set(again.findings.values_list("is_met", "text")) == {(None, "Shown in the package.")}
    assert not again.objection_answers.exists()


def test_announced_twice_is_announced_once():
    determination, chief = make.signed(), make.decision_official()
    services.announce_determination(determination, by=chief)
    with pytest.raises(WrongStatus):
        services.announce_determination(determination, by=chief)
    assert Designation.objects.count() == Letter.objects.count() == 1


def test_an_objection_since_the_signature_is_answered_before_the_announcement():
    desk, chief = officer(), make.decision_official()
    determination = make.signed(by=chief)
    proposal = determination.proposal
    make.filed(proposal, "DOE", "object")

    with pytest.raises(NotReady) as refusal:
        services.announce_determination(determination, by=chief)

    assert codes(refusal) == {"objection-DOE"}
    assert not Letter.objects.exists()
    services.recall_determination(determination, by=chief, reason="An agency objects.")
    again = make.signed(make.ready_to_sign(proposal, by=desk, DOE="object"), by=chief)
    services.announce_determination(again, by=chief)
    assert Proposal.objects.get().status == ProposalStatus.DESIGNATED


def with_cleared_match(desk):
    """A proposal under evaluation whose one match two people found false, and that match."""
    check = make.flagged(proposal := make.at_intake(), desk)
    for person in (desk, officer()):
        services.adjudicate(check, by=person, outcome="false_positive", reason="Another country.")
    make.accept(proposal, desk)
    return proposal, PartyCheck.objects.newest().exclude(result="no_hit").get()


def test_a_match_confirmed_since_the_signature_bars_a_designation_and_all_is_said_at_once():
    desk, chief = officer(), make.decision_official()
    proposal, _ = with_cleared_match(desk)
    determination = make.signed(make.ready_to_sign(proposal, by=desk), by=chief)
    check = PartyCheck.objects.newest().exclude(result="no_hit").get()
    services.adjudicate(check, by=officer(), outcome="confirmed", reason="The same address.")
    make.filed(proposal, "DOE", "object")

    with pytest.raises(NotReady) as refusal:
        services.announce_determination(determination, by=chief)

    assert codes(refusal) == {"blocked-party", "objection-DOE"}
    assert not Designation.objects.exists()


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        ("designate", {"expires-on": "last day", "condition-1-due_on": "condition 1"}),
        ("defer", {"defer-until": "deferred"}),
        ("not_select", {}),
    ],
)
def test_what_was_signed_with_a_day_ahead_is_not_announced_once_that_day_is_over(outcome, wanted):
    desk, chief = officer(), make.decision_official()
    determination = make.ready_to_sign(outcome=outcome, by=desk)
    tomorrow = clock.today() + timedelta(days=1)
    words = dict.fromkeys(("text", "owner", "evidence", "effect"), "Words.")
    if outcome == "designate":
        services.save_condition(determination, by=desk, values={**words, "due_on": tomorrow})
    days = {"expires_on": tomorrow, "defer_until": tomorrow if outcome == "defer" else None}
    services.save_determination(determination, by=desk, revision=None, values=days)
    with clock.moved_to(clock.now() + timedelta(days=3)):
        too_late = {problem.code for problem in SIGN.problems(determination)}
    make.signed(determination, by=chief)

    with clock.moved_to(clock.now() + timedelta(days=3)):
        if wanted:
            with pytest.raises(NotReady) as refusal:
                services.announce_determination(determination, by=chief)
            assert codes(refusal) == wanted.keys() and wanted.keys() <= too_late
            for problem in refusal.value.problems:
                assert wanted[problem.code] in problem.message
                assert problem.message.endswith("Recall the determination and sign a new one.")
        else:
            services.announce_determination(determination, by=chief)

    determination.refresh_from_db()
    assert determination.status == ("signed" if wanted else "announced")
    assert not Designation.objects.exists()


@pytest.mark.parametrize("outcome", ["designate", "not_select", "defer"])
def test_nothing_is_announced_to_a_consortium_that_withdrew_after_the_signature(outcome):
    chief = make.decision_official()
    determination = make.signed(outcome=outcome, by=chief)
    proposal = determination.proposal
    withdraw_proposal(proposal, by=representative_of(proposal), note="We found another way.")

    with pytest.raises(NotReady) as refusal:
        services.announce_determination(determination, by=chief)

    assert codes(refusal) == {"not-under-evaluation"}
    assert not Letter.objects.exists()
    services.recall_determination(determination, by=chief, reason="The proposal was withdrawn.")


@pytest.mark.parametrize(
    ("outcome", "status", "kind"),
    [("not_select", "not_selected", "not_selected"), ("defer", "under_evaluation", "deferral")],
)
def test_other_outcomes_have_their_letter_and_no_designation(outcome, status, kind):
    determination = make.signed(outcome=outcome)
    services.announce_determination(determination, by=make.decision_official())
    assert Proposal.objects.get().status == status
    assert Letter.objects.get().kind == kind
    assert not Designation.objects.exists()


# Designation


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


def test_only_the_anchor_releases_and_only_what_it_ticked():
    designation = make.designated()
    values = {"title": "Hospital stack", "summary": "For hospitals.", "shows_markets": True}
    with pytest.raises(PermissionDenied):
        services.release_catalog_entry(designation, by=officer(), values=values)
    entry = make.published(designation, **values)
    assert entry.markets == [{"code": "KE", "name": "Kenya"}]
    assert (entry.members, entry.sectors) == ([], [])
    entry = make.published(
        designation, **{**values, "shows_markets": False, "shows_sectors": True, "shows_members": True}
    )
    assert (entry.markets, len(entry.members), entry.sectors) == ([], 1, ["healthcare"])
    services.withdraw_catalog_entry(designation, by=representative_of(designation.proposal))
    assert not CatalogEntry.objects.public().exists()


def test_letters_become_pdf_files_from_the_stored_text(transactional_db):
    designation = make.designated()
    make_paper = designation.letters.get().paper
    assert owed(LetterPaper) == [make_paper.pk]
    assert documents.render_letter(make_paper.pk)
    assert not documents.render_letter(make_paper.pk)
    make_paper.refresh_from_db()
    assert make_paper.document.content_type == "application/pdf"


@pytest.mark.parametrize(
    ("stance", "words"),
    [
        ("support_with_conditions", "is now “Support with conditions”"),
        ("no_position", "is now “No position”"),
        ("support", "is now “Support”"),
    ],
)
def test_a_position_changed_since_the_signature_is_not_announced_under_the_old_packet(stance, words):
    desk, chief = officer(), make.decision_official()
    determination = make.signed(by=chief)
    proposal = determination.proposal
    make.filed(proposal, "DOE", stance, rationale="We have read the annex.")

    with pytest.raises(NotReady) as refusal:
        services.announce_determination(determination, by=chief)

    assert codes(refusal) == {"position-DOE"}
    message = refusal.value.problems[0].message
    assert words in message
    assert "Recall the determination and sign a new one" in message
    assert not Letter.objects.exists()
    services.recall_determination(determination, by=chief, reason="An agency says otherwise.")
    again = services.prepare_determination(proposal, by=desk)
    make.signed(again, by=chief)
    services.announce_determination(again, by=chief)
    assert Designation.objects.get().determination == again


def signed_on_lapsed(proposal, desk, outcome="designate"):
    """A signed determination on a proposal of which State let the time go by."""
    schedule.lapse_due_referrals()
    make.screened(proposal, desk)
    draft = services.prepare_determination(proposal, by=desk)
    make.found(draft)
    values = {"outcome": outcome, "rationale": "It serves.", "letter_text": "It was weighed."}
    values["defer_until"] = clock.today() + timedelta(days=60) if outcome == "defer" else None
    services.save_determination(draft, by=desk, revision=None, values=values)
    return make.signed(draft, by=make.decision_official())


def reopened(proposal, desk):
    due_on = clock.today() + timedelta(days=5)
    services.reopen_referral(make.referral_of(proposal), by=desk, due_on=due_on, reason="Illness.")


@pytest.fixture
def without_state():
    """A proposal under evaluation on which all but State have said what they think, and its officer."""
    proposal = make.accepted(desk := officer())
    clock_account()
    for agency in ("COMMERCE", "DOD", "DOE", "OSTP"):
        make.filed(proposal, agency)
    with clock.moved_to(clock.now() + timedelta(days=60)):
        yield proposal, desk


def test_a_position_filed_on_what_was_lapsed_at_the_signature_is_not_in_the_packet(without_state):
    proposal, desk = without_state
    signed = signed_on_lapsed(proposal, desk)
    reopened(proposal, desk)
    make.filed(proposal, "STATE")
    with pytest.raises(NotReady) as refusal:
        services.announce_determination(signed, by=signed.signed_by)
    assert codes(refusal) == {"position-STATE"}


def test_scores_counted_anew_after_the_signature_are_signed_on_anew():
    """Who is recused after the signature takes their sheet out of the record, and not out of the packet."""
    proposal, desk = make.accepted(officer()), officer()
    sheets = [make.filled_review(make.assigned(proposal), value=value) for value in (2, 4)]
    for sheet in sheets:
        services.submit_review(sheet, by=sheet.reviewer)
    signed = make.signed(make.ready_to_sign(proposal, by=desk))
    services.recuse(proposal, person=sheets[0].reviewer, by=desk, reason="A cousin works there.")
    with pytest.raises(NotReady) as refusal:
        services.announce_determination(signed, by=signed.signed_by)
    assert codes(refusal) == {"scores-STATE"}
    assert "sign a new one on the reviews as they stand" in refusal.value.problems[0].message
    signed.refresh_from_db()
    assert signed.status == "signed"


def test_nothing_is_announced_while_an_agency_is_consulted_again(without_state):
    proposal, desk = without_state
    signed = signed_on_lapsed(proposal, desk)
    chief = signed.signed_by
    reopened(proposal, desk)
    for paused, words in ((False, "until the end of"), (True, "clock paused")):
        Referral.objects.filter(pk=make.referral_of(proposal).pk).update(
            paused_at=clock.now() if paused else None
        )
        with pytest.raises(NotReady) as refusal:
            services.announce_determination(signed, by=chief)
        assert codes(refusal) == {"consultation-open-STATE"}
        assert words in refusal.value.problems[0].message
    came = services.announce_together([signed.pk], by=chief)
    ((left, reasons),) = came.left
    assert (left, came.done) == (signed, []) and "is consulted again since the signature" in reasons[0]
    Referral.objects.filter(pk=make.referral_of(proposal).pk).update(paused_at=None)
    with clock.moved_to(clock.now() + timedelta(days=7)):
        schedule.lapse_due_referrals()
        services.announce_determination(signed, by=chief)
    assert Designation.objects.get().determination == signed


def test_a_deferral_is_announced_while_an_agency_is_consulted_again(without_state):
    proposal, desk = without_state
    signed = signed_on_lapsed(proposal, desk, outcome="defer")
    reopened(proposal, desk)
    services.announce_determination(signed, by=signed.signed_by)
    assert Letter.objects.get().kind == "deferral"
    assert schedule.end_left_referrals() == 0  # the evaluation goes on


@pytest.mark.parametrize("outcome", ["designate", "not_select"])
def test_the_clock_ends_a_consultation_that_a_decision_left_open(client, outcome):
    chief, lead = make.decision_official(), make.lead()
    signed = make.signed(outcome=outcome, by=chief)
    services.announce_determination(signed, by=chief)
    referral = make.referral_of(signed.proposal)
    Referral.objects.filter(pk=referral.pk).update(status="open", answered_at=None, position=None)
    told = Notice.objects.count()
    room = page(client, lead, "position", referral.pk)
    assert "Ended: proposal decided" in room.text and not room.context["can_file"]

    assert (schedule.end_left_referrals(), schedule.end_left_referrals()) == (1, 0)

    referral.refresh_from_db()
    assert (referral.status, referral.get_status_display()) == ("ended", "Ended: proposal decided")
    assert AuditEvent.objects.of(referral).get(act="referral.end").said["note"] == "The proposal was decided."
    assert Notice.objects.count() == told
    columns = page(client, lead, "proposal", signed.proposal.number).context["columns"]
    assert "Ended: proposal decided" in {column.state for column in columns}


def test_a_deferral_rests_on_no_position():
    chief = make.decision_official()
    determination = make.signed(outcome="defer", by=chief)
    make.filed(determination.proposal, "DOE", "no_position")
    services.announce_determination(determination, by=chief)
    assert Letter.objects.get().kind == "deferral"
